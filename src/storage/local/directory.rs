//! A directory as a sink.

use std::ffi::OsStr;
use std::fs::{self, File, FileType};
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::Duration;

use tempfile::NamedTempFile;

use crate::object::{Counts, ObjectRef};
use crate::storage::{Committed, Existing, Operation, Sink, Staged, StorageError};

/// A directory as a sink. An output is written under a temporary name in the directory, synced, and linked to its final
/// name in one step that fails if the name exists: a reader never sees a partial file, whenever the program is killed.
///
/// Temporary files are locked while their process runs. Those without a lock are of killed runs, and are removed with
/// the first output that is staged.
#[derive(Debug)]
pub struct Directory {
    root: PathBuf,
    cleared: Once,
}

/// The prefix and the suffix of temporary names. Query engines ignore names that begin with a dot.
const PREFIX: &str = ".alb-ingest-";
const SUFFIX: &str = ".tmp";
/// The minimum time since the last write to a temporary file that is removed: on some network file systems, a lock is not
/// visible to other machines.
const MIN_AGE: Duration = Duration::from_hours(1);

impl Directory {
    /// Creates the sink at a path. The directory itself is created with the first output.
    pub const fn new(root: PathBuf) -> Self {
        Self {
            root,
            cleared: Once::new(),
        }
    }
}

impl Sink for Directory {
    fn stage(&self, key: &str, _source: &ObjectRef) -> Result<Box<dyn Staged>, StorageError> {
        let file = fs::create_dir_all(&self.root)
            .and_then(|()| temporary_file(&self.root))
            .map_err(|error| failed(&self.root, error))?;
        self.cleared.call_once(|| remove_abandoned(&self.root, file.as_file()));
        Ok(Box::new(StagedFile {
            file,
            path: self.root.join(key),
            bytes: 0,
        }))
    }

    fn existing(&self, key: &str) -> Result<Option<Existing>, StorageError> {
        let path = self.root.join(key);
        let file = File::open(&path).map_err(|error| StorageError::local(Operation::Inspect, &path, error))?;
        Ok(Some(Existing {
            place: path.display().to_string().escape_debug().to_string(),
            bytes: Box::new(file),
        }))
    }

    fn event_limit(&self) -> Option<usize> {
        None
    }
}

/// Removes the temporary files that no process holds and that are old by the clock of the file system, which a new file
/// shows. One that cannot be removed only takes up space.
fn remove_abandoned(folder: &Path, new: &File) {
    let modified = |file: &File| file.metadata().and_then(|metadata| metadata.modified());
    let Ok(now) = modified(new) else { return };
    let is_old =
        |file: &File| modified(file).is_ok_and(|then| now.duration_since(then).is_ok_and(|age| age >= MIN_AGE));
    let is_temporary = |name: &OsStr| {
        let name = name.as_encoded_bytes();
        name.starts_with(PREFIX.as_bytes()) && name.ends_with(SUFFIX.as_bytes())
    };
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_file && is_temporary(&entry.file_name()) {
            // Held until the file is removed, so its creator cannot take it in between.
            if let Ok(file) = File::open(entry.path())
                && is_old(&file)
                && file.try_lock().is_ok()
            {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// Creates a temporary file and locks it.
fn temporary_file(folder: &Path) -> io::Result<NamedTempFile> {
    loop {
        let file = new_file(folder)?;
        // Another run may have taken it for abandoned before it was locked.
        if file.as_file().lock().is_err() || file.path().exists() {
            return Ok(file);
        }
    }
}

fn new_file(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).suffix(SUFFIX);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // The mode of an ordinary new file: the umask decides.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

struct StagedFile {
    file: NamedTempFile,
    path: PathBuf,
    bytes: u64,
}

impl StagedFile {
    /// Returns what a commit reports if something already exists at the path.
    fn existing(file: &NamedTempFile, path: &Path, kind: FileType) -> io::Result<Committed> {
        if !kind.is_file() {
            let place = path.display().to_string().escape_debug().to_string();
            let what = if kind.is_symlink() {
                "a symbolic link"
            } else if kind.is_dir() {
                "a directory"
            } else {
                "a special file"
            };
            return Err(StorageError::occupied(place, what).into());
        }
        let identical = have_same_bytes(file.path(), path)?;
        Ok(Committed::AlreadyExists { identical })
    }

    fn commit(self) -> io::Result<Committed> {
        let Self { file, path, bytes } = self;
        if let Some(kind) = kind_of(&path)? {
            return Self::existing(&file, &path, kind);
        }
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        file.as_file().sync_all()?;
        match file.persist_noclobber(&path) {
            Ok(_) => {}
            Err(refused) if refused.error.kind() == io::ErrorKind::AlreadyExists => {
                let Some(kind) = kind_of(&path)? else {
                    // Removed in the meantime.
                    return Err(refused.error);
                };
                return Self::existing(&refused.file, &path, kind);
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
        assert_eq!(held.len(), 1);
        let names_of_old = [".alb-ingest-killed.tmp", ".alb-ingest-note", "other.tmp", &held[0]];
        for name in names_of_old {
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
            left.contains(&held[0]) && !left.contains(&".alb-ingest-killed.tmp".to_owned()),
            "{left:?}"
        );
        assert_eq!(left.len(), 5, "{left:?}");
        drop((running, other));
        assert_eq!(names(), [".alb-ingest-new.tmp", ".alb-ingest-note", "other.tmp"]);
    }
}
