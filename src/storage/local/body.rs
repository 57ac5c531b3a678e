//! A file or stream that is being read.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use flate2::Crc;
use md5::{Digest as _, Md5};

use crate::object::{ObjectRef, ObjectRequest, hex};
use crate::storage::{Body, ErrorKind, Operation, StorageError};

/// The maximum number of bytes read at once.
const CHUNK: usize = 128 * 1024;

/// An open file. It is read twice: once to identify it, and once for its lines.
#[derive(Debug)]
pub(super) struct FileBody {
    file: File,
    object: ObjectRef,
    path: PathBuf,
    /// The content that was identified.
    identified: Content,
    /// The content that was read so far.
    read: Sum,
    buffer: Vec<u8>,
}

/// An open stream, which can be read once and has no identity.
#[derive(Debug)]
pub(super) struct StreamBody<R> {
    stream: R,
    object: ObjectRef,
    /// The name in errors.
    path: PathBuf,
    buffer: Vec<u8>,
}

/// What must be the same for the bytes that are identified and those that are read.
#[derive(Debug, PartialEq, Eq)]
struct Content {
    bytes: u64,
    /// The CRC-32 of the bytes: a second MD5 would cost more, and no attacker is assumed.
    checksum: u32,
    modified: Option<SystemTime>,
}

impl FileBody {
    /// Opens a file. Its etag is the MD5 of its bytes, as in S3, so it does not depend on where the file is.
    pub(super) fn open(request: &ObjectRequest, key: &str, path: &Path) -> Result<Self, StorageError> {
        let opened = File::open(path).and_then(|mut file| {
            let metadata = file.metadata()?;
            let mut buffer = vec![0; chunk_of(metadata.len())];
            let (etag, read) = digests_of(&mut file, &mut buffer)?;
            // A second handle instead of a seek: some special files start over only when they are opened again.
            Ok((File::open(path)?, Content::new(&read, &metadata), buffer, etag))
        });
        let (file, identified, buffer, etag) =
            opened.map_err(|error| StorageError::local(Operation::Read, path, error))?;
        Ok(Self {
            file,
            object: request.identity(key, &etag),
            path: path.to_path_buf(),
            identified,
            read: Sum::default(),
            buffer,
        })
    }

    /// Returns the number of bytes read next, or an error if they are not those that were identified.
    fn step(&mut self) -> io::Result<Option<usize>> {
        let len = read_some(&mut self.file, &mut self.buffer)?;
        self.read.update(self.buffer.get(..len).unwrap_or_default());
        let is_longer = self.read.bytes > self.identified.bytes;
        if is_longer || len == 0 && Content::new(&self.read, &self.file.metadata()?) != self.identified {
            return Ok(None);
        }
        Ok(Some(len))
    }
}

impl Content {
    fn new(read: &Sum, metadata: &Metadata) -> Self {
        Self {
            bytes: read.bytes,
            checksum: read.checksum.sum(),
            modified: metadata.modified().ok(),
        }
    }
}

/// The length and the checksum of what was read.
#[derive(Debug, Default)]
struct Sum {
    bytes: u64,
    checksum: Crc,
}

impl Sum {
    fn update(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.checksum.update(bytes);
    }
}

impl<R: Read> StreamBody<R> {
    /// Wraps a stream.
    pub(super) fn new(request: &ObjectRequest, path: &Path, stream: R) -> Self {
        Self {
            stream,
            object: request.unidentified(),
            path: path.to_path_buf(),
            buffer: vec![0; CHUNK],
        }
    }
}

impl Body for FileBody {
    fn object(&self) -> &ObjectRef {
        &self.object
    }

    fn bytes(&self) -> Option<u64> {
        Some(self.identified.bytes)
    }

    fn next_chunk(&mut self) -> Result<Option<&[u8]>, StorageError> {
        match self.step() {
            Ok(Some(0)) => Ok(None),
            Ok(Some(len)) => Ok(self.buffer.get(..len)),
            Ok(None) => Err(StorageError::at_path(
                Operation::Read,
                &self.path,
                ErrorKind::Unavailable,
                "the file changed while it was read; run again once no program writes to it",
            )),
            Err(error) => Err(StorageError::local(Operation::Read, &self.path, error)),
        }
    }
}

impl<R: Read + Send> Body for StreamBody<R> {
    fn object(&self) -> &ObjectRef {
        &self.object
    }

    fn bytes(&self) -> Option<u64> {
        None
    }

    fn next_chunk(&mut self) -> Result<Option<&[u8]>, StorageError> {
        match read_some(&mut self.stream, &mut self.buffer) {
            Ok(0) => Ok(None),
            Ok(len) => Ok(self.buffer.get(..len)),
            Err(error) => Err(StorageError::local(Operation::Read, &self.path, error)),
        }
    }
}

/// Returns the number of bytes to read at once: a small file needs no large buffer, and one byte more shows its end.
fn chunk_of(bytes: u64) -> usize {
    usize::try_from(bytes.saturating_add(1)).map_or(CHUNK, |bytes| bytes.min(CHUNK))
}

/// Returns the MD5 of everything that can be read, as hex digits, with its length and checksum.
fn digests_of(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<(String, Sum)> {
    let (mut md5, mut sum) = (Md5::new(), Sum::default());
    loop {
        match read_some(reader, buffer)? {
            0 => return Ok((hex(&md5.finalize()), sum)),
            len => {
                let bytes = buffer.get(..len).unwrap_or_default();
                md5.update(bytes);
                sum.update(bytes);
            }
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;

    use super::*;

    /// Opens a file of 300,000 bytes, reads its first chunk, changes it, and reads on; returns the error.
    fn changed(change: impl Fn(&Path)) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.log");
        fs::write(&path, vec![b'a'; 300_000]).unwrap();
        let mut body = FileBody::open(&ObjectRequest::default(), "x.log", &path).unwrap();
        body.next_chunk().unwrap().unwrap();
        change(&path);
        loop {
            match body.next_chunk() {
                Ok(Some(_)) => {}
                Ok(None) => return None,
                Err(error) => return Some(error.message),
            }
        }
    }

    #[test]
    fn a_file_that_changes_after_it_was_identified_is_an_error() {
        let open = |path: &Path| fs::OpenOptions::new().write(true).open(path).unwrap();
        assert_eq!(changed(|_| ()), None);
        let shrunk = changed(|path| open(path).set_len(200_000).unwrap());
        let grown = changed(|path| {
            let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
            file.write_all(b"b").unwrap();
        });
        let touched = changed(|path| open(path).set_modified(SystemTime::UNIX_EPOCH).unwrap());
        let rewritten = changed(|path| {
            let before = fs::metadata(path).unwrap().modified().unwrap();
            let mut text = vec![b'a'; 300_000];
            text[299_999] = b'b';
            let mut file = open(path);
            file.write_all(&text).unwrap();
            file.set_modified(before).unwrap();
        });
        for error in [shrunk, grown, touched, rewritten] {
            assert!(
                error.as_deref().is_some_and(|error| error.contains("changed")),
                "{error:?}"
            );
        }
    }
}
