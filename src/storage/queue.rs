//! The seam of a queue: messages that invoke the function.

use std::fmt;
use std::path::PathBuf;

use crate::escape::{escaped, escaped_path};

use super::StorageError;

/// A queue that takes messages.
pub trait Queue: Send + Sync {
    /// Sends messages, each at least once. They are in the queue when this returns.
    ///
    /// # Errors
    /// Messages were not accepted. Others may have been sent.
    fn send(&self, messages: &[String]) -> Result<(), StorageError>;
}

/// The place of a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueueUrl {
    /// The URL of an Amazon SQS queue.
    Sqs(String),
    /// A directory that gets a file for each message, for `replay` and tests.
    Directory(PathBuf),
}

impl QueueUrl {
    /// Parses `https://…` or `file:///DIR`.
    pub fn parse(value: &str) -> Option<Self> {
        match value.split_once("://") {
            Some(("https" | "http", queue)) => is_queue(queue).then(|| Self::Sqs(value.to_owned())),
            Some(("file", path)) => path.starts_with('/').then(|| Self::Directory(path.into())),
            _ => None,
        }
    }
}

/// Returns whether a URL without its scheme names a host and a queue.
fn is_queue(url: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/".contains(&byte);
    url.bytes().all(legal)
        && url
            .split_once('/')
            .is_some_and(|(host, path)| !host.is_empty() && !path.is_empty())
}

impl fmt::Display for QueueUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqs(url) => escaped(url).fmt(out),
            Self::Directory(path) => escaped_path(path).fmt(out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queues_are_parsed_by_scheme() {
        let url = "https://sqs.us-east-1.amazonaws.com/123456789012/alb-ingest-objects";
        assert_eq!(QueueUrl::parse(url), Some(QueueUrl::Sqs(url.to_owned())));
        assert_eq!(
            QueueUrl::parse("file:///queue"),
            Some(QueueUrl::Directory("/queue".into()))
        );
        for wrong in [
            "alb-ingest-objects",
            "https://",
            "https://host",
            "https://host/",
            "file://x",
            "arn:aws:sqs:x",
        ] {
            assert_eq!(QueueUrl::parse(wrong), None, "{wrong}");
        }
    }
}
