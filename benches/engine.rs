//! Benchmarks the stages of the engine, separately and together, in lines and bytes of log text per second.
//!
//! `make bench` prints them. The text is generated: 20,000 lines of ordinary traffic of each type.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "benchmarks may panic"
)]

use std::io;

use alb_ingest::encode::{Compression, Encoder, FileFormat, JsonEncoder, ParquetEncoder};
use alb_ingest::formats::{ALB_ACCESS, FORMATS, Format};
use alb_ingest::generate::{Lines, Object};
use alb_ingest::ingest::{Ingest, Options, Outcome, Target};
use alb_ingest::object::{Counts, ObjectFacts, ObjectRef};
use alb_ingest::parse::batch::{Batch, LineParser};
use alb_ingest::parse::input::{ObjectReader, Piece, ReadError};
use alb_ingest::schema::mapping::{OutputTable, Schema};
use alb_ingest::storage::{Committed, Sink, Staged, StorageError};
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};

const LINES: u64 = 20_000;
/// The size in bytes of the chunks of an object.
const CHUNK: usize = 128 * 1024;
/// The number of rows that the engine encodes at a time: those of a block.
const BATCH: u64 = 365;

fn main() {
    divan::main();
}

/// Generated lines, and an object of them.
struct Input {
    text: Vec<u8>,
    object: Vec<u8>,
    reference: ObjectRef,
}

fn input(format: &'static Format) -> Input {
    let object = Object::new(format, 1, LINES);
    let mut lines = Lines::new(format, 1, object.traffic.clone());
    let mut text = Vec::new();
    for _ in 0..LINES {
        lines.write(&mut text);
    }
    let mut bytes = Vec::new();
    object.write_to(&mut bytes).unwrap();
    let reference = ObjectRef {
        bucket: "bench".to_owned(),
        key: object.key(),
        version: "0".to_owned(),
    };
    Input {
        text,
        object: bytes,
        reference,
    }
}

/// Counts lines and bytes of text per pass, whatever their compression.
fn counted<'a, 'b>(bencher: Bencher<'a, 'b>, input: &Input) -> Bencher<'a, 'b> {
    bencher
        .counter(BytesCount::of_slice(&input.text))
        .counter(ItemsCount::new(LINES))
}

/// Returns the text in blocks of whole lines, as the reader emits them.
fn blocks(input: &Input) -> Vec<Vec<u8>> {
    let mut blocks = Vec::new();
    let mut reader = ObjectReader::new();
    let mut keep = |piece: Piece<'_>| {
        if let Piece::Lines { text, .. } = piece {
            blocks.push(text.to_vec());
        }
        Ok::<(), ReadError>(())
    };
    reader.push(&input.text, &mut keep).unwrap();
    reader.finish(&mut keep).unwrap();
    blocks
}

/// Returns the events in batches of the size of the engine's.
fn batches(input: &Input, format: &'static Format) -> Vec<Batch> {
    let mut parser = LineParser::new(format.plan(), None);
    let mut batches = vec![Batch::new(format.plan())];
    for block in blocks(input) {
        let batch = batches.last_mut().unwrap();
        parser.push_block(&block, 0, batch, &mut Vec::new());
        if batch.rows() as u64 >= BATCH {
            batches.push(Batch::new(format.plan()));
        }
    }
    let rows: usize = batches.iter().map(Batch::rows).sum();
    assert_eq!(rows as u64, LINES);
    batches
}

#[divan::bench]
fn decompress(bencher: Bencher<'_, '_>) {
    let input = input(&ALB_ACCESS);
    counted(bencher, &input).bench_local(|| {
        let mut reader = ObjectReader::new();
        let mut bytes = 0;
        let mut count = |piece: Piece<'_>| {
            if let Piece::Lines { text, .. } = piece {
                bytes += text.len();
            }
            Ok::<(), ReadError>(())
        };
        for chunk in input.object.chunks(CHUNK) {
            reader.push(chunk, &mut count).unwrap();
        }
        reader.finish(&mut count).unwrap();
        assert_eq!(bytes, input.text.len());
    });
}

