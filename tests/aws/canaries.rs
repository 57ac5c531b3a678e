//! Canaries: every kind of input has a marker, and a table says which of them each kind of output may have. A marker anywhere
//! else fails the test.

mod redacted;

use std::collections::BTreeMap;
use std::process::{Command, Output};
use std::time::Duration;

use alb_ingest::function::metrics::METRICS;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use serde_json::{Value, json};

use crate::common::{gzip, rows};
use crate::lambda::{aws, metrics};
use crate::servers::fault::{Fault, Op, Rule};
use crate::servers::lambda::{Function, Outcome};
use crate::servers::{firehose, s3, sqs};

const LIMIT: Duration = Duration::from_mins(1);

/// The markers of values that a log has: events have them, and the quarantine has them in the raw line.
const LINES: [&str; 9] = [
    QUERY,
    "canary-path",
    "canary-agent",
    "canary-redirect",
    "canary.sni.example",
    "canary-certificate",
    "canary-trace",
    "canary-unknown",
    BROKEN,
];
const QUERY: &str = "canary-query";
const BROKEN: &str = "canary-broken";
/// The markers of what names an object.
const NAMES: [&str; 2] = [KEY, VERSION];
const KEY: &str = "canary-key";
const VERSION: &str = "canary-version";
/// The markers of what nothing ever shows.
const SECRETS: [&str; 4] = [SECRET, TOKEN, BODY, MESSAGE];
const SECRET: &str = "canary-secret-of-the-role";
const TOKEN: &str = "canary-session-token";
const BODY: &str = "canary-body";
/// The error code of a service's response, which no error repeats unless it is a plain name.
const MESSAGE: &str = "canary message";

/// A kind of output, and the markers that it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Channel {
    /// Events in any format, and records of a stream.
    Events,
    /// The raw line of a quarantine row.
    Raw,
    /// The other columns of a quarantine row.
    Row,
    /// The log at any level, answers, errors, reports: names of objects, in a form that is safe to show.
    Shown,
    /// What is recorded with outputs: user metadata, Parquet's key-values, plans, manifests, repairs, keys of outputs.
    Recorded,
    /// What `explain` shows of the line that it is given.
    Explained,
    /// What has neither: metrics, the layout.
    Nothing,
}

impl Channel {
    fn may_have(self, marker: &str) -> bool {
        let (line, name) = (LINES.contains(&marker), marker == KEY);
        match self {
            // The log of a load balancer has no key, but each event names its object.
            Self::Events => line && marker != BROKEN || name,
            Self::Raw | Self::Explained => line,
            Self::Row | Self::Recorded => name,
            Self::Shown => NAMES.contains(&marker),
            Self::Nothing => false,
        }
    }

    /// Fails if a text has a marker that this kind of output must not have, or if it is shown and could control a terminal.
    fn check(self, what: &str, text: &[u8]) {
        if self == Self::Shown {
            let text = str::from_utf8(text).unwrap();
            let harmful = |character: char| character == '\u{202e}' || character.is_control() && character != '\n';
            assert!(!text.contains(harmful), "{what}: {text:?}");
        }
        for marker in LINES.into_iter().chain(NAMES).chain(SECRETS) {
            let found = memchr::memmem::find(text, marker.as_bytes()).is_some();
            assert!(
                self.may_have(marker) || !found,
                "{what}: {self:?} has {marker}: {}",
                text.escape_ascii()
            );
        }
    }
}

/// A line with every marker of an ordinary one, and an unknown field.
fn line() -> String {
    "https 2026-10-07T11:42:13.123456Z app/shop/7f3c9a1e5b2d4860 198.51.100.7:54321 192.0.2.10:8080 0.001 0.048 0.000 200 200 350 \
     1024 \"GET https://www.example.com:443/canary-path?token=canary-query HTTP/1.1\" \"canary-agent\" \
     ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/shop/73e2d6bc24d8a067 \
     \"Root=canary-trace\" \"canary.sni.example\" \"arn:aws:acm:us-east-1:123456789012:certificate/canary-certificate\" 0 \
     2026-10-07T11:42:13.074000Z \"forward\" \"https://example.com/?to=canary-redirect\" \"-\" \"192.0.2.10:8080\" \"200\" \"-\" \
     \"-\" TID_0123456789abcdef \"-\" \"-\" \"-\" 203.0.113.10 canary-unknown"
        .to_owned()
}

