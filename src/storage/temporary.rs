//! Temporary files that do not use up the file descriptors of the process.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::{NamedTempFile, TempPath};

/// The maximum number of temporary files of the process that are open between two writes. A file beyond it is opened for each
/// write. An object has up to 400 partitions, and the usual limit of a process is 1,024 descriptors.
const MAX_OPEN: usize = 128;

/// What to do if a temporary file cannot be written.
pub(super) const ADVICE: &str = "cannot write to the directory for temporary files; free disk space, or name a directory that can be written in TMPDIR";

/// The number of temporary files that are open.
static OPEN: AtomicUsize = AtomicUsize::new(0);

/// A temporary file that is written to its end and then read or persisted. It is deleted when it is dropped.
#[derive(Debug)]
pub(super) struct TemporaryFile {
    open: Option<OpenFile>,
    path: TempPath,
}

/// An open file, counted.
#[derive(Debug)]
struct OpenFile(File);

impl OpenFile {
    /// Keeps a file open, if fewer than [`MAX_OPEN`] are.
    fn keep(file: File) -> Option<Self> {
        let counted = OPEN.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |open| {
            (open < MAX_OPEN).then_some(open + 1)
        });
        counted.ok().map(|_| Self(file))
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Ordering::Relaxed);
    }
}

impl TemporaryFile {
    /// Takes over a file that has just been created.
    pub(super) fn new(file: NamedTempFile) -> Self {
        let (file, path) = file.into_parts();
        Self {
            open: OpenFile::keep(file),
            path,
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Closes the file, and returns its path, which deletes the file when it is dropped.
    pub(super) fn into_path(self) -> TempPath {
        self.path
    }

    /// Writes the bytes to the disk.
    pub(super) fn sync_all(&self) -> io::Result<()> {
        match &self.open {
            Some(OpenFile(file)) => file.sync_all(),
            None => File::open(&self.path)?.sync_all(),
        }
    }
}

impl Write for TemporaryFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(OpenFile(file)) = &mut self.open {
            return file.write(bytes);
        }
        let mut file = OpenOptions::new().append(true).open(&self.path)?;
        let written = file.write(bytes)?;
        self.open = OpenFile::keep(file);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_beyond_the_maximum_are_not_kept_open() {
        let mut files: Vec<_> = (0..MAX_OPEN + 10)
            .map(|_| TemporaryFile::new(NamedTempFile::new().unwrap()))
            .collect();
        for part in ["one ", "two"] {
            for file in &mut files {
                file.write_all(part.as_bytes()).unwrap();
            }
            // Other tests may have files open, too.
            assert!(files.iter().filter(|file| file.open.is_some()).count() <= MAX_OPEN);
        }
        for file in files {
            file.sync_all().unwrap();
            assert_eq!(std::fs::read(file.into_path()).unwrap(), b"one two");
        }
    }
}
