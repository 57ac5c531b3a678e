//! Table definitions for other programs, each a loop over an [`OutputTable`](crate::schema::mapping::OutputTable).

pub mod arrow;
pub mod athena;
pub mod elasticsearch;
pub mod glue;
mod hive;
pub mod iceberg;
pub mod json_schema;
pub mod markdown;
pub mod panther;
mod store;

pub use store::{FIRST_DAY, Folders, Store, TableFormat};
