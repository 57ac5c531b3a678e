//! Fuzzes `alb_ingest_fuzz::vended`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| alb_ingest_fuzz::vended::run(bytes));
