//! Output schemas, and the table definitions that other programs need to read their files.

pub mod catalog;
pub mod mapping;
