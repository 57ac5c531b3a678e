//! The payloads that invoke the function, as a list of objects to ingest, and the responses that their senders expect.
//!
//! A payload is detected by its fields, never by a setting: S3 notifications, EventBridge events, SNS and SQS messages that
//! contain either, the messages of a queue as `ReceiveMessage` returns them, Lambda's record of a failed invocation, S3 Batch
//! Operations, `{"objects":[…]}`, the form for replays by hand, and `{"merge":{…}}`, the form of merged delivery. An unknown
//! payload is an error and never acknowledged, so its sender keeps it.
//!
//! This module is above `ingest`: it turns the engine's own outcomes into responses.

mod answer;
mod batch_job;
mod envelope;
mod error;
mod merge;
mod node;
mod outcome;
mod s3;

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::merge::Folder;
use crate::object::ObjectRequest;

pub use crate::object::KeyFault;
pub use answer::InvocationError;
pub use error::{Names, TriggerError};
pub use merge::{FolderRequest, MergeRequest};
pub use outcome::{Counts, Merged, SkipReason, TaskError, TaskOutcome};

/// The maximum number of nested envelopes. A queue that is subscribed to a topic with the record of an invocation by
/// another topic has five; each failed replay of such a record adds one.
pub const MAX_ENVELOPES: usize = 8;

/// A request to the function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The kind of sender, which determines the response.
    pub kind: Kind,
    /// The tasks, in the order of the payload.
    pub tasks: Vec<Task>,
}

/// The kind of sender of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A sender that only distinguishes success and failure: S3, SNS, EventBridge, a person.
    Direct,
    /// The event source mapping of a queue.
    Queue {
        /// The ids of the messages, in order; none is empty. An id occurs twice if its message was received twice.
        message_ids: Vec<String>,
    },
    /// S3 Batch Operations.
    Batch {
        /// The schema version of the payload, which the response repeats.
        schema_version: String,
        /// The id of the invocation, which the response repeats.
        invocation_id: String,
        /// The ids of the tasks, in order; none is empty.
        task_ids: Vec<String>,
    },
}

/// One record of a payload: an object to ingest, or the reason why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// The index of its message in a queue's batch, or of its task in a job, from 0; 0 for a direct invocation.
    pub unit: usize,
    /// Its path in the payload, such as `Records[0].body.Records[1]`.
    pub origin: String,
    /// The work that it requests.
    pub work: Work,
    /// The first task for the same object or folder, if that is an earlier one. Its outcome counts for this task, too.
    pub duplicate_of: Option<usize>,
}

/// The work that a task requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// An object to ingest.
    Object(ObjectRequest),
    /// Merged delivery: the folders that are due, or one folder.
    Merge(MergeRequest),
    /// Nothing: the record does not announce a new object.
    Ignored(IgnoredEvent),
    /// Nothing: the record cannot be understood, so the task fails.
    Refused(TriggerError),
}

/// An event that does not announce a new object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IgnoredEvent {
    /// `s3:TestEvent`, which S3 sends when notifications are set up.
    TestEvent,
    /// An event of a different kind: a deletion, a restore, a tag.
    OtherEvent(Names),
    /// The record of an invocation that succeeded.
    Succeeded,
}

/// Reads the bytes of a payload.
///
/// # Errors
/// The payload as a whole is unknown, or its sender could not read the response. A record or message that cannot be read is
/// not an error but a [`Work::Refused`], so the others are still processed.
pub fn read(payload: &[u8]) -> Result<Request, TriggerError> {
    read_value(&parse(payload)?)
}

/// Parses a payload as JSON.
///
/// # Errors
/// The payload is not valid JSON.
pub fn parse(payload: &[u8]) -> Result<Value, TriggerError> {
    serde_json::from_slice(payload).map_err(|error| envelope::invalid_json(String::new(), &error))
}

/// Reads a payload that is already parsed.
///
/// # Errors
/// See [`read`].
pub fn read_value(payload: &Value) -> Result<Request, TriggerError> {
    let mut request = envelope::read(payload)?;
    request.mark_duplicates();
    Ok(request)
}

impl Request {
    /// Returns a request for objects, each with where it was named.
    pub fn for_objects(objects: impl IntoIterator<Item = (String, ObjectRequest)>) -> Self {
        let tasks = objects.into_iter().map(|(origin, object)| Task {
            unit: 0,
            origin,
            work: Work::Object(object),
            duplicate_of: None,
        });
        let mut request = Self {
            kind: Kind::Direct,
            tasks: tasks.collect(),
        };
        request.mark_duplicates();
        request
    }

    fn mark_duplicates(&mut self) {
        let mut first = BTreeMap::new();
        for (number, task) in self.tasks.iter_mut().enumerate() {
            if let Some(subject) = Subject::of(&task.work) {
                let same = *first.entry(subject).or_insert(number);
                task.duplicate_of = (same != number).then_some(same);
            }
        }
    }
}

/// What a task is about: two tasks about the same are one.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Object([String; 2], [Option<String>; 3]),
    Due(i64),
    Folder(Folder, bool),
}

impl Subject {
    fn of(work: &Work) -> Option<Self> {
        match work {
            Work::Object(object) => {
                let ObjectRequest {
                    bucket,
                    key,
                    alternative_key,
                    version_id,
                    etag,
                    ..
                } = object.clone();
                Some(Self::Object([bucket, key], [alternative_key, version_id, etag]))
            }
            Work::Merge(MergeRequest::Due { at }) => Some(Self::Due(*at)),
            Work::Merge(MergeRequest::Folder(request)) => Some(Self::Folder(request.folder.clone(), request.all)),
            Work::Ignored(_) | Work::Refused(_) => None,
        }
    }
}

impl fmt::Display for IgnoredEvent {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TestEvent => out.write_str("s3:TestEvent"),
            Self::OtherEvent(name) => write!(out, "{name}, no new object"),
            Self::Succeeded => out.write_str("the record of an invocation that succeeded"),
        }
    }
}
