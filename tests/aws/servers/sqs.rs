//! A strict SQS server: `SendMessageBatch` over AWS JSON 1.0, with the limits of AWS.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use md5::{Digest as _, Md5};
use serde_json::{Value, json};

use super::fault::{Fault, Moment, Op, Plan};
use super::http::{Call, Host, Reply, Service};

/// The maximum messages of a call.
const MAX_MESSAGES: usize = 10;
/// The maximum bytes of the messages of a call.
const MAX_CALL_BYTES: usize = 1 << 20;

/// A running SQS server with one queue.
pub(crate) struct Server {
    host: Host,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    messages: Mutex<Vec<String>>,
    calls: Mutex<u64>,
    faults: Plan,
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

    /// Returns the URL of the queue.
    pub(crate) fn queue_url(&self) -> String {
        format!("{}/123456789012/logs", self.endpoint())
    }

    pub(crate) fn faults(&self) -> &Plan {
        &self.shared.faults
    }

    /// Returns the number of calls.
    pub(crate) fn calls(&self) -> u64 {
        *self.shared.calls.lock().unwrap()
    }

    /// Takes the bodies of the messages that were accepted, in order.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.messages.lock().unwrap())
    }
}

impl Service for Shared {
    async fn answer(&self, call: Call) -> Option<Reply> {
        *self.calls.lock().unwrap() += 1;
        let refuse = |status, code: &str| {
            let body = json!({"__type": format!("com.amazonaws.sqs#{code}"), "message": "as AWS says it"});
            Some(Reply::new(status, body.to_string()))
        };
        let fault = self.faults.decide(Op::SendMessageBatch, "logs");
        let rejected = match &fault {
            Some(Fault::Refuse) => return None,
            Some(Fault::Kill(Moment::Before)) => {
                self.faults.kill();
                return None;
            }
            Some(Fault::Status(status, code)) => return refuse(*status, code),
            Some(Fault::FailRecords(mask)) => Some(mask),
            _ => None,
        };
        if call.header("x-amz-target") != Some("AmazonSQS.SendMessageBatch") {
            return refuse(400, "InvalidAction");
        }
        let body: Value = serde_json::from_slice(&call.body).unwrap();
        if !body["QueueUrl"]
            .as_str()
            .is_some_and(|url| url.ends_with("/123456789012/logs"))
        {
            return refuse(400, "QueueDoesNotExist");
        }
        let entries = body["Entries"].as_array().unwrap();
        let text = |entry: &Value, name: &str| entry[name].as_str().unwrap().to_owned();
        let ids: BTreeSet<_> = entries.iter().map(|entry| text(entry, "Id")).collect();
        let bytes: usize = entries.iter().map(|entry| text(entry, "MessageBody").len()).sum();
        if entries.is_empty() {
            return refuse(400, "EmptyBatchRequest");
        } else if entries.len() > MAX_MESSAGES {
            return refuse(400, "TooManyEntriesInBatchRequest");
        } else if ids.len() < entries.len() {
            return refuse(400, "BatchEntryIdsNotDistinct");
        } else if bytes > MAX_CALL_BYTES {
            return refuse(400, "BatchRequestTooLong");
        }
        let (mut successful, mut failed) = (Vec::new(), Vec::new());
        for (number, entry) in entries.iter().enumerate() {
            let (id, body) = (text(entry, "Id"), text(entry, "MessageBody"));
            if rejected.is_some_and(|mask| mask.hits(number)) {
                failed.push(json!({"Id": id, "SenderFault": false, "Code": "InternalError"}));
                continue;
            }
            let md5 = alb_ingest::object::hex(&Md5::digest(&body));
            successful.push(json!({"Id": id, "MessageId": "EXAMPLE", "MD5OfMessageBody": md5}));
            self.messages.lock().unwrap().push(body);
        }
        match fault {
            Some(Fault::LoseResponse) => return None,
            Some(Fault::Kill(_)) => {
                self.faults.kill();
                return None;
            }
            _ => {}
        }
        Some(Reply::new(
            200,
            json!({"Successful": successful, "Failed": failed}).to_string(),
        ))
    }
}
