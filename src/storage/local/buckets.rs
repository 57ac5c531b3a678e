//! Directories in place of S3 buckets.

use std::path::{Component, Path, PathBuf};

use crate::object::ObjectRequest;
use crate::storage::{Body, ErrorKind, Operation, S3Prefix, Source, StorageError};

use super::body::ReadBody;

/// The directories in a root, each a bucket of its name; no bucket at all without a root.
#[derive(Debug, Clone, Default)]
pub(super) struct Buckets {
    root: Option<PathBuf>,
}

impl Buckets {
    pub(super) const fn new(root: Option<PathBuf>) -> Self {
        Self { root }
    }

    /// Returns the directory of a prefix. `None` without a root.
    pub(super) fn directory(&self, S3Prefix { bucket, prefix }: &S3Prefix) -> Option<PathBuf> {
        let bucket_directory = self.root.as_ref()?.join(bucket);
        Some(self.path(bucket, prefix).unwrap_or(bucket_directory))
    }

    /// Returns the path of a key if it stays below the root: an S3 key may contain `..`, and a path must not follow it.
    fn path(&self, bucket: &str, key: &str) -> Option<PathBuf> {
        let stays_below = |text: &str| {
            let mut parts = Path::new(text).components();
            parts.all(|part| matches!(part, Component::Normal(_)))
        };
        if bucket.is_empty() || !stays_below(bucket) || !stays_below(key) {
            return None;
        }
        Some(self.root.as_ref()?.join(bucket).join(key))
    }
}

impl Source for Buckets {
    fn open(&self, object: &ObjectRequest) -> Result<Box<dyn Body>, StorageError> {
        let keys = std::iter::once(&object.key).chain(&object.alternative_key);
        let found = keys
            .filter_map(|key| Some((key, self.path(&object.bucket, key)?)))
            .find(|(_, path)| path.is_file());
        if let Some((key, path)) = found {
            return Ok(Box::new(ReadBody::open(object, key, &path)?));
        }
        let message = match &self.root {
            Some(root) => format!("no such file below {}", root.display()),
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
