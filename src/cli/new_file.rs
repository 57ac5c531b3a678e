//! A file that a command writes beside its report.

use std::io::{BufWriter, Write as _};
use std::path::Path;

use crate::escape::escaped_path;
use crate::object::{Counts, ObjectRef};
use crate::storage::local::Directory;
use crate::storage::{Committed, Sink as _, Staged};

use super::Stop;

/// A file that does not exist yet. It gets its name when it is complete: a command that fails leaves no part of it, and can be
/// repeated.
pub(super) struct NewFile {
    path: String,
    staged: BufWriter<Box<dyn Staged>>,
}

impl NewFile {
    /// Creates the file under a temporary name in the same folder.
    pub(super) fn create(path: &str) -> Result<Self, Stop> {
        let (folder, Some(name)) = split(path) else {
            return Err(Stop::Usage(format!("cannot create {path}: it does not name a file")));
        };
        // Found before the work, not after it.
        if Path::new(path).symlink_metadata().is_ok() {
            return Err(exists(path));
        }
        let source = ObjectRef {
            bucket: String::new(),
            key: path.to_owned(),
            version: String::new(),
        };
        let staged = Directory::new(folder.to_path_buf()).stage(&name, &source);
        let staged = staged.map_err(|error| Stop::Failed(error.to_string()))?;
        Ok(Self {
            path: path.to_owned(),
            staged: BufWriter::new(staged),
        })
    }

    /// Returns the path, as it was given.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Adds a line.
    pub(super) fn line(&mut self, line: &str) -> Result<(), Stop> {
        writeln!(self.staged, "{line}").map_err(|error| Stop::Failed(error.to_string()))
    }

    /// Gives the file its name.
    pub(super) fn finish(self) -> Result<(), Stop> {
        let staged = self.staged.into_inner();
        let staged = staged.map_err(|error| Stop::Failed(error.into_error().to_string()))?;
        match staged.commit(&Counts::default()) {
            Ok(Committed::Written(_)) => Ok(()),
            Ok(Committed::AlreadyExists { .. }) => Err(exists(&self.path)),
            Err(error) => Err(Stop::Failed(error.to_string())),
        }
    }
}

/// Returns the folder and the name of a path.
fn split(path: &str) -> (&Path, Option<String>) {
    let path = Path::new(path);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    (folder.unwrap_or(Path::new(".")), name)
}

fn exists(path: &str) -> Stop {
    let path = escaped_path(Path::new(path));
    Stop::Usage(format!(
        "cannot create {path}: it exists already; remove it, or name another file"
    ))
}
