//! A folder as a destination.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::ingest::{Committed, Destination, DestinationError, Ledger, Staged};

/// A folder as a destination. An output is written under a temporary name in the folder, synced, and linked to its
/// final name in one step that fails when there is one: a reader never sees a part of a file, whenever the program is
/// killed.
#[derive(Debug)]
pub struct Directory {
    root: PathBuf,
}

/// The beginning of temporary names. Readers of tables pass over names that begin with a dot.
const PREFIX: &str = ".alb-ingest-";

impl Directory {
    /// The folder at that path. It is made with the first output.
    pub const fn new(root: PathBuf) -> Self {
        Self { root }
    }
}

impl Destination for Directory {
    fn stage(&self, key: &str) -> Result<Box<dyn Staged>, DestinationError> {
        let staged = fs::create_dir_all(&self.root).and_then(|()| temporary(&self.root));
        match staged {
            Ok(file) => Ok(Box::new(StagedFile {
                file,
                path: self.root.join(key),
                bytes: 0,
            })),
            Err(source) => Err(error("cannot write into", &self.root, source)),
        }
    }
}

fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // As a file is made otherwise: whoever runs the program decides by the umask.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

struct StagedFile {
    file: NamedTempFile,
    path: PathBuf,
    bytes: u64,
}

impl Write for StagedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Staged for StagedFile {
    fn commit(self: Box<Self>, _ledger: &Ledger) -> Result<Committed, DestinationError> {
        let Self { file, path, bytes } = *self;
        if path.exists() {
            return Ok(Committed::AlreadyThere);
        }
        let fail = |source| error("cannot write", &path, source);
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(fail)?;
        file.as_file().sync_all().map_err(fail)?;
        match file.persist_noclobber(&path) {
            Ok(_) => {}
            Err(refused) if refused.error.kind() == io::ErrorKind::AlreadyExists => {
                return Ok(Committed::AlreadyThere);
            }
            Err(refused) => return Err(fail(refused.error)),
        }
        // The name is as durable as the bytes once the folder is synced.
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(fail)?;
        Ok(Committed::Written(bytes))
    }
}

fn error(what: &str, path: &Path, source: io::Error) -> DestinationError {
    DestinationError {
        what: format!("{what} {}", path.display()),
        source,
    }
}
