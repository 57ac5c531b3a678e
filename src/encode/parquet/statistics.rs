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
    /// The heads of the bounds: most texts are compared by theirs.
    heads: (u128, u128),
    any: bool,
}

/// Returns the first 16 bytes of a text. Different heads have the order of their texts.
#[inline]
fn head(text: &[u8]) -> u128 {
    let bytes = text.first_chunk().copied().unwrap_or_else(|| {
        let mut padded = [0; 16];
        padded[..text.len()].copy_from_slice(text);
        padded
    });
    u128::from_be_bytes(bytes)
}

impl TextBounds {
    #[inline]
    pub(super) fn add(&mut self, text: &[u8]) {
        let head = head(text);
        if !self.any || head <= self.heads.0 || head >= self.heads.1 {
            self.add_outer(text, head);
        }
    }

    /// Adds a text that may be a bound.
    #[inline(never)]
    fn add_outer(&mut self, text: &[u8], head: u128) {
        if !self.any || text < self.min.as_slice() {
            self.min.clear();
            self.min.extend_from_slice(text);
            self.heads.0 = head;
        }
        if !self.any || text > self.max.as_slice() {
            self.max.clear();
            self.max.extend_from_slice(text);
            self.heads.1 = head;
        }
        self.any = true;
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
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Texts that end or differ around the border of the head.
        #[test]
        fn bounds_of_texts_are_the_least_and_the_greatest(
            texts in proptest::collection::vec("[ab]{0,2}(a{12,16})?[\\x00b]{0,3}", 1..40),
        ) {
            let mut bounds = TextBounds::default();
            texts.iter().for_each(|text| bounds.add(text.as_bytes()));
            prop_assert_eq!(bounds.min.as_slice(), texts.iter().min().unwrap().as_bytes());
            prop_assert_eq!(bounds.max.as_slice(), texts.iter().max().unwrap().as_bytes());
        }
    }

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
