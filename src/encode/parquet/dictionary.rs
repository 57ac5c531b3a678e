//! Dictionaries: the distinct values of a column chunk, in the order in which they came.

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::hash::BuildHasher as _;

/// A fixed seed: the dictionary's order is that of the values, whatever the hash.
const HASH: FixedState = FixedState::with_seed(0);

/// Distinct texts.
#[derive(Debug, Default)]
pub(super) struct TextDictionary {
    /// The texts as Parquet's plain encoding has them: length in four bytes, then the bytes.
    plain: Vec<u8>,
    /// Where each text begins in `plain`, and the end of the last.
    spans: Vec<(usize, usize)>,
    table: HashTable<u32>,
    last: u32,
}

impl TextDictionary {
    /// The index of a text, which is added if it is new.
    #[inline]
    pub(super) fn index(&mut self, text: &[u8]) -> u32 {
        // Most columns repeat the value of the line before.
        if self.get(self.last) == Some(text) {
            return self.last;
        }
        let hash = HASH.hash_one(text);
        let (plain, spans) = (&self.plain, &self.spans);
        let of = |index: u32| {
            let (start, end) = spans.get(index as usize).copied().unwrap_or_default();
            plain.get(start..end).unwrap_or_default()
        };
        if let Some(index) = self.table.find(hash, |index| of(*index) == text) {
            self.last = *index;
            return *index;
        }
        self.insert(text, hash)
    }

    #[inline(never)]
    fn insert(&mut self, text: &[u8], hash: u64) -> u32 {
        let index = u32::try_from(self.spans.len()).unwrap_or(u32::MAX);
        self.plain
            .extend_from_slice(&u32::try_from(text.len()).unwrap_or(0).to_le_bytes());
        let start = self.plain.len();
        self.plain.extend_from_slice(text);
        self.spans.push((start, self.plain.len()));
        let (plain, spans) = (&self.plain, &self.spans);
        self.table.insert_unique(hash, index, |index| {
            let (start, end) = spans.get(*index as usize).copied().unwrap_or_default();
            HASH.hash_one(plain.get(start..end).unwrap_or_default())
        });
        self.last = index;
        index
    }

    #[inline]
    fn get(&self, index: u32) -> Option<&[u8]> {
        let (start, end) = *self.spans.get(index as usize)?;
        self.plain.get(start..end)
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
        self.plain.clear();
        self.spans.clear();
        self.table.clear();
        self.last = 0;
    }
}

/// Distinct numbers, by their bits.
#[derive(Debug, Default)]
pub(super) struct NumberDictionary {
    numbers: Vec<u64>,
    table: HashTable<u32>,
    last: u32,
}

impl NumberDictionary {
    /// The index of a number, which is added if it is new.
    #[inline]
    pub(super) fn index(&mut self, number: u64) -> u32 {
        if self.numbers.get(self.last as usize) == Some(&number) {
            return self.last;
        }
        let hash = HASH.hash_one(number);
        let numbers = &mut self.numbers;
        let same = |index: &u32| numbers.get(*index as usize) == Some(&number);
        if let Some(index) = self.table.find(hash, same) {
            self.last = *index;
            return *index;
        }
        let index = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
        numbers.push(number);
        let numbers = &self.numbers;
        self.table.insert_unique(hash, index, |index| {
            HASH.hash_one(numbers.get(*index as usize).copied().unwrap_or_default())
        });
        self.last = index;
        index
    }

    /// The distinct numbers.
    pub(super) fn numbers(&self) -> &[u64] {
        &self.numbers
    }

    pub(super) fn clear(&mut self) {
        self.numbers.clear();
        self.table.clear();
        self.last = 0;
    }
}
