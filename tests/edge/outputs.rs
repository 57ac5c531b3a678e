//! What already exists at the destination, and a standard output that cannot take the events.

#![cfg(unix)]

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::cli::{LINE, alb_ingest, expect, run, samples, stderr, stdout, text, visible, write};

/// Writes two objects of one table, each with an event and a malformed line.
fn inputs(folder: &Path) -> PathBuf {
    let input = folder.join("in");
    write(&input.join("one.log"), format!("{LINE}\nmalformed\n").as_bytes());
    write(
        &input.join("two.log"),
        format!("{LINE}\n{LINE}\nmalformed\n").as_bytes(),
    );
    input
}

/// Returns the output of an object with this name, among the events or in the quarantine.
fn output(out: &Path, name: &str, quarantined: bool) -> PathBuf {
    let found: Vec<_> = visible(out)
        .into_keys()
        .filter(|path| path.contains(name) && path.starts_with("_quarantine") == quarantined)
        .collect();
    assert_eq!(found.len(), 1, "{found:?}");
    out.join(&found[0])
}

#[test]
fn a_final_path_that_holds_something_else_fails_its_object() {
    for format in ["parquet", "json"] {
        for quarantined in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let (input, out) = (inputs(folder.path()), folder.path().join("out"));
            let args = ["run", text(&input), "--to", text(&out), "--format", format];
            expect(run(&args), 0);
            let (one, two) = (output(&out, "one-", quarantined), output(&out, "two-", quarantined));
            let (intact, other) = (fs::read(&one).unwrap(), fs::read(&two).unwrap());
            let copy = folder.path().join("copy");
            fs::write(&copy, &intact).unwrap();
            let occupations: [(&str, &dyn Fn()); 6] = [
                ("symbolic link", &|| symlink(&copy, &one).unwrap()),
                ("symbolic link", &|| symlink("nowhere", &one).unwrap()),
                ("directory", &|| fs::create_dir(&one).unwrap()),
                ("damaged", &|| fs::write(&one, b"").unwrap()),
                ("damaged", &|| fs::write(&one, &intact[..intact.len() - 1]).unwrap()),
                ("different", &|| fs::write(&one, &other).unwrap()),
            ];
            for (what, occupy) in occupations {
                fs::remove_file(&one).or_else(|_| fs::remove_dir(&one)).unwrap();
                occupy();
                let output = expect(run(&args), 1);
                let report = stdout(&output);
                assert!(
                    report.contains("failed       local/one.log: ") && report.contains(what),
                    "{what}: {report}"
                );
                assert!(
                    report.contains("already exists") && !report.contains("two.log: "),
                    "{what}: {report}"
                );
            }
        }
    }
}

#[test]
fn an_intact_output_of_the_same_source_counts_as_present() {
    for schema in ["native", "panther", "ecs", "ocsf"] {
        for (format, first, second) in [("parquet", "snappy", "none"), ("json", "gzip", "gzip")] {
            let folder = tempfile::tempdir().unwrap();
            let (input, out) = (inputs(folder.path()), folder.path().join("out"));
            let run_with = |compression| {
                let args = [
                    "run",
                    text(&input),
                    "--to",
                    text(&out),
                    "--format",
                    format,
                    "--schema",
                    schema,
                ];
                expect(run(&[&args[..], &["--compression", compression]].concat()), 0)
            };
            run_with(first);
            let path = output(&out, "one-", false);
            if format == "json" {
                // As a version with another level of compression would have written it.
                let mut plain = Vec::new();
                flate2::read::MultiGzDecoder::new(&fs::read(&path).unwrap()[..])
                    .read_to_end(&mut plain)
                    .unwrap();
                let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
                out.write_all(&plain).unwrap();
                fs::write(&path, out.finish().unwrap()).unwrap();
            }
            let before = visible(&out);
            let again = run_with(second);
            assert!(
                stdout(&again).contains("nothing written"),
                "{schema}: {}",
                stdout(&again)
            );
            assert!(visible(&out) == before);
        }
    }
}

#[test]
fn stdout_that_cannot_be_written_fails_and_gets_nothing_more() {
    let folder = tempfile::tempdir().unwrap();
    let input = inputs(folder.path());
    let args = ["run", text(&input), "--to", "-"];
    if Path::new("/proc/self/fdinfo/1").exists() {
        let mut shell = Command::new("sh");
        shell
            .args(["-c", "exec \"$0\" \"$@\" >&-", env!("CARGO_BIN_EXE_alb-ingest")])
            .args(args);
        let closed = expect(shell.env_clear().current_dir(folder.path()).output().unwrap(), 2);
        assert!(stderr(&closed).contains("closed"), "{}", stderr(&closed));
        assert!(visible(&folder.path().join("_quarantine")).is_empty());
    }
    let null = File::options().write(true).open("/dev/null").unwrap();
    expect(
        alb_ingest(&args)
            .current_dir(folder.path())
            .stdout(null)
            .output()
            .unwrap(),
        0,
    );
    if let Ok(full) = File::options().write(true).open("/dev/full") {
        let failed = expect(
            alb_ingest(&args)
                .current_dir(folder.path())
                .stdout(full)
                .output()
                .unwrap(),
            1,
        );
        let report = stderr(&failed);
        assert!(report.contains("one.log: ") && report.contains("two.log: "), "{report}");
        assert!(report.contains("an earlier write to this output failed"), "{report}");
    }
}

/// Processes that share a log do not mix their lines.
#[test]
fn a_replay_writes_each_line_of_its_log_at_once() {
    let (ours, log) = UnixDatagram::pair().unwrap();
    let out = tempfile::tempdir().unwrap();
    let events = samples().parent().unwrap().to_owned();
    let payload = events.join("objects.json");
    let args = [
        "replay",
        text(&payload),
        "--bucket-root",
        text(&events),
        "--to",
        text(out.path()),
    ];
    let mut child = alb_ingest(&args)
        .stdout(Stdio::null())
        .stderr(OwnedFd::from(log))
        .spawn()
        .unwrap();
    // Each write is a message.
    ours.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let mut message = [0; 4096];
    let mut lines = 0;
    loop {
        let has_ended = child.try_wait().unwrap().is_some();
        if let Ok(length) = ours.recv(&mut message) {
            let line = str::from_utf8(&message[..length]).unwrap();
            assert!(line.ends_with('\n'), "a part of a line: {line:?}");
            lines += 1;
        } else if has_ended {
            break;
        }
    }
    assert!(lines > 1, "{lines} lines");
}
