//! An object of S3 that is being read: one version of it, every byte once, however often the connection breaks.
//!
//! The SDK tries a request again until the head of its answer; what breaks behind that is mended here. The rest of the
//! bytes is asked for with the etag of those that came, so that two versions of an object never mix.

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;

use crate::object::ObjectRef;
use crate::source::{Body, SourceError};
use crate::trigger::ObjectRequest;

use super::errors::{Action, Class, Failure};
use super::source::S3Source;

/// How often an object that is overwritten before its first byte came is asked for anew.
const MAX_PINS: u32 = 3;

/// The version of an object that was put while its bucket had no versions. The next such put has it, too.
const NO_VERSION: &str = "null";

/// An object that is being read.
#[derive(Debug)]
pub(super) struct S3Body {
    source: S3Source,
    object: ObjectRef,
    /// The version that is read, where it has one.
    version: Option<String>,
    /// The etag that is read, without quotes; unknown before the first answer where no event told it.
    etag: Option<String>,
    /// What the first answer said of the object.
    found: Option<Found>,
    stream: Option<ByteStream>,
    /// Bytes that have come, and bytes that come again before the next new one.
    reached: u64,
    skip: u64,
    /// How often the rest was asked for, and how often another etag had to be.
    resumed: u32,
    pinned: u32,
    /// Whether somebody knows which object this is.
    is_open: bool,
    next: Option<Bytes>,
    chunk: Bytes,
}

#[derive(Debug)]
struct Found {
    bytes: u64,
    version: Option<String>,
}

impl S3Body {
    /// Asks for an object, up to its first bytes.
    pub(super) fn open(source: S3Source, request: &ObjectRequest, key: &str) -> Result<Self, SourceError> {
        let mut body = Self {
            source,
            object: request.identity(key, ""),
            version: request.version_id.clone(),
            etag: request.etag.clone(),
            found: None,
            stream: None,
            reached: 0,
            skip: 0,
            resumed: 0,
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

    fn error(&self, failure: &Failure) -> SourceError {
        let ObjectRef { bucket, key, .. } = &self.object;
        let versioned = self.version.is_some();
        self.source.error(Action::Read, bucket, key, versioned, failure)
    }

    /// The next bytes, whatever it takes.
    fn fill(&mut self) -> Result<Option<Bytes>, SourceError> {
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
                self.resumed += 1;
                let ObjectRef { bucket, key, .. } = &self.object;
                tracing::info!(%bucket, key = %key.escape_debug(), reached = self.reached, why = ?failure.class, "asking for the rest of an object");
                self.source.clients().back_off(self.resumed, self.source.deadline());
            } else {
                return Err(self.error(&failure));
            }
        }
    }

    fn may_resume(&self, failure: &Failure) -> bool {
        let is_broken = match failure.class {
            Class::BrokenBody | Class::Stalled | Class::Nonsense => true,
            Class::Deadline | Class::Checksum => false,
            // The SDK has tried this already; where bytes have come, it is worth more.
            _ => self.found.is_some() && failure.is_retryable(),
        };
        is_broken && self.resumed < self.source.clients().tuning().again && !self.source.deadline().has_passed()
    }

    /// Takes what comes next of the stream, and asks for the stream first where there is none.
    fn step(&mut self) -> Result<Option<Bytes>, Failure> {
        let bytes = match &self.found {
            Some(found) if self.stream.is_some() => found.bytes,
            _ => self.ask()?,
        };
        let Some(stream) = &mut self.stream else {
            return Err(Failure::own(Class::BrokenBody));
        };
        let (clients, deadline) = (self.source.clients(), self.source.deadline());
        let idle = clients.tuning().idle;
        // A timer is made inside of the runtime.
        let next = clients.within(deadline, async { tokio::time::timeout(idle, stream.next()).await })?;
        match next {
            Err(_) => Err(Failure::own(Class::Stalled)),
            Ok(None) if self.reached == bytes && self.skip == 0 => Ok(None),
            // Behind the last byte nothing breaks but the comparison of checksums.
            Ok(Some(Err(_))) if self.reached == bytes => Err(Failure::own(Class::Checksum)),
            Ok(None | Some(Err(_))) => Err(Failure::own(Class::BrokenBody)),
            Ok(Some(Ok(mut piece))) => {
                let again = usize::try_from(self.skip).unwrap_or(usize::MAX).min(piece.len());
                drop(piece.split_to(again));
                self.skip -= again as u64;
                self.reached += piece.len() as u64;
                if self.reached > bytes {
                    return Err(Failure::own(Class::Checksum));
                }
                Ok(Some(piece))
            }
        }
    }

