//! The queue of a function: SQS with a dead-letter queue, and the event source mapping that polls it. Time is
//! simulated.

use md5::{Digest as _, Md5};
use serde_json::{Value, json};

use super::fault::draw;
use super::lambda::Outcome;

/// The maximum bytes of a message.
const MAX_MESSAGE_BYTES: usize = 1 << 20;
/// The maximum bytes of the event of a synchronous invocation.
const MAX_EVENT_BYTES: usize = 6 << 20;

/// The settings of the queue and the mapping.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// 1 to 10,000.
    pub(crate) batch_size: usize,
    /// The visibility timeout in seconds.
    pub(crate) visibility: u64,
    /// The number of receives after which a message moves to the dead-letter queue.
    pub(crate) max_receive_count: u32,
    /// Whether the mapping has `ReportBatchItemFailures`.
    pub(crate) reports_failures: bool,
    /// The duration of an invocation in seconds.
    pub(crate) invocation: u64,
    /// The seed from which the order of messages is drawn.
    pub(crate) shuffle: Option<u64>,
    /// The chance, in thousandths, that a deleted message is delivered again: SQS delivers at least once.
    pub(crate) again_permille: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            batch_size: 10,
            visibility: 5400,
            max_receive_count: 5,
            reports_failures: true,
            invocation: 1,
            shuffle: None,
            again_permille: 0,
        }
    }
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) body: String,
    /// The number of times it was received.
    pub(crate) received: u32,
    visible: u64,
    sent: u64,
    again: bool,
}

/// The result of a function for an event.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// The bytes that it returned, possibly none.
    Returned(Vec<u8>),
    /// An error, a timeout, or the end of the process.
    Failed,
}

impl From<Value> for Answer {
    fn from(value: Value) -> Self {
        Self::Returned(value.to_string().into_bytes())
    }
}

impl From<Outcome> for Answer {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Response(value) => value.into(),
            Outcome::NotJson(bytes) => Self::Returned(bytes),
            _ => Self::Failed,
        }
    }
}

/// A queue, its dead-letter queue, and the deleted messages.
#[derive(Debug)]
pub(crate) struct Queue {
    settings: Settings,
    messages: Vec<Message>,
    /// In the order of deletion. A message that was delivered again appears twice.
    pub(crate) deleted: Vec<Message>,
    pub(crate) dead: Vec<Message>,
    /// The number of batches sent to the function.
    pub(crate) invocations: u64,
    now: u64,
    counter: u64,
}

