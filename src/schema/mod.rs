//! Output schemas, and the table definitions that other programs need to read them.

pub mod catalog;
pub mod mapping;
