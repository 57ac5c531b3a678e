//! Comparison of the Parquet encoders with the writer of the `parquet` crate, for every table and with hostile lines.

use crate::reference::Reference;
use alb_ingest::encode::{Compression, Encoder, ParquetEncoder};
use alb_ingest::formats::{ALB_ACCESS, ALB_HEALTH_CHECK, FORMATS, Format};
use alb_ingest::generate::{Lines, Rate, Traffic};
use alb_ingest::object::{ObjectFacts, ObjectRef};
use alb_ingest::parse::batch::{Batch, LineParser};
use alb_ingest::schema::mapping::{OutputTable, Schema};
use arrow_array::RecordBatch;
use arrow_array::cast::AsArray as _;
use arrow_array::types::Int32Type;
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::column::page::Page;
use parquet::file::reader::{FileReader as _, SerializedFileReader};

fn facts(key: &str) -> ObjectFacts {
    ObjectFacts::new(ObjectRef {
        bucket: "logs".into(),
        key: key.into(),
        version: "1".into(),
    })
}

/// Encodes lines block by block with both encoders; returns both files.
fn encode(format: &'static Format, facts: &ObjectFacts, text: &[u8], codec: Compression) -> [Vec<u8>; 2] {
    let (plan, shape) = (format.plan(), OutputTable::of(Schema::Native, format.plan()));
    let mut ours: Box<dyn Encoder<Vec<u8>>> = Box::new(ParquetEncoder::new(shape, facts, codec, Vec::new()).unwrap());
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

/// Returns for each column of the only row group: name, number of values, nulls and NaNs, the bounds, and whether they are
/// exact.
fn statistics(file: &[u8]) -> Vec<(String, i64, String)> {
    let reader = SerializedFileReader::new(Bytes::copy_from_slice(file)).unwrap();
    assert_eq!(reader.metadata().num_row_groups(), 1);
    let columns = reader.metadata().row_group(0).columns().to_vec();
    let of = |column: &parquet::file::metadata::ColumnChunkMetaData| {
        let statistics = column.statistics().unwrap();
        let exact = (statistics.min_is_exact(), statistics.max_is_exact());
        let bounds = (statistics.min_bytes_opt(), statistics.max_bytes_opt());
        let counts = (statistics.null_count_opt(), statistics.nan_count_opt());
        let statistics = format!("{counts:?} {bounds:?} {exact:?}");
        (column.column_path().string(), column.num_values(), statistics)
    };
    columns.iter().map(of).collect()
}

#[test]
fn every_column_has_the_statistics_of_the_reference() {
    for format in FORMATS {
        for rows in [1, 10, 3_000] {
            let traffic = Traffic {
                hostile: Rate::per_million(100_000),
                ..Traffic::default()
            };
            let text = lines(format, rows as u64, rows, traffic);
            let [ours, reference] = encode(format, &facts("k"), &text, Compression::Zstd);
            for (ours, reference) in statistics(&ours).iter().zip(&statistics(&reference)) {
                assert_eq!(ours, reference, "{} {rows}", format.name);
            }
        }
    }
}

#[test]
fn the_metadata_has_what_readers_need_and_no_more() {
    let text = lines(&ALB_ACCESS, 2, 10, Traffic::default());
    let [ours, _] = encode(&ALB_ACCESS, &facts("k"), &text, Compression::Zstd);
    let reader = SerializedFileReader::new(Bytes::from(ours)).unwrap();
    let file = reader.metadata().file_metadata();
    assert_eq!((file.version(), file.num_rows()), (1, 10));
    let keys: Vec<_> = file
        .key_value_metadata()
        .unwrap()
        .iter()
        .map(|pair| &pair.key)
        .collect();
    assert_eq!(
        keys,
        ["alb_ingest.table", "alb_ingest.schema", "alb_ingest.schema_version"]
    );
    assert!(file.created_by().unwrap().starts_with("alb-ingest version "));
    assert_eq!(file.column_orders().unwrap().len(), file.schema_descr().num_columns());
    // Pages are contiguous from the fourth byte of the file, and the row group has their total size.
    let group = reader.metadata().row_group(0);
    let mut end = 4;
    for column in group.columns() {
        let (start, len) = column.byte_range();
        assert_eq!(start, end, "{}", column.column_path());
        end = start + len;
        let statistics = column.statistics().unwrap();
        assert_eq!(statistics.is_min_max_deprecated(), statistics.min_bytes_opt().is_none());
        assert!(column.page_encoding_stats().is_none() && column.page_encoding_stats_mask().is_none());
        assert!(column.column_index_offset().is_none() && column.offset_index_offset().is_none());
        assert!(column.unencoded_byte_array_data_bytes().is_none());
        assert!(column.repetition_level_histogram().is_none() && column.definition_level_histogram().is_none());
    }
    assert_eq!(
        (group.file_offset(), group.compressed_size().cast_unsigned()),
        (Some(4), end - 4)
    );
}

#[test]
fn values_do_not_depend_on_pages_row_groups_and_full_dictionaries() {
    // More rows than fit into a row group.
    let text = lines(&ALB_HEALTH_CHECK, 1, 70_000, Traffic::default());
    assert_eq!(
        assert_equal(&ALB_HEALTH_CHECK, &facts("k"), &text, Compression::Zstd),
        70_000
    );
    // Distinct hosts and times are encoded without a dictionary; user agents, which occur twice each, fill theirs.
    let mut text = Vec::new();
    for line in 0..20_000 {
        let row = format!(
            "https 2026-10-07T11:40:{:02}.{:06}Z app/a/b 192.0.2.1:{} - 0.{line:07} -1 1{line}e-3 200 - {line} {} \
             \"GET https://h{line}.example.com:443/{line}?q HTTP/1.1\" \"agent {} {}\" - - - \"Root=1-{line:08x}\"\n",
            line % 60,
            line,
            line % 65_536,
            u64::MAX >> (1 + line % 63),
            line / 2,
            "x".repeat(line / 2 % 300),
        );
        text.extend_from_slice(row.as_bytes());
    }
    assert_eq!(assert_equal(&ALB_ACCESS, &facts("k"), &text, Compression::Zstd), 20_000);
    let [ours, _] = encode(&ALB_ACCESS, &facts("k"), &text, Compression::Zstd);
    let (dictionary, indices, plain) = ("dictionary", "RLE_DICTIONARY", "PLAIN");
    assert_eq!(pages(&ours, "request_host"), [plain, plain, plain]);
    assert_eq!(pages(&ours, "user_agent"), [dictionary, indices, indices, plain]);
    assert_eq!(pages(&ours, "elb"), [dictionary, indices, indices, indices]);
    for column in ["client_port", "received_bytes", "sent_bytes"] {
        assert_eq!(pages(&ours, column), ["DELTA_BINARY_PACKED"; 3], "{column}");
    }
}

#[test]
fn differences_of_32_bit_numbers_may_take_32_bits() {
    let line = |number: i32| {
        format!(
            "http 2026-10-07T11:40:00.000000Z app/a/b 192.0.2.1:1 - 0.1 -1 0.1 200 - {number} 1 \
             \"GET http://example.com/ HTTP/1.1\" \"-\" - - - \"-\"\n"
        )
    };
    let numbers: Vec<i32> = (0..700).flat_map(|row| [0, i32::MAX, row]).collect();
    let text: String = numbers.iter().map(|number| line(*number)).collect();
    let (plan, facts) = (ALB_ACCESS.plan(), facts("k"));
    let encoder = ParquetEncoder::new(
        OutputTable::of(Schema::Ocsf, plan),
        &facts,
        Compression::None,
        Vec::new(),
    );
    let mut encoder: Box<dyn Encoder<Vec<u8>>> = Box::new(encoder.unwrap());
    let mut batch = Batch::new(plan);
    LineParser::new(plan, None).push_block(text.as_bytes(), 0, &mut batch, &mut Vec::new());
    encoder.encode(&batch).unwrap();
    let file = encoder.finish().unwrap();
    assert_eq!(pages(&file, "http_request.length"), ["DELTA_BINARY_PACKED"]);
    let rows = read(&file);
    let lengths = rows.iter().flat_map(|batch| {
        let request = batch.column_by_name("http_request").unwrap().as_struct();
        let length = request.column_by_name("length").unwrap().as_primitive::<Int32Type>();
        length.values().to_vec()
    });
    assert!(lengths.eq(numbers));
}

/// Returns the encoding of each page of the first chunk of a column.
fn pages(file: &[u8], column: &str) -> Vec<String> {
    let reader = SerializedFileReader::new(Bytes::copy_from_slice(file)).unwrap();
    let schema = reader.metadata().file_metadata().schema_descr();
    let names: Vec<_> = schema.columns().iter().map(|column| column.path().string()).collect();
    let number = names.iter().position(|name| name == column).unwrap();
    let group = reader.get_row_group(0).unwrap();
    let kind = |page: Page| match page {
        Page::DictionaryPage { .. } => "dictionary".to_owned(),
        other => other.encoding().to_string(),
    };
    let pages = group.get_column_page_reader(number).unwrap();
    pages.map(|page| kind(page.unwrap())).collect()
}

#[test]
fn a_file_does_not_depend_on_the_previous_one() {
    // Buffers are reused for the next small file of the thread; a new thread must produce the same bytes.
    let few = lines(&ALB_ACCESS, 3, 10, Traffic::default());
    let hostile = Traffic {
        hostile: Rate::per_million(300_000),
        ..Traffic::default()
    };
    let others = [
        lines(&ALB_ACCESS, 4, 400, hostile),
        lines(&ALB_ACCESS, 5, 1, Traffic::default()),
        lines(&ALB_ACCESS, 6, 9_000, Traffic::default()),
        few.clone(),
    ];
    for codec in [Compression::Zstd, Compression::Snappy] {
        let alone = std::thread::scope(|scope| {
            let thread = scope.spawn(|| encode(&ALB_ACCESS, &facts("k"), &few, codec)[0].clone());
            thread.join().unwrap()
        });
        for other in &others {
            encode(&ALB_ACCESS, &facts("other"), other, codec);
            assert!(encode(&ALB_ACCESS, &facts("k"), &few, codec)[0] == alone);
        }
    }
}

/// The caller releases memory when several files are open.
#[test]
fn released_memory_changes_no_bytes_of_a_file() {
    let text = lines(&ALB_ACCESS, 7, 400, Traffic::default());
    let facts = facts("k");
    let encode = |releases: bool| {
        let (plan, table) = (ALB_ACCESS.plan(), OutputTable::of(Schema::Native, ALB_ACCESS.plan()));
        let encoder = ParquetEncoder::new(table, &facts, Compression::Zstd, Vec::new());
        let mut encoder: Box<dyn Encoder<Vec<u8>>> = Box::new(encoder.unwrap());
        let mut parser = LineParser::new(plan, facts.key.load_balancer.as_deref());
        let mut batch = Batch::new(plan);
        for (number, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
            parser.push_block(line, 0, &mut batch, &mut Vec::new());
            encoder.encode(&batch).unwrap();
            batch.clear();
            if number % 10 == 0 {
                encoder.flush().unwrap();
                if releases {
                    encoder.release().unwrap();
                }
            }
        }
        encoder.finish().unwrap()
    };
    let file = encode(true);
    assert!(file == encode(false));
    let reader = SerializedFileReader::new(Bytes::from(file)).unwrap();
    assert!(reader.metadata().num_row_groups() > 10);
}
