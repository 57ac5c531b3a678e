//! A strict Firehose server: `PutRecordBatch` over AWS JSON 1.1, with the limits of AWS.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::fault::{Fault, Moment, Nonsense, Op, Plan};
use super::http::{Call, Host, Reply, Service};
use super::journal::{Entry, Journal};

/// The maximum records of a call.
pub(crate) const MAX_RECORDS: usize = 500;
/// The maximum bytes of a record before base64.
pub(crate) const MAX_RECORD_BYTES: usize = 1_024_000;
/// The maximum bytes of all records of a call before base64.
pub(crate) const MAX_CALL_BYTES: usize = 4 << 20;

/// A `PutRecordBatch` call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) stream: String,
    /// The bytes of each record, in the order of the call.
    pub(crate) sizes: Vec<usize>,
    /// Whether each record was stored.
    pub(crate) stored: Vec<bool>,
    /// Whether the client got a response that says so.
    pub(crate) answered: bool,
}

/// A running Firehose server. Tests create its streams, requests do not.
pub(crate) struct Server {
    host: Host,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    streams: Mutex<BTreeMap<String, Vec<Vec<u8>>>>,
    batches: Mutex<Vec<Batch>>,
    faults: Plan,
    journal: Journal,
}

impl Server {
    pub(crate) fn start() -> Self {
        let shared = Arc::new(Shared::default());
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

    /// Creates a stream.
    pub(crate) fn stream(&self, name: &str) {
        self.shared.streams.lock().unwrap().entry(name.to_owned()).or_default();
    }

    /// Returns the bytes of every stored record, in order.
    pub(crate) fn records(&self, stream: &str) -> Vec<Vec<u8>> {
        let streams = self.shared.streams.lock().unwrap();
        streams.get(stream).cloned().unwrap_or_default()
    }

    /// Removes the stored records of every stream.
    pub(crate) fn empty(&self) {
        for records in self.shared.streams.lock().unwrap().values_mut() {
            records.clear();
        }
    }

    /// Returns what Firehose would deliver: the concatenated records.
    pub(crate) fn delivered(&self, stream: &str) -> Vec<u8> {
        self.records(stream).concat()
    }

    /// Returns the calls that passed validation, in order.
    pub(crate) fn batches(&self) -> Vec<Batch> {
        self.shared.batches.lock().unwrap().clone()
    }
}

/// An error of the call as a whole.
#[derive(Debug)]
struct Refusal {
    status: u16,
    code: String,
    message: String,
}

fn refuse<T>(status: u16, code: &str, message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal {
        status,
        code: code.to_owned(),
        message: message.into(),
    })
}

struct Request {
    stream: String,
    records: Vec<Vec<u8>>,
}

impl Service for Shared {
    async fn answer(&self, call: Call) -> Option<Reply> {
        let known = call.method == "POST" && call.header("x-amz-target") == Some("Firehose_20150804.PutRecordBatch");
        let op = if known { Op::PutRecordBatch } else { Op::Other };
        let body: Option<Value> = serde_json::from_slice(&call.body).ok();
        let stream = body.as_ref().and_then(|body| body.get("DeliveryStreamName")?.as_str());
        let stream = stream.unwrap_or_default().to_owned();
        let mut entry = Entry::new(op, "", &stream, &call);
        let fault = self.faults.decide(op, &stream);
        entry.fault.clone_from(&fault);
        let outcome = match &fault {
            Some(Fault::Refuse) => None,
            Some(Fault::Kill(Moment::Before)) => {
                self.faults.kill();
                None
            }
            Some(Fault::Status(status, code)) => Some(refuse(*status, code, "Slow down.")),
            fault => Some(
                self.check(&call, body.as_ref())
                    .map(|request| self.store(request, fault.as_ref())),
            ),
        };
        entry.done = matches!(outcome, Some(Ok(_)));
        let reply = match outcome {
            None => None,
            Some(_) if fault == Some(Fault::LoseResponse) => None,
            Some(_) if matches!(fault, Some(Fault::Kill(_))) => {
                self.faults.kill();
                None
            }
            Some(Ok(text)) => Some(Reply::new(200, text)),
            Some(Err(Refusal { status, code, message })) => {
                entry.code.clone_from(&code);
                let body = json!({ "__type": code, "message": message });
                Some(Reply::new(status, body.to_string()).with("x-amzn-errortype", code))
            }
        };
        let reply = reply.map(|mut reply| {
            entry.status = reply.status;
            reply.progress = entry.progress();
            if let Some(Fault::Delay(delay)) = fault {
                reply.delay = delay;
            }
            reply
                .with("content-type", "application/x-amz-json-1.1")
                .with("x-amzn-requestid", "test")
        });
        self.journal.add(entry);
        reply
    }
}

