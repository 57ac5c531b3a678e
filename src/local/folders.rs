//! Folders in the place of buckets: the whole function without AWS.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};

use crate::config::{Location, S3Prefix, StorageOptions};
use crate::deadline::Deadline;
use crate::ingest::Destination;
use crate::object::ObjectRef;
use crate::source::{Body, Cause, Source, SourceError};
use crate::trigger::ObjectRequest;
use crate::world::{NoSuchPlace, World};

use super::files::{CHUNK, md5_of};
use super::{Directory, Stdout};

/// A world of folders. Where there is a root, each of its folders is a bucket of that name; without one, there are no
/// buckets.
#[derive(Debug, Clone)]
pub struct Folders {
    root: Option<PathBuf>,
}

/// A file that is read as an object.
#[derive(Debug)]
struct FileBody {
    object: ObjectRef,
    file: File,
    bytes: u64,
    /// Bytes that are still to come.
    left: u64,
    buffer: Vec<u8>,
}

impl Folders {
    /// The folders below the root as buckets, if there is a root.
    pub const fn new(root: Option<PathBuf>) -> Self {
        Self { root }
    }

    /// The path of a key, if it stays below the root: a key of S3 may hold `..`, and a path must not follow it.
    fn path(&self, bucket: &str, key: &str) -> Option<PathBuf> {
        let below = |text: &str| {
            let mut parts = Path::new(text).components();
            parts.all(|part| matches!(part, Component::Normal(_)))
        };
        if bucket.is_empty() || !below(bucket) || !below(key) {
            return None;
        }
        Some(self.root.as_ref()?.join(bucket).join(key))
    }
}

impl World for Folders {
    fn source(&self, _options: &StorageOptions, _deadline: Deadline) -> Box<dyn Source> {
        Box::new(self.clone())
    }

    fn destination(
        &self,
        location: &Location,
        _options: &StorageOptions,
        _deadline: Deadline,
    ) -> Result<Box<dyn Destination>, NoSuchPlace> {
        let no = |why| NoSuchPlace {
            location: location.clone(),
            why,
        };
        match location {
            Location::Directory(path) => Ok(Box::new(Directory::new(path.clone()))),
            Location::Stdout => Ok(Box::new(Stdout)),
            Location::Firehose { .. } => Err(no("there are no streams without AWS; name a directory")),
            Location::S3(S3Prefix { bucket, prefix }) => {
                let Some(root) = &self.root else {
                    return Err(no(
                        "there are no buckets without AWS; name a directory, or a --bucket-root",
                    ));
                };
                let path = self.path(bucket, prefix).unwrap_or_else(|| root.join(bucket));
                Ok(Box::new(Directory::new(path)))
            }
        }
    }
}

impl Source for Folders {
    fn open(&self, object: &ObjectRequest) -> Result<Box<dyn Body>, SourceError> {
        let keys = std::iter::once(&object.key).chain(&object.alternative_key);
        let found = keys.filter_map(|key| Some((key, self.path(&object.bucket, key)?)));
        for (key, path) in found {
            if path.is_file() {
                return FileBody::open(object, key, &path)
                    .map(|body| Box::new(body) as Box<dyn Body>)
                    .map_err(|error| unreachable(&object.bucket, key, &error));
            }
        }
        Err(SourceError {
            bucket: object.bucket.clone(),
            key: object.key.clone(),
            cause: Cause::Missing,
            text: match &self.root {
                Some(root) => format!("there is no such file below {}", root.display()),
                None => "there are no buckets without AWS; name a --bucket-root".to_owned(),
            },
        })
    }
}

impl FileBody {
    fn open(request: &ObjectRequest, key: &str, path: &Path) -> io::Result<Self> {
        let etag = md5_of(File::open(path)?, CHUNK)?;
        let file = File::open(path)?;
        let bytes = file.metadata()?.len();
        Ok(Self {
            object: request.identity(key, &etag),
            file,
            bytes,
            left: bytes,
            buffer: vec![0; CHUNK],
        })
    }
}

impl Body for FileBody {
    fn object(&self) -> &ObjectRef {
        &self.object
    }

    fn bytes(&self) -> Option<u64> {
        Some(self.bytes)
    }

    fn next_chunk(&mut self) -> Result<Option<&[u8]>, SourceError> {
        let read = loop {
            match self.file.read(&mut self.buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        match read {
            Ok(0) if self.left == 0 => Ok(None),
            Ok(0) => {
                let error = io::Error::from(io::ErrorKind::UnexpectedEof);
                Err(unreachable(&self.object.bucket, &self.object.key, &error))
            }
            Ok(len) => {
                self.left = self.left.saturating_sub(len as u64);
                Ok(self.buffer.get(..len))
            }
            Err(error) => Err(unreachable(&self.object.bucket, &self.object.key, &error)),
        }
    }
}

fn unreachable(bucket: &str, key: &str, error: &io::Error) -> SourceError {
    SourceError {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        cause: Cause::Unreachable,
        text: format!("cannot read: {error}"),
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
        let folders = Folders::new(Some(root.path().to_path_buf()));
        let open = |bucket: &str, key: &str, other: Option<&str>| {
            folders.open(&ObjectRequest {
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
            assert_eq!(error.cause, Cause::Missing, "{bucket} {key}");
        }
        let mut body = open("logs", "a/x+y+z.log", Some("a/x y+z.log")).ok().unwrap();
        assert_eq!(body.object().key, "a/x y+z.log");
        assert_eq!(body.object().version, "827ccb0eea8a706c4c34a16891f84e7b");
        assert_eq!(body.next_chunk().unwrap(), Some(&b"12345"[..]));
        assert_eq!(body.next_chunk().unwrap(), None);
    }
}
