//! Merged delivery from bucket to bucket: the real command against a server that enforces S3's conditions.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;

use crate::lambda::aws;
use crate::servers::fault::{Fault, Op, Rule};
use crate::servers::s3::{Options, Server};
use alb_ingest::formats::FORMATS;
use alb_ingest::generate::Object;
use alb_ingest::merge::plan::{Fate, Plan};
use alb_ingest::object::hex;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

const MINUTE: u64 = 60_000_000;

/// The objects of a bucket, by key.
type Files = BTreeMap<String, Vec<u8>>;

/// Starts a server with log objects of every type in the bucket `logs`, ten lines each, five minutes apart.
fn logs(count: u64) -> Server {
    let server = Server::start();
    server.bucket("logs", Options::default());
    server.bucket("outputs", Options::default());
    for (key, bytes) in objects(count) {
        server.put("logs", &key, bytes);
    }
    server
}

pub(crate) fn objects(count: u64) -> impl Iterator<Item = (String, Vec<u8>)> {
    (0..count).map(|number| {
        let format = FORMATS[usize::try_from(number).unwrap() % FORMATS.len()];
        let mut object = Object::new(format, number, 10);
        // Two days, so that there are several folders.
        object.traffic.start += number % 500 * 5 * MINUTE;
        let mut bytes = Vec::new();
        object.write_to(&mut bytes).unwrap();
        (object.key(), bytes)
    })
}

