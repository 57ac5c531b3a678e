//! One object has one id, whichever way it comes in.

use std::fs;

use alb_ingest::deadline::Deadline;
use alb_ingest::object::{ObjectRef, ObjectRequest};
use alb_ingest::storage::Storage as _;
use alb_ingest::storage::local::Local;
use alb_ingest::trigger::{Work, read_value};
use serde_json::{Value, json};

use super::rig::{LOGS, Rig, put};
use crate::servers::s3::Options;

const KEY: &str = "a/b.log";

/// Returns the object of a payload.
fn object_of(payload: &Value) -> ObjectRequest {
    let mut tasks = read_value(payload).unwrap().tasks;
    assert_eq!(tasks.len(), 1, "{payload}");
    match tasks.remove(0).work {
        Work::Object(object) => object,
        other => panic!("{payload}: {other:?}"),
    }
}

/// Returns the payloads that name an object, with or without its version.
fn payloads(version: Option<&str>, etag: &str) -> Vec<Value> {
    let notification = json!({"Records": [{
        "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1", "eventName": "ObjectCreated:Put",
        "eventTime": "2026-10-07T11:46:03.512Z",
        "s3": {"bucket": {"name": LOGS}, "object": {"key": KEY, "size": 5, "eTag": etag, "versionId": version}},
    }]});
    let queued = json!({"Records": [{"messageId": "1", "eventSource": "aws:sqs", "body": notification.to_string()}]});
    let event_bridge = json!({
        "version": "0", "source": "aws.s3", "detail-type": "Object Created", "region": "us-east-1",
        "time": "2026-10-07T11:46:03Z",
        "detail": {"bucket": {"name": LOGS}, "object": {"key": KEY, "size": 5, "etag": etag, "version-id": version}},
    });
    let task =
        |bucket: (&str, String)| json!({"taskId": "1", "s3Key": KEY, "s3VersionId": version, bucket.0: bucket.1});
    let job = |schema: &str, task: Value| json!({"invocationSchemaVersion": schema, "invocationId": "1", "job": {"id": "1"}, "tasks": [task]});
    vec![
        notification,
        queued,
        event_bridge,
        job("1.0", task(("s3BucketArn", format!("arn:aws:s3:::{LOGS}")))),
        job("2.0", task(("s3Bucket", LOGS.to_owned()))),
        json!({"objects": [{"bucket": LOGS, "key": KEY, "version_id": version}]}),
    ]
}

#[test]
fn every_way_in_gives_an_object_one_id() {
    let mut found: Vec<(String, ObjectRef)> = Vec::new();
    let states = [
        ("unversioned", false, None),
        ("versioned", true, None),
        ("suspended", false, Some("null")),
    ];
    for (state, versioned, named) in states {
        let rig = Rig::new();
        let options = |versioned| Options {
            versioned,
            ..Options::default()
        };
        rig.server.bucket(LOGS, options(versioned || named.is_some()));
        put(&rig, KEY, b"other");
        rig.server.bucket(LOGS, options(versioned));
        let current = put(&rig, KEY, b"12345");
        let version = current.version_id.as_deref().or(named);
        assert_eq!(version.is_some(), state != "unversioned");
        let etag = current.etag.as_deref().unwrap();

        let listed = |place| rig.list(LOGS, place).unwrap().map(|entry| entry.unwrap().object);
        let mut requests: Vec<ObjectRequest> = listed("a/").chain(listed(KEY)).collect();
        for version in [None, version] {
            requests.extend(payloads(version, etag).iter().map(object_of));
        }
        assert_eq!(requests.len(), 14);

        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join(LOGS).join("a")).unwrap();
        fs::write(folder.path().join(LOGS).join(KEY), b"12345").unwrap();
        let buckets = Local::new(Some(folder.path().to_path_buf())).source(Deadline::NONE);
        for request in requests {
            let (object, bytes) = rig.read(&request).unwrap();
            assert_eq!(bytes, b"12345", "{state}: {request:?}");
            found.push((format!("{state}: {request:?}"), object));
            let body = buckets.open(&request).map_err(|error| error.to_string()).unwrap();
            found.push((format!("{state}, as a folder: {request:?}"), body.object().clone()));
        }
    }
    let id = found[0].1.id();
    for (way, object) in found {
        assert_eq!(object.id(), id, "{way}");
    }
}
