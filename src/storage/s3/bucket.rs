//! The requests to a bucket that outputs are written to.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};

use crate::deadline::Deadline;
use crate::object::{ObjectRef, unquoted};
use crate::schema::mapping::Schema;
use crate::storage::aws::Clients;
use crate::storage::aws::error::{Class, Context, Failure, Resource};
use crate::storage::{Operation, S3WriteOptions, StorageError};

use super::metadata::{self, Pairs};

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

    /// Returns the schema of the events that are written.
    pub(super) const fn schema(&self) -> Schema {
        self.options.schema
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

    /// Writes an object in one request.
    pub(super) fn put(&self, key: &str, metadata: Pairs, body: ByteStream) -> Result<(), Failure> {
        let mut put = self
            .clients
            .writes()
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .set_expected_bucket_owner(self.options.owner.clone())
            .set_if_none_match(self.create_only())
            .content_type(content_type(key));
        for (name, value) in metadata {
            put = put.metadata(name, value);
        }
        self.clients.call(self.deadline, put.body(body).send())?;
        Ok(())
    }

    /// Starts a multipart upload; returns its id.
    pub(super) fn begin(&self, key: &str, metadata: Pairs) -> Result<String, Failure> {
        let checksums = self.clients.sends_checksums();
        let mut create = self
            .clients
            .writes()
            .create_multipart_upload()
            .bucket(&self.bucket)
            .key(key)
            .set_expected_bucket_owner(self.options.owner.clone())
            .set_checksum_algorithm(checksums.then_some(ChecksumAlgorithm::Crc32))
            .content_type(content_type(key));
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

    /// Completes a multipart upload, which makes its parts one object.
    pub(super) fn complete(&self, key: &str, upload: &str, parts: &[CompletedPart]) -> Result<(), Failure> {
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
        self.clients.call(self.deadline, complete.send())?;
        Ok(())
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

    /// Inspects the existing object, if there is one.
    pub(super) fn head(&self, key: &str, source: &ObjectRef) -> Result<Option<Existing>, Failure> {
        let head = self
            .clients
            .reads()
            .head_object()
            .bucket(&self.bucket)
            .key(key)
            .set_expected_bucket_owner(self.options.owner.clone());
        let head = match self.clients.call(self.deadline, head.send()) {
            Err(failure) if failure.class == Class::NotFound => return Ok(None),
            other => other?,
        };
        let value = |name: &str| head.metadata()?.get(name).map(String::as_str);
        Ok(Some(Existing {
            bytes: head.content_length().unwrap_or_default().unsigned_abs(),
            etag: unquoted(head.e_tag().unwrap_or_default()).to_owned(),
            of_source: metadata::is_of(source, value),
            sha256: metadata::sha256(value).map(str::to_owned),
        }))
    }
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
