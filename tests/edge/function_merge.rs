//! Merged delivery by the function, on local folders: payloads, waiting, the schedule, failures, the layout.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use alb_ingest::config::RawConfig;
use alb_ingest::deadline::Deadline;
use alb_ingest::encode::FileFormat;
use alb_ingest::formats::ALB_ACCESS;
use alb_ingest::function::{Clock, Event, Function, HandleError, Handled, Limits, Observer, emf};
use alb_ingest::generate::Object;
use alb_ingest::storage::local::Local;
use alb_ingest::storage::{Location, QueueUrl, S3Prefix};
use serde_json::{Value, json};

use crate::envelopes::sqs;

const FOLDER: &str = "AWSLogs/123456789012/elasticloadbalancing/us-east-1/2026/11/29/";

/// The buckets of one test.
struct World {
    root: tempfile::TempDir,
}

/// Collects the events as text.
#[derive(Default)]
struct Events(Mutex<Vec<String>>);

impl Observer for Events {
    fn observe(&self, event: &Event<'_>) {
        self.0.lock().unwrap().push(event.to_string());
    }
}

/// Half past two on the day of the logs.
fn half_past_two() -> SystemTime {
    at(14, 30)
}

/// A time on the day of the logs, 2026-11-29.
fn at(hour: u64, minute: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(20_786 * 86_400 + hour * 3_600 + minute * 60)
}

impl World {
    fn new() -> Self {
        let world = Self {
            root: tempfile::tempdir().unwrap(),
        };
        fs::create_dir_all(world.path("logs")).unwrap();
        world
    }

    fn path(&self, below: &str) -> PathBuf {
        self.root.path().join(below)
    }

