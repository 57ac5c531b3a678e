//! Payloads in the form that AWS's services send, those of `events/`, and outcomes of their tasks.

use std::fs;
use std::path::{Path, PathBuf};

use alb_ingest::ingest::{Ledger, Problem};
use alb_ingest::object::ObjectRef;
use alb_ingest::trigger::{Merged, Request, TaskError, TaskOutcome};
use md5::{Digest as _, Md5};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

/// The characters that S3 does not encode in a key.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'*');

/// The folder of most sample objects.
pub(crate) const SAMPLE_FOLDER: &str = "AWSLogs/123456789012/elasticloadbalancing/us-east-1/2026/10/07/";
const REGION: &str = "us-east-1";
const TIME: &str = "2026-10-07T11:46:03.512Z";

/// An object that an event announces.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) size: u64,
    pub(crate) etag: String,
}

impl Object {
    pub(crate) fn named(key: &str) -> Self {
        Self {
            bucket: "example-logs".to_owned(),
            key: key.to_owned(),
            size: 1024,
            etag: "5d41402abc4b2a76b9719d911017c592".to_owned(),
        }
    }

    /// Returns the sample object whose key has this suffix; the folder `events/objects` is the bucket.
    pub(crate) fn sample(end: &str) -> Self {
        let folder = events().join("objects");
        let file = walkdir::WalkDir::new(&folder)
            .into_iter()
            .map(Result::unwrap)
            .find(|file| file.path().to_str().unwrap().ends_with(end))
            .unwrap_or_else(|| panic!("no sample object has the suffix {end}"));
        let bytes = fs::read(file.path()).unwrap();
        let key = file.path().strip_prefix(&folder).unwrap().to_str().unwrap();
        Self {
            bucket: "objects".to_owned(),
            key: key.replace('\\', "/"),
            size: bytes.len() as u64,
            etag: etag(&bytes),
        }
    }
}

/// Returns the folder of the payloads.
pub(crate) fn events() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("events")
}

/// Returns the ETag of an object that was put in one part.
pub(crate) fn etag(bytes: &[u8]) -> String {
    alb_ingest::object::hex(&Md5::digest(bytes))
}

/// Encodes a key as S3 does in a notification.
fn form_encoded(key: &str) -> String {
    utf8_percent_encode(key, PLAIN).to_string().replace("%20", "+")
}

/// Encodes a key as in a manifest for S3 Batch Operations.
fn percent_encoded(key: &str) -> String {
    utf8_percent_encode(key, PLAIN).to_string()
}

/// Returns an id in the form of AWS's that depends only on a number.
pub(crate) fn uuid(number: usize) -> String {
    format!("0e7d5c3a-{number:04}-4b1f-9d26-7a3c8e5f1b{number:02}")
}

pub(crate) fn records(records: &[Value]) -> Value {
    json!({ "Records": records })
}

pub(crate) fn s3_record(object: &Object, event: &str) -> Value {
    json!({
        "eventVersion": "2.5",
        "eventSource": "aws:s3",
        "awsRegion": REGION,
        "eventTime": TIME,
        "eventName": event,
        "userIdentity": {"principalId": "AWS:EXAMPLE:regionalDeliverySession"},
        "requestParameters": {"sourceIPAddress": "192.0.2.10"},
        "responseElements": {"x-amz-request-id": "EXAMPLE0REQUEST1", "x-amz-id-2": "EXAMPLEhostidEXAMPLEhostid"},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "alb-ingest",
            "bucket": {
                "name": object.bucket,
                "ownerIdentity": {"principalId": "EXAMPLEOWNER"},
                "arn": format!("arn:aws:s3:::{}", object.bucket),
            },
            "object": {
                "key": form_encoded(&object.key),
                "size": object.size,
                "eTag": object.etag,
                "sequencer": "0068E4FD4B9A1C2D3E",
            },
        },
    })
}

pub(crate) fn s3(objects: &[Object]) -> Value {
    let of = |object| s3_record(object, "ObjectCreated:Put");
    records(&objects.iter().map(of).collect::<Vec<_>>())
}

pub(crate) fn test_event() -> Value {
    json!({
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": TIME,
        "Bucket": "objects",
        "RequestId": "EXAMPLE0REQUEST1",
        "HostId": "EXAMPLEhostidEXAMPLEhostid",
    })
}

