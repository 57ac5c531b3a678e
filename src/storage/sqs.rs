//! An Amazon SQS queue.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::operation::send_message_batch::SendMessageBatchOutput;
use aws_sdk_sqs::types::{BatchResultErrorEntry, SendMessageBatchRequestEntry};

use crate::deadline::Deadline;
use crate::escape::is_name;

use super::aws::Clients;
use super::aws::error::{Class, Context, Failure, Resource};
use super::{ErrorKind, Operation, Queue, StorageError};

/// The maximum number of messages of a call.
const MAX_MESSAGES: usize = 10;

/// A queue, and the deadline of the calls to it.
pub(super) struct Sqs {
    clients: Clients,
    client: Client,
    url: String,
    deadline: Deadline,
}

/// What a response says about the messages of its call.
#[derive(Debug, PartialEq, Eq)]
struct Rejected {
    /// The positions of the messages that are not confirmed.
    messages: Vec<usize>,
    /// The error code of the first of them.
    code: String,
    /// Whether the queue will reject one of them again.
    is_final: bool,
}

impl Sqs {
    pub(super) fn new(clients: Clients, url: &str, deadline: Deadline) -> Self {
        Self {
            client: clients.sqs(),
            clients,
            url: url.to_owned(),
            deadline,
        }
    }

    /// Sends the messages of one call until each is confirmed.
    fn send_batch(&self, messages: &[String]) -> Result<(), StorageError> {
        let mut pending: Vec<_> = messages.iter().collect();
        let mut attempts = 1;
        loop {
            let rejected = match self.call(&pending) {
                Ok(output) => rejected(pending.len(), &output),
                Err(failure) => return Err(self.failure(&failure)),
            };
            let Some(rejected) = rejected else { return Ok(()) };
            if rejected.is_final || !self.clients.tuning().retry.allows_another(attempts) {
                return Err(self.rejection(&rejected, pending.len()));
            }
            pending = rejected
                .messages
                .iter()
                .filter_map(|position| pending.get(*position).copied())
                .collect();
            self.clients.back_off(attempts, self.deadline);
            attempts += 1;
        }
    }

    fn call(&self, messages: &[&String]) -> Result<SendMessageBatchOutput, Failure> {
        let mut call = self.client.send_message_batch().queue_url(&self.url);
        for (position, body) in messages.iter().enumerate() {
            let entry = SendMessageBatchRequestEntry::builder()
                .id(position.to_string())
                .message_body(*body)
                .build();
            call = call.entries(entry.map_err(|_| Failure::client_side(Class::NotBuilt))?);
        }
        self.clients.call(self.deadline, call.send())
    }

    fn failure(&self, failure: &Failure) -> StorageError {
        failure.to_error(&Context {
            operation: Operation::Send,
            resource: Resource::Queue(&self.url),
            region: self.clients.region(),
        })
    }

    fn rejection(&self, rejected: &Rejected, of: usize) -> StorageError {
        let kind = if rejected.is_final {
            ErrorKind::Refused
        } else {
            ErrorKind::Unavailable
        };
        let message = format!(
            "the queue rejected {} of {of} messages: {}",
            rejected.messages.len(),
            rejected.code
        );
        StorageError::new(Operation::Send, &self.url, kind, message)
    }
}

impl Queue for Sqs {
    fn send(&self, messages: &[String]) -> Result<(), StorageError> {
        messages
            .chunks(MAX_MESSAGES)
            .try_for_each(|batch| self.send_batch(batch))
    }
}

/// Returns what is not confirmed, if anything is. A message that the response does not mention is not confirmed.
fn rejected(sent: usize, output: &SendMessageBatchOutput) -> Option<Rejected> {
    let is_confirmed = |position: &usize| {
        let id = position.to_string();
        output.successful().iter().any(|entry| entry.id() == id)
    };
    let messages: Vec<_> = (0..sent).filter(|position| !is_confirmed(position)).collect();
    if messages.is_empty() {
        return None;
    }
    let first = output.failed().first();
    let code = first.map(BatchResultErrorEntry::code).filter(|code| is_name(code));
    Some(Rejected {
        messages,
        code: code.unwrap_or("no error code").to_owned(),
        is_final: output.failed().iter().any(BatchResultErrorEntry::sender_fault),
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_sqs::types::SendMessageBatchResultEntry;

    use super::*;

    fn output(confirmed: &[&str], failed: &[(&str, &str, bool)]) -> SendMessageBatchOutput {
        let mut output = SendMessageBatchOutput::builder()
            .set_successful(Some(Vec::new()))
            .set_failed(Some(Vec::new()));
        for id in confirmed {
            let entry = SendMessageBatchResultEntry::builder()
                .id(*id)
                .message_id("m")
                .md5_of_message_body("d");
            output = output.successful(entry.build().unwrap());
        }
        for (id, code, sender_fault) in failed {
            let entry = BatchResultErrorEntry::builder()
                .id(*id)
                .code(*code)
                .sender_fault(*sender_fault);
            output = output.failed(entry.build().unwrap());
        }
        output.build().unwrap()
    }

    #[test]
    fn only_confirmed_messages_are_sent() {
        assert_eq!(rejected(2, &output(&["0", "1"], &[])), None);
        let found = rejected(3, &output(&["1"], &[("0", "InternalError", false)])).unwrap();
        assert_eq!(
            (found.messages.as_slice(), found.code.as_str(), found.is_final),
            (&[0, 2][..], "InternalError", false)
        );
        assert!(
            rejected(1, &output(&[], &[("0", "InvalidMessageContents", true)]))
                .unwrap()
                .is_final
        );
        assert_eq!(rejected(1, &output(&[], &[])).unwrap().code, "no error code");
    }
}
