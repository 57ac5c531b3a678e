//! Facts about the repository: generated files are up to date, layers are kept, and standards are followed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests may panic"
)]

#[path = "../common/mod.rs"]
mod common;
mod comparison;
mod cost;
mod dependencies;
mod floors;
mod generated;
mod links;
mod reliability;
mod standards;
