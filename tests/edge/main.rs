//! The edges: the command line, the trigger payloads and their responses, and the function on local folders.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests may panic"
)]

mod ahead;
mod answers;
mod audit;
mod cli;
#[path = "../common/mod.rs"]
mod common;
mod enrich;
mod envelopes;
mod events;
mod faulty;
mod filter;
mod function;
mod function_merge;
mod help;
mod inputs;
mod limits;
mod merge;
mod outputs;
mod paths;
mod readme;
mod redact;
mod replay;
mod triggers;
