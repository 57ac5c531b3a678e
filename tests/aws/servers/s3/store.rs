//! The store of the S3 server.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use md5::{Digest as _, Md5};

use super::super::fault::Op;
use super::super::http::Call;
use super::Target;
use super::answer::Refusal;
use super::body::Algorithm;

/// The options of a bucket. The default is the client's own bucket, without versioning, in the client's region.
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of a bucket")]
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) versioned: bool,
    /// Archived keys: reads return 403 `InvalidObjectState`.
    pub(crate) archived: Vec<String>,
    /// Requests without `x-amz-request-payer: requester` return 403.
    pub(crate) requester_pays: bool,
    /// The account that owns the bucket: requests with another `x-amz-expected-bucket-owner` return 403.
    pub(crate) owner: String,
    /// The caller lacks s3:ListBucket: a missing key returns 403 instead of 404.
    pub(crate) missing_is_403: bool,
    /// The caller must not use the bucket's KMS key: reads and writes return 403.
    pub(crate) kms_denied: bool,
    /// The bucket's region: requests signed for another return 301.
    pub(crate) region: String,
    /// Whether S3 has a CRC-64/NVME of every object and sends it with complete reads.
    pub(crate) checksums: bool,
    /// The maximum size of a page of a listing; 1,000 on AWS.
    pub(crate) page: usize,
    /// Whether a write replaces an object in spite of `If-None-Match: *`, as some servers other than AWS's do.
    pub(crate) ignores_conditions: bool,
    /// Whether a repeated `CompleteMultipartUpload` of the same upload returns 200 instead of 404. AWS does both.
    pub(crate) completes_again: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            versioned: false,
            archived: Vec::new(),
            requester_pays: false,
            owner: "111122223333".to_owned(),
            missing_is_403: false,
            kms_denied: false,
            region: "us-east-1".to_owned(),
            checksums: true,
            page: 1000,
            ignores_conditions: false,
            completes_again: false,
        }
    }
}

/// A version of an object.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) body: Bytes,
    /// Without quotes.
    pub(crate) etag: String,
    pub(crate) version: Option<String>,
    /// `content-type`, `content-encoding`, `x-amz-meta-…` and their like.
    pub(crate) headers: BTreeMap<String, String>,
    /// The name and the value of the checksum header.
    pub(crate) checksum: Option<(&'static str, String)>,
    pub(crate) modified: Timestamp,
    /// A delete marker.
    pub(crate) deleted: bool,
}

impl Object {
    pub(super) fn new(body: Bytes, headers: BTreeMap<String, String>) -> Self {
        Self {
            etag: hex(&Md5::digest(&body)),
            body,
            version: None,
            headers,
            checksum: None,
            modified: Timestamp::now(),
            deleted: false,
        }
    }

    /// Returns the user metadata, without `x-amz-meta-`.
    pub(crate) fn metadata(&self) -> BTreeMap<String, String> {
        let own =
            |(name, value): (&String, &String)| Some((name.strip_prefix("x-amz-meta-")?.to_owned(), value.clone()));
        self.headers.iter().filter_map(own).collect()
    }
}

pub(super) struct Part {
    pub(super) body: Bytes,
    pub(super) etag: String,
    pub(super) md5: [u8; 16],
    pub(super) checksum: Option<String>,
}

pub(super) struct Upload {
    pub(super) key: String,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) algorithm: Option<Algorithm>,
    pub(super) whole: bool,
    pub(super) parts: BTreeMap<u32, Part>,
}

/// An open multipart upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OpenUpload {
    pub(crate) id: String,
    pub(crate) key: String,
    /// The sizes of its parts, by number.
    pub(crate) parts: BTreeMap<u32, usize>,
}

#[derive(Default)]
pub(super) struct Bucket {
    pub(super) options: Options,
    /// Versions by key, the latest last.
    pub(super) objects: BTreeMap<String, Vec<Object>>,
    pub(super) uploads: BTreeMap<String, Upload>,
    /// Completed uploads: the key and the etag of their objects.
    pub(super) completed: BTreeMap<String, (String, String)>,
    counter: u64,
}

