//! S3, Firehose and the Lambda runtime, tested against in-process servers that stand in for AWS.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::result_large_err,
    reason = "tests may panic, and their errors may be large"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "the servers read the clock and start threads, and tests measure how long calls take"
)]
#![allow(clippy::print_stdout, reason = "measurements are printed")]

mod audit;
mod backfill;
mod canaries;
#[path = "../common/mod.rs"]
mod common;
mod enrich;
#[path = "../edge/envelopes.rs"]
#[expect(dead_code, reason = "this binary uses only some of the payloads")]
mod envelopes;
mod firehose;
mod function_merge;
mod kills;
mod lambda;
mod merge;
mod merge_scale;
mod plans;
mod redact_key;
mod s3;
mod servers;
mod throughput;
