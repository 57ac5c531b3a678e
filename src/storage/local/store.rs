//! A directory as a store of small files.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::PathBuf;

use crate::escape::escaped_path;
use crate::object::{Counts, ObjectRef, sha256_of};
use crate::storage::{
    Committed, Creation, Files, OpenFile, Operation, Publication, Record, Sink, Staged, StagedName, StorageError,
    Store, StoredFile,
};

use super::{Directory, files};

/// A directory as a store. Files are written as those of its [`Directory`]; publishing makes a hard link, or a copy if the
/// file system has no links.
#[derive(Debug)]
pub(super) struct DirectoryStore {
    root: PathBuf,
    directory: Directory,
}

impl DirectoryStore {
    pub(super) const fn new(root: PathBuf, directory: Directory) -> Self {
        Self { root, directory }
    }

    /// Writes a file under a temporary name and links it to its own, if no file has it.
    fn write(&self, name: &str, content: &mut dyn Read) -> Result<Committed, StorageError> {
        let source = ObjectRef {
            bucket: String::new(),
            key: name.to_owned(),
            version: String::new(),
        };
        let mut staged: Box<dyn Staged> = self.directory.stage(name, &source)?;
        io::copy(content, &mut staged)
            .and_then(|_| staged.flush())
            .map_err(|error| match error.downcast::<StorageError>() {
                Ok(error) => error,
                Err(error) => StorageError::local(Operation::Write, &self.root.join(name), error),
            })?;
        staged.commit(&Counts::default())
    }

    /// Returns what an existing file at the name of a staged one means.
    fn existing(&self, staged: &StagedName, name: &str) -> Result<Publication, StorageError> {
        let path = self.root.join(name);
        match File::open(&path).and_then(|mut file| sha256_of(&mut file)) {
            Ok(sha256) if sha256 == staged.0 => Ok(Publication::Exists),
            Ok(_) => {
                let place = escaped_path(&path).to_string();
                Err(StorageError::occupied(place, "a different file"))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Publication::Missing),
            Err(error) => Err(StorageError::local(Operation::Inspect, &path, error)),
        }
    }

    fn copy(&self, staged: &StagedName, name: &str) -> Result<Publication, StorageError> {
        let path = self.root.join(staged.path());
        let mut file = File::open(&path).map_err(|error| StorageError::local(Operation::Read, &path, error))?;
        match self.write(name, &mut file)? {
            Committed::Written(_) => Ok(Publication::Published),
            Committed::AlreadyExists { .. } => self.existing(staged, name),
        }
    }
}

impl Store for DirectoryStore {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StorageError> {
        let path = self.root.join(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StorageError::local(Operation::Read, &path, error)),
        }
    }

    fn create(&self, name: &str, mut bytes: &[u8]) -> Result<Creation, StorageError> {
        Ok(match self.write(name, &mut bytes)? {
            Committed::Written(_) => Creation::Created,
            Committed::AlreadyExists { .. } => Creation::Exists,
        })
    }

    fn names(&self, folder: &str) -> Result<Vec<String>, StorageError> {
        let path = self.root.join(folder);
        let failed = |error| StorageError::local(Operation::List, &path, error);
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(failed)?;
            if entry.file_type().map_err(failed)?.is_file() {
                names.extend(entry.file_name().into_string());
            }
        }
        Ok(names)
    }

    fn files(&self, folder: &str) -> Result<Files, StorageError> {
        let path = self.root.join(folder);
        if !path.exists() {
            return Ok(Box::new(std::iter::empty()));
        }
        let folder = folder.to_owned();
        let listing = files::list(&path)?;
        Ok(Box::new(listing.map(move |entry| {
            entry.map(|entry| StoredFile {
                name: format!("{folder}{}", entry.object.key),
                bytes: entry.object.size.unwrap_or_default(),
                created: None,
            })
        })))
    }

    fn open(&self, name: &str) -> Result<Option<OpenFile>, StorageError> {
        let path = self.root.join(name);
        let opened = File::open(&path).and_then(|file| Ok((file.metadata()?.len(), file)));
        match opened {
            Ok((bytes, file)) => Ok(Some(OpenFile {
                bytes,
                record: Record::default(),
                content: Box::new(file),
            })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StorageError::local(Operation::Read, &path, error)),
        }
    }

    fn is_empty(&self) -> Result<bool, StorageError> {
        match fs::read_dir(&self.root) {
            // Temporary files of other runs are hidden.
            Ok(mut entries) => Ok(
                entries.all(|entry| entry.is_ok_and(|entry| entry.file_name().as_encoded_bytes().starts_with(b".")))
            ),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
            Err(error) => Err(StorageError::local(Operation::List, &self.root, error)),
        }
    }

    fn stage(
        &self,
        staged: &StagedName,
        _name: &str,
        _bytes: u64,
        content: &mut dyn Read,
    ) -> Result<String, StorageError> {
        match self.write(&staged.path(), content) {
            Ok(_) => Ok(String::new()),
            // Another worker staged the same file, and published and discarded it before it was compared.
            Err(error) if is_gone(&error) => Ok(String::new()),
            Err(error) => Err(error),
        }
    }

    fn publish(&self, staged: &StagedName, _etag: &str, _bytes: u64, name: &str) -> Result<Publication, StorageError> {
        let (from, to) = (self.root.join(staged.path()), self.root.join(name));
        let failed = |error| StorageError::local(Operation::Write, &to, error);
        let folder = to.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder).map_err(failed)?;
        match fs::hard_link(&from, &to) {
            Ok(()) => {
                File::open(folder)
                    .and_then(|folder| folder.sync_all())
                    .map_err(failed)?;
                Ok(Publication::Published)
            }
            Err(error) => match error.kind() {
                io::ErrorKind::AlreadyExists => self.existing(staged, name),
                io::ErrorKind::NotFound if !from.exists() => self.existing(staged, name),
                // The file system has no links, or not that many to one file.
                _ if from.exists() => self.copy(staged, name),
                _ => Err(failed(error)),
            },
        }
    }

    fn discard(&self, staged: &StagedName) {
        let _ = fs::remove_file(self.root.join(staged.path()));
    }
}

