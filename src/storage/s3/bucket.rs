//! The requests to a bucket that outputs are written to.

use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::operation::list_objects_v2::builders::ListObjectsV2FluentBuilder;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart, EncodingType};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::deadline::Deadline;
use crate::object::{ObjectRef, form_decoded, unquoted};
use crate::storage::aws::Clients;
use crate::storage::aws::error::{Class, Context, Failure, Resource};
use crate::storage::{Operation, Record, S3WriteOptions, StorageError, StoredFile};

use super::metadata::{self, Pairs};

/// The characters that a copy source encodes: all but those that a URL's path has as they are.
const COPY_SOURCE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// A bucket that outputs are written to.
#[derive(Debug, Clone)]
pub(super) struct OutputBucket {
    clients: Clients,
    bucket: String,
    options: S3WriteOptions,
    deadline: Deadline,
}

/// The properties of an existing output.
pub(super) struct Existing {
    pub(super) bytes: u64,
    /// Without quotes.
    pub(super) etag: String,
    /// Whether it is an output of the source.
    pub(super) of_source: bool,
    /// The hash of its bytes, if its metadata has it.
    pub(super) sha256: Option<String>,
}

/// Objects with their keys as names, and the token of the next page.
pub(super) type Page = (Vec<StoredFile>, Option<String>);

/// A range of an object.
pub(super) struct Range {
    pub(super) body: Vec<u8>,
    /// The length of the whole object.
    pub(super) whole: u64,
    /// Without quotes.
    pub(super) etag: String,
    pub(super) record: Record,
}

impl OutputBucket {
    pub(super) fn new(clients: Clients, bucket: &str, options: S3WriteOptions, deadline: Deadline) -> Self {
        Self {
            clients,
            bucket: bucket.to_owned(),
            options,
            deadline,
        }
    }

    pub(super) const fn clients(&self) -> &Clients {
        &self.clients
    }