    /// Writes an object of ten lines whose interval ends at a time of the day, and returns its key.
    fn put(&self, number: u64, end: &str) -> String {
        let mut bytes = Vec::new();
        Object::new(&ALB_ACCESS, number, 10).write_to(&mut bytes).unwrap();
        let name = format!(
            "123456789012_elasticloadbalancing_us-east-1_app.web.50dc6c495c0c9188_20261129T{end}Z_192.0.2.1_r{number:07}.log.gz"
        );
        let key = format!("{FOLDER}{name}");
        let path = self.path("logs").join(&key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        key
    }

    fn config(&self) -> RawConfig {
        RawConfig {
            destination: Some(Location::S3(S3Prefix::parse("events/all").unwrap())),
            format: Some(FileFormat::Json),
            merge: Some(true),
            source: S3Prefix::parse("logs/AWSLogs"),
            queue_url: Some(QueueUrl::Directory(self.path("queue"))),
            partial_batch: Some(true),
            ..RawConfig::default()
        }
    }

    fn function(&self, config: RawConfig, clock: Clock) -> Function {
        let limits = Limits {
            memory: 512,
            processors: 2,
        };
        let storage = Local::new(Some(self.root.path().to_path_buf()));
        Function::new(config.resolve().unwrap(), Box::new(storage), limits, clock).unwrap()
    }

    fn handle(&self, payload: &Value) -> Handled {
        let payload = payload.to_string();
        self.function(self.config(), half_past_two)
            .handle(payload.as_bytes(), Deadline::NONE, &Events::default())
    }

    /// Returns the files below the destination, with their contents.
    fn outputs(&self) -> Vec<(String, Vec<u8>)> {
        let root = self.path("events/all");
        if !root.exists() {
            return Vec::new();
        }
        let files = walkdir::WalkDir::new(&root).sort_by_file_name().into_iter();
        let files = files.map(Result::unwrap).filter(|entry| entry.file_type().is_file());
        files
            .map(|entry| {
                let name = entry.path().strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                (name, fs::read(entry.path()).unwrap())
            })
            .collect()
    }

    fn names(&self, end: &str) -> Vec<String> {
        let outputs = self.outputs().into_iter().map(|(name, _)| name);
        outputs.filter(|name| name.ends_with(end)).collect()
    }

    /// Returns the bodies of the messages that were sent.
    fn messages(&self) -> Vec<Value> {
        let Ok(files) = fs::read_dir(self.path("queue")) else {
            return Vec::new();
        };
        let read = |path: PathBuf| serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let mut messages: Vec<Value> = files.map(|file| read(file.unwrap().path())).collect();
        messages.sort_by_key(ToString::to_string);
        messages
    }
}

fn folder(all: bool) -> Value {
    let mut merge = json!({"bucket": "logs", "folder": FOLDER});
    if all {
        merge["all"] = true.into();
    }
    json!({ "merge": merge })
}

/// Returns the counts of an invocation, by the names of its metrics.
fn metrics(handled: &Handled) -> Value {
    serde_json::from_str(&emf::line(&handled.tally, "test", "request")).unwrap()
}

fn ok(handled: &Handled) -> &Value {
    handled.answer.as_ref().unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_folder_is_merged_once() {
    let world = World::new();
    for number in 0..7 {
        world.put(number, "1205");
    }
    let first = world.handle(&folder(true));
    assert_eq!(ok(&first), &json!({"merge": {"plans": 1, "members": 7, "sent": 0}}));
    let counted = metrics(&first);
    for (name, value) in [
        ("Plans", 1),
        ("Members", 7),
        ("MembersFailed", 0),
        ("MembersLate", 0),
        ("ObjectsIngested", 7),
        ("Lines", 70),
        ("MergeLag", 0),
    ] {
        assert_eq!(counted[name].as_f64(), Some(f64::from(value)), "{name}");
    }
    let outputs = world.outputs();
    let is_of_events = |name: &str| !name.starts_with('_') && name.contains("_log/");
    assert!(outputs.iter().any(|(name, _)| is_of_events(name)), "nothing is visible");
    let second = world.handle(&folder(true));
    assert_eq!(ok(&second), &json!({"merge": {"plans": 0, "members": 0, "sent": 0}}));
    assert_eq!(world.outputs(), outputs);
    assert_eq!(world.names(".plan").len(), 1);
    assert_eq!(world.names("_alb-ingest.json").len(), 1);
}

#[test]
fn a_folder_waits_until_enough_is_ready() {
    let world = World::new();
    // Two hours ago, young, and too young to be ready.
    world.put(0, "1235");
    world.put(1, "1415");
    world.put(2, "1425");
    let mut waiting = world.handle(&folder(false));
    assert_eq!(ok(&waiting)["merge"]["plans"], 0);
    assert_eq!(metrics(&waiting)["Members"], 0);
    // The lag is the time since the oldest one that waits: 115 minutes.
    let ended = half_past_two().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    waiting.tally.end(i64::try_from(ended.as_millis()).unwrap(), 0);
    assert_eq!(metrics(&waiting)["MergeLag"], 6_900.0);

    // A hundred objects are enough, and the one that is not ready stays.
    for number in 3..101 {
        world.put(number, "1415");
    }
    let merged = world.handle(&folder(false));
    assert_eq!(ok(&merged), &json!({"merge": {"plans": 1, "members": 100, "sent": 0}}));
    // The oldest of the rest has to wait for two hours.
    assert_eq!(ok(&world.handle(&folder(false)))["merge"]["plans"], 0);
    let later = world.function(world.config(), || at(16, 25));
    let late = later.handle(folder(false).to_string().as_bytes(), Deadline::NONE, &Events::default());
    assert_eq!(ok(&late), &json!({"merge": {"plans": 1, "members": 1, "sent": 0}}));
    assert_eq!(metrics(&late)["MembersLate"], 0);
    // This one arrived later than any wait explains.
    world.put(200, "0005");
    let late = world.handle(&folder(false));
    assert_eq!(ok(&late)["merge"]["members"], 1);
    assert_eq!(metrics(&late)["MembersLate"], 1);
}

#[test]
fn only_the_objects_directly_in_the_folder_are_merged() {
    let world = World::new();
    let key = world.put(0, "1205");
    let below = world.path("logs").join(FOLDER).join("below");
    fs::create_dir_all(&below).unwrap();
    fs::copy(world.path("logs").join(&key), below.join("x.log.gz")).unwrap();
    fs::write(world.path("logs").join(FOLDER).join("ELBAccessLogTestFile"), "x").unwrap();
    assert_eq!(ok(&world.handle(&folder(true)))["merge"]["members"], 1);
}

#[test]
fn the_folders_that_are_due_are_sent_to_the_queue() {
    let world = World::new();
    world.put(0, "1205");
    for other in [
        "logs/AWSLogs/123456789012/elasticloadbalancing/eu-west-1/2026/11/28",
        "logs/AWSLogs/o-abc123/111122223333/elasticloadbalancing/us-east-1",
        "logs/AWSLogs/123456789012/CloudTrail/us-east-1",
        "logs/AWSLogs/123456789012/elasticloadbalancing/region=us-east-1",
        "logs/other/123456789012/elasticloadbalancing/us-east-1",
    ] {
        fs::create_dir_all(world.path(other)).unwrap();
    }
    let due = json!({"merge": {"due": "2026-11-29T12:00:00Z"}});
    let handled = world.handle(&due);
    assert_eq!(ok(&handled), &json!({"merge": {"plans": 0, "members": 0, "sent": 6}}));
    let messages = world.messages();
    let folders: Vec<_> = messages
        .iter()
        .map(|message| message["merge"]["folder"].as_str().unwrap())
        .collect();
    assert_eq!(
        folders,
        [
            "AWSLogs/123456789012/elasticloadbalancing/eu-west-1/2026/11/28/",
            "AWSLogs/123456789012/elasticloadbalancing/eu-west-1/2026/11/29/",
            "AWSLogs/123456789012/elasticloadbalancing/us-east-1/2026/11/28/",
            "AWSLogs/123456789012/elasticloadbalancing/us-east-1/2026/11/29/",
            "AWSLogs/o-abc123/111122223333/elasticloadbalancing/us-east-1/2026/11/28/",
            "AWSLogs/o-abc123/111122223333/elasticloadbalancing/us-east-1/2026/11/29/",
        ]
    );
    // A message is the payload of the next invocation.
    let bodies: Vec<_> = messages.iter().map(ToString::to_string).collect();
    let merged = world.handle(&sqs(&bodies));
    assert_eq!(ok(&merged), &json!({"batchItemFailures": []}));
    assert_eq!(metrics(&merged)["Members"], 1);
    // Nothing waits for the destination before.
    assert!(!world.path("events/all/_quarantine").exists());
}

#[test]
fn a_whole_bucket_is_searched_for_logs() {
    let world = World::new();
    for folder in ["web", "teams/a", "b/c/d/e"] {
        let region = format!("logs/{folder}/AWSLogs/123456789012/elasticloadbalancing/us-east-1");
        fs::create_dir_all(world.path(&region)).unwrap();
    }
    let config = RawConfig {
        source: S3Prefix::parse("logs"),
        ..world.config()
    };
    let due = json!({"merge": {"due": "2026-11-29T12:00:00Z"}}).to_string();
    let function = world.function(config, half_past_two);
    function
        .handle(due.as_bytes(), Deadline::NONE, &Events::default())
        .answer
        .unwrap();
    // The fourth folder above AWSLogs/ is not looked into.
    assert_eq!(world.messages().len(), 4);
}

#[test]
fn a_delivery_refuses_the_payloads_of_the_other() {
    let world = World::new();
    let key = world.put(0, "1205");
    let object = json!({"objects": [{"bucket": "logs", "key": key}]});
    let error = world.handle(&object).answer.unwrap_err();
    assert!(error.to_string().contains("MERGE is true"), "{error}");
    assert_eq!(world.outputs(), [], "nothing was written");
    let each = RawConfig {
        merge: None,
        ..world.config()
    };
    for payload in [folder(true), json!({"merge": {"due": "2026-11-29T12:00:00Z"}})] {
        let function = world.function(each.clone(), half_past_two);
        let handled = function.handle(payload.to_string().as_bytes(), Deadline::NONE, &Events::default());
        assert_eq!(metrics(&handled)["ObjectsFailedPermanently"], 1);
        let error = handled.answer.unwrap_err();
        assert!(error.to_string().contains("MERGE is not true"), "{error}");
    }
    assert_eq!(world.outputs(), []);
    let test_event = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "logs"});
    assert_eq!(ok(&world.handle(&test_event))["objects"]["skipped"], 1);
}

