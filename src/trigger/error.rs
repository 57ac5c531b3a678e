//! The error of a payload, or of one of its records, that is not a valid request.

use std::fmt;

use thiserror::Error;

use crate::escape::escaped;
use crate::object::KeyFault;

use super::MAX_ENVELOPES;

/// The error of a payload, message or record that is not a valid request to ingest an object.
///
/// It names the path in the payload and never quotes the value, except for short names that AWS defines: a source, an event
/// name, a version. A retry cannot succeed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TriggerError {
    /// A text is not valid JSON.
    #[error("{}: invalid JSON (line {line}, column {column})", Path(.at))]
    InvalidJson {
        /// The path of the text.
        at: String,
        /// The line in the text, from 1.
        line: usize,
        /// The column in the text, from 1.
        column: usize,
    },
    /// A required field is missing, null or empty.
    #[error("{}: missing", Path(.at))]
    Missing {
        /// The path of the field.
        at: String,
    },
    /// A value has the wrong type.
    #[error("{}: expected {wanted}, found {found}", Path(.at))]
    Expected {
        /// The path of the value.
        at: String,
        /// The expected type.
        wanted: &'static str,
        /// The type of the value.
        found: &'static str,
    },
    /// An object does not have the fields of a known envelope.
    #[error(
        "{}: unrecognized event payload (its fields: {fields}); send S3 notifications, Object Created events from \
         EventBridge, messages of a queue with either, S3 Batch Operations, the record of a failed invocation, \
         {{\"objects\":[{{\"bucket\":…,\"key\":…}}]}}, or {{\"merge\":{{\"bucket\":…,\"folder\":…}}}}",
        Path(.at)
    )]
    UnknownEnvelope {
        /// The path of the object.
        at: String,
        /// The names of its first fields.
        fields: Names,
    },
    /// A source or an event name that this program does not know.
    #[error("{}: unknown name {name}", Path(.at))]
    UnknownName {
        /// The path of the name.
        at: String,
        /// The name.
        name: Names,
    },
    /// A version of the event that this program does not know.
    #[error("{}: unsupported version {version}; the major version must be {wanted}", Path(.at))]
    Version {
        /// The path of the version.
        at: String,
        /// The version.
        version: Names,
        /// The supported major versions.
        wanted: &'static str,
    },
    /// Envelopes are nested too deeply.
    #[error("{}: more than {MAX_ENVELOPES} nested envelopes", Path(.at))]
    TooDeep {
        /// The path of the innermost envelope.
        at: String,
    },
    /// A payload of S3 Batch Operations is inside another envelope, whose sender cannot read its response.
    #[error("{}: S3 Batch Operations must invoke the function directly; its response would be lost here", Path(.at))]
    NestedBatch {
        /// The path of the envelope.
        at: String,
    },
    /// The records of a queue are mixed with records of another source.
    #[error("{}: the records of a queue are mixed with a record of another source", Path(.at))]
    MixedRecords {
        /// The path of the other record.
        at: String,
    },
    /// A key is not encoded correctly.
    #[error("{}: the key {fault}", Path(.at))]
    Key {
        /// The path of the key.
        at: String,
        /// The fault.
        fault: KeyFault,
    },
    /// An ARN is not that of a bucket.
    #[error("{}: not a bucket ARN (arn:PARTITION:s3:::NAME)", Path(.at))]
    BucketArn {
        /// The path of the ARN.
        at: String,
    },
    /// A time is not one.
    #[error("{}: not a time (2026-11-29T12:00:00Z)", Path(.at))]
    Time {
        /// The path of the time.
        at: String,
    },
    /// A folder does not end in a slash, or begins with one.
    #[error("{}: not a folder; its objects' keys begin with it, so it ends in a slash and begins with none", Path(.at))]
    Folder {
        /// The path of the folder.
        at: String,
    },
    /// The record of a failed invocation does not include the payload.
    #[error(
        "{}: missing; Lambda drops the payload if the record would be too large for its destination. \
         Find the objects by other means and send {{\"objects\":[{{\"bucket\":…,\"key\":…}}]}}",
        Path(.at)
    )]
    PayloadDropped {
        /// The path of the payload.
        at: String,
    },
}

/// Names from a payload, shortened and without control characters, for use in a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names(String);

impl Names {
    /// Returns one name.
    pub(super) fn one(name: &str) -> Self {
        Self::of([name])
    }

    /// Returns the first of several names.
    pub(super) fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        const MAX_NAMES: usize = 8;
        const MAX_CHARS: usize = 40;
        let mut names = names.into_iter();
        let mut shown: Vec<String> = names
            .by_ref()
            .take(MAX_NAMES)
            .map(|name| {
                let cut = name.chars().count() > MAX_CHARS;
                let name: String = name.chars().take(MAX_CHARS).collect();
                let name = escaped(&name);
                if cut { format!("{name}…") } else { name.to_string() }
            })
            .collect();
        if names.next().is_some() {
            shown.push("…".to_owned());
        }
        Self(shown.join(", "))
    }
}

impl fmt::Display for Names {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(if self.0.is_empty() { "none" } else { &self.0 })
    }
}

/// A path in a message.
struct Path<'a>(&'a str);

impl fmt::Display for Path<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(if self.0.is_empty() { "the payload" } else { self.0 })
    }
}
