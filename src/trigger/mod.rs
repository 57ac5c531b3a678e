//! What invokes the function: the payloads of AWS's services as a list of objects, and the answers they expect.
//!
//! A payload is told by its shape, never by a setting: S3 notifications, EventBridge events, SNS and SQS around either, the
//! record that Lambda keeps of a failed invocation, S3 Batch Operations, and `{"objects":[…]}`, the form for replaying by
//! hand. What is not known is an error and never taken as done: the sender keeps it, and nothing is lost.

mod answer;
mod batch_job;
mod envelope;
mod error;
mod key;
mod node;
mod s3;

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::object::ObjectRequest;

pub use answer::{InvocationError, TaskResult};
pub use error::{KeyFault, Names, TriggerError};

/// How many envelopes may lie within each other. A queue behind a topic that gets the record of a failed invocation by a
/// topic has five; each failed replay of such a record adds one.
pub const MAX_ENVELOPES: usize = 8;

/// What the function was asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Who asks, and so which answer is expected.
    pub kind: Kind,
    /// Everything that is asked, in the payload's order.
    pub tasks: Vec<Task>,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A service that invokes the function and looks only at whether it failed: S3, SNS, EventBridge, a person.
    Direct,
    /// A queue's event source mapping.
    Queue {
        /// The messages' ids, in order; none is empty. An id stands twice where a message came twice.
        message_ids: Vec<String>,
    },
    /// S3 Batch Operations.
    Batch {
        /// The payload's schema version, to be repeated.
        schema_version: String,
        /// The invocation's id, to be repeated.
        invocation_id: String,
        /// The ids of the job's tasks, in order; none is empty.
        task_ids: Vec<String>,
    },
}

/// One thing to do, or the reason not to do it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// The message of a queue, or the task of a job, that it belongs to, counted from 0; 0 for a direct invocation.
    pub unit: usize,
    /// Where in the payload it stands: `Records[0].body.Records[1]`.
    pub origin: String,
    /// What it is.
    pub work: Work,
    /// The first task that asks for the same object, where there is one before this. Its result holds for this too.
    pub duplicate_of: Option<usize>,
}

/// What a task is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// An object to ingest.
    Object(ObjectRequest),
    /// Nothing to ingest, and that is right.
    Skipped(Skip),
    /// A record that cannot be understood.
    Refused(TriggerError),
}

/// Why there is nothing to ingest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Skip {
    /// `s3:TestEvent`, which S3 sends when notifications are set up.
    TestEvent,
    /// An event of another kind: a deletion, a restore, a tag.
    OtherEvent(Names),
    /// The record of an invocation that succeeded.
    Succeeded,
}

/// Reads a payload as the function gets it.
///
/// # Errors
/// The payload as a whole is unknown, or its sender could not be answered. A record or message that cannot be read is no
/// error here but a [`Work::Refused`], so that the others are done.
pub fn read(payload: &[u8]) -> Result<Request, TriggerError> {
    read_value(&parse(payload)?)
}

/// A payload as JSON.
///
/// # Errors
/// It is none.
pub fn parse(payload: &[u8]) -> Result<Value, TriggerError> {
    serde_json::from_slice(payload).map_err(|error| envelope::no_json(String::new(), &error))
}

/// [`read`] for a payload that is parsed already.
///
/// # Errors
/// As for [`read`].
pub fn read_value(payload: &Value) -> Result<Request, TriggerError> {
    let mut request = envelope::read(payload)?;
    request.mark_duplicates();
    Ok(request)
}

impl Request {
    fn mark_duplicates(&mut self) {
        let mut first = BTreeMap::new();
        for (number, task) in self.tasks.iter_mut().enumerate() {
            if let Work::Object(object) = &task.work {
                let ObjectRequest {
                    bucket,
                    key,
                    alternative_key,
                    version_id,
                    etag,
                    ..
                } = object.clone();
                let same = *first
                    .entry((bucket, key, alternative_key, version_id, etag))
                    .or_insert(number);
                task.duplicate_of = (same != number).then_some(same);
            }
        }
    }
}

impl Task {
    /// The result of a task that needs no work; `None` for an object.
    pub fn settled(&self) -> Option<TaskResult> {
        match &self.work {
            Work::Object(_) => None,
            Work::Skipped(skip) => Some(TaskResult::Skipped { why: skip.to_string() }),
            Work::Refused(error) => Some(TaskResult::Failed {
                retryable: false,
                text: error.to_string(),
            }),
        }
    }
}

impl fmt::Display for Skip {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TestEvent => out.write_str("s3:TestEvent"),
            Self::OtherEvent(name) => write!(out, "{name}, no new object"),
            Self::Succeeded => out.write_str("the record of an invocation that succeeded"),
        }
    }
}
