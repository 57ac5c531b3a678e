//! A prefix of a bucket as a store of small files.

use std::io::Read;

use crate::storage::aws::error::{Class, Failure};
use crate::storage::{Creation, Files, OpenFile, Operation, Publication, StagedName, StorageError, Store};

use super::bucket::OutputBucket;
use super::files::{self, FileListing};
use super::metadata;

/// The files below a prefix of a bucket.
#[derive(Debug)]
pub(super) struct S3Store {
    bucket: OutputBucket,
    prefix: String,
}

impl S3Store {
    /// Creates the store of a bucket whose writes never replace an object.
    pub(super) fn new(bucket: OutputBucket, prefix: &str) -> Self {
        Self {
            bucket,
            prefix: prefix.to_owned(),
        }
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn error(&self, operation: Operation, key: &str, failure: &Failure) -> StorageError {
        self.bucket.error(operation, key, failure)
    }

    /// Uploads a file in parts and completes it; returns its etag.
    fn upload(
        &self,
        key: &str,
        name: &str,
        pairs: metadata::Pairs,
        content: &mut dyn Read,
    ) -> Result<String, StorageError> {
        let failed = |failure: &Failure| self.error(Operation::Write, key, failure);
        let upload = self
            .bucket
            .begin_like(key, name, pairs)
            .map_err(|failure| failed(&failure))?;
        let result = self.parts(key, &upload, content);
        let result = result.and_then(|parts| {
            self.bucket.attempt(
                || self.bucket.complete(key, &upload, &parts),
                |failure| failure.class == Class::Conflict,
            )
        });
        match result {
            Ok(etag) => Ok(etag),
            Err(failure) => {
                // A lifecycle rule removes what cannot be aborted.
                let abort = self.bucket.abort(key, &upload);
                let _ = self.bucket.clients().within(self.bucket.deadline(), abort);
                if failure.class == Class::Precondition || failure.class == Class::NoUpload {
                    return self.staged_etag(key).map_err(|failure| failed(&failure));
                }
                Err(failed(&failure))
            }
        }
    }

    fn parts(
        &self,
        key: &str,
        upload: &str,
        content: &mut dyn Read,
    ) -> Result<Vec<aws_sdk_s3::types::CompletedPart>, Failure> {
        let size = self.bucket.clients().tuning().part as u64;
        let mut parts = Vec::new();
        loop {
            let mut part = Vec::new();
            let read = content.take(size).read_to_end(&mut part);
            read.map_err(|_| Failure::client_side(Class::TemporaryFile))?;
            if part.is_empty() {
                return Ok(parts);
            }
            let number = i32::try_from(parts.len() + 1).unwrap_or(i32::MAX);
            parts.push(self.bucket.part(key, upload, number, part.into())?);
        }
    }

    /// Returns the etag of a staged file that exists. Its name is the hash of its bytes, so it is the same file.
    fn staged_etag(&self, key: &str) -> Result<String, Failure> {
        let found = self.bucket.inspect(key)?;
        found
            .map(|found| found.etag)
            .ok_or_else(|| Failure::client_side(Class::Conflict))
    }

    /// Returns what an existing object at the name of a staged file means.
    fn existing(&self, staged: &StagedName, bytes: u64, key: &str) -> Result<Publication, StorageError> {
        let found = self.bucket.inspect(key);
        let found = found.map_err(|failure| self.error(Operation::Inspect, key, &failure))?;
        match found {
            None => Ok(Publication::Missing),
            Some(found) if found.bytes == bytes && found.sha256.as_deref() == Some(staged.0.as_str()) => {
                Ok(Publication::Exists)
            }
            Some(_) => {
                let place = self.bucket.resource(key).to_string();
                Err(StorageError::occupied(place, "a different object"))
            }
        }
    }
}

impl Store for S3Store {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StorageError> {
        let key = self.key(name);
        let is_broken = |failure: &Failure| matches!(failure.class, Class::BrokenBody | Class::Checksum);
        match self.bucket.attempt(|| self.bucket.get(&key), is_broken) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(failure) if failure.class == Class::NotFound => Ok(None),
            Err(failure) => Err(self.error(Operation::Read, &key, &failure)),
        }
    }

