//! The Arrow schema of a table.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};

use crate::formats::{Kind, Presence};
use crate::schema::mapping::{Node, OutputTable};

/// Returns the Arrow schema that readers see.
pub fn schema(table: &OutputTable) -> SchemaRef {
    Arc::new(Schema::new(fields(table, &table.nodes)))
}

fn fields(table: &OutputTable, nodes: &[Node]) -> Fields {
    let fields = nodes.iter().filter_map(|node| match node {
        Node::Group(group) => {
            let below = DataType::Struct(fields(table, &group.nodes));
            Some(Field::new(&group.name, below, false))
        }
        Node::Leaf(leaf) => {
            let leaf = table.leaves.get(*leaf)?;
            let nullable = leaf.presence == Presence::Nullable;
            Some(Field::new(&leaf.name, data_type(leaf.kind), nullable))
        }
    });
    fields.collect()
}

/// Returns the Arrow type of the values of a kind.
fn data_type(kind: Kind) -> DataType {
    match kind {
        Kind::Text => DataType::Utf8,
        Kind::Int32 => DataType::Int32,
        Kind::Int64 => DataType::Int64,
        Kind::Float64 => DataType::Float64,
        Kind::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Kind::NaiveTimestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
        Kind::Date => DataType::Date32,
        Kind::TextList => DataType::List(list_item()),
    }
}

/// Returns the field of a list's items.
fn list_item() -> Arc<Field> {
    Arc::new(Field::new("element", DataType::Utf8, false))
}

/// Returns the schema as text with one line per column, in which nested columns are indented.
pub fn text(table: &OutputTable) -> String {
    let mut text = String::new();
    write(schema(table).fields(), 0, &mut text);
    text
}

fn write(fields: &Fields, depth: usize, text: &mut String) {
    for field in fields {
        let indent = "  ".repeat(depth);
        let nullable = if field.is_nullable() { "" } else { " not null" };
        // Writing to a String cannot fail.
        if let DataType::Struct(below) = field.data_type() {
            let _ = writeln!(text, "{indent}{}: Struct{nullable}", field.name());
            write(below, depth + 1, text);
        } else {
            let _ = writeln!(text, "{indent}{}: {}{nullable}", field.name(), field.data_type());
        }
    }
}
