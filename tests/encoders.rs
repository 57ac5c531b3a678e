//! Our Parquet encoders against the `parquet` crate's own: the same values for every table, hostile lines included.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails by panicking says where"
)]

mod reference;

use alb_ingest::batch::{Batch, LineParser};
use alb_ingest::encode::{Encoder, ParquetEncoder};
use alb_ingest::format::{ALB_ACCESS, ALB_HEALTH_CHECK, FORMATS, Format};
use alb_ingest::object::{ObjectFacts, ObjectRef};
use alb_ingest::sample::{Lines, Rate, Traffic};
use alb_ingest::settings::Compression;
use arrow_array::RecordBatch;
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use reference::Reference;

fn facts(key: &str) -> ObjectFacts {
    ObjectFacts::new(ObjectRef {
        bucket: "logs".into(),
        key: key.into(),
        version: "1".into(),
    })
}

/// The files that both encoders make of these lines, given to them block by block.
fn encode(format: &'static Format, facts: &ObjectFacts, text: &[u8], codec: Compression) -> [Vec<u8>; 2] {
    let plan = format.plan();
    let mut ours: Box<dyn Encoder<Vec<u8>>> = Box::new(ParquetEncoder::new(plan, facts, codec, Vec::new()).unwrap());
    let mut reference = Reference::new(facts);
    let mut parser = LineParser::new(plan, facts.key.load_balancer.as_deref());
    let mut batch = Batch::new(plan);
    let mut at = 0;
    while at < text.len() {
        let end = text[at..]
            .iter()
            .enumerate()
            .skip(200_000)
            .find(|(_, byte)| **byte == b'\n');
        let end = end.map_or(text.len(), |(newline, _)| at + newline + 1);
        parser.push_block(&text[at..end], at as u64, &mut batch, &mut Vec::new());
        ours.encode(&batch).unwrap();
        reference.write(&batch);
        batch.clear();
        at = end;
    }
    [ours.finish().unwrap(), reference.finish()]
}

fn read(file: &[u8]) -> Vec<RecordBatch> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::copy_from_slice(file)).unwrap();
    reader
        .with_batch_size(5_000)
        .build()
        .unwrap()
        .map(|batch| batch.unwrap())
        .collect()
}

fn assert_equal(format: &'static Format, facts: &ObjectFacts, text: &[u8], codec: Compression) -> usize {
    let [ours, reference] = encode(format, facts, text, codec);
    let (ours, reference) = (read(&ours), read(&reference));
    assert_eq!(ours.len(), reference.len(), "{}", format.name);
    for (ours, reference) in ours.iter().zip(&reference) {
        assert_eq!(ours.schema().fields(), reference.schema().fields());
        for (number, field) in ours.schema().fields().iter().enumerate() {
            assert_eq!(
                ours.column(number),
                reference.column(number),
                "{}.{}",
                format.name,
                field.name()
            );
        }
    }
    ours.iter().map(RecordBatch::num_rows).sum()
}

fn lines(format: &'static Format, seed: u64, lines: usize, traffic: Traffic) -> Vec<u8> {
    let mut text = Vec::new();
    let mut source = Lines::new(format, seed, traffic);
    for _ in 0..lines {
        source.write(&mut text);
    }
    text
}

#[test]
fn every_table_and_length_has_the_values_of_the_reference() {
    let telling = facts(
        "AWSLogs/1/elasticloadbalancing/us-east-1/2026/10/07/1_elasticloadbalancing_us-east-1_app.a.b_20261007T0000Z_192.0.2.1_x.log.gz",
    );
    let silent = facts("some.log");
    for format in FORMATS {
        for (number, length) in format.lengths.iter().enumerate() {
            let traffic = Traffic {
                fields: Some(*length),
                hostile: Rate::per_million(200_000),
                repairable: Rate::per_million(20_000),
                broken: Rate::per_million(20_000),
                ..Traffic::default()
            };
            let text = lines(format, number as u64, 700, traffic);
            let facts = if number % 2 == 0 { &telling } else { &silent };
            let codecs = [
                Compression::Zstd,
                Compression::Snappy,
                Compression::Gzip,
                Compression::None,
            ];
            let rows = assert_equal(format, facts, &text, codecs[number % 4]);
            assert!(rows > 600, "{} {length}: {rows}", format.name);
        }
    }
}

#[test]
fn pages_row_groups_and_full_dictionaries_make_no_difference() {
    // More rows than a row group holds.
    let text = lines(&ALB_HEALTH_CHECK, 1, 70_000, Traffic::default());
    assert_eq!(
        assert_equal(&ALB_HEALTH_CHECK, &facts("k"), &text, Compression::Zstd),
        70_000
    );
    // User agents, hosts and times that are all different fill their dictionaries.
    let mut text = Vec::new();
    for line in 0..20_000 {
        let row = format!(
            "https 2026-10-07T11:40:{:02}.{:06}Z app/a/b 192.0.2.1:{} - 0.{line:07} -1 1{line}e-3 200 - {line} {} \
             \"GET https://h{line}.example.com:443/{line}?q HTTP/1.1\" \"agent {line} {}\" - - - \"Root=1-{line:08x}\"\n",
            line % 60,
            line,
            line % 65_536,
            u64::MAX >> (1 + line % 63),
            "x".repeat(line % 97),
        );
        text.extend_from_slice(row.as_bytes());
    }
    assert_eq!(assert_equal(&ALB_ACCESS, &facts("k"), &text, Compression::Zstd), 20_000);
}
