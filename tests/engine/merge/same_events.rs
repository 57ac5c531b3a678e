//! Merging changes neither the events nor the quarantine.

use alb_ingest::encode::{Compression, Encoder as _, FileFormat, ParquetEncoder};
use alb_ingest::formats::ALB_ACCESS;
use alb_ingest::generate::{Balancer, object_key};
use alb_ingest::ingest::{Options, PartitionBy};
use alb_ingest::object::{ObjectFacts, ObjectRef};
use alb_ingest::parse::batch::{Batch, LineParser};
use alb_ingest::parse::line::time::timestamp_micros;
use alb_ingest::schema::mapping::{OutputTable, Schema};
use alb_ingest::transform::Transform;
use bytes::Bytes;
use parquet::column::page::Page;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::file::statistics::Statistics;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value};

use super::{Merged, Stored, WAYS, alone, assert_same, merge};
use crate::common::any::{any_object, bytes_of, cases, read_parquet};
use crate::common::{json, rows};
use crate::filters::filtered_by;
use crate::objects::{access, accesses, broken, key};
use crate::sampling::sampled;

fn any_options() -> impl Strategy<Value = Options> {
    let by = select(vec![
        PartitionBy::Day,
        PartitionBy::Hour,
        PartitionBy::None,
        PartitionBy::SecurityLake,
    ]);
    let schemas = select(Schema::ALL.to_vec());
    // A third of the merges each with all events, a filter, and a sample.
    let events = select(vec![
        Transform::default(),
        filtered_by("source_line > 3 and region is not null").transform,
        sampled("keep 1/2; by conn_trace_id", None).transform,
    ]);
    (by, schemas, any::<bool>(), events).prop_map(|(partition_by, schema, in_parquet, transform)| {
        let (schema, in_parquet) = match partition_by {
            PartitionBy::SecurityLake => (Schema::Ocsf, true),
            _ => (schema, in_parquet && !schema.is_batched()),
        };
        Options {
            partition_by,
            schema,
            format: if in_parquet {
                FileFormat::Parquet
            } else {
                FileFormat::Json
            },
            compression: if in_parquet {
                Compression::Zstd
            } else {
                Compression::None
            },
            transform,
            ..Options::default()
        }
    })
}

/// Reads the rows of a file: of the quarantine, or of events in one of the formats.
fn read(options: &Options, folder: &str, bytes: &[u8]) -> Vec<Map<String, Value>> {
    if options.format == FileFormat::Parquet && !folder.starts_with("_quarantine/") {
        return read_parquet(bytes);
    }
    let rows = rows(bytes).into_iter();
    rows.map(|row| row.as_object().unwrap().clone()).collect()
}

/// Checks that the bounds of every text column hold for its values.
fn assert_bounds(merged: &Merged) {
    for (key, file) in merged.files.iter().filter(|(key, _)| key.ends_with(".parquet")) {
        let ids: Vec<_> = read_parquet(file)
            .iter()
            .filter_map(|row| Some(row.get("event_id")?.as_str()?.to_owned()))
            .collect();
        let reader = SerializedFileReader::new(Bytes::copy_from_slice(file)).unwrap();
        assert_eq!(reader.metadata().num_row_groups(), 1);
        let columns = reader.metadata().row_group(0).columns().iter();
        for column in columns.filter(|column| column.column_path().string() == "event_id") {
            let Some(Statistics::ByteArray(bounds)) = column.statistics() else {
                panic!("{key} has no bounds")
            };
            let bound = |bytes: Option<&parquet::data_type::ByteArray>| bytes.unwrap().as_utf8().unwrap().to_owned();
            assert_eq!(bound(bounds.min_opt()), *ids.iter().min().unwrap());
            assert_eq!(bound(bounds.max_opt()), *ids.iter().max().unwrap());
        }
    }
}

proptest! {
    #![proptest_config(cases(48))]

    /// A merge has the rows, the quarantine and the ledgers of its members, and its bytes do not depend on how it is
    /// carried out.
    #[test]
    fn a_merge_has_the_rows_of_its_members(
        objects in vec((any_object(), any::<bool>(), 0_usize..40), 1..6),
        options in any_options(),
        way in select(WAYS.to_vec()),
    ) {
        let stored: Vec<_> = objects
            .iter()
            .enumerate()
            .map(|(number, (object, is_cut, cut))| {
                let mut bytes = bytes_of(object).0;
                if *is_cut {
                    bytes.truncate(bytes.len().saturating_sub(*cut));
                }
                Stored::new(&object.key(), number, bytes)
            })
            .collect();
        let alone = alone(&stored, &options);
        let merged = merge(&stored, &options, way);
        assert_same(&alone, &merged, |folder, bytes| read(&options, folder, bytes));
        assert_bounds(&merged);
        let other = merge(&stored, &options, (2, 300_000));
        prop_assert_eq!(format!("{:?}", merged.result), format!("{:?}", other.result));
        prop_assert!(merged.files == other.files);
    }
}

