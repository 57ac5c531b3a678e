//! The function on folders, and in worlds where things go wrong.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::common::{Files, Memory};
use alb_ingest::config::{OnMissing, RawConfig};
use alb_ingest::deadline::Deadline;
use alb_ingest::function::{Function, HandleError, Handled, Limits, Note, Watch};
use alb_ingest::object::ObjectRequest;
use alb_ingest::storage::local::Local;
use alb_ingest::storage::{
    Body, ErrorKind, Listing, Location, Operation, Origin, S3Prefix, Sink, Source, Storage, StorageError,
};
use alb_ingest::trigger::InvocationError;
use serde_json::{Value, json};

const LIMITS: Limits = Limits {
    memory: 512,
    processors: 2,
};

/// Notes in words.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Watch for Notes {
    fn note(&self, note: &Note<'_>) {
        self.0.lock().unwrap().push(note.to_string());
    }
}

/// Objects from folders or from a fault; outputs in memory.
struct Odd {
    local: Local,
    memory: Memory,
    fault: fn(&ObjectRequest) -> Option<Fault>,
    opened: AtomicUsize,
}

#[derive(Clone, Copy)]
enum Fault {
    Panics,
    Breaks,
    IsGone,
    MayNotBeRead,
}

impl Storage for &'static Odd {
    fn source(&self, _deadline: Deadline) -> Box<dyn Source> {
        Box::new(*self)
    }

    fn list(&self, origin: &Origin, deadline: Deadline) -> Result<Listing, StorageError> {
        self.local.list(origin, deadline)
    }

    fn sink(&self, location: &Location, _deadline: Deadline) -> Result<Box<dyn Sink>, StorageError> {
        Ok(Box::new(match location {
            Location::S3(place) if place.prefix.ends_with("_quarantine/") => self.memory.below("_quarantine/"),
            _ => self.memory.clone(),
        }))
    }
}

impl Source for &'static Odd {
    fn open(&self, object: &ObjectRequest) -> Result<Box<dyn Body>, StorageError> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        let error = |kind| StorageError::new(Operation::Read, object.key.clone(), kind, format!("{kind:?}"));
        let source = self.local.source(Deadline::NONE);
        match (self.fault)(object) {
            Some(Fault::Panics) => panic!("a defect"),
            Some(Fault::IsGone) => Err(error(ErrorKind::NotFound)),
            Some(Fault::MayNotBeRead) => Err(error(ErrorKind::Refused)),
            Some(Fault::Breaks) => Ok(Box::new(Broken(source.open(object)?, 0))),
            None => source.open(object),
        }
    }
}

/// An object whose bytes stop behind the first.
struct Broken(Box<dyn Body>, usize);

impl Body for Broken {
    fn object(&self) -> &alb_ingest::object::ObjectRef {
        self.0.object()
    }

    fn bytes(&self) -> Option<u64> {
        self.0.bytes()
    }

    fn next_chunk(&mut self) -> Result<Option<&[u8]>, StorageError> {
        self.1 += 1;
        if self.1 > 1 {
            return Err(StorageError::new(
                Operation::Read,
                self.object().key.clone(),
                ErrorKind::Unavailable,
                "the connection broke",
            ));
        }
        let chunk = self.0.next_chunk()?;
        Ok(chunk.map(|chunk| &chunk[..chunk.len() / 2]))
    }
}

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn odd(fault: fn(&ObjectRequest) -> Option<Fault>) -> &'static Odd {
    Box::leak(Box::new(Odd {
        local: Local::new(Some(package().join("events"))),
        memory: Memory::default(),
        fault,
        opened: AtomicUsize::new(0),
    }))
}

fn config() -> RawConfig {
    RawConfig {
        destination: Some(Location::S3(S3Prefix::parse("outputs/all").unwrap())),
        ..RawConfig::default()
    }
}

fn function(world: &'static Odd, config: RawConfig) -> Function {
    Function::new(config.resolve().unwrap(), Box::new(world), LIMITS).unwrap()
}

fn event(name: &str) -> Vec<u8> {
    fs::read(package().join("events").join(name)).unwrap()
}

fn handle(world: &'static Odd, config: RawConfig, payload: &[u8]) -> Handled {
    function(world, config).handle(payload, Deadline::NONE, &Notes::default())
}

/// The counts of an invocation, by the names of its metrics.
fn metrics(handled: &Handled) -> Value {
    serde_json::from_str(&handled.tally.line("test", "request")).unwrap()
}

