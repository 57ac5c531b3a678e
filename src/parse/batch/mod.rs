//! Decodes lines into columns: typed buffers that encoders read.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a broken invariant must stop the object instead of writing wrong values; the panic is caught per object"
)]

mod fill;
mod parser;
mod rows;
mod values;
mod vended;

pub use parser::{Kept, LineParser, Malformed, Repairs};
pub use values::{Lists, Numbers, Texts, Values};

use std::ops::Range;

use crate::formats::{ColumnSource, Fill, Plan};
use crate::parse::line::text::is_clean;

/// Consecutive events of one object, column by column, in the order of their lines.
///
/// `event_id` and the columns that are the same for every event of an object are not stored: encoders take them from the
/// object.
#[derive(Debug)]
pub struct Batch {
    /// The format of the events.
    pub plan: &'static Plan,
    /// The text that the columns' texts point into: the lines, followed by texts that differ from their form on the line.
    text: Vec<u8>,
    columns: Vec<Values>,
    /// Whether no text of a row has a byte that JSON escapes. May be false although none has.
    clean: Vec<bool>,
    rows: usize,
    /// The number of bytes that the events contribute to the text.
    bytes: usize,
}

/// The position of `timestamp` among the columns of every table.
const TIMESTAMP: usize = 1;

impl Batch {
    /// Returns an empty batch.
    pub fn new(plan: &'static Plan) -> Self {
        let columns = plan.columns.iter().map(Values::of).collect();
        Self {
            plan,
            text: Vec::new(),
            columns,
            clean: Vec::new(),
            rows: 0,
            bytes: 0,
        }
    }

    /// Returns the number of events.
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Returns the values of each column, in output order.
    pub fn columns(&self) -> &[Values] {
        &self.columns
    }

    /// Returns the columns and the text that their texts point into, to which texts may be appended. Every column must keep a
    /// value for each event; the columns of [`Extras`](crate::formats::Extras) get theirs. After a text with a byte that JSON
    /// escapes, call [`Batch::distrust`].
    pub fn columns_mut(&mut self) -> (&mut [Values], &mut Vec<u8>) {
        (&mut self.columns, &mut self.text)
    }

    /// Records that the texts of any row may have a byte that JSON escapes.
    pub fn distrust(&mut self) {
        self.clean.fill(false);
    }

    /// Returns the times of the events, in microseconds since 1970.
    pub fn timestamps(&self) -> &[i64] {
        match &self.columns[TIMESTAMP] {
            Values::Timestamp(times) => times.values(),
            _ => unreachable!("the second column of every table is its timestamp"),
        }
    }

    /// Returns the line numbers of the events.
    pub fn line_numbers(&self) -> &[i64] {
        match self.columns.get(self.plan.source_line) {
            Some(Values::Int64(lines)) => lines.values(),
            _ => unreachable!("every table has a column of line numbers"),
        }
    }

    /// Returns for each row whether none of its texts has a quote, a backslash or a control character. May be false although
    /// none has.
    pub fn clean(&self) -> &[bool] {
        &self.clean
    }

    /// Returns the text that the columns' texts point into.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// Returns the number of bytes of the events' lines, and of texts that differ from their form on the line.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Removes every event but keeps the buffers.
    pub fn clear(&mut self) {
        // The text is replaced when the next lines are added: until then, it shows how much of a buffer was used.
        self.truncate(0);
        self.bytes = 0;
    }

    /// Appends lines to the text; returns their place.
    fn append_lines(&mut self, lines: &[u8]) -> Range<usize> {
        let start = self.text.len();
        self.text.extend_from_slice(lines);
        self.check_text();
        start..self.text.len()
    }

    fn check_text(&self) {
        let fits = u32::try_from(self.text.len()).is_ok();
        assert!(fits, "spans are 32 bits: the text of a batch is a few blocks");
    }

    /// Takes the first `len` bytes of a buffer as its text, and leaves its own buffer, of the same length if it was used
    /// before. The batch must be empty.
    fn take_lines(&mut self, buffer: &mut Vec<u8>, len: usize) -> Range<usize> {
        std::mem::swap(&mut self.text, buffer);
        if buffer.capacity() > 0 {
            // Nearly all of it is initialized.
            buffer.resize(self.text.len(), 0);
            buffer.shrink_to(2 * self.text.len());
        }
        self.text.truncate(len);
        self.check_text();
        0..self.text.len()
    }

    /// Removes the events whose flag is false.
    pub fn retain(&mut self, keep: &[bool]) {
        let kept = keep.iter().enumerate().filter(|(_, keep)| **keep);
        let rows: Vec<_> = kept.map(|(row, _)| row).collect();
        if rows.len() < self.rows {
            let mut selected = Self::new(self.plan);
            self.select_into(&rows, &mut selected);
            *self = selected;
        }
    }

    /// Replaces the texts of a column, or of the items of a column of lists. `replace` appends the new text to its second
    /// argument, or returns false for null, which removes an item of a list. Equal consecutive texts are replaced once.
    pub fn replace_texts(&mut self, column: usize, replace: impl FnMut(&[u8], &mut Vec<u8>) -> bool) {
        let from = self.text.len();
        self.columns[column].replace(&mut self.text, replace);
        self.check_text();
        if !self.text[from..].iter().all(|byte| is_clean(*byte)) {
            self.distrust();
        }
    }

    /// Removes the events after the first `rows`.
    pub(crate) fn truncate(&mut self, rows: usize) {
        for column in &mut self.columns {
            column.truncate(rows);
        }
        self.clean.truncate(rows);
        self.rows = rows.min(self.rows);
    }

    /// Appends the events at these positions to `out`.
    pub fn select_into(&self, rows: &[usize], out: &mut Self) {
        let before = out.text.len();
        for (from, into) in self.columns.iter().zip(&mut out.columns) {
            from.select_into(rows, &self.text, into, &mut out.text);
        }
        out.clean.extend(rows.iter().map(|row| self.clean[*row]));
        out.rows += rows.len();
        out.bytes += out.text.len() - before;
    }
}

/// Returns whether the column's values come from the object and are not stored in a batch.
const fn of_object(source: ColumnSource) -> bool {
    matches!(
        source,
        ColumnSource::Filled(Fill::EventId | Fill::AccountId | Fill::Region | Fill::SourceBucket | Fill::SourceKey)
    )
}
