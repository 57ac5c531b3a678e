//! Directories in place of S3 buckets.

use std::fs;
use std::path::{Path, PathBuf};

use crate::escape::escaped_path;
use crate::object::ObjectRequest;
use crate::storage::{Body, Entry, ErrorKind, Listing, Operation, S3Prefix, Source, StorageError};

use super::body::FileBody;
use super::files;
use super::path::below;

/// The directories in a root, each a bucket of its name; no bucket at all without a root.
#[derive(Debug, Clone, Default)]
pub(super) struct Buckets {
    root: Option<PathBuf>,
}

impl Buckets {
    pub(super) const fn new(root: Option<PathBuf>) -> Self {
        Self { root }
    }

    /// Returns the directory of a prefix.
    ///
    /// # Errors
    /// There is no root, or the prefix is not a path below it.
    pub(super) fn directory(&self, S3Prefix { bucket, prefix }: &S3Prefix) -> Result<PathBuf, &'static str> {
        if self.root.is_none() {
            return Err("there are no buckets without AWS; name a directory, or set --bucket-root");
        }
        self.path(bucket, prefix)
            .ok_or("the prefix is not a path below --bucket-root; name one without . and ..")
    }

    /// Lists an object, or the objects below a prefix; none if there is no such directory.
    pub(super) fn list(&self, bucket: &str, key: &str) -> Result<Listing, StorageError> {
        let path = self.listed(bucket, key)?;
        if !path.exists() {
            return Ok(Box::new(std::iter::empty()));
        }
        let is_object = path.is_file();
        let prefix = match key {
            "" => String::new(),
            key => format!("{}/", key.trim_end_matches('/')),
        };
        let (bucket, whole) = (bucket.to_owned(), key.to_owned());
        let renamed = move |entry: Entry| {
            let key = if is_object {
                whole.clone()
            } else {
                format!("{prefix}{}", entry.object.key)
            };
            let object = ObjectRequest {
                bucket: bucket.clone(),
                key,
                ..entry.object
            };
            Entry { object, ..entry }
        };
        Ok(Box::new(files::list(&path)?.map(move |entry| entry.map(&renamed))))
    }

    /// Returns the names of the directories directly below a prefix.
    pub(super) fn folders(&self, place: &S3Prefix) -> Result<Vec<String>, StorageError> {
        let path = self.listed(&place.bucket, &place.prefix)?;
        if !path.exists() {
            return Ok(Vec::new());
        }
        let failed = |error| StorageError::local(Operation::List, &path, error);
        let mut names = Vec::new();
        for entry in fs::read_dir(&path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            // A log never has a name that is not Unicode.
            let name = entry.file_name().into_string().ok();
            let name = name.filter(|name| !name.starts_with('.') && entry.path().is_dir());
            names.extend(name);
        }
        names.sort();
        Ok(names)
    }

    /// Returns the path of a prefix to list. Its bucket exists.
    fn listed(&self, bucket: &str, prefix: &str) -> Result<PathBuf, StorageError> {
        let place = S3Prefix {
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
        };
        let failed = |kind, message: String| StorageError::new(Operation::List, place.to_string(), kind, message);
        let path = self
            .directory(&place)
            .map_err(|message| failed(ErrorKind::Unsupported, message.to_owned()))?;
        let exists = self.path(bucket, "").is_some_and(|bucket| bucket.is_dir());
        if exists {
            Ok(path)
        } else {
            let root = self.root.as_deref().unwrap_or(Path::new(""));
            let message = format!("no directory of this bucket below {}", escaped_path(root));
            Err(failed(ErrorKind::Refused, message))
        }
    }

    /// Returns the path of a key if it stays below the root.
    fn path(&self, bucket: &str, key: &str) -> Option<PathBuf> {
        let bucket = Some(bucket).filter(|bucket| !bucket.is_empty())?;
        below(&below(self.root.as_ref()?, bucket)?, key)
    }
}

impl Source for Buckets {
    fn open(&self, object: &ObjectRequest) -> Result<Box<dyn Body>, StorageError> {
        let keys = std::iter::once(&object.key).chain(&object.alternative_key);
        let found = keys
            .filter_map(|key| Some((key, self.path(&object.bucket, key)?)))
            .find(|(_, path)| path.is_file());
        if let Some((key, path)) = found {
            return Ok(Box::new(FileBody::open(object, key, &path)?));
        }
        let message = match &self.root {
            Some(root) => format!("no such file below {}", escaped_path(root)),
            None => "there are no buckets without AWS; set --bucket-root".to_owned(),
        };
        let place = object.unidentified().to_string();
        Err(StorageError::new(Operation::Read, place, ErrorKind::NotFound, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_do_not_lead_out_of_their_bucket() {
        let directory = |place: &str| Buckets::new(Some("root".into())).directory(&S3Prefix::parse(place).unwrap());
        assert_eq!(directory("outs"), Ok("root/outs/".into()));
        assert_eq!(directory("outs/a/b"), Ok("root/outs/a/b/".into()));
        for place in [
            "outs/../../x",
            "outs/../other",
            "outs/./../..",
            ".../../x",
            "outs/a//../..",
        ] {
            assert!(directory(place).is_err(), "{place}");
        }
        assert!(Buckets::default().directory(&S3Prefix::parse("outs").unwrap()).is_err());
    }

    #[test]
    fn keys_do_not_lead_out_of_the_root() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("logs/a")).unwrap();
        std::fs::write(root.path().join("logs/a/x y+z.log"), b"12345").unwrap();
        std::fs::write(root.path().join("secret"), b"secret").unwrap();
        let buckets = Buckets::new(Some(root.path().to_path_buf()));
        let open = |bucket: &str, key: &str, other: Option<&str>| {
            buckets.open(&ObjectRequest {
                bucket: bucket.to_owned(),
                key: key.to_owned(),
                alternative_key: other.map(str::to_owned),
                ..ObjectRequest::default()
            })
        };
        for (bucket, key) in [
            ("logs", "../secret"),
            ("..", "x"),
            ("logs", "/etc/passwd"),
            ("", "secret"),
            ("logs", "a"),
        ] {
            let error = open(bucket, key, None).err().unwrap();
            assert_eq!(error.kind, ErrorKind::NotFound, "{bucket} {key}");
        }
        let mut body = open("logs", "a/x+y+z.log", Some("a/x y+z.log")).ok().unwrap();
        assert_eq!(body.object().key, "a/x y+z.log");
        assert_eq!(body.object().version, "827ccb0eea8a706c4c34a16891f84e7b");
        assert_eq!(body.next_chunk().unwrap(), Some(&b"12345"[..]));
        assert_eq!(body.next_chunk().unwrap(), None);
    }
}
