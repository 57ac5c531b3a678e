//! The real `bootstrap`, driven through Lambda's runtime API, with a test server that enforces S3's rules.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::servers::fault::{Fault, Op, Rule};
use crate::servers::lambda::{Function, Outcome};
use crate::servers::queue::{self, Queue};
use crate::servers::{firehose, s3};
use serde_json::Value;

const LIMIT: Duration = Duration::from_mins(1);

type Files = BTreeMap<String, Vec<u8>>;

/// Starts a server with the sample objects in the bucket `objects`, and an empty bucket `outputs`.
fn samples() -> s3::Server {
    let server = s3::Server::start();
    server.bucket("objects", s3::Options::default());
    server.bucket("outputs", s3::Options::default());
    let root = package().join("events/objects");
    for file in walkdir::WalkDir::new(&root) {
        let file = file.unwrap();
        if file.file_type().is_file() {
            let key = file.path().strip_prefix(&root).unwrap().to_str().unwrap();
            server.put("objects", key, fs::read(file.path()).unwrap());
        }
    }
    server
}

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn event(name: &str) -> Value {
    serde_json::from_slice(&fs::read(package().join("events").join(name)).unwrap()).unwrap()
}

/// Sets AWS's variables for a program that uses this server.
pub(crate) fn aws(command: &mut Command, server: &s3::Server) {
    command
        .env_clear()
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env("AWS_ENDPOINT_URL", server.endpoint());
}

fn function(server: &s3::Server, more: &[(&str, &str)]) -> Function {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bootstrap"));
    aws(&mut command, server);
    command
        .env("DESTINATION", "s3://outputs/all")
        .env("PARTIAL_BATCH", "true");
    for (name, value) in more {
        command.env(name, value);
    }
    Function::new(command, 256)
}

fn outputs(server: &s3::Server) -> Files {
    assert!(server.open_uploads("outputs").is_empty());
    let objects = server.objects("outputs").into_iter();
    objects.map(|(key, object)| (key, object.body.to_vec())).collect()
}

/// Returns the response and the outputs of `alb-ingest replay`, with folders in place of buckets.
fn replayed(name: &str) -> (Value, Files) {
    let out = tempfile::tempdir().unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_alb-ingest"))
        .arg("replay")
        .arg(package().join("events").join(name))
        .arg("--bucket-root")
        .arg(package().join("events"))
        .arg("--to")
        .arg(out.path())
        .arg("--partial-batch")
        .output()
        .unwrap();
    let answer = serde_json::from_slice(&done.stdout).unwrap_or_else(|_| panic!("{name}: {done:?}"));
    let mut files = Files::new();
    for file in walkdir::WalkDir::new(out.path()) {
        let file = file.unwrap();
        if file.file_type().is_file() {
            let key = file.path().strip_prefix(out.path()).unwrap().to_str().unwrap();
            files.insert(format!("all/{key}"), fs::read(file.path()).unwrap());
        }
    }
    (answer, files)
}

#[test]
fn the_function_and_replay_have_the_same_response_and_outputs() {
    for name in [
        "s3-put.json",
        "s3-several-records.json",
        "sqs-partial-failure.json",
        "sqs-sns.json",
        "eventbridge.json",
        "batch-1.0.json",
        "batch-2.0.json",
        "failed-invocation.json",
        "objects.json",
        "test-event.json",
    ] {
        let server = samples();
        let mut function = function(&server, &[]);
        let outcome = function.invoke(&event(name), LIMIT);
        let (answer, files) = replayed(name);
        assert_eq!(outcome, Outcome::Response(answer), "{name}: {}", function.stdout());
        assert_eq!(outputs(&server), files, "{name}");
    }
}

#[test]
fn a_run_over_a_bucket_has_the_same_outputs_as_the_function() {
    let server = samples();
    let mut function = function(&server, &[]);
    let outcome = function.invoke(&event("s3-several-records.json"), LIMIT);
    assert!(matches!(outcome, Outcome::Response(_)), "{outcome:?}");
    let of_function = outputs(&server);

    server.bucket("others", s3::Options::default());
    let mut command = Command::new(env!("CARGO_BIN_EXE_alb-ingest"));
    aws(&mut command, &server);
    let done = command
        .args([
            "run",
            "s3://objects/AWSLogs/",
            "--to",
            "s3://others/all",
            "--report",
            "json",
        ])
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    let report: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(report["objects"]["failed"], 0);
    let others = server.objects("others");
    assert!(others.len() > of_function.len());
    for (key, bytes) in of_function {
        assert_eq!(others[&key].body.to_vec(), bytes, "{key}");
    }
}