#[test]
fn the_schedule_needs_the_source_and_the_queue() {
    let world = World::new();
    let due = json!({"merge": {"due": "2026-11-29T12:00:00Z"}}).to_string();
    for (config, setting) in [
        (
            RawConfig {
                source: None,
                ..world.config()
            },
            "SOURCE is not set",
        ),
        (
            RawConfig {
                queue_url: None,
                ..world.config()
            },
            "QUEUE_URL is not set",
        ),
    ] {
        let function = world.function(config, half_past_two);
        let handled = function.handle(due.as_bytes(), Deadline::NONE, &Events::default());
        let error = handled.answer.unwrap_err().to_string();
        assert!(error.contains(setting), "{error}");
    }
}

#[test]
fn both_deliveries_claim_the_destination_before_the_first_output() {
    let world = World::new();
    let key = world.put(0, "1205");
    let object = json!({"objects": [{"bucket": "logs", "key": key}]}).to_string();
    let each = RawConfig {
        merge: None,
        ..world.config()
    };
    let function = world.function(each.clone(), half_past_two);
    function
        .handle(object.as_bytes(), Deadline::NONE, &Events::default())
        .answer
        .unwrap();
    let layout = fs::read_to_string(world.path("events/all/_alb-ingest.json")).unwrap();
    assert!(layout.contains("per-object"), "{layout}");
    let before = world.outputs();
    let error = world.handle(&folder(true)).answer.unwrap_err();
    assert!(matches!(error, HandleError::Layout(_)), "{error}");
    assert_eq!(error.kind(), "WrongLayout");
    let parquet = RawConfig {
        format: Some(FileFormat::Parquet),
        ..each
    };
    let function = world.function(parquet, half_past_two);
    let error = function
        .handle(object.as_bytes(), Deadline::NONE, &Events::default())
        .answer
        .unwrap_err();
    assert!(error.to_string().contains("format parquet"), "{error}");
    assert_eq!(world.outputs(), before);
}

