//! The report: what happened, in the figures of one pass over log objects.
//!
//! An [`Accumulator`] takes the events of objects; [`Figures`] are what it knows. The page is a function of the figures.

mod accumulate;
pub mod figures;
pub mod page;
mod sketch;
mod time;

pub use accumulate::Accumulator;
pub use figures::Figures;
pub use time::Time;
