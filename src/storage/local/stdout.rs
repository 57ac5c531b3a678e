//! The standard output as a sink.

use std::io::{self, Seek as _, SeekFrom, Write};
use std::path::Path;

use tempfile::SpooledTempFile;

use crate::object::{Counts, ObjectRef};
use crate::storage::{Committed, Operation, Sink, Staged, StorageError};

/// The name in errors.
const NAME: &str = "stdout";
/// The bytes of an output that are held in memory; the rest goes to a temporary file.
const MAX_MEMORY: usize = 1024 * 1024;

/// The standard output as a sink. The events of an object are spooled and copied to stdout at the commit: an object
/// that fails writes nothing.
#[derive(Debug, Default)]
pub struct Stdout;

impl Sink for Stdout {
    fn stage(&self, _key: &str, _source: &ObjectRef) -> Result<Box<dyn Staged>, StorageError> {
        Ok(Box::new(Spool {
            spool: SpooledTempFile::new(MAX_MEMORY),
            bytes: 0,
        }))
    }

    fn event_limit(&self) -> Option<usize> {
        None
    }
}

struct Spool {
    spool: SpooledTempFile,
    bytes: u64,
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.spool.write(bytes);
        let written = written.map_err(|error| StorageError::local_write(Path::new(NAME), error))?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.spool.flush()
    }
}

impl Staged for Spool {
    fn commit(mut self: Box<Self>, _counts: &Counts) -> Result<Committed, StorageError> {
        let copied = self.spool.seek(SeekFrom::Start(0)).and_then(|_| {
            let mut stdout = io::stdout().lock();
            io::copy(&mut self.spool, &mut stdout)?;
            stdout.flush()
        });
        copied.map_err(|error| StorageError::local(Operation::Write, Path::new(NAME), error))?;
        Ok(Committed::Written(self.bytes))
    }
}
