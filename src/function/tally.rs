//! The counts of one invocation.

use std::collections::BTreeMap;

use crate::ingest::{Ledger, Problem, Skip};
use crate::object::KeyFacts;
use crate::trigger::{SkipReason, TaskError, TaskOutcome};

/// The maximum number of values that CloudWatch accepts for one metric in a line.
const MAX_VALUES: usize = 100;

/// The counts of one invocation.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    pub(super) ingested: u64,
    pub(super) already_committed: u64,
    pub(super) skipped: u64,
    /// Of the skipped ones, those that the settings exclude.
    pub(super) filtered: u64,
    pub(super) failed: u64,
    /// Of the failed ones, those that a retry cannot help.
    pub(super) failed_permanently: u64,
    pub(super) corrupt: u64,
    pub(super) out_of_balance: u64,
    pub(super) lines: u64,
    pub(super) events: u64,
    pub(super) quarantined: u64,
    pub(super) skipped_lines: u64,
    pub(super) repaired: u64,
    pub(super) unknown_fields: u64,
    pub(super) unknown_values: u64,
    pub(super) bytes_in: u64,
    pub(super) bytes_out: u64,
    /// The ends of the intervals in the keys of the committed objects, microseconds since 1970.
    pub(super) ends: Vec<i64>,
    /// The number of malformed lines, by reason and field.
    pub(super) reasons: BTreeMap<String, u64>,
    /// The end of the invocation, milliseconds since 1970.
    pub(super) ended: i64,
    /// The duration of the invocation in milliseconds.
    pub(super) took: u64,
}

impl Tally {
    /// Adds the outcome of a task.
    pub(super) fn add(&mut self, outcome: &TaskOutcome) {
        match outcome {
            TaskOutcome::Ingested { object, ledger } => {
                self.ingested += 1;
                self.add_ledger(ledger);
                self.ends.extend(KeyFacts::of(&object.key).end);
            }
            TaskOutcome::Skipped(reason) => {
                self.skipped += 1;
                match reason {
                    SkipReason::Object { skip, ledger } => {
                        self.filtered += u64::from(*skip == Skip::NotSelected);
                        self.add_ledger(ledger);
                    }
                    SkipReason::Event(_) | SkipReason::Missing | SkipReason::OwnOutput => {}
                }
            }
            TaskOutcome::Failed(error) => {
                self.failed += 1;
                self.failed_permanently += u64::from(!error.is_retryable());
                match error {
                    TaskError::Object(error) => {
                        let unbalanced = matches!(*error.problem, Problem::Imbalance { .. });
                        self.out_of_balance += u64::from(unbalanced);
                    }
                    TaskError::Refused(_) | TaskError::OutputLoop { .. } => {}
                }
            }
            // Counted with the task that it duplicates.
            TaskOutcome::DuplicateOf(_) => {}
        }
    }

    fn add_ledger(&mut self, ledger: &Ledger) {
        self.lines += ledger.lines;
        self.events += ledger.events;
        self.quarantined += ledger.quarantined;
        self.skipped_lines += ledger.skipped_lines;
        self.repaired += ledger.repairs.iter().map(|(_, count)| count).sum::<u64>();
        self.unknown_fields += ledger.with_extra_fields;
        self.unknown_values += ledger.unknown_values.len() as u64;
        self.bytes_in += ledger.bytes_in;
        self.bytes_out += ledger.bytes_out;
        self.corrupt += u64::from(ledger.corruption.is_some());
        let existed = !ledger.outputs.is_empty() && ledger.outputs.iter().all(|output| !output.written);
        self.already_committed += u64::from(existed);
        for ((reason, field), count) in &ledger.reasons {
            let name = field.map_or_else(|| (*reason).to_owned(), |field| format!("{reason} in {field}"));
            *self.reasons.entry(name).or_default() += count;
        }
    }

    /// Sets the end of the invocation, milliseconds since 1970, and its duration in milliseconds.
    pub const fn end(&mut self, ended: i64, took: u64) {
        self.ended = ended;
        self.took = took;
    }

    /// Returns the seconds from the ends of the objects' intervals to the end of the invocation.
    pub(super) fn delays(&self) -> Vec<f64> {
        let seconds = |end: &i64| {
            // Milliseconds of the next centuries are exact in a double.
            #[expect(clippy::cast_precision_loss, reason = "see above")]
            let delay = (self.ended - end / 1_000).max(0) as f64 / 1_000.0;
            delay
        };
        self.ends.iter().take(MAX_VALUES).map(seconds).collect()
    }
}
