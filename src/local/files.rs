//! Files, folders and stdin as objects.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use md5::{Digest as _, Md5};
use walkdir::WalkDir;

use crate::object::{ObjectRef, hex};

/// A local object that is not read yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalObject {
    /// Its bucket.
    pub bucket: String,
    /// Its key.
    pub key: String,
    /// Where its bytes are.
    pub place: Place,
    /// Its length in bytes; nought for stdin.
    pub bytes: u64,
}

/// Where the bytes of a local object are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a file.
    File(PathBuf),
    /// On the standard input.
    Stdin,
}

/// The bucket of files.
const LOCAL: &str = "local";
/// The most bytes that are read at once.
pub(super) const CHUNK: usize = 128 * 1024;

/// The objects of an input: a file, a folder with everything below it, or `-` for stdin.
///
/// Names that begin with a dot and what lies below one of `except` are passed over. The order is that of the keys.
pub fn walk(input: &Path, except: &[&Path]) -> io::Result<Vec<LocalObject>> {
    if input.as_os_str() == "-" {
        return Ok(vec![LocalObject {
            bucket: LOCAL.into(),
            key: "-".into(),
            place: Place::Stdin,
            bytes: 0,
        }]);
    }
    let except: Vec<PathBuf> = except.iter().filter_map(|path| path.canonicalize().ok()).collect();
    let hidden = |name: &std::ffi::OsStr| name.as_encoded_bytes().first() == Some(&b'.');
    let mut objects = Vec::new();
    let entries = WalkDir::new(input)
        .follow_links(true)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| {
            let excepted =
                entry.file_type().is_dir() && entry.path().canonicalize().is_ok_and(|path| except.contains(&path));
            entry.depth() == 0 || !(hidden(entry.file_name()) || excepted)
        });
    for entry in entries {
        let looped = || io::Error::other("a link leads back to its own folder");
        let entry = entry.map_err(|error| error.into_io_error().unwrap_or_else(looped))?;
        if entry.file_type().is_dir() {
            continue;
        }
        let below = entry
            .path()
            .strip_prefix(input)
            .ok()
            .filter(|below| !below.as_os_str().is_empty());
        let key = below.map_or_else(|| PathBuf::from(entry.file_name()), Path::to_path_buf);
        objects.push(LocalObject {
            bucket: LOCAL.into(),
            key: key_text(&key),
            place: Place::File(entry.path().to_path_buf()),
            bytes: entry.metadata().map_or(0, |metadata| metadata.len()),
        });
    }
    Ok(objects)
}

/// A path as a key: `/` between folders. A name that is not Unicode is written with escapes, never cut.
fn key_text(path: &Path) -> String {
    let names: Vec<String> = path
        .components()
        .map(|part| {
            let mut text = Vec::new();
            crate::parse::line::text::append(part.as_os_str().as_encoded_bytes(), None, &mut text);
            String::from_utf8(text).unwrap_or_default()
        })
        .collect();
    names.join("/")
}

impl LocalObject {
    /// The object as it is named. Its version is the MD5 of its bytes, as an S3 etag is; stdin has none.
    pub fn identify(&self) -> io::Result<ObjectRef> {
        let version = match &self.place {
            Place::File(path) => md5_of(File::open(path)?, self.chunk())?,
            Place::Stdin => String::new(),
        };
        Ok(ObjectRef {
            bucket: self.bucket.clone(),
            key: self.key.clone(),
            version,
        })
    }

    /// Hands the object's bytes on, chunk by chunk.
    pub fn read<E: From<io::Error>>(&self, push: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        match &self.place {
            Place::File(path) => copy_chunks(File::open(path)?, self.chunk(), push),
            Place::Stdin => copy_chunks(io::stdin().lock(), CHUNK, push),
        }
    }

    /// Bytes that are read at once: a small file needs no large buffer, and one byte of room shows its end.
    fn chunk(&self) -> usize {
        usize::try_from(self.bytes.saturating_add(1)).map_or(CHUNK, |bytes| bytes.min(CHUNK))
    }
}

/// The MD5 of everything that can be read, `chunk` bytes at once, as hex digits.
pub(super) fn md5_of(source: impl Read, chunk: usize) -> io::Result<String> {
    let mut hash = Md5::new();
    copy_chunks(source, chunk, |chunk| {
        hash.update(chunk);
        Ok::<(), io::Error>(())
    })?;
    Ok(hex(&hash.finalize()))
}

fn copy_chunks<E: From<io::Error>>(
    mut source: impl Read,
    chunk: usize,
    mut push: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut buffer = vec![0; chunk];
    loop {
        match source.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(len) => push(buffer.get(..len).unwrap_or_default())?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
}