/// Returns an event of EventBridge, which is about one object.
pub(crate) fn event_bridge(object: &Object, event: &str) -> Value {
    json!({
        "version": "0",
        "id": uuid(1),
        "detail-type": event,
        "source": "aws.s3",
        "account": "123456789012",
        "time": "2026-10-07T11:46:03Z",
        "region": REGION,
        "resources": [format!("arn:aws:s3:::{}", object.bucket)],
        "detail": {
            "version": "0",
            "event-version": "1.0",
            "bucket": {"name": object.bucket},
            "object": {
                "key": object.key,
                "size": object.size,
                "etag": object.etag,
                "sequencer": "0068E4FD4B9A1C2D3E",
            },
            "request-id": "EXAMPLE0REQUEST1",
            "requester": "123456789012",
            "source-ip-address": "192.0.2.10",
            "reason": "PutObject",
        },
    })
}

/// Returns the payload that SNS sends to a function.
pub(crate) fn sns(message: &Value) -> Value {
    records(&[json!({
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": format!("arn:aws:sns:us-east-1:123456789012:log-objects:{}", uuid(2)),
        "Sns": sns_message(message, "Url"),
    })])
}

/// Returns an SNS message. Its field is `SigningCertURL` in a queue and `SigningCertUrl` in the payload of a function.
pub(crate) fn sns_message(message: &Value, url: &str) -> Value {
    let mut body = json!({
        "Type": "Notification",
        "MessageId": uuid(3),
        "TopicArn": "arn:aws:sns:us-east-1:123456789012:log-objects",
        "Subject": "Amazon S3 Notification",
        "Message": message.to_string(),
        "Timestamp": TIME,
        "SignatureVersion": "1",
        "Signature": "EXAMPLE",
    });
    body[format!("SigningCert{url}")] =
        json!("https://sns.us-east-1.amazonaws.com/SimpleNotificationService-example.pem");
    body[format!("Unsubscribe{url}")] = json!("https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe");
    body
}

/// Returns the batch of a queue, with one message for each body.
pub(crate) fn sqs(bodies: &[String]) -> Value {
    let message = |(number, body): (usize, &String)| {
        json!({
            "messageId": uuid(number + 10),
            "receiptHandle": "EXAMPLEreceipthandle",
            "body": body,
            "attributes": {
                "ApproximateReceiveCount": "1",
                "SentTimestamp": "1791373563871",
                "SenderId": "AIDAEXAMPLE",
                "ApproximateFirstReceiveTimestamp": "1791373563893",
            },
            "messageAttributes": {},
            "md5OfBody": etag(body.as_bytes()),
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:log-objects",
            "awsRegion": REGION,
        })
    };
    records(&bodies.iter().enumerate().map(message).collect::<Vec<_>>())
}

pub(crate) fn sqs_of(body: &Value) -> Value {
    sqs(&[body.to_string()])
}

/// Returns messages as `aws sqs receive-message` prints them.
pub(crate) fn received(bodies: &[String]) -> Value {
    let message = |(number, body): (usize, &String)| {
        json!({
            "MessageId": uuid(10 + number),
            "ReceiptHandle": "AQEBexample",
            "MD5OfBody": etag(body.as_bytes()),
            "Body": body,
            "Attributes": {"ApproximateReceiveCount": "8", "SenderId": "AIDAEXAMPLE"},
        })
    };
    json!({ "Messages": bodies.iter().enumerate().map(message).collect::<Vec<_>>() })
}

pub(crate) fn batch_1(object: &Object) -> Value {
    json!({
        "invocationSchemaVersion": "1.0",
        "invocationId": "EXAMPLEinvocationid1",
        "job": {"id": uuid(4)},
        "tasks": [{
            "taskId": "EXAMPLEtaskid1",
            "s3Key": percent_encoded(&object.key),
            "s3VersionId": null,
            "s3BucketArn": format!("arn:aws:s3:::{}", object.bucket),
        }],
    })
}

pub(crate) fn batch_2(object: &Object) -> Value {
    json!({
        "invocationSchemaVersion": "2.0",
        "invocationId": "EXAMPLEinvocationid2",
        "job": {"id": uuid(5), "userArguments": {"reason": "backfill"}},
        "tasks": [{
            "taskId": "EXAMPLEtaskid2",
            "s3Key": percent_encoded(&object.key),
            "s3VersionId": null,
            "s3Bucket": object.bucket,
        }],
    })
}

