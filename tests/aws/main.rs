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
#[path = "../common/mod.rs"]
mod common;
mod firehose;
mod function_merge;
mod kills;
mod lambda;
mod merge;
mod merge_scale;
mod s3;
mod servers;
