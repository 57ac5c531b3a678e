//! The index template of Elasticsearch for a table's events.
//! <https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-indices-put-index-template>

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::formats::Kind;
use crate::schema::mapping::{Leaf, Node, OutputTable};

/// Fields that ECS has as addresses. Elastic's integration has those below `aws` as keywords.
const ADDRESSES: [&str; 3] = ["client.ip", "destination.ip", "source.ip"];
/// Fields that ECS has as wildcards, because they are searched for parts.
const WILDCARDS: [&str; 2] = ["url.original", "url.path"];
/// The raw line, which ECS keeps and does not search.
const ORIGINAL: &str = "event.original";
/// The length of the longest keyword that is indexed, as in the templates of ECS. Longer ones are only in `_source`: Lucene
/// refuses documents with a keyword of more than 32,766 bytes.
const IGNORE_ABOVE: u32 = 1_024;
/// Above the templates for all indices that Elasticsearch comes with, whose priority is 100.
const PRIORITY: u32 = 200;

#[derive(Serialize)]
struct Document<'a> {
    index_patterns: [String; 1],
    priority: u32,
    version: u32,
    template: Contents<'a>,
    _meta: Meta,
}

#[derive(Serialize)]
struct Contents<'a> {
    mappings: Mappings<'a>,
}

#[derive(Serialize)]
struct Mappings<'a> {
    /// Texts that look like times stay texts.
    date_detection: bool,
    properties: Properties<'a>,
}

#[derive(Serialize)]
struct Meta {
    description: String,
}

/// The nodes, in order.
#[derive(Clone, Copy)]
struct Properties<'a> {
    table: &'a OutputTable,
    nodes: &'a [Node],
}

#[derive(Serialize)]
struct Group<'a> {
    properties: Properties<'a>,
}

#[derive(Serialize, Default)]
struct Field {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ignore_above: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    doc_values: Option<bool>,
}

impl Serialize for Properties<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.nodes.len()))?;
        for node in self.nodes {
            let name = self.table.name_of(node);
            match node {
                Node::Group(group) => {
                    let (table, nodes) = (self.table, group.nodes.as_slice());
                    let properties = Properties { table, nodes };
                    map.serialize_entry(name, &Group { properties })?;
                }
                Node::Leaf(leaf) => map.serialize_entry(name, &self.table.leaves.get(*leaf).map(field))?,
            }
        }
        map.end()
    }
}

fn field(leaf: &Leaf) -> Field {
    let r#type = type_of(leaf);
    if leaf.path == ORIGINAL {
        return Field {
            r#type,
            index: Some(false),
            doc_values: Some(false),
            ..Field::default()
        };
    }
    Field {
        r#type,
        ignore_above: (r#type == "keyword").then_some(IGNORE_ABOVE),
        ..Field::default()
    }
}

/// Returns the type of a field in Elasticsearch: that of ECS or of Elastic's integration if they have the field.
pub fn type_of(leaf: &Leaf) -> &'static str {
    match leaf.kind {
        Kind::Text if ADDRESSES.contains(&leaf.path.as_str()) => "ip",
        Kind::Text if WILDCARDS.contains(&leaf.path.as_str()) => "wildcard",
        Kind::Text | Kind::TextList => "keyword",
        Kind::Int32 | Kind::Int64 => "long",
        Kind::Float64 => "float",
        Kind::Timestamp | Kind::NaiveTimestamp | Kind::Date => "date",
    }
}

/// Returns the index template for the table's events, as JSON. It applies to indices that are named after the table.
///
/// # Errors
/// None in practice: the JSON contains only texts and numbers.
pub fn index_template(table: &OutputTable) -> Result<String, serde_json::Error> {
    let format = table.plan.format;
    let document = Document {
        index_patterns: [format!("{}-*", format.name)],
        priority: PRIORITY,
        version: table.schema.version(),
        template: Contents {
            mappings: Mappings {
                date_detection: false,
                properties: Properties {
                    table,
                    nodes: &table.nodes,
                },
            },
        },
        _meta: Meta {
            description: format!("Events of the {}, by alb-ingest.", format.title),
        },
    };
    serde_json::to_string_pretty(&document).map(|json| json + "\n")
}