#[divan::bench(args = FORMATS.map(|format| format.name))]
fn parse(bencher: Bencher<'_, '_>, table: &str) {
    let format = Format::by_name(table).unwrap();
    let input = input(format);
    let blocks = blocks(&input);
    let mut batch = Batch::new(format.plan());
    counted(bencher, &input).bench_local(|| {
        let mut parser = LineParser::new(format.plan(), None);
        let mut malformed = Vec::new();
        for block in &blocks {
            parser.push_block(block, 0, &mut batch, &mut malformed);
            if batch.rows() as u64 >= BATCH {
                batch.clear();
            }
        }
        batch.clear();
        assert_eq!((parser.lines, malformed.len()), (LINES, 0));
    });
}

/// Encodes JSON in every schema.
#[divan::bench(args = Schema::ALL.map(Schema::name))]
fn encode_json(bencher: Bencher<'_, '_>, schema: &str) {
    let input = input(&ALB_ACCESS);
    let batches = batches(&input, &ALB_ACCESS);
    let facts = ObjectFacts::new(input.reference.clone());
    counted(bencher, &input).bench_local(|| {
        let encoder = JsonEncoder::new(table(schema), &facts, Compression::None, io::sink());
        encode(Box::new(encoder.unwrap()), &batches);
    });
}

/// Encodes Parquet in every schema that has it.
#[divan::bench(args = Schema::ALL.into_iter().filter(|schema| !schema.is_batched()).map(Schema::name))]
fn encode_parquet(bencher: Bencher<'_, '_>, schema: &str) {
    let input = input(&ALB_ACCESS);
    let batches = batches(&input, &ALB_ACCESS);
    let facts = ObjectFacts::new(input.reference.clone());
    counted(bencher, &input).bench_local(|| {
        let encoder = ParquetEncoder::new(table(schema), &facts, Compression::Zstd, io::sink());
        encode(Box::new(encoder.unwrap()), &batches);
    });
}

fn table(schema: &str) -> &'static OutputTable {
    OutputTable::of(Schema::parse(schema).unwrap(), ALB_ACCESS.plan())
}

fn encode(mut encoder: Box<dyn Encoder<io::Sink> + '_>, batches: &[Batch]) {
    for batch in batches {
        encoder.encode(batch).unwrap();
    }
    encoder.finish().unwrap();
}

#[divan::bench]
fn object_to_parquet(bencher: Bencher<'_, '_>) {
    whole_object(bencher, FileFormat::Parquet, Compression::Zstd);
}

#[divan::bench]
fn object_to_json(bencher: Bencher<'_, '_>) {
    whole_object(bencher, FileFormat::Json, Compression::None);
}

#[divan::bench]
fn object_to_json_zstd(bencher: Bencher<'_, '_>) {
    whole_object(bencher, FileFormat::Json, Compression::Zstd);
}

/// Ingests a gzip object as the engine does; the files are discarded.
fn whole_object(bencher: Bencher<'_, '_>, format: FileFormat, compression: Compression) {
    let input = input(&ALB_ACCESS);
    let options = Options {
        format,
        compression,
        ..Options::default()
    };
    let target = Target {
        options: &options,
        events: &Nowhere,
        quarantine: &Nowhere,
    };
    counted(bencher, &input).bench_local(|| {
        let mut ingest = Ingest::begin(input.reference.clone(), target).unwrap();
        for chunk in input.object.chunks(CHUNK) {
            ingest.push(chunk).unwrap();
        }
        let outcome = ingest.finish().unwrap();
        assert!(matches!(outcome, Outcome::Ingested(ledger) if ledger.events == LINES));
    });
}

/// A sink that discards outputs.
struct Nowhere;

impl Sink for Nowhere {
    fn stage(&self, _key: &str, _source: &ObjectRef) -> Result<Box<dyn Staged>, StorageError> {
        Ok(Box::new(Self))
    }

    fn event_limit(&self) -> Option<usize> {
        None
    }
}

impl io::Write for Nowhere {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Staged for Nowhere {
    fn commit(self: Box<Self>, _counts: &Counts) -> Result<Committed, StorageError> {
        Ok(Committed::Written(0))
    }
}
