//! Staging: outputs of a merge become files of the destination that only a plan can publish.

use std::io::{self, Seek as _, Write};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest as _, Sha256};
use tempfile::SpooledTempFile;

use crate::object::{Counts, ObjectRef, hex};
use crate::storage::{Committed, ErrorKind, Operation, Sink, Staged, StagedName, StorageError, Store};

use super::plan::{File, Place};

/// The maximum number of bytes of an output that is kept in memory. Its name is the hash of its bytes, so it is known only at
/// its end.
const MAX_IN_MEMORY: usize = 256 * 1024;

/// A sink whose committed outputs are staged in a store and listed.
pub(super) struct StagingSink {
    place: Place,
    store: Arc<dyn Store>,
    files: Arc<Mutex<Vec<File>>>,
}

/// An output on its way to the store.
struct StagedOutput {
    place: Place,
    store: Arc<dyn Store>,
    files: Arc<Mutex<Vec<File>>>,
    key: String,
    spool: SpooledTempFile,
    hash: Sha256,
    bytes: u64,
}

impl StagingSink {
    pub(super) fn new(place: Place, store: Arc<dyn Store>) -> Self {
        Self {
            place,
            store,
            files: Arc::default(),
        }
    }

    /// Returns the files that were staged.
    pub(super) fn files(&self) -> Vec<File> {
        std::mem::take(&mut *self.files.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Sink for StagingSink {
    fn stage(&self, key: &str, _source: &ObjectRef) -> Result<Box<dyn Staged>, StorageError> {
        Ok(Box::new(StagedOutput {
            place: self.place,
            store: Arc::clone(&self.store),
            files: Arc::clone(&self.files),
            key: key.to_owned(),
            spool: SpooledTempFile::new(MAX_IN_MEMORY),
            hash: Sha256::new(),
            bytes: 0,
        }))
    }

    fn event_limit(&self) -> Option<usize> {
        None
    }
}

impl StagedOutput {
    fn failed(&self, error: &io::Error) -> StorageError {
        let message = format!("a temporary file cannot be used: {error}; check the space in the temporary directory");
        StorageError::new(Operation::Write, self.key.clone(), ErrorKind::Unavailable, message)
    }
}

impl Write for StagedOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.spool.write(bytes).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            _ => self.failed(&error).into(),
        })?;
        self.hash.update(bytes.get(..written).unwrap_or_default());
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Staged for StagedOutput {
    fn commit(mut self: Box<Self>, _counts: &Counts) -> Result<Committed, StorageError> {
        let rewound = self.spool.rewind();
        rewound.map_err(|error| self.failed(&error))?;
        let staged = StagedName(hex(&self.hash.clone().finalize()));
        let etag = self.store.stage(&staged, &self.key, self.bytes, &mut self.spool)?;
        self.files.lock().unwrap_or_else(PoisonError::into_inner).push(File {
            place: self.place,
            key: std::mem::take(&mut self.key),
            sha256: staged.0,
            etag,
            bytes: self.bytes,
        });
        Ok(Committed::Written(self.bytes))
    }
}
