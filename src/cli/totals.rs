//! The totals of a run.

use std::collections::BTreeMap;

use crate::ingest::{IngestError, Ledger, Outcome, Skip};
use crate::object::ObjectRequest;

/// The totals of a run.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub(super) tables: BTreeMap<&'static str, TableTotals>,
    pub(super) skipped: BTreeMap<Skip, u64>,
    pub(super) failed: Vec<IngestError>,
    /// The keys of the salvaged objects, each with its fault.
    pub(super) corrupt: Vec<(String, String)>,
    pub(super) counts: Counts,
    pub(super) outputs_written: u64,
    pub(super) outputs_existing: u64,
}

/// The counts of a table or of the whole run.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) objects: u64,
    pub(super) lines: u64,
    pub(super) events: u64,
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
    pub(super) fn add(&mut self, object: &ObjectRequest, result: Result<Outcome, IngestError>) {
        match result {
            Ok(Outcome::Ingested(ledger)) => {
                self.counts.objects += 1;
                if let Some(corruption) = ledger.corruption {
                    self.corrupt.push((object.key.clone(), corruption.fault.to_string()));
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