pub(crate) fn command(server: &Server, to: &str, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_alb-ingest"));
    aws(&mut command, server);
    command
        .args(["run", "s3://logs/", "--to", to, "--report", "json"])
        .args(more);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs a merge of small batches, whose files can be compared as text.
fn merge(server: &Server, to: &str) -> Command {
    let options = [
        "--merge",
        "--merge-objects",
        "20",
        "--format",
        "json",
        "--compression",
        "none",
    ];
    command(server, to, &options)
}

fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

fn succeed(mut command: Command) -> Value {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    report(&output)
}

pub(crate) fn has_extension(key: &str, extension: &str) -> bool {
    Path::new(key).extension().is_some_and(|found| found == extension)
}

fn files(server: &Server) -> Files {
    let objects = server.objects("outputs").into_iter();
    objects.map(|(key, object)| (key, object.body.to_vec())).collect()
}

/// Returns the outputs below a destination, without the log of the merge.
fn outputs(server: &Server, prefix: &str) -> Files {
    let all = files(server).into_iter();
    let below = all.filter_map(|(key, bytes)| Some((key.strip_prefix(prefix)?.to_owned(), bytes)));
    below
        .filter(|(key, _)| !key.starts_with("_merge/") && key != alb_ingest::layout::FILE)
        .collect()
}

/// Returns the lines of all outputs, by the table's folder.
fn rows(files: &Files) -> BTreeMap<String, Vec<String>> {
    let mut rows: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (key, bytes) in files {
        let (folder, _) = key.rsplit_once('/').unwrap();
        let lines = str::from_utf8(bytes).unwrap().lines().map(str::to_owned);
        rows.entry(folder.to_owned()).or_default().extend(lines);
    }
    for lines in rows.values_mut() {
        lines.sort_unstable();
    }
    rows
}

/// Checks the logs of all folders below a destination; returns the members that failed.
pub(crate) fn audit(server: &Server, prefix: &str) -> Vec<String> {
    let files = files(server);
    let (mut members, mut failed, mut plans) = (BTreeSet::new(), Vec::new(), 0);
    for (key, bytes) in files.iter().filter(|(key, _)| key.starts_with(prefix)) {
        let Some(name) = key.strip_suffix(".plan") else {
            continue;
        };
        plans += 1;
        assert!(files.contains_key(&format!("{name}.done")), "{key} is not published");
        let (folder, number) = name.split_at(name.len() - 8);
        let number: u32 = number.parse().unwrap();
        assert!(
            number == 0 || files.contains_key(&format!("{folder}{:08}.plan", number - 1)),
            "a gap before {key}"
        );
        let plan = Plan::decode(bytes).unwrap();
        for identity in plan.identities() {
            assert!(members.insert(identity), "{key}: a member of two plans");
        }
        for member in &plan.members {
            match &member.fate {
                Fate::Ingested(balance) => assert!(balance.is_even(), "{key}: {member:?}"),
                Fate::Failed(reason) => failed.push(format!("{}: {reason}", member.key)),
                Fate::Skipped(_) => {}
            }
        }
        let mut lines = 0;
        for file in &plan.files {
            let place = match file.place {
                alb_ingest::merge::plan::Place::Events => "",
                alb_ingest::merge::plan::Place::Quarantine => "_quarantine/",
            };
            let published = &files[&format!("{prefix}{place}{}", file.key)];
            assert_eq!(hex(&Sha256::digest(published)), file.sha256, "{key}");
            lines += published.split_inclusive(|byte| *byte == b'\n').count() as u64;
        }
        let balance = plan.balance();
        // Only the lines of text can be counted here.
        let is_text = plan.files.iter().all(|file| has_extension(&file.key, "json"));
        assert!(balance.is_even(), "{key}");
        assert_eq!(
            if is_text {
                lines
            } else {
                balance.events + balance.quarantined
            },
            balance.events + balance.quarantined,
            "{key}"
        );
    }
    assert!(plans > 0);
    failed
}

#[test]
fn a_merge_has_the_rows_of_separate_outputs() {
    let server = logs(100);
    let each = succeed(command(
        &server,
        "s3://outputs/each",
        &["--format", "json", "--compression", "none"],
    ));
    let merged = succeed(merge(&server, "s3://outputs/merged"));
    for name in ["lines", "events", "quarantined", "bytes_in", "objects"] {
        assert_eq!(each[name], merged[name], "{name}");
    }
    let (separate, together) = (outputs(&server, "each/"), outputs(&server, "merged/"));
    assert!(
        together.len() * 3 < separate.len(),
        "{} of {}",
        together.len(),
        separate.len()
    );
    assert!(rows(&together) == rows(&separate));
    assert_eq!(audit(&server, "merged/"), Vec::<String>::new());
    // The log identifies an object as its events do.
    let plans = files(&server).into_iter().filter(|(key, _)| has_extension(key, "plan"));
    let planned: BTreeSet<_> = plans
        .flat_map(|(_, bytes)| Plan::decode(&bytes).unwrap().identities().collect::<Vec<_>>())
        .map(|identity| identity.to_string()[..16].to_owned())
        .collect();
    let events = rows(&together)
        .into_iter()
        .filter(|(folder, _)| !folder.starts_with("_quarantine"));
    let delivered: BTreeSet<_> = events
        .flat_map(|(_, lines)| lines)
        .map(|line| {
            serde_json::from_str::<Value>(&line).unwrap()["event_id"]
                .as_str()
                .unwrap()[..16]
                .to_owned()
        })
        .collect();
    assert_eq!(delivered, planned);

    let before = files(&server);
    let again = succeed(merge(&server, "s3://outputs/merged"));
    assert_eq!((&again["events"], &again["plans"]), (&0.into(), &0.into()));
    assert!(files(&server) == before);

    for (key, bytes) in objects(130).skip(100) {
        server.put("logs", &key, bytes);
    }
    let late = succeed(merge(&server, "s3://outputs/merged"));
    assert_eq!(late["objects"]["ingested"], 30);
    assert!(before.iter().all(|(key, bytes)| files(&server)[key] == *bytes));
    audit(&server, "merged/");
}

#[test]
fn few_requests_serve_many_objects() {
    let server = logs(0);
    let count = 600;
    for (key, bytes) in objects(count) {
        // One folder, as a busy load balancer has.
        let (_, name) = key.rsplit_once('/').unwrap();
        server.put(
            "logs",
            &format!("AWSLogs/111122223333/elasticloadbalancing/us-east-1/2026/11/29/{name}"),
            bytes,
        );
    }
    server.journal().clear();
    succeed(command(
        &server,
        "s3://outputs/m",
        &["--merge", "--partition-by", "none"],
    ));
    let journal = server.journal();
    let of_members = journal
        .of(Op::GetObject)
        .into_iter()
        .filter(|entry| entry.bucket == "logs")
        .count();
    assert_eq!(of_members, usize::try_from(count).unwrap(), "each member is read once");
    let read = journal.count(Op::GetObject) - of_members;
    assert!(read <= 2, "{read} reads of the destination");
    let listed = journal.count(Op::ListObjectsV2);
    assert!(listed <= 5, "{listed} listings");
    // Five tables: each is staged and published; and the layout, which is tried twice, the plan and its end.
    assert_eq!(
        (journal.count(Op::CopyObject), journal.count(Op::PutObject)),
        (5, 5 + 2 + 2)
    );
}

#[test]
fn any_single_fault_leaves_a_log_that_the_next_run_completes() {
    let reference = {
        let server = logs(60);
        succeed(merge(&server, "s3://outputs/m"));
        files(&server)
    };
    let faults = [
        (Op::PutObject, Fault::LoseResponse),
        (Op::PutObject, Fault::Refuse),
        (Op::PutObject, Fault::Status(500, "InternalError")),
        (Op::PutObject, Fault::Status(409, "ConditionalRequestConflict")),
        (Op::PutObject, Fault::Status(403, "AccessDenied")),
        (Op::CopyObject, Fault::LoseResponse),
        (Op::CopyObject, Fault::Status(409, "ConditionalRequestConflict")),
        (Op::CopyObject, Fault::Status(403, "AccessDenied")),
        (Op::GetObject, Fault::Status(503, "SlowDown")),
        (Op::GetObject, Fault::FinAt(50)),
        (Op::GetObject, Fault::ResetAt(50)),
        (Op::ListObjectsV2, Fault::Status(500, "InternalError")),
        (Op::ListObjectsV2, Fault::Status(403, "AccessDenied")),
    ];
    thread::scope(|scope| {
        for (op, fault) in faults {
            let reference = &reference;
            scope.spawn(move || {
                for nth in [1, 3, 8] {
                    let server = logs(60);
                    server.faults().add(Rule::new(fault.clone()).op(op).nth(nth));
                    merge(&server, "s3://outputs/m").output().unwrap();
                    succeed(merge(&server, "s3://outputs/m"));
                    audit(&server, "m/");
                    // An object that could not be read is merged later, in a plan of its own.
                    let same = rows(&outputs(&server, "m/")) == rows(&strip(reference, "m/"));
                    assert!(same, "{op} {fault:?} {nth}: {}", server.journal().text());
                }
            });
        }
    });
}

fn strip(files: &Files, prefix: &str) -> Files {
    let below = files
        .iter()
        .filter_map(|(key, bytes)| Some((key.strip_prefix(prefix)?.to_owned(), bytes.clone())));
    below
        .filter(|(key, _)| !key.starts_with("_merge/") && key != alb_ingest::layout::FILE)
        .collect()
}

#[test]
fn an_object_that_changes_or_vanishes_fails_alone() {
    let server = logs(40);
    let keys: Vec<_> = server.objects("logs").into_keys().collect();
    let replacement = server.get("logs", &keys[1]).unwrap().body;
    server.faults().add(
        Rule::new(Fault::SwapObjectAt(10, replacement))
            .op(Op::GetObject)
            .key(&keys[5])
            .nth(1),
    );
    server.faults().add(
        Rule::new(Fault::Status(404, "NoSuchKey"))
            .op(Op::GetObject)
            .key(&keys[7]),
    );
    let output = merge(&server, "s3://outputs/m").output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let first = report(&output);
    assert_eq!(
        (&first["objects"]["failed"], &first["objects"]["ingested"]),
        (&2.into(), &38.into())
    );
    assert_eq!(audit(&server, "m/").len(), 2);
    // The object that replaced another one is an object of its own.
    let second = succeed(merge(&server, "s3://outputs/m"));
    assert_eq!(second["objects"]["ingested"], 1);
    assert_eq!(audit(&server, "m/").len(), 2);
}

#[test]
fn a_plan_whose_staged_files_are_gone_is_published_from_its_members() {
    let prepare = || {
        let server = logs(20);
        server
            .faults()
            .add(Rule::new(Fault::Status(403, "AccessDenied")).op(Op::CopyObject));
        let output = merge(&server, "s3://outputs/m").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            output.status.code() == Some(1) && text.contains("is committed and not published"),
            "{text}"
        );
        assert!(outputs(&server, "m/").is_empty(), "nothing is visible");
        for key in files(&server).into_keys().filter(|key| key.contains("_staged/")) {
            server.delete("outputs", &key);
        }
        server.faults().clear();
        server
    };
    let reference = logs(20);
    succeed(merge(&reference, "s3://outputs/m"));
    let server = prepare();
    succeed(merge(&server, "s3://outputs/m"));
    assert!(outputs(&server, "m/") == outputs(&reference, "m/"));
    audit(&server, "m/");

    // Without one of its members, a plan cannot be published, and says so.
    let server = prepare();
    let key = server.objects("logs").into_keys().next().unwrap();
    server.delete("logs", &key);
    let output = merge(&server, "s3://outputs/m").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.code() == Some(1) && text.contains("no longer give the same bytes"),
        "{text}"
    );
}

