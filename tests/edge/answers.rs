//! What each sender is told, and that no payload at all stops the program.

use crate::envelopes::*;
use alb_ingest::trigger::{InvocationError, Kind, Request, TaskResult, TriggerError, read, read_value};
use proptest::prelude::*;
use serde_json::{Value, json};

#[test]
fn a_queue_is_told_exactly_the_failed_messages() {
    let put = |key: &str| s3(&[Object::named(key)]).to_string();
    let several = s3(&[Object::named("c"), Object::named("d"), Object::named("e")]);
    let bodies = [
        put("a"),
        "no JSON".to_owned(),
        several.to_string(),
        put("f"),
        test_event().to_string(),
    ];
    let payload = sqs(&bodies);
    let request = read_value(&payload).unwrap();
    let mut results = all_done(&request);
    let units: Vec<_> = request.tasks.iter().map(|task| task.unit).collect();
    assert_eq!(units, [0, 1, 2, 2, 2, 3, 4]);

    let answer = |results: &[TaskResult]| request.answer(results, true).unwrap();
    let items = |numbers: &[usize]| {
        let items: Vec<_> = numbers
            .iter()
            .map(|n| json!({"itemIdentifier": uuid(n + 10)}))
            .collect();
        json!({ "batchItemFailures": items })
    };
    assert_eq!(answer(&results), items(&[1]));
    results[3] = failed(true);
    results[4] = failed(false);
    assert_eq!(answer(&results), items(&[1, 2]));
    // What is settled stays so.
    results[1] = done();
    assert_eq!(answer(&results), items(&[1, 2]));

    // Without partial answers the batch fails as a whole, or succeeds.
    let Err(InvocationError::Failed {
        failed, of, details, ..
    }) = request.answer(&results, false)
    else {
        panic!("failed messages would have been deleted");
    };
    assert_eq!((failed, of), (vec![uuid(11), uuid(12)], 5));
    assert!(
        details.contains("PARTIAL_BATCH=true") && details.contains(&uuid(12)),
        "{details}"
    );
    let fine = read_value(&sqs(&[put("a")])).unwrap();
    assert_eq!(fine.answer(&[done()], false), Ok(items(&[])));

    // Results of another request acknowledge nothing.
    for wrong in [&results[1..], &[]] {
        assert!(matches!(
            request.answer(wrong, true),
            Err(InvocationError::Results { .. })
        ));
    }
}

#[test]
fn message_ids_are_never_empty_unknown_or_named_twice() {
    let body = "no JSON".to_owned();
    let mut payload = sqs(&[body.clone(), body.clone(), body]);
    payload["Records"][2]["messageId"] = payload["Records"][0]["messageId"].clone();
    let request = read_value(&payload).unwrap();
    let answer = request.answer(&all_done(&request), true).unwrap();
    let ids = [uuid(10), uuid(11)].map(|id| json!({"itemIdentifier": id}));
    assert_eq!(answer, json!({ "batchItemFailures": ids }));

    for id in [json!(""), json!(null), json!(7)] {
        payload["Records"][1]["messageId"] = id;
        assert!(read_value(&payload).is_err());
    }
    // A record of another source could be acknowledged by an answer that names messages alone.
    let mut mixed = sqs(&["{}".to_owned()]);
    let other = s3_record(&Object::named("a.log"), "ObjectCreated:Put");
    mixed["Records"].as_array_mut().unwrap().push(other);
    assert!(matches!(read_value(&mixed), Err(TriggerError::MixedRecords { at }) if at == "Records[1]"));
}

#[test]
fn batch_operations_get_a_result_for_every_task() {
    let mut payload = batch_1(&Object::named("a.log"));
    let task = |id: &str, key: &str| json!({"taskId": id, "s3Key": key, "s3BucketArn": "arn:aws:s3:::logs"});
    payload["tasks"] = json!([
        task("t1", "a.log"),
        task("t2", "readme.txt"),
        task("t3", "b.log"),
        task("t4", "c.log"),
        task("t5", "100%"),
        json!({"taskId": "t6", "s3Key": "d.log"}),
    ]);
    let request = read_value(&payload).unwrap();
    let mut results = all_done(&request);
    results[1] = TaskResult::Skipped {
        why: "no log".to_owned(),
    };
    results[2] = failed(true);
    results[3] = TaskResult::Failed {
        retryable: false,
        text: format!("404\n{}", "é".repeat(2_000)),
    };
    let answer = request.answer(&results, false).unwrap();
    assert_eq!(answer["invocationSchemaVersion"], "1.0");
    assert_eq!(answer["invocationId"], "EXAMPLEinvocationid1");
    assert_eq!(answer["treatMissingKeysAs"], "PermanentFailure");
    let answered = answer["results"].as_array().unwrap();
    let expected = [
        ("t1", "Succeeded", "events=3 quarantined=0"),
        ("t2", "Succeeded", "skipped: no log"),
        ("t3", "TemporaryFailure", "objects/a.log: 503 SlowDown"),
        ("t4", "PermanentFailure", "404 é"),
        ("t5", "PermanentFailure", "tasks[4].s3Key: the key has a percent sign"),
        ("t6", "PermanentFailure", "tasks[5].s3BucketArn: missing"),
    ];
    assert_eq!(answered.len(), expected.len());
    for (answer, (id, code, text)) in answered.iter().zip(expected) {
        assert_eq!((&answer["taskId"], &answer["resultCode"]), (&json!(id), &json!(code)));
        let result = answer["resultString"].as_str().unwrap();
        assert!(result.starts_with(text) && result.len() <= 1_003, "{result}");
    }
    // Without its id a task could not be answered.
    payload["tasks"][3]["taskId"] = json!("");
    assert!(read_value(&payload).is_err());
}

