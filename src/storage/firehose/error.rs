//! Why records were not sent.

use crate::storage::aws::error::{Context, Failure, Resource};
use crate::storage::{ErrorKind, Operation, StorageError};

use super::pack::TooLarge;

/// Why sending was given up.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendError {
    /// Firehose rejected the call, and will reject it again.
    #[error("{0}")]
    Rejected(Failure),
    /// The deadline came first.
    #[error(
        "out of time after {attempts} attempts ({last}); events already sent will be sent again with the same event_id: give the function more time, or the stream a higher quota"
    )]
    OutOfTime {
        /// Attempts without a confirmed record.
        attempts: u32,
        /// The outcome of the last one.
        last: String,
    },
    /// Attempt after attempt confirmed no record.
    #[error(
        "gave up after {attempts} attempts ({last}); events already sent will be sent again with the same event_id: check the stream's throttling and quota"
    )]
    GaveUp {
        /// Attempts without a confirmed record.
        attempts: u32,
        /// The outcome of the last one.
        last: String,
    },
    /// A line is too long for a record: a defect of this program.
    #[error("{0}")]
    TooLarge(#[from] TooLarge),
    /// The task that sends records has ended.
    #[error("the task that sends records has ended; please report this")]
    TaskEnded,
    /// A call failed before, and its error was returned then.
    #[error("an earlier call to the stream failed")]
    AlreadyFailed,
}

impl SendError {
    /// Returns the error of an output to a stream.
    pub(super) fn of_stream(self, stream: &str, region: &str) -> StorageError {
        let resource = Resource::Stream(stream);
        let kind = match self {
            Self::Rejected(failure) => {
                return failure.to_error(&Context {
                    operation: Operation::Write,
                    resource,
                    region,
                });
            }
            Self::OutOfTime { .. } | Self::GaveUp { .. } | Self::TaskEnded | Self::AlreadyFailed => {
                ErrorKind::Unavailable
            }
            Self::TooLarge(_) => ErrorKind::TooLarge,
        };
        StorageError::new(Operation::Write, resource.to_string(), kind, self.to_string())
    }
}
