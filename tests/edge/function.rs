//! The handler on local folders, with injected faults.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::common::{Files, Memory};
use crate::envelopes::{Object, s3, sqs, uuid};
use crate::faulty::{
    Events, Fault, FaultyStorage, LIMITS, Opening, Writing, clock, config, event, faulty, faulty_with, function,
    handle, layouts, metrics, package,
};
use alb_ingest::config::{OnMissing, RawConfig};
use alb_ingest::deadline::Deadline;
use alb_ingest::formats::ALB_ACCESS;
use alb_ingest::function::{Function, HandleError};
use alb_ingest::object::ObjectRequest;
use alb_ingest::storage::local::Local;
use alb_ingest::storage::{Location, S3Prefix};
use alb_ingest::trigger::InvocationError;
use globset::{Glob, GlobSet};
use serde_json::{Value, json};

/// Returns the outputs of the same objects from a replay by hand.
fn reference(keys: &[String]) -> Files {
    let memory = Memory::default();
    let world = faulty(|_| None);
    let objects: Vec<_> = keys
        .iter()
        .map(|key| json!({"bucket": "objects", "key": key}))
        .collect();
    let payload = json!({ "objects": objects }).to_string();
    let handled = handle(world, config(), payload.as_bytes());
    handled.answer.unwrap();
    assert!(memory.files().is_empty());
    world.memory.files()
}

fn payloads() -> Vec<PathBuf> {
    let files = fs::read_dir(package().join("events")).unwrap();
    let mut payloads: Vec<_> = files
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    payloads.sort();
    assert!(payloads.len() > 15);
    payloads
}

#[test]
fn a_second_delivery_of_any_payload_changes_nothing() {
    for path in payloads() {
        let name = path.file_name().unwrap().to_str().unwrap();
        if name.contains("merge") {
            continue;
        }
        let payload = fs::read(&path).unwrap();
        let world = faulty(|_| None);
        let partial = RawConfig {
            partial_batch: Some(true),
            ..config()
        };
        let first = handle(world, partial.clone(), &payload);
        let answer = first.answer.as_ref().unwrap_or_else(|error| panic!("{name}: {error}"));
        let files = world.memory.files();
        let counted = metrics(&first);
        assert_eq!(
            counted["Lines"].as_u64().unwrap(),
            ["Events", "LinesQuarantined", "LinesSkipped"]
                .iter()
                .map(|name| counted[*name].as_u64().unwrap())
                .sum::<u64>(),
            "{name}"
        );
        assert_eq!(counted["ObjectsIngested"] == 0, files.is_empty(), "{name}");
        assert_eq!(counted["ObjectsCommittedBefore"], 0, "{name}");

        let second = handle(world, partial, &payload);
        assert_eq!(&world.memory.files(), &files, "{name}");
        let counted = metrics(&second);
        assert_eq!(counted["ObjectsCommittedBefore"], counted["ObjectsIngested"], "{name}");
        assert_eq!(counted["BytesOut"], 0, "{name}");
        if !name.starts_with("batch") {
            assert_eq!(&second.answer.unwrap(), answer, "{name}");
        }
    }
}

#[test]
fn the_outputs_do_not_depend_on_the_trigger() {
    let world = faulty(|_| None);
    handle(world, config(), &event("s3-put.json")).answer.unwrap();
    let key = "AWSLogs/123456789012/elasticloadbalancing/us-east-1/2026/10/07/123456789012_elasticloadbalancing_us-east-1_app.shop.7f3c9a1e5b2d4860_20261007T1145Z_203.0.113.10_qfy86bt1.log.gz";
    assert_eq!(world.memory.files(), reference(&[key.to_owned()]));
    for way in ["sns.json", "failed-invocation.json", "sqs-failed-invocation.json"] {
        let other = faulty(|_| None);
        handle(other, config(), &event(way)).answer.unwrap();
        assert_eq!(other.memory.files(), world.memory.files(), "{way}");
    }
}

