//! The Arrow schema of a table.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};

use crate::format::{Kind, Plan, PlannedColumn, Presence};

/// The Arrow schema that readers see.
pub fn schema(plan: &Plan) -> SchemaRef {
    let fields: Fields = plan
        .columns
        .iter()
        .map(|column| field(column, data_type(column.kind)))
        .collect();
    Arc::new(Schema::new(fields))
}

/// The Arrow type of the values of a kind.
fn data_type(kind: Kind) -> DataType {
    match kind {
        Kind::Text => DataType::Utf8,
        Kind::Int32 => DataType::Int32,
        Kind::Int64 => DataType::Int64,
        Kind::Float64 => DataType::Float64,
        Kind::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Kind::TextList => DataType::List(list_item()),
    }
}

/// The field of a list's items.
fn list_item() -> Arc<Field> {
    Arc::new(Field::new("element", DataType::Utf8, false))
}

fn field(column: &PlannedColumn, data_type: DataType) -> Field {
    Field::new(column.name, data_type, column.presence == Presence::Nullable)
}

/// The schema as text, a line for each column.
pub fn text(plan: &Plan) -> String {
    let schema = schema(plan);
    let lines = schema.fields().iter().map(|field| {
        let nullable = if field.is_nullable() { "" } else { " not null" };
        format!("{}: {}{nullable}\n", field.name(), field.data_type())
    });
    lines.collect()
}
