//! The most frequent keys, with what is known of the events of each.

use std::hash::BuildHasher as _;

use datasketches::hll::{HllSketch, HllType, HllUnion};
use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::report::figures::Ranking;

/// A fixed seed. No figure depends on the hash.
const HASH: FixedState = FixedState::with_seed(0);
/// The binary logarithm of the number of registers of a `HyperLogLog`.
const LOG_REGISTERS: u8 = 12;
/// The standard error of a number of distinct keys: 1.04 / √4096.
pub(in crate::report) const DISTINCT_ERROR: f64 = 0.01625;

/// Returns a hash of a text, which does not depend on the run.
#[inline]
pub(in crate::report) fn hash(text: &[u8]) -> u64 {
    HASH.hash_one(text)
}

/// What is known of the events with a key.
pub(in crate::report) trait Tally: Default {
    /// Adds what is known of other events with the same key.
    fn merge(&mut self, other: Self);
}

impl Tally for () {
    fn merge(&mut self, (): Self) {}
}

/// The most frequent keys, by the algorithm of Misra and Gries with the merging of Agarwal et al. ("Mergeable summaries", 2012).
///
/// It has at most `capacity` keys. Up to that number of distinct keys, everything is exact. Then each key has a weight: one for
/// each event since it was added. Before a further key is added to a full summary, the median of the weights is subtracted from
/// each, and keys without weight are removed; `unseen` is the sum of the medians. At least half of the weights are not below
/// the median, so with `n` events `unseen` is at most `2 · n / capacity`, and no key that occurs more often is missing. A key
/// that was removed and added again lacks at most the value of `unseen` when it was added; one that was never removed
/// lacks nothing. The sum over merged summaries has the same bound.
///
/// The number of distinct keys is exact until keys are removed, and from then on that of a `HyperLogLog` with 4,096 registers.
pub(in crate::report) struct Top<V> {
    capacity: usize,
    entries: Vec<Entry<V>>,
    table: HashTable<u32>,
    /// The position of the last key, which many events share with the one before.
    last: usize,
    unseen: u64,
    distinct: Option<HllSketch>,
}

/// A key, and what is known of its events.
pub(in crate::report) struct Entry<V> {
    pub(in crate::report) key: Box<[u8]>,
    pub(in crate::report) hash: u64,
    /// The number of events with this key since it was added.
    pub(in crate::report) count: u64,
    pub(in crate::report) value: V,
    weight: u64,
    /// The maximum number of events before it was added.
    missed: u64,
}

impl<V> Entry<V> {
    /// Returns the maximum number of events that the count lacks.
    pub(in crate::report) const fn missed(&self) -> u64 {
        self.missed
    }
}

impl<V: Tally> Top<V> {
    /// Returns a summary without keys.
    pub(in crate::report) const fn new(capacity: usize) -> Self {
        Self {
            capacity,
            entries: Vec::new(),
            table: HashTable::new(),
            last: 0,
            unseen: 0,
            distinct: None,
        }
    }

    /// Counts an event with this key; returns what is known of such events.
    #[inline]
    pub(in crate::report) fn count(&mut self, key: &[u8]) -> &mut Entry<V> {
        self.count_many(key, 1)
    }

    /// Counts several events with this key.
    #[inline]
    pub(in crate::report) fn count_many(&mut self, key: &[u8], events: u64) -> &mut Entry<V> {
        if self.entries.get(self.last).is_none_or(|entry| *entry.key != *key) {
            self.last = self.find_or_insert(key);
        }
        let entry = &mut self.entries[self.last];
        entry.count += events;
        entry.weight += events;
        entry
    }

    fn find_or_insert(&mut self, key: &[u8]) -> usize {
        let hash = hash(key);
        if let Some(at) = self.find(hash, key) {
            return at;
        }
        if self.entries.len() >= self.capacity {
            self.purge();
        }
        if let Some(distinct) = &mut self.distinct {
            distinct.update(key);
        }
        self.push(Entry {
            key: key.into(),
            hash,
            count: 0,
            value: V::default(),
            weight: 0,
            missed: self.unseen,
        })
    }

    #[inline]
    fn find(&self, hash: u64, key: &[u8]) -> Option<usize> {
        let found = self.table.find(hash, |at| {
            let entry = &self.entries[*at as usize];
            entry.hash == hash && *entry.key == *key
        });
        found.map(|at| *at as usize)
    }

