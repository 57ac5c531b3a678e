//! The lines of a block that were split and wait to be decoded.

use crate::parse::line::{Parts, Span};

/// Lines that were split: the parts of each, and what else is known of it.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// The parts of every row, part by part, as they are decoded; null if a part is `-`. Unspecified after the rows.
    spans: Vec<Span>,
    /// The number of rows for which each part has room.
    room: usize,
    lines: Vec<Row>,
    /// The number of parts of a row.
    parts: usize,
}

/// A split line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    /// Its position in the text.
    pub(super) span: Span,
    /// Its unknown trailing fields.
    pub(super) extra: Span,
    /// The number of its first physical line.
    pub(super) line: u64,
    /// Whether it was repaired or joined.
    pub(super) repaired: bool,
    /// Whether it is ASCII without a backslash, so its texts need no change.
    pub(super) plain: bool,
    /// Whether no text of it has a byte that JSON escapes. May be false although none has.
    pub(super) clean: bool,
}

impl Rows {
    /// Returns no rows, of lines with this number of parts.
    pub(super) fn new(parts: usize) -> Self {
        Self {
            parts,
            ..Self::default()
        }
    }

    /// Returns the rows, without their parts.
    pub(super) fn rows(&self) -> &[Row] {
        &self.lines
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Returns one of the parts of each row.
    #[inline]
    pub(super) fn part(&self, part: usize) -> &[Span] {
        &self.spans[part * self.room..][..self.lines.len()]
    }

    pub(super) fn push(&mut self, text: &[u8], parts: &[Span], row: Row) {
        self.next().set_all(text, parts);
        self.lines.push(row);
    }

    /// Returns the room for the parts of the next row, which are unspecified. [`Rows::keep`] makes it a row.
    #[inline]
    pub(super) fn next(&mut self) -> Parts<'_> {
        if self.lines.len() == self.room {
            self.grow();
        }
        Parts::new(&mut self.spans, self.room, self.lines.len())
    }

    /// Gives every part more room. An odd number of cache lines between two parts of a row keeps them in different sets of
    /// the cache.
    #[cold]
    fn grow(&mut self) {
        let room = if self.room == 0 { 12 } else { 2 * self.room + 8 };
        let mut spans = vec![Span::NULL; self.parts * room];
        if self.room > 0 {
            let columns = self.spans.chunks_exact(self.room);
            for (into, from) in spans.chunks_exact_mut(room).zip(columns) {
                into[..from.len()].copy_from_slice(from);
            }
        }
        (self.spans, self.room) = (spans, room);
    }

    /// Keeps the next row.
    #[inline]
    pub(super) fn keep(&mut self, row: Row) {
        self.lines.push(row);
    }

    /// Replaces the parts of a row with those of the repaired line.
    pub(super) fn replace(&mut self, number: usize, text: &[u8], parts: &[Span], extra: Span) {
        Parts::new(&mut self.spans, self.room, number).set_all(text, parts);
        let row = &mut self.lines[number];
        (row.extra, row.repaired, row.clean) = (extra, true, false);
    }

    /// Removes the rows at these positions, which are in ascending order.
    pub(super) fn remove(&mut self, out: &[usize]) {
        for column in self.spans.chunks_exact_mut(self.room.max(1)) {
            retain(&mut column[..self.lines.len()], out);
        }
        let kept = retain(&mut self.lines, out);
        self.lines.truncate(kept);
    }

    /// Removes every row but keeps the buffers.
    pub(super) fn clear(&mut self) {
        self.lines.clear();
    }
}

/// Moves the values at other positions to the front; returns their number.
fn retain<T: Copy>(values: &mut [T], out: &[usize]) -> usize {
    let mut kept = 0;
    for at in 0..values.len() {
        if out.binary_search(&at).is_err() {
            values[kept] = values[at];
            kept += 1;
        }
    }
    kept
}
