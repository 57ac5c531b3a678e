//! Parsing: from the bytes of an object to the columns of its events.

pub mod batch;
pub mod input;
pub mod line;
pub mod vended;
