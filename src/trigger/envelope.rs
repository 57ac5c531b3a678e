//! Nested envelopes, detected by their fields.
//!
//! The envelopes that `aws_lambda_events` models are read as its types: a queue's messages, SNS records and notifications,
//! EventBridge events and S3 Batch Operations. What those types reject or drop is read by name:
//!
//! * `s3:TestEvent`, Lambda's record of a failed invocation and the response of `ReceiveMessage`, for which the crate has no
//!   type, and the form for replays by hand.
//! * Records that people shorten: the crate's SNS types require the signature and its URL, for example.
//! * S3's own records: `S3EventRecord` requires the user identity and the request parameters, allows a negative size, and
//!   keeps a parsed time instead of the text.
//! * Version 2.0 of S3 Batch Operations, whose bucket name has no field in the crate.

use aws_lambda_events::eventbridge::EventBridgeEvent;
use aws_lambda_events::sns::{SnsMessage, SnsRecord};
use aws_lambda_events::sqs::SqsEvent;
use serde_json::Value;

use super::error::{Names, TriggerError};
use super::node::Node;
use super::{IgnoredEvent, Kind, MAX_ENVELOPES, Request, Task, Work, batch_job, merge, s3};

const S3: &str = "aws:s3";
const SNS: &str = "aws:sns";
const SQS: &str = "aws:sqs";

/// Reads a payload.
pub(super) fn read(payload: &Value) -> Result<Request, TriggerError> {
    let payload = Node::root(payload);
    if batch_job::is_batch(&payload) {
        return batch_job::read(&payload);
    }
    if let Some(messages) = queue(&payload)? {
        return read_queue(&payload, &messages);
    }
    let mut reader = Reader::new();
    reader.envelope(&payload, 1)?;
    Ok(Request {
        kind: Kind::Direct,
        tasks: reader.tasks,
    })
}

/// Returns the error that a text is not valid JSON. serde's message can quote the text, so only the position is kept.
pub(super) fn invalid_json(at: String, error: &serde_json::Error) -> TriggerError {
    TriggerError::InvalidJson {
        at,
        line: error.line(),
        column: error.column(),
    }
}

/// Returns the messages if the sender is the event source mapping of a queue. The mapping always names its source, and only
/// a mapping reads a response that lists failed messages. All records must come from the queue, because such a response
/// would acknowledge the other records.
fn queue<'a>(payload: &Node<'a>) -> Result<Option<Vec<Node<'a>>>, TriggerError> {
    let Some(records) = payload.find("Records") else {
        return Ok(None);
    };
    let records: Vec<_> = records.items()?.collect();
    let other = records.iter().find(|record| !record.is_text("eventSource", SQS));
    match other {
        _ if records.is_empty() => Ok(None),
        None => Ok(Some(records)),
        Some(_) if !records.iter().any(|record| record.is_text("eventSource", SQS)) => Ok(None),
        Some(other) => Err(TriggerError::MixedRecords { at: other.path.clone() }),
    }
}

/// Reads every message by itself, so a message that cannot be read fails alone. A message without an id could not be
/// reported as failed, so it fails the batch.
fn read_queue(payload: &Node, messages: &[Node]) -> Result<Request, TriggerError> {
    let event: SqsEvent = payload.typed();
    let mut typed = event.records.into_iter();
    let mut reader = Reader::new();
    let mut message_ids = Vec::with_capacity(messages.len());
    for (unit, node) in messages.iter().enumerate() {
        let message = typed.next().unwrap_or_default();
        message_ids.push(node.text_or(message.message_id, "messageId")?);
        reader.unit = unit;
        reader.receives = receives(node);
        reader.each(node, |reader| reader.text(node, message.body, "body", 1));
    }
    Ok(Request {
        kind: Kind::Queue { message_ids },
        tasks: reader.tasks,
    })
}

/// Returns the field with the text of a message, if the fields are those of one. `ReceiveMessage` writes its field names with a
/// capital letter, Lambda does not. Other senders have a `body` too, so a message of Lambda's needs its id.
fn body_of(node: &Node) -> Option<&'static str> {
    let has = |field| node.find(field).is_some();
    if has("Body") {
        Some("Body")
    } else {
        (has("body") && has("messageId")).then_some("body")
    }
}

/// Returns how often a message was received; once if it does not say so.
fn receives(message: &Node) -> u64 {
    let attributes = ["attributes", "Attributes"];
    let attributes = attributes.into_iter().find_map(|name| message.value.get(name));
    let count = attributes.and_then(|attributes| attributes.get("ApproximateReceiveCount"));
    count
        .and_then(Value::as_str)
        .and_then(|count| count.parse().ok())
        .unwrap_or(1)
}

/// Collects the tasks of a payload.
struct Reader {
    tasks: Vec<Task>,
    unit: usize,
    /// How often the current message was received.
    receives: u64,
}

impl Reader {
    const fn new() -> Self {
        Self {
            tasks: Vec::new(),
            unit: 0,
            receives: 1,
        }
    }

    /// Reads one record or message. Its error does not affect the others.
    fn each(&mut self, node: &Node, read: impl FnOnce(&mut Self) -> Result<(), TriggerError>) {
        if let Err(error) = read(self) {
            self.push(node, Work::Refused(error));
        }
    }

    fn push(&mut self, node: &Node, work: Work) {
        self.tasks.push(Task {
            unit: self.unit,
            origin: node.path.clone(),
            work,
            duplicate_of: None,
        });
    }