    /// Asks for the bytes that have not come; gives the length of the whole object.
    fn ask(&mut self) -> Result<u64, Failure> {
        let source = &self.source;
        let mut get = source
            .clients()
            .reads()
            .get_object()
            .bucket(&self.object.bucket)
            .key(&self.object.key)
            .set_version_id(self.version.clone())
            .set_request_payer(source.payer())
            .set_expected_bucket_owner(source.owner());
        // A version has one etag for ever, and what an event says of it needs no check.
        let is_fixed = self.version.as_deref().is_some_and(|version| version != NO_VERSION);
        if let Some(etag) = &self.etag
            && (!is_fixed || self.found.is_some())
        {
            get = get.if_match(format!("\"{etag}\""));
        }
        if self.reached > 0 {
            get = get.range(format!("bytes={}-", self.reached));
        }
        let answer = source.clients().call(source.deadline(), get.send())?;
        self.accept(answer, is_fixed)
    }

    /// Checks that an answer is what was asked for.
    fn accept(&mut self, answer: GetObjectOutput, is_fixed: bool) -> Result<u64, Failure> {
        let nonsense = || Failure::own(Class::Nonsense);
        let length = answer.content_length().and_then(|length| u64::try_from(length).ok());
        let length = length.ok_or_else(nonsense)?;
        let etag = answer.e_tag().map(|etag| etag.trim_matches('"')).ok_or_else(nonsense)?;
        let is_other = self.etag.as_deref().is_some_and(|wanted| wanted != etag);
        if is_other && (!is_fixed || self.found.is_some()) {
            return Err(nonsense());
        }
        // Where a server knows no ranges, the bytes that have come already come again.
        let (start, bytes) = match answer.content_range() {
            Some(range) => range_of(range, length).ok_or_else(nonsense)?,
            None => (0, length),
        };
        let is_as_before = self.found.as_ref().is_none_or(|found| found.bytes == bytes);
        if !is_as_before || (start != 0 && start != self.reached) {
            return Err(nonsense());
        }
        self.skip = self.reached - start;
        self.etag = Some(etag.to_owned());
        if self.found.is_none() {
            let version = answer.version_id().filter(|version| *version != NO_VERSION);
            self.found = Some(Found {
                bytes,
                version: version.map(str::to_owned),
            });
        }
        self.stream = Some(answer.body);
        Ok(bytes)
    }

    /// After the etag that was asked for is gone.
    fn pin_again(&mut self) -> Result<(), SourceError> {
        let seen = self.found.as_ref().and_then(|found| found.version.clone());
        if self.version.is_none() && seen.is_some() {
            // It lies under the new one.
            self.warn("the object was overwritten; going on with the version that was begun");
            self.version = seen;
            return Ok(());
        }
        if self.is_open || self.reached > 0 {
            return Err(self.error(&Failure::own(Class::Overwritten)));
        }
        self.pinned += 1;
        if self.pinned > MAX_PINS {
            return Err(self.error(&Failure::own(Class::Restless)));
        }
        self.warn("the object was overwritten since the event; reading what is there now");
        let source = &self.source;
        let head = source
            .clients()
            .reads()
            .head_object()
            .bucket(&self.object.bucket)
            .key(&self.object.key)
            .set_version_id(self.version.clone())
            .set_request_payer(source.payer())
            .set_expected_bucket_owner(source.owner());
        let head = source.clients().call(source.deadline(), head.send());
        let head = head.map_err(|failure| self.error(&failure))?;
        self.etag = head.e_tag().map(|etag| etag.trim_matches('"').to_owned());
        self.found = None;
        Ok(())
    }

    fn warn(&self, what: &'static str) {
        let ObjectRef { bucket, key, .. } = &self.object;
        tracing::warn!(%bucket, key = %key.escape_debug(), "{what}");
    }
}

/// The start of a `Content-Range`, and the length of the whole object, if the range goes on to its end.
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

    fn next_chunk(&mut self) -> Result<Option<&[u8]>, SourceError> {
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
    fn a_range_goes_to_the_end_of_the_object() {
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
