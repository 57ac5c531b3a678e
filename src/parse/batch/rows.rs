//! The lines of a block that were split and wait to be decoded.

use crate::parse::line::Span;

/// Lines that were split: the parts of each, and what else is known of it.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// The parts of every row, one row behind the other; no piece where a part is `-`.
    parts: Vec<Span>,
    lines: Vec<Row>,
    /// How many parts a row has.
    stride: usize,
}

/// A line that was split.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    /// Where it stands.
    pub(super) span: Span,
    /// Its unknown trailing fields.
    pub(super) extra: Span,
    /// The number of its first physical line.
    pub(super) line: u64,
    /// Whether it was repaired or joined.
    pub(super) repaired: bool,
    /// Whether it is ASCII without a backslash, so that every text stands on it as it reads.
    pub(super) plain: bool,
}

impl Rows {
    /// The rows, without their parts.
    pub(super) fn rows(&self) -> &[Row] {
        &self.lines
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Each row with the place of one of its parts.
    #[inline]
    pub(super) fn part(&self, part: usize) -> impl Iterator<Item = (&Row, Span)> {
        let parts = self.parts.chunks_exact(self.stride.max(1));
        let place = move |parts: &[Span]| parts.get(part).copied().unwrap_or(Span::NULL);
        self.lines.iter().zip(parts.map(place))
    }

    pub(super) fn push(&mut self, text: &[u8], parts: &[Span], row: Row) {
        self.stride = parts.len();
        self.parts.extend(parts.iter().map(|part| part.without_dash(text)));
        self.lines.push(row);
    }

    /// Room for the parts of a row, none of them on the line yet. [`Rows::keep_added`] or [`Rows::drop_added`] follows.
    #[inline]
    pub(super) fn add(&mut self, stride: usize) -> &mut [Span] {
        self.stride = stride;
        let begin = self.parts.len();
        self.parts.resize(begin + stride, Span::NULL);
        self.parts.get_mut(begin..).unwrap_or_default()
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

    /// Puts the parts of a repaired line in the place of a row's.
    pub(super) fn replace(&mut self, number: usize, text: &[u8], parts: &[Span], extra: Span) {
        let into = self.parts.chunks_exact_mut(self.stride.max(1)).nth(number);
        for (into, part) in into.into_iter().flatten().zip(parts) {
            *into = part.without_dash(text);
        }
        if let Some(row) = self.lines.get_mut(number) {
            (row.extra, row.repaired) = (extra, true);
        }
    }

    /// Removes the rows at these rising positions.
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
