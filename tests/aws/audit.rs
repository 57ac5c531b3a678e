//! The audit of buckets: what S3 records with outputs is part of it.

use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use alb_ingest::formats::{ALB_ACCESS, NLB_ACCESS};
use alb_ingest::generate::{Object, Rate};
use serde_json::{Value, json};

use crate::lambda::aws;
use crate::merge::objects;
use crate::servers::fault::{Fault, Op, Rule};
use crate::servers::s3::{self, Options, Server};

const LISTS: [&str; 6] = ["missing", "missing_outputs", "failed", "extra", "corrupt", "unbalanced"];
const MISSING: [usize; 6] = [1, 0, 0, 0, 0, 0];
const EXTRA: [usize; 6] = [0, 0, 0, 1, 0, 0];
const CORRUPT: [usize; 6] = [0, 0, 0, 0, 1, 0];
const UNBALANCED: [usize; 6] = [0, 0, 0, 0, 0, 1];
const OUT: &str = "s3://outputs/lake/v1";
const PREFIX: &str = "lake/v1/";

/// Starts a server with objects of every type, of which some have malformed lines, and a large one.
fn server() -> Server {
    let server = Server::start();
    let options = Options {
        page: 7,
        ..Options::default()
    };
    server.bucket("logs", options.clone());
    server.bucket("outputs", options);
    for (key, bytes) in objects(20) {
        server.put("logs", &key, bytes);
    }
    for (seed, lines) in [(100, 30), (101, 3_000)] {
        let mut object = Object::new(&ALB_ACCESS, seed, lines);
        object.traffic.broken = Rate::per_million(200_000);
        let mut bytes = Vec::new();
        object.write_to(&mut bytes).unwrap();
        server.put("logs", &object.key(), bytes);
    }
    server
}

fn alb_ingest(server: &Server, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_alb-ingest"));
    aws(&mut command, server);
    command.args(args).output().unwrap()
}

fn succeed(server: &Server, args: &[&str]) {
    let output = alb_ingest(server, args);
    assert!(output.status.success(), "{output:?}");
}

fn deliver(server: &Server, merged: bool) {
    let merge = ["--merge", "--merge-objects", "9"];
    let more = if merged { &merge[..] } else { &[] };
    succeed(server, &[&["run", "s3://logs/", "--to", OUT], more].concat());
}

/// Audits without a grace period: the keys of the objects have a fixed time.
fn audit(server: &Server, more: &[&str]) -> Value {
    audit_after("0m", server, more)
}

fn audit_after(grace: &str, server: &Server, more: &[&str]) -> Value {
    let args = ["audit", "s3://logs/", OUT, "--report", "json", "--grace", grace];
    let args: Vec<_> = args.iter().chain(more).copied().collect();
    let output = alb_ingest(server, &args);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    let is_clean = counts(&report) == [0; 6];
    assert_eq!(output.status.code(), Some(i32::from(!is_clean)), "{report}");
    report
}

fn counts(report: &Value) -> [usize; 6] {
    LISTS.map(|list| report[list].as_array().unwrap().len())
}

fn clean(server: &Server, more: &[&str]) {
    let report = audit(server, more);
    assert_eq!(counts(&report), [0; 6], "{report}");
    assert_eq!(
        (&report["objects"], &report["complete"]),
        (&json!(22), &json!(22)),
        "{report}"
    );
}

/// Returns the outputs whose names have a property.
fn outputs(server: &Server, wanted: impl Fn(&str) -> bool) -> Vec<(String, s3::Object)> {
    let objects = server.objects("outputs").into_iter();
    objects
        .filter(|(key, _)| key.strip_prefix(PREFIX).is_some_and(&wanted))
        .collect()
}

