//! An output on its way to S3.
//!
//! Up to the size of a part it is buffered, and is one create-only request at its commit. A larger output is uploaded
//! part by part while its source is still being read, and is invisible until its parts are completed, create-only as
//! well.

use std::io::{self, Write};

use aws_sdk_s3::types::CompletedPart;
use md5::{Digest as _, Md5};
use sha2::Sha256;

use crate::object::{Counts, ObjectRef, hex, unquoted};
use crate::storage::aws::error::{Class, Failure};
use crate::storage::{Committed, ErrorKind, Operation, Staged, StorageError};

use super::aborts::Aborts;
use super::bucket::{Existing, OutputBucket};
use super::buffer::{Buffer, Content, MemoryBudget};
use super::metadata;

/// The maximum number of parts of a multipart upload.
const MAX_PARTS: usize = 10_000;

/// An output that no reader sees yet.
pub(super) struct StagedObject {
    bucket: OutputBucket,
    key: String,
    source: ObjectRef,
    buffer: Buffer,
    hash: Sha256,
    bytes: u64,
    upload: Option<Upload>,
    aborts: Aborts,
    /// The kind of the error that a write failed with.
    failed: Option<ErrorKind>,
}

/// A multipart upload that is neither completed nor aborted.
struct Upload {
    id: String,
    parts: Vec<CompletedPart>,
}

impl StagedObject {
    pub(super) fn new(
        bucket: OutputBucket,
        budget: &MemoryBudget,
        aborts: Aborts,
        key: String,
        source: ObjectRef,
    ) -> Self {
        Self {
            buffer: Buffer::new(budget),
            bucket,
            key,
            source,
            hash: Sha256::new(),
            bytes: 0,
            upload: None,
            aborts,
            failed: None,
        }
    }

    fn error(&self, failure: &Failure) -> StorageError {
        self.bucket.error(Operation::Write, &self.key, failure)
    }

    /// Returns an error that S3 did not report.
    fn own_error(&self, kind: ErrorKind, message: &str) -> StorageError {
        let place = self.bucket.resource(&self.key).to_string();
        StorageError::new(Operation::Write, place, kind, message)
    }

    /// Returns the error of every use after the first failure.
    fn already_failed(&self, kind: ErrorKind) -> StorageError {
        StorageError::already_failed(self.bucket.resource(&self.key).to_string(), kind)
    }

