//! The JSON Schema of a table's events, draft 2020-12.

use serde::{Serialize, Serializer};

use super::{Column, Table};
use crate::format::{Kind, Presence};

/// The form of a time: always UTC, always six digits of fraction.
const TIME: &str = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}Z$";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Schema<'a> {
    #[serde(rename = "$schema")]
    dialect: &'a str,
    #[serde(rename = "$id")]
    id: String,
    title: &'a str,
    description: String,
    r#type: &'a str,
    #[serde(serialize_with = "properties")]
    properties: &'a [Column],
    required: Vec<&'a str>,
    additional_properties: bool,
}

#[derive(Serialize, Default)]
struct Property {
    description: &'static str,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pattern: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    minimum: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maximum: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<Items>,
}

#[derive(Serialize)]
struct Items {
    r#type: &'static str,
}

/// The columns as an object, in their order.
fn properties<S: Serializer>(columns: &[Column], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(columns.iter().map(|column| (column.name, property(column))))
}

fn property(column: &Column) -> Property {
    let plain = |r#type| Property {
        description: column.doc,
        r#type,
        ..Property::default()
    };
    let integer = |minimum, maximum| Property {
        minimum: Some(minimum),
        maximum: Some(maximum),
        ..plain("integer")
    };
    match column.kind {
        Kind::Text => plain("string"),
        Kind::Int32 => integer(i64::from(i32::MIN), i64::from(i32::MAX)),
        Kind::Int64 => integer(i64::MIN, i64::MAX),
        Kind::Float64 => plain("number"),
        Kind::Timestamp => Property {
            format: Some("date-time"),
            pattern: Some(TIME),
            ..plain("string")
        },
        Kind::TextList => Property {
            items: Some(Items { r#type: "string" }),
            ..plain("array")
        },
    }
}

/// The schema that each event of the table keeps in JSON, where a null is left out.
///
/// # Errors
/// None in practice: the JSON holds texts and numbers alone.
pub fn schema(table: &Table) -> Result<String, serde_json::Error> {
    let required = table
        .columns
        .iter()
        .filter(|column| column.presence == Presence::Required);
    let schema = Schema {
        dialect: "https://json-schema.org/draft/2020-12/schema",
        id: format!("urn:alb-ingest:{}:{}:{}", table.shape, table.name, table.version),
        title: table.name,
        description: format!("One event of the {}. A column that is null is left out.", table.title),
        r#type: "object",
        properties: &table.columns,
        required: required.map(|column| column.name).collect(),
        additional_properties: false,
    };
    serde_json::to_string_pretty(&schema).map(|json| json + "\n")
}
