//! Why a payload, or one record of it, cannot be taken.

use std::fmt;

use thiserror::Error;

use super::MAX_ENVELOPES;

/// A payload, message or record that is no request to ingest an object.
///
/// It names the place in the payload and never what stands there, except for short names that AWS gives: a source, a kind
/// of event, a version. No retry cures it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TriggerError {
    /// A text that should be JSON.
    #[error("{}: no JSON (line {line}, column {column})", Place(.at))]
    NoJson {
        /// The path of the text.
        at: String,
        /// Line in the text, from 1.
        line: usize,
        /// Column in the text, from 1.
        column: usize,
    },
    /// A field that has to be there is missing, null or empty.
    #[error("{}: missing", Place(.at))]
    Missing {
        /// The path where it should stand.
        at: String,
    },
    /// A value of another kind.
    #[error("{}: expected {wanted}, found {found}", Place(.at))]
    Expected {
        /// The value's path.
        at: String,
        /// What should stand there.
        wanted: &'static str,
        /// What stands there.
        found: &'static str,
    },
    /// An object whose fields are those of no known envelope.
    #[error(
        "{}: no envelope that is known (its fields: {fields}); send S3 notifications, EventBridge's Object Created, \
         S3 Batch Operations, a failed invocation's record, or {{\"objects\":[{{\"bucket\":…,\"key\":…}}]}}",
        Place(.at)
    )]
    UnknownEnvelope {
        /// The object's path.
        at: String,
        /// The first names of its fields.
        fields: Names,
    },
    /// A name that AWS gives to a source, a type, a kind or a version, and that is not known here.
    #[error("{}: {name} is not known here", Place(.at))]
    UnknownName {
        /// The path of the name.
        at: String,
        /// The name.
        name: Names,
    },
    /// A version of the event that this program does not know.
    #[error("{}: version {version} is not known; the major version must be {wanted}", Place(.at))]
    Version {
        /// The path of the version.
        at: String,
        /// The version.
        version: Names,
        /// The major versions that are read.
        wanted: &'static str,
    },
    /// Envelopes within envelopes, too many of them.
    #[error("{}: more than {MAX_ENVELOPES} envelopes within each other", Place(.at))]
    TooDeep {
        /// The path of the innermost.
        at: String,
    },
    /// S3 Batch Operations inside of another envelope, where nobody waits for its answer.
    #[error("{}: S3 Batch Operations must invoke the function itself; here its answer would reach nobody", Place(.at))]
    NestedBatch {
        /// The envelope's path.
        at: String,
    },
    /// Records of a queue beside others.
    #[error("{}: a record of a queue beside records of another source", Place(.at))]
    MixedRecords {
        /// The path of the other record.
        at: String,
    },
    /// A key that is not encoded as it has to be.
    #[error("{}: the key {fault}", Place(.at))]
    Key {
        /// The key's path.
        at: String,
        /// What is wrong with it.
        fault: KeyFault,
    },
    /// An ARN that names no bucket.
    #[error("{}: no ARN of a bucket (arn:PARTITION:s3:::NAME)", Place(.at))]
    BucketArn {
        /// The ARN's path.
        at: String,
    },
    /// The record of a failed invocation without the payload.
    #[error(
        "{}: missing; Lambda drops the payload where the record would be too large for its destination. \
         Find the objects by other means and send {{\"objects\":[{{\"bucket\":…,\"key\":…}}]}}",
        Place(.at)
    )]
    PayloadDropped {
        /// Where the payload should stand.
        at: String,
    },
}

/// What is wrong with an encoded key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeyFault {
    /// A `%` without two hex digits behind it.
    #[error("has a percent sign without two hex digits behind it, at byte {0}")]
    Percent(usize),
    /// The decoded bytes are not UTF-8.
    #[error("is not UTF-8 when it is decoded")]
    NotUtf8,
}

/// Names from a payload, shortened and without control characters, so that they can stand in a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names(String);

impl Names {
    /// One name.
    pub(super) fn one(name: &str) -> Self {
        Self::of([name])
    }

    /// The first of several names.
    pub(super) fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        const MOST: usize = 8;
        const LONGEST: usize = 40;
        let mut names = names.into_iter();
        let mut shown: Vec<String> = names
            .by_ref()
            .take(MOST)
            .map(|name| {
                let cut = name.chars().count() > LONGEST;
                let name: String = name.chars().take(LONGEST).collect();
                let name = name.escape_debug();
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
struct Place<'a>(&'a str);

impl fmt::Display for Place<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(if self.0.is_empty() { "the payload" } else { self.0 })
    }
}
