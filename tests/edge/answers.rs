//! The response to each kind of sender, for any payload.

use crate::envelopes::*;
use alb_ingest::ingest::{Problem, Skip};
use alb_ingest::trigger::{
    InvocationError, Kind, Request, SkipReason, TaskOutcome, TriggerError, Work, read, read_value,
};
use proptest::prelude::*;
use serde_json::{Value, json};

#[test]
fn the_response_to_a_queue_lists_exactly_the_failed_messages() {
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

    let answer = |results: &[TaskOutcome]| request.answer(results, true).unwrap();
    let items = |numbers: &[usize]| {
        let items: Vec<_> = numbers
            .iter()
            .map(|n| json!({"itemIdentifier": uuid(n + 10)}))
            .collect();
        json!({ "batchItemFailures": items })
    };
    assert_eq!(answer(&results), items(&[1]));
    results[3] = failed();
    results[4] = failed_with(Problem::OnlyLongLines);
    assert_eq!(answer(&results), items(&[1, 2]));

    // Without a partial response the batch fails or succeeds as a whole.
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

    // The outcomes of a different request acknowledge nothing.
    for wrong in [&results[1..], &[]] {
        assert!(matches!(
            request.answer(wrong, true),
            Err(InvocationError::Outcomes { .. })
        ));
    }
}

#[test]
fn message_ids_are_never_empty_unknown_or_repeated() {
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
    // A response that lists messages would acknowledge a record of another source.
    let mut mixed = sqs(&["{}".to_owned()]);
    let other = s3_record(&Object::named("a.log"), "ObjectCreated:Put");
    mixed["Records"].as_array_mut().unwrap().push(other);
    assert!(matches!(read_value(&mixed), Err(TriggerError::MixedRecords { at }) if at == "Records[1]"));
}

#[test]
fn the_response_to_batch_operations_has_a_result_for_every_task() {
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
    results[1] = TaskOutcome::Skipped(SkipReason::Object {
        skip: Skip::TestObject,
        ledger: Box::default(),
    });
    results[2] = failed();
    results[3] = failed_with(Problem::MostlyMalformed {
        malformed: 40,
        lines: 40,
        table: "alb_access_log",
        reasons: format!("a\n{}", "é".repeat(2_000)),
    });
    let answer = request.answer(&results, false).unwrap();
    assert_eq!(answer["invocationSchemaVersion"], "1.0");
    assert_eq!(answer["invocationId"], "EXAMPLEinvocationid1");
    assert_eq!(answer["treatMissingKeysAs"], "PermanentFailure");
    let answered = answer["results"].as_array().unwrap();
    let expected = [
        (
            "t1",
            "Succeeded",
            "lines=3 events=3 quarantined=0 skipped=0 written=0 there_before=0",
        ),
        ("t2", "Succeeded", "skipped: test object"),
        ("t3", "TemporaryFailure", "not enough time before the deadline"),
        (
            "t4",
            "PermanentFailure",
            "40 of the first 40 lines are malformed as alb_access_log (a\\né",
        ),
        ("t5", "PermanentFailure", "tasks[4].s3Key: the key has a percent sign"),
        ("t6", "PermanentFailure", "tasks[5].s3BucketArn: missing"),
    ];
    assert_eq!(answered.len(), expected.len());
    for (answer, (id, code, text)) in answered.iter().zip(expected) {
        assert_eq!((&answer["taskId"], &answer["resultCode"]), (&json!(id), &json!(code)));
        let result = answer["resultString"].as_str().unwrap();
        assert!(result.starts_with(text) && result.len() <= 1_003, "{result}");
    }
    // The response cannot name a task without an id.
    payload["tasks"][3]["taskId"] = json!("");
    assert!(read_value(&payload).is_err());
}

#[test]
fn a_direct_invocation_fails_if_any_object_fails() {
    let request = read_value(&s3(&[Object::named("a"), Object::named("b")])).unwrap();
    assert_eq!(
        request.answer(&[done(), done()], false),
        Ok(json!({"objects": {"ingested": 2, "skipped": 0, "failed": 0}}))
    );
    let error = request.answer(&[done(), failed()], true).unwrap_err().to_string();
    assert!(
        error.starts_with("1 of 2 records failed: Records[1]: not enough time"),
        "{error}"
    );
}

#[test]
fn a_duplicate_has_the_outcome_of_the_first_task() {
    let object = Object::named("a");
    let request = read_value(&s3(&[object.clone(), Object::named("b"), object])).unwrap();
    assert_eq!(request.objects().len(), 2);
    let results = request.outcomes(vec![failed(), done()], Vec::new()).unwrap();
    assert!(matches!(results[2], TaskOutcome::DuplicateOf(0)));
    let Err(InvocationError::Failed { failed, of, .. }) = request.answer(&results, true) else {
        panic!("the duplicate of a failed object was acknowledged");
    };
    assert_eq!(
        (failed, of),
        (vec!["Records[0]".to_owned(), "Records[2]".to_owned()], 3)
    );
    // A duplicate without a first task is an error and not a success.
    for first in [2, 7] {
        let broken = [done(), done(), TaskOutcome::DuplicateOf(first)];
        assert!(matches!(
            request.answer(&broken, true),
            Err(InvocationError::Outcomes { .. })
        ));
    }
}

#[test]
fn there_is_exactly_one_outcome_for_each_object() {
    let request = read_value(&sqs(&[s3(&[Object::named("a")]).to_string(), "no JSON".to_owned()])).unwrap();
    for objects in [vec![], vec![done(), done()]] {
        assert!(matches!(
            request.outcomes(objects, Vec::new()),
            Err(InvocationError::Outcomes { expected: 1, .. })
        ));
    }
    let results = request.outcomes(vec![done()], Vec::new()).unwrap();
    assert!(
        matches!(results[1], TaskOutcome::Failed(_)),
        "a refused record always fails"
    );
}

/// Replaces the value at a random path; `steps` chooses the path.
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

/// Checks that the sender of a request understands every response to it.
fn check_answers(request: &Request) {
    for results in [all_done(request), outcomes(request, failed)] {
        let failed = |unit: usize| {
            let mut tasks = request.tasks.iter().zip(&results).filter(|(task, _)| task.unit == unit);
            tasks.any(|(task, result)| match (&task.work, result) {
                (Work::Refused(_), _) | (_, TaskOutcome::Failed(_)) => true,
                (_, TaskOutcome::DuplicateOf(first)) => matches!(results[*first], TaskOutcome::Failed(_)),
                (_, TaskOutcome::Ingested { .. } | TaskOutcome::Merged(_) | TaskOutcome::Skipped(_)) => false,
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
    fn any_json_is_answered_without_a_panic(
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
    fn any_bytes_are_answered_without_a_panic(
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