/// Puts an object with the headers of another.
fn replace(server: &Server, key: &str, like: &s3::Object, body: &[u8], header: Option<(&str, &str)>) {
    let mut headers = like.headers.clone();
    headers.extend(header.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    server.put_with("outputs", key, body.to_vec(), &headers);
}

#[test]
fn separate_outputs_are_compared_with_what_was_recorded() {
    let server = server();
    deliver(&server, false);
    server.journal().clear();
    clean(&server, &[]);
    // One request for each output, and a second one for the beginning of a large Parquet file.
    let reads = server.journal().count(Op::GetObject);
    let files = outputs(&server, |name| name != "_alb-ingest.json");
    let is_large = |(key, object): &&(String, s3::Object)| key.ends_with(".parquet") && object.body.len() > 64 * 1024;
    let large = files.iter().filter(is_large).count();
    assert!(large > 0, "the test needs a large output");
    assert_eq!(reads, files.len() + large + 1, "{}", server.journal().text());
    assert_eq!(
        server.journal().count(Op::HeadObject) + server.journal().count(Op::PutObject),
        0
    );
    clean(&server, &["--deep"]);

    let (quarantined, rejects) = outputs(&server, |name| name.starts_with("_quarantine/")).remove(0);
    let id = quarantined
        .rsplit('-')
        .next()
        .unwrap()
        .split('.')
        .next()
        .unwrap()
        .to_owned();
    let (key, object) = outputs(&server, |name| name.starts_with("alb") && name.contains(&id)).remove(0);
    // The counts of the quarantine's rows say that there are events, and the other way round.
    for (key, object) in [(&key, &object), (&quarantined, &rejects)] {
        server.delete("outputs", key);
        let report = audit(&server, &[]);
        assert_eq!(counts(&report), MISSING, "{report}");
        assert!(report["missing"][0].as_str().unwrap().starts_with("AWSLogs/"));
        assert_eq!(counts(&audit(&server, &["--deep"]))[..2], [1, 1]);
        replace(&server, key, object, &object.body, None);
    }
    for body in [&object.body[..object.body.len() - 1], b"", b"x"] {
        for with_metadata in [true, false] {
            if with_metadata {
                replace(&server, &key, &object, body, None);
            } else {
                server.put("outputs", &key, body.to_vec());
            }
            for deep in [&[][..], &["--deep"]] {
                let report = audit(&server, deep);
                assert_eq!(counts(&report), CORRUPT, "{report}");
                assert_eq!(report["corrupt"][0]["output"], key.strip_prefix(PREFIX).unwrap());
            }
        }
    }
    for (name, value) in [("x-amz-meta-lines", "7"), ("x-amz-meta-events", "18446744073709551615")] {
        replace(&server, &key, &object, &object.body, Some((name, value)));
        for deep in [&[][..], &["--deep"]] {
            let report = audit(&server, deep);
            assert_eq!(counts(&report), UNBALANCED, "{report}");
        }
    }
    // An output of another object, under this name.
    replace(
        &server,
        &key,
        &object,
        &object.body,
        Some(("x-amz-meta-source-key", "x")),
    );
    assert_eq!(counts(&audit(&server, &[])), CORRUPT);
    replace(&server, &key, &object, &object.body, None);
    clean(&server, &["--deep"]);

    server.put("outputs", "lake/v1/notes.txt", "x");
    let report = audit(&server, &[]);
    assert_eq!((counts(&report), &report["extra"]), (EXTRA, &json!(["notes.txt"])));
    server.delete("outputs", "lake/v1/notes.txt");
    // Other prefixes are not part of the destination.
    server.put("outputs", "lake/v2/notes.txt", "x");
    clean(&server, &[]);

    // A replay of the repair.
    for (key, _) in outputs(&server, |name| name.contains(&id)) {
        server.delete("outputs", &key);
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("repair.json");
    let file = file.to_str().unwrap();
    let report = audit(&server, &["--repair", file]);
    assert_eq!(counts(&report), MISSING, "{report}");
    succeed(&server, &["replay", file, "--to", OUT]);
    clean(&server, &["--deep"]);
}

#[test]
fn merged_outputs_are_compared_with_their_plans() {
    let server = server();
    deliver(&server, true);
    clean(&server, &[]);
    clean(&server, &["--deep"]);
    let (key, object) = outputs(&server, |name| name.starts_with("alb_access_log/")).remove(0);
    let changed = vec![0; object.body.len()];
    for (body, needs_deep) in [(&object.body[..9], false), (&changed[..], true)] {
        replace(&server, &key, &object, body, None);
        let report = audit(&server, &["--deep"]);
        assert_eq!(counts(&report), CORRUPT, "{report}");
        assert_eq!(counts(&audit(&server, &[])) == CORRUPT, !needs_deep);
    }
    server.delete("outputs", &key);
    let report = audit(&server, &[]);
    assert!(counts(&report)[0] > 0 && counts(&report)[1] == 1, "{report}");
    assert_eq!(counts(&report)[2..], [0; 4], "{report}");

    let plan = report["missing_outputs"][0]["plan"].as_str().unwrap().to_owned();
    server.delete("outputs", &format!("{PREFIX}{}", plan.replace(".plan", ".done")));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("repair.json");
    let file = file.to_str().unwrap();
    let report = audit(&server, &["--repair", file]);
    assert_eq!(counts(&report), [0, 0, 1, 0, 0, 0], "{report}");
    assert_eq!(report["failed"][0]["plan"], plan.as_str());
    // A plan within the grace period may be on its way.
    assert_eq!(counts(&audit_after("15m", &server, &[])), [0; 6]);
    succeed(&server, &["replay", file, "--to", OUT, "--merge"]);
    clean(&server, &["--deep"]);

    server.put(
        "outputs",
        "lake/v1/nlb_access_log/date=2026-10-07/merged-x.parquet",
        "x",
    );
    assert_eq!(counts(&audit(&server, &[])), EXTRA);
}

#[test]
fn objects_within_the_grace_period_are_not_counted() {
    let server = server();
    deliver(&server, false);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let mut object = Object::new(&ALB_ACCESS, 200, 10);
    let start = u64::try_from(now.as_micros()).unwrap() - 5 * 60_000_000;
    object.traffic.start = start - object.lines * object.traffic.step;
    server.put("logs", &object.key(), "x");
    let args = ["audit", "s3://logs/", OUT, "--from", "-1h", "--report", "json"];
    let output = alb_ingest(&server, &args);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&report["objects"], &report["young"]),
        (&json!(0), &json!(1)),
        "{report}"
    );
    assert_eq!(output.status.code(), Some(0), "fifteen minutes by default");
    let report = audit(&server, &["--from", "-1h"]);
    assert_eq!((counts(&report), &report["objects"]), (MISSING, &json!(1)));
    // Its output is not extra, either.
    let name = format!(
        "lake/v1/alb_access_log/date=2026-10-07/x-{}.parquet",
        id_of(&server, &object.key())
    );
    server.put("outputs", &name, "x");
    let output = alb_ingest(&server, &["audit", "s3://logs/", OUT, "--report", "json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["extra"], json!([]), "{report}");
}

fn id_of(server: &Server, key: &str) -> String {
    let object = alb_ingest::object::ObjectRef {
        bucket: "logs".to_owned(),
        key: key.to_owned(),
        version: server.get("logs", key).unwrap().etag,
    };
    object.id()
}

#[test]
fn a_failing_server_is_not_taken_for_damage() {
    let server = server();
    deliver(&server, false);
    for (op, fault) in [
        (Op::GetObject, Fault::Status(403, "AccessDenied")),
        (Op::ListObjectsV2, Fault::Status(403, "AccessDenied")),
        (Op::GetObject, Fault::Status(404, "NoSuchBucket")),
    ] {
        for nth in [2, 5] {
            server.faults().add(Rule::new(fault.clone()).op(op).nth(nth));
            let output = alb_ingest(&server, &["audit", "s3://logs/", OUT]);
            let shown = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{shown}");
            assert!(shown.starts_with("error: ") && output.stdout.is_empty(), "{op} {shown}");
        }
    }
    // The second read of a large output.
    server.journal().clear();
    let one_by_one = ["audit", "s3://logs/", OUT, "--grace", "0m", "--jobs", "1"];
    succeed(&server, &one_by_one);
    let reads = server.journal().of(Op::GetObject);
    let second = reads
        .iter()
        .position(|read| read.header("range").is_some_and(|range| range.starts_with("bytes=0-")));
    let fault = Fault::Status(403, "AccessDenied");
    let nth = u64::try_from(second.unwrap()).unwrap() + 1;
    server.faults().add(Rule::new(fault).op(Op::GetObject).nth(nth));
    let output = alb_ingest(&server, &one_by_one);
    let shown = String::from_utf8_lossy(&output.stderr);
    assert!(shown.contains("s3:GetObject") && output.stdout.is_empty(), "{shown}");
    // Broken connections are retried.
    for nth in 1..20 {
        server
            .faults()
            .add(Rule::new(Fault::FinAt(100)).op(Op::GetObject).nth(3 * nth));
    }
    clean(&server, &[]);
}

/// Objects arrive and are delivered between the listings of an audit: none of them is missing or extra.
#[test]
fn deliveries_during_an_audit_are_not_reported() {
    for merged in [false, true] {
        for last in [false, true] {
            let server = server();
            deliver(&server, merged);
            server.journal().clear();
            clean(&server, &[]);
            // The source has four pages. The fifth is the first one of the destination, or of its log; the last ones are
            // of the destination.
            let nth = if last {
                u64::try_from(server.journal().count(Op::ListObjectsV2)).unwrap() - 1
            } else {
                5
            };
            let delay = Fault::Delay(Duration::from_secs(3));
            server.faults().add(Rule::new(delay).op(Op::ListObjectsV2).nth(nth));
            std::thread::scope(|scope| {
                let auditor = scope.spawn(|| audit_after("15m", &server, &[]));
                while !server.faults().unused().is_empty() {
                    std::thread::sleep(Duration::from_millis(5));
                }
                // On the last page of the destination.
                let mut object = Object::new(&NLB_ACCESS, 300, 10);
                object.traffic.start += 1_000 * 300_000_000;
                let mut bytes = Vec::new();
                object.write_to(&mut bytes).unwrap();
                server.put("logs", &object.key(), bytes);
                deliver(&server, merged);
                let report = auditor.join().unwrap();
                assert_eq!(counts(&report), [0; 6], "{merged} {nth} {report}");
            });
        }
    }
}
