//! Files in folders.

use std::fs;
use std::path::Path;

use super::Files;

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

pub(crate) fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Returns the files below a folder by relative path.
pub(crate) fn tree(folder: &Path) -> Files {
    let mut files = Files::new();
    for entry in walkdir::WalkDir::new(folder) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let path = text(entry.path().strip_prefix(folder).unwrap()).replace('\\', "/");
            files.insert(path, fs::read(entry.path()).unwrap());
        }
    }
    files
}