#[test]
fn objects_that_cannot_be_read_fail_alone() {
    let world = World::new();
    for number in 0..5 {
        world.put(number, "1205");
    }
    let foreign = world.path("logs").join(FOLDER).join("notes_elasticloadbalancing_x.log");
    fs::write(foreign, "not a log\n".repeat(30)).unwrap();
    let events = Events::default();
    let function = world.function(world.config(), half_past_two);
    let handled = function.handle(folder(true).to_string().as_bytes(), Deadline::NONE, &events);
    assert_eq!(ok(&handled), &json!({"merge": {"plans": 1, "members": 6, "sent": 0}}));
    assert_eq!(metrics(&handled)["MembersFailed"], 1);
    assert_eq!(metrics(&handled)["ObjectsIngested"], 5);
    let events = events.0.into_inner().unwrap();
    assert!(
        events
            .iter()
            .any(|event| event.contains("notes_elasticloadbalancing_x.log: not merged: ")),
        "{events:?}"
    );
    assert!(
        events
            .iter()
            .any(|event| event.contains("plan 00000000 committed: members=6 failed=1")),
        "{events:?}"
    );
    assert!(events.iter().all(|event| !event.contains("not a log\\n")), "{events:?}");
}

#[test]
fn a_message_that_comes_for_the_third_time_is_worked_on_with_care() {
    for (receives, plans) in [("1", 1), ("2", 1), ("3", 4), ("8", 4)] {
        let world = World::new();
        for number in 0..4 {
            world.put(number, "1205");
        }
        let mut payload = sqs(&[folder(true).to_string()]);
        payload["Records"][0]["attributes"]["ApproximateReceiveCount"] = receives.into();
        let handled = world.handle(&payload);
        assert_eq!(ok(&handled), &json!({"batchItemFailures": []}));
        assert_eq!(metrics(&handled)["Plans"], plans, "{receives}");
        assert_eq!(world.names(".mark0").len(), if plans == 4 { 4 } else { 0 });
    }
}