impl Bucket {
    pub(super) fn number(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// Makes an object the latest version.
    pub(super) fn add(&mut self, key: &str, mut object: Object) -> &Object {
        if self.options.versioned {
            object.version = Some(format!("version.{:06}", self.number()));
        }
        if object.checksum.is_none() && self.options.checksums && !object.deleted {
            let sum = Algorithm::Crc64Nvme.of(&object.body);
            object.checksum = Some((Algorithm::Crc64Nvme.header(), BASE64_STANDARD.encode(sum)));
        }
        let versions = self.objects.entry(key.to_owned()).or_default();
        if !self.options.versioned {
            versions.clear();
        }
        versions.push(object);
        versions.last().unwrap()
    }

    /// Returns the version of the delete marker.
    pub(super) fn delete(&mut self, key: &str) -> Option<String> {
        if !self.options.versioned {
            self.objects.remove(key);
            return None;
        }
        let mut marker = Object::new(Bytes::new(), BTreeMap::new());
        marker.deleted = true;
        self.add(key, marker).version.clone()
    }

    pub(super) fn current(&self, key: &str) -> Option<&Object> {
        self.objects.get(key)?.last().filter(|object| !object.deleted)
    }

    pub(super) fn latest(&self) -> impl Iterator<Item = (&String, &Object)> {
        let latest = self
            .objects
            .iter()
            .filter_map(|(key, versions)| Some((key, versions.last()?)));
        latest.filter(|(_, object)| !object.deleted)
    }

    pub(super) fn open_uploads(&self) -> Vec<OpenUpload> {
        let uploads = self.uploads.iter();
        uploads
            .map(|(id, upload)| OpenUpload {
                id: id.clone(),
                key: upload.key.clone(),
                parts: upload
                    .parts
                    .iter()
                    .map(|(number, part)| (*number, part.body.len()))
                    .collect(),
            })
            .collect()
    }

    /// Returns the error of a missing key.
    pub(super) fn missing(&self) -> Refusal {
        if self.options.missing_is_403 {
            Refusal::new(403, "AccessDenied", "Access Denied")
        } else {
            Refusal::new(404, "NoSuchKey", "The specified key does not exist.")
        }
    }
}

#[derive(Default)]
pub(super) struct Store {
    pub(super) buckets: BTreeMap<String, Bucket>,
}

impl Store {
    pub(super) fn bucket(&mut self, name: &str, options: Options) {
        self.buckets.entry(name.to_owned()).or_default().options = options;
    }

    /// Returns the bucket, if the caller is allowed to use it.
    pub(super) fn open(&mut self, target: &Target, call: &Call) -> Result<&mut Bucket, Refusal> {
        let denied = |message: &str| Err(Refusal::new(403, "AccessDenied", message));
        let Some(bucket) = self.buckets.get_mut(&target.bucket) else {
            return Err(Refusal::new(404, "NoSuchBucket", "The specified bucket does not exist"));
        };
        let options = &bucket.options;
        // `Credential=KEY/DATE/REGION/s3/aws4_request`
        let signed_for = call.header("authorization").and_then(|value| value.split('/').nth(2));
        if signed_for != Some(options.region.as_str()) {
            let message = "The bucket you are attempting to access must be addressed using the specified endpoint.";
            return Err(Refusal::new(301, "PermanentRedirect", message).with("x-amz-bucket-region", &options.region));
        }
        if call
            .header("x-amz-expected-bucket-owner")
            .is_some_and(|owner| owner != options.owner)
        {
            return denied("Access Denied");
        }
        if options.requester_pays && call.header("x-amz-request-payer") != Some("requester") {
            return denied("Access Denied");
        }
        let uses_key = matches!(
            target.op,
            Op::GetObject
                | Op::PutObject
                | Op::CopyObject
                | Op::CreateMultipartUpload
                | Op::UploadPart
                | Op::CompleteMultipartUpload
        );
        if options.kms_denied && uses_key {
            let action = if target.op == Op::GetObject {
                "Decrypt"
            } else {
                "GenerateDataKey"
            };
            return denied(&format!(
                "The caller is not authorized to perform: kms:{action} on the resource associated with this ciphertext"
            ));
        }
        Ok(bucket)
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
