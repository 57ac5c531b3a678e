//! Summaries of many values in little memory. All of them can be merged.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a broken invariant must stop the object instead of counting wrong; the panic is caught per object"
)]

mod durations;
mod key;
mod top;

pub(super) use durations::{Durations, RELATIVE_ERROR};
pub(super) use key::{KeyBuffer, MAX_TEXT, single, text_of, texts_of};
pub(super) use top::{DISTINCT_ERROR, Entry, Tally, Top, hash};
