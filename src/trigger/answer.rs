//! The response to the invoker.
//!
//! The responses to a queue and to S3 Batch Operations are the types of `aws_lambda_events`. They are returned as JSON
//! values, whose fields are sorted by name.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use aws_lambda_events::s3_batch_job::{S3BatchJobResponse, S3BatchJobResult};
use aws_lambda_events::sqs::SqsBatchResponse;
use serde::Serialize;
use serde_json::{Value, json};
use thiserror::Error;

use crate::escape::escaped;
use crate::ingest::Ledger;

use super::outcome::{Counts, Merged, SkipReason, TaskError, TaskOutcome};
use super::{Kind, Request, Task};

/// The maximum length of a `resultString` for S3 Batch Operations, in bytes. AWS documents no limit; a row of the completion
/// report should stay readable.
const MAX_RESULT_BYTES: usize = 1_000;
/// The maximum number of failures that an error describes.
const MAX_DESCRIBED_FAILURES: usize = 5;
/// The maximum length of the description of one failure, in bytes.
const MAX_DESCRIPTION_BYTES: usize = 400;
/// The maximum number of message ids that an error lists.
const MAX_LISTED_IDS: usize = 10;

/// The error of an invocation that has to fail, so its sender keeps the request.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvocationError {
    /// Objects or messages failed.
    #[error("{} of {of} {what} failed: {details}", failed.len())]
    Failed {
        /// What is counted: records or messages.
        what: &'static str,
        /// The ids of the failed messages, each once; for a direct invocation the paths of the failed records.
        failed: Vec<String>,
        /// The total number of records or messages.
        of: usize,
        /// A description of the first failures.
        details: String,
    },
    /// The outcomes do not belong to the request: a defect of this program. Nothing is acknowledged.
    #[error("internal error: {given} outcomes for {expected} tasks; please report this")]
    Outcomes {
        /// The number of outcomes that the request needs.
        expected: usize,
        /// The number of outcomes that were given.
        given: usize,
    },
    /// The response could not be serialized: a defect of this program. Nothing is acknowledged.
    #[error("internal error: the response cannot be serialized; please report this")]
    Response,
}

