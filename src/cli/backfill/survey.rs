//! Counts the objects of a backfill by table, month and folder.

use std::collections::{BTreeMap, BTreeSet};

use crate::merge::{BatchLimits, Folder};
use crate::object::KeyFacts;
use crate::parse::line::time::{DAY, date_text};
use crate::storage::Entry;

/// The objects of a table that are read to estimate all of them.
const MAX_SAMPLES: usize = 8;
/// The name of what a key does not tell.
const UNKNOWN: &str = "unknown";

/// The objects of a backfill.
#[derive(Default)]
pub(super) struct Survey {
    groups: BTreeMap<(&'static str, String), Group>,
    folders: BTreeMap<Folder, (Group, BTreeSet<&'static str>)>,
    days: BTreeSet<i64>,
    samples: BTreeMap<&'static str, Vec<Entry>>,
}

/// A number of objects.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Group {
    pub(super) objects: u64,
    pub(super) bytes: u64,
    /// The number of folders, for the objects of a table and month.
    pub(super) folders: u64,
}

impl Survey {
    /// Adds an object.
    pub(super) fn add(&mut self, entry: Entry) {
        let facts = KeyFacts::of(&entry.object.key);
        let table = facts.log_type.map_or(UNKNOWN, |log_type| log_type.table());
        let day = facts.end.map(|end| end.div_euclid(DAY));
        let month = day.and_then(|day| date_text(day).get(..7).map(str::to_owned));
        let (folder, _) = Folder::of(&entry.object.bucket, &entry.object.key);
        let bytes = entry.object.size.unwrap_or_default();
        let group = self
            .groups
            .entry((table, month.unwrap_or_else(|| UNKNOWN.to_owned())))
            .or_default();
        let (of_folder, tables) = self.folders.entry(folder).or_default();
        group.folders += u64::from(tables.insert(table));
        for group in [group, of_folder] {
            group.objects += 1;
            group.bytes += bytes;
        }
        self.days.extend(day);
        // The first of 1, 2, 4, 8… objects: few, and from all times.
        let count = self.objects();
        let samples = self.samples.entry(table).or_default();
        if samples.len() < MAX_SAMPLES && (samples.is_empty() || count.is_power_of_two()) {
            samples.push(entry);
        }
    }

    /// Returns the number of objects.
    pub(super) fn objects(&self) -> u64 {
        self.groups.values().map(|group| group.objects).sum()
    }

    /// Returns the number of days.
    pub(super) fn days(&self) -> usize {
        self.days.len()
    }

    /// Returns the folders.
    pub(super) fn folders(&self) -> impl ExactSizeIterator<Item = &Folder> {
        self.folders.keys()
    }

    /// Returns the objects by table and month.
    pub(super) fn groups(&self) -> impl Iterator<Item = (&'static str, &str, Group)> {
        self.groups
            .iter()
            .map(|((table, month), group)| (*table, month.as_str(), *group))
    }

    /// Returns the number of plans that merge the objects.
    pub(super) fn plans(&self, limits: BatchLimits) -> u64 {
        let of_folder = |(group, _): &(Group, _)| {
            let by_objects = group.objects.div_ceil(limits.objects.max(1) as u64);
            by_objects.max(group.bytes.div_ceil(limits.bytes.max(1)))
        };
        self.folders.values().map(of_folder).sum()
    }

    /// Returns the pages of 1,000 keys that the folders have.
    pub(super) fn pages(&self) -> u64 {
        self.folders
            .values()
            .map(|(group, _)| group.objects.div_ceil(1_000))
            .sum()
    }

    /// Returns the objects to read, by table.
    pub(super) fn samples(&self) -> impl Iterator<Item = (&'static str, &[Entry])> {
        self.samples.iter().map(|(table, entries)| (*table, entries.as_slice()))
    }
}
