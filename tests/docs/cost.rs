//! What AWS bills, as docs/cost.md and the README say it: traffic of the generator through the engine and the packing.

use std::fmt::Write as _;
use std::fs;
use std::io::Read as _;
use std::path::Path;

use alb_ingest::aws::firehose::pack::{Packer, Rule};
use alb_ingest::config::{Firehose, FirehoseRecords, PartitionBy, Settings};
use alb_ingest::formats::FORMATS;
use alb_ingest::function::metrics::METRICS;
use alb_ingest::generate::Object;
use flate2::read::MultiGzDecoder;

use crate::common;

/// A record is billed in steps of so many bytes.
const STEP: u64 = 5_120;
/// Thousandths of a dollar for 10^9 bytes.
const PRICE: u64 = 29;
/// A node writes an object every five minutes.
const OBJECTS: u64 = 12;

/// The marks around what is made, on either page.
const BEGIN_STREAM: &str = "<!-- made by: UPDATE_GENERATED=1 cargo test --test docs -->\n";
const BEGIN_WHOLE: &str = "<!-- the whole, made by: UPDATE_GENERATED=1 cargo test --test docs -->\n";
const END: &str = "<!-- end of what is made -->";

/// Prices of us-east-1, in billionths of a dollar; docs/cost.md names AWS's pages.
mod price {
    /// A gigabyte of memory for a millisecond, arm64.
    pub(super) const GB_MILLISECOND: f64 = 13.3334;
    pub(super) const INVOCATION: f64 = 200.0;
    pub(super) const QUEUE_REQUEST: f64 = 400.0;
    pub(super) const GET: f64 = 400.0;
    pub(super) const PUT: f64 = 5_000.0;
    /// For a thousand bytes.
    pub(super) const STORED_FOR_A_MONTH: f64 = 23.0;
    pub(super) const STREAM: f64 = 29.0;
    pub(super) const CONVERSION: f64 = 18.0;
    pub(super) const LOG: f64 = 500.0;
    pub(super) const STRUCTURED_DELIVERY: f64 = 250.0;
}

/// What the whole is worked out for, and what is assumed; docs/cost.md says both.
mod assumed {
    /// Requests a month.
    pub(crate) const EVENTS: f64 = 1e9;
    /// Text that the function turns into Parquet, and JSON that it puts into a stream, in bytes a millisecond at 1024 MB.
    pub(crate) const TEXT_RATE: f64 = 40_000.0;
    pub(crate) const STREAM_RATE: f64 = 10_000.0;
    /// Waiting for S3, for each object.
    pub(crate) const OBJECT_MILLISECONDS: f64 = 100.0;
    /// A message is sent, received and deleted alone.
    pub(crate) const QUEUE_REQUESTS: f64 = 3.0;
    /// What the function and Lambda log of an invocation, in thousands of bytes.
    pub(crate) const LOGGED: f64 = 2.5;
    /// A stream gathers this much before it writes a file.
    pub(crate) const STREAM_FILE: f64 = 128e6;
}

/// The events of each object of an hour.
fn hour(table: &str, lines: u64) -> Vec<Vec<u8>> {
    let format = FORMATS.into_iter().find(|format| format.name == table).unwrap();
    let settings = Settings {
        partition_by: PartitionBy::None,
        ..common::json()
    };
    let object = |number: u64| {
        let object = Object::new(format, number, lines);
        let mut bytes = Vec::new();
        object.write_to(&mut bytes).unwrap();
        let run = common::ingest(&object.key(), &bytes, &settings);
        assert_eq!(run.ledger().events, lines);
        run.events()
    };
    (0..OBJECTS).map(object).collect()
}

/// The records that the events of each object become, and the bytes that are billed for them.
fn billed(hour: &[Vec<u8>], records: FirehoseRecords) -> (u64, u64) {
    let settings = Firehose {
        records,
        ..Firehose::default()
    };
    let mut sizes = Vec::new();
    for events in hour {
        let mut packer = Packer::new(Rule::new(&settings));
        let mut calls = Vec::new();
        for line in events.split_inclusive(|byte| *byte == b'\n') {
            calls.extend(packer.push(line).unwrap());
        }
        calls.extend(packer.finish());
        sizes.extend(
            calls
                .into_iter()
                .flat_map(|call| call.records)
                .map(|record| record.len() as u64),
        );
    }
    (
        sizes.len() as u64,
        sizes.iter().map(|size| size.div_ceil(STEP) * STEP).sum(),
    )
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| str::from_utf8(group).unwrap())
        .collect();
    groups.join(",")
}

