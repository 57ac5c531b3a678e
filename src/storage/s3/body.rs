//! An S3 object that is being read: one version of it, every byte once, however often the connection breaks.
//!
//! The SDK retries a request up to the head of its response; this module recovers from failures after that. It requests
//! the remaining bytes with the etag of those that came, so two versions of an object never mix.

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;

use crate::object::{ObjectRef, ObjectRequest, unquoted};
use crate::storage::aws::error::{Class, Failure};
use crate::storage::{Body, Operation, StorageError};

use super::access::ReadAccess;

/// How often an object that is overwritten before its first byte came is requested anew.
const MAX_PINS: u32 = 3;

/// The version of an object written while its bucket had no versioning. The next such write has it, too.
const NO_VERSION: &str = "null";

/// An open S3 object.
#[derive(Debug)]
pub(super) struct S3Body {
    access: ReadAccess,
    object: ObjectRef,
    /// The version that is read, if it has one.
    version: Option<String>,
    /// The etag that is read, without quotes; unknown before the first response if the event did not give it.
    etag: Option<String>,
    /// The properties of the object from the first response.
    found: Option<Found>,
    stream: Option<ByteStream>,
    /// The number of bytes received.
    reached: u64,
    /// The number of bytes that the stream repeats before the next new one.
    skip: u64,
    /// The number of attempts so far to read the object.
    attempts: u32,
    /// The number of times that another etag had to be requested.
    pinned: u32,
    /// Whether the caller knows the object's identity: it must not change any more.
    is_open: bool,
    /// The first bytes, received while opening.
    next: Option<Bytes>,
    chunk: Bytes,
}

/// The properties of an object that must not change while it is read.
#[derive(Debug)]
struct Found {
    bytes: u64,
    version: Option<String>,
}

impl S3Body {
    /// Requests an object and waits for its first bytes.
    pub(super) fn open(access: ReadAccess, request: &ObjectRequest, key: &str) -> Result<Self, StorageError> {
        let mut body = Self {
            access,
            object: request.identity(key, ""),
            version: request.version_id.clone(),
            etag: request.etag.clone(),
            found: None,
            stream: None,
            reached: 0,
            skip: 0,
            attempts: 1,
            pinned: 0,
            is_open: false,
            next: None,
            chunk: Bytes::new(),
        };
        body.next = body.fill()?;
        body.object = request.identity(key, body.etag.as_deref().unwrap_or_default());
        body.is_open = true;
        Ok(body)
    }

    fn error(&self, failure: &Failure) -> StorageError {
        let ObjectRef { bucket, key, .. } = &self.object;
        let versioned = self.version.is_some();
        self.access.error(Operation::Read, (bucket, key), versioned, failure)
    }

    /// Returns the next bytes, after as many requests as it takes.
    fn fill(&mut self) -> Result<Option<Bytes>, StorageError> {
        loop {
            let failure = match self.step() {
                Ok(Some(bytes)) if bytes.is_empty() => continue,
                Ok(next) => return Ok(next),
                Err(failure) => failure,
            };
            self.stream = None;
            if failure.class == Class::Precondition {
                self.pin_again()?;
            } else if self.may_resume(&failure) {
                let ObjectRef { bucket, key, .. } = &self.object;
                tracing::info!(%bucket, key = %key.escape_debug(), reached = self.reached, why = ?failure.class, "requesting the rest of an object");
                self.access.clients().back_off(self.attempts, self.access.deadline());
                self.attempts += 1;
            } else {
                return Err(self.error(&failure));
            }
        }
    }

    fn may_resume(&self, failure: &Failure) -> bool {
        let is_broken = match failure.class {
            Class::BrokenBody | Class::Stalled | Class::InvalidResponse => true,
            Class::Deadline | Class::Checksum => false,
            // The SDK has retried this already; if bytes have come, it is worth more attempts.
            _ => self.found.is_some() && failure.is_retryable(),
        };
        let policy = &self.access.clients().tuning().retry;
        is_broken && policy.allows_another(self.attempts) && !self.access.deadline().has_passed()
    }

    /// Returns the next bytes of the stream, and requests the stream first if there is none.
    fn step(&mut self) -> Result<Option<Bytes>, Failure> {
        let bytes = match &self.found {
            Some(found) if self.stream.is_some() => found.bytes,
            _ => self.request()?,
        };
        let Some(stream) = &mut self.stream else {
            return Err(Failure::client_side(Class::BrokenBody));
        };
        let (clients, deadline) = (self.access.clients(), self.access.deadline());
        let idle = clients.tuning().idle;
        // A timer has to be created inside the runtime.
        let next = clients.within(deadline, async { tokio::time::timeout(idle, stream.next()).await })?;
        match next {
            Err(_) => Err(Failure::client_side(Class::Stalled)),
            Ok(None) if self.reached == bytes && self.skip == 0 => Ok(None),
            // After the last byte only the comparison of checksums can fail.
            Ok(Some(Err(_))) if self.reached == bytes => Err(Failure::client_side(Class::Checksum)),
            Ok(None | Some(Err(_))) => Err(Failure::client_side(Class::BrokenBody)),
            Ok(Some(Ok(mut piece))) => {
                let again = usize::try_from(self.skip).unwrap_or(usize::MAX).min(piece.len());
                drop(piece.split_to(again));
                self.skip -= again as u64;
                self.reached += piece.len() as u64;
                if self.reached > bytes {
                    return Err(Failure::client_side(Class::Checksum));
                }
                Ok(Some(piece))
            }
        }
    }