#[test]
fn a_run_over_a_whole_bucket_skips_its_own_outputs() {
    let server = samples();
    let run = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_alb-ingest"));
        aws(&mut command, &server);
        let args = [
            "run",
            "s3://objects/",
            "s3://objects/AWSLogs/",
            "--to",
            "s3://objects/out",
            "--report",
            "json",
        ];
        let done = command.args(args).output().unwrap();
        assert!(done.status.success(), "{done:?}");
        serde_json::from_slice::<Value>(&done.stdout).unwrap()
    };
    let (first, second) = (run(), run());
    let written = &first["outputs"]["written"];
    let own = |report: &Value| report["skipped_objects"]["output at the destination"].clone();
    assert_eq!(own(&first), Value::Null);
    assert!(written.as_u64().unwrap() > 0);
    // Each object once, although two inputs name it.
    assert_eq!(first["outputs"]["there_before"], 0);
    // The outputs, and the file with their layout.
    let own_files = written.as_u64().map(|written| Value::from(written + 1));
    assert_eq!(Some(own(&second)), own_files);
    assert_eq!(&second["outputs"]["there_before"], written);
    assert_eq!(second["events"], first["events"]);
}

#[test]
fn the_report_says_that_a_failed_object_may_have_sent_events() {
    let server = samples();
    let firehose = firehose::Server::start();
    firehose.stream("events");
    let line = "https 2026-10-07T11:42:13.123456Z app/shop/7f3c9a1e5b2d4860 198.51.100.7:54321 192.0.2.10:8080 0.001 \
                0.048 0.000 200 200 350 1024 \"GET https://www.example.com:443/items HTTP/1.1\" \"curl/8.5.0\" \
                ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 -\n";
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    std::io::Write::write_all(&mut gzip, line.repeat(40_000).as_bytes()).unwrap();
    let whole = gzip.finish().unwrap();
    server.bucket("cut", s3::Options::default());
    server.put("cut", "x.log.gz", whole[..whole.len() - 100].to_vec());
    let mut command = Command::new(env!("CARGO_BIN_EXE_alb-ingest"));
    aws(&mut command, &server);
    command.env("AWS_ENDPOINT_URL_FIREHOSE", firehose.endpoint());
    let args = [
        "run",
        "s3://cut",
        "--to",
        "firehose://events",
        "--quarantine",
        "s3://outputs/q",
    ];
    let done = command.args(args).args(["--on-corrupt", "strict"]).output().unwrap();
    assert_eq!(done.status.code(), Some(1), "{done:?}");
    assert!(!firehose.records("events").is_empty());
    let report = String::from_utf8(done.stdout).unwrap();
    assert!(
        report.contains("0 events sent to firehose://events, not counting"),
        "{report}"
    );
}

#[test]
fn concurrent_and_repeated_deliveries_change_nothing() {
    let server = samples();
    let payload = event("sqs-s3.json");
    let (_, files) = replayed("sqs-s3.json");
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut function = function(&server, &[]);
                let outcome = function.invoke(&payload, LIMIT);
                assert!(matches!(outcome, Outcome::Response(_)), "{outcome:?}");
            });
        }
    });
    assert_eq!(outputs(&server), files);
    let mut function = function(&server, &[]);
    function.invoke(&payload, LIMIT);
    assert_eq!(outputs(&server), files);
    let counted = metrics(&function);
    assert_eq!(counted["ObjectsCommittedBefore"], counted["ObjectsIngested"]);
}

/// The invalid message moves to the dead-letter queue.
#[test]
fn a_queue_delivers_every_valid_message_despite_faults() {
    let server = samples();
    server
        .faults()
        .add(Rule::new(Fault::FinAt(1_000)).op(Op::GetObject).nth(2));
    server
        .faults()
        .add(Rule::new(Fault::LoseResponse).op(Op::PutObject).nth(1));
    let mut function = function(&server, &[]);
    let mut queue = Queue::new(queue::Settings::default());
    let messages = event("sqs-s3.json");
    for record in messages["Records"].as_array().unwrap() {
        queue.send(record["body"].as_str().unwrap());
    }
    let bad = queue.send("no JSON");
    queue.drain(50, |batch| function.invoke(batch, LIMIT).into());
    let (_, files) = replayed("sqs-s3.json");
    assert_eq!(outputs(&server), files);
    assert!(queue.left().is_empty());
    let dead: Vec<_> = queue.dead.iter().map(|message| message.id.clone()).collect();
    assert_eq!(dead, [bad]);
}

#[test]
fn an_invalid_setting_stops_the_start_with_its_name_its_value_and_the_allowed_values() {
    let server = samples();
    for (name, value, allowed) in [
        ("ON_CORRUPT", "maybe", "salvage, strict"),
        ("DESTINATION", "ftp://somewhere", "s3://BUCKET/PREFIX"),
        ("PARTIAL_BATCH", "yes", "true, false"),
        ("SOURCE", "s3://outputs", "its own output"),
        ("INCLUDE", ",", "none of them empty"),
        ("DESTINATION", "s3:/outputs/all", "s3://BUCKET/PREFIX"),
        ("DESTINATION", "scratch", "not an absolute path"),
        ("QUARANTINE", "/tmp/rejects", "is in /tmp"),
        ("DESTINATION", "/usr/no-such-directory", "does not exist"),
    ] {
        let mut function = function(&server, &[(name, value)]);
        let outcome = function.invoke(&event("test-event.json"), LIMIT);
        assert!(!matches!(outcome, Outcome::Response(_)), "{name}: {outcome:?}");
        let log = function.stdout();
        assert!(
            log.contains(name) && log.contains(value.trim_start_matches("s3://")) && log.contains(allowed),
            "{name}: {log}"
        );
    }
    assert!(server.objects("outputs").is_empty());
}

