//! The error of reads, lists and writes.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::Path;

use crate::escape::{escaped, escaped_path};

/// A failed operation on storage.
///
/// A failed write travels through the encoders as an [`io::Error`] that wraps this error; [`io::Error::downcast`]
/// recovers it.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} {place}: {message}")]
pub struct StorageError {
    /// The operation that failed.
    pub operation: Operation,
    /// The object, prefix, file or stream, as a user would name it, without control characters.
    pub place: String,
    /// What went wrong.
    pub kind: ErrorKind,
    /// What happened and what to do about it, in words for an operator. Never the text of a response.
    pub message: String,
    /// The underlying error, if there is one. Like the message, it repeats nothing of a response but names and numbers.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

/// An operation on storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Reading a log object.
    Read,
    /// Listing objects.
    List,
    /// Writing an output.
    Write,
    /// Inspecting an output that already exists.
    Inspect,
    /// Sending messages to a queue.
    Send,
}

/// The kinds of failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The object, version or stream does not exist.
    NotFound,
    /// The request was refused and will be again: a permission, a KMS key, a bucket in another region, an archived
    /// object.
    Refused,
    /// The object was overwritten, and the requested version is gone.
    Overwritten,
    /// A different object already exists at the output's key.
    Occupied,
    /// The storage does not serve this location.
    Unsupported,
    /// The output exceeds a limit of the service.
    TooLarge,
    /// The operation may succeed later: the network, a server's error, throttling, the deadline, a full disk.
    Unavailable,
}

impl StorageError {
    /// Creates an error without an underlying one. Place and message are escaped here: both may repeat names, and the
    /// message what a service or the system answered.
    pub fn new(operation: Operation, place: impl Into<String>, kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            operation,
            place: escaped(&place.into()).to_string(),
            kind,
            message: escaped(&message.into()).to_string(),
            source: None,
        }
    }

    /// Creates the error of an output whose key is taken by something else.
    pub fn occupied(place: impl Into<String>, what: &str) -> Self {
        let message = format!(
            "{what} already exists at this key and was not overwritten: it is not an output of this log object; name another destination, or remove it"
        );
        Self::new(Operation::Write, place, ErrorKind::Occupied, message)
    }

    /// Creates an error of the local file system. It is retryable: a full disk or a missing directory can be fixed
    /// while the program is not running, and the same command then succeeds.
    pub(super) fn local(operation: Operation, path: &Path, error: io::Error) -> Self {
        Self::at_path(operation, path, ErrorKind::Unavailable, error.to_string()).caused_by(error)
    }

    /// Creates an error about a path that the file system does not report.
    pub(super) fn at_path(operation: Operation, path: &Path, kind: ErrorKind, message: impl Into<String>) -> Self {
        let place = escaped_path(path).to_string();
        Self::new(operation, place, kind, message)
    }

    /// Wraps a failed write to the local file system, except for an interruption, after which writers try again on
    /// their own.
    pub(super) fn local_write(path: &Path, error: io::Error) -> io::Error {
        match error.kind() {
            io::ErrorKind::Interrupted => error,
            _ => Self::local(Operation::Write, path, error).into(),
        }
    }

    /// Creates the error of an output that had already failed: whoever wrote to it ignored the first error.
    pub(super) fn already_failed(place: String, kind: ErrorKind) -> Self {
        Self::new(Operation::Write, place, kind, "an earlier write to this output failed")
    }

    /// Adds the underlying error.
    #[must_use]
    pub fn caused_by(self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            source: Some(source.into()),
            ..self
        }
    }

    /// Returns whether repeating the operation can succeed without anyone changing anything.
    pub const fn is_retryable(&self) -> bool {
        self.kind.is_retryable()
    }
}

impl ErrorKind {
    /// Returns whether repeating the operation can succeed without anyone changing anything.
    pub const fn is_retryable(self) -> bool {
        match self {
            Self::Unavailable => true,
            Self::NotFound
            | Self::Refused
            | Self::Overwritten
            | Self::Occupied
            | Self::Unsupported
            | Self::TooLarge => false,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Read => "read",
            Self::List => "list",
            Self::Write => "write",
            Self::Inspect => "inspect",
            Self::Send => "send messages to",
        })
    }
}

impl From<StorageError> for io::Error {
    fn from(error: StorageError) -> Self {
        Self::other(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_survives_the_way_through_an_io_error() {
        let error = StorageError::new(Operation::Write, "s3://out/x", ErrorKind::Refused, "access denied");
        let text = error.to_string();
        assert_eq!(text, "cannot write s3://out/x: access denied");
        let error = io::Error::from(error).downcast::<StorageError>().unwrap();
        assert_eq!(error.to_string(), text);
        assert!(!error.is_retryable());
    }
}
