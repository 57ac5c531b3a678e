//! Builds the Parquet schema of a table.

use std::sync::Arc;

use parquet::basic::{ConvertedType, LogicalType, Repetition, TimeUnit, Type as Stored};
use parquet::errors::ParquetError;
use parquet::schema::types::{SchemaDescPtr, SchemaDescriptor, Type, TypePtr};

use crate::formats::{Kind, Presence};
use crate::schema::mapping::{Leaf, Node, OutputTable};

/// The physical types that log types need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Physical {
    Int32,
    Int64,
    Double,
    Bytes,
}

/// Returns the physical type of a kind.
pub(super) const fn physical(kind: Kind) -> Physical {
    match kind {
        Kind::Text | Kind::TextList => Physical::Bytes,
        Kind::Int32 | Kind::Date => Physical::Int32,
        Kind::Int64 | Kind::Timestamp | Kind::NaiveTimestamp => Physical::Int64,
        Kind::Float64 => Physical::Double,
    }
}

/// Returns the schema of a table. Groups are required: only their values may be null. So the levels of a value depend only
/// on the value itself, however deep it is nested. Lists have the three levels that the format prescribes.
pub(super) fn parquet_schema(table: &OutputTable) -> Result<SchemaDescPtr, ParquetError> {
    let fields = fields(table, &table.nodes)?;
    let root = Type::group_type_builder(table.plan.format.name)
        .with_fields(fields)
        .build()?;
    Ok(Arc::new(SchemaDescriptor::new(Arc::new(root))))
}

fn fields(table: &OutputTable, nodes: &[Node]) -> Result<Vec<TypePtr>, ParquetError> {
    let mut built = Vec::with_capacity(nodes.len());
    for node in nodes {
        match node {
            Node::Group(group) => {
                let below = fields(table, &group.nodes)?;
                let group = Type::group_type_builder(&group.name)
                    .with_repetition(Repetition::REQUIRED)
                    .with_fields(below)
                    .build()?;
                built.push(Arc::new(group));
            }
            Node::Leaf(leaf) => built.push(field(&table.leaves[*leaf])?),
        }
    }
    Ok(built)
}

fn field(leaf: &Leaf) -> Result<TypePtr, ParquetError> {
    let repetition = match leaf.presence {
        Presence::Required => Repetition::REQUIRED,
        Presence::Nullable => Repetition::OPTIONAL,
    };
    let meaning = match leaf.kind {
        Kind::TextList => return text_list(&leaf.name, repetition),
        Kind::Text => Some(LogicalType::String),
        Kind::Timestamp => Some(LogicalType::timestamp(true, TimeUnit::MICROS)),
        Kind::NaiveTimestamp => Some(LogicalType::timestamp(false, TimeUnit::MICROS)),
        Kind::Date => Some(LogicalType::Date),
        Kind::Int32 | Kind::Int64 | Kind::Float64 => None,
    };
    let stored = match physical(leaf.kind) {
        Physical::Int32 => Stored::INT32,
        Physical::Int64 => Stored::INT64,
        Physical::Double => Stored::DOUBLE,
        Physical::Bytes => Stored::BYTE_ARRAY,
    };
    let built = Type::primitive_type_builder(&leaf.name, stored)
        .with_repetition(repetition)
        .with_logical_type(meaning)
        .build()?;
    Ok(Arc::new(built))
}

fn text_list(name: &str, repetition: Repetition) -> Result<TypePtr, ParquetError> {
    let element = Type::primitive_type_builder("element", Stored::BYTE_ARRAY)
        .with_repetition(Repetition::REQUIRED)
        .with_logical_type(Some(LogicalType::String))
        .build()?;
    let list = Type::group_type_builder("list")
        .with_repetition(Repetition::REPEATED)
        .with_fields(vec![Arc::new(element)])
        .build()?;
    let built = Type::group_type_builder(name)
        .with_repetition(repetition)
        .with_logical_type(Some(LogicalType::List))
        .with_converted_type(ConvertedType::LIST)
        .with_fields(vec![Arc::new(list)])
        .build()?;
    Ok(Arc::new(built))
}
