//! The counts of one invocation.

use std::collections::BTreeMap;

use crate::ingest::{IngestError, Ledger, MemberOutcome, Problem, Skip};
use crate::merge::plan::Plan;
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
    /// The number of events that the filter or the sample leaves out.
    pub(super) filtered_events: u64,
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
    /// The counts of merged delivery, if a folder was looked at.
    pub(super) merge: Option<MergeTally>,
    /// The end of the invocation, milliseconds since 1970.
    pub(super) ended: i64,
    /// The duration of the invocation in milliseconds.
    pub(super) took: u64,
}

/// The counts of merged delivery.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct MergeTally {
    pub(super) plans: u64,
    pub(super) members: u64,
    pub(super) failed: u64,
    pub(super) late: u64,
    /// The earliest end of an interval among the objects that are listed and in no plan, microseconds since 1970.
    pub(super) oldest: Option<i64>,
}

impl Tally {
    /// Returns whether a task failed.
    pub const fn has_failures(&self) -> bool {
        self.failed > 0
    }

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
                    TaskError::Object(error) => self.add_fault(error),
                    TaskError::Refused(_)
                    | TaskError::OutputLoop { .. }
                    | TaskError::Folder { .. }
                    | TaskError::Storage(_)
                    | TaskError::MergedDelivery
                    | TaskError::ObjectDelivery
                    | TaskError::Setting { .. }
                    | TaskError::Panic
                    | TaskError::OutOfTime => {}
                }
            }
            // Counted while it was merged, or with the task that it duplicates.
            TaskOutcome::Merged(_) | TaskOutcome::DuplicateOf(_) => {}
        }
    }

    fn add_fault(&mut self, error: &IngestError) {
        let unbalanced = matches!(*error.problem, Problem::Imbalance(_));
        self.out_of_balance += u64::from(unbalanced);
    }

    /// Adds a member of a plan, given the end of its interval.
    pub(super) fn add_member(&mut self, outcome: &MemberOutcome, end: Option<i64>, late: bool) {
        match outcome {
            MemberOutcome::Ingested(ledger) => {
                self.ingested += 1;
                self.add_ledger(ledger);
                if self.ends.len() < MAX_VALUES {
                    self.ends.extend(end);
                }
            }
            MemberOutcome::Skipped(_, ledger) => {
                self.skipped += 1;
                self.add_ledger(ledger);
            }
            MemberOutcome::Failed(error) | MemberOutcome::LeftOut(error) => self.add_fault(error),
        }
        self.merge.get_or_insert_default().late += u64::from(late);
    }

    /// Adds a plan that was committed.
    pub(super) fn add_plan(&mut self, plan: &Plan) {
        let merge = self.merge.get_or_insert_default();
        merge.plans += 1;
        merge.members += plan.members.len() as u64;
        merge.failed += plan.failed().count() as u64;
    }

    /// Adds a plan that was published, of whose files this number was not visible before.
    pub(super) fn add_published(&mut self, plan: &Plan, written: u64) {
        if written > 0 {
            self.bytes_out += plan.files.iter().map(|file| file.bytes).sum::<u64>();
        }
    }

    /// Adds a folder that was looked at, given the earliest end of an interval among the objects that are in no plan.
    pub(super) fn add_unmerged(&mut self, oldest: Option<i64>) {
        let merge = self.merge.get_or_insert_default();
        merge.oldest = merge.oldest.into_iter().chain(oldest).min();
    }

    fn add_ledger(&mut self, ledger: &Ledger) {
        self.lines += ledger.lines;
        self.events += ledger.events;
        self.filtered_events += ledger.filtered;
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
        self.ends.iter().take(MAX_VALUES).map(|end| self.since(*end)).collect()
    }

    /// Returns the seconds from the end of the oldest interval that is not merged to the end of the invocation; zero if
    /// everything is merged.
    pub(super) fn lag(&self, merge: &MergeTally) -> f64 {
        merge.oldest.map_or(0.0, |end| self.since(end))
    }

    /// Returns the seconds from a time in microseconds to the end of the invocation.
    fn since(&self, end: i64) -> f64 {
        // Milliseconds of the next centuries are exact in a double.
        #[expect(clippy::cast_precision_loss, reason = "see above")]
        let seconds = (self.ended - end / 1_000).max(0) as f64 / 1_000.0;
        seconds
    }
}
