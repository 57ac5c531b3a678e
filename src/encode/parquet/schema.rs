//! The Parquet schema of a table.

use std::sync::Arc;

use parquet::basic::{ConvertedType, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::errors::ParquetError;
use parquet::schema::types::{Type, TypePtr};

use crate::format::{Kind, Plan, PlannedColumn, Presence};

/// The schema of a table: a flat group, lists in the three levels that the format asks for.
pub(super) fn parquet_schema(plan: &Plan) -> Result<TypePtr, ParquetError> {
    let fields = plan.columns.iter().map(field).collect::<Result<_, _>>()?;
    Ok(Arc::new(
        Type::group_type_builder(plan.format.name).with_fields(fields).build()?,
    ))
}

fn field(column: &PlannedColumn) -> Result<TypePtr, ParquetError> {
    let repetition = match column.presence {
        Presence::Required => Repetition::REQUIRED,
        Presence::Nullable => Repetition::OPTIONAL,
    };
    let primitive = |physical| Type::primitive_type_builder(column.name, physical).with_repetition(repetition);
    let built = match column.kind {
        Kind::Text => primitive(Physical::BYTE_ARRAY)
            .with_logical_type(Some(LogicalType::String))
            .build(),
        Kind::Int32 => primitive(Physical::INT32).build(),
        Kind::Int64 => primitive(Physical::INT64).build(),
        Kind::Float64 => primitive(Physical::DOUBLE).build(),
        Kind::Timestamp => primitive(Physical::INT64)
            .with_logical_type(Some(LogicalType::timestamp(true, TimeUnit::MICROS)))
            .build(),
        Kind::TextList => return text_list(column.name, repetition),
    };
    Ok(Arc::new(built?))
}

fn text_list(name: &str, repetition: Repetition) -> Result<TypePtr, ParquetError> {
    let element = Type::primitive_type_builder("element", Physical::BYTE_ARRAY)
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