impl Queue {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings,
            messages: Vec::new(),
            deleted: Vec::new(),
            dead: Vec::new(),
            invocations: 0,
            now: 1_700_000_000,
            counter: 0,
        }
    }

    /// Adds a message and returns its id.
    pub(crate) fn send(&mut self, body: impl Into<String>) -> String {
        let body = body.into();
        assert!(
            (1..=MAX_MESSAGE_BYTES).contains(&body.len()),
            "a message of {} bytes",
            body.len()
        );
        let allowed = |character: char| matches!(character, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
        assert!(
            body.chars().all(allowed),
            "a message with characters that SQS does not take"
        );
        self.counter += 1;
        let id = format!("059f36b4-87a3-44ab-83d2-{:012x}", self.counter);
        self.messages.push(Message {
            id: id.clone(),
            body,
            received: 0,
            visible: self.now,
            sent: self.now,
            again: false,
        });
        id
    }

    /// Returns the number of messages that are neither deleted nor in the dead-letter queue.
    pub(crate) fn left(&self) -> &[Message] {
        &self.messages
    }

    /// Redrives the dead-letter queue, as an operator does after fixing the cause.
    pub(crate) fn redrive(&mut self) {
        for mut message in self.dead.drain(..) {
            message.received = 0;
            message.visible = self.now;
            self.messages.push(message);
        }
    }

    /// Sends batches to the function until the queue is empty, or until this many batches were sent.
    pub(crate) fn drain(&mut self, most: u64, mut invoke: impl FnMut(&Value) -> Answer) {
        let end = self.invocations + most;
        while !self.messages.is_empty() && self.invocations < end {
            let batch = self.receive();
            if batch.is_empty() {
                // Every remaining message is hidden: wait.
                let soonest = self.messages.iter().map(|message| message.visible).min();
                self.now = self.now.max(soonest.unwrap_or(self.now));
                continue;
            }
            self.invocations += 1;
            let event = json!({ "Records": batch.iter().map(record).collect::<Vec<_>>() });
            let answer = invoke(&event);
            self.now += self.settings.invocation;
            self.settle(&batch, &answer);
        }
    }

    /// Receives the next batch, and moves messages received too often to the dead-letter queue.
    fn receive(&mut self) -> Vec<Message> {
        if let Some(seed) = self.settings.shuffle {
            let (now, invocations) = (self.now, self.invocations);
            self.messages
                .sort_by_cached_key(|message| draw(seed, &[now, invocations, draw(0, &[number(&message.id)])]));
        }
        let (most, now) = (self.settings.max_receive_count, self.now);
        let is_dead = |message: &mut Message| message.visible <= now && message.received >= most;
        self.dead.extend(self.messages.extract_if(.., is_dead));
        let mut batch = Vec::new();
        let mut size = 0;
        for message in self.messages.iter_mut().filter(|message| message.visible <= now) {
            // Quotes in a body are escaped in the event.
            let bytes = record(message).to_string().len();
            let full = batch.len() == self.settings.batch_size || size + bytes > MAX_EVENT_BYTES - 100;
            if full && !batch.is_empty() {
                break;
            }
            size += bytes;
            message.received += 1;
            message.visible = now + self.settings.visibility;
            batch.push(message.clone());
        }
        batch
    }

    /// Deletes the messages that the response reports as done.
    fn settle(&mut self, batch: &[Message], answer: &Answer) {
        let failed = match answer {
            Answer::Failed => None,
            // The response is ignored.
            Answer::Returned(_) if !self.settings.reports_failures => Some(Vec::new()),
            Answer::Returned(bytes) => failures(bytes, batch),
        };
        // Without a list the whole batch has failed.
        let Some(failed) = failed else {
            return;
        };
        for done in batch.iter().filter(|message| !failed.contains(&message.id)) {
            // A message whose visibility timeout expired meanwhile is deleted too, if its handle is the latest.
            let Some(at) = self.messages.iter().position(|message| message.id == done.id) else {
                continue;
            };
            let mut message = self.messages.remove(at);
            self.deleted.push(message.clone());
            let chance = draw(self.settings.shuffle.unwrap_or(1), &[number(&message.id), 7]) % 1000;
            if !message.again && chance < self.settings.again_permille {
                message.again = true;
                // It is delivered again, although it did not fail.
                message.received -= 1;
                message.visible = self.now;
                self.messages.push(message);
            }
        }
    }
}

fn number(id: &str) -> u64 {
    let digits = id.rsplit('-').next().unwrap_or_default();
    u64::from_str_radix(digits, 16).unwrap_or_default()
}

/// Returns the ids of the failed messages, or `None` for all of them: AWS's rules for the response of a function if the
/// mapping has `ReportBatchItemFailures`.
fn failures(bytes: &[u8], batch: &[Message]) -> Option<Vec<String>> {
    if bytes.is_empty() {
        return Some(Vec::new());
    }
    // Not JSON: all failed.
    let value: Value = serde_json::from_slice(bytes).ok()?;
    let list = match &value {
        Value::Null => return Some(Vec::new()),
        Value::Object(fields) => fields.get("batchItemFailures"),
        _ => return None,
    };
    match list {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::Array(list)) => {
            // An entry with another name, an empty or null id, or an id that is not in the batch: all failed.
            let id = |entry: &Value| {
                let id = entry.get("itemIdentifier")?.as_str()?;
                batch.iter().any(|message| message.id == id).then(|| id.to_owned())
            };
            list.iter().map(id).collect()
        }
        Some(_) => None,
    }
}

/// Returns a message as the mapping hands it to the function.
fn record(message: &Message) -> Value {
    let md5 = alb_ingest::object::hex(&Md5::digest(&message.body));
    json!({
        "messageId": message.id,
        "receiptHandle": format!("handle-{}-{}", message.id, message.received),
        "body": message.body,
        "attributes": {
            "ApproximateReceiveCount": message.received.to_string(),
            "SentTimestamp": (message.sent * 1000).to_string(),
            "SenderId": "AIDATEST",
            "ApproximateFirstReceiveTimestamp": (message.sent * 1000).to_string(),
        },
        "messageAttributes": {},
        "md5OfBody": md5,
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:111122223333:logs",
        "awsRegion": "us-east-1",
    })
}
