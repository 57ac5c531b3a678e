//! The counts of an object, which must balance before success is reported.

use std::collections::{BTreeMap, BTreeSet};

use crate::object::{Counts, SkipByKey};
use crate::parse::batch::Repairs;
use crate::parse::input::ReadError;
use crate::parse::line::Fault;

use super::{Problem, UnknownValue};

/// What became of an object.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// Every line is accounted for.
    Ingested(Ledger),
    /// The object is no log.
    Skipped(Skip, Ledger),
}

/// Why an object is no log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Skip {
    /// It has no bytes, or no lines.
    Empty,
    /// It was written when logging was enabled.
    TestObject,
    /// Its key ends in a slash.
    FolderMarker,
    /// The settings leave it out.
    NotSelected,
}

impl Skip {
    /// The reason in words.
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
    /// Entries: an entry spread over several physical lines counts once.
    pub lines: u64,
    /// Events.
    pub events: u64,
    /// Malformed lines in the quarantine.
    pub quarantined: u64,
    /// Blank lines.
    pub skipped_lines: u64,
    /// Bytes of the object as it is stored.
    pub bytes_in: u64,
    /// Bytes of the outputs that were written, the quarantine included.
    pub bytes_out: u64,
    /// Why lines are malformed, by reason and field, and how often.
    pub reasons: BTreeMap<(&'static str, Option<&'static str>), u64>,
    /// Repairs.
    pub repairs: Repairs,
    /// Events with fields behind those the table knows.
    pub with_extra_fields: u64,
    /// Values that AWS's page does not name, in columns that have few.
    pub unknown_values: BTreeSet<UnknownValue>,
    /// The first and the last time of an event, microseconds since 1970.
    pub times: Option<(i64, i64)>,
    /// The outputs.
    pub outputs: Vec<Output>,
    /// Why the object could not be read to its end, where its rows were salvaged.
    pub corruption: Option<Corruption>,
}

/// An output that is committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its key below the destination.
    pub key: String,
    /// Whether it was written now, or was there before.
    pub written: bool,
}

/// Where an object whose rows were salvaged is corrupt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Corruption {
    /// The fault.
    pub fault: ReadError,
}

impl Ledger {
    /// Returns the counts that balance.
    pub const fn counts(&self) -> Counts {
        Counts {
            lines: self.lines,
            events: self.events,
            quarantined: self.quarantined,
            skipped: self.skipped_lines,
        }
    }

    /// Counts a malformed line.
    pub(super) fn quarantine(&mut self, fault: Fault) {
        self.quarantined += 1;
        *self.reasons.entry((fault.reason.name(), fault.field)).or_default() += 1;
    }

    /// Whether every line is accounted for.
    pub(super) const fn check(&self) -> Result<(), Problem> {
        let accounted = self.events + self.quarantined + self.skipped_lines;
        if self.lines == accounted {
            return Ok(());
        }
        Err(Problem::Imbalance {
            lines: self.lines,
            events: self.events,
            quarantined: self.quarantined,
            skipped: self.skipped_lines,
        })
    }

    /// The most frequent reasons, in words.
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
