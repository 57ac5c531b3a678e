//! The metadata of Parquet files, compared with what the `parquet` crate writes.

use std::collections::BTreeSet;

use alb_ingest::encode::{Compression, Encoder, ParquetEncoder};
use alb_ingest::formats::FORMATS;
use alb_ingest::generate::{Lines, Rate, Traffic};
use alb_ingest::object::{ObjectFacts, ObjectRef};
use alb_ingest::parse::batch::{Batch, LineParser};
use alb_ingest::schema::mapping::{OutputTable, Schema};
use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array as _, ArrayRef};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::{
    ColumnChunkMetaData, PageIndexPolicy, ParquetMetaData, ParquetMetaDataBuilder, ParquetMetaDataReader,
    ParquetMetaDataWriter, RowGroupMetaData,
};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use proptest::prelude::*;
use proptest::sample::select;

use crate::common::any::cases;

/// The length of the footer, and the magic bytes.
const TAIL: usize = 8;

/// Encodes generated lines: row groups of pages with these numbers of rows. Memory is released after the group `packs`.
fn encode(table: &'static OutputTable, codec: Compression, seed: u64, groups: &[Vec<usize>], packs: usize) -> Vec<u8> {
    let traffic = Traffic {
        hostile: Rate::per_million(300_000),
        ..Traffic::default()
    };
    let mut lines = Lines::new(table.plan.format, seed, traffic);
    let facts = ObjectFacts::new(ObjectRef {
        bucket: "logs".into(),
        key: "k".into(),
        version: "1".into(),
    });
    let encoder = ParquetEncoder::new(table, &facts, codec, Vec::new()).unwrap();
    let mut encoder: Box<dyn Encoder<Vec<u8>>> = Box::new(encoder);
    let mut parser = LineParser::new(table.plan, None);
    parser.require(table.required().collect());
    let mut batch = Batch::new(table.plan);
    for (number, pages) in groups.iter().enumerate() {
        for rows in pages {
            let mut text = Vec::new();
            (0..*rows).for_each(|_| lines.write(&mut text));
            parser.push_block(&text, 0, &mut batch, &mut Vec::new());
            assert_eq!(batch.rows(), *rows);
            encoder.encode(&batch).unwrap();
            batch.clear();
        }
        encoder.flush().unwrap();
        if number == packs {
            encoder.release().unwrap();
        }
    }
    encoder.finish().unwrap()
}

/// Returns the footer of a file, and what the crate writes for what it reads in it.
fn footers(file: &[u8]) -> [Vec<u8>; 2] {
    let end = file.len() - TAIL;
    let len = u32::from_le_bytes(file[end..end + 4].try_into().unwrap()) as usize;
    let footer = &file[end - len..];
    let read = ParquetMetaDataReader::decode_metadata(&footer[..len]).unwrap();
    // The crate's reader numbers the groups, but the file has no numbers.
    let groups = read.row_groups().iter().map(|group| {
        RowGroupMetaData::builder(group.schema_descr_ptr())
            .set_num_rows(group.num_rows())
            .set_total_byte_size(group.columns().iter().map(ColumnChunkMetaData::uncompressed_size).sum())
            .set_column_metadata(group.columns().to_vec())
            .set_file_offset(group.file_offset().unwrap())
            .build()
            .unwrap()
    });
    let metadata = ParquetMetaDataBuilder::new(read.file_metadata().clone())
        .set_row_groups(groups.collect())
        .build();
    let mut written = Vec::new();
    ParquetMetaDataWriter::new(&mut written, &metadata).finish().unwrap();
    [footer.to_vec(), written]
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn footers_equal_those_of_the_crate(
        format in select(FORMATS.to_vec()),
        schema in select(vec![Schema::Native, Schema::Panther, Schema::Ecs, Schema::Ocsf]),
        codec in select(Compression::ALL.to_vec()),
        seed: u64,
        groups in proptest::collection::vec(1..60_usize, 0..20),
        packs in 0..30_usize,
    ) {
        let table = OutputTable::of(schema, format.plan());
        let groups: Vec<_> = groups.into_iter().map(|rows| vec![rows]).collect();
        let file = encode(table, codec, seed, &groups, packs);
        let [ours, crates] = footers(&file);
        prop_assert_eq!(ours, crates);
    }
}

/// Returns the file's metadata with its page indexes.
fn indexed(file: &[u8]) -> ParquetMetaData {
    let mut reader = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Optional);
    reader.try_parse(&Bytes::copy_from_slice(file)).unwrap();
    reader.finish().unwrap()
}

