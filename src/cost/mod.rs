//! What a delivery costs at AWS: one table of prices, and the requests and seconds that work takes.
//!
//! `alb-ingest backfill` estimates with it, and `docs/cost.md` and `docs/scale.md` are computed with it.

pub mod assumed;
mod merged;
mod prices;
mod separate;
mod simulation;

pub use merged::{Item, MergedWork, Usage};
pub use prices::{PRICES, Price, PriceError, Prices};
pub use separate::SeparateWork;
pub use simulation::{FolderLoad, Schedule};
