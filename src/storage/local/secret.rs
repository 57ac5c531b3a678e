//! A secret in a file.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use zeroize::Zeroizing;

use crate::storage::{ErrorKind, Operation, StorageError};

/// The maximum size of the file. A larger one is not a secret, and must not be read into memory.
const MAX_BYTES: usize = 4_096;

/// Reads a secret from a file of text.
pub(in crate::storage) fn read(path: &Path) -> Result<Zeroizing<String>, StorageError> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => StorageError::at_path(Operation::Read, path, ErrorKind::NotFound, "no such file"),
        io::ErrorKind::PermissionDenied => {
            let message = "access denied: allow this user to read the file";
            StorageError::at_path(Operation::Read, path, ErrorKind::Refused, message)
        }
        _ => StorageError::local(Operation::Read, path, error),
    };
    // The buffer must not grow: its old memory would keep a copy.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_BYTES + 1));
    let file = File::open(path).map_err(failed)?;
    file.take(MAX_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    let text = str::from_utf8(&bytes).ok().filter(|_| bytes.len() <= MAX_BYTES);
    match text {
        Some(text) => Ok(Zeroizing::new(text.to_owned())),
        None => Err(StorageError::at_path(
            Operation::Read,
            path,
            ErrorKind::Refused,
            "the file is not a text of at most 4096 bytes",
        )),
    }
}
