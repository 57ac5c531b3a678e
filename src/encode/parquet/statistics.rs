//! The smallest and largest value of a column chunk, and how many are null.

use parquet::basic::Type;
use parquet::data_type::ByteArray;
use parquet::file::statistics::{Statistics, ValueStatistics};

/// The bytes of a text that are kept in statistics.
const TRUNCATE: usize = 64;

/// The bounds of texts.
#[derive(Debug, Default)]
pub(super) struct TextBounds(Option<(Vec<u8>, Vec<u8>)>);

impl TextBounds {
    #[inline]
    pub(super) fn add(&mut self, text: &[u8]) {
        match &mut self.0 {
            None => self.0 = Some((text.to_vec(), text.to_vec())),
            Some((min, max)) => {
                if text < min.as_slice() {
                    min.clear();
                    min.extend_from_slice(text);
                } else if text > max.as_slice() {
                    max.clear();
                    max.extend_from_slice(text);
                }
            }
        }
    }

    /// The statistics, long texts truncated: the bounds stay bounds.
    pub(super) fn finish(self, nulls: u64) -> Statistics {
        let (min, max) = self
            .0
            .map_or((None, None), |(min, max)| (Some(truncate_min(min)), truncate_max(max)));
        let exact = |bound: &Option<(Vec<u8>, bool)>| bound.as_ref().is_some_and(|(_, exact)| *exact);
        let (min_exact, max_exact) = (exact(&min), exact(&max));
        let bytes = |bound: Option<(Vec<u8>, bool)>| bound.map(|(bytes, _)| ByteArray::from(bytes));
        let statistics = ValueStatistics::new(bytes(min), bytes(max), None, Some(nulls), false)
            .with_min_is_exact(min_exact)
            .with_max_is_exact(max_exact);
        Statistics::ByteArray(statistics)
    }
}

/// The text's beginning, and whether it is the whole.
fn truncate_min(text: Vec<u8>) -> (Vec<u8>, bool) {
    if text.len() <= TRUNCATE {
        return (text, true);
    }
    (beginning(&text).to_vec(), false)
}

/// A text that is not smaller, and whether it is the text itself; nothing where there is no short one.
fn truncate_max(text: Vec<u8>) -> Option<(Vec<u8>, bool)> {
    if text.len() <= TRUNCATE {
        return Some((text, true));
    }
    let mut bound = beginning(&text).to_vec();
    // The last character that has a larger one of its own length, made larger.
    while let Some(last) = bound.pop() {
        if last < 0x7f {
            bound.push(last + 1);
            return Some((bound, false));
        }
    }
    None
}

/// The longest beginning of a text that is UTF-8 itself.
fn beginning(text: &[u8]) -> &[u8] {
    let cut = text.get(..TRUNCATE).unwrap_or(text);
    cut.utf8_chunks().next().map_or(&[], |chunk| chunk.valid().as_bytes())
}

/// The bounds of whole numbers.
#[derive(Debug, Default)]
pub(super) struct NumberBounds(Option<(i64, i64)>);

impl NumberBounds {
    #[inline]
    pub(super) fn add(&mut self, number: i64) {
        let (min, max) = self.0.unwrap_or((number, number));
        self.0 = Some((min.min(number), max.max(number)));
    }
}

/// The statistics of whole numbers, as wide as they are stored.
pub(super) fn numbers(physical: Type, NumberBounds(bounds): NumberBounds, nulls: u64) -> Statistics {
    let (min, max) = bounds.unzip();
    if physical == Type::INT32 {
        let narrow = |value: Option<i64>| value.and_then(|value| i32::try_from(value).ok());
        Statistics::Int32(ValueStatistics::new(narrow(min), narrow(max), None, Some(nulls), false))
    } else {
        Statistics::Int64(ValueStatistics::new(min, max, None, Some(nulls), false))
    }
}

/// The bounds of floats, of which none is not a number.
#[derive(Debug, Default)]
pub(super) struct FloatBounds(Option<(f64, f64)>);

impl FloatBounds {
    #[inline]
    pub(super) fn add(&mut self, number: f64) {
        let (min, max) = self.0.unwrap_or((number, number));
        self.0 = Some((min.min(number), max.max(number)));
    }

    /// The statistics. Readers may compare zeros by their bits: the lower bound is then the negative one.
    pub(super) fn finish(self, nulls: u64) -> Statistics {
        let zero = |bound: f64, zero: f64| if bound == 0.0 { zero } else { bound };
        let (min, max) = self.0.map(|(min, max)| (zero(min, -0.0), zero(max, 0.0))).unzip();
        Statistics::Double(ValueStatistics::new(min, max, None, Some(nulls), false))
    }
}
