//! What the one who asked is told.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Value, json};
use thiserror::Error;

use super::{Kind, Request, Task, Work};

/// The longest `resultString` for S3 Batch Operations, in bytes. AWS's pages name no limit; a row of the completion report
/// should stay readable.
const MAX_RESULT_BYTES: usize = 1_000;
/// How many failures an error describes, and how many bytes of each.
const MAX_DESCRIBED_FAILURES: usize = 5;
const MAX_DESCRIPTION_BYTES: usize = 400;

/// How a task went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskResult {
    /// Everything of the object is committed.
    Done {
        /// The counts.
        text: String,
    },
    /// Nothing to ingest, and that is right.
    Skipped {
        /// Why.
        why: String,
    },
    /// Not done.
    Failed {
        /// Whether doing the same again can cure it.
        retryable: bool,
        /// What happened and what to do.
        text: String,
    },
}

/// The invocation has to fail, so that its sender keeps what it asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvocationError {
    /// Objects or messages failed.
    #[error("{} of {of} {what} failed: {details}", failed.len())]
    Failed {
        /// What is counted.
        what: &'static str,
        /// The failed messages' ids, each once; for a direct invocation where in the payload the failed records stand.
        failed: Vec<String>,
        /// How many there are.
        of: usize,
        /// The first failures in words.
        details: String,
    },
    /// The results are not those of the request. Nothing is acknowledged then.
    #[error("{given} results for {tasks} tasks; this is an error of the program, please report it")]
    Results {
        /// How many tasks the request has.
        tasks: usize,
        /// How many results came.
        given: usize,
    },
}

impl Request {
    /// The answer that the one who asked understands, from one result for each task, in order.
    ///
    /// What is [settled](Task::settled) counts as it is, whatever its result says. A message fails when any of its tasks does.
    /// `partial_batch` says that a queue's mapping reads `batchItemFailures`; without it such an answer would be taken for
    /// success, and the failed messages would be deleted.
    ///
    /// # Errors
    /// Where the answer has no place for a failure: the invocation fails as a whole and is repeated.
    pub fn answer(&self, results: &[TaskResult], partial_batch: bool) -> Result<Value, InvocationError> {
        if results.len() != self.tasks.len() {
            return Err(InvocationError::Results {
                tasks: self.tasks.len(),
                given: results.len(),
            });
        }
        match &self.kind {
            Kind::Direct => self.direct(results),
            Kind::Queue { message_ids } => self.queue(results, message_ids, partial_batch),
            Kind::Batch {
                schema_version,
                invocation_id,
                task_ids,
            } => Ok(json!({
                "invocationSchemaVersion": schema_version,
                // No task of ours is ever missing; were one, nobody could say that it is done.
                "treatMissingKeysAs": "PermanentFailure",
                "invocationId": invocation_id,
                "results": self.batch(results, task_ids),
            })),
        }
    }

    /// The failed tasks and why they failed.
    fn failures<'a>(&'a self, results: &'a [TaskResult]) -> impl Iterator<Item = (&'a Task, String)> {
        let pairs = self.tasks.iter().zip(results);
        pairs.filter_map(|(task, result)| match outcome(task, result) {
            TaskResult::Failed { text, .. } => Some((task, text)),
            TaskResult::Done { .. } | TaskResult::Skipped { .. } => None,
        })
    }

    fn direct(&self, results: &[TaskResult]) -> Result<Value, InvocationError> {
        let failed: Vec<_> = self.failures(results).map(|(task, _)| task.origin.clone()).collect();
        if !failed.is_empty() {
            return Err(InvocationError::Failed {
                what: "records",
                failed,
                of: self.tasks.len(),
                details: self.details(results),
            });
        }
        let outcomes = self
            .tasks
            .iter()
            .zip(results)
            .map(|(task, result)| outcome(task, result));
        let ingested = outcomes
            .filter(|outcome| matches!(outcome, TaskResult::Done { .. }))
            .count();
        let skipped = results.len() - ingested;
        Ok(json!({"objects": {"ingested": ingested, "skipped": skipped, "failed": 0}}))
    }

    fn queue(
        &self,
        results: &[TaskResult],
        message_ids: &[String],
        partial_batch: bool,
    ) -> Result<Value, InvocationError> {
        let units: BTreeSet<_> = self.failures(results).map(|(task, _)| task.unit).collect();
        // Lambda takes an id that stands twice, or that it does not know, for a failure of the whole batch.
        let mut seen = BTreeSet::new();
        let failed: Vec<_> = units
            .into_iter()
            .filter_map(|unit| message_ids.get(unit))
            .filter(|id| seen.insert(*id))
            .cloned()
            .collect();
        if !failed.is_empty() && !partial_batch {
            let mut details = self.details(results);
            let ids: Vec<_> = failed.iter().take(10).map(|id| id.escape_debug().to_string()).collect();
            let more = if failed.len() > ids.len() { ", …" } else { "" };
            // Writing to a String does not fail.
            let _ = write!(
                details,
                "; the whole batch comes again (messages {}{more}): set PARTIAL_BATCH=true beside ReportBatchItemFailures to \
                 repeat the failed messages alone",
                ids.join(", ")
            );
            return Err(InvocationError::Failed {
                what: "messages",
                failed,
                of: message_ids.len(),
                details,
            });
        }
        let failures: Vec<_> = failed.iter().map(|id| json!({"itemIdentifier": id})).collect();
        Ok(json!({"batchItemFailures": failures}))
    }

    fn batch(&self, results: &[TaskResult], task_ids: &[String]) -> Vec<Value> {
        let pairs = self.tasks.iter().zip(results).zip(task_ids);
        pairs
            .map(|((task, result), id)| {
                let (code, text) = match outcome(task, result) {
                    TaskResult::Done { text } => ("Succeeded", text),
                    // A job fails when more than half of its tasks do: an object that is no log must not count for that.
                    TaskResult::Skipped { why } => ("Succeeded", format!("skipped: {why}")),
                    TaskResult::Failed { retryable: true, text } => ("TemporaryFailure", text),
                    TaskResult::Failed { retryable: false, text } => ("PermanentFailure", text),
                };
                json!({"taskId": id, "resultCode": code, "resultString": plain(&text, MAX_RESULT_BYTES)})
            })
            .collect()
    }

    fn details(&self, results: &[TaskResult]) -> String {
        let mut failures = self.failures(results);
        let mut details: Vec<String> = failures
            .by_ref()
            .take(MAX_DESCRIBED_FAILURES)
            .map(|(task, text)| {
                let text = plain(&text, MAX_DESCRIPTION_BYTES);
                // A refusal names its place already.
                match task.work {
                    Work::Refused(_) => text,
                    _ => format!("{}: {text}", task.origin),
                }
            })
            .collect();
        let rest = failures.count();
        if rest > 0 {
            details.push(format!("and {rest} more"));
        }
        details.join("; ")
    }
}

/// The result that counts: what is settled stays so, whatever it is given. A refused task is never done.
fn outcome(task: &Task, result: &TaskResult) -> TaskResult {
    task.settled().unwrap_or_else(|| result.clone())
}

/// A text of one line, shortened at a character's border.
fn plain(text: &str, longest: usize) -> String {
    let text: String = text
        .chars()
        .map(|char| if char.is_control() { ' ' } else { char })
        .collect();
    match text.get(..text.floor_char_boundary(longest)) {
        Some(start) if start.len() < text.len() => format!("{start}…"),
        _ => text,
    }
}