/// Objects with markers in their keys: events and a malformed line, a cut object, an archive, and text of no load balancer.
fn objects() -> Vec<(String, Vec<u8>)> {
    let folder = format!("AWSLogs/123456789012/elasticloadbalancing/us-east-1/2026/10/07/{KEY}-");
    let name = "123456789012_elasticloadbalancing_us-east-1_app.shop.7f3c9a1e5b2d4860_20261007T1145Z_203.0.113.10";
    let broken = format!("https {BROKEN} app/shop/1 {BROKEN}?token={BROKEN} \"GET https://{BROKEN}/?{QUERY} {BROKEN}");
    let text = format!("{0}\n{0}\n{0}\n{broken}\n", line());
    let whole = gzip(text.repeat(40).as_bytes());
    let all_broken = format!("{broken}\n").repeat(60);
    [
        ("whole.log.gz", gzip(text.as_bytes())),
        ("cut.log.gz", whole[..whole.len() - 20].to_vec()),
        ("broken.log.gz", gzip(all_broken.as_bytes())),
        (
            "archive\u{1b}]0;title\u{7}\r\u{7f}\u{9b}31m\u{202e}.log",
            format!("PK\u{3}\u{4} {BROKEN}").into_bytes(),
        ),
        ("other.log", format!("my password is {BROKEN} {QUERY}\n").into_bytes()),
    ]
    .into_iter()
    .map(|(end, bytes)| (format!("{folder}{end}/{name}_{end}"), bytes))
    .collect()
}

fn server() -> s3::Server {
    let server = s3::Server::start();
    server.bucket("objects", s3::Options::default());
    server.bucket("outputs", s3::Options::default());
    for (key, bytes) in objects() {
        server.put("objects", &key, bytes);
    }
    server
}

fn with_secrets(command: &mut Command, server: &s3::Server) {
    aws(command, server);
    command
        .env("AWS_SECRET_ACCESS_KEY", SECRET)
        .env("AWS_SESSION_TOKEN", TOKEN)
        // Not a setting of this program, but of many that use the same libraries.
        .env("RUST_LOG", "trace");
}

fn function(server: &s3::Server, more: &[(&str, &str)]) -> Function {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bootstrap"));
    with_secrets(&mut command, server);
    command
        .env("DESTINATION", "s3://outputs/all")
        .env("PARTIAL_BATCH", "false");
    command.envs(more.iter().copied());
    Function::new(command, 256)
}

fn alb_ingest(server: &s3::Server, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_alb-ingest"));
    with_secrets(&mut command, server);
    command.args(args).output().unwrap()
}

/// A message for each object, one for an object that does not exist in the version, and one that is not JSON.
fn payload() -> Value {
    let record = |number: usize, body: String| json!({"eventSource": "aws:sqs", "messageId": format!("m{number}"), "body": body});
    let of = |key: &str, more: Value| {
        let mut object = json!({"bucket": "objects", "key": key});
        object
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!({"objects": [object]}).to_string()
    };
    let mut bodies: Vec<_> = objects().iter().map(|(key, _)| of(key, json!({}))).collect();
    bodies.push(of(&objects()[0].0, json!({"version_id": VERSION})));
    bodies.push(format!("{BODY} \u{1b}[31m"));
    bodies.push(json!({"Records": [BODY]}).to_string());
    let records: Vec<_> = bodies
        .into_iter()
        .enumerate()
        .map(|(number, body)| record(number, body))
        .collect();
    json!({ "Records": records })
}

/// Checks everything in the bucket of the outputs; returns the channels that had something. Events have markers, unless they are
/// redacted.
fn check_outputs(server: &s3::Server, redacted: bool) -> BTreeMap<Channel, usize> {
    let mut seen = BTreeMap::new();
    for (key, object) in server.objects("outputs") {
        Channel::Recorded.check("the key of an output", key.as_bytes());
        for (name, value) in object.metadata() {
            Channel::Recorded.check(&format!("{key}: {name}"), value.as_bytes());
        }
        let bytes = object.body;
        let channel = if key.ends_with("_alb-ingest.json") {
            Channel::Nothing.check(&key, &bytes);
            Channel::Nothing
        } else if key.contains("/_merge/") {
            let is_log = !key.contains("/_staged/");
            if is_log {
                Channel::Recorded.check(&key, &bytes);
            }
            Channel::Recorded
        } else if key.contains("/_quarantine/") {
            check_rows(&key, &bytes);
            Channel::Raw
        } else {
            Channel::Events.check(&key, &bytes);
            if bytes.starts_with(b"PAR1") {
                check_footer(&key, bytes);
            } else {
                assert!(
                    redacted || memchr::memmem::find(&bytes, QUERY.as_bytes()).is_some(),
                    "{key} has no events"
                );
            }
            Channel::Events
        };
        *seen.entry(channel).or_default() += 1;
    }
    seen
}

