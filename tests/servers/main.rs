//! The test servers themselves, asked by the real AWS SDK and the real Lambda runtime, and by hand where those are too
//! polite. Other tests include the servers as `mod servers;`, without this file and its checks.

#![cfg(feature = "aws")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::result_large_err,
    reason = "a test may stop here, and its errors be large"
)]

mod checks;
#[path = "mod.rs"]
mod servers;
