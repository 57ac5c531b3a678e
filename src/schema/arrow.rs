//! The Arrow schema of a table.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};

use crate::format::{Fill, Kind, Plan, PlannedColumn, Presence, Source};

/// The Arrow schema that readers see.
pub fn schema(plan: &Plan) -> SchemaRef {
    let fields: Fields = plan
        .columns
        .iter()
        .map(|column| field(column, data_type(column.kind)))
        .collect();
    Arc::new(Schema::new(fields))
}

/// The schema that the Parquet writer is given: columns that are the same for a whole object are dictionaries of one
/// value there. In the file they are plain text columns.
pub(crate) fn writer_schema(plan: &Plan) -> SchemaRef {
    let fields: Fields = plan
        .columns
        .iter()
        .map(|column| {
            let data_type = if is_constant(column) {
                constant_type()
            } else {
                data_type(column.kind)
            };
            field(column, data_type)
        })
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
pub(crate) fn list_item() -> Arc<Field> {
    Arc::new(Field::new("element", DataType::Utf8, false))
}

/// The type of a column that is the same for a whole object.
fn constant_type() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

/// Whether the column is the same for a whole object.
fn is_constant(column: &PlannedColumn) -> bool {
    matches!(
        column.source,
        Source::Filled(Fill::AccountId | Fill::Region | Fill::SourceBucket | Fill::SourceKey)
    )
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
