//! The fuzz targets: functions that take any bytes and panic if a promise does not hold.
//!
//! The binaries in `fuzz_targets` hand them to libFuzzer. `tests/engine/fuzz_seeds.rs` includes this file by its path and runs the
//! committed seeds through the same functions, so the targets are compiled and checked with the other tests.

pub mod firehose;
pub mod line;
pub mod object;
pub mod plan;
pub mod trigger;
pub mod vended;

use alb_ingest::schema::mapping::Schema;

/// Returns the number of events in lines of JSON. No text of a log can have the marks around a name: JSON escapes quotes.
fn events(schema: Schema, json: &[u8]) -> usize {
    let json = str::from_utf8(json).expect("events are UTF-8");
    if schema.is_batched() {
        json.matches("{\"key\":\"log.record.uid\"").count()
    } else {
        json.matches('\n').count()
    }
}

/// A fuzz target.
pub type Target = fn(&[u8]);

/// Every target with its name.
pub const TARGETS: [(&str, Target); 6] = [
    ("firehose", firehose::run),
    ("line", line::run),
    ("object", object::run),
    ("plan", plan::run),
    ("trigger", trigger::run),
    ("vended", vended::run),
];
