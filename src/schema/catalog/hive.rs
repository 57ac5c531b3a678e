//! Columns in Hive's words, which Athena and Glue share.

use crate::formats::Kind;
use crate::schema::mapping::{Node, OutputTable};

/// A column of a table: a value, or the group of values below a name.
pub(super) struct HiveColumn {
    pub(super) name: String,
    pub(super) kind: String,
    /// One sentence; a group has none.
    pub(super) doc: Option<&'static str>,
}

/// The columns of a table, without those that folders stand for. Their names are in lower case, as Glue keeps them;
/// Athena finds them in files whatever their case.
///
/// `quote` is put around the names of a group's members: the catalog takes them as they are, a statement in backticks,
/// because some are reserved words.
pub(super) fn hive_columns(shape: &OutputTable, quote: &str) -> Vec<HiveColumn> {
    let columns = shape.nodes.iter().map(|node| HiveColumn {
        name: shape.name_of(node).to_ascii_lowercase(),
        kind: hive_type(shape, node, quote),
        doc: match node {
            Node::Leaf(leaf) => shape.leaves.get(*leaf).map(|leaf| leaf.doc),
            Node::Group(_) => None,
        },
    });
    columns.collect()
}

/// The type of what stands at a node.
fn hive_type(shape: &OutputTable, node: &Node, quote: &str) -> String {
    match node {
        Node::Leaf(leaf) => shape.leaves.get(*leaf).map_or("", |leaf| scalar(leaf.kind)).to_owned(),
        Node::Group(group) => {
            let members = group.nodes.iter().map(|node| {
                let name = shape.name_of(node).to_ascii_lowercase();
                format!("{quote}{name}{quote}:{}", hive_type(shape, node, quote))
            });
            format!("struct<{}>", members.collect::<Vec<_>>().join(","))
        }
    }
}

/// Times are UTC and have no zone there.
const fn scalar(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "string",
        Kind::Int32 => "int",
        Kind::Int64 => "bigint",
        Kind::Float64 => "double",
        Kind::Timestamp => "timestamp",
        Kind::TextList => "array<string>",
    }
}
