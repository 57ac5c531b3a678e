//! What people name as inputs: pipes, links, folders that cannot be read, one file twice.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::thread;

use serde_json::Value;

use crate::cli::{LINE, alb_ingest, expect, run, stderr, stdout, text, visible, with_stdin, write};
use crate::common::gzip;

/// Runs `run` with inputs and a JSON report; returns the report.
fn report(inputs: &[&Path], out: &Path, code: i32) -> Value {
    let mut args = vec!["run"];
    args.extend(inputs.iter().map(|input| text(input)));
    args.extend(["--to", text(out), "--report", "json"]);
    serde_json::from_slice(&expect(run(&args), code).stdout).unwrap()
}

fn lines(count: usize) -> String {
    format!("{LINE}\n").repeat(count)
}

#[test]
fn what_can_be_read_only_once_is_read_like_stdin() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("in/pipe.log");
    fs::create_dir(folder.path().join("in")).unwrap();
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let run_to = |out: &str, inputs: &[&str]| {
        let args = [&["run"][..], inputs, &["--to", out, "--report", "json"]].concat();
        let mut command = alb_ingest(&args);
        command.current_dir(folder.path());
        command
    };
    let events = |output: &std::process::Output| {
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        report["events"].as_u64()
    };
    let written = thread::scope(|scope| {
        scope.spawn(|| fs::write(&pipe, lines(5_000)).unwrap());
        expect(run_to("pipe", &["in/pipe.log"]).output().unwrap(), 0)
    });
    assert_eq!(events(&written), Some(5_000));
    let piped = expect(with_stdin(run_to("stdin", &["-"]), lines(5_000).as_bytes()), 0);
    let device = expect(
        with_stdin(run_to("device", &["/dev/stdin"]), lines(5_000).as_bytes()),
        0,
    );
    assert_eq!((events(&piped), events(&device)), (Some(5_000), Some(5_000)));
    let outputs = ["pipe", "stdin", "device"].map(|out| visible(&folder.path().join(out)));
    assert!(outputs[0].len() == 1 && outputs.iter().all(|files| *files == outputs[0]));

    // Two of them would have the same identity.
    for inputs in [["-", "-"], ["in/pipe.log", "-"], ["/dev/stdin", "in/pipe.log"]] {
        let output = expect(with_stdin(run_to("two", &inputs), b""), 2);
        assert!(stderr(&output).contains("read only once"), "{}", stderr(&output));
    }
    // In a folder, a pipe fails instead of being waited for.
    let report = report(&[&folder.path().join("in")], &folder.path().join("out"), 1);
    assert_eq!(report["failed_objects"][0]["key"], "pipe.log", "{report}");
}

#[test]
fn a_corrupt_object_from_a_stream_fails_and_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let mut object = gzip(lines(5_000).as_bytes());
    let checksum = object.len() - 8;
    object[checksum] ^= 1;
    let mut command = alb_ingest(&["run", "-", "--to", "out"]);
    command.current_dir(folder.path());
    let report = stdout(&expect(with_stdin(command, &object), 1));
    assert!(
        report.contains("save the object to a file and ingest the file"),
        "{report}"
    );
    assert!(visible(&folder.path().join("out")).is_empty());
}

#[test]
fn what_cannot_be_listed_is_named_and_does_not_end_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let (input, out) = (folder.path().join("in"), folder.path().join("out"));
    write(&input.join("good.log"), lines(2).as_bytes());
    write(&input.join("z/later.log"), lines(1).as_bytes());
    symlink("nowhere", input.join("dangling.log")).unwrap();
    symlink("nowhere", input.join(".#lock")).unwrap();
    fs::create_dir(input.join("loop")).unwrap();
    symlink("..", input.join("loop/back")).unwrap();
    let found = report(&[&input], &out, 1);
    assert_eq!(found["events"], 3, "{found}");
    assert_eq!(found["failed_objects"].as_array().unwrap().len(), 2, "{found}");
    assert_eq!(found["failed_objects"][1]["key"], "dangling.log", "{found}");
    let unlisted = found["failed_objects"][0]["key"].as_str().unwrap();
    assert!(unlisted.ends_with("loop/back"), "{found}");
    let output = expect(run(&["run", text(&input), "--to", text(&out)]), 1);
    for named in ["dangling.log", "loop/back"] {
        assert!(stdout(&output).contains(named), "{}", stdout(&output));
    }
    // A link that is excluded is not an error.
    fs::remove_file(input.join("loop/back")).unwrap();
    let args = ["run", text(&input), "--to", text(&out), "--exclude", "dangling*"];
    expect(run(&args), 0);
}

#[test]
fn a_file_that_is_named_twice_is_read_once() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("in");
    let (one, two) = (input.join("one.log"), input.join("a/two.log"));
    write(&one, lines(1).as_bytes());
    write(&two, lines(2).as_bytes());
    symlink("two.log", input.join("a/latest.log")).unwrap();
    let dotted = input.join("a/../one.log");
    let cases: [&[&Path]; 4] = [
        &[&input],
        &[&input, &one],
        &[&two, &input, &input],
        &[&dotted, &one, &two],
    ];
    for (number, inputs) in cases.into_iter().enumerate() {
        let report = report(inputs, &folder.path().join(number.to_string()), 0);
        assert_eq!(
            (&report["events"], &report["objects"]["ingested"]),
            (&3.into(), &2.into()),
            "{number}: {report}"
        );
    }
}

#[test]
fn outputs_among_the_inputs_are_skipped_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("in");
    write(&input.join("one.log"), LINE.as_bytes());
    let skipped = |args: &[&str]| {
        let report = [&["run"], args, &["--report", "json"]].concat();
        let report: Value = serde_json::from_slice(&expect(run(&report), 0).stdout).unwrap();
        assert_eq!(report["events"], 1);
        report["skipped_objects"]["output at the destination"].as_u64()
    };
    let (input, out) = (text(&input), input.join("a/out"));
    let quarantine = folder.path().join("in/rejects");
    write(&quarantine.join("one.json"), b"x");
    let to = [input, "--to", text(&out), "--quarantine", text(&quarantine)];
    // The destination does not exist yet.
    assert_eq!(skipped(&to), Some(1));
    // The output, and the file of the destination's layout.
    assert_eq!(skipped(&to), Some(3));
    // A directory beside it whose name begins with the same text is an input.
    let beside = folder.path().join("in/a/ou");
    assert_eq!(skipped(&[input, "--to", text(&beside), "--include", "*.log"]), None);
}