#[test]
fn only_failed_messages_are_retried() {
    let partial = RawConfig {
        partial_batch: Some(true),
        ..config()
    };
    let world = faulty(|_| None);
    let answer = handle(world, partial, &event("sqs-partial-failure.json"))
        .answer
        .unwrap();
    let ids: BTreeSet<_> = answer["batchItemFailures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["itemIdentifier"].as_str().unwrap())
        .collect();
    assert_eq!(
        ids,
        BTreeSet::from([
            "0e7d5c3a-0011-4b1f-9d26-7a3c8e5f1b11",
            "0e7d5c3a-0012-4b1f-9d26-7a3c8e5f1b12"
        ])
    );
    // Without the setting the response would not be read, and the messages would be deleted.
    let whole = handle(faulty(|_| None), config(), &event("sqs-partial-failure.json"));
    let error = whole.answer.unwrap_err();
    assert!(
        matches!(error, HandleError::Objects(InvocationError::Failed { .. })),
        "{error}"
    );
}

/// Of ten messages, the fourth is about an object whose connection breaks, and the seventh about three objects, of which the
/// second one breaks.
#[test]
fn case_04_and_05_a_retry_adds_only_the_missing_objects_of_the_failed_messages() {
    const MESSAGES: [&[&str]; 10] = [
        &["gbjhako1.log.gz"],
        &["lm15mkg7.log.gz"],
        &["1zvlqxpz.log.gz"],
        &["mjfy2nup.log.gz"],
        &["589kkd2p.log.gz"],
        &["x0kqoepr.log.gz"],
        &["cb41c5j9.log.gz", "2v1y09ki.log", "dklxhg8d.log.gz"],
        &["yzeus2wj.log.gz"],
        &["ev7rnxke.log.gz"],
        &["lw8fytoc.log.gz"],
    ];
    fn is_broken(key: &str) -> bool {
        key.contains("mjfy2nup") || key.contains("2v1y09ki")
    }
    let messages = MESSAGES.map(|names| names.iter().map(|name| Object::sample(name)).collect::<Vec<_>>());
    let keys: Vec<_> = messages.iter().flatten().map(|object| object.key.clone()).collect();
    let mut payload = sqs(&messages.map(|objects| s3(&objects).to_string()));
    let partial = RawConfig {
        partial_batch: Some(true),
        ..config()
    };
    let broken = faulty(|object| is_broken(&object.key).then_some(Fault::Breaks));
    let answer = handle(broken, partial.clone(), payload.to_string().as_bytes()).answer;
    let failed = [uuid(13), uuid(16)];
    let items = failed.clone().map(|id| json!({ "itemIdentifier": id }));
    assert_eq!(answer.unwrap(), json!({ "batchItemFailures": items }));
    let intact: Vec<_> = keys.iter().filter(|key| !is_broken(key)).cloned().collect();
    assert!(broken.memory.files() == reference(&intact));

    let records = payload["Records"].as_array_mut().unwrap();
    records.retain(|record| failed.iter().any(|id| record["messageId"] == *id));
    let world = faulty_with(|_| None, broken.memory.clone());
    let handled = handle(world, partial, payload.to_string().as_bytes());
    let counted = metrics(&handled);
    assert_eq!(handled.answer.unwrap(), json!({"batchItemFailures": []}));
    assert_eq!(
        (&counted["ObjectsIngested"], &counted["ObjectsCommittedBefore"]),
        (&json!(4), &json!(2))
    );
    assert!(world.memory.files() == reference(&keys));
}

#[test]
fn a_panic_or_a_broken_connection_fails_only_its_object() {
    fn fault(object: &ObjectRequest) -> Option<Fault> {
        if object.key.contains("conn_log") {
            Some(Fault::Panics)
        } else if object.key.contains("health_check_log") {
            Some(Fault::Breaks)
        } else {
            None
        }
    }
    let world = faulty(fault);
    let events = Events::default();
    let function = function(world, config());
    let handled = function.handle(&event("s3-several-records.json"), Deadline::NONE, &events);
    let counted = metrics(&handled);
    let error = handled.answer.unwrap_err().to_string();
    assert!(
        error.contains("please report this") && error.contains("the connection broke"),
        "{error}"
    );
    assert_eq!(
        (&counted["ObjectsFailed"], &counted["ObjectsIngested"]),
        (&json!(2), &json!(1))
    );
    let tables: BTreeSet<_> = world
        .memory
        .files()
        .into_keys()
        .map(|key| key.split('/').next().unwrap().to_owned())
        .collect();
    assert!(
        !tables.contains("alb_connection_log") && !tables.contains("alb_health_check_log"),
        "{tables:?}"
    );
    // The next invocation of the same function works.
    function
        .handle(&event("s3-put.json"), Deadline::NONE, &events)
        .answer
        .unwrap();
}

#[test]
fn case_59_a_panic_at_any_stage_fails_only_its_object() {
    // While an object is opened, read, and encoded into its output.
    let faults: [(Opening, Writing); 3] = [
        (
            |object| object.key.contains("conn_log").then_some(Fault::Panics),
            |_| {},
        ),
        (
            |object| object.key.contains("conn_log").then_some(Fault::PanicsMidway),
            |_| {},
        ),
        (
            |_| None,
            |key| assert!(!key.starts_with("alb_connection_log/"), "a defect"),
        ),
    ];
    let payload = event("s3-several-records.json");
    let whole = faulty(|_| None);
    handle(whole, config(), &payload).answer.unwrap();
    let mut others = whole.memory.files();
    others.retain(|key, _| !key.contains("alb_connection_log/"));
    for (stage, (fault, writing)) in faults.into_iter().enumerate() {
        let memory = Memory::default();
        let world: &'static FaultyStorage = Box::leak(Box::new(FaultyStorage {
            local: Local::new(Some(package().join("events"))),
            layouts: layouts(),
            memory: memory.clone(),
            fault,
            writing,
            opened: AtomicUsize::new(0),
        }));
        // The function that met the panic handles the next invocation.
        let function = function(world, config());
        let invoke = |payload: &[u8]| function.handle(payload, Deadline::NONE, &Events::default());
        let error = invoke(&payload).answer.unwrap_err().to_string();
        assert!(error.contains("please report this"), "stage {stage}: {error}");
        assert!(memory.files() == others, "stage {stage}");
        invoke(&event("s3-put.json")).answer.unwrap();
        // Without the panic, the same payload completes the outputs.
        handle(faulty_with(|_| None, memory.clone()), config(), &payload)
            .answer
            .unwrap();
        assert!(memory.files() == whole.memory.files(), "stage {stage}");
    }
}

