//! A strict S3 server in memory: path-style, with the operations that the program may use, and the responses and errors
//! of AWS. Signatures are not verified, but a request without one is rejected.

mod answer;
mod body;
mod list;
mod multipart;
mod objects;
mod store;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;

use super::fault::{Fault, Moment, Op, Plan};
use super::http::{Call, Host, Reply, Service, Step, decode};
use super::journal::{Entry, Journal};
use answer::Refusal;
use store::Store;
pub(crate) use store::{Object, OpenUpload, Options};

/// A running S3 server. Tests create its buckets, requests do not.
pub(crate) struct Server {
    host: Host,
    shared: Arc<Shared>,
}

struct Shared {
    store: Mutex<Store>,
    faults: Plan,
    journal: Journal,
}

impl Server {
    pub(crate) fn start() -> Self {
        let shared = Arc::new(Shared {
            store: Mutex::default(),
            faults: Plan::default(),
            journal: Journal::default(),
        });
        Self {
            host: Host::start(shared.clone()),
            shared,
        }
    }

    /// `http://127.0.0.1:PORT`
    pub(crate) fn endpoint(&self) -> String {
        self.host.endpoint()
    }

    pub(crate) fn faults(&self) -> &Plan {
        &self.shared.faults
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.shared.journal
    }

    /// Creates a bucket, or changes the options of an existing one and keeps its objects.
    pub(crate) fn bucket(&self, name: &str, options: Options) {
        self.shared.store().bucket(name, options);
    }

    /// Puts an object without metadata. The bucket must exist.
    pub(crate) fn put(&self, bucket: &str, key: &str, body: impl Into<Bytes>) -> Object {
        self.put_with(bucket, key, body, &[])
    }

    /// Puts an object with headers, such as `content-encoding` and `x-amz-meta-…`.
    pub(crate) fn put_with(&self, bucket: &str, key: &str, body: impl Into<Bytes>, headers: &[(&str, &str)]) -> Object {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut store = self.shared.store();
        let bucket = store.buckets.get_mut(bucket).expect("a bucket that the test has made");
        let object = Object::new(body.into(), headers.collect());
        bucket.add(key, object).clone()
    }

    /// Returns the latest version of an object.
    pub(crate) fn get(&self, bucket: &str, key: &str) -> Option<Object> {
        self.objects(bucket).remove(key)
    }

    /// Returns the latest version of every object, by key.
    pub(crate) fn objects(&self, bucket: &str) -> BTreeMap<String, Object> {
        let store = self.shared.store();
        let objects = store.buckets.get(bucket).map(store::Bucket::latest);
        objects
            .into_iter()
            .flatten()
            .map(|(key, object)| (key.clone(), object.clone()))
            .collect()
    }

    /// Returns every version of an object, oldest first, without delete markers.
    pub(crate) fn versions(&self, bucket: &str, key: &str) -> Vec<Object> {
        let store = self.shared.store();
        let versions = store.buckets.get(bucket).and_then(|bucket| bucket.objects.get(key));
        versions
            .into_iter()
            .flatten()
            .filter(|object| !object.deleted)
            .cloned()
            .collect()
    }

    /// Deletes an object as a request would.
    pub(crate) fn delete(&self, bucket: &str, key: &str) {
        let mut store = self.shared.store();
        if let Some(bucket) = store.buckets.get_mut(bucket) {
            bucket.delete(key);
        }
    }

    /// Returns the multipart uploads that are neither completed nor aborted.
    pub(crate) fn open_uploads(&self, bucket: &str) -> Vec<OpenUpload> {
        let store = self.shared.store();
        let uploads = store.buckets.get(bucket).map(store::Bucket::open_uploads);
        uploads.unwrap_or_default()
    }
}

/// The subject of a request.
struct Target {
    op: Op,
    bucket: String,
    key: String,
}

impl Target {
    fn of(call: &Call) -> Self {
        let path = call.path.trim_start_matches('/');
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        let has = |name| call.param(name).is_some();
        let op = match (call.method.as_str(), key.is_empty()) {
            ("GET", true) if has("uploads") => Op::ListMultipartUploads,
            ("GET", true) if call.param("list-type") == Some("2") => Op::ListObjectsV2,
            ("GET", false) if !has("uploadId") && !has("acl") && !has("tagging") => Op::GetObject,
            ("HEAD", false) => Op::HeadObject,
            ("PUT", false) if call.header("x-amz-copy-source").is_some() && !has("uploadId") => Op::CopyObject,
            ("PUT", false) if has("uploadId") => Op::UploadPart,
            ("PUT", false) if !has("acl") && !has("tagging") => Op::PutObject,
            ("POST", false) if has("uploads") => Op::CreateMultipartUpload,
            ("POST", false) if has("uploadId") => Op::CompleteMultipartUpload,
            ("DELETE", false) if has("uploadId") => Op::AbortMultipartUpload,
            ("DELETE", false) => Op::DeleteObject,
            _ => Op::Other,
        };
        Self {
            op,
            bucket: decode(bucket),
            key: decode(key),
        }
    }
}