    /// Reads one envelope. The order of the checks matters for a value that has the fields of several envelopes.
    fn envelope(&mut self, node: &Node, depth: usize) -> Result<(), TriggerError> {
        if depth > MAX_ENVELOPES {
            return Err(TriggerError::TooDeep { at: node.path.clone() });
        }
        let Some(fields) = node.value.as_object() else {
            return Err(node.expected("an object"));
        };
        if batch_job::is_batch(node) {
            return Err(TriggerError::NestedBatch { at: node.path.clone() });
        }
        if fields.contains_key("detail-type") && fields.contains_key("source") {
            return self.event_bridge(node, depth);
        }
        if node.is_text("Event", "s3:TestEvent") {
            self.push(node, Work::Ignored(IgnoredEvent::TestEvent));
            return Ok(());
        }
        if let Some(context) = node.find("requestContext").filter(|it| it.find("condition").is_some()) {
            return self.invocation(node, &context, depth);
        }
        if let Some(records) = node.find("Records") {
            for record in records.items()? {
                self.each(&record, |reader| reader.record(&record, depth));
            }
            return Ok(());
        }
        if let Some(messages) = node.find("Messages") {
            for message in messages.items()? {
                self.each(&message, |reader| reader.message(&message, depth));
            }
            return Ok(());
        }
        if body_of(node).is_some() {
            return self.message(node, depth);
        }
        if node.is_text("Type", "Notification") {
            let notification: SnsMessage = node.typed();
            return self.text(node, Some(notification.message), "Message", depth);
        }
        if let Some(objects) = node.find("objects") {
            for object in objects.items()? {
                self.each(&object, |reader| {
                    reader.push(&object, Work::Object(s3::replayed(&object)?));
                    Ok(())
                });
            }
            return Ok(());
        }
        if let Some(request) = node.find("merge") {
            let receives = self.receives;
            self.each(node, |reader| {
                reader.push(node, merge::read(&request, receives)?);
                Ok(())
            });
            return Ok(());
        }
        Err(TriggerError::UnknownEnvelope {
            at: node.path.clone(),
            fields: Names::of(fields.keys().map(String::as_str)),
        })
    }

    /// Reads one of `Records`: an S3 record, or a message of SNS or SQS. SQS occurs here only if the sender is not the event
    /// source mapping, as in the record of a failed invocation.
    fn record(&mut self, record: &Node, depth: usize) -> Result<(), TriggerError> {
        match source(record)? {
            (_, S3) => {
                let work = s3::notification(record)?;
                self.push(record, work);
                Ok(())
            }
            (_, SNS) => {
                let typed: SnsRecord = record.typed();
                self.text(&record.get("Sns")?, Some(typed.sns.message), "Message", depth)
            }
            (_, SQS) => self.message(record, depth),
            (field, other) => Err(TriggerError::UnknownName {
                at: record.path_of(field),
                name: Names::one(other),
            }),
        }
    }

    /// Reads a message of a queue that did not arrive through an event source mapping: a dead letter, for example.
    fn message(&mut self, message: &Node, depth: usize) -> Result<(), TriggerError> {
        self.receives = receives(message);
        self.text(message, None, body_of(message).unwrap_or("Body"), depth)
    }

    /// Reads the envelope in the text of a field, which `typed` has if a type of the crate accepts the node.
    fn text(&mut self, node: &Node, typed: Option<String>, name: &str, depth: usize) -> Result<(), TriggerError> {
        let text = node.text_or(typed, name)?;
        let path = node.path_of(name);
        let value: Value = serde_json::from_str(&text).map_err(|error| invalid_json(path.clone(), &error))?;
        let inner = Node { value: &value, path };
        self.envelope(&inner, depth + 1)
    }

    fn event_bridge(&mut self, node: &Node, depth: usize) -> Result<(), TriggerError> {
        let event: EventBridgeEvent = node.typed();
        let source = node.text_or(Some(event.source), "source")?;
        let detail_type = || node.text_or(Some(event.detail_type), "detail-type");
        match source.as_str() {
            "aws.s3" => {
                let work = s3::event_bridge(node, &detail_type()?)?;
                self.push(node, work);
                Ok(())
            }
            // A destination of Lambda: the detail is the record of the invocation.
            "lambda" if detail_type()?.starts_with("Lambda Function Invocation Result") => {
                self.envelope(&node.get("detail")?, depth + 1)
            }
            other => Err(TriggerError::UnknownName {
                at: node.path_of("source"),
                name: Names::one(other),
            }),
        }
    }

    /// Reads Lambda's record of an asynchronous invocation: the payload of a failed invocation is processed again.
    fn invocation(&mut self, node: &Node, context: &Node, depth: usize) -> Result<(), TriggerError> {
        if context.is_text("condition", "Success") {
            self.push(node, Work::Ignored(IgnoredEvent::Succeeded));
            return Ok(());
        }
        let payload = node
            .find("requestPayload")
            .ok_or_else(|| TriggerError::PayloadDropped {
                at: node.path_of("requestPayload"),
            })?;
        self.envelope(&payload, depth + 1)
    }
}

/// Returns the field that names the source of a record, and the source. The source of a record that was shortened by hand
/// is detected by its other fields.
fn source<'a>(record: &Node<'a>) -> Result<(&'static str, &'a str), TriggerError> {
    // SNS writes its field names with a capital letter.
    for field in ["eventSource", "EventSource"] {
        if let Some(source) = record.find_text(field)? {
            return Ok((field, source));
        }
    }
    let has = |field| record.find(field).is_some();
    if has("s3") {
        Ok(("s3", S3))
    } else if has("Sns") {
        Ok(("Sns", SNS))
    } else if let Some(body) = body_of(record) {
        Ok((body, SQS))
    } else {
        let at = record.path_of("eventSource");
        Err(TriggerError::Missing { at })
    }
}
