//! A directory in place of a queue.

use std::path::PathBuf;

use sha2::{Digest as _, Sha256};

use crate::object::hex;
use crate::storage::{Queue, StorageError, Store as _};

use super::directory::Directory;
use super::store::DirectoryStore;

/// A directory that gets a file for each message, named by the hash of its text: equal messages are one file.
pub(super) struct DirectoryQueue {
    store: DirectoryStore,
}

impl DirectoryQueue {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            store: DirectoryStore::new(path.clone(), Directory::new(path)),
        }
    }
}

impl Queue for DirectoryQueue {
    fn send(&self, messages: &[String]) -> Result<(), StorageError> {
        for message in messages {
            let name = format!("{}.json", hex(&Sha256::digest(message)));
            self.store.create(&name, message.as_bytes())?;
        }
        Ok(())
    }
}
