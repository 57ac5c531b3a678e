//! The error of an object that could not be ingested.

use crate::encode::EncodeError;
use crate::escape::escaped;
use crate::object::{Counts, ObjectRef, Unknown, names_a_log};
use crate::parse::input::ReadError;
use crate::storage::{ErrorKind, StorageError};

use super::pool::Unfinished;

/// The error of one object. None of its outputs was committed; if its destination is a stream, events may have been sent.
#[derive(Debug, thiserror::Error)]
#[error("{object}: {problem}")]
pub struct IngestError {
    /// The object.
    pub object: ObjectRef,
    /// What went wrong.
    #[source]
    pub problem: Box<Problem>,
}

/// What went wrong with an object or with the output of its events.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The bytes cannot be read to their end.
    #[error("{0}")]
    Read(#[from] ReadError),
    /// The gzip stream has a fault, and its lines can be salvaged only by reading it again.
    #[error(
        "{0}; its lines cannot be salvaged, which takes a second reading, and stdin and pipes can be read only once: save the object to a file and ingest the file"
    )]
    ReadOnce(ReadError),
    /// Readings of the same object differ: the bytes were damaged on the way.
    #[error(
        "the object was damaged in transit: it has a different gzip fault, or none, each time it is read; try again"
    )]
    Unstable,
    /// The lines match no table.
    #[error("{0}; name the table with --table if it is a load balancer log")]
    Unknown(Unknown),
    /// Most of the first lines are malformed.
    #[error(
        "{malformed} of the first {lines} lines are malformed as {table} ({reasons}): this is a different log or a new format; inspect a line with 'alb-ingest explain', or name the table with --table"
    )]
    MostlyMalformed {
        /// The number of malformed lines.
        malformed: u64,
        /// The number of lines that were checked.
        lines: u64,
        /// The table that was tried.
        table: &'static str,
        /// The most frequent reasons.
        reasons: String,
    },
    /// Every line of the object is longer than the limit, and its key does not identify a log.
    #[error(
        "every line is longer than 1 MiB, and the key is not that of a load balancer log; name the table with --table if it is one"
    )]
    OnlyLongLines,
    /// The events belong to more days (or hours) than the outputs of one object may.
    #[error(
        "its events span more than {limit} days or hours; split the file, or set PARTITION_BY none (--partition-by none)"
    )]
    TooManyPartitions {
        /// The maximum number of partitions per object.
        limit: usize,
    },
    /// The outputs of the other objects of a merge leave no room for those of the object.
    #[error(
        "its events and those of the objects merged before it span more than {limit} days or hours; a later merge takes it"
    )]
    MergeIsFull {
        /// The maximum number of partitions of a merge.
        limit: usize,
    },
    /// The object has no version, and the key of its output is taken by different bytes.
    #[error(
        "{} already exists with different content, and stdin has no stable identity: name another destination, or ingest a file",
        escaped(.key)
    )]
    OutputOfAnother {
        /// The key of the output.
        key: String,
    },
    /// The object could not be opened or read.
    #[error("cannot read: {}", .0.message)]
    Unreadable(StorageError),
    /// The deadline passed before the object was read to its end.
    #[error(
        "not enough time before the deadline; the object was not acknowledged: give the function more time or memory, or fewer messages per batch"
    )]
    OutOfTime,
    /// The events could not be encoded or written.
    #[error("{0}")]
    Encode(EncodeError),
    /// An output could not be staged, written or committed.
    #[error("{0}")]
    Destination(#[from] StorageError),
    /// The counts do not balance: a defect of this program.
    #[error(
        "the ledger does not balance: {} lines, but {} events + {} filtered + {} quarantined + {} skipped; nothing was committed; please report this",
        .0.lines, .0.events, .0.filtered, .0.quarantined, .0.skipped
    )]
    Imbalance(Counts),
    /// The program panicked while it processed the object: a defect of this program.
    #[error("internal error while processing this object; nothing was committed; please report this")]
    Panic,
}

impl From<Unfinished> for Problem {
    fn from(unfinished: Unfinished) -> Self {
        match unfinished {
            Unfinished::Panicked => Self::Panic,
            Unfinished::Expired => Self::OutOfTime,
        }
    }
}

impl From<EncodeError> for Problem {
    /// Recovers the error of a sink, which travels through the encoders inside an I/O error.
    fn from(error: EncodeError) -> Self {
        match error {
            EncodeError::Write(error) => match error.downcast::<StorageError>() {
                Ok(error) => Self::Destination(error),
                Err(error) => Self::Encode(EncodeError::Write(error)),
            },
            error @ (EncodeError::Parquet(_) | EncodeError::NotRows(_)) => Self::Encode(error),
        }
    }
}

impl IngestError {
    /// Returns whether the object is not a load balancer log: its bytes show it, and its key does not name one.
    pub fn is_not_a_log(&self) -> bool {
        let foreign = match &*self.problem {
            // Values without names are those of a vended log.
            Problem::Unknown(unknown) => unknown.unnamed.is_none(),
            Problem::Read(ReadError::Foreign { .. }) => true,
            _ => false,
        };
        foreign && !names_a_log(&self.object.key)
    }
}

impl Problem {
    /// Returns the error of an object.
    pub fn of(self, object: &ObjectRef) -> IngestError {
        IngestError {
            object: object.clone(),
            problem: Box::new(self),
        }
    }

    /// Returns whether the object does not exist.
    pub const fn is_missing(&self) -> bool {
        matches!(self, Self::Unreadable(error) if matches!(error.kind, ErrorKind::NotFound))
    }

    /// Returns whether a retry of the same object can succeed.
    pub const fn is_retryable(&self) -> bool {
        match self {
            // A panic can have a passing cause, such as a machine without memory. Its sender limits the retries.
            Self::OutOfTime
            | Self::Encode(EncodeError::Write(_))
            | Self::Unstable
            | Self::MergeIsFull { .. }
            | Self::Panic => true,
            Self::Unreadable(error) | Self::Destination(error) => error.is_retryable(),
            Self::Read(_)
            | Self::ReadOnce(_)
            | Self::Unknown(_)
            | Self::MostlyMalformed { .. }
            | Self::OnlyLongLines
            | Self::OutputOfAnother { .. }
            | Self::TooManyPartitions { .. }
            | Self::Encode(_)
            | Self::Imbalance(_) => false,
        }
    }
}
