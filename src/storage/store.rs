//! The seam of small files: created once, read, listed, and copied to other names. The log of merged delivery needs it.

use std::io::Read;

use super::StorageError;

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
