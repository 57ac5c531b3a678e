//! Table definitions for others, each a loop over a table's columns.
//!
//! [`arrow`] and [`markdown`] describe the native columns and where they come from. The others take a [`Table`], a list
//! of columns that any shape of the output can give.

pub mod arrow;
pub mod athena;
pub mod glue;
pub mod json_schema;
pub mod markdown;
mod store;
mod table;

pub use store::{FIRST_DAY, Store};
pub use table::{Column, Table};
