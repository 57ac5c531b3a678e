//! Columns with Hive's types, which Athena and Glue share.

use crate::formats::Kind;
use crate::schema::mapping::{Node, OutputTable};

/// A column of a table: a value, or a group of values below a name.
pub(super) struct HiveColumn {
    pub(super) name: String,
    pub(super) kind: String,
    /// One sentence; a group has none.
    pub(super) doc: Option<&'static str>,
}

/// Returns the columns of a table, without the partition keys. Their names are in lowercase, as in Glue; Athena ignores
/// the case of the names in files.
///
/// `quote` surrounds the names of a group's members: nothing in the catalog, and backticks in a statement, because some
/// names are reserved words.
pub(super) fn hive_columns(table: &OutputTable, quote: &str) -> Vec<HiveColumn> {
    let columns = table.nodes.iter().map(|node| HiveColumn {
        name: table.name_of(node).to_ascii_lowercase(),
        kind: hive_type(table, node, quote),
        doc: match node {
            Node::Leaf(leaf) => table.leaves.get(*leaf).map(|leaf| leaf.doc),
            Node::Group(_) => None,
        },
    });
    columns.collect()
}

/// Returns the type of a node.
fn hive_type(table: &OutputTable, node: &Node, quote: &str) -> String {
    match node {
        Node::Leaf(leaf) => table.leaves.get(*leaf).map_or("", |leaf| scalar(leaf.kind)).to_owned(),
        Node::Group(group) => {
            let members = group.nodes.iter().map(|node| {
                let name = table.name_of(node).to_ascii_lowercase();
                format!("{quote}{name}{quote}:{}", hive_type(table, node, quote))
            });
            format!("struct<{}>", members.collect::<Vec<_>>().join(","))
        }
    }
}

/// Returns the type of the values of a kind. Timestamps have no time zone and are in UTC.
const fn scalar(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "string",
        Kind::Int32 => "int",
        Kind::Int64 => "bigint",
        Kind::Float64 => "double",
        Kind::Timestamp | Kind::NaiveTimestamp => "timestamp",
        Kind::Date => "date",
        Kind::TextList => "array<string>",
    }
}