#[test]
fn nothing_starts_after_the_deadline() {
    let world = faulty(|_| None);
    let handled = function(world, config()).handle(
        &event("sqs-s3.json"),
        Deadline::after(Duration::from_millis(1)),
        &Events::default(),
    );
    let error = handled.answer.unwrap_err().to_string();
    assert!(error.contains("not enough time before the deadline"), "{error}");
    assert!(world.memory.files().is_empty());
}

#[test]
fn a_missing_object_fails_or_is_skipped_according_to_the_setting() {
    let payload = event("s3-put.json");
    let failed = handle(faulty(|_| Some(Fault::IsGone)), config(), &payload);
    assert_eq!(metrics(&failed)["ObjectsFailedPermanently"], 1);
    assert!(failed.answer.is_err());
    let skip = RawConfig {
        on_missing: Some(OnMissing::Skip),
        ..config()
    };
    let skipped = handle(faulty(|_| Some(Fault::IsGone)), skip.clone(), &payload);
    assert_eq!(metrics(&skipped)["ObjectsSkipped"], 1);
    skipped.answer.unwrap();
    // An object that may not be read is not a missing object.
    assert!(
        handle(faulty(|_| Some(Fault::MayNotBeRead)), skip, &payload)
            .answer
            .is_err()
    );
}

#[test]
fn failures_that_no_retry_cures_and_excluded_objects_are_counted_apart() {
    let payload = event("s3-put.json");
    let counts = |fault: fn(&ObjectRequest) -> Option<Fault>, config: RawConfig| {
        let found = metrics(&handle(faulty(fault), config, &payload));
        [
            "ObjectsFailed",
            "ObjectsFailedPermanently",
            "ObjectsSkipped",
            "ObjectsFiltered",
        ]
        .map(|name| found[name].clone())
    };
    assert_eq!(counts(|_| None, config()), [0, 0, 0, 0]);
    assert_eq!(counts(|_| Some(Fault::Breaks), config()), [1, 0, 0, 0]);
    assert_eq!(counts(|_| Some(Fault::Panics), config()), [1, 0, 0, 0]);
    assert_eq!(counts(|_| Some(Fault::IsGone), config()), [1, 1, 0, 0]);
    assert_eq!(counts(|_| Some(Fault::MayNotBeRead), config()), [1, 1, 0, 0]);
    let excluding = RawConfig {
        exclude: Some(GlobSet::new([Glob::new("**/elasticloadbalancing/**").unwrap()]).unwrap()),
        ..config()
    };
    assert_eq!(counts(|_| None, excluding), [0, 0, 1, 1]);
}

