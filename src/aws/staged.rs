//! An output on its way into S3.
//!
//! Up to the size of a part it is held back, and is one create-only request at its commit. What is larger goes out part by
//! part while its source is still read, and is seen by nobody until its parts are completed, create-only as well.

use std::io::{self, Write};
use std::thread::ThreadId;
use std::time::Duration;

use aws_sdk_s3::types::CompletedPart;
use md5::{Digest as _, Md5};
use sha2::Sha256;
use tokio::runtime::Handle;

use crate::ingest::{Committed, DestinationError, Ledger, Staged};
use crate::object::{ObjectRef, hex};

use super::buffer::{Buffer, Content};
use super::destination::{Existing, S3Destination};
use super::errors::{Action, Class, Failure};
use super::metadata;

/// The most parts of a multipart upload.
const MAX_PARTS: usize = 10_000;
/// The most time for giving up an upload, which is done beyond the deadline, too.
const ABORT: Duration = Duration::from_secs(5);

/// An output that nobody sees yet.
///
/// An encoder does not always hand on what went wrong, so that taking bytes never fails here: the first failure is kept,
/// later bytes are passed over, and the commit tells it.
pub(super) struct StagedObject {
    destination: S3Destination,
    key: String,
    source: ObjectRef,
    buffer: Buffer,
    hash: Sha256,
    bytes: u64,
    upload: Option<Upload>,
    failed: Option<DestinationError>,
}

/// A multipart upload that is begun and neither completed nor given up.
struct Upload {
    id: String,
    parts: Vec<CompletedPart>,
    /// The thread that works on it, which may wait.
    thread: ThreadId,
}

impl StagedObject {
    pub(super) fn new(destination: S3Destination, key: String, source: ObjectRef) -> Self {
        Self {
            buffer: Buffer::new(destination.budget()),
            destination,
            key,
            source,
            hash: Sha256::new(),
            bytes: 0,
            upload: None,
            failed: None,
        }
    }

    fn error(&self, failure: &Failure) -> DestinationError {
        self.destination.error(Action::Write, &self.key, failure)
    }

    fn permanent(&self, text: impl Into<String>) -> DestinationError {
        DestinationError {
            source: text.into().into(),
            retryable: false,
            ..self.error(&Failure::own(Class::Other))
        }
    }

    /// Takes bytes, and sends a part once more than a part has come.
    fn take(&mut self, mut bytes: &[u8]) -> Result<(), DestinationError> {
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        let part = self.destination.clients().tuning().part as u64;
        while !bytes.is_empty() {
            let room = part.saturating_sub(self.buffer.len());
            if room == 0 {
                self.send_part()?;
                continue;
            }
            let room = usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len());
            let (now, later) = bytes.split_at(room);
            let pushed = self.buffer.push(now);
            pushed.map_err(|_| self.error(&Failure::own(Class::Local)))?;
            bytes = later;
        }
        Ok(())
    }

    fn content(&mut self) -> Result<Content, DestinationError> {
        let taken = self.buffer.take();
        taken.map_err(|_| self.error(&Failure::own(Class::Local)))
    }

    /// Sends what is gathered as a part, and begins the upload with the first one.
    fn send_part(&mut self) -> Result<(), DestinationError> {
        let content = self.content()?;
        if self.upload.is_none() {
            let metadata = metadata::of_source(&self.source, self.destination.schema());
            let id = self.destination.begin(&self.key, metadata);
            let id = id.map_err(|failure| self.error(&failure))?;
            self.upload = Some(Upload {
                id,
                parts: Vec::new(),
                thread: std::thread::current().id(),
            });
        }
        let parts = self.upload.as_ref().map_or(0, |upload| upload.parts.len());
        if parts >= MAX_PARTS {
            return Err(self.permanent("it has more parts than S3 takes; split the log object"));
        }
        let Some(upload) = &mut self.upload else { return Ok(()) };
        let number = i32::try_from(parts + 1).unwrap_or(i32::MAX);
        let sent = body(&self.destination, &content)
            .and_then(|body| self.destination.part(&self.key, &upload.id, number, body));
        match sent {
            Ok(part) => upload.parts.push(part),
            Err(failure) => return Err(self.error(&failure)),
        }
        Ok(())
    }

    /// Makes a small output visible.
    fn put(&mut self, ledger: &Ledger) -> Result<Committed, DestinationError> {
        let content = self.content()?;
        let sha256 = hex(&self.hash.clone().finalize());
        let metadata = metadata::complete(&self.source, self.destination.schema(), ledger, &sha256);
        self.commit_with(|staged| {
            let body = body(&staged.destination, &content)?;
            staged.destination.put(&staged.key, metadata.clone(), body)
        })
    }

    /// Makes a large output visible.
    fn complete(&mut self) -> Result<Committed, DestinationError> {
        if self.buffer.len() > 0 {
            self.send_part()?;
        }
        let committed = self.commit_with(|staged| match &staged.upload {
            Some(upload) => staged.destination.complete(&staged.key, &upload.id, &upload.parts),
            None => Err(Failure::own(Class::NoUpload)),
        })?;
        if let Committed::Written(_) = committed {
            self.upload = None;
        }
        Ok(committed)
    }

    /// Writes until the output is there, or it is clear that it will not be.
    fn commit_with(&mut self, write: impl Fn(&Self) -> Result<(), Failure>) -> Result<Committed, DestinationError> {
        let mut tries = 0;
        loop {
            let failure = match write(self) {
                Ok(()) => return Ok(Committed::Written(self.bytes)),
                Err(failure) => failure,
            };
            let may_be_there = match failure.class {
                Class::Precondition => !self.destination.overwrites(),
                // The completion whose answer was lost, or an upload that somebody gave up.
                Class::NoUpload => true,
                _ => failure.is_ambiguous() && !self.destination.deadline().has_passed(),
            };
            if may_be_there && let Some(committed) = self.settle(&failure)? {
                return Ok(committed);
            }
            let again = matches!(failure.class, Class::Conflict | Class::Precondition);
            if !again || tries >= self.destination.clients().tuning().again {
                return Err(self.error(&match failure.class {
                    Class::Precondition => Failure::own(Class::Conflict),
                    _ => failure,
                }));
            }
            tries += 1;
            self.destination.clients().back_off(tries, self.destination.deadline());
        }
    }

    /// What is there after a write that was refused for it, or whose answer was lost.
    fn settle(&self, failure: &Failure) -> Result<Option<Committed>, DestinationError> {
        let existing = match self.destination.look(&self.key, &self.source) {
            Ok(Some(existing)) => existing,
            // Gone in the meantime, or never there.
            Ok(None) => return Ok(None),
            // The write's own failure says more, unless all depends on what is there.
            Err(_) if failure.class != Class::Precondition => return Ok(None),
            Err(look) => return Err(self.destination.error(Action::Look, &self.key, &look)),
        };
        if self.destination.overwrites() {
            return Ok(self.is_same(&existing, true).then_some(Committed::Written(self.bytes)));
        }
        if !existing.of_source {
            let text = "an object is there that is no output of this log object, and stays as it is; name another destination, or remove it";
            return Err(self.permanent(text));
        }
        let same = self.is_same(&existing, self.source.version.is_empty());
        Ok(Some(Committed::AlreadyThere { same }))
    }

    /// Whether what is there has the bytes of this output. Large outputs are known by equal etags of equal parts. Under a
    /// KMS key etags are random; then an equal source and length are enough, unless it has to be proven.
    fn is_same(&self, existing: &Existing, proven: bool) -> bool {
        if !existing.of_source || existing.bytes != self.bytes {
            return false;
        }
        match (&existing.sha256, &self.upload) {
            (Some(sha256), _) => *sha256 == hex(&self.hash.clone().finalize()),
            (None, Some(upload)) => !proven || etag_of(&upload.parts).as_ref() == Some(&existing.etag),
            // Written in parts of another size, by another version of this program.
            (None, None) => !proven,
        }
    }
}

