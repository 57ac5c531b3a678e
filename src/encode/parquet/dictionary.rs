//! Dictionaries: the distinct values of a column chunk, in the order in which they came.

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::hash::BuildHasher as _;

/// A fixed seed: the dictionary's order is that of the values, whatever the hash.
const HASH: FixedState = FixedState::with_seed(0);
/// Places for values seen lately, found by a cheaper hash than that of the table. A power of two.
const RECENT: usize = 256;
/// Stamps begin anew behind this one: far more are left than a chunk has values.
const MAX_CLEARED: u32 = u32::MAX / 2;
/// An odd number whose product with another spreads its bits into the highest ones.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Distinct texts.
#[derive(Debug, Default)]
pub(super) struct TextDictionary {
    /// The texts as Parquet's plain encoding has them: length in four bytes, then the bytes.
    plain: Vec<u8>,
    /// Where each text begins in `plain`, and its end.
    spans: Vec<(usize, usize)>,
    table: HashTable<u32>,
    recent: Vec<RecentText>,
    /// The stamps of texts that were cleared are at most this.
    cleared: u32,
}

/// A text seen lately: enough of it to know most others from it, and all of it up to 16 bytes.
#[derive(Debug, Clone, Copy, Default)]
struct RecentText {
    brief: Brief,
    /// The index, counted on over all clearings and from one: nothing has to be wiped for a new chunk.
    stamp: u32,
}

/// Length, first and last bytes of a text.
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

    /// Whether texts of the same brief are the same.
    const fn is_whole(self) -> bool {
        self.len <= 16
    }

    #[inline]
    const fn place(self) -> usize {
        place((self.first.wrapping_mul(SPREAD) ^ self.last ^ self.len as u64).wrapping_mul(SPREAD))
    }
}

/// The stamp of an index.
const fn stamp(cleared: u32, index: u32) -> u32 {
    cleared.saturating_add(index).saturating_add(1)
}

/// A place among the recent ones, from the highest bits.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "a place is small")]
const fn place(hash: u64) -> usize {
    (hash >> (64 - RECENT.trailing_zeros())) as usize
}

impl TextDictionary {
    /// The index of a text, which is added if it is new.
    #[inline]
    pub(super) fn index(&mut self, text: &[u8]) -> u32 {
        let brief = Brief::of(text);
        let place = brief.place();
        if let Some(recent) = self.recent.get(place)
            && recent.brief == brief
            && recent.stamp > self.cleared
            && let index = recent.stamp - self.cleared - 1
            && (brief.is_whole() || self.get(index) == text)
        {
            return index;
        }
        self.look_up(text, brief, place)
    }

    #[inline(never)]
    fn look_up(&mut self, text: &[u8], brief: Brief, place: usize) -> u32 {
        let hash = HASH.hash_one(text);
        let found = self.table.find(hash, |index| self.get(*index) == text).copied();
        let index = found.unwrap_or_else(|| self.insert(text, hash));
        if self.recent.is_empty() {
            self.recent.resize(RECENT, RecentText::default());
        }
        if let Some(recent) = self.recent.get_mut(place) {
            let stamp = stamp(self.cleared, index);
            *recent = RecentText { brief, stamp };
        }
        index
    }

    fn insert(&mut self, text: &[u8], hash: u64) -> u32 {
        let index = u32::try_from(self.spans.len()).unwrap_or(u32::MAX);
        write_plain(text, &mut self.plain);
        self.spans.push((self.plain.len() - text.len(), self.plain.len()));
        let (plain, spans) = (&self.plain, &self.spans);
        self.table.insert_unique(hash, index, |index| {
            let (start, end) = spans.get(*index as usize).copied().unwrap_or_default();
            HASH.hash_one(plain.get(start..end).unwrap_or_default())
        });
        index
    }

    /// The text of an index.
    #[inline]
    pub(super) fn get(&self, index: u32) -> &[u8] {
        let (start, end) = self.spans.get(index as usize).copied().unwrap_or_default();
        self.plain.get(start..end).unwrap_or_default()
    }

    /// The distinct texts.
    pub(super) fn texts(&self) -> impl Iterator<Item = &[u8]> {
        self.spans
            .iter()
            .map(|(start, end)| self.plain.get(*start..*end).unwrap_or_default())
    }

    /// The texts in Parquet's plain encoding.
    pub(super) fn plain(&self) -> &[u8] {
        &self.plain
    }

    /// The number of texts.
    pub(super) const fn len(&self) -> usize {
        self.spans.len()
    }

    pub(super) fn clear(&mut self) {
        if self.spans.is_empty() {
            return;
        }
        self.cleared = stamp(self.cleared, u32::try_from(self.spans.len()).unwrap_or(u32::MAX));
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
    out.extend_from_slice(&u32::try_from(text.len()).unwrap_or(0).to_le_bytes());
    out.extend_from_slice(text);
}

/// Distinct numbers, by their bits.
#[derive(Debug, Default)]
pub(super) struct NumberDictionary {
    numbers: Vec<u64>,
    table: HashTable<u32>,
    /// Numbers seen lately, and the stamps of their indices, as of texts.
    recent: Vec<(u64, u32)>,
    cleared: u32,
}

impl NumberDictionary {
    /// The index of a number, which is added if it is new.
    #[inline]
    pub(super) fn index(&mut self, number: u64) -> u32 {
        let place = place(number.wrapping_mul(SPREAD));
        if let Some((recent, stamp)) = self.recent.get(place)
            && *recent == number
            && *stamp > self.cleared
        {
            return stamp - self.cleared - 1;
        }
        self.look_up(number, place)
    }

    #[inline(never)]
    fn look_up(&mut self, number: u64, place: usize) -> u32 {
        let hash = HASH.hash_one(number);
        let found = self.table.find(hash, |index| self.get(*index) == number).copied();
        let index = found.unwrap_or_else(|| {
            let index = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
            self.numbers.push(number);
            let numbers = &self.numbers;
            self.table.insert_unique(hash, index, |index| {
                HASH.hash_one(numbers.get(*index as usize).copied().unwrap_or_default())
            });
            index
        });
        if self.recent.is_empty() {
            self.recent.resize(RECENT, (0, 0));
        }
        if let Some(recent) = self.recent.get_mut(place) {
            *recent = (number, stamp(self.cleared, index));
        }
        index
    }

    /// The number of an index.
    #[inline]
    pub(super) fn get(&self, index: u32) -> u64 {
        self.numbers.get(index as usize).copied().unwrap_or_default()
    }

    /// The distinct numbers.
    pub(super) fn numbers(&self) -> &[u64] {
        &self.numbers
    }

    pub(super) fn clear(&mut self) {
        if self.numbers.is_empty() {
            return;
        }
        self.cleared = stamp(self.cleared, u32::try_from(self.numbers.len()).unwrap_or(u32::MAX));
        if self.cleared > MAX_CLEARED {
            self.recent.clear();
            self.cleared = 0;
        }
        self.numbers.clear();
        self.table.clear();
    }
}
