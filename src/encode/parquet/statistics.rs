//! Collects the statistics of a column chunk: minimum, maximum and number of nulls.

use super::schema::Physical;
use super::thrift::{Bound, write_statistics};

/// The maximum number of bytes of a text in statistics.
const TRUNCATE: usize = 64;

/// The bounds of texts.
#[derive(Debug, Default)]
pub(super) struct TextBounds {
    min: Vec<u8>,
    max: Vec<u8>,
    any: bool,
}

impl TextBounds {
    #[inline]
    pub(super) fn add(&mut self, text: &[u8]) {
        if !self.any {
            self.min.extend_from_slice(text);
            self.max.extend_from_slice(text);
            self.any = true;
        } else if text < self.min.as_slice() {
            self.min.clear();
            self.min.extend_from_slice(text);
        } else if text > self.max.as_slice() {
            self.max.clear();
            self.max.extend_from_slice(text);
        }
    }

    /// Writes the statistics and resets the bounds. Long texts are truncated so that they remain bounds.
    pub(super) fn finish(&mut self, nulls: usize, out: &mut Vec<u8>) {
        let max_exact = self.any && self.max.len() <= TRUNCATE;
        let has_max = self.any && (max_exact || truncate_max(&mut self.max));
        let min = self.any.then(|| truncate_min(&self.min));
        let max = has_max.then_some((self.max.as_slice(), max_exact));
        write_statistics(min, max, nulls, None, out);
        self.min.clear();
        self.max.clear();
        self.any = false;
    }
}

/// Returns the beginning of a text, and whether it is the whole text.
fn truncate_min(text: &[u8]) -> (&[u8], bool) {
    if text.len() <= TRUNCATE {
        return (text, true);
    }
    (beginning(text), false)
}

/// Shortens a long text to one that is not smaller; returns whether one exists.
fn truncate_max(text: &mut Vec<u8>) -> bool {
    text.truncate(beginning(text).len());
    // Increment the last character that has a successor of the same length.
    while let Some(last) = text.pop() {
        if last < 0x7f {
            text.push(last + 1);
            return true;
        }
    }
    false
}

/// Returns the longest beginning of a text within the limit that is valid UTF-8.
fn beginning(text: &[u8]) -> &[u8] {
    let cut = text.get(..TRUNCATE).unwrap_or(text);
    cut.utf8_chunks().next().map_or(&[], |chunk| chunk.valid().as_bytes())
}

/// The bounds of integers.
#[derive(Debug, Default)]
pub(super) struct NumberBounds(Option<(i64, i64)>);

impl NumberBounds {
    pub(super) fn add(&mut self, numbers: impl Iterator<Item = i64>) {
        let (min, max) = numbers.fold((i64::MAX, i64::MIN), |(min, max), number| {
            (min.min(number), max.max(number))
        });
        if min <= max {
            let (least, most) = self.0.unwrap_or((min, max));
            self.0 = Some((least.min(min), most.max(max)));
        }
    }

    /// Writes the statistics, in the physical type of the column, and resets the bounds.
    pub(super) fn finish(&mut self, physical: Physical, nulls: usize, out: &mut Vec<u8>) {
        let len = if physical == Physical::Int32 { 4 } else { 8 };
        let (min, max) = self.0.take().unzip();
        let [min, max] = [min, max].map(|bound| bound.map(i64::to_le_bytes));
        write_statistics(exact(min.as_ref(), len), exact(max.as_ref(), len), nulls, None, out);
    }
}

/// The bounds of floats, none of which is NaN, in their total order, which is the order that the crate's footer names.
#[derive(Debug, Default)]
pub(super) struct FloatBounds(Option<(f64, f64)>);

impl FloatBounds {
    pub(super) fn add(&mut self, numbers: impl Iterator<Item = f64>) {
        for number in numbers {
            let (min, max) = self.0.unwrap_or((number, number));
            self.0 = Some((
                std::cmp::min_by(min, number, f64::total_cmp),
                std::cmp::max_by(max, number, f64::total_cmp),
            ));
        }
    }

    /// Writes the statistics and resets the bounds.
    pub(super) fn finish(&mut self, nulls: usize, out: &mut Vec<u8>) {
        let (min, max) = self.0.take().unzip();
        let [min, max] = [min, max].map(|bound| bound.map(f64::to_le_bytes));
        write_statistics(exact(min.as_ref(), 8), exact(max.as_ref(), 8), nulls, Some(0), out);
    }
}

/// Returns a number, which takes `len` bytes, as a bound.
fn exact(number: Option<&[u8; 8]>, len: usize) -> Bound<'_> {
    number.map(|bytes| (&bytes[..len], true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negative_zero_is_less_than_positive_zero() {
        for zeros in [[0.0, -0.0], [-0.0, 0.0]] {
            let mut bounds = FloatBounds::default();
            bounds.add(zeros.into_iter());
            let [mut written, mut expected] = [Vec::new(), Vec::new()];
            bounds.finish(0, &mut written);
            let [least, most] = [-0.0, 0.0].map(|zero: f64| Some(zero.to_le_bytes()));
            write_statistics(
                exact(least.as_ref(), 8),
                exact(most.as_ref(), 8),
                0,
                Some(0),
                &mut expected,
            );
            assert_eq!(written, expected);
        }
    }
}