/// A quotient with so many decimals, rounded.
fn decimal(of: u64, by: u64, decimals: u32) -> String {
    let scale = 10_u64.pow(decimals);
    let scaled = (of * scale + by / 2) / by;
    if decimals == 0 {
        return grouped(scaled);
    }
    format!("{}.{:02$}", scaled / scale, scaled % scale, decimals as usize)
}

/// What 10^9 events cost of which so many are billed so.
fn dollars(billed: u64, events: u64) -> String {
    decimal(billed * PRICE, events * 1_000, 0)
}

fn figures() -> String {
    let mut page = "\n| table | events an hour | bytes an event | billed, packed | billed, single | times | a billion events, packed | single |\n|---|---|---|---|---|---|---|---|\n".to_owned();
    for (table, lines) in [
        ("alb_access_log", 1_000),
        ("alb_access_log", 10),
        ("alb_access_log", 1),
        ("alb_connection_log", 1_000),
        ("alb_health_check_log", 1_000),
        ("nlb_access_log", 1_000),
        ("clb_access_log", 1_000),
    ] {
        let hour = hour(table, lines);
        let bytes: u64 = hour.iter().map(|events| events.len() as u64).sum();
        let (_, packed) = billed(&hour, FirehoseRecords::Packed);
        let (records, single) = billed(&hour, FirehoseRecords::Single);
        assert_eq!(records, lines * OBJECTS);
        assert!(packed <= single && packed >= bytes);
        let row = [
            format!("`{table}`"),
            grouped(lines * OBJECTS),
            grouped(bytes / records),
            grouped(packed),
            grouped(single),
            decimal(single, packed, 1),
            format!("${}", dollars(packed, records)),
            format!("${}", dollars(single, records)),
        ];
        writeln!(page, "| {} |", row.join(" | ")).unwrap();
    }
    page.push('\n');
    page
}

/// One object of so many requests, and what comes of it, in bytes.
struct Sizes {
    lines: f64,
    text: f64,
    gzip: f64,
    parquet: f64,
    files: f64,
    billed: f64,
}

#[expect(clippy::cast_precision_loss, reason = "sizes of test data")]
fn sizes(lines: u64) -> Sizes {
    let format = FORMATS
        .into_iter()
        .find(|format| format.name == "alb_access_log")
        .unwrap();
    let object = Object::new(format, 0, lines);
    let mut packed = Vec::new();
    object.write_to(&mut packed).unwrap();
    let mut text = Vec::new();
    MultiGzDecoder::new(packed.as_slice()).read_to_end(&mut text).unwrap();
    let run = common::ingest(&object.key(), &packed, &Settings::default());
    assert_eq!(run.ledger().events, lines);
    let json = common::ingest(
        &object.key(),
        &packed,
        &Settings {
            partition_by: PartitionBy::None,
            ..common::json()
        },
    );
    let (_, billed) = billed(&[json.events()], FirehoseRecords::Packed);
    Sizes {
        lines: lines as f64,
        text: text.len() as f64,
        gzip: packed.len() as f64,
        parquet: run.events().len() as f64,
        files: run.files.len() as f64,
        billed: billed as f64,
    }
}

