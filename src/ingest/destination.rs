//! The seam to the place that outputs go to.

use std::io::Write;

use crate::object::ObjectRef;

use super::Ledger;

/// A place for outputs.
///
/// An output is staged first: it gets a key, takes bytes, and is seen by nobody. Committing makes it visible under its
/// key in one step. An output that is dropped leaves nothing behind.
pub trait Destination: Send + Sync {
    /// Stages an output under a key below the destination, with `/` between folders. The source is the object that the
    /// output is made from, for destinations that can say so beside the bytes.
    fn stage(&self, key: &str, source: &ObjectRef) -> Result<Box<dyn Staged>, DestinationError>;
}

/// An output that nobody sees yet.
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