/// The etag of an object that is made of these parts: the MD5 of their MD5s, and their number.
fn etag_of(parts: &[CompletedPart]) -> Option<String> {
    let mut hash = Md5::new();
    for part in parts {
        let etag = part.e_tag()?.trim_matches('"');
        let digits = etag.as_bytes().chunks(2).map(|digits| {
            let digits = str::from_utf8(digits).ok()?;
            u8::from_str_radix(digits, 16).ok()
        });
        hash.update(digits.collect::<Option<Vec<u8>>>()?);
    }
    Some(format!("{}-{}", hex(&hash.finalize()), parts.len()))
}

fn body(destination: &S3Destination, content: &Content) -> Result<aws_sdk_s3::primitives::ByteStream, Failure> {
    let body = destination.clients().within(destination.deadline(), content.body())?;
    body.map_err(|_| Failure::own(Class::Local))
}

impl Write for StagedObject {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.failed.is_none() {
            self.failed = self.take(bytes).err();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Staged for StagedObject {
    fn commit(mut self: Box<Self>, ledger: &Ledger) -> Result<Committed, DestinationError> {
        if let Some(failed) = self.failed.take() {
            return Err(failed);
        }
        // Each request looks at the deadline, too; none is even prepared behind it.
        if self.destination.deadline().has_passed() {
            return Err(self.error(&Failure::deadline()));
        }
        if self.upload.is_some() {
            self.complete()
        } else {
            self.put(ledger)
        }
    }
}

impl Drop for StagedObject {
    /// Gives up the upload that is not completed.
    fn drop(&mut self) {
        let Some(upload) = self.upload.take() else { return };
        let may_wait = upload.thread == std::thread::current().id() || Handle::try_current().is_err();
        let (destination, key) = (self.destination.clone(), std::mem::take(&mut self.key));
        let aborted = async move {
            let abort = tokio::time::timeout(ABORT, destination.abort(&key, &upload.id));
            if !matches!(abort.await, Ok(Ok(()))) {
                tracing::warn!(
                    key = %key.escape_debug(),
                    "a multipart upload could not be aborted; a lifecycle rule (AbortIncompleteMultipartUpload) removes it"
                );
            }
        };
        let runtime = self.destination.clients().runtime();
        if may_wait {
            runtime.block_on(aborted);
        } else {
            // Perhaps a thread that drives a runtime, which must not wait for it.
            runtime.spawn(aborted);
        }
    }
}