    fn push(&mut self, entry: Entry<V>) -> usize {
        let at = self.entries.len();
        let number = u32::try_from(at).expect("a summary has few keys");
        let entries = &self.entries;
        self.table
            .insert_unique(entry.hash, number, |at| entries[*at as usize].hash);
        self.entries.push(entry);
        at
    }

    /// Removes at least half of the keys.
    fn purge(&mut self) {
        self.sketch();
        let mut weights: Vec<u64> = self.entries.iter().map(|entry| entry.weight).collect();
        let middle = weights.len() / 2;
        let (_, median, _) = weights.select_nth_unstable(middle);
        let median = *median;
        self.unseen += median;
        self.entries.retain_mut(|entry| {
            entry.weight = entry.weight.saturating_sub(median);
            entry.weight > 0
        });
        self.last = usize::MAX;
        self.table.clear();
        for (number, entry) in (0..).zip(&self.entries) {
            let entries = &self.entries;
            self.table
                .insert_unique(entry.hash, number, |at| entries[*at as usize].hash);
        }
    }

    /// Returns the sketch of the distinct keys, which is made when keys are about to be removed.
    fn sketch(&mut self) -> &mut HllSketch {
        let entries = &self.entries;
        self.distinct.get_or_insert_with(|| {
            let mut sketch = HllSketch::new(LOG_REGISTERS, HllType::Hll8).expect("the number of registers is allowed");
            for entry in entries {
                sketch.update(&*entry.key);
            }
            sketch
        })
    }

    /// Adds another summary. The result depends on the order of merges, but not on how they are grouped into threads.
    pub(in crate::report) fn merge(&mut self, mut other: Self) {
        if self.entries.is_empty() && self.unseen == 0 {
            let capacity = self.capacity;
            *self = Self { capacity, ..other };
            return;
        }
        if other.distinct.is_some() {
            let mut union = HllUnion::new(LOG_REGISTERS).expect("the number of registers is allowed");
            union.update(self.sketch());
            union.update(other.sketch());
            self.distinct = Some(union.to_sketch(HllType::Hll8));
        }
        let (mine, theirs) = (self.unseen, other.unseen);
        if theirs > 0 {
            for entry in &mut self.entries {
                entry.missed += theirs;
            }
        }
        for entry in other.entries {
            if let Some(at) = self.find(entry.hash, &entry.key) {
                let into = &mut self.entries[at];
                into.missed = into.missed - theirs + entry.missed;
                into.count += entry.count;
                into.weight += entry.weight;
                into.value.merge(entry.value);
                continue;
            }
            if let Some(distinct) = &mut self.distinct {
                distinct.update(&*entry.key);
            }
            let missed = entry.missed + mine;
            self.push(Entry { missed, ..entry });
        }
        self.unseen += theirs;
        if self.entries.len() > self.capacity {
            self.purge();
        }
    }

    /// Returns the keys, in no order.
    pub(in crate::report) fn entries(&self) -> &[Entry<V>] {
        &self.entries
    }

    /// Returns the maximum number of events with a key that is not in the summary.
    pub(in crate::report) const fn unseen(&self) -> u64 {
        self.unseen
    }

