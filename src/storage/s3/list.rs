//! The objects of a bucket.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::object::{ObjectRequest, form_decoded, unquoted};
use crate::storage::aws::error::{Class, Failure};
use crate::storage::{Entry, Operation, S3Prefix, Source, StorageError};
use aws_sdk_s3::types::EncodingType;

use super::access::ReadAccess;

/// The objects below a prefix, page by page, in the order of their keys. Pages after the first are requested on the
/// way; if one fails, the listing ends with its error.
pub(super) struct ObjectListing {
    access: ReadAccess,
    /// The source that opens the objects.
    source: Arc<dyn Source>,
    bucket: String,
    prefix: String,
    page: VecDeque<ObjectRequest>,
    next: Next,
}

/// Returns the names of the folders directly below a prefix.
pub(super) fn folders(access: &ReadAccess, place: &S3Prefix) -> Result<Vec<String>, StorageError> {
    let failed = |failure: &Failure| {
        let place = (place.bucket.as_str(), place.prefix.as_str());
        access.error(Operation::List, place, false, failure)
    };
    let invalid = || failed(&Failure::client_side(Class::InvalidResponse));
    let clients = access.clients();
    let mut names = Vec::new();
    let mut token = None;
    loop {
        let list = clients
            .reads()
            .list_objects_v2()
            .bucket(&place.bucket)
            .prefix(&place.prefix)
            .delimiter("/")
            .encoding_type(EncodingType::Url)
            .set_continuation_token(token)
            .set_request_payer(access.payer())
            .set_expected_bucket_owner(access.owner());
        let response = clients.call(access.deadline(), list.send());
        let response = response.map_err(|failure| failed(&failure))?;
        for folder in response.common_prefixes() {
            let folder = folder.prefix().and_then(|prefix| form_decoded(prefix).ok());
            let name = folder.as_deref().and_then(|folder| folder.strip_prefix(&place.prefix));
            let name = name.and_then(|name| name.strip_suffix('/')).ok_or_else(invalid)?;
            names.push(name.to_owned());
        }
        token = response.next_continuation_token().map(str::to_owned);
        if token.is_none() {
            return if response.is_truncated() == Some(true) {
                Err(invalid())
            } else {
                Ok(names)
            };
        }
    }
}

#[derive(Debug)]
enum Next {
    Page(Option<String>),
    End,
}

impl ObjectListing {
    /// Starts with the first page. A key that an object has is that object; any other is a folder.
    pub(super) fn open(
        access: ReadAccess,
        source: Arc<dyn Source>,
        bucket: &str,
        key: &str,
    ) -> Result<Self, StorageError> {
        let mut listing = Self {
            access,
            source,
            bucket: bucket.to_owned(),
            prefix: key.to_owned(),
            page: VecDeque::new(),
            next: Next::Page(None),
        };
        if !key.is_empty() && !key.ends_with('/') {
            if let Some(object) = listing.head(key)? {
                listing.page.push_back(object);
                listing.next = Next::End;
                return Ok(listing);
            }
            listing.prefix.push('/');
        }
        listing.request_page(None)?;
        Ok(listing)
    }

    fn error(&self, failure: &Failure) -> StorageError {
        let place = (self.bucket.as_str(), self.prefix.as_str());
        self.access.error(Operation::List, place, false, failure)
    }

    /// Returns the object of exactly this key.
    fn head(&self, key: &str) -> Result<Option<ObjectRequest>, StorageError> {
        let (clients, access) = (self.access.clients(), &self.access);
        let head = clients
            .reads()
            .head_object()
            .bucket(&self.bucket)
            .key(key)
            .set_request_payer(access.payer())
            .set_expected_bucket_owner(access.owner());
        match clients.call(access.deadline(), head.send()) {
            Ok(head) => Ok(Some(self.object(key.to_owned(), head.content_length(), head.e_tag()))),
            // Without s3:ListBucket, S3 denies access to a missing object; the listing shows which it is.
            Err(failure) if matches!(failure.class, Class::NotFound | Class::Denied) => Ok(None),
            Err(failure) => Err(self.error(&failure)),
        }
    }

    fn object(&self, key: String, bytes: Option<i64>, etag: Option<&str>) -> ObjectRequest {
        ObjectRequest {
            bucket: self.bucket.clone(),
            key,
            etag: etag.map(|etag| unquoted(etag).to_owned()),
            size: bytes.and_then(|bytes| u64::try_from(bytes).ok()),
            ..ObjectRequest::default()
        }
    }

    fn request_page(&mut self, token: Option<String>) -> Result<(), StorageError> {
        let (clients, access) = (self.access.clients(), &self.access);
        let list = clients
            .reads()
            .list_objects_v2()
            .bucket(&self.bucket)
            .prefix(&self.prefix)
            // A key may contain characters that XML cannot represent.
            .encoding_type(EncodingType::Url)
            .set_continuation_token(token)
            .set_request_payer(access.payer())
            .set_expected_bucket_owner(access.owner());
        let response = clients.call(access.deadline(), list.send());
        let response = response.map_err(|failure| self.error(&failure))?;
        let invalid = || self.error(&Failure::client_side(Class::InvalidResponse));
        let mut page = VecDeque::new();
        for object in response.contents() {
            let key = object
                .key()
                .and_then(|key| form_decoded(key).ok())
                .ok_or_else(invalid)?;
            page.push_back(self.object(key, object.size(), object.e_tag()));
        }
        let next = response.next_continuation_token().map(str::to_owned);
        if response.is_truncated() == Some(true) && next.is_none() {
            return Err(invalid());
        }
        self.next = next.map_or(Next::End, |token| Next::Page(Some(token)));
        self.page = page;
        Ok(())
    }
}

impl Iterator for ObjectListing {
    type Item = Result<Entry, StorageError>;

    /// Returns the next object, with the etag that the page gives it.
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(object) = self.page.pop_front() {
                let source = Arc::clone(&self.source);
                let place = format!("s3://{}/{}", object.bucket, object.key).into_bytes();
                return Some(Ok(Entry { object, place, source }));
            }
            match std::mem::replace(&mut self.next, Next::End) {
                Next::End => return None,
                Next::Page(token) => {
                    if let Err(error) = self.request_page(token) {
                        return Some(Err(error));
                    }
                }
            }
        }
    }
}