#[test]
fn ids_of_consecutive_lines_of_two_objects_are_not_one_run() {
    let lines = |blank: usize, count: usize| "\n".repeat(blank) + &(access(1) + "\n").repeat(count);
    // The last line of each object precedes the number of the first line of the next one.
    let texts = [lines(0, 3), lines(3, 2), lines(5, 1), lines(0, 1)];
    let stored: Vec<_> = texts
        .into_iter()
        .enumerate()
        .map(|(number, text)| Stored::new(&key(&ALB_ACCESS), number, text.into_bytes()))
        .collect();
    let options = Options::default();
    let merged = merge(&stored, &options, WAYS[0]);
    assert_same(&alone(&stored, &options), &merged, |folder, bytes| {
        read(&options, folder, bytes)
    });
    assert_bounds(&merged);
}

/// Returns the number of values in the dictionary of a column, in the only row group of a file.
fn dictionary_len(file: &[u8], name: &str) -> u32 {
    let reader = SerializedFileReader::new(Bytes::copy_from_slice(file)).unwrap();
    assert_eq!(reader.metadata().num_row_groups(), 1);
    let group = reader.get_row_group(0).unwrap();
    let mut columns = group.metadata().columns().iter();
    let column = columns.position(|column| column.column_path().string() == name);
    match group
        .get_column_page_reader(column.unwrap())
        .unwrap()
        .get_next_page()
        .unwrap()
    {
        Some(Page::DictionaryPage { num_values, .. }) => num_values,
        _ => 0,
    }
}

/// The keys of many objects are too many, or too large, for a dictionary.
#[test]
fn the_keys_of_many_objects_are_values_like_any_other() {
    let plan = ALB_ACCESS.plan();
    let table = OutputTable::of(Schema::Native, plan);
    // With the number of keys in the dictionary: none if they are too many, those of the first pages if they are too large.
    for (objects, rows, len, in_dictionary) in [(9_000, 1, 40, 0), (1_300, 8, 2_000, 1_024), (8_400, 2, 200, 8_192)] {
        let facts = |number: usize| {
            ObjectFacts::new(ObjectRef {
                bucket: "logs".into(),
                key: format!("{number:0len$}"),
                version: String::new(),
            })
        };
        let mut batch = Batch::new(plan);
        let text = (access(1) + "\n").repeat(rows);
        LineParser::new(plan, None).push_block(text.as_bytes(), 0, &mut batch, &mut Vec::new());
        let encoder = ParquetEncoder::new(table, &facts(0), Compression::Snappy, Vec::new());
        let mut encoder = Box::new(encoder.unwrap());
        for number in 0..objects {
            encoder.begin_object(&facts(number));
            encoder.encode(&batch).unwrap();
        }
        let file = encoder.finish().unwrap();
        assert_eq!(dictionary_len(&file, "source_key"), in_dictionary);
        let found = read_parquet(&file);
        assert_eq!(found.len(), objects * rows);
        for (number, row) in found.iter().enumerate() {
            let (object, line) = (number / rows, number % rows + 1);
            assert_eq!(row["source_key"], format!("{object:0len$}"));
            assert_eq!(row["event_id"], format!("{}-{line:010}", facts(object).id));
            assert_eq!(row["source_line"], line);
        }
    }
}

#[test]
fn regions_and_accounts_of_a_security_lake_are_not_mixed() {
    let place = |account: &str, region: &str| {
        let balancer = Balancer {
            account: account.to_owned(),
            region: region.to_owned(),
            ..Balancer::default()
        };
        let end = u64::try_from(timestamp_micros(b"2026-10-07T11:45:00Z").unwrap()).unwrap();
        object_key(&ALB_ACCESS, &balancer, end, 1)
    };
    let keys = [
        place("123456789012", "eu-west-1"),
        place("123456789012", "us-east-1"),
        "some/file.log".to_owned(),
        place("210987654321", "eu-west-1"),
        place("123456789012", "eu-west-1"),
    ];
    let stored: Vec<_> = keys
        .iter()
        .enumerate()
        .map(|(number, key)| Stored::new(key, number, accesses(3 + number)))
        .collect();
    let options = Options {
        partition_by: PartitionBy::SecurityLake,
        schema: Schema::Ocsf,
        ..Options::default()
    };
    let merged = merge(&stored, &options, WAYS[0]);
    assert_eq!(merged.files.len(), 4);
    assert_same(&alone(&stored, &options), &merged, |folder, bytes| {
        read(&options, folder, bytes)
    });
}

#[test]
fn a_merge_of_json_has_the_bytes_of_its_members() {
    let text = |number: usize| format!("{}\n{}\n", access(number), broken(number)).into_bytes();
    let stored: Vec<_> = (0..200)
        .map(|number| Stored::new(&key(&ALB_ACCESS), number, text(number)))
        .collect();
    for (way, schema) in WAYS
        .into_iter()
        .flat_map(|way| [(way, Schema::Native), (way, Schema::Otel)])
    {
        let options = Options { schema, ..json() };
        let merged = merge(&stored, &options, way);
        assert_same(&alone(&stored, &options), &merged, |_, bytes| bytes.to_vec());
        assert_eq!(merged.files.len(), 2);
    }
}
