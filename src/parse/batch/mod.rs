//! Events as columns: typed buffers that lines are decoded into and encoders read from.

mod fill;
mod parser;
mod rows;
mod values;

pub use parser::{Kept, LineParser, Malformed, Repairs};
pub use values::{Lists, Numbers, Texts, Values};

use crate::formats::{Fill, Plan, Source};

/// A run of events of one object, column by column, in the order of their lines.
///
/// The columns that are the same for every event of an object, and `event_id`, are not stored: encoders take them from
/// the object.
#[derive(Debug)]
pub struct Batch {
    /// The format of the events.
    pub plan: &'static Plan,
    /// The text that the columns' texts stand in: the lines as they came, and texts that read otherwise.
    text: Vec<u8>,
    columns: Vec<Values>,
    rows: usize,
}

/// The position of `timestamp` among the columns of every table.
const TIMESTAMP: usize = 1;

impl Batch {
    /// An empty batch.
    pub fn new(plan: &'static Plan) -> Self {
        let columns = plan.columns.iter().map(Values::of).collect();
        Self {
            plan,
            text: Vec::new(),
            columns,
            rows: 0,
        }
    }

    /// The number of events.
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// The values of each column, in output order.
    pub fn columns(&self) -> &[Values] {
        &self.columns
    }

    /// The times of the events, microseconds since 1970.
    pub fn timestamps(&self) -> &[i64] {
        match self.columns.get(TIMESTAMP) {
            Some(Values::Timestamp(times)) => times.values(),
            _ => &[],
        }
    }

    /// The line numbers of the events.
    pub fn line_numbers(&self) -> &[i64] {
        match self.columns.last() {
            Some(Values::Int64(lines)) => lines.values(),
            _ => &[],
        }
    }

    /// The text that the columns' texts stand in.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// The bytes of text that the batch holds.
    pub const fn bytes(&self) -> usize {
        self.text.len()
    }

    /// Removes every event, and keeps the buffers.
    pub fn clear(&mut self) {
        self.truncate(0);
        self.text.clear();
    }

    /// Removes the events behind the first `rows`.
    pub(crate) fn truncate(&mut self, rows: usize) {
        for column in &mut self.columns {
            column.truncate(rows);
        }
        self.rows = rows.min(self.rows);
    }

    /// Appends to `out` the events at these positions.
    pub fn select_into(&self, rows: &[usize], out: &mut Self) {
        for (from, into) in self.columns.iter().zip(&mut out.columns) {
            from.select_into(rows, &self.text, into, &mut out.text);
        }
        out.rows += rows.len();
    }
}

/// Whether the column's values are not stored in a batch.
const fn of_object(source: Source) -> bool {
    matches!(
        source,
        Source::Filled(Fill::EventId | Fill::AccountId | Fill::Region | Fill::SourceBucket | Fill::SourceKey)
    )
}
