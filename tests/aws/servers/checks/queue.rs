//! Tests of the queue and the event source mapping.

use serde_json::{Value, json};

use crate::servers::queue::{Answer, Message, Queue, Settings};

/// Four messages, in batches of three, that may be received twice.
fn queue(reports_failures: bool) -> Queue {
    let mut queue = Queue::new(Settings {
        batch_size: 3,
        max_receive_count: 2,
        reports_failures,
        ..Settings::default()
    });
    for body in ["a", "b", "c", "d"] {
        queue.send(body);
    }
    queue
}

fn bodies(messages: &[Message]) -> String {
    messages.iter().map(|message| message.body.as_str()).collect()
}

/// A response that names the message at this position in the batch.
fn failed(event: &Value, at: usize) -> Answer {
    json!({ "batchItemFailures": [{ "itemIdentifier": event["Records"][at]["messageId"] }] }).into()
}

#[test]
fn several_responses_mean_success() {
    for answer in [
        "",
        "null",
        "{}",
        r#"{"batchItemFailures":null}"#,
        r#"{"batchItemFailures":[]}"#,
    ] {
        let mut queue = queue(true);
        queue.drain(100, |_| Answer::Returned(answer.as_bytes().to_vec()));
        assert_eq!(bodies(&queue.deleted), "abcd", "{answer}");
        assert_eq!((queue.invocations, queue.dead.len()), (2, 0), "{answer}");
    }
}

#[test]
fn an_invalid_response_fails_the_batch() {
    for answer in [
        "not json",
        r#"{"batchItemFailures":"a"}"#,
        r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#,
        r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#,
        r#"{"batchItemFailures":[{"messageId":"x"}]}"#,
        r#"{"batchItemFailures":[{"itemIdentifier":"of another batch"}]}"#,
    ] {
        let mut queue = queue(true);
        queue.drain(100, |_| Answer::Returned(answer.as_bytes().to_vec()));
        assert_eq!(bodies(&queue.dead), "abcd", "{answer}");
        assert_eq!((queue.invocations, queue.deleted.len()), (4, 0), "{answer}");
    }
}

#[test]
fn failed_messages_are_retried_and_end_in_the_dead_letter_queue() {
    let mut queue = queue(true);
    let mut counts = Vec::new();
    queue.drain(100, |event| {
        let records = event["Records"].as_array().unwrap();
        let count = |record: &Value| {
            record["attributes"]["ApproximateReceiveCount"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        counts.push(records.iter().map(count).collect::<String>());
        match records.iter().position(|record| record["body"] == "b") {
            Some(at) => failed(event, at),
            None => Value::Null.into(),
        }
    });
    assert_eq!(counts, ["111", "1", "2"]);
    assert_eq!(
        (bodies(&queue.deleted).as_str(), bodies(&queue.dead).as_str()),
        ("acd", "b")
    );
    assert!(queue.left().is_empty());
    queue.redrive();
    queue.drain(100, |_| Value::Null.into());
    assert_eq!(bodies(&queue.deleted), "acdb");
}

#[test]
fn a_mapping_without_partial_failures_deletes_failed_messages() {
    let mut queue = queue(false);
    let mut answers = 0;
    queue.drain(100, |event| {
        answers += 1;
        // An error returns the whole batch to the queue.
        if answers == 1 { Answer::Failed } else { failed(event, 0) }
    });
    assert_eq!((bodies(&queue.deleted).as_str(), queue.dead.len()), ("dabc", 0));
}

#[test]
fn messages_are_delivered_at_least_once_and_unordered() {
    let mut queue = Queue::new(Settings {
        shuffle: Some(5),
        again_permille: 300,
        ..Settings::default()
    });
    let sent: Vec<_> = (0..100).map(|index| queue.send(format!("{index}"))).collect();
    queue.drain(1000, |_| Value::Null.into());
    let got: Vec<_> = queue.deleted.iter().map(|message| message.id.clone()).collect();
    let mut distinct = got.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct, sent);
    assert!((110..160).contains(&got.len()) && got[..100] != sent, "{}", got.len());
}
