//! The seam to the place that objects are read from.

use crate::object::ObjectRef;
use crate::trigger::ObjectRequest;

/// A place with objects.
pub trait Source: Send + Sync {
    /// Opens an object: exactly the version that was asked for, and the same one to its end.
    ///
    /// # Errors
    /// The object is not there, may not be read, or could not be reached.
    fn open(&self, object: &ObjectRequest) -> Result<Box<dyn Body>, SourceError>;
}

/// An object that is being read.
pub trait Body: Send {
    /// The object as it was found. Its version is what identifies its bytes.
    fn object(&self) -> &ObjectRef;

    /// Its length in bytes, where that is known before it was read.
    fn bytes(&self) -> Option<u64>;

    /// The next bytes; nothing when every byte has come, which is known and not guessed.
    ///
    /// # Errors
    /// The bytes stopped, and could not be had by asking again.
    fn next_chunk(&mut self) -> Result<Option<&[u8]>, SourceError>;
}

/// Why an object could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{bucket}/{}: {text}", key.escape_debug())]
pub struct SourceError {
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// What went wrong.
    pub cause: Cause,
    /// What happened and what to do about it, in words for an operator.
    pub text: String,
}

/// What went wrong on the way to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// There is no such object or version.
    Missing,
    /// It may not be read as things are set up: a permission, a key of KMS, a bucket in another region, an archive.
    Refused,
    /// It was overwritten, and the version asked for cannot be had any more.
    Overwritten,
    /// It could not be reached now: the network, a server's error, throttling, the deadline.
    Unreachable,
}

impl SourceError {
    /// Whether trying the same again can help without anybody changing anything.
    pub const fn is_retryable(&self) -> bool {
        matches!(self.cause, Cause::Unreachable)
    }
}
