//! Fuzzes `alb_ingest_fuzz::firehose`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| alb_ingest_fuzz::firehose::run(bytes));
