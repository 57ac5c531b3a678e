//! Whole objects through the engine: packing, detection, malformed lines, partitions and failing destinations.

mod destinations;
mod detection;
mod lines;
mod packing;
mod partitions;
mod quarantine;

use alb_ingest::formats::Format;
use alb_ingest::generate::{Balancer, object_key};
use alb_ingest::ingest::{OnCorrupt, Options, Outcome, Skip};
use alb_ingest::parse::line::time::timestamp_micros;
use base64::Engine as _;
use serde_json::Value;

use crate::common::{Run, json, rows};

/// Returns a key of this log type with the given end time.
pub(crate) fn key_at(format: &'static Format, end: &str) -> String {
    let end = timestamp_micros(end.as_bytes()).unwrap();
    object_key(format, &Balancer::default(), u64::try_from(end).unwrap(), 1)
}

pub(crate) fn key(format: &'static Format) -> String {
    key_at(format, "2026-10-07T11:45:00Z")
}

/// A key that does not identify a log type.
const OPAQUE_KEY: &str = "some/file.log";

/// Returns an access line with 18 fields.
pub(crate) fn access_at(time: &str, agent: &str) -> String {
    format!(
        "https {time} app/shop/7f3c9a1e5b2d4860 198.51.100.7:54321 192.0.2.10:8080 0.001 0.048 0.000 200 200 350 1024 \
         \"GET https://www.example.com:443/items HTTP/1.1\" \"{agent}\" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 - \"Root=1\""
    )
}

pub(crate) fn access(number: usize) -> String {
    access_at(
        "2026-10-07T11:42:13.123456Z",
        &format!("agent {number} {}", number.wrapping_mul(2_654_435_761)),
    )
}

pub(crate) fn accesses(count: usize) -> Vec<u8> {
    (0..count)
        .map(|number| access(number) + "\n")
        .collect::<String>()
        .into_bytes()
}

/// Returns an access line with an invalid status code.
pub(crate) fn broken(number: usize) -> String {
    access(number).replacen(" 200 200 ", " 2xx 200 ", 1)
}

pub(crate) fn strict() -> Options {
    Options {
        on_corrupt: OnCorrupt::Strict,
        ..json()
    }
}

/// Returns the numbers of the lines that became events.
fn lines_of(run: &Run) -> Vec<u64> {
    let mut lines: Vec<_> = rows(&run.events())
        .iter()
        .map(|row| row["source_line"].as_u64().unwrap())
        .collect();
    lines.sort_unstable();
    lines
}

fn raw(row: &Value) -> Vec<u8> {
    match row.get("raw_base64") {
        Some(raw) => base64::engine::general_purpose::STANDARD
            .decode(raw.as_str().unwrap())
            .unwrap(),
        None => row["raw"].as_str().unwrap().as_bytes().to_vec(),
    }
}

fn skipped(run: &Run) -> Skip {
    assert!(run.files.is_empty());
    match &run.result {
        Ok(Outcome::Skipped(skip, _)) => *skip,
        other => panic!("not skipped: {other:?}"),
    }
}