impl Service for Shared {
    async fn answer(&self, mut call: Call) -> Option<Reply> {
        let target = Target::of(&call);
        let mut entry = Entry::new(target.op, &target.bucket, &target.key, &call);
        let fault = self.faults.decide(target.op, &target.key);
        entry.fault.clone_from(&fault);
        let outcome = match &fault {
            Some(Fault::Refuse) => None,
            Some(Fault::Kill(Moment::Before)) => {
                self.faults.kill();
                None
            }
            Some(Fault::Status(status, code)) => Some(Err(Refusal::new(*status, code, "as the test wants it"))),
            Some(Fault::ErrorIn200) => Some(Err(Refusal::new(
                500,
                "InternalError",
                "We encountered an internal error. Please try again.",
            )
            .in_200())),
            fault => {
                if *fault == Some(Fault::IgnoreRange) {
                    call.headers.remove("range");
                }
                Some(self.carry_out(&target, &call))
            }
        };
        entry.done = matches!(outcome, Some(Ok(_)));
        let reply = match outcome {
            None => None,
            Some(_) if fault == Some(Fault::LoseResponse) => None,
            Some(outcome) if kills_unanswered(fault.as_ref(), &outcome) => {
                self.faults.kill();
                None
            }
            Some(Ok(reply)) => Some(self.spoil(reply, fault.as_ref(), &target)),
            Some(Err(refusal)) => {
                entry.code.clone_from(&refusal.code);
                Some(refusal.reply(&target.bucket, &target.key))
            }
        };
        let reply = reply.map(|mut reply| {
            entry.status = reply.status;
            reply.progress = entry.progress();
            if let Some(Fault::Delay(delay)) = fault {
                reply.delay = delay;
            }
            reply.with("x-amz-request-id", "TESTREQUEST").with("x-amz-id-2", "test")
        });
        self.journal.add(entry);
        reply
    }
}

/// Returns whether the client is killed before any response.
fn kills_unanswered(fault: Option<&Fault>, outcome: &Result<Reply, Refusal>) -> bool {
    match fault {
        Some(Fault::Kill(Moment::HalfAnswered)) => outcome.as_ref().map_or(true, |reply| reply.length == 0),
        Some(Fault::Kill(_)) => true,
        _ => false,
    }
}

impl Shared {
    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap()
    }

    fn carry_out(&self, target: &Target, call: &Call) -> Result<Reply, Refusal> {
        if call
            .header("authorization")
            .is_none_or(|value| !value.starts_with("AWS4-HMAC-SHA256 "))
        {
            return Err(Refusal::new(
                403,
                "AccessDenied",
                "Access Denied: the request is not signed",
            ));
        }
        if target.key.len() > 1024 {
            return Err(Refusal::new(400, "KeyTooLongError", "Your key is too long"));
        }
        let mut store = self.store();
        let bucket = store.open(target, call)?;
        let key = &target.key;
        match target.op {
            Op::GetObject | Op::HeadObject => objects::get(bucket, key, call),
            Op::PutObject => objects::put(bucket, key, call),
            Op::CopyObject => objects::copy(bucket, &target.bucket, key, call),
            Op::DeleteObject => Ok(objects::delete(bucket, key, call)),
            Op::ListObjectsV2 => list::objects(bucket, &target.bucket, call),
            Op::ListMultipartUploads => Ok(list::uploads(bucket, &target.bucket, call)),
            Op::CreateMultipartUpload => multipart::create(bucket, &target.bucket, key, call),
            Op::UploadPart => multipart::part(bucket, key, call),
            Op::CompleteMultipartUpload => multipart::complete(bucket, &target.bucket, key, call),
            Op::AbortMultipartUpload => multipart::abort(bucket, key, call),
            Op::PutRecordBatch
            | Op::SendMessageBatch
            | Op::GetSecretValue
            | Op::NextInvocation
            | Op::InvocationResponse
            | Op::Other => Err(Refusal::new(
                501,
                "NotImplemented",
                "the test server does not know this operation",
            )),
        }
    }

    /// Applies a fault to a response.
    fn spoil(&self, mut reply: Reply, fault: Option<&Fault>, target: &Target) -> Reply {
        let place = |at: &u64| usize::try_from(at % reply.length.max(1)).unwrap();
        let body: Vec<u8> = reply
            .steps
            .iter()
            .flat_map(|step| {
                if let Step::Bytes(bytes) = step {
                    bytes.as_ref()
                } else {
                    &[]
                }
            })
            .copied()
            .collect();
        let cut = |at: &u64, then| {
            let kept = body.get(..place(at)).unwrap_or_default();
            vec![Step::Bytes(Bytes::copy_from_slice(kept)), then]
        };
        match fault {
            Some(Fault::StallAt(at)) => reply.steps = cut(at, Step::Stall),
            Some(Fault::FinAt(at)) => reply.steps = cut(at, Step::Fin),
            Some(Fault::ResetAt(at)) => reply.steps = cut(at, Step::Reset),
            Some(Fault::Kill(Moment::HalfAnswered)) => {
                reply.steps = cut(&(reply.length / 2), Step::Kill(self.faults.clone()));
            }
            Some(Fault::CorruptAt(at)) => {
                let at = place(at);
                let mut body = body;
                if let Some(byte) = body.get_mut(at) {
                    *byte ^= 0x10;
                }
                reply.steps = vec![Step::Bytes(body.into())];
            }
            Some(Fault::SwapObjectAt(at, with)) => {
                reply.steps = cut(at, Step::Fin);
                let mut store = self.store();
                if let Some(bucket) = store.buckets.get_mut(&target.bucket) {
                    bucket.add(&target.key, Object::new(with.clone(), BTreeMap::new()));
                }
            }
            Some(Fault::Date(date)) => reply = reply.with("date", *date),
            Some(Fault::WrongEtag) => {
                for (name, value) in &mut reply.headers {
                    if name == "etag" {
                        "\"00000000000000000000000000000000\"".clone_into(value);
                    }
                }
            }
            _ => {}
        }
        reply
    }
}
