//! The queue in front of a function: SQS with a dead-letter queue, and the event source mapping that empties it. Time
//! is counted, not waited for.

use md5::{Digest as _, Md5};
use serde_json::{Value, json};

use super::fault::draw;
use super::lambda::Outcome;

/// The largest message, in bytes.
const MAX_MESSAGE_BYTES: usize = 1 << 20;
/// The largest event of a synchronous invocation, in bytes.
const MAX_EVENT_BYTES: usize = 6 << 20;

/// How the queue and the mapping are set up.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// 1 to 10,000.
    pub(crate) batch_size: usize,
    /// Seconds for which a received message is hidden.
    pub(crate) visibility: u64,
    /// Messages received so often go to the dead-letter queue instead of being received again.
    pub(crate) max_receive_count: u32,
    /// Whether the mapping has `ReportBatchItemFailures`.
    pub(crate) reports_failures: bool,
    /// Seconds that an invocation takes.
    pub(crate) invocation: u64,
    /// Messages come out of order, drawn from the seed.
    pub(crate) shuffle: Option<u64>,
    /// The chance in a thousand that a deleted message comes once more: SQS delivers at least once.
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
    /// How often it was received.
    pub(crate) received: u32,
    visible: u64,
    sent: u64,
    again: bool,
}

/// What a function made of an event.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// The bytes that it returned, empty for none.
    Returned(Vec<u8>),
    /// An error, a time-out, the end of the process.
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

/// A queue, its dead-letter queue, and what was deleted.
#[derive(Debug)]
pub(crate) struct Queue {
    settings: Settings,
    messages: Vec<Message>,
    /// In the order of deletion. A message that came again is here twice.
    pub(crate) deleted: Vec<Message>,
    pub(crate) dead: Vec<Message>,
    /// How many batches the function was given.
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

    /// Adds a message and gives its id.
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

    /// Messages that are neither deleted nor dead.
    pub(crate) fn left(&self) -> &[Message] {
        &self.messages
    }

    /// Moves the dead messages back, as an operator does after a repair.
    pub(crate) fn redrive(&mut self) {
        for mut message in self.dead.drain(..) {
            message.received = 0;
            message.visible = self.now;
            self.messages.push(message);
        }
    }

    /// Gives the function batches until the queue is empty, or until it has been asked so often.
    pub(crate) fn drain(&mut self, most: u64, mut invoke: impl FnMut(&Value) -> Answer) {
        let end = self.invocations + most;
        while !self.messages.is_empty() && self.invocations < end {
            let batch = self.receive();
            if batch.is_empty() {
                // All that is left is hidden: wait.
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

    /// Takes the next batch, and moves what was received too often to the dead.
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

    /// Deletes what the answer says is done.
    fn settle(&mut self, batch: &[Message], answer: &Answer) {
        let failed = match answer {
            Answer::Failed => None,
            // What it returns is not looked at.
            Answer::Returned(_) if !self.settings.reports_failures => Some(Vec::new()),
            Answer::Returned(bytes) => failures(bytes, batch),
        };
        // No list: the whole batch has failed.
        let Some(failed) = failed else {
            return;
        };
        for done in batch.iter().filter(|message| !failed.contains(&message.id)) {
            // A message whose visibility ran out meanwhile is deleted too, as long as its handle is the latest.
            let Some(at) = self.messages.iter().position(|message| message.id == done.id) else {
                continue;
            };
            let mut message = self.messages.remove(at);
            self.deleted.push(message.clone());
            let chance = draw(self.settings.shuffle.unwrap_or(1), &[number(&message.id), 7]) % 1000;
            if !message.again && chance < self.settings.again_permille {
                message.again = true;
                // It came once more, and not because it failed.
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

/// The ids of the messages that failed, `None` for all of them: AWS's rules for what a function returns where the
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

/// A message as the mapping hands it to the function.
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
