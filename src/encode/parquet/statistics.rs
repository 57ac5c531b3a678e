//! Collects the statistics of a column chunk: minimum, maximum and number of nulls.

use parquet::data_type::ByteArray;
use parquet::file::statistics::{Statistics, ValueStatistics};

use super::schema::Physical;

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

    /// Returns the statistics and resets the bounds. Long texts are truncated so that they remain bounds.
    pub(super) fn finish(&mut self, nulls: u64) -> Statistics {
        let max_exact = self.any && self.max.len() <= TRUNCATE;
        let has_max = self.any && (max_exact || truncate_max(&mut self.max));
        let min = self.any.then(|| truncate_min(&self.min));
        let max = has_max.then(|| ByteArray::from(self.max.as_slice()));
        let statistics = ValueStatistics::new(min.map(|(min, _)| min.into()), max, None, Some(nulls), false)
            .with_min_is_exact(min.is_some_and(|(_, exact)| exact))
            .with_max_is_exact(max_exact);
        self.min.clear();
        self.max.clear();
        self.any = false;
        Statistics::ByteArray(statistics)
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

    /// Returns the statistics, in the physical type of the column, and resets the bounds.
    pub(super) fn finish(&mut self, physical: Physical, nulls: u64) -> Statistics {
        let (min, max) = self.0.take().unzip();
        if physical == Physical::Int32 {
            let narrow = |bound: Option<i64>| bound.map(|bound| i32::try_from(bound).expect("values of 32 bits"));
            Statistics::Int32(ValueStatistics::new(narrow(min), narrow(max), None, Some(nulls), false))
        } else {
            Statistics::Int64(ValueStatistics::new(min, max, None, Some(nulls), false))
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

    /// Returns the statistics and resets the bounds.
    pub(super) fn finish(&mut self, nulls: u64) -> Statistics {
        let (min, max) = self.0.take().unzip();
        Statistics::Double(ValueStatistics::new(min, max, None, Some(nulls), false).with_nan_count(Some(0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negative_zero_is_less_than_positive_zero() {
        for zeros in [[0.0, -0.0], [-0.0, 0.0]] {
            let mut bounds = FloatBounds::default();
            bounds.add(zeros.into_iter());
            let statistics = bounds.finish(0);
            assert_eq!(statistics.min_bytes_opt(), Some((-0.0_f64).to_le_bytes().as_slice()));
            assert_eq!(statistics.max_bytes_opt(), Some(0.0_f64.to_le_bytes().as_slice()));
        }
    }
}
