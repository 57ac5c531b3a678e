//! The totals of a run.

use std::collections::BTreeMap;

use crate::ingest::{IngestError, Ledger, Outcome, Skip};
use crate::merge::plan::Plan;
use crate::merge::{Failure, Folder};
use crate::storage::StorageError;

/// The totals of a run.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub(super) tables: BTreeMap<&'static str, TableTotals>,
    pub(super) skipped: BTreeMap<Skip, u64>,
    pub(super) failed: Vec<IngestError>,
    /// What could not be listed.
    pub(super) unlisted: Vec<StorageError>,
    /// The number of objects that were not read because they are outputs of this destination.
    pub(super) own_outputs: u64,
    /// The keys of the salvaged objects, each with its fault.
    pub(super) corrupt: Vec<(String, String)>,
    pub(super) counts: Counts,
    pub(super) outputs_written: u64,
    pub(super) outputs_existing: u64,
    /// The number of objects that are outside of the selection.
    pub(super) unselected: u64,
    /// The number of plans that were committed.
    pub(super) plans: u64,
    /// The number of objects that a plan had merged before.
    pub(super) merged_before: u64,
    /// The number of objects that cannot be read for now and are merged by a later run.
    pub(super) left_out: u64,
    /// The folders that could not be merged completely.
    pub(super) failed_folders: Vec<(Folder, Failure)>,
    /// The tables, among those of the run, that lack a column of the filter.
    pub(super) unfiltered: Vec<&'static str>,
}

/// The counts of a table or of the whole run.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) objects: u64,
    pub(super) lines: u64,
    pub(super) events: u64,
    pub(super) filtered: u64,
    pub(super) quarantined: u64,
    pub(super) skipped_lines: u64,
    pub(super) bytes_in: u64,
    pub(super) bytes_out: u64,
}

/// The totals of a table.
#[derive(Debug, Default)]
pub(super) struct TableTotals {
    pub(super) counts: Counts,
    pub(super) times: Option<(i64, i64)>,
    pub(super) reasons: BTreeMap<(&'static str, Option<&'static str>), u64>,
    pub(super) repairs: BTreeMap<&'static str, u64>,
    pub(super) with_extra_fields: u64,
}

impl Totals {
    /// Adds the outcome of an object.
    pub(super) fn add(&mut self, key: &str, result: Result<Outcome, IngestError>) {
        match result {
            Ok(Outcome::Ingested(ledger)) => {
                self.counts.objects += 1;
                if let Some(corruption) = ledger.corruption {
                    self.corrupt.push((key.to_owned(), corruption.to_string()));
                }
                self.tables
                    .entry(ledger.table.unwrap_or("unknown"))
                    .or_default()
                    .add(&ledger);
                self.add_counts(&ledger);
            }
            Ok(Outcome::Skipped(skip, ledger)) => {
                *self.skipped.entry(skip).or_default() += 1;
                self.add_counts(&ledger);
            }
            Err(error) => self.failed.push(error),
        }
    }

    /// Adds an object that was skipped by its key.
    pub(super) fn skip(&mut self, skip: Skip) {
        *self.skipped.entry(skip).or_default() += 1;
    }

    /// Adds the files of a plan that was published, `written` of which were not visible before.
    pub(super) fn published(&mut self, plan: &Plan, written: u64) {
        let files = plan.files.len() as u64;
        self.outputs_written += written;
        self.outputs_existing += files.saturating_sub(written);
        self.counts.bytes_out += plan.files.iter().map(|file| file.bytes).sum::<u64>();
    }

    /// Returns whether there was nothing to ingest.
    pub(super) fn found_nothing(&self) -> bool {
        self.counts.objects == 0 && self.merged_before == 0 && self.left_out == 0 && self.is_complete()
    }

    /// Returns whether every object is accounted for.
    pub(super) fn is_complete(&self) -> bool {
        self.failed.is_empty() && self.unlisted.is_empty() && self.failed_folders.is_empty() && self.left_out == 0
    }

    fn add_counts(&mut self, ledger: &Ledger) {
        self.counts.add(ledger);
        for output in &ledger.outputs {
            let count = if output.written {
                &mut self.outputs_written
            } else {
                &mut self.outputs_existing
            };
            *count += 1;
        }
    }
}

impl Counts {
    fn add(&mut self, ledger: &Ledger) {
        self.lines += ledger.lines;
        self.events += ledger.events;
        self.filtered += ledger.filtered;
        self.quarantined += ledger.quarantined;
        self.skipped_lines += ledger.skipped_lines;
        self.bytes_in += ledger.bytes_in;
        self.bytes_out += ledger.bytes_out;
    }
}

impl TableTotals {
    fn add(&mut self, ledger: &Ledger) {
        self.counts.objects += 1;
        self.counts.add(ledger);
        self.with_extra_fields += ledger.with_extra_fields;
        if let Some((first, last)) = ledger.times {
            let (known_first, known_last) = self.times.unwrap_or((first, last));
            self.times = Some((first.min(known_first), last.max(known_last)));
        }
        for (reason, count) in &ledger.reasons {
            *self.reasons.entry(*reason).or_default() += count;
        }
        for (repair, count) in ledger.repairs.iter().filter(|(_, count)| *count > 0) {
            *self.repairs.entry(repair.name()).or_default() += count;
        }
    }
}
