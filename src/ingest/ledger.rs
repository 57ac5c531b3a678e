//! The ledger of an object: counts that must balance before success is reported.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::object::{Counts, SkipByKey};
use crate::parse::batch::Repairs;
use crate::parse::input::ReadError;
use crate::parse::line::{Fault, Reason};

use super::{Problem, UnknownValue};

/// The outcome of an object that did not fail.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// Every line is accounted for.
    Ingested(Ledger),
    /// The object was skipped.
    Skipped(Skip, Ledger),
}

/// The reason why an object was skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Skip {
    /// It has no bytes, or no lines.
    Empty,
    /// AWS wrote it to test access when logging was enabled.
    TestObject,
    /// Its key ends in a slash.
    FolderMarker,
    /// The options exclude it.
    NotSelected,
}

impl Skip {
    /// Returns the reason in words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TestObject => "test object",
            Self::FolderMarker => "folder marker",
            Self::NotSelected => "not selected",
        }
    }
}

impl From<SkipByKey> for Skip {
    fn from(skip: SkipByKey) -> Self {
        match skip {
            SkipByKey::TestFile => Self::TestObject,
            SkipByKey::FolderMarker => Self::FolderMarker,
        }
    }
}

/// The counts of an object.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// The table.
    pub table: Option<&'static str>,
    /// The number of entries: an entry spread over several physical lines counts once.
    pub lines: u64,
    /// The number of events.
    pub events: u64,
    /// The number of events that the filter or the sample leaves out.
    pub filtered: u64,
    /// The number of malformed lines in the quarantine.
    pub quarantined: u64,
    /// The number of blank lines.
    pub skipped_lines: u64,
    /// The number of bytes of the object as it is stored.
    pub bytes_in: u64,
    /// The number of bytes of the outputs that were written, the quarantine included.
    pub bytes_out: u64,
    /// The number of malformed lines by reason and field.
    pub reasons: BTreeMap<(&'static str, Option<&'static str>), u64>,
    /// The number of repairs by rule.
    pub repairs: Repairs,
    /// The number of events with fields after those that the table knows.
    pub with_extra_fields: u64,
    /// Values that the AWS documentation does not list, in columns with few values.
    pub unknown_values: BTreeSet<UnknownValue>,
    /// The times of the first and the last event, in microseconds since 1970.
    pub times: Option<(i64, i64)>,
    /// The outputs.
    pub outputs: Vec<Output>,
    /// The fault that ended the object, if its rows were salvaged.
    pub corruption: Option<Corruption>,
}

/// A committed output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its key below the destination.
    pub key: String,
    /// Whether it was written now; otherwise it already existed.
    pub written: bool,
}

/// The corruption of an object whose rows were salvaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Corruption {
    /// The fault.
    pub fault: ReadError,
    /// The number of lines in the quarantine because the checksum of their gzip member does not match.
    pub unverified: u64,
}

impl fmt::Display for Corruption {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fault, unverified } = self;
        match fault {
            ReadError::Corrupt { .. } => write!(
                out,
                "{fault}; the lines of the members before it are kept, and {unverified} lines are in the quarantine as {}",
                Reason::Unverified.name()
            ),
            _ => write!(out, "{fault}; the whole lines before its end are kept"),
        }
    }
}

impl Ledger {
    /// Returns the counts that balance.
    pub const fn counts(&self) -> Counts {
        Counts {
            lines: self.lines,
            events: self.events,
            filtered: self.filtered,
            quarantined: self.quarantined,
            skipped: self.skipped_lines,
        }
    }

    /// Adds the counts of another ledger.
    pub(super) const fn add(&mut self, counts: &Counts) {
        self.lines += counts.lines;
        self.events += counts.events;
        self.filtered += counts.filtered;
        self.quarantined += counts.quarantined;
        self.skipped_lines += counts.skipped;
    }

    /// Takes note of the times of events.
    pub(super) fn note_times(&mut self, times: &[i64]) {
        for time in times {
            let (first, last) = self.times.unwrap_or((*time, *time));
            self.times = Some((first.min(*time), last.max(*time)));
        }
    }

    /// Counts a malformed line.
    pub(super) fn quarantine(&mut self, fault: Fault) {
        self.quarantined += 1;
        *self.reasons.entry((fault.reason.name(), fault.field)).or_default() += 1;
    }

    /// Checks that every line is accounted for.
    pub(super) fn check(&self) -> Result<(), Problem> {
        let counts = self.counts();
        if counts.is_even() {
            return Ok(());
        }
        Err(Problem::Imbalance(counts))
    }

    /// Returns the most frequent reasons, at most `count`, in words.
    pub fn top_reasons(&self, count: usize) -> String {
        let mut reasons: Vec<_> = self.reasons.iter().collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let words = reasons
            .into_iter()
            .take(count)
            .map(|((reason, field), count)| match field {
                Some(field) => format!("{reason} in {field}: {count}"),
                None => format!("{reason}: {count}"),
            });
        words.collect::<Vec<_>>().join(", ")
    }
}