impl Shared {
    fn check(&self, call: &Call, body: Option<&Value>) -> Result<Request, Refusal> {
        if call
            .header("authorization")
            .is_none_or(|value| !value.starts_with("AWS4-HMAC-SHA256 "))
        {
            return refuse(
                400,
                "MissingAuthenticationTokenException",
                "Missing Authentication Token",
            );
        }
        if call.header("content-type") != Some("application/x-amz-json-1.1") {
            return refuse(404, "UnknownOperationException", "");
        }
        if call.header("x-amz-target") != Some("Firehose_20150804.PutRecordBatch") {
            return refuse(400, "UnknownOperationException", "");
        }
        let Some(body) = body else {
            return refuse(400, "SerializationException", "the body is not JSON");
        };
        let stream = body
            .get("DeliveryStreamName")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let good = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        if !(1..=64).contains(&stream.len()) || !stream.bytes().all(good) {
            return refuse(
                400,
                "ValidationException",
                constraint("deliveryStreamName", "[a-zA-Z0-9_.-]+"),
            );
        }
        let Some(records) = body.get("Records").and_then(Value::as_array) else {
            return refuse(
                400,
                "ValidationException",
                constraint("records", "Member must not be null"),
            );
        };
        if !(1..=MAX_RECORDS).contains(&records.len()) {
            let limit = "Member must have length between 1 and 500";
            return refuse(400, "ValidationException", constraint("records", limit));
        }
        let mut decoded = Vec::with_capacity(records.len());
        for (index, record) in records.iter().enumerate() {
            let data = record.get("Data").and_then(Value::as_str);
            let Some(data) = data.and_then(|data| BASE64_STANDARD.decode(data).ok()) else {
                return refuse(400, "SerializationException", "a record's Data is not base64");
            };
            if data.len() > MAX_RECORD_BYTES {
                let at = format!("records.{}.member.data", index + 1);
                let limit = "Member must have length less than or equal to 1024000";
                return refuse(400, "ValidationException", constraint(&at, limit));
            }
            decoded.push(data);
        }
        if decoded.iter().map(Vec::len).sum::<usize>() > MAX_CALL_BYTES {
            return refuse(400, "InvalidArgumentException", "Records size exceeds 4 MB limit");
        }
        if !self.streams.lock().unwrap().contains_key(stream) {
            let message = format!("Firehose {stream} under account 111122223333 not found.");
            return refuse(400, "ResourceNotFoundException", message);
        }
        Ok(Request {
            stream: stream.to_owned(),
            records: decoded,
        })
    }

    /// Stores the records that the fault lets through, and returns the response.
    fn store(&self, request: Request, fault: Option<&Fault>) -> String {
        let Request { stream, records } = request;
        let fails = |index: usize| matches!(fault, Some(Fault::FailRecords(mask)) if mask.hits(index));
        let mut streams = self.streams.lock().unwrap();
        let stored = streams.entry(stream.clone()).or_default();
        let mut entries = Vec::new();
        for (index, record) in records.iter().enumerate() {
            if fails(index) {
                let code = ["ServiceUnavailableException", "InternalFailure"][index % 2];
                entries.push(json!({ "ErrorCode": code, "ErrorMessage": "Slow down." }));
            } else {
                stored.push(record.clone());
                entries.push(json!({ "RecordId": format!("record-{:09}", stored.len()) }));
            }
        }
        let batch = Batch {
            stream,
            sizes: records.iter().map(Vec::len).collect(),
            stored: (0..records.len()).map(|index| !fails(index)).collect(),
            answered: !matches!(fault, Some(Fault::LoseResponse | Fault::Nonsense(_) | Fault::Kill(_))),
        };
        // Under the lock of the streams, so batches and records have the same order.
        self.batches.lock().unwrap().push(batch);
        let failed = (0..records.len()).filter(|index| fails(*index)).count();
        match fault {
            Some(Fault::Nonsense(nonsense)) => senseless(*nonsense, entries),
            _ => body(failed, &entries),
        }
    }
}

fn constraint(member: &str, limit: &str) -> String {
    format!("1 validation error detected: Value at '{member}' failed to satisfy constraint: {limit}")
}

fn body(failed: usize, entries: &[Value]) -> String {
    json!({ "FailedPutCount": failed, "Encrypted": false, "RequestResponses": entries }).to_string()
}

fn senseless(nonsense: Nonsense, mut entries: Vec<Value>) -> String {
    match nonsense {
        Nonsense::Shorter => {
            entries.pop();
            body(0, &entries)
        }
        Nonsense::Longer => {
            entries.push(json!({ "RecordId": "record-of-nobody" }));
            body(0, &entries)
        }
        Nonsense::CountWithoutErrors => body(1, &entries),
        Nonsense::ErrorsWithoutCount => {
            entries.pop();
            entries.push(json!({ "ErrorCode": "InternalFailure", "ErrorMessage": "Internal failure" }));
            body(0, &entries)
        }
        Nonsense::EmptyEntry => {
            entries.pop();
            entries.push(json!({}));
            body(0, &entries)
        }
        Nonsense::NotJson => "<html>not json</html>".to_owned(),
        Nonsense::NoBody => String::new(),
    }
}
