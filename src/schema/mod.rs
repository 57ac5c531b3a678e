//! Table definitions for others, each a loop over the format tables.

pub mod arrow;
pub mod markdown;