/// Returns the record that Lambda sends to a destination after the last retry of an invocation.
pub(crate) fn failed_invocation(payload: &Value) -> Value {
    json!({
        "version": "1.0",
        "timestamp": "2026-10-07T11:49:11.870Z",
        "requestContext": {
            "requestId": uuid(6),
            "functionArn": "arn:aws:lambda:us-east-1:123456789012:function:alb-ingest:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": payload,
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": {"errorType": "InvocationError", "errorMessage": "1 of 1 records failed"},
    })
}

/// Returns that record as an event of EventBridge.
pub(crate) fn event_bridge_record(record: &Value) -> Value {
    json!({
        "version": "0",
        "id": uuid(7),
        "detail-type": "Lambda Function Invocation Result - Failure",
        "source": "lambda",
        "account": "123456789012",
        "time": "2026-10-07T11:49:12Z",
        "region": REGION,
        "resources": [
            "arn:aws:events:us-east-1:123456789012:event-bus/default",
            "arn:aws:lambda:us-east-1:123456789012:function:alb-ingest:$LATEST",
        ],
        "detail": record,
    })
}

/// Returns the form for replays by hand.
pub(crate) fn objects(objects: &[Object]) -> Value {
    let of =
        |object: &Object| json!({"bucket": object.bucket, "key": object.key, "etag": object.etag, "size": object.size});
    json!({ "objects": objects.iter().map(of).collect::<Vec<_>>() })
}

/// Returns a payload for every way in which an object reaches the function.
pub(crate) fn ways(object: &Object) -> Vec<(&'static str, Value)> {
    let put = s3(std::slice::from_ref(object));
    let created = event_bridge(object, "Object Created");
    let failed = failed_invocation(&put);
    vec![
        ("s3", put.clone()),
        ("sns", sns(&put)),
        ("sns, EventBridge", sns(&created)),
        ("sqs, s3", sqs_of(&put)),
        ("sqs, sns", sqs_of(&sns_message(&put, "URL"))),
        ("sqs, sns, EventBridge", sqs_of(&sns_message(&created, "URL"))),
        ("sqs, EventBridge", sqs_of(&created)),
        ("sqs, a dead letter of a function with sns", sqs_of(&sns(&put))),
        ("EventBridge", created.clone()),
        ("Batch Operations 1.0", batch_1(object)),
        ("Batch Operations 2.0", batch_2(object)),
        ("failed", failed.clone()),
        ("failed, sqs", failed_invocation(&sqs_of(&put))),
        ("failed twice", failed_invocation(&failed)),
        ("sqs, failed", sqs_of(&failed)),
        ("sns, failed", sns(&failed)),
        (
            "sqs, sns, failed, sns, s3",
            sqs_of(&sns_message(&failed_invocation(&sns(&put)), "URL")),
        ),
        ("EventBridge, failed", event_bridge_record(&failed)),
        ("sqs, EventBridge, failed", sqs_of(&event_bridge_record(&failed))),
        ("received", received(&[put.to_string()])),
        (
            "received, one message",
            received(&[put.to_string()])["Messages"][0].clone(),
        ),
        ("a record of a queue by itself", sqs_of(&put)["Records"][0].clone()),
        ("received, EventBridge", received(&[created.to_string()])),
        ("received, sns", received(&[sns_message(&put, "URL").to_string()])),
        ("received, failed", received(&[failed.to_string()])),
        ("failed, received", failed_invocation(&received(&[put.to_string()]))),
        ("objects", objects(std::slice::from_ref(object))),
        ("sqs, objects", sqs_of(&objects(std::slice::from_ref(object)))),
    ]
}

/// Returns the payloads of `events/` by file name, about the objects in the same folder.
pub(crate) fn samples() -> Vec<(&'static str, Value)> {
    let access = Object::sample("20261007T1145Z_203.0.113.10_qfy86bt1.log.gz");
    let connection = Object::sample("_yzeus2wj.log.gz");
    let health = Object::sample("_lw8fytoc.log.gz");
    let network = Object::sample("_1zvlqxpz.log.gz");
    let classic = Object::sample("_2v1y09ki.log");
    let test_file = Object::sample("ELBAccessLogTestFile");
    let missing = Object {
        key: access.key.replace("qfy86bt1", "n0th3re0"),
        ..access.clone()
    };
    let put = s3(std::slice::from_ref(&access));
    let several = records(&[
        s3_record(&access, "ObjectCreated:Put"),
        s3_record(&connection, "ObjectCreated:CompleteMultipartUpload"),
        s3_record(&health, "ObjectCreated:Copy"),
        s3_record(&test_file, "ObjectCreated:Put"),
    ]);
    let mut deleted = s3_record(&access, "ObjectRemoved:Delete");
    let gone = deleted["s3"]["object"].as_object_mut().unwrap();
    gone.remove("size");
    gone.remove("eTag");
    let failed = failed_invocation(&put);
    let created = event_bridge(&network, "Object Created");
    // What the template's dead-letter queue gets from the queue, from EventBridge, from SNS and from Lambda.
    let dead = [
        put.to_string(),
        created.to_string(),
        sns_message(&s3(std::slice::from_ref(&connection)), "URL").to_string(),
        failed_invocation(&s3(std::slice::from_ref(&health))).to_string(),
    ];
    let partly = [
        put.to_string(),
        s3(std::slice::from_ref(&missing)).to_string(),
        "no JSON".to_owned(),
        s3(&[connection.clone(), health.clone()]).to_string(),
    ];
    vec![
        ("s3-put.json", put.clone()),
        ("s3-several-records.json", several.clone()),
        ("sns.json", sns(&put)),
        ("sqs-s3.json", sqs(&[put.to_string(), several.to_string()])),
        (
            "sqs-sns.json",
            sqs_of(&sns_message(&s3(std::slice::from_ref(&connection)), "URL")),
        ),
        ("sqs-raw-sns.json", sqs_of(&s3(std::slice::from_ref(&health)))),
        ("sqs-eventbridge.json", sqs_of(&created)),
        ("sqs-partial-failure.json", sqs(&partly)),
        ("eventbridge.json", created),
        ("batch-1.0.json", batch_1(&classic)),
        ("batch-2.0.json", batch_2(&test_file)),
        ("test-event.json", test_event()),
        ("sns-test-event.json", sns(&test_event())),
        ("sqs-test-event.json", sqs_of(&test_event())),
        ("failed-invocation.json", failed.clone()),
        ("sqs-failed-invocation.json", sqs_of(&failed)),
        ("eventbridge-failed-invocation.json", event_bridge_record(&failed)),
        ("dead-letters.json", received(&dead)),
        ("objects.json", objects(&[access, classic])),
        ("deleted.json", records(&[deleted])),
        ("merge-due.json", merge_due()),
        ("merge-folder.json", merge_folder(true)),
        ("sqs-merge-folder.json", sqs_of(&merge_folder(false))),
    ]
}

/// Returns what EventBridge Scheduler sends for the schedule of merged delivery.
pub(crate) fn merge_due() -> Value {
    json!({"merge": {"due": "2026-10-07T12:00:00Z"}})
}

/// Returns the request to merge the folder of the sample objects: what the function sends to the queue, or a backfill.
pub(crate) fn merge_folder(all: bool) -> Value {
    let mut merge = json!({"bucket": "objects", "folder": SAMPLE_FOLDER});
    if all {
        merge["all"] = true.into();
    }
    json!({ "merge": merge })
}

pub(crate) fn done() -> TaskOutcome {
    TaskOutcome::Ingested {
        object: object(),
        ledger: Box::new(Ledger {
            lines: 3,
            events: 3,
            ..Ledger::default()
        }),
    }
}

/// An outcome that a retry can change.
pub(crate) fn failed() -> TaskOutcome {
    failed_with(Problem::OutOfTime)
}

pub(crate) fn failed_with(problem: Problem) -> TaskOutcome {
    TaskOutcome::Failed(TaskError::Object(problem.of(&object())))
}

fn object() -> ObjectRef {
    ObjectRef {
        bucket: "objects".to_owned(),
        key: "a.log".to_owned(),
        version: String::new(),
    }
}

/// The outcomes of a request whose objects are all ingested.
pub(crate) fn all_done(request: &Request) -> Vec<TaskOutcome> {
    outcomes(request, done)
}

/// The outcomes of a request whose objects all have this outcome.
pub(crate) fn outcomes(request: &Request, object: impl Fn() -> TaskOutcome) -> Vec<TaskOutcome> {
    let objects = request.objects().iter().map(|_| object()).collect();
    let merges = request.merges().into_iter();
    let merges = merges.map(|_| TaskOutcome::Merged(Merged::default())).collect();
    request.outcomes(objects, merges).unwrap()
}
