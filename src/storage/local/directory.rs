//! A directory as a sink.

use std::fs::{self, File};
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::object::{Counts, ObjectRef};
use crate::storage::{Committed, Operation, Sink, Staged, StorageError};

/// A directory as a sink. An output is written under a temporary name in the directory, synced, and linked to its final
/// name in one step that fails if the name exists: a reader never sees a partial file, whenever the program is killed.
#[derive(Debug)]
pub struct Directory {
    root: PathBuf,
}

/// The prefix of temporary names. Query engines ignore names that begin with a dot.
const PREFIX: &str = ".alb-ingest-";

impl Directory {
    /// Creates the sink at a path. The directory itself is created with the first output.
    pub const fn new(root: PathBuf) -> Self {
        Self { root }
    }
}

impl Sink for Directory {
    fn stage(&self, key: &str, _source: &ObjectRef) -> Result<Box<dyn Staged>, StorageError> {
        let file = fs::create_dir_all(&self.root)
            .and_then(|()| temporary_file(&self.root))
            .map_err(|error| failed(&self.root, error))?;
        Ok(Box::new(StagedFile {
            file,
            path: self.root.join(key),
            bytes: 0,
        }))
    }

    fn event_limit(&self) -> Option<usize> {
        None
    }
}

fn temporary_file(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).suffix(".tmp");
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
    /// Returns what a commit reports if the output already exists.
    fn existing(file: &NamedTempFile, path: &Path) -> io::Result<Committed> {
        let identical = have_same_bytes(file.path(), path)?;
        Ok(Committed::AlreadyExists { identical })
    }

    fn commit(self) -> io::Result<Committed> {
        let Self { file, path, bytes } = self;
        if path.exists() {
            return Self::existing(&file, &path);
        }
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        file.as_file().sync_all()?;
        match file.persist_noclobber(&path) {
            Ok(_) => {}
            Err(refused) if refused.error.kind() == io::ErrorKind::AlreadyExists => {
                return Self::existing(&refused.file, &path);
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
        StagedFile::commit(*self).map_err(|error| failed(&path, error))
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
