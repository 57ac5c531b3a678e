//! The tasks of each kind of payload.

use crate::envelopes::*;
use alb_ingest::merge::Folder;
use alb_ingest::object::ObjectRequest;
use alb_ingest::trigger::{
    FolderRequest, IgnoredEvent, InvocationError, Kind, MAX_ENVELOPES, MergeRequest, TriggerError, Work, read,
    read_value,
};
use serde_json::{Value, json};

/// Returns the objects in order; a task without an object fails the test.
fn objects_of(name: &str, payload: &Value) -> Vec<ObjectRequest> {
    let request = read(payload.to_string().as_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"));
    let tasks = request.tasks.into_iter();
    tasks
        .map(|task| match task.work {
            Work::Object(object) => object,
            other => panic!("{name}: {other:?}"),
        })
        .collect()
}

/// Returns the only object of a payload.
fn object_of(payload: &Value) -> ObjectRequest {
    let mut objects = objects_of("payload", payload);
    assert_eq!(objects.len(), 1);
    objects.remove(0)
}

/// Returns the error of a payload, or of its only task.
fn refusal_of(payload: &Value) -> TriggerError {
    match read_value(payload) {
        Err(error) => error,
        Ok(request) => match request.tasks.as_slice() {
            [task] => match &task.work {
                Work::Refused(error) => error.clone(),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        },
    }
}

#[test]
fn every_envelope_decodes_any_key_to_the_same_object() {
    let keys = [
        "a/plain-key_1.log.gz",
        "with space",
        "two  spaces ",
        "plus+plus",
        "space and+plus",
        "100%",
        "a%20b",
        "a%2Fb/c%2fd",
        "twice%252Fencoded",
        "k=v&x=y",
        "date=2026-10-07/hour=11",
        "ünïcode/日本/🪵",
        "quote\"back\\slash'",
        "~!@#$^*();:,?<>[]{}|`",
        "new\nline\ttab\u{1}",
        "../up/./same//twice",
    ];
    for key in keys {
        let object = Object::named(key);
        for (way, payload) in ways(&object) {
            let read = objects_of(way, &payload);
            assert_eq!(read.len(), 1, "{way}");
            assert_eq!(
                (read[0].bucket.as_str(), read[0].key.as_str()),
                ("example-logs", key),
                "{way}"
            );
            // The key of a correctly encoded manifest has only one reading.
            assert_eq!(read[0].alternative_key, None, "{way}: {key}");
            if !way.starts_with("Batch") {
                assert_eq!(read[0].size, Some(object.size), "{way}");
                assert_eq!(read[0].etag.as_deref(), Some(object.etag.as_str()), "{way}");
            }
        }
    }
}

#[test]
fn the_outermost_envelope_determines_the_kind_of_sender() {
    for (way, payload) in ways(&Object::named("a.log")) {
        let request = read_value(&payload).unwrap();
        let expected = match way.split([',', ' ']).next().unwrap() {
            "sqs" => Kind::Queue {
                message_ids: vec![uuid(10)],
            },
            "Batch" => {
                let version = way.rsplit(' ').next().unwrap();
                let number = version.split('.').next().unwrap();
                Kind::Batch {
                    schema_version: version.to_owned(),
                    invocation_id: format!("EXAMPLEinvocationid{number}"),
                    task_ids: vec![format!("EXAMPLEtaskid{number}")],
                }
            }
            _ => Kind::Direct,
        };
        assert_eq!(request.kind, expected, "{way}");
    }
}

#[test]
fn records_without_a_source_are_detected_by_their_fields() {
    for (way, mut payload) in ways(&Object::named("a.log")) {
        let Some(records) = payload["Records"].as_array_mut() else {
            continue;
        };
        for record in records {
            record
                .as_object_mut()
                .unwrap()
                .retain(|name, _| !name.ends_with("ventSource"));
        }
        let request = read_value(&payload).unwrap();
        assert!(matches!(request.tasks[0].work, Work::Object(_)), "{way}");
        // The event source mapping of a queue always names the source, and only it reads the ids of failed messages.
        assert_eq!(request.kind, Kind::Direct, "{way}");
    }
}

#[test]
fn a_plus_in_a_manifest_gives_two_keys() {
    let mut payload = batch_1(&Object::named("x"));
    payload["tasks"][0]["s3Key"] = json!("a+b%2Bc%20d");
    let object = object_of(&payload);
    assert_eq!(object.key, "a+b+c d");
    assert_eq!(object.alternative_key.as_deref(), Some("a b+c d"));
}

#[test]
fn buckets_are_read_from_arns_of_every_partition() {
    for (arn, bucket, region) in [
        ("arn:aws:s3:::logs", "logs", None),
        ("arn:aws-cn:s3:::logs.example", "logs.example", None),
        ("arn:aws-us-gov:s3:::logs", "logs", None),
        ("arn:aws:s3:us-east-1:123456789012:logs", "logs", Some("us-east-1")),
        (
            "arn:aws:s3express:us-east-1:123456789012:bucket/logs--use1-az4--x-s3",
            "logs--use1-az4--x-s3",
            Some("us-east-1"),
        ),
    ] {
        let mut payload = batch_1(&Object::named("a.log"));
        payload["tasks"][0]["s3BucketArn"] = json!(arn);
        let object = object_of(&payload);
        assert_eq!(
            (object.bucket.as_str(), object.region.as_deref()),
            (bucket, region),
            "{arn}"
        );
    }
    for arn in [
        "logs",
        "arn:aws:s3:::",
        "arn:aws:sqs:::logs",
        "arn:azure:s3:::logs",
        "arn:aws:s3:us-east-1:123456789012:accesspoint/logs",
        "arn:aws:s3:us-east-1:123456789012:accesspoint:logs",
    ] {
        let mut payload = batch_1(&Object::named("a.log"));
        payload["tasks"][0]["s3BucketArn"] = json!(arn);
        assert!(matches!(refusal_of(&payload), TriggerError::BucketArn { .. }), "{arn}");
    }
}

#[test]
fn the_fields_of_an_event_reach_the_request() {
    let mut payload = s3(&[Object::named("a.log")]);
    let object = &mut payload["Records"][0]["s3"]["object"];
    object["versionId"] = json!("v1.Ab");
    object["eTag"] = json!("\"5d41402abc4b2a76b9719d911017c592-2\"");
    let carried = object_of(&payload);
    let expected = ObjectRequest {
        bucket: "example-logs".to_owned(),
        key: "a.log".to_owned(),
        alternative_key: None,
        version_id: Some("v1.Ab".to_owned()),
        etag: Some("5d41402abc4b2a76b9719d911017c592-2".to_owned()),
        size: Some(1024),
        sequencer: Some("0068E4FD4B9A1C2D3E".to_owned()),
        event_time: Some("2026-10-07T11:46:03.512Z".to_owned()),
        region: Some("us-east-1".to_owned()),
    };
    assert_eq!(carried, expected);

    // EventBridge names the fields differently, and not always consistently.
    let mut payload = event_bridge(&Object::named("a.log"), "Object Created");
    let object = payload["detail"]["object"].as_object_mut().unwrap();
    let etag = object.remove("etag").unwrap();
    object.insert("eTag".to_owned(), etag);
    object.insert("version-id".to_owned(), json!("v1.Ab"));
    let expected = ObjectRequest {
        etag: Some("5d41402abc4b2a76b9719d911017c592".to_owned()),
        event_time: Some("2026-10-07T11:46:03Z".to_owned()),
        ..expected
    };
    assert_eq!(object_of(&payload), expected);

    // Only the bucket and the key are required.
    let object = payload["detail"]["object"].as_object_mut().unwrap();
    object.retain(|name, _| name == "key");
    let bare = object_of(&payload);
    assert_eq!((bare.size, bare.etag, bare.version_id), (None, None, None));
}

#[test]
fn a_version_is_requested_by_name_and_identified_by_its_etag() {
    let request = |version: Value| {
        let mut payload = batch_2(&Object::named("a.log"));
        payload["tasks"][0]["s3VersionId"] = version;
        object_of(&payload)
    };
    assert_eq!(request(Value::Null).version_id, None);
    assert_eq!(request(json!("")).version_id, None);
    let unversioned = request(Value::Null).identity("a.log", "e1");
    let null = request(json!("null"));
    assert_eq!(null.version_id.as_deref(), Some("null"));
    // An object from before versioning was enabled keeps its identity.
    assert_eq!(null.identity("a.log", "e1"), unversioned);
    assert_ne!(null.identity("a.log", "e2"), unversioned);
    let versioned = request(json!("v1"));
    assert_eq!(versioned.version_id.as_deref(), Some("v1"));
    assert_eq!(versioned.identity("a.log", "e1"), unversioned);
}

#[test]
fn any_minor_version_and_no_other_major_version_is_accepted() {
    let of = |version: &str| {
        let mut payload = s3(&[Object::named("a.log")]);
        payload["Records"][0]["eventVersion"] = json!(version);
        payload["Records"][0]["newField"] = json!({"new": [1, 2]});
        payload
    };
    for version in ["2.0", "2.1", "2.6", "2.99"] {
        object_of(&of(version));
    }
    for version in ["3.0", "1.0", "20.1", "x"] {
        assert!(
            matches!(refusal_of(&of(version)), TriggerError::Version { .. }),
            "{version}"
        );
    }
    let mut bridge = event_bridge(&Object::named("a.log"), "Object Created");
    bridge["detail"]["event-version"] = json!("2.0");
    assert!(matches!(refusal_of(&bridge), TriggerError::Version { .. }));
    let mut batch = batch_1(&Object::named("a.log"));
    batch["invocationSchemaVersion"] = json!("3.0");
    assert!(matches!(read_value(&batch), Err(TriggerError::Version { .. })));
}

#[test]
fn events_without_a_new_object_are_skipped_in_every_envelope() {
    let other = |name: &str| records(&[s3_record(&Object::named("a.log"), name)]);
    let mut payloads = vec![test_event()];
    payloads.extend(
        [
            "ObjectRemoved:Delete",
            "ObjectRemoved:DeleteMarkerCreated",
            "s3:ObjectRemoved:Delete",
            "ObjectRestore:Completed",
            "ObjectTagging:Put",
            "ObjectAcl:Put",
            "LifecycleExpiration:Delete",
            "LifecycleTransition",
            "Replication:OperationFailedReplication",
            "IntelligentTiering",
            "ReducedRedundancyLostObject",
        ]
        .map(other),
    );
    payloads.extend(
        [
            "Object Deleted",
            "Object Restore Completed",
            "Object Restore Expired",
            "Object Tags Added",
            "Object ACL Updated",
            "Object Storage Class Changed",
        ]
        .map(|name| event_bridge(&Object::named("a.log"), name)),
    );
    for inner in payloads {
        for payload in [
            inner.clone(),
            sns(&inner),
            sqs_of(&inner),
            sqs_of(&sns_message(&inner, "URL")),
            failed_invocation(&inner),
        ] {
            let request = read_value(&payload).unwrap();
            assert!(matches!(request.tasks[0].work, Work::Ignored(_)), "{payload}");
            assert_eq!(request.tasks.len(), 1);
            // A skipped event is acknowledged.
            let answer = request.answer(&all_done(&request), true).unwrap();
            let expected = match request.kind {
                Kind::Queue { .. } => json!({"batchItemFailures": []}),
                _ => json!({"objects": {"ingested": 0, "skipped": 1, "failed": 0}}),
            };
            assert_eq!(answer, expected);
        }
    }
    let mut succeeded = failed_invocation(&s3(&[Object::named("a.log")]));
    succeeded["requestContext"]["condition"] = json!("Success");
    let request = read_value(&succeeded).unwrap();
    assert_eq!(request.tasks[0].work, Work::Ignored(IgnoredEvent::Succeeded));
}

#[test]
fn an_unknown_payload_is_never_acknowledged() {
    let mut dropped = failed_invocation(&json!({}));
    dropped.as_object_mut().unwrap().remove("requestPayload");
    let mut api_call = event_bridge(&Object::named("a.log"), "AWS API Call via CloudTrail");
    api_call["detail"] = json!({"eventSource": "s3.amazonaws.com", "eventName": "PutObject"});
    let unknown = [
        json!({}),
        json!([]),
        json!(null),
        json!("text"),
        json!({"Records": null}),
        json!({"Records": {}}),
        json!({"Records": [{}]}),
        json!({"Records": [7]}),
        json!({"Records": [{"eventSource": "aws:kinesis", "kinesis": {"data": "e30="}}]}),
        json!({"Records": [{"s3": {"bucket": {"name": "b"}, "object": {"key": "k"}}}]}),
        json!({"httpMethod": "GET", "path": "/", "requestContext": {"stage": "prod"}}),
        json!({"Type": "SubscriptionConfirmation", "Message": "You have chosen to subscribe", "TopicArn": "arn"}),
        json!({"objects": [{"bucket": "b"}]}),
        json!({"Messages": [{"MessageId": "1"}]}),
        json!({"Messages": ["{}"]}),
        json!({"Messages": {}}),
        json!({"Body": "{}"}),
        json!({"Body": {"objects": []}}),
        received(&["not JSON".to_owned()]),
        received(&[batch_1(&Object::named("a.log")).to_string()]),
        // What API Gateway, function URLs and Application Load Balancers send.
        json!({"httpMethod": "POST", "body": "{\"objects\":[]}", "requestContext": {}}),
        json!({"objects": "all"}),
        json!({"invocationSchemaVersion": "1.0", "invocationId": "i"}),
        json!({"Event": "s3:OtherEvent"}),
        event_bridge_record(&json!({"hello": 1})),
        records(&[s3_record(&Object::named("a.log"), "event-type")]),
        json!({"detail-type": "EC2 Instance State-change Notification", "source": "aws.ec2", "detail": {}}),
        failed_invocation(&json!({"ORDER_IDS": []})),
        dropped,
        api_call,
        sns(&json!({"foo": "bar"})),
        // The response would be lost.
        failed_invocation(&batch_1(&Object::named("a.log"))),
        sqs_of(&batch_1(&Object::named("a.log"))),
    ];
    for payload in unknown {
        let Ok(request) = read_value(&payload) else { continue };
        let answer = request.answer(&all_done(&request), true);
        match request.kind {
            Kind::Queue { .. } => assert_eq!(answer, Ok(json!({"batchItemFailures": [{"itemIdentifier": uuid(10)}]}))),
            _ => assert!(matches!(answer, Err(InvocationError::Failed { .. })), "{payload}"),
        }
    }
    assert!(matches!(
        read(b"{\"Records\":["),
        Err(TriggerError::InvalidJson { line: 1, .. })
    ));
    // An explicitly empty list is valid.
    for payload in [
        json!({"Records": []}),
        json!({"objects": []}),
        sns(&json!({"Records": []})),
    ] {
        let request = read_value(&payload).unwrap();
        assert!(request.tasks.is_empty());
        assert!(request.answer(&[], false).is_ok());
    }
}

#[test]
fn errors_name_the_path_and_never_quote_the_payload() {
    let mut put = s3(&[Object::named("a.log")]);
    put["Records"][0]["s3"]["object"]["size"] = json!("token-1234");
    assert_eq!(
        refusal_of(&sqs_of(&sns_message(&put, "URL"))).to_string(),
        "Records[0].body.Message.Records[0].s3.object.size: expected a non-negative integer, found a string"
    );
    put["Records"][0]["s3"]["bucket"] = json!({});
    assert_eq!(refusal_of(&put).to_string(), "Records[0].s3.bucket.name: missing");
    let body = sqs(&["secret=token-1234".to_owned()]);
    assert_eq!(
        refusal_of(&body).to_string(),
        "Records[0].body: invalid JSON (line 1, column 1)"
    );
    let long = json!({"x\u{1b}[31m".repeat(50): 1});
    let text = refusal_of(&long).to_string();
    assert!(
        text.starts_with("the payload: unrecognized event payload (its fields: x\\u{1b}[31m"),
        "{text}"
    );
    assert!(text.len() < 400, "{text}");
}

#[test]
fn an_invalid_key_fails_only_its_record() {
    let mut payload = s3(&[Object::named("a.log"), Object::named("b.log"), Object::named("c.log")]);
    for (key, fault) in [
        (
            "b%ZZ.log",
            "Records[1].s3.object.key: the key has a percent sign without two hex digits after it, at byte 1",
        ),
        (
            "b%FF.log",
            "Records[1].s3.object.key: the key is not UTF-8 after decoding",
        ),
    ] {
        payload["Records"][1]["s3"]["object"]["key"] = json!(key);
        let request = read_value(&payload).unwrap();
        assert_eq!(request.objects().len(), 2);
        assert!(matches!(&request.tasks[1].work, Work::Refused(error) if error.to_string() == fault));
        let Err(InvocationError::Failed {
            failed, of, details, ..
        }) = request.answer(&all_done(&request), true)
        else {
            panic!("a refused record was acknowledged");
        };
        assert_eq!(
            (failed, of, details.as_str()),
            (vec!["Records[1]".to_owned()], 3, fault)
        );
    }
}

/// AWS's types of `aws_lambda_events` reject these payloads or drop a field of them. They are valid here.
#[test]
fn payloads_that_the_crates_types_reject_are_read_by_name() {
    let object = Object::named("a.log");
    let put = s3(std::slice::from_ref(&object));
    let mut shortened_sns = sns(&put);
    shortened_sns["Records"][0] = json!({"EventSource": "aws:sns", "Sns": {"Message": put.to_string()}});
    let mut numeric_attribute = sqs_of(&put);
    numeric_attribute["Records"][0]["attributes"]["ApproximateReceiveCount"] = json!(1);
    let mut shortened_message = sqs_of(&json!({"Type": "Notification", "Message": put.to_string()}));
    shortened_message["Records"][0]
        .as_object_mut()
        .unwrap()
        .remove("attributes");
    let mut odd_time = event_bridge(&object, "Object Created");
    odd_time["time"] = json!("yesterday");
    let mut no_job = batch_1(&object);
    no_job.as_object_mut().unwrap().remove("job");
    let mut bare_s3 = put.clone();
    let record = bare_s3["Records"][0].as_object_mut().unwrap();
    record.retain(|name, _| ["eventVersion", "eventSource", "eventName", "s3"].contains(&name.as_str()));
    for payload in [
        shortened_sns,
        numeric_attribute,
        shortened_message,
        odd_time,
        no_job,
        bare_s3,
        batch_2(&object),
    ] {
        let read = object_of(&payload);
        assert_eq!(
            (read.bucket.as_str(), read.key.as_str()),
            ("example-logs", "a.log"),
            "{payload}"
        );
    }
}

/// One task that the crate's type rejects does not affect the other tasks.
#[test]
fn a_task_of_the_wrong_type_is_refused_alone() {
    let mut payload = batch_1(&Object::named("a.log"));
    let mut other = payload["tasks"][0].clone();
    other["taskId"] = json!("t2");
    other["s3Key"] = json!(7);
    payload["tasks"].as_array_mut().unwrap().push(other);
    let request = read_value(&payload).unwrap();
    assert!(matches!(&request.tasks[0].work, Work::Object(object) if object.key == "a.log"));
    assert!(
        matches!(&request.tasks[1].work, Work::Refused(error) if error.to_string() == "tasks[1].s3Key: expected a string, found a different number"
            || error.to_string() == "tasks[1].s3Key: expected a string, found a number"),
    );
}

#[test]
fn the_depth_of_nested_envelopes_is_limited() {
    let mut payload = s3(&[Object::named("a.log")]);
    for depth in 2..=MAX_ENVELOPES {
        payload = failed_invocation(&payload);
        assert_eq!(object_of(&payload).key, "a.log", "{depth}");
    }
    assert!(matches!(
        refusal_of(&failed_invocation(&payload)),
        TriggerError::TooDeep { .. }
    ));
    assert!(matches!(refusal_of(&sqs_of(&payload)), TriggerError::TooDeep { .. }));
}

#[test]
fn only_the_same_version_of_an_object_is_a_duplicate() {
    let object = Object::named("a.log");
    let rewritten = Object {
        etag: "0cc175b9c0f1b6a831c399e269772661".to_owned(),
        ..object.clone()
    };
    let bodies = [
        s3(&[object.clone(), Object::named("b.log")]).to_string(),
        s3(&[rewritten.clone(), object.clone()]).to_string(),
        s3(&[rewritten, object]).to_string(),
    ];
    let request = read_value(&sqs(&bodies)).unwrap();
    let same: Vec<_> = request.tasks.iter().map(|task| task.duplicate_of).collect();
    assert_eq!(same, [None, None, None, Some(0), Some(2), Some(0)]);
}

/// Returns the only request of merged delivery in a payload.
fn merge_of(payload: &Value) -> MergeRequest {
    let request = read_value(payload).unwrap();
    match request.tasks.as_slice() {
        [task] => match &task.work {
            Work::Merge(request) => request.clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn requests_of_merged_delivery_are_read_from_every_envelope() {
    let due = merge_due();
    let folder = merge_folder(true);
    let wanted = |receives| {
        MergeRequest::Folder(FolderRequest {
            folder: Folder {
                bucket: "objects".to_owned(),
                prefix: SAMPLE_FOLDER.to_owned(),
            },
            all: true,
            receives,
        })
    };
    let noon = 1_791_374_400_000_000;
    assert_eq!(merge_of(&due), MergeRequest::Due { at: noon });
    assert_eq!(merge_of(&sqs(&[due.to_string()])), MergeRequest::Due { at: noon });
    assert_eq!(merge_of(&folder), wanted(1));
    for (count, receives) in [(json!("1"), 1), (json!("3"), 3), (json!(null), 1), (json!("x"), 1)] {
        let mut message = sqs(&[folder.to_string()]);
        message["Records"][0]["attributes"]["ApproximateReceiveCount"] = count;
        assert_eq!(merge_of(&message), wanted(receives));
    }
    // What the function sends is what it reads.
    let MergeRequest::Folder(request) = wanted(1) else {
        panic!("{folder}")
    };
    assert_eq!(serde_json::from_str::<Value>(&request.message()).unwrap(), folder);
    let few = FolderRequest { all: false, ..request };
    assert_eq!(
        serde_json::from_str::<Value>(&few.message()).unwrap(),
        merge_folder(false)
    );
}

#[test]
fn a_request_of_merged_delivery_names_what_is_wrong_with_it() {
    for (merge, error) in [
        (json!({}), "merge.folder: missing"),
        (json!({"folder": "a/"}), "merge.bucket: missing"),
        (json!({"bucket": "logs"}), "merge.folder: missing"),
        (json!({"bucket": "logs", "folder": "a"}), "merge.folder: not a folder"),
        (json!({"bucket": "logs", "folder": "/a/"}), "merge.folder: not a folder"),
        (
            json!({"bucket": "logs", "folder": 1}),
            "merge.folder: expected a string",
        ),
        (
            json!({"bucket": "logs", "folder": "a/", "all": "yes"}),
            "merge.all: expected true or false",
        ),
        (json!({"due": "yesterday"}), "merge.due: not a time"),
        (json!({"due": "1969-12-31T23:59:59Z"}), "merge.due: not a time"),
        (json!({"due": 1}), "merge.due: expected a string"),
    ] {
        let refusal = refusal_of(&json!({ "merge": merge })).to_string();
        assert!(refusal.starts_with(error), "{refusal}");
    }
}

#[test]
fn a_folder_that_is_named_twice_is_one_request() {
    let (all, few) = (merge_folder(true).to_string(), merge_folder(false).to_string());
    let request = read_value(&sqs(&[all.clone(), few, all, merge_due().to_string()])).unwrap();
    let duplicates: Vec<_> = request.tasks.iter().map(|task| task.duplicate_of).collect();
    assert_eq!(duplicates, [None, None, Some(0), None]);
    assert_eq!(request.merges().len(), 3);
}
