//! The lines of a block that were split and wait to be decoded.

use crate::parse::line::Span;

/// Lines that were split: the parts of each, and what else is known of it.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// The parts of every row, row by row; null if a part is `-`.
    parts: Vec<Span>,
    lines: Vec<Row>,
    /// The number of parts of a row.
    stride: usize,
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
    /// Returns the rows, without their parts.
    pub(super) fn rows(&self) -> &[Row] {
        &self.lines
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Returns each row with one of its parts.
    #[inline]
    pub(super) fn part(&self, part: usize) -> impl Iterator<Item = (&Row, Span)> {
        let parts = self.parts.chunks_exact(self.stride.max(1));
        self.lines.iter().zip(parts.map(move |parts| parts[part]))
    }

    pub(super) fn push(&mut self, text: &[u8], parts: &[Span], row: Row) {
        self.stride = parts.len();
        self.parts.extend(parts.iter().map(|part| part.without_dash(text)));
        self.lines.push(row);
    }

    /// Adds room for the parts of a row, all null. The caller must call [`Rows::keep_added`] or [`Rows::drop_added`] next.
    #[inline]
    pub(super) fn add(&mut self, stride: usize) -> &mut [Span] {
        self.stride = stride;
        let begin = self.parts.len();
        self.parts.resize(begin + stride, Span::NULL);
        &mut self.parts[begin..]
    }

    /// Keeps the row that was added.
    #[inline]
    pub(super) fn keep_added(&mut self, row: Row) {
        self.lines.push(row);
    }

    /// Drops the parts that were added.
    pub(super) fn drop_added(&mut self) {
        self.parts.truncate(self.lines.len() * self.stride);
    }

    /// Replaces the parts of a row with those of the repaired line.
    pub(super) fn replace(&mut self, number: usize, text: &[u8], parts: &[Span], extra: Span) {
        let begin = number * self.stride;
        for (into, part) in self.parts[begin..begin + self.stride].iter_mut().zip(parts) {
            *into = part.without_dash(text);
        }
        let row = &mut self.lines[number];
        (row.extra, row.repaired, row.clean) = (extra, true, false);
    }

    /// Removes the rows at these positions, which are in ascending order.
    pub(super) fn remove(&mut self, out: &[usize]) {
        retain(&mut self.parts, out, self.stride);
        retain(&mut self.lines, out, 1);
    }

    pub(super) fn clear(&mut self) {
        self.parts.clear();
        self.lines.clear();
    }
}

fn retain<T>(values: &mut Vec<T>, out: &[usize], stride: usize) {
    let mut at = 0;
    values.retain(|_| {
        let keep = out.binary_search(&(at / stride.max(1))).is_err();
        at += 1;
        keep
    });
}
