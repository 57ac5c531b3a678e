//! The JSON Schema of a table's events, draft 2020-12.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::formats::{Kind, Presence};
use crate::schema::mapping::{Leaf, Literal, Node, OutputTable, Value};

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
    #[serde(flatten)]
    object: Object<'a>,
}

/// An object with these nodes.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Object<'a> {
    r#type: &'a str,
    properties: Properties<'a>,
    required: Vec<&'a str>,
    additional_properties: bool,
}

/// The nodes in their order.
#[derive(Clone, Copy)]
struct Properties<'a> {
    shape: &'a OutputTable,
    nodes: &'a [Node],
}

#[derive(Serialize, Default)]
struct Property {
    description: &'static str,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#const: Option<Same>,
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
enum Same {
    Text(&'static str),
    Number(i64),
    Words(&'static [&'static str]),
}

#[derive(Serialize)]
struct Items {
    r#type: &'static str,
}

impl<'a> Object<'a> {
    fn new(shape: &'a OutputTable, nodes: &'a [Node]) -> Self {
        let required = nodes.iter().filter(|node| is_required(shape, node));
        Self {
            r#type: "object",
            properties: Properties { shape, nodes },
            required: required.map(|node| shape.name_of(node)).collect(),
            additional_properties: false,
        }
    }
}

impl Serialize for Properties<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.nodes.len()))?;
        for node in self.nodes {
            let name = self.shape.name_of(node);
            match node {
                Node::Group(group) => map.serialize_entry(name, &Object::new(self.shape, &group.nodes))?,
                Node::Leaf(leaf) => map.serialize_entry(name, &self.shape.leaves.get(*leaf).map(property))?,
            }
        }
        map.end()
    }
}

/// Whether every event has something at the node.
fn is_required(shape: &OutputTable, node: &Node) -> bool {
    match node {
        Node::Leaf(leaf) => {
            let leaf = shape.leaves.get(*leaf);
            leaf.is_some_and(|leaf| leaf.presence == Presence::Required)
        }
        Node::Group(group) => group.nodes.iter().any(|node| is_required(shape, node)),
    }
}

fn property(leaf: &Leaf) -> Property {
    let plain = |r#type| Property {
        description: leaf.doc,
        r#type,
        r#const: match leaf.value {
            Value::Constant(literal) => Some(same(literal)),
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
        Kind::TextList => Property {
            items: Some(Items { r#type: "string" }),
            ..plain("array")
        },
    }
}

fn same(literal: Literal) -> Same {
    match literal {
        Literal::Text(text) => Same::Text(text),
        Literal::Int32(number) => Same::Number(i64::from(number)),
        Literal::Int64(number) => Same::Number(number),
        Literal::Words(words) => Same::Words(words),
    }
}

/// The schema that each event of the table keeps in JSON, where a null is left out.
///
/// # Errors
/// None in practice: the JSON holds texts and numbers alone.
pub fn schema(shape: &OutputTable) -> Result<String, serde_json::Error> {
    let (name, format) = (shape.schema.name(), shape.plan.format);
    let schema = Schema {
        dialect: "https://json-schema.org/draft/2020-12/schema",
        id: format!("urn:alb-ingest:{name}:{}:{}", format.name, shape.schema.version()),
        title: format.name,
        description: format!("One event of the {}. A column that is null is left out.", format.title),
        object: Object::new(shape, &shape.nodes),
    };
    serde_json::to_string_pretty(&schema).map(|json| json + "\n")
}
