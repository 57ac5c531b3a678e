//! The engine: from log lines to Parquet and JSON, on objects in memory.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may panic"
)]
#![allow(clippy::print_stdout, reason = "measurements are printed")]

#[path = "../common/mod.rs"]
mod common;
mod encoders;
mod enrich;
mod filters;
mod footer;
mod fuzz_seeds;
mod golden;
mod keep_raw;
mod lake;
mod merge;
mod merge_model;
mod objects;
mod otel;
mod peers;
mod properties;
mod redaction;
mod reference;
mod samples;
mod sampling;
mod schemas;
mod shapes;
mod splitting;
mod transform;
mod two_entries;
mod vended;
mod vended_safety;
