//! What a stream bills, as docs/cost.md says it: an hour of traffic through the engine and the packing.

#![cfg(feature = "aws")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop here"
)]

mod common;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use alb_ingest::aws::firehose::pack::{Packer, Rule};
use alb_ingest::format::FORMATS;
use alb_ingest::sample::Object;
use alb_ingest::settings::{Firehose, FirehoseRecords, PartitionBy, Settings};

/// A record is billed in steps of so many bytes.
const STEP: u64 = 5_120;
/// Thousandths of a dollar for 10^9 bytes.
const PRICE: u64 = 29;
/// A node writes an object every five minutes.
const OBJECTS: u64 = 12;

const BEGIN: &str = "<!-- made by: UPDATE_GENERATED=1 cargo test --test cost -->\n";
const END: &str = "<!-- end of what is made -->";

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

#[expect(clippy::disallowed_methods, reason = "a switch of this test alone")]
fn update() -> bool {
    std::env::var_os("UPDATE_GENERATED").is_some()
}

#[test]
fn the_page_says_what_is_billed() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/cost.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (committed, behind) = rest.split_once(END).unwrap();
    let made = figures();
    if update() {
        fs::write(&path, [before, BEGIN, &made, END, behind].concat()).unwrap();
    } else {
        assert_eq!(committed, made, "docs/cost.md is stale: run `make generated`");
    }
}
