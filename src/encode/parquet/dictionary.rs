//! Dictionaries: the distinct values of a column chunk, in order of first occurrence.

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::hash::BuildHasher as _;

/// A fixed seed. The order of the dictionary does not depend on the hash.
const HASH: FixedState = FixedState::with_seed(0);
/// The number of slots for recent values, which are found by a cheaper hash than that of the table. A power of two.
const RECENT: usize = 256;
/// Stamps are reset once they exceed this: the rest is far more than the values of a chunk.
const MAX_CLEARED: u32 = u32::MAX / 2;
/// An odd number; multiplying by it spreads a number's bits into the highest ones.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// A dictionary of texts.
#[derive(Debug, Default)]
pub(super) struct TextDictionary {
    /// The texts in Parquet's plain encoding: each a length of four bytes, then the bytes.
    plain: Vec<u8>,
    /// The start and the end of each text in `plain`.
    spans: Vec<(usize, usize)>,
    table: HashTable<u32>,
    recent: Vec<RecentText>,
    /// Whether recent values are not kept, to save memory.
    lean: bool,
    /// The largest stamp of texts that were cleared.
    cleared: u32,
}

/// A recent text: its brief distinguishes it from most others, and from all others up to 16 bytes.
#[derive(Debug, Clone, Copy, Default)]
struct RecentText {
    brief: Brief,
    /// The position of the text in `plain`.
    start: u32,
    /// The index plus one, plus the stamps of all chunks before: nothing has to be wiped for a new chunk.
    stamp: u32,
}

/// The length, the first and the last bytes of a text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Brief {
    len: usize,
    first: u64,
    last: u64,
}

impl Brief {
    #[inline]
    fn of(text: &[u8]) -> Self {
        let (first, last) = match (text.first_chunk::<8>(), text.last_chunk::<8>()) {
            (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
            _ => match (text.first_chunk::<4>(), text.last_chunk::<4>()) {
                (Some(first), Some(last)) => (
                    u64::from(u32::from_le_bytes(*first)),
                    u64::from(u32::from_le_bytes(*last)),
                ),
                _ => (text.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)), 0),
            },
        };
        let len = text.len();
        Self { len, first, last }
    }

    /// Returns whether texts with equal briefs are equal.
    const fn is_whole(self) -> bool {
        self.len <= 16
    }

    #[inline]
    const fn slot(self) -> usize {
        slot((self.first.wrapping_mul(SPREAD) ^ self.last ^ self.len as u64).wrapping_mul(SPREAD))
    }
}

/// Returns whether two texts of the same length, more than 16 bytes, whose first and last eight bytes are equal, are equal.
#[inline]
fn equal_within(one: &[u8], other: &[u8]) -> bool {
    if one.len() > 32 {
        return one == other;
    }
    // Overlapping pieces, so that nothing is called for a few bytes.
    let inner = |text: &[u8]| {
        let (_, after_first) = text.split_first_chunk::<8>()?;
        let (before_last, _) = text.split_last_chunk::<8>()?;
        let (low, high) = (after_first.first_chunk()?, before_last.last_chunk()?);
        Some((u64::from_le_bytes(*low), u64::from_le_bytes(*high)))
    };
    inner(one) == inner(other)
}

/// Returns the stamp of an index. At most [`MAX_CLEARED`] is added to an index, which has far fewer values.
const fn stamp(cleared: u32, index: u32) -> u32 {
    cleared + index + 1
}

/// Returns the index of the next value of a dictionary with `len` values.
fn next_index(len: usize) -> u32 {
    let index = u32::try_from(len).ok().filter(|index| *index < MAX_CLEARED);
    index.expect("a chunk has fewer values than 2^31")
}

/// Returns the slot of a hash among the recent values, from its highest bits.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "a slot is small")]
const fn slot(hash: u64) -> usize {
    (hash >> (64 - RECENT.trailing_zeros())) as usize
}

impl TextDictionary {
    /// Returns the index of a text, which is added if it is new.
    #[inline]
    pub(super) fn index(&mut self, text: &[u8]) -> u32 {
        let brief = Brief::of(text);
        let slot = brief.slot();
        // There are no slots before the first value.
        if let Some(recent) = self.recent.get(slot)
            && recent.brief == brief
            && recent.stamp > self.cleared
            && (brief.is_whole() || equal_within(&self.plain[recent.start as usize..][..text.len()], text))
        {
            return recent.stamp - self.cleared - 1;
        }
        self.look_up(text, brief, slot)
    }

    #[inline(never)]
    fn look_up(&mut self, text: &[u8], brief: Brief, slot: usize) -> u32 {
        let hash = HASH.hash_one(text);
        let found = self.table.find(hash, |index| self.get(*index) == text).copied();
        let index = found.unwrap_or_else(|| self.insert(text, hash));
        if self.lean {
            return index;
        }
        if self.recent.is_empty() {
            self.recent.resize(RECENT, RecentText::default());
        }
        let stamp = stamp(self.cleared, index);
        let start = u32::try_from(self.spans[index as usize].0).expect("a dictionary is smaller than 4 GiB");
        self.recent[slot] = RecentText { brief, start, stamp };
        index
    }

    fn insert(&mut self, text: &[u8], hash: u64) -> u32 {
        let index = next_index(self.spans.len());
        write_plain(text, &mut self.plain);
        self.spans.push((self.plain.len() - text.len(), self.plain.len()));
        let (plain, spans) = (&self.plain, &self.spans);
        self.table.insert_unique(hash, index, |index| {
            let (start, end) = spans[*index as usize];
            HASH.hash_one(&plain[start..end])
        });
        index
    }