#[test]
fn a_job_gets_the_result_code_of_each_task() {
    let code = |fault: fn(&ObjectRequest) -> Option<Fault>, key: &str| {
        let mut payload: Value = serde_json::from_slice(&event("batch-2.0.json")).unwrap();
        payload["tasks"][0]["s3Key"] = key.into();
        let answer = handle(faulty(fault), config(), payload.to_string().as_bytes())
            .answer
            .unwrap();
        assert_eq!(answer["invocationSchemaVersion"], "2.0");
        assert_eq!(answer["results"].as_array().unwrap().len(), 1);
        answer["results"][0]["resultCode"].as_str().unwrap().to_owned()
    };
    let log = "AWSLogs/111122223333/elasticloadbalancing/eu-west-1/2015/06/16/111122223333_elasticloadbalancing_eu-west-1_shop-classic_20150616T0830Z_198.51.100.77_2v1y09ki.log";
    assert_eq!(code(|_| None, log), "Succeeded");
    assert_eq!(code(|_| None, "AWSLogs/123456789012/ELBAccessLogTestFile"), "Succeeded");
    assert_eq!(code(|_| Some(Fault::Breaks), log), "TemporaryFailure");
    assert_eq!(code(|_| Some(Fault::IsGone), log), "PermanentFailure");
    assert_eq!(code(|_| Some(Fault::MayNotBeRead), log), "PermanentFailure");
}

/// A job over a whole bucket skips objects that are not logs; every other sender gets an error.
#[test]
fn an_object_that_is_not_a_log_does_not_fail_a_job() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("mixed")).unwrap();
    fs::write(root.path().join("mixed/picture.png"), b"\x89PNG\r\n\x1a\n0123456789").unwrap();
    fs::write(root.path().join("mixed/notes.txt"), b"remember the milk\n").unwrap();
    let world: &'static FaultyStorage = Box::leak(Box::new(FaultyStorage {
        layouts: layouts(),
        local: Local::new(Some(root.path().to_path_buf())),
        memory: Memory::default(),
        fault: |_| None,
        writing: |_| {},
        opened: AtomicUsize::new(0),
    }));
    for key in ["picture.png", "notes.txt"] {
        let job = json!({
            "invocationSchemaVersion": "2.0", "invocationId": "i", "job": {"id": "j"},
            "tasks": [{"taskId": "t", "s3Key": key, "s3VersionId": null, "s3Bucket": "mixed"}],
        });
        let answer = handle(world, config(), job.to_string().as_bytes()).answer.unwrap();
        assert_eq!(answer["results"][0]["resultCode"], "Succeeded", "{answer}");
        let text = answer["results"][0]["resultString"].as_str().unwrap();
        assert!(text.starts_with("skipped"), "{text}");
        let direct = json!({"objects": [{"bucket": "mixed", "key": key}]});
        assert!(handle(world, config(), direct.to_string().as_bytes()).answer.is_err());
    }
}

