//! Merged delivery by the real `bootstrap`: the schedule, the queue, careful work, kills.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::process::Command;
use std::time::Duration;

use alb_ingest::formats::ALB_ACCESS;
use alb_ingest::generate::Object;
use serde_json::{Value, json};

use crate::lambda::{aws, metrics};
use crate::servers::fault::{Fault, Mask, Op, Rule};
use crate::servers::lambda::{Function, Outcome};
use crate::servers::queue::{self, Queue};
use crate::servers::{s3, sqs};

const LIMIT: Duration = Duration::from_mins(1);

type Files = BTreeMap<String, Vec<u8>>;

fn logs(count: u64) -> s3::Server {
    let server = s3::Server::start();
    server.bucket("logs", s3::Options::default());
    server.bucket("outputs", s3::Options::default());
    for (key, bytes) in objects(0..count) {
        server.put("logs", &key, bytes);
    }
    server
}

/// Returns objects in the folders of two regions and two days.
pub(crate) fn objects(numbers: Range<u64>) -> impl Iterator<Item = (String, Vec<u8>)> {
    numbers.map(|number| {
        let mut bytes = Vec::new();
        Object::new(&ALB_ACCESS, number, 10).write_to(&mut bytes).unwrap();
        let region = ["us-east-1", "eu-west-1"][usize::try_from(number % 2).unwrap()];
        let day = 6 + number / 2 % 2;
        let key = format!(
            "AWSLogs/123456789012/elasticloadbalancing/{region}/2026/10/{day:02}/123456789012_elasticloadbalancing_{region}_app.web.50dc6c495c0c9188_202610{day:02}T{:02}05Z_192.0.2.1_r{number:07}.log.gz",
            number % 24
        );
        (key, bytes)
    })
}

fn function(server: &s3::Server, queue: &sqs::Server, more: &[(&str, &str)]) -> Function {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bootstrap"));
    aws(&mut command, server);
    command
        .env("AWS_ENDPOINT_URL_SQS", queue.endpoint())
        .env("QUEUE_URL", queue.queue_url())
        .env("SOURCE", "s3://logs/AWSLogs")
        .env("DESTINATION", "s3://outputs/all")
        .env("MERGE", "true")
        .env("PARTIAL_BATCH", "true");
    for (name, value) in more {
        command.env(name, value);
    }
    Function::new(command, 128)
}

pub(crate) fn due() -> Value {
    json!({"merge": {"due": "2026-10-07T12:00:00Z"}})
}

fn folder(all: bool) -> Value {
    let folder = "AWSLogs/123456789012/elasticloadbalancing/us-east-1/2026/10/06/";
    json!({"merge": {"bucket": "logs", "folder": folder, "all": all}})
}

fn one_message() -> queue::Settings {
    queue::Settings {
        batch_size: 1,
        max_receive_count: 8,
        ..queue::Settings::default()
    }
}

fn files(server: &s3::Server) -> Files {
    assert!(server.open_uploads("outputs").is_empty());
    let objects = server.objects("outputs").into_iter();
    objects.map(|(key, object)| (key, object.body.to_vec())).collect()
}

/// Returns what `run --merge` writes for the same objects.
fn by_command_line(server: &s3::Server) -> Files {
    server.bucket("others", s3::Options::default());
    let mut command = Command::new(env!("CARGO_BIN_EXE_alb-ingest"));
    aws(&mut command, server);
    let done = command
        .args(["run", "s3://logs/", "--to", "s3://others/all", "--merge"])
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    let objects = server.objects("others").into_iter();
    objects.map(|(key, object)| (key, object.body.to_vec())).collect()
}

fn is_plan(key: &str) -> bool {
    let extension = std::path::Path::new(key).extension();
    extension.is_some_and(|extension| extension == "plan")
}