    pub(super) const fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// Returns what the metadata of outputs names of the settings.
    pub(super) fn settings(&self) -> metadata::Settings<'_> {
        metadata::Settings {
            schema: self.options.schema,
            redact: self.options.redact.as_deref(),
        }
    }

    /// Returns whether existing outputs are replaced.
    pub(super) const fn overwrites(&self) -> bool {
        self.options.overwrite
    }

    /// Returns the error of an output.
    pub(super) fn error(&self, operation: Operation, key: &str, failure: &Failure) -> StorageError {
        failure.to_error(&Context {
            operation,
            resource: self.resource(key),
            region: self.clients.region(),
        })
    }

    /// Returns an object of this bucket as errors name it.
    pub(super) fn resource<'a>(&'a self, key: &'a str) -> Resource<'a> {
        Resource::Object {
            bucket: &self.bucket,
            key,
            versioned: false,
            requester_pays: false,
            owner: self.options.owner.as_deref(),
        }
    }

    /// Returns the condition of a write that creates an object but never replaces one.
    fn create_only(&self) -> Option<String> {
        (!self.options.overwrite).then(|| "*".to_owned())
    }

    /// Writes an object in one request; returns its etag.
    pub(super) fn put(&self, key: &str, metadata: Pairs, body: ByteStream) -> Result<String, Failure> {
        self.put_like(key, key, metadata, body)
    }

    /// Writes an object in one request, with the media type of another name; returns its etag.
    pub(super) fn put_like(&self, key: &str, name: &str, metadata: Pairs, body: ByteStream) -> Result<String, Failure> {
        let mut put = self
            .clients
            .writes()
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .set_expected_bucket_owner(self.options.owner.clone())
            .set_if_none_match(self.create_only())
            .content_type(content_type(name));
        for (name, value) in metadata {
            put = put.metadata(name, value);
        }
        let done = self.clients.call(self.deadline, put.body(body).send())?;
        Ok(etag_of(done.e_tag()))
    }

    /// Starts a multipart upload; returns its id.
    pub(super) fn begin(&self, key: &str, metadata: Pairs) -> Result<String, Failure> {
        self.begin_like(key, key, metadata)
    }

    /// Starts a multipart upload of an object with the media type of another name; returns its id.
    pub(super) fn begin_like(&self, key: &str, name: &str, metadata: Pairs) -> Result<String, Failure> {
        let checksums = self.clients.sends_checksums();
        let mut create = self
            .clients
            .writes()
            .create_multipart_upload()
            .bucket(&self.bucket)
            .key(key)
            .set_expected_bucket_owner(self.options.owner.clone())
            .set_checksum_algorithm(checksums.then_some(ChecksumAlgorithm::Crc32))
            .content_type(content_type(name));
        for (name, value) in metadata {
            create = create.metadata(name, value);
        }
        let created = self.clients.call(self.deadline, create.send())?;
        created.upload_id.ok_or(Failure::client_side(Class::InvalidResponse))
    }

    /// Uploads a part.
    pub(super) fn part(
        &self,
        key: &str,
        upload: &str,
        number: i32,
        body: ByteStream,
    ) -> Result<CompletedPart, Failure> {
        let checksums = self.clients.sends_checksums();
        let part = self
            .clients
            .writes()
            .upload_part()
            .bucket(&self.bucket)
            .key(key)
            .upload_id(upload)
            .part_number(number)
            .set_expected_bucket_owner(self.options.owner.clone())
            .set_checksum_algorithm(checksums.then_some(ChecksumAlgorithm::Crc32))
            .body(body);
        let done = self.clients.call(self.deadline, part.send())?;
        Ok(CompletedPart::builder()
            .part_number(number)
            .set_e_tag(done.e_tag)
            .set_checksum_crc32(done.checksum_crc32)
            .build())
    }

    /// Completes a multipart upload, which makes its parts one object; returns its etag.
    pub(super) fn complete(&self, key: &str, upload: &str, parts: &[CompletedPart]) -> Result<String, Failure> {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.to_vec()));
        let complete = self
            .clients
            .writes()
            .complete_multipart_upload()
            .bucket(&self.bucket)
            .key(key)
            .upload_id(upload)
            .set_expected_bucket_owner(self.options.owner.clone())
            .set_if_none_match(self.create_only())
            .multipart_upload(parts.build());
        let done = self.clients.call(self.deadline, complete.send())?;
        Ok(etag_of(done.e_tag()))
    }

    /// Aborts a multipart upload so that its parts stop accruing charges.
    pub(super) async fn abort(&self, key: &str, upload: &str) -> Result<(), Failure> {
        let abort = self
            .clients
            .reads()
            .abort_multipart_upload()
            .bucket(&self.bucket)
            .key(key)
            .upload_id(upload)
            .set_expected_bucket_owner(self.options.owner.clone());
        match abort.send().await.map_err(|error| Failure::of(&error)) {
            Err(failure) if failure.class != Class::NoUpload => Err(failure),
            _ => Ok(()),
        }
    }

    /// Inspects the existing object, if there is one, as an output of a source.
    pub(super) fn head(&self, key: &str, source: &ObjectRef) -> Result<Option<Existing>, Failure> {
        let head = self.head_object(key)?;
        Ok(head.map(|head| {
            let value = |name: &str| head.metadata()?.get(name).map(String::as_str);
            Existing::new(&head, metadata::is_of(source, value))
        }))
    }

    /// Inspects the existing object, if there is one.
    pub(super) fn inspect(&self, key: &str) -> Result<Option<Existing>, Failure> {
        let head = self.head_object(key)?;
        Ok(head.map(|head| Existing::new(&head, false)))
    }

    fn head_object(&self, key: &str) -> Result<Option<HeadObjectOutput>, Failure> {
        let head = self
            .clients
            .reads()
            .head_object()
            .bucket(&self.bucket)
            .key(key)
            .set_expected_bucket_owner(self.options.owner.clone());
        match self.clients.call(self.deadline, head.send()) {
            Err(failure) if failure.class == Class::NotFound => Ok(None),
            other => Ok(Some(other?)),
        }
    }

    /// Reads a whole object.
    pub(super) fn get(&self, key: &str) -> Result<Vec<u8>, Failure> {
        let get = self
            .clients
            .reads()
            .get_object()
            .bucket(&self.bucket)
            .key(key)
            .set_expected_bucket_owner(self.options.owner.clone());
        let response = self.clients.call(self.deadline, get.send())?;
        let body = self.clients.within(self.deadline, response.body.collect())?;
        let body = body.map_err(|_| Failure::client_side(Class::BrokenBody))?;
        Ok(body.to_vec())
    }

    /// Copies an object with this etag to a key that no object has.
    pub(super) fn copy(&self, from: &str, etag: &str, to: &str) -> Result<(), Failure> {
        let from = utf8_percent_encode(&format!("{}/{from}", self.bucket), COPY_SOURCE).to_string();
        let copy = self
            .clients
            .writes()
            .copy_object()
            .bucket(&self.bucket)
            .key(to)
            .copy_source(from)
            .copy_source_if_match(format!("\"{etag}\""))
            .set_expected_bucket_owner(self.options.owner.clone())
            .set_expected_source_bucket_owner(self.options.owner.clone())
            .set_if_none_match(self.create_only());
        self.clients.call(self.deadline, copy.send())?;
        Ok(())
    }

    /// Returns the names of the objects directly below a folder, without the folder.
    pub(super) fn names(&self, folder: &str) -> Result<Vec<String>, Failure> {
        let mut names = Vec::new();
        let mut token = None;
        loop {
            let (page, next) = self.page_of(self.list(folder).delimiter("/").set_continuation_token(token))?;
            names.extend(
                page.iter()
                    .filter_map(|file| file.name.strip_prefix(folder).map(str::to_owned)),
            );
            token = next;
            if token.is_none() {
                return Ok(names);
            }
        }
    }

    /// Returns a page of the objects below a prefix.
    pub(super) fn page(&self, prefix: &str, token: Option<String>) -> Result<Page, Failure> {
        self.page_of(self.list(prefix).set_continuation_token(token))
    }

    fn page_of(&self, list: ListObjectsV2FluentBuilder) -> Result<Page, Failure> {
        let invalid = || Failure::client_side(Class::InvalidResponse);
        let page = self.clients.call(self.deadline, list.send())?;
        let mut objects = Vec::new();
        for object in page.contents() {
            let key = object.key().and_then(|key| form_decoded(key).ok());
            objects.push(StoredFile {
                name: key.ok_or_else(invalid)?,
                bytes: object.size().unwrap_or_default().unsigned_abs(),
                created: object.last_modified().map(aws_sdk_s3::primitives::DateTime::secs),
            });
        }
        let next = page.next_continuation_token().map(str::to_owned);
        if page.is_truncated() == Some(true) && next.is_none() {
            return Err(invalid());
        }
        Ok((objects, next))
    }

    /// Reads a range of an object; with an etag, only of the object that has it.
    pub(super) fn range(&self, key: &str, range: String, etag: Option<&str>) -> Result<Range, Failure> {
        let get = self
            .clients
            .reads()
            .get_object()
            .bucket(&self.bucket)
            .key(key)
            .range(range)
            .set_if_match(etag.map(|etag| format!("\"{etag}\"")))
            .set_expected_bucket_owner(self.options.owner.clone());
        let response = self.clients.call(self.deadline, get.send())?;
        let whole = response.content_range().and_then(|range| range.rsplit_once('/'));
        let whole = whole.and_then(|(_, whole)| whole.parse().ok());
        let value = |name: &str| response.metadata()?.get(name).map(String::as_str);
        let (record, etag) = (metadata::record(value), etag_of(response.e_tag()));
        let body = self.clients.within(self.deadline, response.body.collect())?;
        let body = body.map_err(|_| Failure::client_side(Class::BrokenBody))?.to_vec();
        Ok(Range {
            // A server that ignores the range sends the whole object.
            whole: whole.unwrap_or(body.len() as u64),
            record,
            etag,
            body,
        })
    }

    /// Repeats a request after a failure that may pass, as often as the retry policy allows.
    pub(super) fn attempt<T>(
        &self,
        request: impl Fn() -> Result<T, Failure>,
        is_passing: impl Fn(&Failure) -> bool,
    ) -> Result<T, Failure> {
        let mut attempts = 1;
        loop {
            match request() {
                Err(failure) if is_passing(&failure) && self.clients.tuning().retry.allows_another(attempts) => {
                    self.clients.back_off(attempts, self.deadline);
                    attempts += 1;
                }
                result => return result,
            }
        }
    }

    /// Returns whether no object is below a prefix.
    pub(super) fn is_empty(&self, prefix: &str) -> Result<bool, Failure> {
        let page = self.clients.call(self.deadline, self.list(prefix).max_keys(1).send())?;
        Ok(page.contents().is_empty())
    }

    fn list(&self, prefix: &str) -> ListObjectsV2FluentBuilder {
        self.clients
            .reads()
            .list_objects_v2()
            .bucket(&self.bucket)
            .prefix(prefix)
            // A key may contain characters that XML cannot represent.
            .encoding_type(EncodingType::Url)
            .set_expected_bucket_owner(self.options.owner.clone())
    }
}

impl Existing {
    fn new(head: &HeadObjectOutput, of_source: bool) -> Self {
        let value = |name: &str| head.metadata()?.get(name).map(String::as_str);
        Self {
            bytes: head.content_length().unwrap_or_default().unsigned_abs(),
            etag: etag_of(head.e_tag()),
            of_source,
            sha256: metadata::sha256(value).map(str::to_owned),
        }
    }
}

fn etag_of(etag: Option<&str>) -> String {
    unquoted(etag.unwrap_or_default()).to_owned()
}

/// Returns the media type of an output. Compressed JSON has no `Content-Encoding`: readers rely on the name, and a
/// client that decompresses automatically would hand them a different file.
fn content_type(key: &str) -> &'static str {
    match key.rsplit('.').next() {
        Some("parquet") => "application/vnd.apache.parquet",
        Some("json") => "application/x-ndjson",
        Some("gz") => "application/gzip",
        Some("zst") => "application/zstd",
        _ => "application/octet-stream",
    }
}