#[test]
fn an_object_that_cannot_be_read_now_is_left_for_later() {
    let server = logs(40);
    let key = server.objects("logs").into_keys().nth(3).unwrap();
    server.bucket(
        "logs",
        Options {
            archived: vec![key.clone()],
            ..Options::default()
        },
    );
    let output = merge(&server, "s3://outputs/m").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert_eq!(report(&output)["objects"]["ingested"], 39, "{text}");
    server.bucket("logs", Options::default());
    assert_eq!(succeed(merge(&server, "s3://outputs/m"))["objects"]["ingested"], 1);
    audit(&server, "m/");
}

#[test]
fn destinations_of_other_settings_are_refused() {
    let server = logs(10);
    let refused = |mut command: Command, text: &str| {
        let output = command.output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(text), "{text}: {error}");
    };
    succeed(merge(&server, "s3://outputs/m"));
    refused(
        command(&server, "s3://outputs/m", &[]),
        "one output for each object, format parquet",
    );
    refused(
        command(&server, "s3://outputs/m", &["--merge"]),
        "merged outputs, format json (none)",
    );
    succeed(command(&server, "s3://outputs/each", &[]));
    refused(
        command(&server, "s3://outputs/each", &["--schema", "ecs"]),
        "schema ecs",
    );
    refused(
        command(&server, "s3://outputs/each", &["--format", "json"]),
        "format parquet",
    );
    refused(command(&server, "s3://outputs/each", &["--merge"]), "merged outputs");
    server.put("outputs", "old/alb_access_log/date=2026-11-29/x.parquet", "x");
    refused(command(&server, "s3://outputs/old", &["--merge"]), "is not empty");
    let lax = Options {
        ignores_conditions: true,
        ..Options::default()
    };
    server.bucket("lax", lax);
    refused(command(&server, "s3://lax/m", &["--merge"]), "conditional write");
}