fn is_gone(error: &StorageError) -> bool {
    let source = error
        .source
        .as_ref()
        .and_then(|source| source.downcast_ref::<io::Error>());
    // Refused because the file existed, and then it did not.
    source.is_some_and(|source| matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists))
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;
    use crate::object::hex;

    fn staged(content: &str) -> StagedName {
        StagedName(hex(&Sha256::digest(content)))
    }

    #[test]
    fn files_are_created_once_and_published_once() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("out");
        let store = DirectoryStore::new(root.clone(), Directory::new(root.clone()));
        assert!(store.is_empty().unwrap());
        assert_eq!(store.names("_merge/b").unwrap(), Vec::<String>::new());
        assert_eq!(store.create("_merge/b/0.plan", b"one").unwrap(), Creation::Created);
        assert_eq!(store.create("_merge/b/0.plan", b"one").unwrap(), Creation::Exists);
        assert_eq!(store.create("_merge/b/0.plan", b"two").unwrap(), Creation::Exists);
        assert_eq!(store.read("_merge/b/0.plan").unwrap().unwrap(), b"one");
        assert_eq!(store.read("_merge/b/1.plan").unwrap(), None);
        assert_eq!(store.names("_merge/b").unwrap(), ["0.plan"]);
        assert!(!store.is_empty().unwrap());
        let listed = |folder: &str| store.files(folder).unwrap().collect::<Result<Vec<_>, _>>().unwrap();
        let plan = StoredFile {
            name: "_merge/b/0.plan".to_owned(),
            bytes: 3,
            created: None,
        };
        assert_eq!(listed(""), std::slice::from_ref(&plan));
        assert_eq!(listed("_merge/"), [plan]);
        assert_eq!(listed("none/"), []);
        assert_eq!(store.open("_merge/b/0.plan").unwrap().unwrap().bytes, 3);
        assert!(store.open("none").unwrap().is_none());

        let name = staged("rows");
        assert_eq!(store.publish(&name, "", 4, "t/rows").unwrap(), Publication::Missing);
        for _ in 0..2 {
            store.stage(&name, "t/rows", 4, &mut &b"rows"[..]).unwrap();
        }
        assert_eq!(store.publish(&name, "", 4, "t/rows").unwrap(), Publication::Published);
        assert_eq!(store.publish(&name, "", 4, "t/rows").unwrap(), Publication::Exists);
        store.discard(&name);
        assert_eq!(
            store.publish(&name, "", 4, "t/rows").unwrap(),
            Publication::Exists,
            "visible already"
        );
        assert_eq!(fs::read(root.join("t/rows")).unwrap(), b"rows");
        let other = staged("others");
        store.stage(&other, "t/rows", 6, &mut &b"others"[..]).unwrap();
        let error = store.publish(&other, "", 6, "t/rows").unwrap_err();
        assert_eq!(error.kind, crate::storage::ErrorKind::Occupied);
    }
}