    /// Returns whether there are no events.
    pub(in crate::report) const fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.unseen == 0
    }

    /// Returns the number of distinct keys.
    pub(in crate::report) fn distinct(&self) -> u64 {
        let known = self.entries.len() as u64;
        let estimate = self.distinct.as_ref().map(|sketch| sketch.estimate().round());
        estimate.map_or(known, |estimate| known.max(whole(estimate)))
    }

    /// Returns the first `max` keys in an order, by the count if nothing else is said, and equal ones by the key. `None` if
    /// there are no events.
    pub(in crate::report) fn ranking<T>(&self, max: usize, row: impl Fn(&Entry<V>) -> T) -> Option<Ranking<T>> {
        self.ranking_by(max, |entry| Some(entry.count), row)
    }

    /// Returns the first `max` keys for which `rank` is not `None`, the highest first, and equal ones by the key. `None` if there
    /// are none.
    pub(in crate::report) fn ranking_by<T, K: Ord>(
        &self,
        max: usize,
        rank: impl Fn(&Entry<V>) -> Option<K>,
        row: impl Fn(&Entry<V>) -> T,
    ) -> Option<Ranking<T>> {
        let ranked = self.entries.iter().filter_map(|entry| Some((rank(entry)?, entry)));
        let mut ranked: Vec<_> = ranked.collect();
        if ranked.is_empty() && self.unseen == 0 {
            return None;
        }
        ranked.sort_unstable_by(|(one, a), (other, b)| other.cmp(one).then_with(|| a.key.cmp(&b.key)));
        let distinct = if ranked.len() == self.entries.len() {
            self.distinct()
        } else {
            ranked.len() as u64
        };
        ranked.truncate(max);
        Some(Ranking {
            distinct,
            undercount: ranked.iter().map(|(_, entry)| entry.missed).max().unwrap_or(0),
            unseen: self.unseen,
            rows: ranked.into_iter().map(|(_, entry)| row(entry)).collect(),
        })
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate is a positive number of keys that were counted"
)]
const fn whole(estimate: f64) -> u64 {
    estimate as u64
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn top_of(keys: &[u16], capacity: usize) -> Top<()> {
        let mut top = Top::new(capacity);
        for key in keys {
            top.count(&key.to_be_bytes());
        }
        top
    }

    /// Keys of which some are frequent.
    fn keys() -> impl Strategy<Value = Vec<u16>> {
        proptest::collection::vec(prop_oneof![0..4_u16, 0..60_u16, any::<u16>()], 0..3_000)
    }

    proptest! {
        #[test]
        fn counts_are_within_their_bounds_whatever_is_merged(
            keys in keys(),
            splits in proptest::collection::vec(0..3_000_usize, 0..5),
            capacity in 8..100_usize,
        ) {
            let mut exact: BTreeMap<u16, u64> = BTreeMap::new();
            for key in &keys {
                *exact.entry(*key).or_default() += 1;
            }
            let mut borders: Vec<usize> = splits.into_iter().map(|at| at.min(keys.len())).collect();
            borders.extend([0, keys.len()]);
            borders.sort_unstable();
            let mut top: Top<()> = Top::new(capacity);
            for pair in borders.windows(2) {
                top.merge(top_of(&keys[pair[0]..pair[1]], capacity));
            }
            prop_assert!(top.entries.len() <= capacity);
            prop_assert!(top.unseen <= 2 * keys.len() as u64 / capacity as u64, "{} unseen", top.unseen);
            if exact.len() <= capacity {
                prop_assert_eq!(top.unseen, 0);
                prop_assert_eq!(top.distinct(), exact.len() as u64);
            }
            for (key, exact) in &exact {
                let bytes = key.to_be_bytes();
                match top.find(hash(&bytes), &bytes) {
                    Some(at) => {
                        let entry = &top.entries[at];
                        prop_assert!(entry.count <= *exact && *exact <= entry.count + entry.missed);
                        prop_assert!(entry.missed <= top.unseen);
                    }
                    None => prop_assert!(*exact <= top.unseen, "{key} occurs {exact} times"),
                }
            }
        }
    }

    #[test]
    fn distinct_keys_are_estimated_within_five_standard_errors() {
        for number in [200_u32, 2_000, 50_000] {
            let (mut one, mut other): (Top<()>, Top<()>) = (Top::new(100), Top::new(100));
            for key in 0..number {
                one.count(&key.to_be_bytes());
                other.count(&(key + number / 2).to_be_bytes());
            }
            one.merge(other);
            let found = f64::from(u32::try_from(one.distinct()).unwrap());
            let exact = f64::from(number) * 1.5;
            assert!(
                (found / exact - 1.0).abs() < 5.0 * DISTINCT_ERROR,
                "{found}, exactly {exact}"
            );
        }
    }

    #[test]
    fn the_first_keys_are_those_of_most_events() {
        let top = top_of(&[5, 7, 7, 1, 5, 9], 100);
        let ranking = top.ranking(3, |entry| (entry.key[1], entry.count)).unwrap();
        assert_eq!(ranking.rows, [(5, 2), (7, 2), (1, 1)]);
        assert_eq!((ranking.distinct, ranking.undercount, ranking.unseen), (4, 0, 0));
        assert!(top_of(&[], 100).ranking(3, |_| ()).is_none());
    }
}
