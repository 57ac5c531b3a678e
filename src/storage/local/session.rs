//! The temporary files of a run in a directory.
//!
//! Their names contain a token of the run, and a lock file with that token is locked while the run lasts. Temporary files of a
//! token without a lock are of killed runs.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::Duration;

use tempfile::NamedTempFile;

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
pub(super) struct Session {
    /// The locked file, which is removed with the session.
    lock: NamedTempFile,
}

impl Session {
    /// Begins a session and removes what killed runs left in the directory.
    pub(super) fn begin(folder: &Path) -> io::Result<Self> {
        loop {
            let lock = new_file(folder, PREFIX, LOCK)?;
            // Another run may have taken it for abandoned before it was locked. A file system without locks has no
            // abandoned files either, because the locks of others cannot be taken.
            if lock.as_file().lock().is_err() || lock.path().exists() {
                remove_abandoned(folder, lock.as_file());
                return Ok(Self { lock });
            }
        }
    }

    /// Creates a temporary file in the directory.
    pub(super) fn temporary_file(&self, folder: &Path) -> io::Result<NamedTempFile> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::ObjectRef;
    use crate::storage::Sink as _;
    use crate::storage::local::Directory;

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
