//! A backfill of a month, on this machine and by the function: the same outputs, whatever is killed on the way.
//!
//! `BACKFILL_OBJECTS` is the number of objects; 240 by default.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use alb_ingest::formats::ALB_ACCESS;
use alb_ingest::generate::Object;
use serde_json::Value;

use crate::lambda::aws;
use crate::merge::audit;
use crate::servers::lambda::{Function, Outcome};
use crate::servers::queue::{self, Queue};
use crate::servers::{s3, sqs};

const DAYS: u64 = 30;
const DAY: u64 = 86_400_000_000;
const LIMIT: Duration = Duration::from_mins(10);

fn objects() -> u64 {
    std::env::var("BACKFILL_OBJECTS").map_or(240, |count| count.parse().unwrap())
}

fn logs(count: u64) -> s3::Server {
    let server = s3::Server::start();
    server.bucket("logs", s3::Options::default());
    server.bucket("outputs", s3::Options::default());
    for number in 0..count {
        let mut object = Object::new(&ALB_ACCESS, number, 10);
        object.traffic.start += number * DAYS * DAY / count;
        let mut bytes = Vec::new();
        object.write_to(&mut bytes).unwrap();
        server.put("logs", &object.key(), bytes);
    }
    server
}

fn backfill(server: &s3::Server, queue: &sqs::Server, to: &str, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_alb-ingest"));
    aws(&mut command, server);
    command
        .env("AWS_ENDPOINT_URL_SQS", queue.endpoint())
        .args([
            "backfill",
            "s3://logs/AWSLogs/",
            to,
            "--report",
            "json",
            "--merge-objects",
            "500",
        ])
        .args(more)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn outputs(server: &s3::Server, prefix: &str) -> BTreeMap<String, Vec<u8>> {
    let objects = server.objects("outputs").into_iter();
    let below = objects.filter_map(|(key, object)| Some((key.strip_prefix(prefix)?.to_owned(), object.body.to_vec())));
    // What a killed worker staged without a plan is left to the lifecycle rule.
    below.filter(|(key, _)| !key.starts_with("_merge/_staged/")).collect()
}

#[test]
fn a_backfill_here_and_by_the_function_have_the_same_outputs() {
    let count = objects();
    let (server, queue) = (logs(count), sqs::Server::start());
    let began = Instant::now();
    // Killed twice, and resumed.
    for after in [40, 200] {
        let mut child = backfill(&server, &queue, "s3://outputs/here", &["--run-here"])
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_millis(after * count / 240));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let done = backfill(&server, &queue, "s3://outputs/here", &["--run-here"])
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    println!(
        "{count} objects here, with two kills: {:.1} s",
        began.elapsed().as_secs_f64()
    );
    assert_eq!(audit(&server, "here/"), Vec::<String>::new());

    let url = queue.queue_url();
    let sent = backfill(&server, &queue, "s3://outputs/sent", &["--send", &url])
        .output()
        .unwrap();
    assert!(sent.status.success(), "{sent:?}");
    let bodies = queue.take();
    assert!(
        (DAYS..=DAYS + 1).contains(&(bodies.len() as u64)),
        "{} folders",
        bodies.len()
    );
    let mut messages = Queue::new(queue::Settings {
        batch_size: 1,
        max_receive_count: 8,
        ..queue::Settings::default()
    });
    for body in bodies {
        messages.send(body);
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_bootstrap"));
    aws(&mut command, &server);
    command
        .env("AWS_ENDPOINT_URL_SQS", queue.endpoint())
        .env("QUEUE_URL", &url)
        .env("SOURCE", "s3://logs/AWSLogs")
        .env("DESTINATION", "s3://outputs/sent")
        .env("MERGE", "true")
        .env("MERGE_OBJECTS", "500")
        .env("PARTIAL_BATCH", "true");
    let mut function = Function::new(command, 128);
    let began = Instant::now();
    let (mut invocation, mut killed) = (0, 0);
    messages.drain(500, |batch: &Value| {
        invocation += 1;
        let outcome = if invocation % 7 == 3 {
            function.invoke_and_kill(batch, LIMIT, Duration::from_millis(10 * invocation))
        } else {
            function.invoke(batch, LIMIT)
        };
        killed += u64::from(matches!(outcome, Outcome::ProcessExited { .. }));
        outcome.into()
    });
    println!(
        "{count} objects by the function, {killed} kills: {:.1} s, {invocation} invocations",
        began.elapsed().as_secs_f64()
    );
    assert!(
        messages.left().is_empty() && messages.dead.is_empty(),
        "{}",
        function.stdout()
    );
    let (here, by_function) = (outputs(&server, "here/"), outputs(&server, "sent/"));
    let files = |outputs: &BTreeMap<String, Vec<u8>>| outputs.keys().cloned().collect::<Vec<_>>();
    assert_eq!(files(&here), files(&by_function));
    assert!(here == by_function);
}