#[test]
fn the_schedule_and_the_queue_have_the_outputs_of_the_command_line() {
    let (server, queue) = (logs(60), sqs::Server::start());
    let mut function = function(&server, &queue, &[]);
    let outcome = function.invoke(&due(), LIMIT);
    let answer = json!({"merge": {"plans": 0, "members": 0, "sent": 4}});
    assert_eq!(outcome, Outcome::Response(answer), "{}", function.stdout());
    assert!(server.objects("outputs").is_empty(), "the schedule writes nothing");

    let mut messages = Queue::new(one_message());
    for body in queue.take() {
        messages.send(body);
    }
    messages.drain(20, |batch| function.invoke(batch, LIMIT).into());
    assert!(messages.left().is_empty() && messages.dead.is_empty());
    assert_eq!(messages.invocations, 4);
    assert_eq!(files(&server), by_command_line(&server));
    let counted = metrics(&function);
    assert_eq!(
        (&counted["Plans"], &counted["Members"], &counted["MergeLag"]),
        (&1.into(), &15.into(), &0.0.into())
    );

    // Nothing is left, and nothing changes.
    let before = files(&server);
    function.invoke(&due(), LIMIT);
    for body in queue.take() {
        messages.send(body);
    }
    messages.drain(20, |batch| function.invoke(batch, LIMIT).into());
    assert!(files(&server) == before);
}

#[test]
fn messages_that_the_queue_rejects_are_sent_again() {
    let (server, queue) = (logs(60), sqs::Server::start());
    let mask = |rejected| Rule::new(Fault::FailRecords(rejected)).op(Op::SendMessageBatch);
    queue.faults().add(mask(Mask::These(vec![0, 2])).nth(1));
    queue.faults().add(mask(Mask::All).nth(2));
    let mut function = function(&server, &queue, &[]);
    let outcome = function.invoke(&due(), LIMIT);
    assert!(matches!(outcome, Outcome::Response(_)), "{outcome:?}");
    assert_eq!(queue.calls(), 3);
    let sent: BTreeSet<_> = queue.take().into_iter().collect();
    assert_eq!(sent.len(), 4);
}

#[test]
fn a_queue_that_takes_no_message_fails_the_schedule() {
    let (server, queue) = (logs(4), sqs::Server::start());
    queue.faults().add(
        Rule::new(Fault::Status(403, "AccessDenied"))
            .op(Op::SendMessageBatch)
            .during(1..=50),
    );
    let mut function = function(&server, &queue, &[]);
    let Outcome::Error { kind, message } = function.invoke(&due(), LIMIT) else {
        panic!("{}", function.stdout())
    };
    assert_eq!(kind, "ObjectsFailed");
    assert!(message.contains("allow sqs:SendMessage on the queue"), "{message}");
}

/// Two workers on one folder, each of which may be killed, leave each object in one plan.
#[test]
fn two_functions_on_one_folder_merge_each_object_once() {
    let (server, queue) = (logs(200), sqs::Server::start());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut function = function(&server, &queue, &[("MERGE_OBJECTS", "7")]);
                let outcome = function.invoke(&folder(true), LIMIT);
                assert!(matches!(outcome, Outcome::Response(_)), "{outcome:?}");
            });
        }
    });
    let plans = files(&server).into_iter().filter(|(key, _)| is_plan(key));
    let mut members = Vec::new();
    for (_, plan) in plans {
        let plan: Value = serde_json::from_slice(&plan).unwrap();
        let keys = plan["members"].as_array().unwrap().iter();
        members.extend(keys.map(|member| member["key"].as_str().unwrap().to_owned()));
    }
    let once: BTreeSet<_> = members.iter().collect();
    assert_eq!((members.len(), once.len()), (50, 50));
}

#[test]
fn the_third_receipt_of_a_message_merges_one_object_at_a_time() {
    let (server, queue) = (logs(20), sqs::Server::start());
    // The first two receipts fail: the folder cannot be listed.
    server.faults().add(
        Rule::new(Fault::Status(403, "AccessDenied"))
            .op(Op::ListObjectsV2)
            .during(2..=3),
    );
    let mut function = function(&server, &queue, &[]);
    let mut messages = Queue::new(one_message());
    messages.send(folder(true).to_string());
    messages.drain(20, |batch| function.invoke(batch, LIMIT).into());
    assert!(messages.left().is_empty() && messages.dead.is_empty());
    let marks = |end: &str| files(&server).keys().filter(|key| key.ends_with(end)).count();
    assert_eq!(messages.invocations, 3, "{}", function.stdout());
    assert_eq!((marks(".mark0"), marks(".plan"), marks(".done")), (5, 5, 5));
}

