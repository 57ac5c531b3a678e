//! Collects the statistics of a column chunk and of its pages: minimum, maximum and number of nulls.

use super::schema::Physical;
use super::thrift::{Bound, write_statistics};

/// The maximum number of bytes of a text in statistics.
const TRUNCATE: usize = 64;

/// The bounds of values, of which only those of the column's type are used.
#[derive(Debug)]
pub(super) struct Bounds {
    physical: Physical,
    pub(super) texts: TextBounds,
    pub(super) numbers: NumberBounds,
    pub(super) floats: FloatBounds,
}

/// What was written for the bounds of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PageBounds {
    /// Nothing: there is no value.
    None,
    /// Nothing: no text of limited length is an upper bound.
    Unlimited,
    /// The lower bound, up to this position of the buffer, and the upper one.
    Until(usize),
}

impl Bounds {
    pub(super) fn new(physical: Physical) -> Self {
        Self {
            physical,
            texts: TextBounds::default(),
            numbers: NumberBounds::default(),
            floats: FloatBounds::default(),
        }
    }

    /// Adds the bounds of other values.
    pub(super) fn merge(&mut self, other: &Self) {
        if other.texts.any {
            self.texts.add(&other.texts.min);
            self.texts.add(&other.texts.max);
        }
        self.numbers.add(other.numbers.0.into_iter().flat_map(<[i64; 2]>::from));
        self.floats.add(other.floats.0.into_iter().flat_map(<[f64; 2]>::from));
    }

    pub(super) fn clear(&mut self) {
        self.texts.clear();
        (self.numbers.0, self.floats.0) = (None, None);
    }

    /// Returns the number of values that are not numbers, if the column can have such: they would be malformed.
    pub(super) fn nans(&self) -> Option<i64> {
        (self.physical == Physical::Double).then_some(0)
    }

    /// Writes the statistics and resets the bounds. Long texts are truncated so that they remain bounds.
    pub(super) fn finish(&mut self, nulls: usize, out: &mut Vec<u8>) {
        self.with_bytes(|min, max, nans| write_statistics(min, max, nulls, nans, out));
        self.clear();
    }

    /// Appends the bounds of a page, and resets them.
    pub(super) fn finish_page(&mut self, out: &mut Vec<u8>) -> PageBounds {
        let written = self.with_bytes(|min, max, _| match (min, max) {
            (None, _) => PageBounds::None,
            (Some(_), None) => PageBounds::Unlimited,
            (Some((min, _)), Some((max, _))) => {
                out.extend_from_slice(min);
                let middle = out.len();
                out.extend_from_slice(max);
                PageBounds::Until(middle)
            }
        });
        self.clear();
        written
    }

    /// Calls `write` with the bounds as Parquet stores them, and the number of NaNs.
    fn with_bytes<T>(&mut self, write: impl FnOnce(Bound<'_>, Bound<'_>, Option<i64>) -> T) -> T {
        let nans = self.nans();
        let (numbers, len) = match self.physical {
            Physical::Bytes => {
                let (min, max) = self.texts.truncated();
                return write(min, max, nans);
            }
            Physical::Double => (self.floats.0.map(|(min, max)| [min, max].map(f64::to_le_bytes)), 8),
            Physical::Int64 => (self.numbers.0.map(|(min, max)| [min, max].map(i64::to_le_bytes)), 8),
            Physical::Int32 => (self.numbers.0.map(|(min, max)| [min, max].map(i64::to_le_bytes)), 4),
        };
        let exact = |at: usize| numbers.as_ref().map(|bounds| (&bounds[at][..len], true));
        write(exact(0), exact(1), nans)
    }
}

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

    /// Returns the bounds. Long texts are truncated so that they remain bounds.
    fn truncated(&mut self) -> (Bound<'_>, Bound<'_>) {
        let max_exact = self.any && self.max.len() <= TRUNCATE;
        let has_max = self.any && (max_exact || truncate_max(&mut self.max));
        let min = self.any.then(|| truncate_min(&self.min));
        (min, has_max.then_some((self.max.as_slice(), max_exact)))
    }

    fn clear(&mut self) {
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
            for text in &texts {
                bounds.add(text.as_bytes());
            }
            prop_assert_eq!(bounds.min.as_slice(), texts.iter().min().unwrap().as_bytes());
            prop_assert_eq!(bounds.max.as_slice(), texts.iter().max().unwrap().as_bytes());
        }
    }

    #[test]
    fn negative_zero_is_less_than_positive_zero() {
        for zeros in [[0.0, -0.0], [-0.0, 0.0]] {
            let mut bounds = Bounds::new(Physical::Double);
            bounds.floats.add(zeros.into_iter());
            let mut written = Vec::new();
            assert_eq!(bounds.finish_page(&mut written), PageBounds::Until(8));
            assert_eq!(written, [-0.0, 0.0].map(|zero: f64| zero.to_le_bytes()).concat());
        }
    }
}
