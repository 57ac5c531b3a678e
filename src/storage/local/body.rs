//! A file or stdin that is being read.

use std::fs::File;
use std::io::{self, Read, Stdin};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use md5::{Digest as _, Md5};

use crate::object::{ObjectRef, ObjectRequest, hex};
use crate::storage::{Body, Operation, StorageError};

/// The maximum number of bytes read at once.
const CHUNK: usize = 128 * 1024;

/// An open file or stdin.
#[derive(Debug)]
pub(super) struct ReadBody<R> {
    reader: R,
    object: ObjectRef,
    /// The name in errors.
    path: PathBuf,
    /// The length of a file when it was opened.
    bytes: Option<u64>,
    /// The bytes of it that were not read yet.
    left: u64,
    buffer: Vec<u8>,
}

impl ReadBody<File> {
    /// Opens a file. Its version is the MD5 of its bytes, as an S3 etag is, so it does not depend on where the file is.
    pub(super) fn open(request: &ObjectRequest, key: &str, path: &Path) -> Result<Self, StorageError> {
        let opened = File::open(path).and_then(|mut file| {
            let bytes = file.metadata()?.len();
            let mut buffer = vec![0; chunk_of(bytes)];
            let etag = md5_of(&mut file, &mut buffer)?;
            // A second handle instead of a seek: some special files start over only when they are opened again.
            Ok((File::open(path)?, bytes, buffer, etag))
        });
        let (reader, bytes, buffer, etag) =
            opened.map_err(|error| StorageError::local(Operation::Read, path, error))?;
        Ok(Self {
            reader,
            object: request.identity(key, &etag),
            path: path.to_path_buf(),
            bytes: Some(bytes),
            left: bytes,
            buffer,
        })
    }
}

impl ReadBody<io::Take<Stdin>> {
    /// Opens stdin, which has no version. Its bytes come once: a second body is empty.
    pub(super) fn stdin(request: &ObjectRequest) -> Self {
        static TAKEN: AtomicBool = AtomicBool::new(false);
        let limit = if TAKEN.swap(true, Ordering::Relaxed) {
            0
        } else {
            u64::MAX
        };
        Self {
            reader: io::stdin().take(limit),
            object: request.unidentified(),
            path: "stdin".into(),
            bytes: None,
            left: 0,
            buffer: vec![0; CHUNK],
        }
    }
}

impl<R: Read + Send> Body for ReadBody<R> {
    fn object(&self) -> &ObjectRef {
        &self.object
    }

    fn bytes(&self) -> Option<u64> {
        self.bytes
    }

    fn next_chunk(&mut self) -> Result<Option<&[u8]>, StorageError> {
        let read = match read_some(&mut self.reader, &mut self.buffer) {
            // The file has become shorter since it was opened.
            Ok(0) if self.left > 0 => Err(io::ErrorKind::UnexpectedEof.into()),
            read => read,
        };
        match read {
            Ok(0) => Ok(None),
            Ok(len) => {
                self.left = self.left.saturating_sub(len as u64);
                Ok(self.buffer.get(..len))
            }
            Err(error) => Err(StorageError::local(Operation::Read, &self.path, error)),
        }
    }
}

/// Returns the number of bytes to read at once: a small file needs no large buffer, and one byte more shows its end.
fn chunk_of(bytes: u64) -> usize {
    usize::try_from(bytes.saturating_add(1)).map_or(CHUNK, |bytes| bytes.min(CHUNK))
}

/// Returns the MD5 of everything that can be read, as hex digits.
fn md5_of(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<String> {
    let mut hash = Md5::new();
    loop {
        match read_some(reader, buffer)? {
            0 => return Ok(hex(&hash.finalize())),
            len => hash.update(buffer.get(..len).unwrap_or_default()),
        }
    }
}

fn read_some(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}