#[test]
fn a_folder_that_takes_too_long_is_sent_again() {
    let (server, queue) = (logs(60), sqs::Server::start());
    // Publishing takes so long that not all batches fit into one invocation.
    let slow = Rule::new(Fault::Delay(Duration::from_millis(1_200))).op(Op::CopyObject);
    server.faults().add(slow.during(1..=50));
    let mut function = function(&server, &queue, &[("MERGE_OBJECTS", "4")]);
    function.invoke(&json!({"Event": "s3:TestEvent"}), LIMIT);
    let mut messages = Queue::new(one_message());
    messages.send(folder(false).to_string());
    let mut again = 0;
    loop {
        messages.drain(20, |batch| function.invoke(batch, Duration::from_secs(7)).into());
        assert!(messages.left().is_empty() && messages.dead.is_empty());
        let bodies = queue.take();
        if bodies.is_empty() {
            break;
        }
        again += 1;
        for body in bodies {
            messages.send(body);
        }
    }
    assert!(again > 0, "{}", function.stdout());
    let plans = files(&server).keys().filter(|key| is_plan(key)).count();
    assert_eq!(plans, 4, "{}", function.stdout());
    assert!(function.stdout().contains("failed=0") && !function.stdout().contains("not merged"));
}

/// A destination that refuses outputs does not make objects look as if they ended the program.
#[test]
fn objects_survive_a_destination_that_fails() {
    let (server, queue) = (logs(20), sqs::Server::start());
    server.faults().add(
        Rule::new(Fault::Status(403, "AccessDenied"))
            .op(Op::ListObjectsV2)
            .during(2..=3),
    );
    let mut function = function(&server, &queue, &[]);
    let mut messages = Queue::new(one_message());
    messages.send(folder(true).to_string());
    // Careful work whose outputs are refused: the mark is created, the staged file is not.
    for invocation in 0..8 {
        if invocation == 2 {
            let refused = Rule::new(Fault::Status(403, "AccessDenied")).op(Op::PutObject);
            server.faults().add(refused.nth(2));
            server
                .faults()
                .add(Rule::new(Fault::Status(403, "AccessDenied")).op(Op::PutObject).nth(5));
            server
                .faults()
                .add(Rule::new(Fault::Status(403, "AccessDenied")).op(Op::PutObject).nth(8));
        }
        messages.drain(1, |batch| function.invoke(batch, LIMIT).into());
    }
    assert!(
        messages.left().is_empty() && messages.dead.is_empty(),
        "{}",
        function.stdout()
    );
    assert!(!function.stdout().contains("not merged"), "{}", function.stdout());
    let count = |end: &str| files(&server).keys().filter(|key| key.contains(end)).count();
    assert_eq!((count(".plan"), count(".survived")), (5, 3));
}

#[test]
fn the_function_needs_little_memory_for_many_objects() {
    let (server, queue) = (s3::Server::start(), sqs::Server::start());
    server.bucket("logs", s3::Options::default());
    server.bucket("outputs", s3::Options::default());
    let count = 3_000_u64;
    for number in 0..count {
        let mut bytes = Vec::new();
        Object::new(&ALB_ACCESS, number, 10).write_to(&mut bytes).unwrap();
        let key = format!(
            "AWSLogs/123456789012/elasticloadbalancing/us-east-1/2026/10/06/123456789012_elasticloadbalancing_us-east-1_app.web.50dc6c495c0c9188_20261006T{:02}05Z_192.0.2.1_r{number:07}.log.gz",
            number % 24
        );
        server.put("logs", &key, bytes);
    }
    let mut function = function(&server, &queue, &[("MERGE_OBJECTS", "1000")]);
    let answer = json!({"merge": {"plans": 3, "members": count, "sent": 0}});
    assert_eq!(function.invoke(&folder(true), LIMIT), Outcome::Response(answer));
    let status = std::fs::read_to_string(format!("/proc/{}/status", function.pid().unwrap())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(kilobytes < 64 * 1024, "{kilobytes} kB");
}