    fn create(&self, name: &str, bytes: &[u8]) -> Result<Creation, StorageError> {
        let key = self.key(name);
        // 409: another request about the same key is in progress, and only its end shows which one created the object.
        let put = self.bucket.attempt(
            || self.bucket.put(&key, Vec::new(), bytes.to_vec().into()),
            |failure| failure.class == Class::Conflict,
        );
        match put {
            Ok(_) => Ok(Creation::Created),
            Err(failure) if failure.class == Class::Precondition => Ok(Creation::Exists),
            Err(failure) => Err(self.error(Operation::Write, &key, &failure)),
        }
    }

    fn names(&self, folder: &str) -> Result<Vec<String>, StorageError> {
        let folder = self.key(folder);
        let names = self.bucket.names(&folder);
        names.map_err(|failure| self.error(Operation::List, &folder, &failure))
    }

    fn files(&self, folder: &str) -> Result<Files, StorageError> {
        Ok(Box::new(FileListing::open(&self.bucket, &self.prefix, folder)?))
    }

    fn open(&self, name: &str) -> Result<Option<OpenFile>, StorageError> {
        files::open(&self.bucket, &self.key(name))
    }

    fn is_empty(&self) -> Result<bool, StorageError> {
        let is_empty = self.bucket.is_empty(&self.prefix);
        is_empty.map_err(|failure| self.error(Operation::List, &self.prefix, &failure))
    }

    fn stage(
        &self,
        staged: &StagedName,
        name: &str,
        bytes: u64,
        content: &mut dyn Read,
    ) -> Result<String, StorageError> {
        let key = self.key(&staged.path());
        let pairs = metadata::of_merge(self.bucket.settings(), &staged.0);
        let part = self.bucket.clients().tuning().part as u64;
        if bytes > part {
            return self.upload(&key, name, pairs, content);
        }
        let mut body = Vec::new();
        let failed = |failure: &Failure| self.error(Operation::Write, &key, failure);
        let read = content.read_to_end(&mut body);
        read.map_err(|_| failed(&Failure::client_side(Class::TemporaryFile)))?;
        let put = self.bucket.attempt(
            || self.bucket.put_like(&key, name, pairs.clone(), body.clone().into()),
            |failure| failure.class == Class::Conflict,
        );
        match put {
            Ok(etag) => Ok(etag),
            Err(failure) if failure.class == Class::Precondition => {
                self.staged_etag(&key).map_err(|failure| failed(&failure))
            }
            Err(failure) => Err(failed(&failure)),
        }
    }

    fn publish(&self, staged: &StagedName, etag: &str, bytes: u64, name: &str) -> Result<Publication, StorageError> {
        let (from, to) = (self.key(&staged.path()), self.key(name));
        let copied = self.bucket.attempt(
            || self.bucket.copy(&from, etag, &to),
            |failure| failure.class == Class::Conflict,
        );
        match copied {
            Ok(()) => Ok(Publication::Published),
            // Of the source or of the target; or a copy whose response was lost.
            Err(failure)
                if matches!(failure.class, Class::NotFound | Class::Precondition) || failure.is_ambiguous() =>
            {
                match self.existing(staged, bytes, &to)? {
                    Publication::Missing if failure.is_ambiguous() => Err(self.error(Operation::Write, &to, &failure)),
                    found => Ok(found),
                }
            }
            Err(failure) => Err(self.error(Operation::Write, &to, &failure)),
        }
    }

    /// Does nothing: a lifecycle rule removes staged files, and deleting them would need a permission that nothing else needs.
    fn discard(&self, _staged: &StagedName) {}
}
