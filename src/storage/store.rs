//! The seam of small files: created once, read, listed, and copied to other names. The log of merged delivery needs it.

use std::fmt;
use std::io::Read;

use crate::object::{Counts, ObjectRef};

use super::{ReadSeek, StorageError};

/// A destination whose files are created, read, listed and copied by name. Names are relative to the destination, with `/`
/// between folders.
///
/// Nothing is ever replaced: whoever creates a file first wins, whatever crashes or is repeated. Methods may block.
pub trait Store: Send + Sync {
    /// Reads a file; `None` if it does not exist.
    ///
    /// # Errors
    /// The file cannot be read.
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StorageError>;

    /// Creates a file with these bytes, unless one exists.
    ///
    /// # Errors
    /// The file was not created, or, if the error is retryable, it is not known whether it was or still will be.
    fn create(&self, name: &str, bytes: &[u8]) -> Result<Creation, StorageError>;

    /// Returns the names of the files directly in a folder, without the folder; none if it does not exist.
    ///
    /// # Errors
    /// The folder cannot be listed.
    fn names(&self, folder: &str) -> Result<Vec<String>, StorageError>;

    /// Lists the files below a folder, which is empty or ends in a slash; none if it does not exist. Hidden files of a directory are
    /// not listed.
    ///
    /// # Errors
    /// The folder cannot be listed.
    fn files(&self, folder: &str) -> Result<Files, StorageError>;

    /// Opens a file at any position; `None` if it does not exist. At most [`OpenFile::END`] bytes are read before the first use.
    ///
    /// # Errors
    /// The file cannot be read.
    fn open(&self, name: &str) -> Result<Option<OpenFile>, StorageError>;

    /// Returns whether anything exists below the destination.
    ///
    /// # Errors
    /// The destination cannot be listed.
    fn is_empty(&self) -> Result<bool, StorageError>;

    /// Stages a file of this many bytes under the SHA-256 of its bytes, unless it exists; returns its etag, or an empty text if
    /// this storage has none. `name` is the name that it will be published under.
    ///
    /// # Errors
    /// The file was not staged.
    fn stage(
        &self,
        staged: &StagedName,
        name: &str,
        bytes: u64,
        content: &mut dyn Read,
    ) -> Result<String, StorageError>;

    /// Publishes a staged file: it becomes visible under its name in one step, unless a file with the same bytes is.
    ///
    /// # Errors
    /// The file was not published, or a different file has its name ([`super::ErrorKind::Occupied`]).
    fn publish(&self, staged: &StagedName, etag: &str, bytes: u64, name: &str) -> Result<Publication, StorageError>;

    /// Removes a staged file that is published, if this storage does not do it by itself. A failure only costs space.
    fn discard(&self, staged: &StagedName);
}

/// Files of a store. A name is relative to the destination. An error is about files that could not be listed.
pub type Files = Box<dyn Iterator<Item = Result<StoredFile, StorageError>> + Send>;

/// A listed file of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// Its name.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// The time of its creation in seconds since 1970, if the listing has it.
    pub created: Option<i64>,
}

/// An open file of a store.
pub struct OpenFile {
    /// Its length.
    pub bytes: u64,
    /// What was recorded with it.
    pub record: Record,
    /// Its bytes.
    pub content: Box<dyn ReadSeek>,
}

/// What a sink recorded with an output, if its storage can.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// The object that it was made from.
    pub source: Option<ObjectRef>,
    /// The counts of that object.
    pub counts: Option<Counts>,
    /// The SHA-256 of the bytes, in hex.
    pub sha256: Option<String>,
}

impl OpenFile {
    /// The number of bytes at the end of a file that opening it may read.
    pub const END: u64 = 64 * 1024;
}

impl fmt::Debug for OpenFile {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.bytes, &self.record).fmt(out)
    }
}

/// The name of a staged file: the SHA-256 of its bytes, in hex.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagedName(pub String);

impl StagedName {
    /// Returns the path of the file below its destination.
    pub fn path(&self) -> String {
        format!("_merge/_staged/{}", self.0)
    }
}

/// The result of creating a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Creation {
    /// It was created.
    Created,
    /// A file with this name exists.
    Exists,
}

/// The result of publishing a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Publication {
    /// It is visible now.
    Published,
    /// It was visible before.
    Exists,
    /// It is neither staged nor visible.
    Missing,
}
