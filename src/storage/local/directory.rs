//! A directory as a sink.

use std::fs::{self, File, FileType};
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::escape::escaped_path;
use crate::object::{Counts, ObjectRef};
use crate::storage::temporary::TemporaryFile;
use crate::storage::{Committed, Existing, Operation, Sink, Staged, StorageError};

use super::path::named;
use super::session::Session;

/// A directory as a sink. An output is written under a temporary name in the directory, synced, and linked to its final
/// name in one step that fails if the name exists: a reader never sees a partial file, whenever the program is killed.
///
/// What killed runs left in the directory is removed with the first output that is staged.
#[derive(Debug)]
pub struct Directory {
    root: PathBuf,
    session: Mutex<Option<Arc<Session>>>,
}

impl Directory {
    /// Creates the sink at a path. The directory itself is created with the first output.
    pub const fn new(root: PathBuf) -> Self {
        Self {
            root,
            session: Mutex::new(None),
        }
    }
}

impl Sink for Directory {
    fn stage(&self, key: &str, _source: &ObjectRef) -> Result<Box<dyn Staged>, StorageError> {
        let path = named(&self.root, key, Operation::Write)?;
        let (session, file) = fs::create_dir_all(&self.root)
            .and_then(|()| {
                let session = self.session()?;
                let file = session.temporary_file(&self.root)?;
                Ok((session, file))
            })
            .map_err(|error| failed(&self.root, error))?;
        Ok(Box::new(StagedFile {
            file: TemporaryFile::new(file),
            _session: session,
            path,
            bytes: 0,
        }))
    }

    fn existing(&self, key: &str) -> Result<Option<Existing>, StorageError> {
        let path = named(&self.root, key, Operation::Inspect)?;
        let file = File::open(&path).map_err(|error| StorageError::local(Operation::Inspect, &path, error))?;
        Ok(Some(Existing {
            place: escaped_path(&path).to_string(),
            bytes: Box::new(file),
        }))
    }

    fn event_limit(&self) -> Option<usize> {
        None
    }
}

impl Directory {
    /// Returns the session, or begins it and removes what killed runs left.
    fn session(&self) -> io::Result<Arc<Session>> {
        let mut current = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = &*current {
            return Ok(Arc::clone(session));
        }
        let session = Arc::new(Session::begin(&self.root)?);
        *current = Some(Arc::clone(&session));
        Ok(session)
    }
}

struct StagedFile {
    file: TemporaryFile,
    _session: Arc<Session>,
    path: PathBuf,
    bytes: u64,
}

impl StagedFile {
    /// Returns what a commit reports if something already exists at the path.
    fn existing(file: &Path, path: &Path, kind: FileType) -> io::Result<Committed> {
        if !kind.is_file() {
            let place = escaped_path(path).to_string();
            let what = if kind.is_symlink() {
                "a symbolic link"
            } else if kind.is_dir() {
                "a directory"
            } else {
                "a special file"
            };
            return Err(StorageError::occupied(place, what).into());
        }
        let identical = have_same_bytes(file, path)?;
        Ok(Committed::AlreadyExists { identical })
    }

    fn commit(self) -> io::Result<Committed> {
        let Self {
            file,
            path,
            bytes,
            _session,
        } = self;
        if let Some(kind) = kind_of(&path)? {
            return Self::existing(file.path(), &path, kind);
        }
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        file.sync_all()?;
        match file.into_path().persist_noclobber(&path) {
            Ok(()) => {}
            Err(refused) if refused.error.kind() == io::ErrorKind::AlreadyExists => {
                let Some(kind) = kind_of(&path)? else {
                    // Removed in the meantime.
                    return Err(refused.error);
                };
                return Self::existing(&refused.path, &path, kind);
            }
            Err(refused) => return Err(refused.error),
        }
        // The name is as durable as the bytes once the folder is synced.
        File::open(folder)?.sync_all()?;
        Ok(Committed::Written(bytes))
    }
}

impl Write for StagedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes);
        let written = written.map_err(|error| StorageError::local_write(&self.path, error))?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Staged for StagedFile {
    fn commit(self: Box<Self>, _counts: &Counts) -> Result<Committed, StorageError> {
        let path = self.path.clone();
        StagedFile::commit(*self).map_err(|error| match error.downcast::<StorageError>() {
            Ok(error) => error,
            Err(error) => failed(&path, error),
        })
    }
}

/// Returns the kind of what exists at a path, links not followed.
fn kind_of(path: &Path) -> io::Result<Option<FileType>> {
    match path.symlink_metadata() {
        Ok(metadata) => Ok(Some(metadata.file_type())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn have_same_bytes(one: &Path, other: &Path) -> io::Result<bool> {
    let (mut one, mut other) = (File::open(one)?, File::open(other)?);
    if one.metadata()?.len() != other.metadata()?.len() {
        return Ok(false);
    }
    let (mut first, mut second) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        let read = one.read(&mut first)?;
        let (first, second) = (
            first.get(..read).unwrap_or_default(),
            second.get_mut(..read).unwrap_or_default(),
        );
        if read == 0 {
            return Ok(true);
        }
        other.read_exact(second)?;
        if first != second {
            return Ok(false);
        }
    }
}

fn failed(path: &Path, error: io::Error) -> StorageError {
    StorageError::local(Operation::Write, path, error)
}