/// What `alb-ingest run` makes of the same objects.
fn reference(keys: &[String]) -> Files {
    let memory = Memory::default();
    let world = odd(|_| None);
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

/// Every way in: done once, and once more, which changes nothing.
#[test]
fn every_payload_is_worked_on_and_again_changes_nothing() {
    for path in payloads() {
        let name = path.file_name().unwrap().to_str().unwrap();
        let payload = fs::read(&path).unwrap();
        let world = odd(|_| None);
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

/// The function's outputs are byte for byte those that any other way to it makes.
#[test]
fn the_way_in_does_not_change_the_outputs() {
    let world = odd(|_| None);
    handle(world, config(), &event("s3-put.json")).answer.unwrap();
    let key = "AWSLogs/123456789012/elasticloadbalancing/us-east-1/2026/10/07/123456789012_elasticloadbalancing_us-east-1_app.shop.7f3c9a1e5b2d4860_20261007T1145Z_203.0.113.10_qfy86bt1.log.gz";
    assert_eq!(world.memory.files(), reference(&[key.to_owned()]));
    for way in ["sns.json", "failed-invocation.json", "sqs-failed-invocation.json"] {
        let other = odd(|_| None);
        handle(other, config(), &event(way)).answer.unwrap();
        assert_eq!(other.memory.files(), world.memory.files(), "{way}");
    }
}

#[test]
fn exactly_the_messages_that_failed_come_again() {
    let partial = RawConfig {
        partial_batch: Some(true),
        ..config()
    };
    let world = odd(|_| None);
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
    // Without the setting the answer would not be read, and the messages deleted.
    let whole = handle(odd(|_| None), config(), &event("sqs-partial-failure.json"));
    let error = whole.answer.unwrap_err();
    assert!(
        matches!(error, HandleError::Objects(InvocationError::Failed { .. })),
        "{error}"
    );
}

#[test]
fn a_panic_or_a_broken_body_costs_its_object_alone() {
    fn fault(object: &ObjectRequest) -> Option<Fault> {
        if object.key.contains("conn_log") {
            Some(Fault::Panics)
        } else if object.key.contains("health_check_log") {
            Some(Fault::Breaks)
        } else {
            None
        }
    }
    let world = odd(fault);
    let notes = Notes::default();
    let function = function(world, config());
    let handled = function.handle(&event("s3-several-records.json"), Deadline::NONE, &notes);
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
        .handle(&event("s3-put.json"), Deadline::NONE, &notes)
        .answer
        .unwrap();
}

#[test]
fn without_time_nothing_is_begun_or_committed() {
    let world = odd(|_| None);
    let handled = function(world, config()).handle(
        &event("sqs-s3.json"),
        Deadline::after(Duration::from_millis(1)),
        &Notes::default(),
    );
    let error = handled.answer.unwrap_err().to_string();
    assert!(error.contains("no time was left"), "{error}");
    assert!(world.memory.files().is_empty());
}

#[test]
fn what_is_gone_fails_or_is_skipped_as_is_set() {
    let payload = event("s3-put.json");
    let failed = handle(odd(|_| Some(Fault::IsGone)), config(), &payload);
    assert!(failed.answer.is_err());
    let skip = RawConfig {
        on_missing: Some(OnMissing::Skip),
        ..config()
    };
    let skipped = handle(odd(|_| Some(Fault::IsGone)), skip.clone(), &payload);
    assert_eq!(metrics(&skipped)["ObjectsSkipped"], 1);
    skipped.answer.unwrap();
    // What may not be read is no object that is gone.
    assert!(
        handle(odd(|_| Some(Fault::MayNotBeRead)), skip, &payload)
            .answer
            .is_err()
    );
}

#[test]
fn a_job_is_told_of_each_task_what_to_do_next() {
    let code = |fault: fn(&ObjectRequest) -> Option<Fault>, key: &str| {
        let mut payload: Value = serde_json::from_slice(&event("batch-2.0.json")).unwrap();
        payload["tasks"][0]["s3Key"] = key.into();
        let answer = handle(odd(fault), config(), payload.to_string().as_bytes())
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

/// An object that is no log at all: a job over a whole bucket passes it over, everybody else is told.
#[test]
fn an_object_that_is_no_log_ends_no_job() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("mixed")).unwrap();
    fs::write(root.path().join("mixed/picture.png"), b"\x89PNG\r\n\x1a\n0123456789").unwrap();
    fs::write(root.path().join("mixed/notes.txt"), b"remember the milk\n").unwrap();
    let world: &'static Odd = Box::leak(Box::new(Odd {
        local: Local::new(Some(root.path().to_path_buf())),
        memory: Memory::default(),
        fault: |_| None,
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

#[test]
fn the_same_object_twice_is_read_once() {
    let object = json!({"bucket": "objects", "key": "AWSLogs/111122223333/elasticloadbalancing/eu-west-1/2015/06/16/111122223333_elasticloadbalancing_eu-west-1_shop-classic_20150616T0830Z_198.51.100.77_2v1y09ki.log"});
    let world = odd(|_| None);
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
fn the_function_is_never_fed_with_its_own_output() {
    let beside = |place: &str| RawConfig {
        destination: Some(Location::S3(S3Prefix::parse(place).unwrap())),
        ..RawConfig::default()
    };
    let world = odd(|_| None);
    let error = handle(world, beside("objects/AWSLogs/out"), &event("s3-put.json"))
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
        let handled = handle(odd(|_| None), config(), payload.as_bytes());
        assert!(handled.answer.is_err(), "{payload}");
    }
}

#[test]
fn first_sights_are_told_once_an_invocation() {
    let notes = Notes::default();
    let function = function(odd(|_| None), config());
    function
        .handle(&event("objects.json"), Deadline::NONE, &notes)
        .answer
        .unwrap();
    let notes = notes.0.into_inner().unwrap();
    let told: Vec<_> = notes.iter().filter(|note| note.contains("position 35")).collect();
    assert_eq!(told.len(), 1, "{notes:?}");
}

#[test]
fn a_function_has_a_destination() {
    assert!(RawConfig::default().resolve().is_err());
    let stdout = RawConfig {
        destination: Some(Location::Stdout),
        ..RawConfig::default()
    };
    assert!(Function::new(stdout.resolve().unwrap(), Box::new(odd(|_| None)), LIMITS).is_err());
}