#[test]
fn a_folder_that_the_function_writes_to_is_refused() {
    let world = World::new();
    let key = world.put(0, "1205");
    ok(&world.handle(&folder(true)));
    let below = world.path("events/all/AWSLogs/x.log.gz");
    fs::create_dir_all(below.parent().unwrap()).unwrap();
    fs::copy(world.path("logs").join(key), below).unwrap();
    let before = world.outputs();
    for own in ["all/", "all/AWSLogs/", "all/_quarantine/x/"] {
        let payload = json!({"merge": {"bucket": "events", "folder": own, "all": true}});
        let handled = world.handle(&payload);
        assert_eq!(metrics(&handled)["ObjectsFailedPermanently"], 1);
        let error = handled.answer.unwrap_err().to_string();
        assert!(error.contains("s3://events/all/ overlaps with the logs"), "{error}");
    }
    assert_eq!(world.outputs(), before);
}

#[test]
fn functions_that_start_at_the_same_time_claim_one_destination() {
    for _ in 0..25 {
        let world = World::new();
        world.put(0, "1205");
        std::thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| ok(&world.handle(&folder(true))).to_owned());
            }
        });
        assert_eq!(world.names(".plan").len(), 1);
    }
}

#[test]
fn duplicates_in_one_payload_count_once() {
    let world = World::new();
    world.put(0, "1205");
    let body = folder(true).to_string();
    let handled = world.handle(&sqs(&[body.clone(), body]));
    assert_eq!(ok(&handled), &json!({"batchItemFailures": []}));
    assert_eq!(metrics(&handled)["Plans"], 1);
    assert_eq!(metrics(&handled)["Members"], 1);
}

#[test]
fn a_bucket_that_does_not_exist_fails_its_message_alone() {
    let world = World::new();
    world.put(0, "1205");
    let other = json!({"merge": {"bucket": "nowhere", "folder": "a/"}}).to_string();
    let handled = world.handle(&sqs(&[other, folder(true).to_string()]));
    assert_eq!(ok(&handled)["batchItemFailures"].as_array().unwrap().len(), 1);
    assert_eq!(metrics(&handled)["Members"], 1);
    assert_eq!(metrics(&handled)["ObjectsFailed"], 1);
}

#[test]
fn the_sample_payloads_are_replayed() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = tempfile::tempdir().unwrap();
    for (name, answer) in [
        (
            "merge-due.json",
            json!({"merge": {"plans": 0, "members": 0, "sent": 6}}),
        ),
        (
            "merge-folder.json",
            json!({"merge": {"plans": 1, "members": 7, "sent": 0}}),
        ),
        ("sqs-merge-folder.json", json!({"batchItemFailures": []})),
    ] {
        let config = RawConfig {
            destination: Some(Location::Directory(out.path().join(name))),
            merge: Some(true),
            partial_batch: Some(true),
            source: S3Prefix::parse("objects"),
            queue_url: Some(QueueUrl::Directory(out.path().join("queue"))),
            ..RawConfig::default()
        };
        let limits = Limits {
            memory: 512,
            processors: 2,
        };
        let storage = Local::new(Some(package.join("events")));
        let function = Function::new(config.resolve().unwrap(), Box::new(storage), limits, half_past_two).unwrap();
        let payload = fs::read(package.join("events").join(name)).unwrap();
        let handled = function.handle(&payload, Deadline::NONE, &Events::default());
        assert_eq!(ok(&handled), &answer, "{name}");
    }
}