/// A key that names a load balancer log promises lines, so a job must not count them as done.
#[test]
fn a_named_log_that_cannot_be_read_fails_its_task_of_a_job() {
    const NAME: &str = "123456789012_elasticloadbalancing_us-east-1";
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("mixed");
    fs::create_dir(&folder).unwrap();
    let world: &'static FaultyStorage = Box::leak(Box::new(FaultyStorage {
        layouts: layouts(),
        local: Local::new(Some(root.path().to_path_buf())),
        memory: Memory::default(),
        fault: |_| None,
        writing: |_| {},
        opened: AtomicUsize::new(0),
    }));
    let contents: [&[u8]; 3] = [
        b"PK\x03\x04 a zip",
        b"\x89PNG\r\n\x1a\n0123456789",
        b"remember the milk\n",
    ];
    for (file, content) in [
        format!("{NAME}_app.shop.7f3c9a1e5b2d4860_20261007T1145Z_192.0.2.1_x.log.gz"),
        format!("conn_log.{NAME}_app.shop.7f3c9a1e5b2d4860_20261007T1145Z_192.0.2.1_x.log.gz"),
        format!("{NAME}_shop-classic_20261007T1145Z_192.0.2.1_x.log"),
        format!("copy of {NAME}_shop-classic.log"),
    ]
    .iter()
    .flat_map(|file| contents.map(|content| (file, content)))
    {
        fs::write(folder.join(file), content).unwrap();
        let job = json!({
            "invocationSchemaVersion": "2.0", "invocationId": "i", "job": {"id": "j"},
            "tasks": [{"taskId": "t", "s3Key": file.replace(' ', "%20"), "s3VersionId": null, "s3Bucket": "mixed"}],
        });
        let answer = handle(world, config(), job.to_string().as_bytes()).answer.unwrap();
        assert_eq!(
            answer["results"][0]["resultCode"], "PermanentFailure",
            "{file}: {answer}"
        );
    }
}

#[test]
fn a_duplicate_object_is_read_once() {
    let object = json!({"bucket": "objects", "key": "AWSLogs/111122223333/elasticloadbalancing/eu-west-1/2015/06/16/111122223333_elasticloadbalancing_eu-west-1_shop-classic_20150616T0830Z_198.51.100.77_2v1y09ki.log"});
    let world = faulty(|_| None);
    let payload = json!({"objects": [object, object, object]}).to_string();
    let handled = handle(world, config(), payload.as_bytes());
    assert_eq!(world.opened.load(Ordering::Relaxed), 1);
    let counted = metrics(&handled);
    assert_eq!(
        (&counted["ObjectsIngested"], &counted["ObjectsCommittedBefore"]),
        (&json!(1), &json!(0))
    );
    handled.answer.unwrap();
}

#[test]
fn the_function_never_ingests_its_own_outputs() {
    let writing_to = |place: &str| RawConfig {
        destination: Some(Location::S3(S3Prefix::parse(place).unwrap())),
        ..RawConfig::default()
    };
    let world = faulty(|_| None);
    let error = handle(world, writing_to("objects/AWSLogs/out"), &event("s3-put.json"))
        .answer
        .unwrap_err();
    assert!(error.to_string().contains("fed with its own output"), "{error}");
    let own = json!({"objects": [{"bucket": "outputs", "key": "all/alb_access_log/date=2026-10-07/x-0123.parquet"}]});
    let handled = handle(world, config(), own.to_string().as_bytes());
    assert_eq!(metrics(&handled)["ObjectsSkipped"], 1);
    handled.answer.unwrap();
    assert_eq!(world.opened.load(Ordering::Relaxed), 0);
}

#[test]
fn an_unknown_payload_is_never_acknowledged() {
    for payload in [
        "{}",
        "[]",
        "null",
        "not json",
        r#"{"Records":[{"eventSource":"aws:kinesis"}]}"#,
    ] {
        let handled = handle(faulty(|_| None), config(), payload.as_bytes());
        assert!(handled.answer.is_err(), "{payload}");
    }
}

#[test]
fn unknown_fields_are_reported_once_per_invocation() {
    let events = Events::default();
    let function = function(faulty(|_| None), config());
    function
        .handle(&event("objects.json"), Deadline::NONE, &events)
        .answer
        .unwrap();
    let events = events.0.into_inner().unwrap();
    let position = format!("position {}", ALB_ACCESS.known_fields() + 1);
    let reported = events.iter().filter(|event| event.contains(&position));
    assert_eq!(reported.count(), 1, "{events:?}");
}

#[test]
fn a_function_needs_a_destination() {
    assert!(RawConfig::default().resolve().is_err());
    let stdout = RawConfig {
        destination: Some(Location::Stdout),
        ..RawConfig::default()
    };
    assert!(Function::new(stdout.resolve().unwrap(), Box::new(faulty(|_| None)), LIMITS, clock).is_err());
}