fn check_rows(key: &str, bytes: &[u8]) {
    for mut row in rows(bytes) {
        let raw = row.as_object_mut().unwrap().remove("raw").unwrap_or_default();
        Channel::Raw.check(key, raw.to_string().as_bytes());
        Channel::Row.check(key, row.to_string().as_bytes());
    }
}

fn check_footer(key: &str, bytes: bytes::Bytes) {
    let reader = SerializedFileReader::new(bytes).unwrap();
    let pairs = reader
        .metadata()
        .file_metadata()
        .key_value_metadata()
        .cloned()
        .unwrap_or_default();
    for pair in pairs {
        Channel::Recorded.check(key, format!("{pair:?}").as_bytes());
    }
}

/// Checks the function's log: JSON, one object a line, with the id of the request from Lambda's start on.
fn check_log(what: &str, function: &Function) {
    Channel::Shown.check(what, function.stdout().as_bytes());
    Channel::Shown.check(what, function.stderr().as_bytes());
    let mut in_a_request = 0;
    for line in function.stdout().lines() {
        assert!(!line.contains(char::is_control), "{what}: {line:?}");
        let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{what}: {line}"));
        if line.get("_aws").is_some() {
            Channel::Nothing.check("metrics", line.to_string().as_bytes());
        }
        let id = line.get("requestId").or_else(|| line["span"].get("requestId"));
        in_a_request += usize::from(id.is_some());
        assert!(id.is_some(), "{what}: {line}");
    }
    assert!(in_a_request > 0);
}

#[test]
fn no_canary_leaves_its_channel_in_the_function_at_any_level() {
    for level in ["INFO", "DEBUG", "TRACE"] {
        for (format, schema) in [("json", "native"), ("parquet", "native"), ("json", "ecs")] {
            let server = server();
            let settings = [
                ("AWS_LAMBDA_LOG_LEVEL", level),
                ("FORMAT", format),
                ("COMPRESSION", if format == "json" { "none" } else { "snappy" }),
                ("SCHEMA", schema),
            ];
            let mut function = function(&server, &settings);
            let outcome = function.invoke(&payload(), LIMIT);
            let Outcome::Error { message, kind } = outcome else {
                panic!("{outcome:?}: {}", function.stdout())
            };
            assert_eq!(kind, "ObjectsFailed");
            Channel::Shown.check("the error", message.as_bytes());
            let counted = metrics(&function);
            for metric in &METRICS {
                let is_number = counted[metric.name].is_number();
                assert!(metric.name == "Delay" || is_number, "{}", metric.name);
            }
            check_log(level, &function);
            let seen = check_outputs(&server, false);
            assert_eq!(seen.len(), 3, "{seen:?}");
            assert!(function.stdout().contains(KEY), "the log names failed objects");
        }
    }
}

#[test]
fn no_canary_leaves_its_channel_in_answers_and_streams() {
    let (server, firehose) = (server(), firehose::Server::start());
    firehose.stream("events");
    let endpoint = firehose.endpoint();
    let settings = [
        ("AWS_LAMBDA_LOG_LEVEL", "TRACE"),
        ("DESTINATION", "firehose://events"),
        ("QUARANTINE", "s3://outputs/all/_quarantine"),
        ("AWS_ENDPOINT_URL_FIREHOSE", endpoint.as_str()),
        ("PARTIAL_BATCH", "true"),
    ];
    let mut function = function(&server, &settings);
    let outcome = function.invoke(&payload(), LIMIT);
    let Outcome::Response(answer) = outcome else {
        panic!("{outcome:?}: {}", function.stdout())
    };
    Channel::Nothing.check("the answer", answer.to_string().as_bytes());
    assert!(answer["batchItemFailures"].as_array().unwrap().len() > 3, "{answer}");
    let task =
        json!({"taskId": "t", "s3Key": objects()[3].0, "s3VersionId": null, "s3BucketArn": "arn:aws:s3:::objects"});
    let job = json!({"invocationSchemaVersion": "1.0", "invocationId": "i", "job": {"id": "j"}, "tasks": [task]});
    let Outcome::Response(answer) = function.invoke(&job, LIMIT) else {
        panic!("{}", function.stdout())
    };
    Channel::Shown.check("the answer to a job", answer.to_string().as_bytes());
    check_log("TRACE", &function);
    for record in firehose.records("events") {
        Channel::Events.check("a record", &record);
    }
    assert!(!firehose.records("events").is_empty());
    check_outputs(&server, false);
}

