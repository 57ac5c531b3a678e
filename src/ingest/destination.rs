//! The seam to the place that outputs go to.

use std::io::Write;

use crate::object::ObjectRef;

use super::Ledger;

/// A place for outputs.
///
/// An output is staged first: it gets a key, takes bytes, and is seen by nobody. Committing makes it visible under its
/// key in one step. An output that is dropped leaves nothing behind. A stream is the exception: it shows what it is given
/// while the object is read, so that an object which fails may have sent events, and sends the same ones again.
pub trait Destination: Send + Sync {
    /// Stages an output under a key below the destination, with `/` between folders. The source is the object that the
    /// output is made from, for destinations that can say so beside the bytes.
    fn stage(&self, key: &str, source: &ObjectRef) -> Result<Box<dyn Staged>, DestinationError>;

    /// The most bytes that an event may have as a line of JSON, its newline included. Larger ones go to the quarantine.
    fn event_limit(&self) -> Option<usize> {
        None
    }
}

/// An output that nobody sees yet.
///
/// A write that fails for a reason that trying again does not mend says so with a [`DestinationError`] inside of its
/// [`std::io::Error`].
pub trait Staged: Write + Send {
    /// Makes the output visible under its key, unless there is one already: keys are a pure function of the source, so
    /// that what is there is the same output, and stays as it is.
    fn commit(self: Box<Self>, ledger: &Ledger) -> Result<Committed, DestinationError>;
}

/// What a commit did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// The output is there now; its length in bytes.
    Written(u64),
    /// An output of the same source was there before, and was left as it is.
    AlreadyThere {
        /// Whether it has the same bytes. It has not where it was made with other settings.
        same: bool,
    },
}

/// Why a destination failed.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {source}")]
pub struct DestinationError {
    /// What was done, and where.
    pub what: String,
    /// Why it failed.
    pub source: Box<dyn std::error::Error + Send + Sync>,
    /// Whether trying the same again can help without anybody changing anything.
    pub retryable: bool,
}