    /// Requests the bytes that have not come; returns the length of the whole object.
    fn request(&mut self) -> Result<u64, Failure> {
        let access = &self.access;
        let mut get = access
            .clients()
            .reads()
            .get_object()
            .bucket(&self.object.bucket)
            .key(&self.object.key)
            .set_version_id(self.version.clone())
            .set_request_payer(access.payer())
            .set_expected_bucket_owner(access.owner());
        // The etag of a version never changes, so the one in an event needs no check.
        let is_fixed = self.version.as_deref().is_some_and(|version| version != NO_VERSION);
        if let Some(etag) = &self.etag
            && (!is_fixed || self.found.is_some())
        {
            get = get.if_match(format!("\"{etag}\""));
        }
        if self.reached > 0 {
            get = get.range(format!("bytes={}-", self.reached));
        }
        let response = access.clients().call(access.deadline(), get.send())?;
        self.accept(response, is_fixed)
    }

    /// Checks that a response matches the request.
    fn accept(&mut self, response: GetObjectOutput, is_fixed: bool) -> Result<u64, Failure> {
        let invalid = || Failure::client_side(Class::InvalidResponse);
        let length = response.content_length().and_then(|length| u64::try_from(length).ok());
        let length = length.ok_or_else(invalid)?;
        let etag = response.e_tag().map(unquoted).ok_or_else(invalid)?;
        let is_other = self.etag.as_deref().is_some_and(|wanted| wanted != etag);
        if is_other && (!is_fixed || self.found.is_some()) {
            return Err(invalid());
        }
        // A server without ranges repeats the bytes that have already come.
        let (start, bytes) = match response.content_range() {
            Some(range) => range_of(range, length).ok_or_else(invalid)?,
            None => (0, length),
        };
        let is_as_before = self.found.as_ref().is_none_or(|found| found.bytes == bytes);
        if !is_as_before || (start != 0 && start != self.reached) {
            return Err(invalid());
        }
        self.skip = self.reached - start;
        self.etag = Some(etag.to_owned());
        if self.found.is_none() {
            let version = response.version_id().filter(|version| *version != NO_VERSION);
            self.found = Some(Found {
                bytes,
                version: version.map(str::to_owned),
            });
        }
        self.stream = Some(response.body);
        Ok(bytes)
    }

    /// Chooses another version or etag after the requested etag is gone.
    fn pin_again(&mut self) -> Result<(), StorageError> {
        let seen = self.found.as_ref().and_then(|found| found.version.clone());
        if self.version.is_none() && seen.is_some() {
            // The new version hides it, but it still exists.
            self.warn("the object was overwritten; continuing with the version that was begun");
            self.version = seen;
            return Ok(());
        }
        if self.is_open || self.reached > 0 {
            return Err(self.error(&Failure::client_side(Class::Overwritten)));
        }
        self.pinned += 1;
        if self.pinned > MAX_PINS {
            return Err(self.error(&Failure::client_side(Class::ConcurrentlyModified)));
        }
        self.warn("the object was overwritten since the event; reading the current object");
        let access = &self.access;
        let head = access
            .clients()
            .reads()
            .head_object()
            .bucket(&self.object.bucket)
            .key(&self.object.key)
            .set_version_id(self.version.clone())
            .set_request_payer(access.payer())
            .set_expected_bucket_owner(access.owner());
        let head = access.clients().call(access.deadline(), head.send());
        let head = head.map_err(|failure| self.error(&failure))?;
        self.etag = head.e_tag().map(|etag| unquoted(etag).to_owned());
        self.found = None;
        Ok(())
    }

    fn warn(&self, what: &'static str) {
        let ObjectRef { bucket, key, .. } = &self.object;
        tracing::warn!(%bucket, key = %key.escape_debug(), "{what}");
    }
}

/// Returns the start of a `Content-Range` and the length of the whole object, if the range extends to its end.
fn range_of(range: &str, length: u64) -> Option<(u64, u64)> {
    let (range, whole) = range.strip_prefix("bytes ")?.split_once('/')?;
    let (start, end) = range.split_once('-')?;
    let (start, end, whole): (u64, u64, u64) = (start.parse().ok()?, end.parse().ok()?, whole.parse().ok()?);
    (start <= end && end.checked_add(1)? == whole && whole - start == length).then_some((start, whole))
}

impl Body for S3Body {
    fn object(&self) -> &ObjectRef {
        &self.object
    }

    fn bytes(&self) -> Option<u64> {
        self.found.as_ref().map(|found| found.bytes)
    }

    fn next_chunk(&mut self) -> Result<Option<&[u8]>, StorageError> {
        let Some(found) = self.next.take().map_or_else(|| self.fill(), |next| Ok(Some(next)))? else {
            return Ok(None);
        };
        self.chunk = found;
        Ok(Some(&self.chunk))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_must_extend_to_the_end_of_the_object() {
        assert_eq!(range_of("bytes 10-99/100", 90), Some((10, 100)));
        for (range, length) in [
            ("bytes 10-98/100", 89),
            ("bytes 10-99/100", 91),
            ("bytes 10-99/*", 90),
            ("bytes 10-99", 90),
            ("bytes 100-99/100", 0),
            ("bytes 101-99/100", 0),
            ("bytes 0-18446744073709551615/0", 0),
            ("10-99/100", 90),
        ] {
            assert_eq!(range_of(range, length), None, "{range}");
        }
    }
}
