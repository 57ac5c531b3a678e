//! Merged delivery between local folders.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use alb_ingest::formats::FORMATS;
use alb_ingest::generate::Object;
use serde_json::Value;

use crate::cli::{alb_ingest, expect, run, stderr, stdout, text, tree, visible, write};

const HOUR: u64 = 3_600_000_000;

/// Writes objects of ten lines and of every type into one folder, this number of hours apart.
fn write_logs(folder: &Path, count: u64, hours: u64) {
    for number in 0..count {
        let format = FORMATS[usize::try_from(number).unwrap() % FORMATS.len()];
        let mut object = Object::new(format, number, 10);
        object.traffic.start += number * hours * HOUR;
        let key = object.key();
        let mut bytes = Vec::new();
        object.write_to(&mut bytes).unwrap();
        write(&folder.join("one").join(key.rsplit('/').next().unwrap()), &bytes);
    }
}

fn report(args: &[&str]) -> Value {
    let output = expect(run(&[args, &["--report", "json"]].concat()), 0);
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Returns the lines of the outputs by folder, without the files of the merge.
fn rows(folder: &Path) -> BTreeMap<String, Vec<String>> {
    let mut rows: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, bytes) in outputs(folder) {
        let (folder, _) = path.rsplit_once('/').unwrap();
        let lines = str::from_utf8(&bytes).unwrap().lines().map(str::to_owned);
        rows.entry(folder.to_owned()).or_default().extend(lines);
    }
    for lines in rows.values_mut() {
        lines.sort_unstable();
    }
    rows
}

fn outputs(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = visible(folder);
    files.retain(|path, _| !path.starts_with("_merge/"));
    files
}

const JSON: [&str; 4] = ["--format", "json", "--compression", "none"];

#[test]
fn a_merge_has_the_rows_of_separate_outputs_whatever_the_partitions() {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("logs");
    // More hours than the outputs of one merge may have.
    write_logs(&logs, 130, 1);
    for (partition, files) in [("none", 5), ("day", 10), ("hour", 130)] {
        let (each, merged) = (folder.path().join("each"), folder.path().join("merged"));
        let options = [&JSON[..], &["--partition-by", partition]].concat();
        let separate = report(&[&["run", text(&logs), "--to", text(&each)], &options[..]].concat());
        let args = [&["run", text(&logs), "--to", text(&merged), "--merge"], &options[..]].concat();
        let together = report(&args);
        for name in ["lines", "events", "quarantined", "objects"] {
            assert_eq!(separate[name], together[name], "{partition}: {name}");
        }
        assert!(rows(&each) == rows(&merged), "{partition}");
        assert!(outputs(&merged).len() >= files, "{partition}");
        let before = tree(&merged);
        assert_eq!(report(&args)["plans"], 0);
        assert!(tree(&merged) == before);
        // Nothing is left of what was staged.
        assert!(
            !before.keys().any(|path| path.contains("_staged")),
            "{:?}",
            before.keys()
        );
        for folder in [each, merged] {
            fs::remove_dir_all(folder).unwrap();
        }
    }
}

#[test]
fn files_with_one_name_are_objects_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two, out) = (
        folder.path().join("a/x.log.gz"),
        folder.path().join("b/x.log.gz"),
        folder.path().join("out"),
    );
    for (seed, path) in (1..).zip([&one, &two]) {
        let mut bytes = Vec::new();
        Object::new(FORMATS[0], seed, 10).write_to(&mut bytes).unwrap();
        write(path, &bytes);
    }
    let args = ["run", text(&one), text(&two), "--to", text(&out), "--merge"];
    assert_eq!(report(&args)["events"], 20);
    assert_eq!(report(&args)["events"], 0);
}

