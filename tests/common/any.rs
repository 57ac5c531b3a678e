//! Strategies for property tests: generated objects, and a reader of Parquet output.

use std::io::{Seek as _, Write as _};

use alb_ingest::formats::FORMATS;
use alb_ingest::generate::{Object, Packing, Rate, Traffic, Written};
use arrow_array::cast::AsArray as _;
use arrow_array::types::{Date32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, RecordBatch};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value};

/// Returns a configuration with this number of cases. Failures are shrunk and printed, but not saved.
pub(crate) fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(cases)
    }
}

pub(crate) fn any_rate() -> impl Strategy<Value = Rate> {
    select(vec![0, 0, 30_000, 300_000]).prop_map(Rate::per_million)
}

/// Generates objects of every log type and length, with hostile, malformed, repairable and blank lines, in several members.
pub(crate) fn any_object() -> impl Strategy<Value = Object> {
    let lengths = FORMATS.into_iter().flat_map(|format| {
        let known = format.known_fields();
        let longer = [known, known + 1, known + 2];
        format
            .lengths
            .iter()
            .copied()
            .chain(longer)
            .map(move |fields| (format, fields))
    });
    let rates = (any_rate(), any_rate(), any_rate(), any_rate());
    let packing = (1_u64..5, select(vec![0_usize, 1, 512]));
    (
        select(lengths.collect::<Vec<_>>()),
        any::<u64>(),
        1_u64..150,
        rates,
        packing,
    )
        .prop_map(
            |((format, fields), seed, lines, (hostile, broken, repairable, blank), (members, padding))| {
                let object = Object::new(format, seed, lines);
                Object {
                    traffic: Traffic {
                        fields: Some(fields),
                        hostile,
                        broken,
                        repairable,
                        blank,
                        ..object.traffic
                    },
                    packing: Packing { members, padding },
                    ..object
                }
            },
        )
}

pub(crate) fn bytes_of(object: &Object) -> (Vec<u8>, Written) {
    let mut bytes = Vec::new();
    let written = object.write_to(&mut bytes).unwrap();
    (bytes, written)
}

/// Returns the lines of an object, uncompressed.
pub(crate) fn text_of(object: &Object) -> Vec<u8> {
    let mut lines = alb_ingest::generate::Lines::new(object.format, object.seed, object.traffic.clone());
    let mut text = Vec::new();
    for _ in 0..object.lines {
        lines.write(&mut text);
    }
    text
}

/// Reads the rows of a Parquet file, without nulls and empty groups. Times are formatted as in JSON, by `jiff` instead of
/// the engine.
pub(crate) fn read_parquet(bytes: &[u8]) -> Vec<Map<String, Value>> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    reader.flat_map(|batch| batch_rows(&batch.unwrap())).collect()
}

fn batch_rows(batch: &RecordBatch) -> Vec<Map<String, Value>> {
    let mut rows = vec![Map::new(); batch.num_rows()];
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        for (number, row) in rows.iter_mut().enumerate() {
            if let Some(value) = cell(column, number) {
                row.insert(field.name().clone(), value);
            }
        }
    }
    rows
}

/// Returns a value, or `None` if it is null or a group of nulls.
fn cell(column: &dyn Array, row: usize) -> Option<Value> {
    use arrow_schema::DataType;

    if column.is_null(row) {
        return None;
    }
    Some(match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().value(row).into(),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).into(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).into(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).into(),
        DataType::Date32 => {
            let days = column.as_primitive::<Date32Type>().value(row);
            let day = jiff::civil::date(1970, 1, 1) + jiff::Span::new().days(days);
            day.to_string().into()
        }
        DataType::Timestamp(_, zone) => {
            let micros = column.as_primitive::<TimestampMicrosecondType>().value(row);
            let time = jiff::Timestamp::from_microsecond(micros).unwrap();
            let zone = if zone.is_some() { "Z" } else { "" };
            format!("{}{zone}", time.strftime("%Y-%m-%dT%H:%M:%S%.6f")).into()
        }
        DataType::List(_) => {
            let items = column.as_list::<i32>().value(row);
            let items = items.as_string::<i32>();
            items.iter().map(|item| Value::from(item.unwrap())).collect()
        }
        DataType::Struct(fields) => {
            let group = column.as_struct();
            let members = fields.iter().zip(group.columns());
            let members = members.filter_map(|(field, column)| Some((field.name().clone(), cell(column, row)?)));
            let members: Map<_, _> = members.collect();
            if members.is_empty() {
                return None;
            }
            members.into()
        }
        other => panic!("unexpected type {other}"),
    })
}