/// The outcome that counts for a task: its own, or that of the task that it duplicates.
#[derive(Clone, Copy)]
enum Verdict<'a> {
    Ingested(&'a Ledger),
    Merged(&'a Merged),
    Skipped(&'a SkipReason),
    Failed(&'a TaskError),
}

impl Request {
    /// Returns the response that the invoker understands, from the [outcomes](Self::outcomes) of all tasks.
    ///
    /// A message fails if any of its tasks does. `partial_batch` says that the event source mapping of the queue reads
    /// `batchItemFailures`; a mapping that does not would take such a response for success and delete the failed messages.
    ///
    /// # Errors
    /// The response cannot express a failure, so the invocation fails as a whole and is repeated.
    pub fn answer(&self, outcomes: &[TaskOutcome], partial_batch: bool) -> Result<Value, InvocationError> {
        let verdicts = self.verdicts(outcomes)?;
        match &self.kind {
            Kind::Direct => direct(&verdicts),
            Kind::Queue { message_ids } => queue(&verdicts, message_ids, partial_batch),
            Kind::Batch {
                schema_version,
                invocation_id,
                task_ids,
            } => {
                let mut response = S3BatchJobResponse::default();
                response.invocation_schema_version = Some(schema_version.clone());
                // The results name every task. If one were missing, nothing would be known about it.
                response.treat_missing_keys_as = Some("PermanentFailure".to_owned());
                response.invocation_id = Some(invocation_id.clone());
                response.results = verdicts
                    .iter()
                    .zip(task_ids)
                    .map(|((_, verdict), id)| batch_result(*verdict, id))
                    .collect();
                to_json(&response)
            }
        }
    }

    /// Pairs every task with the outcome that counts for it.
    fn verdicts<'a>(&'a self, outcomes: &'a [TaskOutcome]) -> Result<Vec<(&'a Task, Verdict<'a>)>, InvocationError> {
        let wrong = || InvocationError::Outcomes {
            expected: self.tasks.len(),
            given: outcomes.len(),
        };
        if outcomes.len() != self.tasks.len() {
            return Err(wrong());
        }
        let verdict = |outcome: &'a TaskOutcome| match outcome {
            TaskOutcome::Ingested { ledger, .. } => Some(Verdict::Ingested(ledger)),
            TaskOutcome::Merged(merged) => Some(Verdict::Merged(merged)),
            TaskOutcome::Skipped(reason) => Some(Verdict::Skipped(reason)),
            TaskOutcome::Failed(error) => Some(Verdict::Failed(error)),
            TaskOutcome::DuplicateOf(_) => None,
        };
        self.tasks
            .iter()
            .zip(outcomes)
            .map(|(task, outcome)| {
                let counted = match outcome {
                    TaskOutcome::DuplicateOf(first) => outcomes.get(*first),
                    own => Some(own),
                };
                let verdict = counted.and_then(verdict).ok_or_else(wrong)?;
                Ok((task, verdict))
            })
            .collect()
    }
}

fn direct(verdicts: &[(&Task, Verdict<'_>)]) -> Result<Value, InvocationError> {
    let failed: Vec<_> = failures(verdicts).map(|(task, _)| task.origin.clone()).collect();
    if !failed.is_empty() {
        return Err(InvocationError::Failed {
            what: "records",
            failed,
            of: verdicts.len(),
            details: details(verdicts),
        });
    }
    let ingested = verdicts
        .iter()
        .filter(|(_, verdict)| matches!(verdict, Verdict::Ingested(_)))
        .count();
    let merged: Vec<_> = verdicts
        .iter()
        .filter(|(task, _)| task.duplicate_of.is_none())
        .filter_map(|(_, verdict)| match verdict {
            Verdict::Merged(merged) => Some(*merged),
            Verdict::Ingested(_) | Verdict::Skipped(_) | Verdict::Failed(_) => None,
        })
        .collect();
    let skipped = verdicts.len() - ingested - merged.len();
    let mut response = json!({"objects": {"ingested": ingested, "skipped": skipped, "failed": 0}});
    if !merged.is_empty() {
        let sum = |count: fn(&Merged) -> u64| merged.iter().map(|merged| count(merged)).sum::<u64>();
        response = json!({"merge": {
            "plans": sum(|merged| merged.plans),
            "members": sum(|merged| merged.members),
            "sent": sum(|merged| merged.sent),
        }});
    }
    Ok(response)
}

fn queue(
    verdicts: &[(&Task, Verdict<'_>)],
    message_ids: &[String],
    partial_batch: bool,
) -> Result<Value, InvocationError> {
    let units: BTreeSet<_> = failures(verdicts).map(|(task, _)| task.unit).collect();
    // Lambda takes a repeated or unknown id for a failure of the whole batch.
    let mut seen = BTreeSet::new();
    let failed: Vec<_> = units
        .into_iter()
        .filter_map(|unit| message_ids.get(unit))
        .filter(|id| seen.insert(*id))
        .cloned()
        .collect();
    if !failed.is_empty() && !partial_batch {
        let mut details = details(verdicts);
        let ids: Vec<_> = failed
            .iter()
            .take(MAX_LISTED_IDS)
            .map(|id| escaped(id).to_string())
            .collect();
        let more = if failed.len() > ids.len() { ", …" } else { "" };
        // Writing to a String does not fail.
        let _ = write!(
            details,
            "; the whole batch will be retried (messages {}{more}): set PARTIAL_BATCH=true together with \
             ReportBatchItemFailures to retry only the failed messages",
            ids.join(", ")
        );
        return Err(InvocationError::Failed {
            what: "messages",
            failed,
            of: message_ids.len(),
            details,
        });
    }
    let mut response = SqsBatchResponse::default();
    response.set_failures(failed);
    to_json(&response)
}

/// Returns the failed tasks and their errors.
fn failures<'a>(verdicts: &'a [(&'a Task, Verdict<'a>)]) -> impl Iterator<Item = (&'a Task, &'a TaskError)> {
    verdicts.iter().filter_map(|(task, verdict)| match verdict {
        Verdict::Failed(error) => Some((*task, *error)),
        Verdict::Ingested(_) | Verdict::Merged(_) | Verdict::Skipped(_) => None,
    })
}

/// Returns the result of one task of S3 Batch Operations.
///
/// A job stops when more than half of its tasks fail. A job over a whole bucket meets objects that are not logs, so these
/// must not count as failures.
fn batch_result(verdict: Verdict<'_>, task_id: &str) -> S3BatchJobResult {
    let (code, text) = match verdict {
        Verdict::Ingested(ledger) => ("Succeeded", Counts(ledger).to_string()),
        Verdict::Merged(merged) => ("Succeeded", merged.to_string()),
        Verdict::Skipped(reason) => ("Succeeded", format!("skipped: {reason}")),
        Verdict::Failed(error) if error.is_not_a_log() => ("Succeeded", format!("skipped: {error}")),
        Verdict::Failed(error) if error.is_retryable() => ("TemporaryFailure", error.to_string()),
        Verdict::Failed(error) => ("PermanentFailure", error.to_string()),
    };
    let mut result = S3BatchJobResult::default();
    result.task_id = Some(task_id.to_owned());
    result.result_code = Some(code.to_owned());
    result.result_string = Some(single_line(&text, MAX_RESULT_BYTES));
    result
}

fn details(verdicts: &[(&Task, Verdict<'_>)]) -> String {
    let mut failures = failures(verdicts);
    let mut details: Vec<String> = failures
        .by_ref()
        .take(MAX_DESCRIBED_FAILURES)
        .map(|(task, error)| {
            let text = single_line(&error.to_string(), MAX_DESCRIPTION_BYTES);
            match error {
                // Its message begins with the path already.
                TaskError::Refused(_) => text,
                TaskError::Object(_)
                | TaskError::OutputLoop { .. }
                | TaskError::Folder { .. }
                | TaskError::Storage(_)
                | TaskError::MergedDelivery
                | TaskError::ObjectDelivery
                | TaskError::Setting { .. }
                | TaskError::Panic
                | TaskError::OutOfTime => match task.origin.as_str() {
                    "" => text,
                    origin => format!("{origin}: {text}"),
                },
            }
        })
        .collect();
    let rest = failures.count();
    if rest > 0 {
        details.push(format!("and {rest} more"));
    }
    details.join("; ")
}

/// Returns a response as a JSON value. An invocation without a response fails, so its sender keeps the request.
fn to_json(response: &impl Serialize) -> Result<Value, InvocationError> {
    serde_json::to_value(response).map_err(|_| InvocationError::Response)
}

/// Returns the text on one line, cut at a character boundary if it is longer than `max_bytes`.
fn single_line(text: &str, max_bytes: usize) -> String {
    let text = escaped(text).to_string();
    match text.get(..text.floor_char_boundary(max_bytes)) {
        Some(start) if start.len() < text.len() => format!("{start}…"),
        _ => text,
    }
}
