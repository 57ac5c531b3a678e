//! The reading half of the seam: sources, bodies and listings.

use std::fmt;
use std::sync::Arc;

use crate::object::{ObjectRef, ObjectRequest};

use super::StorageError;

/// A source of objects.
pub trait Source: Send + Sync {
    /// Opens an object: exactly the requested version, and the same version to its end. If the object does not exist,
    /// the request's alternative key is tried once. Called at most once per object, from any thread.
    ///
    /// # Errors
    /// The object does not exist ([`super::ErrorKind::NotFound`]), must not be read, or is not reachable now. If
    /// neither key exists, the error is about the first.
    fn open(&self, object: &ObjectRequest) -> Result<Box<dyn Body>, StorageError>;
}

/// An open object.
pub trait Body: Send {
    /// Returns the identity of the object that was found. Its version identifies the bytes that follow, and does not
    /// change while they are read.
    fn object(&self) -> &ObjectRef;

    /// Returns the length of the object in bytes, if it is known before the object has been read.
    fn bytes(&self) -> Option<u64>;

    /// Returns the next bytes, or `None` once every byte has been returned: the end is known and never guessed. The
    /// lengths of the chunks carry no meaning. Not called again after `None` or an error.
    ///
    /// # Errors
    /// The bytes stopped early and could not be resumed, or the object changed. What was returned so far must not be
    /// used.
    fn next_chunk(&mut self) -> Result<Option<&[u8]>, StorageError>;

    /// Returns whether the bytes returned so far are known to be those at rest. They are not if the transfer was resumed or
    /// has no checksum. A fault in bytes that are not verified is first read again from the beginning.
    fn is_verified(&self) -> bool;
}

/// A listed object and the source that opens it.
#[derive(Clone)]
pub struct Entry {
    /// The object as it was listed.
    pub object: ObjectRequest,
    /// The place of its bytes: two entries of one place are one object that was listed twice. Empty if it has none.
    pub place: Vec<u8>,
    /// The source that opens it.
    pub source: Arc<dyn Source>,
}

impl Entry {
    /// Returns the etag of the object. A local file has one only after it was read, so this reads it.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn etag(&self) -> Result<String, StorageError> {
        match &self.object.etag {
            Some(etag) => Ok(etag.clone()),
            None => Ok(self.source.open(&self.object)?.object().version.clone()),
        }
    }
}

/// A listing: objects in the order of their keys. An error is about the objects that could not be listed; those after it
/// still follow if they can be.
pub type Listing = Box<dyn Iterator<Item = Result<Entry, StorageError>> + Send>;

impl fmt::Debug for Entry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.object.fmt(out)
    }
}
