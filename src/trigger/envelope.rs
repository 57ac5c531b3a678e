//! Envelopes within envelopes, told by their fields.

use serde_json::Value;

use super::error::{Names, TriggerError};
use super::node::Node;
use super::{Kind, MAX_ENVELOPES, Request, Skip, Task, Work, batch_job, s3};

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
        return read_queue(&messages);
    }
    let mut reader = Reader::default();
    reader.envelope(&payload, 1)?;
    Ok(Request {
        kind: Kind::Direct,
        tasks: reader.tasks,
    })
}

/// The error that a text is no JSON. serde's own message may quote the text, so only the place is kept.
pub(super) fn no_json(at: String, error: &serde_json::Error) -> TriggerError {
    TriggerError::NoJson {
        at,
        line: error.line(),
        column: error.column(),
    }
}

/// The messages, if a queue's mapping is who asks: it always names itself, and only it reads an answer that names failed
/// messages. It must be the only one, because such an answer would acknowledge the records beside its own.
fn queue<'a>(payload: &Node<'a>) -> Result<Option<Vec<Node<'a>>>, TriggerError> {
    let Some(records) = payload.find("Records") else {
        return Ok(None);
    };
    let records: Vec<_> = records.items()?.collect();
    let other = records.iter().find(|record| !record.says("eventSource", SQS));
    match other {
        _ if records.is_empty() => Ok(None),
        None => Ok(Some(records)),
        Some(_) if !records.iter().any(|record| record.says("eventSource", SQS)) => Ok(None),
        Some(other) => Err(TriggerError::MixedRecords { at: other.path.clone() }),
    }
}

/// Every message by itself: one that cannot be read fails alone. Without its id it could not even fail.
fn read_queue(messages: &[Node]) -> Result<Request, TriggerError> {
    let mut reader = Reader::default();
    let mut message_ids = Vec::with_capacity(messages.len());
    for (unit, message) in messages.iter().enumerate() {
        message_ids.push(message.get_text("messageId")?.to_owned());
        reader.unit = unit;
        reader.each(message, |reader| reader.text(message, "body", 1));
    }
    Ok(Request {
        kind: Kind::Queue { message_ids },
        tasks: reader.tasks,
    })
}

/// Collects the tasks of a payload.
#[derive(Default)]
struct Reader {
    tasks: Vec<Task>,
    unit: usize,
}

impl Reader {
    /// Reads one record or message. Its error is its own.
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

    /// One envelope; the order of the questions matters where fields of several stand together.
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
        if node.says("Event", "s3:TestEvent") {
            self.push(node, Work::Skipped(Skip::TestEvent));
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
        if node.says("Type", "Notification") {
            return self.text(node, "Message", depth);
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
        Err(TriggerError::UnknownEnvelope {
            at: node.path.clone(),
            fields: Names::of(fields.keys().map(String::as_str)),
        })
    }

    /// One of `Records`: S3's own, or a message of SNS or SQS. SQS is here only where no queue's mapping asks, as in the record
    /// of an invocation with a queue's payload.
    fn record(&mut self, record: &Node, depth: usize) -> Result<(), TriggerError> {
        match source(record)? {
            (_, S3) => {
                let work = s3::notification(record)?;
                self.push(record, work);
                Ok(())
            }
            (_, SNS) => self.text(&record.get("Sns")?, "Message", depth),
            (_, SQS) => self.text(record, "body", depth),
            (field, other) => Err(TriggerError::UnknownName {
                at: record.path_of(field),
                name: Names::one(other),
            }),
        }
    }

    /// An envelope in a text.
    fn text(&mut self, node: &Node, name: &str, depth: usize) -> Result<(), TriggerError> {
        let text = node.get_text(name)?;
        let path = node.path_of(name);
        let value: Value = serde_json::from_str(text).map_err(|error| no_json(path.clone(), &error))?;
        let inner = Node { value: &value, path };
        self.envelope(&inner, depth + 1)
    }

    fn event_bridge(&mut self, node: &Node, depth: usize) -> Result<(), TriggerError> {
        match node.get_text("source")? {
            "aws.s3" => {
                let work = s3::event_bridge(node)?;
                self.push(node, work);
                Ok(())
            }
            // Lambda's destinations; the record is what matters, and its own condition.
            "lambda"
                if node
                    .get_text("detail-type")?
                    .starts_with("Lambda Function Invocation Result") =>
            {
                self.envelope(&node.get("detail")?, depth + 1)
            }
            other => Err(TriggerError::UnknownName {
                at: node.path_of("source"),
                name: Names::one(other),
            }),
        }
    }

    /// Lambda's record of an asynchronous invocation: what it was asked to do is asked again.
    fn invocation(&mut self, node: &Node, context: &Node, depth: usize) -> Result<(), TriggerError> {
        if context.says("condition", "Success") {
            self.push(node, Work::Skipped(Skip::Succeeded));
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

/// The field that names a record's source, and the source. A record without one, as people cut them, is told by its fields.
fn source<'a>(record: &Node<'a>) -> Result<(&'static str, &'a str), TriggerError> {
    // SNS begins its names with a capital.
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
    } else if has("messageId") && has("body") {
        Ok(("body", SQS))
    } else {
        let at = record.path_of("eventSource");
        Err(TriggerError::Missing { at })
    }
}
