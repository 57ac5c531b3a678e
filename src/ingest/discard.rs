//! A sink that keeps nothing: for objects that are read before they are added to a merge, or only to be counted.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use crate::object::{Counts, ObjectRef};
use crate::storage::{Committed, Sink, Staged, StorageError};

/// A sink that discards what it is given, and takes note of the keys.
#[derive(Default)]
pub(super) struct Discard {
    event_limit: Option<usize>,
    keys: Mutex<BTreeSet<String>>,
}

impl Discard {
    /// Returns a sink with the limit of another one.
    pub(super) fn like(sink: &dyn Sink) -> Self {
        Self {
            event_limit: sink.event_limit(),
            keys: Mutex::default(),
        }
    }

    /// Takes the keys of what was staged so far.
    pub(super) fn keys(&self) -> BTreeSet<String> {
        std::mem::take(&mut self.keys.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Sink for Discard {
    fn stage(&self, key: &str, _: &ObjectRef) -> Result<Box<dyn Staged>, StorageError> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.insert(key.to_owned());
        Ok(Box::new(Discarded))
    }

    fn event_limit(&self) -> Option<usize> {
        self.event_limit
    }
}

struct Discarded;

impl Write for Discarded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Staged for Discarded {
    fn commit(self: Box<Self>, _: &Counts) -> Result<Committed, StorageError> {
        Ok(Committed::Written(0))
    }
}
