//! A place in S3 that outputs go to.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};

use crate::config::{S3Prefix, StorageOptions};
use crate::deadline::Deadline;
use crate::ingest::{Destination, DestinationError, Staged};
use crate::object::ObjectRef;
use crate::schema::mapping::Schema;

use super::Clients;
use super::buffer::Budget;
use super::errors::{Action, Failure, Place};
use super::metadata::Pairs;
use super::staged::StagedObject;

/// A prefix of a bucket. See [`StagedObject`] for how an output gets there.
#[derive(Debug, Clone)]
pub(super) struct S3Destination {
    clients: Clients,
    budget: Budget,
    bucket: String,
    prefix: String,
    owner: Option<String>,
    overwrite: bool,
    schema: Schema,
    deadline: Deadline,
}

/// What is known of an output that is there.
pub(super) struct Existing {
    pub(super) bytes: u64,
    /// Without quotes.
    pub(super) etag: String,
    /// Whether it is an output of the source.
    pub(super) of_source: bool,
    /// The hash of its bytes, where its metadata tells it.
    pub(super) sha256: Option<String>,
}

impl S3Destination {
    pub(super) fn new(
        clients: Clients,
        budget: Budget,
        place: &S3Prefix,
        options: &StorageOptions,
        deadline: Deadline,
    ) -> Self {
        Self {
            clients,
            budget,
            bucket: place.bucket.clone(),
            prefix: place.prefix.clone(),
            owner: options.destination_owner.clone(),
            overwrite: options.overwrite,
            schema: options.schema,
            deadline,
        }
    }

    pub(super) const fn clients(&self) -> &Clients {
        &self.clients
    }

    pub(super) const fn deadline(&self) -> Deadline {
        self.deadline
    }

    pub(super) const fn budget(&self) -> &Budget {
        &self.budget
    }

    /// The schema of the events that are written.
    pub(super) const fn schema(&self) -> Schema {
        self.schema
    }

    /// Whether what is there is replaced.
    pub(super) const fn overwrites(&self) -> bool {
        self.overwrite
    }

    /// The error of an output.
    pub(super) fn error(&self, action: Action, key: &str, failure: &Failure) -> DestinationError {
        failure.of_destination(Place {
            action,
            bucket: &self.bucket,
            key,
            versioned: false,
            requester_pays: false,
            owner: self.owner.as_deref(),
            region: self.clients.region(),
        })
    }

    /// The condition of a write that makes an object and never replaces one.
    fn create_only(&self) -> Option<String> {
        (!self.overwrite).then(|| "*".to_owned())
    }

    /// Writes an object in one request.
    pub(super) fn put(&self, key: &str, metadata: Pairs, body: ByteStream) -> Result<(), Failure> {
        let mut put = self
            .clients
            .writes()
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .set_expected_bucket_owner(self.owner.clone())
            .set_if_none_match(self.create_only())
            .content_type(content_type(key));
        for (name, value) in metadata {
            put = put.metadata(name, value);
        }
        self.clients.call(self.deadline, put.body(body).send())?;
        Ok(())
    }

    /// Begins a multipart upload; gives its id.
    pub(super) fn begin(&self, key: &str, metadata: Pairs) -> Result<String, Failure> {
        let checksums = self.clients.sends_checksums();
        let mut create = self
            .clients
            .writes()
            .create_multipart_upload()
            .bucket(&self.bucket)
            .key(key)
            .set_expected_bucket_owner(self.owner.clone())
            .set_checksum_algorithm(checksums.then_some(ChecksumAlgorithm::Crc32))
            .content_type(content_type(key));
        for (name, value) in metadata {
            create = create.metadata(name, value);
        }
        let created = self.clients.call(self.deadline, create.send())?;
        created.upload_id.ok_or(Failure::own(super::errors::Class::Nonsense))
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
            .set_expected_bucket_owner(self.owner.clone())
            .set_checksum_algorithm(checksums.then_some(ChecksumAlgorithm::Crc32))
            .body(body);
        let done = self.clients.call(self.deadline, part.send())?;
        Ok(CompletedPart::builder()
            .part_number(number)
            .set_e_tag(done.e_tag)
            .set_checksum_crc32(done.checksum_crc32)
            .build())
    }

    /// Makes an object of the parts.
    pub(super) fn complete(&self, key: &str, upload: &str, parts: &[CompletedPart]) -> Result<(), Failure> {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.to_vec()));
        let complete = self
            .clients
            .writes()
            .complete_multipart_upload()
            .bucket(&self.bucket)
            .key(key)
            .upload_id(upload)
            .set_expected_bucket_owner(self.owner.clone())
            .set_if_none_match(self.create_only())
            .multipart_upload(parts.build());
        self.clients.call(self.deadline, complete.send())?;
        Ok(())
    }

    /// Gives up a multipart upload: its parts are paid for until then.
    pub(super) async fn abort(&self, key: &str, upload: &str) -> Result<(), Failure> {
        let abort = self
            .clients
            .reads()
            .abort_multipart_upload()
            .bucket(&self.bucket)
            .key(key)
            .upload_id(upload)
            .set_expected_bucket_owner(self.owner.clone());
        match abort.send().await.map_err(|error| Failure::of(&error)) {
            Err(failure) if failure.class != super::errors::Class::NoUpload => Err(failure),
            _ => Ok(()),
        }
    }

    /// Looks at the object that is there.
    pub(super) fn look(&self, key: &str, source: &ObjectRef) -> Result<Option<Existing>, Failure> {
        let head = self
            .clients
            .reads()
            .head_object()
            .bucket(&self.bucket)
            .key(key)
            .set_expected_bucket_owner(self.owner.clone());
        let head = match self.clients.call(self.deadline, head.send()) {
            Err(failure) if failure.class == super::errors::Class::Missing => return Ok(None),
            other => other?,
        };
        let metadata = |name: &str| head.metadata()?.get(name).map(String::as_str);
        Ok(Some(Existing {
            bytes: head.content_length().unwrap_or_default().unsigned_abs(),
            etag: head.e_tag().unwrap_or_default().trim_matches('"').to_owned(),
            of_source: super::metadata::is_of(source, metadata),
            sha256: super::metadata::sha256(metadata).map(str::to_owned),
        }))
    }
}

impl Destination for S3Destination {
    fn stage(&self, key: &str, source: &ObjectRef) -> Result<Box<dyn Staged>, DestinationError> {
        let key = format!("{}{key}", self.prefix);
        Ok(Box::new(StagedObject::new(self.clone(), key, source.clone())))
    }
}

/// The media type of an output. Compressed JSON has no `Content-Encoding`: readers go by the name, and a client that
/// decompresses on its own would leave them with another file.
fn content_type(key: &str) -> &'static str {
    match key.rsplit('.').next() {
        Some("parquet") => "application/vnd.apache.parquet",
        Some("json") => "application/x-ndjson",
        Some("gz") => "application/gzip",
        Some("zst") => "application/zstd",
        _ => "application/octet-stream",
    }
}
