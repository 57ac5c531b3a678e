//! The standard output as a sink.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tempfile::SpooledTempFile;

use crate::object::{Counts, ObjectRef};
use crate::storage::temporary::ADVICE;
use crate::storage::{Committed, ErrorKind, Operation, Sink, Staged, StorageError};

/// The name in errors.
const NAME: &str = "stdout";
/// The bytes of an output that are held in memory; the rest goes to a temporary file.
const MAX_MEMORY: usize = 1024 * 1024;

/// The standard output as a sink. The events of an object are spooled and copied to stdout at the commit: an object
/// that fails writes nothing. After a write that failed, nothing more is written, so only the last line can be cut.
#[derive(Debug)]
pub struct Stdout {
    out: Output,
}

/// Where the bytes go, without a buffer in between. `None` after a write has failed.
type Output = Arc<Mutex<Option<File>>>;

impl Stdout {
    /// Opens the standard output.
    ///
    /// # Errors
    /// It is closed.
    pub fn open() -> Result<Self, StorageError> {
        if is_closed() {
            let message = "it is closed, or /dev/null opened for reading and writing; redirect it to a file or a pipe";
            return Err(StorageError::new(
                Operation::Write,
                NAME,
                ErrorKind::Unsupported,
                message,
            ));
        }
        let file = handle().map_err(failed)?;
        Ok(Self::to(file))
    }

    fn to(file: File) -> Self {
        Self {
            out: Arc::new(Mutex::new(Some(file))),
        }
    }
}

/// Returns a handle of its own to the standard output: the one of the standard library buffers lines, writes them again
/// after a failure, and takes an output that cannot be written for a success.
fn handle() -> io::Result<File> {
    #[cfg(unix)]
    let handle = std::os::fd::AsFd::as_fd(&io::stdout()).try_clone_to_owned()?;
    #[cfg(windows)]
    let handle = std::os::windows::io::AsHandle::as_handle(&io::stdout()).try_clone_to_owned()?;
    Ok(handle.into())
}

/// Returns whether the process was started with a closed standard output. The standard library opens `/dev/null` for
/// reading and writing in its place before `main`, which would discard the events; a redirection opens it for writing
/// only.
fn is_closed() -> bool {
    const ACCESS_MODE: u32 = 0o3;
    const READ_WRITE: u32 = 0o2;
    let opened = std::fs::read_to_string("/proc/self/fdinfo/1").unwrap_or_default();
    let flags = opened.lines().find_map(|line| line.strip_prefix("flags:"));
    let flags = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok());
    flags.is_some_and(|flags| flags & ACCESS_MODE == READ_WRITE)
        && std::fs::read_link("/proc/self/fd/1").is_ok_and(|path| path == Path::new("/dev/null"))
}

impl Sink for Stdout {
    fn stage(&self, _key: &str, _source: &ObjectRef) -> Result<Box<dyn Staged>, StorageError> {
        Ok(Box::new(Spool {
            held: SpooledTempFile::new(MAX_MEMORY),
            bytes: 0,
            out: Arc::clone(&self.out),
        }))
    }

    fn event_limit(&self) -> Option<usize> {
        None
    }
}

struct Spool {
    held: SpooledTempFile,
    bytes: u64,
    out: Output,
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.held.write(bytes).map_err(spooling)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.held.flush()
    }
}

impl Staged for Spool {
    fn commit(mut self: Box<Self>, _counts: &Counts) -> Result<Committed, StorageError> {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        // Taken until everything is written.
        let Some(mut stdout) = out.take() else {
            return Err(StorageError::already_failed(NAME.to_owned(), ErrorKind::Unavailable));
        };
        let copied = self.held.seek(SeekFrom::Start(0));
        copied
            .and_then(|_| io::copy(&mut self.held, &mut stdout))
            .map_err(failed)?;
        *out = Some(stdout);
        Ok(Committed::Written(self.bytes))
    }
}

/// Returns the error of a write to the spool. The standard output has not been written to yet.
fn spooling(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::Interrupted {
        return error;
    }
    let message = format!("{ADVICE}: {error}");
    let failed = StorageError::new(Operation::Write, NAME, ErrorKind::Unavailable, message);
    failed.caused_by(error).into()
}

fn failed(error: io::Error) -> StorageError {
    StorageError::local(Operation::Write, Path::new(NAME), error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_written_after_a_write_that_failed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        std::fs::write(&path, b"").unwrap();
        let source = ObjectRef {
            bucket: String::new(),
            key: String::new(),
            version: String::new(),
        };
        let commit = |sink: &Stdout| {
            let mut staged = sink.stage("x", &source).unwrap();
            staged.write_all(b"line\n").unwrap();
            staged.commit(&Counts::default())
        };
        let sink = Stdout::to(File::create(&path).unwrap());
        assert_eq!(commit(&sink).unwrap(), Committed::Written(5));
        // A handle that can only read refuses the bytes.
        *sink.out.lock().unwrap() = Some(File::open(&path).unwrap());
        commit(&sink).unwrap_err();
        let later = commit(&sink).unwrap_err();
        assert!(later.message.contains("earlier write"), "{later}");
        assert_eq!(std::fs::read(&path).unwrap(), b"line\n");
    }
}
