//! Files, directories and stdin as listings of objects.

use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use walkdir::WalkDir;

use crate::object::ObjectRequest;
use crate::storage::{Body, Entry, ErrorKind, Listing, Operation, Source, StorageError};

use super::body::{FileBody, StreamBody};

/// The bucket of files and of stdin.
const BUCKET: &str = "local";

/// A listed file.
struct FileSource {
    path: PathBuf,
}

/// A stream that can be read once: the standard input, or a pipe or device with a name.
struct StreamSource {
    path: Option<PathBuf>,
}

/// Returns whether a path names something that can be read once only: a named pipe, a process substitution, a device.
pub fn is_stream(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}

/// Lists a file, or a directory with everything below it, in the order of the keys. The key of an object is its path
/// below the directory; that of a file named directly is its name. What can be read only once is listed like stdin.
///
/// Hidden files and directories (names that begin with a dot) are skipped. A link to nothing is listed, and fails when it is
/// opened. What cannot be listed is an error; the listing continues after it.
pub(super) fn list(root: &Path) -> Result<Listing, StorageError> {
    root.metadata()
        .map_err(|error| StorageError::local(Operation::List, root, error))?;
    if is_stream(root) {
        return Ok(one_stream(Some(root.to_path_buf())));
    }
    let entries = WalkDir::new(root)
        .follow_links(true)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| entry.depth() == 0 || !is_hidden(entry.path()));
    let root = root.to_path_buf();
    Ok(Box::new(entries.filter_map(move |entry| match entry {
        Ok(entry) if entry.file_type().is_dir() => None,
        Ok(entry) => Some(Ok(file(&root, entry.path(), entry.metadata().ok()))),
        Err(error) => unlisted(&root, error),
    })))
}

fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().map_or(&[][..], std::ffi::OsStr::as_encoded_bytes);
    name.first() == Some(&b'.')
}

/// Returns what is listed in place of a path that cannot be walked.
fn unlisted(root: &Path, error: walkdir::Error) -> Option<Result<Entry, StorageError>> {
    let path = error.path().unwrap_or(root).to_path_buf();
    if error.depth() > 0 && is_hidden(&path) {
        return None;
    }
    if error.loop_ancestor().is_none() && path.is_symlink() && !path.exists() {
        return Some(Ok(file(root, &path, None)));
    }
    let link_loop = || io::Error::other("a symbolic link points to a directory that contains it");
    let error = error.into_io_error().unwrap_or_else(link_loop);
    Some(Err(StorageError::local(Operation::List, &path, error)))
}

/// Lists stdin: one object.
pub(super) fn stdin() -> Listing {
    one_stream(None)
}

fn one_stream(path: Option<PathBuf>) -> Listing {
    let entry = Entry {
        object: ObjectRequest {
            bucket: BUCKET.to_owned(),
            key: "-".to_owned(),
            ..ObjectRequest::default()
        },
        place: Vec::new(),
        source: Arc::new(StreamSource { path }),
    };
    Box::new(std::iter::once(Ok(entry)))
}

fn file(root: &Path, path: &Path, metadata: Option<Metadata>) -> Entry {
    let below = path.strip_prefix(root).ok();
    let below = below.filter(|below| !below.as_os_str().is_empty());
    let key = below.unwrap_or_else(|| path.file_name().map_or(path, Path::new));
    let canonical = path.canonicalize();
    Entry {
        object: ObjectRequest {
            bucket: BUCKET.to_owned(),
            key: key_of(key),
            // Other kinds of files have no length before they are read.
            size: metadata.filter(Metadata::is_file).map(|metadata| metadata.len()),
            ..ObjectRequest::default()
        },
        place: canonical
            .as_deref()
            .unwrap_or(path)
            .as_os_str()
            .as_encoded_bytes()
            .to_vec(),
        source: Arc::new(FileSource {
            path: path.to_path_buf(),
        }),
    }
}

/// Returns a path as a key, with `/` between folders. A name that is not Unicode is escaped, never cut.
fn key_of(path: &Path) -> String {
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

impl Source for FileSource {
    fn open(&self, object: &ObjectRequest) -> Result<Box<dyn Body>, StorageError> {
        if is_stream(&self.path) {
            // Opening a pipe could wait forever.
            let message = "it is a pipe, a socket or a device; name it as an input of its own to read it";
            let kind = ErrorKind::Unsupported;
            return Err(StorageError::at_path(Operation::Read, &self.path, kind, message));
        }
        Ok(Box::new(FileBody::open(object, &object.key, &self.path)?))
    }
}

impl Source for StreamSource {
    fn open(&self, object: &ObjectRequest) -> Result<Box<dyn Body>, StorageError> {
        let Some(path) = &self.path else {
            return Ok(Box::new(StreamBody::new(object, Path::new("stdin"), io::stdin())));
        };
        let opened = File::open(path).map_err(|error| StorageError::local(Operation::Read, path, error))?;
        Ok(Box::new(StreamBody::new(object, path, opened)))
    }
}
