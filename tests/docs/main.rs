//! Facts about the repository: generated files are up to date, layers are kept, and standards are followed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may panic"
)]

#[cfg(feature = "aws")]
#[path = "../common/mod.rs"]
mod common;
#[cfg(feature = "aws")]
mod cost;
mod dependencies;
mod floors;
mod generated;
mod standards;
