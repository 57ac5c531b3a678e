//! The metadata of Parquet files, compared with what the `parquet` crate writes.

use alb_ingest::encode::{Compression, Encoder, ParquetEncoder};
use alb_ingest::formats::{FORMATS, Format};
use alb_ingest::generate::{Lines, Rate, Traffic};
use alb_ingest::object::{ObjectFacts, ObjectRef};
use alb_ingest::parse::batch::{Batch, LineParser};
use alb_ingest::schema::mapping::{OutputTable, Schema};
use parquet::file::metadata::{
    ColumnChunkMetaData, ParquetMetaDataBuilder, ParquetMetaDataReader, ParquetMetaDataWriter, RowGroupMetaData,
};
use proptest::prelude::*;
use proptest::sample::select;

use crate::common::any::cases;

/// The length of the footer, and the magic bytes.
const TAIL: usize = 8;

/// Encodes generated lines, with a row group for each of the counts. Memory is released before the group `packs`.
fn encode(table: &'static OutputTable, codec: Compression, seed: u64, groups: &[usize], packs: usize) -> Vec<u8> {
    let format: &'static Format = table.plan.format;
    let traffic = Traffic {
        hostile: Rate::per_million(300_000),
        ..Traffic::default()
    };
    let mut lines = Lines::new(format, seed, traffic);
    let facts = ObjectFacts::new(ObjectRef {
        bucket: "logs".into(),
        key: "k".into(),
        version: "1".into(),
    });
    let encoder = ParquetEncoder::new(table, &facts, codec, Vec::new()).unwrap();
    let mut encoder: Box<dyn Encoder<Vec<u8>>> = Box::new(encoder);
    let mut parser = LineParser::new(table.plan, None);
    let mut batch = Batch::new(table.plan);
    for (number, rows) in groups.iter().enumerate() {
        let mut text = Vec::new();
        (0..*rows).for_each(|_| lines.write(&mut text));
        parser.push_block(&text, 0, &mut batch, &mut Vec::new());
        encoder.encode(&batch).unwrap();
        batch.clear();
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
        let file = encode(table, codec, seed, &groups, packs);
        let [ours, crates] = footers(&file);
        prop_assert_eq!(ours, crates);
    }
}