/// What an object costs on each way, by what costs it, in billionths of a dollar.
fn costs(object: &Sizes, stream: bool) -> [(&'static str, f64); 7] {
    let working = if stream {
        object.billed / assumed::STREAM_RATE
    } else {
        object.text / assumed::TEXT_RATE
    };
    // A stream's files take a PUT each, and hold many objects.
    let files = if stream {
        object.billed / assumed::STREAM_FILE
    } else {
        object.files
    };
    let streamed = if stream { object.billed / 1e3 } else { 0.0 };
    [
        (
            "function",
            (working + assumed::OBJECT_MILLISECONDS) * price::GB_MILLISECOND + price::INVOCATION,
        ),
        ("queue", assumed::QUEUE_REQUESTS * price::QUEUE_REQUEST),
        ("S3 requests", price::GET + files * price::PUT),
        ("function's log", assumed::LOGGED * price::LOG),
        ("Firehose, Direct PUT", streamed * price::STREAM),
        ("Firehose, format conversion", streamed * price::CONVERSION),
        (
            "events, stored for a month",
            object.parquet / 1e3 * price::STORED_FOR_A_MONTH,
        ),
    ]
}

fn dollars_of(billionths: f64) -> String {
    let dollars = billionths / 1e9;
    match dollars {
        0.0 => String::new(),
        0.0..10.0 => format!("${dollars:.2}"),
        _ => format!("${dollars:.0}"),
    }
}

/// What a month of an installation costs, by what costs it: three sizes of objects, a stream, and AWS's own delivery.
fn whole() -> String {
    let (busy, middle, quiet) = (sizes(10_000), sizes(1_000), sizes(10));
    let month = |object: &Sizes, stream| {
        costs(object, stream).map(|(name, cost)| (name, cost / object.lines * assumed::EVENTS))
    };
    let columns = [
        month(&busy, false),
        month(&middle, false),
        month(&quiet, false),
        month(&busy, true),
    ];
    let own = busy.text / busy.lines * assumed::EVENTS / 1e3 * price::STRUCTURED_DELIVERY;
    let head = [
        "a billion requests",
        "S3, 10,000 an object",
        "S3, 1,000 an object",
        "S3, 10 an object",
        "stream to Parquet, 10,000 an object",
        "AWS's structured delivery",
    ];
    let mut page = format!("\n| {} |\n|---|---:|---:|---:|---:|---:|\n", head.join(" | "));
    for (row, (name, _)) in columns[0].iter().enumerate() {
        let cells = columns.map(|column| dollars_of(column[row].1));
        writeln!(page, "| {name} | {} | |", cells.join(" | ")).unwrap();
    }
    let sums = columns.map(|column| dollars_of(column.iter().map(|(_, cost)| cost).sum()));
    writeln!(
        page,
        "| **together** | **{}** | **{}** |",
        sums.join("** | **"),
        dollars_of(own)
    )
    .unwrap();
    writeln!(
        page,
        "\nA request has {:.0} bytes of text, {:.0} in gzip and {:.0} in Parquet with 10,000 an object; {:.0}, {:.0} and {:.0} with 10.",
        busy.text / busy.lines,
        busy.gzip / busy.lines,
        busy.parquet / busy.lines,
        quiet.text / quiet.lines,
        quiet.gzip / quiet.lines,
        quiet.parquet / quiet.lines,
    )
    .unwrap();
    writeln!(
        page,
        "What does not grow with the logs comes to {} a month: {}.\n",
        dollars_of(fixed().1),
        fixed().0
    )
    .unwrap();
    page
}

/// What the template watches with in every choice of parameters, and what a month of it costs.
#[expect(clippy::cast_precision_loss, reason = "a few alarms")]
fn fixed() -> (String, f64) {
    let template = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("template.yaml")).unwrap();
    let resources = template
        .split("\nResources:\n")
        .nth(1)
        .unwrap()
        .split("\nOutputs:\n")
        .next()
        .unwrap();
    let alarms = resources.split("    Type: AWS::CloudWatch::Alarm\n").skip(1);
    // An alarm over several metrics is billed for each of them.
    let watched: Vec<usize> = alarms
        .map(|behind| behind.split("\n\n").next().unwrap())
        .filter(|alarm| !alarm.starts_with("    Condition: ") || alarm.starts_with("    Condition: Queued\n"))
        .map(|alarm| alarm.matches("MetricStat:").count().max(1))
        .collect();
    assert!(watched.len() > 5, "the template's alarms are not found");
    let (metrics, billed) = (METRICS.len(), watched.iter().sum::<usize>());
    let said = format!(
        "{metrics} metrics at $0.30, {} alarms on {billed} metrics at $0.10, a dashboard at $3",
        watched.len()
    );
    (said, (metrics as f64 * 0.3 + billed as f64 * 0.1 + 3.0) * 1e9)
}

#[expect(clippy::disallowed_methods, reason = "a switch of this test alone")]
fn update() -> bool {
    std::env::var_os("UPDATE_GENERATED").is_some()
}

/// Holds what stands behind a mark of a page to what is made, or writes it.
fn hold(page: &str, begin: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(begin).unwrap();
    let (committed, behind) = rest.split_once(END).unwrap();
    if update() {
        fs::write(&path, [before, begin, made, END, behind].concat()).unwrap();
    } else {
        assert_eq!(committed, made, "{page} is stale: run `make generated`");
    }
}

#[test]
fn the_pages_say_what_is_billed() {
    hold("docs/cost.md", BEGIN_STREAM, &figures());
    let whole = whole();
    hold("docs/cost.md", BEGIN_WHOLE, &whole);
    hold("README.md", BEGIN_WHOLE, &whole);
}
