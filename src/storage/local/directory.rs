//! A directory as a sink.

use std::fs::{self, File, FileType};
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tempfile::NamedTempFile;

use crate::escape::escaped_path;
use crate::object::{Counts, ObjectRef};
use crate::storage::temporary::TemporaryFile;
use crate::storage::{Committed, Existing, Operation, Sink, Staged, StorageError};

/// A directory as a sink. An output is written under a temporary name in the directory, synced, and linked to its final
/// name in one step that fails if the name exists: a reader never sees a partial file, whenever the program is killed.
///
/// The names of a run's temporary files contain its token, and a lock file with that token is locked while the run
/// lasts. Temporary files of a token without a lock are of killed runs, and are removed with the first output that is staged.
#[derive(Debug)]
pub struct Directory {
    root: PathBuf,
    session: Mutex<Option<Arc<Session>>>,
}

/// The names of temporary files: prefix, token of the run, a random part or [`LOCK`], suffix. Query engines ignore names
/// that begin with a dot.
const PREFIX: &str = ".alb-ingest-";
const LOCK: &str = "-lock.tmp";
const SUFFIX: &str = ".tmp";
/// The minimum time since the last write to a temporary file that is removed: on some network file systems, a lock is not
/// visible to other machines.
const MIN_AGE: Duration = Duration::from_hours(1);

/// The right to temporary files in a directory, until it is dropped.
#[derive(Debug)]
struct Session {
    /// The locked file, which is removed with the session.
    lock: NamedTempFile,
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
            path: self.root.join(key),
            bytes: 0,
        }))
    }

    fn existing(&self, key: &str) -> Result<Option<Existing>, StorageError> {
        let path = self.root.join(key);
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
        remove_abandoned(&self.root, session.lock.as_file());
        *current = Some(Arc::clone(&session));
        Ok(session)
    }
}

impl Session {
    fn begin(folder: &Path) -> io::Result<Self> {
        loop {
            let lock = new_file(folder, PREFIX, LOCK)?;
            // Another run may have taken it for abandoned before it was locked. A file system without locks has no
            // abandoned files either, because the locks of others cannot be taken.
            if lock.as_file().lock().is_err() || lock.path().exists() {
                return Ok(Self { lock });
            }
        }
    }

    fn temporary_file(&self, folder: &Path) -> io::Result<NamedTempFile> {
        let name = self.lock.path().file_name().unwrap_or_default().to_string_lossy();
        let prefix = name.strip_suffix(LOCK).unwrap_or(PREFIX);
        new_file(folder, &format!("{prefix}-"), SUFFIX)
    }
}

/// Removes the temporary files of runs that ended without removing them and that are old by the clock of the file system,
/// which a new file shows. One that cannot be removed only takes up space.
fn remove_abandoned(folder: &Path, new: &File) {
    let Ok(now) = new.metadata().and_then(|metadata| metadata.modified()) else {
        return;
    };
    let is_old = |entry: &fs::DirEntry| {
        let modified = entry.metadata().and_then(|metadata| metadata.modified());
        modified.is_ok_and(|then| now.duration_since(then).is_ok_and(|age| age >= MIN_AGE))
    };
    let names = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
            (is_file && is_old(&entry))
                .then(|| entry.file_name().into_string().ok())
                .flatten()
        });
    let temporary: Vec<_> = names
        .filter(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX))
        .collect();
    // The locks last: without them the files of their runs could not be attributed.
    let (locks, files): (Vec<_>, Vec<_>) = temporary.into_iter().partition(|name| name.ends_with(LOCK));
    for name in files.iter().chain(&locks) {
        let lock = folder.join(lock_of(name));
        // Kept until the file is removed, so the creator of a new lock cannot take it in between.
        let held = File::open(&lock).map(|file| (file.try_lock().is_ok(), file));
        let is_abandoned = match &held {
            Ok((taken, _)) => *taken,
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        if is_abandoned {
            let _ = fs::remove_file(folder.join(name));
        }
    }
}

/// Returns the name of the lock of the run that a temporary file belongs to.
fn lock_of(name: &str) -> String {
    if name.ends_with(LOCK) {
        return name.to_owned();
    }
    let token = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next());
    format!("{PREFIX}{}{LOCK}", token.unwrap_or_default())
}

fn new_file(folder: &Path, prefix: &str, suffix: &str) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix).suffix(suffix);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // The mode of an ordinary new file: the umask decides.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_temporary_files_that_no_process_holds_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let source = ObjectRef {
            bucket: String::new(),
            key: String::new(),
            version: String::new(),
        };
        let names = || {
            let entries = fs::read_dir(folder.path())
                .unwrap()
                .map(|entry| entry.unwrap().file_name());
            let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
            names.sort();
            names
        };
        let running = Directory::new(folder.path().to_path_buf()).stage("a", &source).unwrap();
        let held = names();
        assert_eq!(held.len(), 2, "a lock and an output: {held:?}");
        let old = [
            ".alb-ingest-killed.tmp",
            ".alb-ingest-token-lock.tmp",
            ".alb-ingest-token-file.tmp",
            ".alb-ingest-note",
            "other.tmp",
        ];
        for name in old.into_iter().chain(held.iter().map(String::as_str)) {
            let file = File::options()
                .create(true)
                .append(true)
                .open(folder.path().join(name))
                .unwrap();
            file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        }
        fs::write(folder.path().join(".alb-ingest-new.tmp"), b"x").unwrap();
        let other = Directory::new(folder.path().to_path_buf()).stage("b", &source).unwrap();
        let left = names();
        assert!(
            held.iter().all(|name| left.contains(name)) && !left.contains(&".alb-ingest-killed.tmp".to_owned()),
            "{left:?}"
        );
        assert_eq!(left.len(), 7, "{left:?}");
        drop((running, other));
        assert_eq!(names(), [".alb-ingest-new.tmp", ".alb-ingest-note", "other.tmp"]);
    }
}