    /// Returns the text of an index.
    #[inline]
    pub(super) fn get(&self, index: u32) -> &[u8] {
        let (start, end) = self.spans[index as usize];
        &self.plain[start..end]
    }

    /// Returns the distinct texts.
    pub(super) fn texts(&self) -> impl Iterator<Item = &[u8]> {
        self.spans.iter().map(|(start, end)| &self.plain[*start..*end])
    }

    /// Returns the texts in Parquet's plain encoding.
    pub(super) fn plain(&self) -> &[u8] {
        &self.plain
    }

    /// Returns the number of bytes held for the texts and for finding them.
    pub(super) fn memory(&self) -> usize {
        self.plain.len() + self.spans.len() * (size_of::<(usize, usize)>() + 2 * size_of::<u32>())
    }

    /// Frees the memory of an empty dictionary, and keeps no recent values from now on.
    pub(super) fn release(&mut self) {
        if self.spans.is_empty() {
            *self = Self {
                lean: true,
                ..Self::default()
            };
        }
    }

    /// Returns the number of texts.
    pub(super) const fn len(&self) -> usize {
        self.spans.len()
    }

    pub(super) fn clear(&mut self) {
        if self.spans.is_empty() {
            return;
        }
        self.cleared = stamp(self.cleared, next_index(self.spans.len()));
        if self.cleared > MAX_CLEARED {
            self.recent.clear();
            self.cleared = 0;
        }
        self.plain.clear();
        self.spans.clear();
        self.table.clear();
    }
}

/// Appends a text in Parquet's plain encoding.
#[inline]
pub(super) fn write_plain(text: &[u8], out: &mut Vec<u8>) {
    let len = u32::try_from(text.len()).expect("a text is shorter than 4 GiB");
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(text);
}

/// A dictionary of numbers, by their bits.
#[derive(Debug, Default)]
pub(super) struct NumberDictionary {
    numbers: Vec<u64>,
    table: HashTable<u32>,
    /// Recent numbers, and their stamps as those of texts.
    recent: Vec<(u64, u32)>,
    /// Whether recent values are not kept, to save memory.
    lean: bool,
    cleared: u32,
}

impl NumberDictionary {
    /// Returns the index of a number, which is added if it is new.
    #[inline]
    pub(super) fn index(&mut self, number: u64) -> u32 {
        let slot = slot(number.wrapping_mul(SPREAD));
        if let Some((recent, stamp)) = self.recent.get(slot)
            && *recent == number
            && *stamp > self.cleared
        {
            return stamp - self.cleared - 1;
        }
        self.look_up(number, slot)
    }

    #[inline(never)]
    fn look_up(&mut self, number: u64, slot: usize) -> u32 {
        let hash = HASH.hash_one(number);
        let found = self.table.find(hash, |index| self.get(*index) == number).copied();
        let index = found.unwrap_or_else(|| {
            let index = next_index(self.numbers.len());
            self.numbers.push(number);
            let numbers = &self.numbers;
            self.table
                .insert_unique(hash, index, |index| HASH.hash_one(numbers[*index as usize]));
            index
        });
        if self.lean {
            return index;
        }
        if self.recent.is_empty() {
            self.recent.resize(RECENT, (0, 0));
        }
        self.recent[slot] = (number, stamp(self.cleared, index));
        index
    }

    /// Returns the number of an index.
    #[inline]
    pub(super) fn get(&self, index: u32) -> u64 {
        self.numbers[index as usize]
    }

    /// Returns the number of bytes held for the numbers and for finding them.
    pub(super) fn memory(&self) -> usize {
        self.numbers.len() * (size_of::<u64>() + 2 * size_of::<u32>())
    }

    /// Frees the memory of an empty dictionary, and keeps no recent values from now on.
    pub(super) fn release(&mut self) {
        if self.numbers.is_empty() {
            *self = Self {
                lean: true,
                ..Self::default()
            };
        }
    }

    /// Returns the distinct numbers.
    pub(super) fn numbers(&self) -> &[u64] {
        &self.numbers
    }

    pub(super) fn clear(&mut self) {
        if self.numbers.is_empty() {
            return;
        }
        self.cleared = stamp(self.cleared, next_index(self.numbers.len()));
        if self.cleared > MAX_CLEARED {
            self.recent.clear();
            self.cleared = 0;
        }
        self.numbers.clear();
        self.table.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Short alphabets and similar lengths make texts that differ in a single byte anywhere.
        #[test]
        fn texts_have_the_index_of_their_first_occurrence(
            texts in proptest::collection::vec("[ab]{0,3}(x{0,40})[ab]{0,2}(y{0,9})", 1..300),
            clear_at in 0..300_usize,
        ) {
            let mut dictionary = TextDictionary::default();
            let mut known = BTreeMap::new();
            for (number, text) in texts.iter().enumerate() {
                if number == clear_at {
                    dictionary.clear();
                    known.clear();
                }
                let next = u32::try_from(known.len()).unwrap();
                let expected = *known.entry(text).or_insert(next);
                prop_assert_eq!(dictionary.index(text.as_bytes()), expected);
                prop_assert_eq!(dictionary.get(expected), text.as_bytes());
            }
        }

        #[test]
        fn texts_are_equal_within_if_they_are_equal(len in 17..80_usize, at in 8..72_usize) {
            let one = vec![b'a'; len];
            let mut other = one.clone();
            prop_assert!(equal_within(&one, &other));
            let at = 8 + at % (len - 16);
            other[at] = b'b';
            prop_assert!(!equal_within(&one, &other));
        }
    }
}
