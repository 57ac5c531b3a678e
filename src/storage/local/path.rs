//! Paths of keys and names, which stay below their root.

use std::path::{Component, Path, PathBuf};

use crate::storage::{ErrorKind, Operation, StorageError};

/// Returns the path of a key or a name, unless it is absolute or has `..`: S3 keys and the plans of a destination may contain
/// anything, and a path must not lead out of its directory. Links are followed: whoever can create one can write there anyway.
pub(super) fn below(root: &Path, name: &str) -> Option<PathBuf> {
    let mut parts = Path::new(name).components();
    let stays_below = parts.all(|part| matches!(part, Component::Normal(_)));
    stays_below.then(|| root.join(name))
}

/// Returns the path of a file of a destination.
///
/// # Errors
/// The name leads out of the destination. The message shows the name, and no retry helps.
pub(super) fn named(root: &Path, name: &str, operation: Operation) -> Result<PathBuf, StorageError> {
    below(root, name).ok_or_else(|| {
        let place = format!("{}/{name}", root.display());
        let message = "the name leads out of the directory, so nothing was read or written; a plan in it was changed";
        StorageError::new(operation, place, ErrorKind::Refused, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_below_its_root() {
        let root = Path::new("/out");
        for (name, path) in [
            ("", "/out/"),
            ("a/b.json", "/out/a/b.json"),
            ("%2e%2e/b", "/out/%2e%2e/b"),
            ("..\\b", "/out/..\\b"),
            ("...", "/out/..."),
        ] {
            assert_eq!(below(root, name).as_deref(), Some(Path::new(path)), "{name}");
        }
        for name in ["..", "../b", "a/../../b", "a/..", "/etc/passwd", "/", "./../b", "."] {
            assert_eq!(below(root, name), None, "{name}");
            let error = named(root, name, Operation::Write).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Refused, "{name}");
        }
        let error = named(root, "../\u{1b}[2J", Operation::Read).unwrap_err();
        assert!(!error.to_string().contains('\u{1b}'), "{error}");
    }
}
