//! The writing half of the seam: sinks and staged outputs.

use std::io::Write;

use crate::object::{Counts, ObjectRef};

use super::StorageError;

/// A place that outputs are written to.
///
/// An output is staged first: it has a key and takes bytes, and no reader sees it. Committing makes it visible under
/// its key in one step. An output that is dropped leaves nothing behind. A stream is the exception: it delivers what it
/// is given while the object is still being read, so an object that fails may already have sent events. A retry sends
/// the same events again, with the same ids.
pub trait Sink: Send + Sync {
    /// Stages an output. The key is relative to the sink, with `/` between folders. `source` is the object that the
    /// output is made from; sinks that can record it do. Called once per output, when its first event or row is ready.
    ///
    /// # Errors
    /// The output cannot be staged. The object fails, and nothing of it is committed.
    fn stage(&self, key: &str, source: &ObjectRef) -> Result<Box<dyn Staged>, StorageError>;

    /// Returns the maximum length of an event as a line of JSON, its newline included; `None` if there is no limit.
    /// Larger events go to the quarantine. The limit of a sink never changes.
    fn event_limit(&self) -> Option<usize>;
}

/// An output that no reader sees yet.
///
/// A write fails at once, with an [`std::io::Error`] that wraps a [`StorageError`]. After that, every further write and
/// the commit fail too; the caller drops the output.
pub trait Staged: Write + Send {
    /// Makes the output visible under its key, unless an output already exists there: keys are a pure function of the
    /// source, so the existing output is the same one and stays as it is. Called once, after the whole object was read
    /// and its counts balance. `counts` are those of the whole object, of which this may be one of several outputs.
    ///
    /// # Errors
    /// The output is not visible, or it is not known whether it is. Committing it again from the start is safe.
    fn commit(self: Box<Self>, counts: &Counts) -> Result<Committed, StorageError>;
}

/// The result of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// The output was written; its length in bytes.
    Written(u64),
    /// An output of the same source already existed and was left as it is.
    AlreadyExists {
        /// Whether it has the same bytes. An output of other settings does not.
        identical: bool,
    },
}