#[test]
fn a_direct_invocation_fails_when_any_object_does() {
    let request = read_value(&s3(&[Object::named("a"), Object::named("b")])).unwrap();
    assert_eq!(
        request.answer(&[done(), done()], false),
        Ok(json!({"objects": {"ingested": 2, "skipped": 0, "failed": 0}}))
    );
    let error = request.answer(&[done(), failed(true)], true).unwrap_err();
    assert_eq!(
        error.to_string(),
        "1 of 2 records failed: Records[1]: objects/a.log: 503 SlowDown"
    );
}

/// Puts something else at a random place of a value; `steps` chooses the way down.
fn mutate(value: &mut Value, mut steps: impl Iterator<Item = usize>, replacement: Value) {
    let Some(step) = steps.next() else {
        *value = replacement;
        return;
    };
    let inner = match value {
        Value::Array(list) if !list.is_empty() => {
            let number = step % list.len();
            list.get_mut(number)
        }
        Value::Object(fields) if !fields.is_empty() => {
            let number = step % fields.len();
            fields.values_mut().nth(number)
        }
        _ => None,
    };
    match inner {
        Some(inner) => mutate(inner, steps, replacement),
        None => *value = replacement,
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop::sample::select(vec![
            "aws:sqs",
            "aws:sns",
            "aws:s3",
            "null",
            "2.1",
            "%",
            "{}",
            "s3:TestEvent"
        ])
        .prop_map(Value::from),
    ];
    let field = prop::sample::select(vec![
        "Records",
        "objects",
        "eventSource",
        "body",
        "Message",
        "detail-type",
        "source",
        "requestContext",
        "condition",
        "requestPayload",
        "messageId",
        "key",
        "x",
    ]);
    leaf.prop_recursive(3, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(field.clone().prop_map(str::to_owned), inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Whatever the payload is: no panic, and every answer is one that its sender understands.
fn check_answers(request: &Request) {
    let all: Vec<TaskResult> = request.tasks.iter().map(|_| failed(true)).collect();
    for results in [all_done(request), all] {
        let failed = |unit: usize| {
            let mut tasks = request.tasks.iter().zip(&results).filter(|(task, _)| task.unit == unit);
            tasks.any(|(task, result)| {
                matches!(
                    task.settled().unwrap_or_else(|| result.clone()),
                    TaskResult::Failed { .. }
                )
            })
        };
        let answer = request.answer(&results, true);
        match &request.kind {
            Kind::Direct => assert_eq!(answer.is_err(), failed(0)),
            Kind::Queue { message_ids } => {
                let answer = answer.unwrap();
                let named: Vec<_> = answer["batchItemFailures"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|item| item["itemIdentifier"].as_str().unwrap())
                    .collect();
                for (unit, id) in message_ids.iter().enumerate() {
                    let others = (0..message_ids.len()).any(|other| message_ids[other] == *id && failed(other));
                    assert!(!id.is_empty());
                    assert_eq!(named.iter().filter(|name| *name == id).count(), usize::from(others));
                    assert!(others || !failed(unit));
                }
                assert!(named.iter().all(|name| message_ids.iter().any(|id| id == name)));
            }
            Kind::Batch { task_ids, .. } => {
                assert_eq!(answer.unwrap()["results"].as_array().unwrap().len(), task_ids.len());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_payload_stops_the_program(
        which in any::<prop::sample::Index>(),
        nested in any::<bool>(),
        steps in prop::collection::vec(any::<usize>(), 0..7),
        replacement in any_json(),
    ) {
        let object = Object::named("a b+c.log");
        let ways = ways(&object);
        let (_, mut payload) = ways[which.index(ways.len())].clone();
        mutate(&mut payload, steps.into_iter(), replacement);
        let payload = if nested { sqs(&[payload.to_string(), "{}".to_owned()]) } else { payload };
        if let Ok(request) = read_value(&payload) {
            check_answers(&request);
        }
    }

    #[test]
    fn no_bytes_stop_the_program(
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        bytes in prop::collection::vec(any::<u8>(), 0..4),
    ) {
        let object = Object::named("a b+c.log");
        let ways = ways(&object);
        let mut text = ways[which.index(ways.len())].1.to_string().into_bytes();
        let at = at.index(text.len());
        text.splice(at..(at + 1).min(text.len()), bytes);
        if let Ok(request) = read(&text) {
            check_answers(&request);
        }
    }
}
