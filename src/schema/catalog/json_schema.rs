//! The JSON Schema of a table's events, draft 2020-12.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::formats::{Kind, Presence};
use crate::schema::mapping::{Leaf, Literal, Node, OutputTable, Value};

/// The pattern of a time: always UTC, with six digits of fraction.
const TIME: &str = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}Z$";
/// The pattern of a time without a time zone.
const NAIVE_TIME: &str = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}$";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    #[serde(rename = "$schema")]
    dialect: &'a str,
    #[serde(rename = "$id")]
    id: String,
    title: &'a str,
    description: String,
    #[serde(flatten)]
    object: Object<'a>,
}

/// The schema of an object with the given nodes.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Object<'a> {
    r#type: &'a str,
    properties: Properties<'a>,
    required: Vec<&'a str>,
    additional_properties: bool,
}

/// The nodes, in order.
#[derive(Clone, Copy)]
struct Properties<'a> {
    table: &'a OutputTable,
    nodes: &'a [Node],
}

#[derive(Serialize, Default)]
struct Property {
    description: &'static str,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#const: Option<Const>,
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

/// A value that is the same for every event.
#[derive(Serialize)]
#[serde(untagged)]
enum Const {
    Text(&'static str),
    Number(i64),
    Words(&'static [&'static str]),
}

#[derive(Serialize)]
struct Items {
    r#type: &'static str,
}

impl<'a> Object<'a> {
    fn new(table: &'a OutputTable, nodes: &'a [Node]) -> Self {
        let required = nodes.iter().filter(|node| is_required(table, node));
        Self {
            r#type: "object",
            properties: Properties { table, nodes },
            required: required.map(|node| table.name_of(node)).collect(),
            additional_properties: false,
        }
    }
}

impl Serialize for Properties<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.nodes.len()))?;
        for node in self.nodes {
            let name = self.table.name_of(node);
            match node {
                Node::Group(group) => map.serialize_entry(name, &Object::new(self.table, &group.nodes))?,
                Node::Leaf(leaf) => map.serialize_entry(name, &self.table.leaves.get(*leaf).map(property))?,
            }
        }
        map.end()
    }
}

/// Returns whether every event has a value at the node.
fn is_required(table: &OutputTable, node: &Node) -> bool {
    match node {
        Node::Leaf(leaf) => {
            let leaf = table.leaves.get(*leaf);
            leaf.is_some_and(|leaf| leaf.presence == Presence::Required)
        }
        Node::Group(group) => group.nodes.iter().any(|node| is_required(table, node)),
    }
}

fn property(leaf: &Leaf) -> Property {
    let plain = |r#type| Property {
        description: leaf.doc,
        r#type,
        r#const: match leaf.value {
            Value::Constant(literal) => Some(constant(literal)),
            Value::Column(_) | Value::Conditional { .. } | Value::Computed { .. } => None,
        },
        ..Property::default()
    };
    let integer = |minimum, maximum| Property {
        minimum: Some(minimum),
        maximum: Some(maximum),
        ..plain("integer")
    };
    match leaf.kind {
        Kind::Text => plain("string"),
        Kind::Int32 => integer(i64::from(i32::MIN), i64::from(i32::MAX)),
        Kind::Int64 => integer(i64::MIN, i64::MAX),
        Kind::Float64 => plain("number"),
        Kind::Timestamp => Property {
            format: Some("date-time"),
            pattern: Some(TIME),
            ..plain("string")
        },
        Kind::NaiveTimestamp => Property {
            pattern: Some(NAIVE_TIME),
            ..plain("string")
        },
        Kind::Date => Property {
            format: Some("date"),
            ..plain("string")
        },
        Kind::TextList => Property {
            items: Some(Items { r#type: "string" }),
            ..plain("array")
        },
    }
}

fn constant(literal: Literal) -> Const {
    match literal {
        Literal::Text(text) => Const::Text(text),
        Literal::Int32(number) => Const::Number(i64::from(number)),
        Literal::Int64(number) => Const::Number(number),
        Literal::Words(words) => Const::Words(words),
    }
}

/// Returns the JSON Schema of the table's events in JSON, which omit nulls.
///
/// # Errors
/// None in practice: the JSON contains only texts and numbers.
pub fn schema(table: &OutputTable) -> Result<String, serde_json::Error> {
    let (name, format) = (table.schema.name(), table.plan.format);
    let document = Document {
        dialect: "https://json-schema.org/draft/2020-12/schema",
        id: format!("urn:alb-ingest:{name}:{}:{}", format.name, table.schema.version()),
        title: format.name,
        description: format!("An event of the {}. Null columns are omitted.", format.title),
        object: Object::new(table, &table.nodes),
    };
    serde_json::to_string_pretty(&document).map(|json| json + "\n")
}