/// Returns the metrics of the last invocation.
pub(crate) fn metrics(function: &Function) -> Value {
    assert!(function.wrote("\"_aws\"", Duration::from_secs(5)));
    let log = function.stdout();
    let line = log.lines().rfind(|line| line.contains("\"_aws\"")).unwrap();
    serde_json::from_str(line).unwrap()
}

#[test]
fn the_function_reports_a_missed_deadline_before_it_is_killed() {
    let server = samples();
    server
        .faults()
        .add(Rule::new(Fault::StallAt(100)).op(Op::GetObject).during(1..=50));
    let mut function = function(&server, &[]);
    // The first invocation starts the process.
    function.invoke(&event("test-event.json"), LIMIT);
    let outcome = function.invoke(&event("s3-put.json"), Duration::from_secs(4));
    let Outcome::Error { message, .. } = outcome else {
        panic!("{outcome:?}: {}", function.stdout())
    };
    assert!(message.contains("1 of 1"), "{message}");
    // Only the file with the layout of the outputs.
    let outputs = outputs(&server);
    assert_eq!(outputs.keys().collect::<Vec<_>>(), ["all/_alb-ingest.json"]);
}

/// An object with four large outputs fails at its end, and S3 does not respond to the aborts of their uploads.
#[test]
fn the_function_responds_in_time_although_four_aborts_hang() {
    let server = samples();
    let line = |number: usize| {
        format!(
            "https 2026-10-{:02}T11:42:13.123456Z app/shop/7f3c9a1e5b2d4860 198.51.100.7:54321 192.0.2.10:8080 0.001 0.048 \
             0.000 200 200 350 1024 \"GET https://www.example.com:443/{} HTTP/1.1\" \"curl/8.5.0\" \
             ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 -\n",
            1 + number % 4,
            "x".repeat(20_000),
        )
    };
    // 10 MB per day, more than a part of an upload.
    let text: String = (0..2_000).map(line).collect();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, text.as_bytes()).unwrap();
    let whole = gzip.finish().unwrap();
    server.put("objects", "cut.log.gz", whole[..whole.len() - 8].to_vec());
    server.faults().add(
        Rule::new(Fault::Delay(Duration::from_mins(1)))
            .op(Op::AbortMultipartUpload)
            .during(1..=50),
    );
    let settings = [("FORMAT", "json"), ("COMPRESSION", "none"), ("ON_CORRUPT", "strict")];
    let mut function = function(&server, &settings);
    // The first invocation starts the process.
    function.invoke(&event("test-event.json"), LIMIT);
    let payload = serde_json::json!({"objects": [{"bucket": "objects", "key": "cut.log.gz"}]});
    let outcome = function.invoke(&payload, Duration::from_secs(20));
    let Outcome::Error { message, .. } = outcome else {
        panic!("{outcome:?}: {}", function.stdout())
    };
    assert!(message.contains("1 of 1"), "{message}");
    assert_eq!(server.journal().count(Op::AbortMultipartUpload), 4);
}

/// Together they have the same events and quarantined lines as a replay.
#[test]
fn events_go_to_a_stream_and_malformed_lines_to_a_bucket() {
    let server = samples();
    let firehose = firehose::Server::start();
    firehose.stream("events");
    let mut function = function(
        &server,
        &[
            ("DESTINATION", "firehose://events"),
            ("QUARANTINE", "s3://outputs/quarantine"),
            // An empty variable counts as unset, and the variable of a service takes precedence.
            ("AWS_ENDPOINT_URL", ""),
            ("AWS_ENDPOINT_URL_S3", &server.endpoint()),
            ("AWS_ENDPOINT_URL_FIREHOSE", &firehose.endpoint()),
        ],
    );
    let outcome = function.invoke(&event("objects.json"), LIMIT);
    assert!(
        matches!(outcome, Outcome::Response(_)),
        "{outcome:?}: {}",
        function.stdout()
    );
    let sent = firehose.records("events").concat();
    let ids = sent.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let ids: std::collections::BTreeSet<String> = ids
        .map(|line| {
            serde_json::from_slice::<Value>(line).unwrap()["event_id"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    let counted = metrics(&function);
    assert_eq!(counted["Events"], ids.len());
    let (_, files) = replayed("objects.json");
    let of_replay = files.keys().filter(|key| key.contains("_quarantine/"));
    let of_replay: Vec<_> = of_replay
        .map(|key| key.replace("all/_quarantine", "quarantine"))
        .collect();
    assert_eq!(outputs(&server).into_keys().collect::<Vec<_>>(), of_replay);
}
