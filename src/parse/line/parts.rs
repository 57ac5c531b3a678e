//! The parts of a line, in a table of the parts of many lines.

use super::Span;

/// The parts of one line, which is a row of a table that has a column for each part.
#[derive(Debug)]
pub struct Parts<'a> {
    spans: &'a mut [Span],
    /// The number of spans of a column.
    room: usize,
    row: usize,
}

impl<'a> Parts<'a> {
    /// Returns the parts at a row of a table whose columns have room for `room` rows, one column after the other.
    #[inline]
    pub const fn new(spans: &'a mut [Span], room: usize, row: usize) -> Self {
        Self { spans, room, row }
    }

    /// Returns a part.
    #[inline]
    pub fn get(&self, part: usize) -> Span {
        self.spans[part * self.room + self.row]
    }

    /// Replaces a part.
    #[inline]
    pub fn set(&mut self, part: usize, span: Span) {
        self.spans[part * self.room + self.row] = span;
    }

    /// Replaces every part, with null if a part is the dash that means "no value".
    pub fn set_all(&mut self, base: &[u8], parts: &[Span]) {
        for (number, part) in parts.iter().enumerate() {
            self.set(number, part.without_dash(base));
        }
    }
}
