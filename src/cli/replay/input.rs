//! What a file to replay contains, recognized by its content.

use std::path::Path;

use serde_json::Value;

use crate::object::ObjectRequest;

use super::keys;

/// The content of a file to replay.
pub(super) enum Input {
    /// Payloads, in order: what the function is invoked with, or messages of a queue.
    Payloads(Vec<Value>),
    /// Objects that a list names, each with its line.
    Objects(Vec<(String, ObjectRequest)>),
    /// It begins like JSON and is not valid. The function reports what is wrong.
    Invalid(Vec<u8>),
}

/// Recognizes the content of a file. A path in a list is below `root`, whose directories are the buckets.
///
/// # Errors
/// It is none of these. The text says in which line and what is expected, and never quotes the line.
pub(super) fn recognized(mut file: Vec<u8>, root: Option<&Path>) -> Result<Input, String> {
    const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
    if file.starts_with(BYTE_ORDER_MARK) {
        file.drain(..BYTE_ORDER_MARK.len());
    }
    match file.trim_ascii_start().first() {
        None => {
            Err("the input is empty; `aws sqs receive-message` prints nothing if it received no message".to_owned())
        }
        Some(b'{' | b'[') => Ok(match payloads(&file) {
            Some(payloads) => Input::Payloads(payloads),
            None => Input::Invalid(file),
        }),
        Some(_) => keys::read(&file, root).map(Input::Objects),
    }
}

/// Returns the JSON values of a file, or nothing if one of them is not valid. An array has one payload in each element:
/// `--query 'Messages[]'` prints messages so, and `--query 'Messages[].Body'` their bodies, each as a string.
fn payloads(file: &[u8]) -> Option<Vec<Value>> {
    let mut payloads = Vec::new();
    for value in serde_json::Deserializer::from_slice(file).into_iter::<Value>() {
        match value.ok()? {
            Value::Array(elements) => {
                for element in elements {
                    payloads.push(match element {
                        // A body that is not JSON stays a string, which the function refuses.
                        Value::String(body) => serde_json::from_str(&body).unwrap_or(Value::String(body)),
                        other => other,
                    });
                }
            }
            other => payloads.push(other),
        }
    }
    Some(payloads)
}