/// What a service answers with an error is not repeated, and neither are its control characters.
#[test]
fn no_error_repeats_what_a_service_says() {
    const HOSTILE: &str = "\u{1b}]0;canary message\u{7}\n\u{9b}31m\u{202e}";
    let (server, firehose) = (server(), firehose::Server::start());
    firehose.stream("events");
    let fail = |op| Rule::new(Fault::Status(403, HOSTILE)).op(op);
    server.faults().add(fail(Op::GetObject).nth(1));
    server.faults().add(fail(Op::PutObject).nth(2));
    firehose.faults().add(fail(Op::PutRecordBatch));
    let endpoint = firehose.endpoint();
    for destination in ["s3://outputs/all", "firehose://events"] {
        let settings = [
            ("AWS_LAMBDA_LOG_LEVEL", "TRACE"),
            ("DESTINATION", destination),
            ("QUARANTINE", "s3://outputs/all/_quarantine"),
            ("AWS_ENDPOINT_URL_FIREHOSE", endpoint.as_str()),
        ];
        let mut function = function(&server, &settings);
        // A stream's errors without a known code are repeated until the deadline.
        let Outcome::Error { message, .. } = function.invoke(&payload(), Duration::from_secs(6)) else {
            panic!("{}", function.stdout())
        };
        Channel::Shown.check("the error", message.as_bytes());
        assert!(!message.contains(char::is_control), "{message:?}");
        check_log("TRACE", &function);
    }
}

#[test]
fn no_canary_leaves_its_channel_in_merged_delivery() {
    let (server, queue) = (server(), sqs::Server::start());
    let (endpoint, url) = (queue.endpoint(), queue.queue_url());
    let settings = [
        ("AWS_LAMBDA_LOG_LEVEL", "TRACE"),
        ("MERGE", "true"),
        ("SOURCE", "s3://objects/AWSLogs"),
        ("QUEUE_URL", url.as_str()),
        ("AWS_ENDPOINT_URL_SQS", endpoint.as_str()),
    ];
    let mut function = function(&server, &settings);
    for (key, _) in objects() {
        let folder = key.rsplit_once('/').unwrap().0;
        let payload = json!({"merge": {"bucket": "objects", "folder": format!("{folder}/"), "all": true}});
        match function.invoke(&payload, LIMIT) {
            Outcome::Response(answer) => Channel::Nothing.check("the answer", answer.to_string().as_bytes()),
            Outcome::Error { message, .. } => Channel::Shown.check("the error", message.as_bytes()),
            other => panic!("{other:?}"),
        }
    }
    check_log("TRACE", &function);
    let seen = check_outputs(&server, false);
    assert!(
        seen.contains_key(&Channel::Recorded) && seen.contains_key(&Channel::Events),
        "{seen:?}"
    );
}

#[test]
fn no_canary_leaves_its_channel_in_the_commands() {
    let folder = tempfile::tempdir().unwrap();
    for (name, mode) in [("each", &[][..]), ("merged", &["--merge"])] {
        let server = server();
        let path = |file: &str| {
            folder
                .path()
                .join(format!("{name}-{file}"))
                .to_str()
                .unwrap()
                .to_owned()
        };
        let (repair, manifest, payloads) = (path("repair"), path("manifest"), path("payloads"));
        std::fs::write(&payloads, payload().to_string()).unwrap();
        let to = ["--to", "s3://outputs/all"];
        let mut commands = vec![
            [&["run", "s3://objects/AWSLogs/"], &to[..], mode].concat(),
            [&["run", "s3://objects/AWSLogs/", "--report", "json"], &to[..], mode].concat(),
            vec![
                "audit",
                "s3://objects/AWSLogs/",
                "s3://outputs/all",
                "--deep",
                "--repair",
                &repair,
            ],
            vec!["audit", "s3://objects/AWSLogs/", "s3://outputs/all", "--report", "json"],
        ];
        if mode.is_empty() {
            commands.push([&["replay", &payloads], &to[..]].concat());
            commands.push(vec![
                "backfill",
                "s3://objects/AWSLogs/",
                "s3://outputs/all",
                "--manifest",
                &manifest,
            ]);
        }
        for args in commands {
            let Output { stdout, stderr, .. } = alb_ingest(&server, &args);
            Channel::Shown.check(&format!("{args:?}"), &stdout);
            Channel::Shown.check(&format!("{args:?}"), &stderr);
            assert!(!stdout.is_empty() || !stderr.is_empty(), "{args:?}");
        }
        for file in [repair, manifest] {
            if let Ok(bytes) = std::fs::read(&file) {
                Channel::Recorded.check(&file, &bytes);
                assert!(!bytes.is_empty() || !mode.is_empty(), "{file}");
            }
        }
        check_outputs(&server, false);
        let explained = alb_ingest(&server, &["explain", &line()]);
        assert!(explained.status.success(), "{explained:?}");
        Channel::Explained.check("explain", &explained.stdout);
        Channel::Nothing.check("explain", &explained.stderr);
    }
}