    /// Takes bytes, and sends a part once more bytes than a part have come.
    fn take(&mut self, mut bytes: &[u8]) -> Result<(), StorageError> {
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        let part = self.bucket.clients().tuning().part as u64;
        while !bytes.is_empty() {
            let room = part.saturating_sub(self.buffer.len());
            if room == 0 {
                self.send_part()?;
                continue;
            }
            let room = usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len());
            let (now, later) = bytes.split_at(room);
            let pushed = self.buffer.push(now);
            pushed.map_err(|_| self.error(&Failure::client_side(Class::TemporaryFile)))?;
            bytes = later;
        }
        Ok(())
    }

    /// Sends the buffer as a part; the first one starts the upload.
    fn send_part(&mut self) -> Result<(), StorageError> {
        let content = self.buffer.take();
        if self.upload.is_none() {
            let metadata = metadata::of_source(&self.source, self.bucket.settings());
            let id = self.bucket.begin(&self.key, metadata);
            let id = id.map_err(|failure| self.error(&failure))?;
            self.upload = Some(Upload { id, parts: Vec::new() });
        }
        let parts = self.upload.as_ref().map_or(0, |upload| upload.parts.len());
        if parts >= MAX_PARTS {
            let message = "the output has more parts than S3 allows; split the log object";
            return Err(self.own_error(ErrorKind::TooLarge, message));
        }
        let Some(upload) = &mut self.upload else { return Ok(()) };
        let number = i32::try_from(parts + 1).unwrap_or(i32::MAX);
        let sent = body(&self.bucket, &content).and_then(|body| self.bucket.part(&self.key, &upload.id, number, body));
        match sent {
            Ok(part) => upload.parts.push(part),
            Err(failure) => return Err(self.error(&failure)),
        }
        Ok(())
    }

    /// Makes a small output visible.
    fn put(&mut self, counts: &Counts) -> Result<Committed, StorageError> {
        let content = self.buffer.take();
        let sha256 = hex(&self.hash.clone().finalize());
        let metadata = metadata::complete(&self.source, self.bucket.settings(), counts, &sha256);
        self.commit_with(|staged| {
            let body = body(&staged.bucket, &content)?;
            staged.bucket.put(&staged.key, metadata.clone(), body)
        })
    }

    /// Makes a large output visible.
    fn complete(&mut self) -> Result<Committed, StorageError> {
        if self.buffer.len() > 0 {
            self.send_part()?;
        }
        let committed = self.commit_with(|staged| match &staged.upload {
            Some(upload) => staged.bucket.complete(&staged.key, &upload.id, &upload.parts),
            None => Err(Failure::client_side(Class::NoUpload)),
        })?;
        if let Committed::Written(_) = committed {
            self.upload = None;
        }
        Ok(committed)
    }

    /// Writes until the output exists, or it is certain that it will not.
    fn commit_with(&mut self, write: impl Fn(&Self) -> Result<String, Failure>) -> Result<Committed, StorageError> {
        let mut attempts = 1;
        loop {
            let Err(failure) = write(self) else {
                return Ok(Committed::Written(self.bytes));
            };
            let may_exist = match failure.class {
                Class::Precondition => !self.bucket.overwrites(),
                // A completion whose response was lost, or an upload that a lifecycle rule aborted.
                Class::NoUpload => true,
                _ => failure.is_ambiguous() && !self.bucket.deadline().has_passed(),
            };
            if may_exist && let Some(committed) = self.resolve_conflict(&failure)? {
                return Ok(committed);
            }
            let is_conflict = matches!(failure.class, Class::Conflict | Class::Precondition);
            let clients = self.bucket.clients();
            if !is_conflict || !clients.tuning().retry.allows_another(attempts) {
                return Err(self.error(&match failure.class {
                    Class::Precondition => Failure::client_side(Class::Conflict),
                    _ => failure,
                }));
            }
            clients.back_off(attempts, self.bucket.deadline());
            attempts += 1;
        }
    }

    /// Inspects the existing object after a write that was refused because of it, or whose response was lost.
    fn resolve_conflict(&self, failure: &Failure) -> Result<Option<Committed>, StorageError> {
        let existing = match self.bucket.head(&self.key, &self.source) {
            Ok(Some(existing)) => existing,
            // Deleted in the meantime, or never written.
            Ok(None) => return Ok(None),
            // The write's own failure is more helpful, unless the existing object is the only cause.
            Err(_) if failure.class != Class::Precondition => return Ok(None),
            Err(head) => return Err(self.bucket.error(Operation::Inspect, &self.key, &head)),
        };
        if self.bucket.overwrites() {
            return Ok(self.is_same(&existing, true).then_some(Committed::Written(self.bytes)));
        }
        if !existing.of_source {
            let place = self.bucket.resource(&self.key).to_string();
            return Err(StorageError::occupied(place, "a different object"));
        }
        let identical = self.is_same(&existing, self.source.version.is_empty());
        Ok(Some(Committed::AlreadyExists { identical }))
    }

    /// Returns whether the existing object has the bytes of this output. Large outputs are compared by the etags of
    /// their parts. With a KMS key etags are random; then an equal source and length are enough, unless it has to be
    /// proven.
    fn is_same(&self, existing: &Existing, proven: bool) -> bool {
        if !existing.of_source || existing.bytes != self.bytes {
            return false;
        }
        match (&existing.sha256, &self.upload) {
            (Some(sha256), _) => *sha256 == hex(&self.hash.clone().finalize()),
            (None, Some(upload)) => !proven || etag_of(&upload.parts).as_ref() == Some(&existing.etag),
            // Written in parts of another size by another version of this program.
            (None, None) => !proven,
        }
    }
}

/// Returns the etag of an object that consists of these parts: the MD5 of their MD5s, and their number.
fn etag_of(parts: &[CompletedPart]) -> Option<String> {
    let mut hash = Md5::new();
    for part in parts {
        let etag = unquoted(part.e_tag()?);
        let digits = etag.as_bytes().chunks(2).map(|digits| {
            let digits = str::from_utf8(digits).ok()?;
            u8::from_str_radix(digits, 16).ok()
        });
        hash.update(digits.collect::<Option<Vec<u8>>>()?);
    }
    Some(format!("{}-{}", hex(&hash.finalize()), parts.len()))
}

fn body(bucket: &OutputBucket, content: &Content) -> Result<aws_sdk_s3::primitives::ByteStream, Failure> {
    let body = bucket.clients().within(bucket.deadline(), content.body())?;
    body.map_err(|_| Failure::client_side(Class::TemporaryFile))
}

impl Write for StagedObject {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(kind) = self.failed {
            return Err(self.already_failed(kind).into());
        }
        match self.take(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(error) => {
                self.failed = Some(error.kind);
                Err(error.into())
            }
        }
    }

    /// Does nothing: parts are sent when they are full.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Staged for StagedObject {
    fn commit(mut self: Box<Self>, counts: &Counts) -> Result<Committed, StorageError> {
        if let Some(kind) = self.failed {
            return Err(self.already_failed(kind));
        }
        // Each request checks the deadline, too; after it, none is even prepared.
        if self.bucket.deadline().has_passed() {
            return Err(self.error(&Failure::deadline()));
        }
        if self.upload.is_some() {
            self.complete()
        } else {
            self.put(counts)
        }
    }
}

impl Drop for StagedObject {
    /// Aborts the upload if it is not completed.
    fn drop(&mut self) {
        if let Some(upload) = self.upload.take() {
            let key = std::mem::take(&mut self.key);
            self.aborts.start(self.bucket.clone(), key, upload.id);
        }
    }
}
