//! Why an object fails.

use crate::encode::EncodeError;
use crate::object::ObjectRef;
use crate::object::Unknown;
use crate::parse::input::ReadError;
use crate::storage::StorageError;

/// An object that failed: nothing of it was committed. Where its destination is a stream, events may have been sent.
#[derive(Debug, thiserror::Error)]
#[error("{object}: {problem}")]
pub struct IngestError {
    /// The object.
    pub object: ObjectRef,
    /// What is wrong.
    #[source]
    pub problem: Box<Problem>,
}

/// What is wrong with an object, or on the way of its events.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The bytes cannot be read to their end.
    #[error("{0}")]
    Read(#[from] ReadError),
    /// No table fits the lines.
    #[error("{0}; name the table with --table if it is a load balancer log")]
    Unknown(Unknown),
    /// Most of the first lines are malformed.
    #[error(
        "{malformed} of the first {lines} lines are malformed as {table} ({reasons}): this is another log, or a new form of it; look at a line with 'alb-ingest explain', or name the table with --table"
    )]
    MostlyMalformed {
        /// Malformed lines.
        malformed: u64,
        /// Lines that were looked at.
        lines: u64,
        /// The table that was tried.
        table: &'static str,
        /// The most frequent reasons.
        reasons: String,
    },
    /// The object has lines longer than the limit and no others, and its key does not tell what it is.
    #[error(
        "every line is longer than 1 MiB, and the key does not tell a load balancer log; name the table with --table if it is one"
    )]
    OnlyLongLines,
    /// The events lie on more days (or hours) than an object's outputs may.
    #[error(
        "its events lie on more than {limit} days or hours; split the file, or set PARTITION_BY none (--partition-by none)"
    )]
    TooManyPartitions {
        /// The most partitions of an object.
        limit: usize,
    },
    /// The object has no version, and another one's output is in its place.
    #[error(
        "{key} is there from other bytes; stdin has no identity of its own: name another destination, or ingest a file"
    )]
    OutputOfAnother {
        /// The key of the output.
        key: String,
    },
    /// The object could not be opened or read.
    #[error("cannot read: {}", .0.message)]
    Unreadable(StorageError),
    /// The events could not be encoded or written.
    #[error("{0}")]
    Encode(EncodeError),
    /// An output could not be staged, written or committed.
    #[error("{0}")]
    Destination(#[from] StorageError),
    /// The counts do not balance: a defect of this program.
    #[error(
        "the ledger does not balance: {lines} lines, but {events} events + {quarantined} quarantined + {skipped} skipped; nothing was committed, please report this"
    )]
    Imbalance {
        /// Lines of the object.
        lines: u64,
        /// Events.
        events: u64,
        /// Malformed lines in the quarantine.
        quarantined: u64,
        /// Blank lines.
        skipped: u64,
    },
    /// The program panicked on the object: a defect of this program.
    #[error("the program failed on this object; nothing was committed, please report this")]
    Panic,
}

impl From<EncodeError> for Problem {
    /// Recovers the error of a sink that failed within a write.
    fn from(error: EncodeError) -> Self {
        match error {
            EncodeError::Write(error) => match error.downcast::<StorageError>() {
                Ok(error) => Self::Destination(error),
                Err(error) => Self::Encode(EncodeError::Write(error)),
            },
            error @ EncodeError::Parquet(_) => Self::Encode(error),
        }
    }
}

impl Problem {
    /// The error of an object.
    pub fn of(self, object: &ObjectRef) -> IngestError {
        IngestError {
            object: object.clone(),
            problem: Box::new(self),
        }
    }

    /// Whether the object is no log of a load balancer at all, as far as can be seen.
    pub const fn is_no_log(&self) -> bool {
        matches!(self, Self::Unknown(_) | Self::Read(ReadError::Foreign { .. }))
    }

    /// Whether trying the same object again can help.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Encode(EncodeError::Write(_)) => true,
            Self::Unreadable(error) | Self::Destination(error) => error.is_retryable(),
            Self::Read(_)
            | Self::Unknown(_)
            | Self::MostlyMalformed { .. }
            | Self::OnlyLongLines
            | Self::OutputOfAnother { .. }
            | Self::TooManyPartitions { .. }
            | Self::Encode(_)
            | Self::Imbalance { .. }
            | Self::Panic => false,
        }
    }
}