#[test]
fn pages_have_the_rows_and_values_of_their_index() {
    for format in FORMATS {
        let table = OutputTable::of(Schema::Native, format.plan());
        // A page ends if another block would exceed 8,192 rows.
        let groups = [vec![5_000, 4_000, 4_500], vec![10], vec![4_100, 4_200]];
        let file = encode(table, Compression::Zstd, 7, &groups, 1);
        let [ours, crates] = footers(&file);
        assert_eq!(ours, crates, "{}", format.name);
        let metadata = indexed(&file);
        let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(file)).unwrap();
        let rows = reader.with_batch_size(30_000).build().unwrap().next().unwrap().unwrap();
        let (index, mut start) = (metadata.page_index().unwrap(), 0);
        for (group, pages) in groups.iter().enumerate() {
            for column in 0..rows.num_columns() {
                let (positions, bounds) = (index.offset_index(group, column), index.column_index(group, column));
                if pages.len() == 1 {
                    assert!(positions.is_none() && bounds.is_none());
                    continue;
                }
                match rows.schema().field(column).name().as_str() {
                    // The same in all pages.
                    "account_id" | "source_bucket" | "extra_fields" => assert!(bounds.is_none()),
                    "event_id" | "timestamp" | "source_line" => assert!(bounds.is_some()),
                    _ => {}
                }
                let mut first = 0;
                let locations = positions.unwrap().page_locations();
                assert_eq!(locations.len(), pages.len());
                for (page, rows_of_page) in pages.iter().enumerate() {
                    assert_eq!(locations[page].first_row_index, i64::try_from(first).unwrap());
                    let values = rows.column(column).slice(start + first, *rows_of_page);
                    if let Some(bounds) = bounds {
                        check_bounds(&values, bounds, page);
                    }
                    first += rows_of_page;
                }
            }
            start += pages.iter().sum::<usize>();
        }
    }
}

/// Compares the bounds and nulls of a page with its values.
fn check_bounds(values: &ArrayRef, index: &ColumnIndexMetaData, page: usize) {
    fn equal<T: PartialOrd + Copy + std::fmt::Debug>(values: impl Iterator<Item = T>, bounds: [Option<&T>; 2]) {
        let extreme = values.fold(None, |extreme, value| {
            let (least, most) = extreme.unwrap_or((value, value));
            Some((
                if value < least { value } else { least },
                if value > most { value } else { most },
            ))
        });
        assert_eq!(extreme, bounds[0].copied().zip(bounds[1].copied()));
    }
    let list = values.as_list_opt::<i32>();
    if list.is_none() {
        assert_eq!(index.null_count(page), i64::try_from(values.null_count()).ok());
    }
    match index {
        ColumnIndexMetaData::INT32(index) => {
            let values = values.as_primitive::<Int32Type>();
            equal(values.iter().flatten(), [index.min_value(page), index.max_value(page)]);
        }
        ColumnIndexMetaData::INT64(index) => {
            let bounds = [index.min_value(page), index.max_value(page)];
            match values.as_primitive_opt::<Int64Type>() {
                Some(values) => equal(values.iter().flatten(), bounds),
                None => equal(
                    values.as_primitive::<TimestampMicrosecondType>().iter().flatten(),
                    bounds,
                ),
            }
        }
        ColumnIndexMetaData::DOUBLE(index) => {
            let values = values.as_primitive::<Float64Type>();
            equal(values.iter().flatten(), [index.min_value(page), index.max_value(page)]);
        }
        ColumnIndexMetaData::BYTE_ARRAY(index) => {
            let texts: Vec<ArrayRef> = match list {
                Some(list) => list.iter().flatten().collect(),
                None => vec![values.clone()],
            };
            let texts = texts.iter().flat_map(|texts| texts.as_string::<i32>().iter().flatten());
            let texts: BTreeSet<&[u8]> = texts.map(str::as_bytes).collect();
            let (least, most) = (texts.first(), texts.last());
            assert_eq!(
                (index.min_value(page).is_some(), index.max_value(page).is_some()),
                (least.is_some(), most.is_some())
            );
            if let (Some(least), Some(most)) = (least, most) {
                let (min, max) = (index.min_value(page).unwrap(), index.max_value(page).unwrap());
                // Long texts are truncated.
                assert!(min == *least || min.len() < least.len() && least.starts_with(min));
                assert!(max == *most || max > *most && most.len() > 64);
            }
        }
        other => panic!("{other:?}"),
    }
}
