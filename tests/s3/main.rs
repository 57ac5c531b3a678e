//! S3 in and out, against a strict S3 that breaks what a fault plan says. The server's store and journal are what counts.

#![cfg(feature = "aws")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop here"
)]

mod chaos;
mod environment;
mod lists;
mod parts;
mod reads;
mod refusals;
mod rig;
#[path = "../servers/mod.rs"]
mod servers;
mod writes;
