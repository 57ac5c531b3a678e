//! A folder as a destination.

use std::fs::{self, File};
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::ingest::{Committed, Destination, DestinationError, Ledger, Staged};
use crate::object::ObjectRef;

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
    fn stage(&self, key: &str, _source: &ObjectRef) -> Result<Box<dyn Staged>, DestinationError> {
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
        let fail = |source| error("cannot write", &path, source);
        let there = |file: &NamedTempFile| same_bytes(file.path(), &path).map(|same| Committed::AlreadyThere { same });
        if path.exists() {
            return there(&file).map_err(fail);
        }
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(fail)?;
        file.as_file().sync_all().map_err(fail)?;
        match file.persist_noclobber(&path) {
            Ok(_) => {}
            Err(refused) if refused.error.kind() == io::ErrorKind::AlreadyExists => {
                return there(&refused.file).map_err(fail);
            }
            Err(refused) => return Err(fail(refused.error)),
        }
        // The name is as durable as the bytes once the folder is synced.
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(fail)?;
        Ok(Committed::Written(bytes))
    }
}

/// Whether two files have the same bytes.
fn same_bytes(one: &Path, other: &Path) -> io::Result<bool> {
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

fn error(what: &str, path: &Path, source: io::Error) -> DestinationError {
    DestinationError {
        what: format!("{what} {}", path.display()),
        source: source.into(),
        // A full disk or a missing folder may be mended.
        retryable: true,
    }
}