#[test]
fn killed_runs_and_runs_at_the_same_time_leave_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("logs");
    write_logs(&logs, 60, 1);
    let start = |out: &Path| -> Child {
        let mut command = alb_ingest(&["run", text(&logs), "--to", text(out), "--merge", "--merge-objects", "7"]);
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let finish = |worker: Child| {
        let output = worker.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
    };
    let reference = folder.path().join("reference");
    finish(start(&reference));
    let reference = tree(&reference);
    for round in 0..12 {
        let out = folder.path().join("out");
        let mut workers: Vec<_> = (0..=round % 2).map(|_| start(&out)).collect();
        thread::sleep(Duration::from_millis(5 + 17 * round));
        for worker in &mut workers {
            worker.kill().unwrap();
            worker.wait().unwrap();
        }
        let workers: Vec<_> = (0..=round / 2 % 2).map(|_| start(&out)).collect();
        workers.into_iter().for_each(finish);
        let mut found = tree(&out);
        // What a killed run staged without a plan, and its temporary files, are left.
        found.retain(|path, _| !path.contains("_merge/_staged/") && !path.starts_with(".alb-ingest-"));
        let keys = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&found), keys(&reference), "{round}");
        assert!(found == reference, "{round}");
        fs::remove_dir_all(&out).unwrap();
    }
}

#[test]
fn a_backfill_estimates_before_it_works() {
    let folder = tempfile::tempdir().unwrap();
    let (logs, out) = (folder.path().join("logs"), folder.path().join("out"));
    write_logs(&logs, 30, 12);
    let backfill = ["backfill", text(&logs), text(&out)];
    let shown = stdout(&expect(run(&backfill), 0));
    assert!(
        shown.contains("30 objects in 1 folders") && shown.contains("nothing was written"),
        "{shown}"
    );
    assert!(!out.exists(), "an estimate writes nothing");
    let estimate = report(&backfill);
    assert_eq!((&estimate["objects"], &estimate["plans"]), (&30.into(), &1.into()));
    let tables = estimate["tables"].as_array().unwrap();
    let events: f64 = tables.iter().map(|row| row["events"].as_f64().unwrap()).sum();
    assert!((250.0..350.0).contains(&events), "{events} of 300 events");
    assert!(estimate["cost_total"].as_f64().unwrap() > 0.0);
    let doubled = report(&[&backfill[..], &["--price", "s3-put=0.1"]].concat());
    assert!(doubled["cost_total"].as_f64() > estimate["cost_total"].as_f64());
    assert!(stderr(&expect(run(&[&backfill[..], &["--price", "x=1"]].concat()), 2)).contains("s3-put"));

    // With one output for each object, nothing but the pages of the source is listed.
    let each = report(&[&backfill[..], &["--merge=false"]].concat());
    assert_eq!(
        each["requests"],
        serde_json::json!({"get": 30.0, "list": 1.0, "put": 30.0})
    );
    assert!(each["cost"]["S3 Batch Operations"].as_f64().unwrap() > 0.0);

    // A part of the time first, then the rest: each object once.
    let day = "2026-10-14";
    let late = report(&[&backfill[..], &["--run-here", "--from", day]].concat());
    let rest = report(&[&backfill[..], &["--run-here"]].concat());
    let ingested = |report: &Value| report["objects"]["ingested"].as_u64().unwrap();
    assert!(ingested(&late) > 0 && ingested(&rest) > 0);
    assert_eq!(ingested(&late) + ingested(&rest), 30);
    assert_eq!(late["skipped_objects"]["outside of the time range"], ingested(&rest));
    assert_eq!(late["events"].as_u64().unwrap() + rest["events"].as_u64().unwrap(), 300);
}

#[test]
fn a_manifest_lists_every_object_once() {
    let folder = tempfile::tempdir().unwrap();
    let (logs, manifest) = (folder.path().join("logs"), folder.path().join("manifest.csv"));
    write_logs(&logs, 6, 1);
    write(&logs.join("a b+ü,\"c\".log"), b"");
    let out = folder.path().join("out");
    let args = ["backfill", text(&logs), text(&out), "--manifest", text(&manifest)];
    let shown = stdout(&expect(run(&args), 0));
    assert!(
        shown.contains("create-job") && shown.contains("LambdaInvoke"),
        "{shown}"
    );
    let lines = fs::read_to_string(&manifest).unwrap();
    assert_eq!(lines.lines().count(), 7);
    assert!(lines.contains("local,a%20b%2B%C3%BC%2C%22c%22.log\n"), "{lines}");
    assert!(
        stderr(&expect(run(&args), 2)).contains("manifest.csv"),
        "an existing file is kept"
    );
    let merged = [&args[..], &["--merge"]].concat();
    assert!(stderr(&expect(run(&merged), 2)).contains("--manifest"));
}
