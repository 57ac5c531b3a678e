//! Files, directories and stdin as listings of objects.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use walkdir::{DirEntry, WalkDir};

use crate::object::ObjectRequest;
use crate::storage::{Body, Entry, Listing, Operation, Source, StorageError};

use super::body::ReadBody;

/// The bucket of files and of stdin.
const BUCKET: &str = "local";

/// A listed file.
struct FileSource {
    path: PathBuf,
}

/// The standard input.
struct StdinSource;

/// Lists a file, or a directory with everything below it, in the order of the keys. The key of an object is its path
/// below the directory; that of a file named directly is its name.
///
/// Hidden files and directories (names that begin with a dot) are skipped, and so are the directories in `except`.
pub(super) fn walk(root: &Path, except: &[PathBuf]) -> Result<Listing, StorageError> {
    let except: Vec<PathBuf> = except.iter().filter_map(|path| path.canonicalize().ok()).collect();
    let is_hidden = |name: &OsStr| name.as_encoded_bytes().first() == Some(&b'.');
    let mut objects = Vec::new();
    let entries = WalkDir::new(root)
        .follow_links(true)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| {
            let is_excepted =
                entry.file_type().is_dir() && entry.path().canonicalize().is_ok_and(|path| except.contains(&path));
            entry.depth() == 0 || !(is_hidden(entry.file_name()) || is_excepted)
        });
    for entry in entries {
        let entry = entry.map_err(|error| {
            let link_loop = || io::Error::other("a symbolic link points to a directory that contains it");
            let error = error.into_io_error().unwrap_or_else(link_loop);
            StorageError::local(Operation::List, root, error)
        })?;
        if !entry.file_type().is_dir() {
            objects.push(Ok(file(root, &entry)));
        }
    }
    Ok(Box::new(objects.into_iter()))
}

/// Lists stdin: one object.
pub(super) fn stdin() -> Listing {
    let entry = Entry {
        object: ObjectRequest {
            bucket: BUCKET.to_owned(),
            key: "-".to_owned(),
            ..ObjectRequest::default()
        },
        source: Arc::new(StdinSource),
    };
    Box::new(std::iter::once(Ok(entry)))
}

fn file(root: &Path, entry: &DirEntry) -> Entry {
    let below = entry.path().strip_prefix(root).ok();
    let below = below.filter(|below| !below.as_os_str().is_empty());
    let key = below.map_or_else(|| key_of(Path::new(entry.file_name())), key_of);
    // Other kinds of files have no length before they are read.
    let metadata = entry.metadata().ok().filter(std::fs::Metadata::is_file);
    Entry {
        object: ObjectRequest {
            bucket: BUCKET.to_owned(),
            key,
            size: metadata.map(|metadata| metadata.len()),
            ..ObjectRequest::default()
        },
        source: Arc::new(FileSource {
            path: entry.path().to_path_buf(),
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
        Ok(Box::new(ReadBody::open(object, &object.key, &self.path)?))
    }
}

impl Source for StdinSource {
    fn open(&self, object: &ObjectRequest) -> Result<Box<dyn Body>, StorageError> {
        Ok(Box::new(ReadBody::stdin(object)))
    }
}
