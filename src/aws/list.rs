//! The objects of a bucket, for the command line.

use std::collections::VecDeque;

use aws_sdk_s3::types::EncodingType;
use percent_encoding::percent_decode_str;

use crate::source::SourceError;
use crate::trigger::ObjectRequest;

use super::errors::{Action, Class, Failure};
use super::source::S3Source;

/// The objects below a place, page by page, in the order of their keys.
#[derive(Debug)]
pub struct Listing {
    source: S3Source,
    bucket: String,
    prefix: String,
    page: VecDeque<ObjectRequest>,
    next: Next,
}

#[derive(Debug)]
enum Next {
    Page(Option<String>),
    End,
}

impl Listing {
    /// Begins with the first page. A place that is the key of an object is that object; otherwise it is a folder.
    pub(super) fn open(source: S3Source, bucket: &str, place: &str) -> Result<Self, SourceError> {
        let mut listing = Self {
            source,
            bucket: bucket.to_owned(),
            prefix: place.to_owned(),
            page: VecDeque::new(),
            next: Next::Page(None),
        };
        if !place.is_empty() && !place.ends_with('/') {
            if let Some(object) = listing.look(place)? {
                listing.page.push_back(object);
                listing.next = Next::End;
                return Ok(listing);
            }
            listing.prefix.push('/');
        }
        listing.turn(None)?;
        Ok(listing)
    }

    fn error(&self, failure: &Failure) -> SourceError {
        self.source
            .error(Action::List, &self.bucket, &self.prefix, false, failure)
    }

    /// The object of exactly this key.
    fn look(&self, key: &str) -> Result<Option<ObjectRequest>, SourceError> {
        let (clients, source) = (self.source.clients(), &self.source);
        let head = clients
            .reads()
            .head_object()
            .bucket(&self.bucket)
            .key(key)
            .set_request_payer(source.payer())
            .set_expected_bucket_owner(source.owner());
        match clients.call(source.deadline(), head.send()) {
            Ok(head) => Ok(Some(self.object(key.to_owned(), head.content_length(), head.e_tag()))),
            // Without leave to list, what is not there is denied; the listing tells which it is.
            Err(failure) if matches!(failure.class, Class::Missing | Class::Denied) => Ok(None),
            Err(failure) => Err(self.error(&failure)),
        }
    }

    fn object(&self, key: String, bytes: Option<i64>, etag: Option<&str>) -> ObjectRequest {
        ObjectRequest {
            bucket: self.bucket.clone(),
            key,
            etag: etag.map(|etag| etag.trim_matches('"').to_owned()),
            size: bytes.and_then(|bytes| u64::try_from(bytes).ok()),
            ..ObjectRequest::default()
        }
    }

    /// Asks for a page.
    fn turn(&mut self, token: Option<String>) -> Result<(), SourceError> {
        let (clients, source) = (self.source.clients(), &self.source);
        let list = clients
            .reads()
            .list_objects_v2()
            .bucket(&self.bucket)
            .prefix(&self.prefix)
            // A key may hold characters that XML has not.
            .encoding_type(EncodingType::Url)
            .set_continuation_token(token)
            .set_request_payer(source.payer())
            .set_expected_bucket_owner(source.owner());
        let answer = clients.call(source.deadline(), list.send());
        let answer = answer.map_err(|failure| self.error(&failure))?;
        let nonsense = || self.error(&Failure::own(Class::Nonsense));
        let mut page = VecDeque::new();
        for object in answer.contents() {
            let key = object.key().and_then(decode).ok_or_else(nonsense)?;
            page.push_back(self.object(key, object.size(), object.e_tag()));
        }
        let next = answer.next_continuation_token().map(str::to_owned);
        if answer.is_truncated() == Some(true) && next.is_none() {
            return Err(nonsense());
        }
        self.next = next.map_or(Next::End, |token| Next::Page(Some(token)));
        self.page = page;
        Ok(())
    }
}

/// A key as S3 writes it with `encoding-type=url`.
fn decode(key: &str) -> Option<String> {
    let spaced = key.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(Into::into)
}

impl Iterator for Listing {
    type Item = Result<ObjectRequest, SourceError>;

    /// The next object, to be read as it is listed: with the etag that the page tells. After an error comes nothing.
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(object) = self.page.pop_front() {
                return Some(Ok(object));
            }
            match std::mem::replace(&mut self.next, Next::End) {
                Next::End => return None,
                Next::Page(token) => {
                    if let Err(error) = self.turn(token) {
                        return Some(Err(error));
                    }
                }
            }
        }
    }
}
