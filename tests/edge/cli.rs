//! The command line as users run it: the real binary on real folders.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use alb_ingest::formats::FORMATS;
use alb_ingest::generate::{Object, Rate};
use serde_json::Value;

pub(crate) use crate::common::folder::{text, tree, write};

pub(crate) const LINE: &str = "https 2026-10-07T11:42:13.123456Z app/shop/7f3c9a1e5b2d4860 198.51.100.7:54321 192.0.2.10:8080 0.001 \
                    0.048 0.000 200 200 350 1024 \"GET https://www.example.com:443/items HTTP/1.1\" \"curl/8.5.0\" \
                    ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 - \"Root=1\"";

/// Returns the command with an empty environment.
pub(crate) fn alb_ingest(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_alb-ingest"));
    command.args(args).env_clear().stdin(Stdio::null());
    command
}

pub(crate) fn run(args: &[&str]) -> Output {
    alb_ingest(args).output().unwrap()
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

pub(crate) fn with_stdin(mut command: Command, input: &[u8]) -> Output {
    let command = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    thread::scope(|scope| {
        // A command that stops early closes the pipe.
        scope.spawn(move || drop(stdin.write_all(input)));
        child.wait_with_output().unwrap()
    })
}

pub(crate) fn expect(output: Output, code: i32) -> Output {
    assert_eq!(
        output.status.code(),
        Some(code),
        "{}\n{}",
        stdout(&output),
        stderr(&output)
    );
    assert!(!stderr(&output).contains("panicked"), "{}", stderr(&output));
    output
}

/// The file of a destination's layout.
const LAYOUT: &str = alb_ingest::layout::FILE;

/// Returns the outputs: the files that a reader of the tables or of the quarantine sees.
pub(crate) fn visible(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = if folder.exists() { tree(folder) } else { BTreeMap::new() };
    files.retain(|path, _| path != LAYOUT && !path.split('/').any(|name| name.starts_with('.')));
    files
}

pub(crate) fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("events/objects")
}

/// Writes two small objects for each log type; some of them cross midnight.
fn write_objects(folder: &Path, lines: u64) {
    for (seed, format) in (1..).zip(FORMATS) {
        for number in 0..2 {
            let mut object = Object::new(format, seed * 10 + number, lines);
            object.traffic.hostile = Rate::per_million(50_000);
            object.traffic.broken = Rate::per_million(20_000);
            object.traffic.start += number * 12 * 3_600_000_000;
            object.packing.members = 1 + number;
            let mut bytes = Vec::new();
            object.write_to(&mut bytes).unwrap();
            write(&folder.join(object.key()), &bytes);
        }
    }
}

#[test]
fn a_second_run_over_the_samples_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let (samples, to) = (samples(), text(&out).to_owned());
    let args = ["run", text(&samples), "--to", &to];
    let first = expect(run(&[&args[..], &["--report", "json"]].concat()), 0);
    assert_eq!(stderr(&first), "");
    let report: Value = serde_json::from_slice(&first.stdout).unwrap();
    let count = |name: &str| report[name].as_u64().unwrap_or_else(|| panic!("{name} in {report}"));
    assert_eq!(
        count("lines"),
        count("events") + count("quarantined") + count("skipped_lines")
    );
    assert!(count("bytes_in") > 0 && count("quarantined") > 0);
    let objects = &report["objects"];
    let objects: Vec<_> = ["ingested", "skipped", "failed"]
        .map(|name| objects[name].as_u64().unwrap())
        .to_vec();
    assert_eq!(objects[0] + objects[1], tree(&samples).len() as u64);
    assert!(objects[1] > 0 && objects[2] == 0, "{report}");
    let mut events = 0;
    for format in FORMATS {
        let table = &report["tables"][format.name];
        for name in [
            "objects",
            "lines",
            "events",
            "quarantined",
            "skipped_lines",
            "bytes_in",
            "bytes_out",
        ] {
            assert!(table[name].is_u64(), "{name} of {}: {table}", format.name);
        }
        events += table["events"].as_u64().unwrap();
        assert!(out.join(format.name).is_dir(), "{}", format.name);
    }
    assert_eq!(events, count("events"));
    let before = visible(&out);
    assert_eq!(count("bytes_out"), before.values().map(Vec::len).sum::<usize>() as u64);

    for path in before.keys() {
        let parquet = path.contains("_log/date=") && Path::new(path).extension() == Some("parquet".as_ref());
        let quarantine = path.starts_with("_quarantine/") && Path::new(path).extension() == Some("json".as_ref());
        assert!(parquet != quarantine, "{path}");
    }
    let second = expect(run(&args), 0);
    assert!(stdout(&second).contains("nothing written"), "{}", stdout(&second));
    assert!(visible(&out) == before);
}

#[test]
fn output_does_not_depend_on_threads_or_location() {
    let folder = tempfile::tempdir().unwrap();
    let (here, there) = (folder.path().join("here"), folder.path().join("some/where else/é"));
    write_objects(&here, 40);
    write_objects(&there, 40);
    for format in ["parquet", "json"] {
        let of_jobs = |jobs: &str| folder.path().join(format!("{format}-{jobs}"));
        let one = of_jobs("1");
        let settings = ["--format", format, "--partition-by", "hour"];
        let args = ["run", text(&here), "--to", text(&one), "--jobs", "1"];
        expect(run(&[&args[..], &settings].concat()), 0);
        assert!(!tree(&one).is_empty());
        for jobs in ["2", "6"] {
            let several = of_jobs(jobs);
            let args = ["run", ".", "--to", text(&several), "--jobs", jobs];
            let mut command = alb_ingest(&[&args[..], &settings].concat());
            expect(command.current_dir(&there).output().unwrap(), 0);
            assert!(tree(&one) == tree(&several), "{format}, {jobs} jobs");
        }
    }
}

#[test]
fn reads_files_folders_and_stdin() {
    let folder = tempfile::tempdir().unwrap();
    let (input, out) = (folder.path().join("in"), folder.path().join("in/out"));
    write(&input.join("a/one.log"), LINE.as_bytes());
    write(&input.join("two.log"), LINE.as_bytes());
    write(&input.join(".hidden/three.log"), LINE.as_bytes());
    write(&input.join("ELBAccessLogTestFile"), b"");
    // A destination inside the input is not read, even in a second run: two outputs, and the file of its layout.
    for outputs in [0, 3] {
        let output = expect(run(&["run", text(&input), "--to", text(&out), "--report", "json"]), 0);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(
            (report["events"].as_u64(), report["objects"]["skipped"].as_u64()),
            (Some(2), Some(1 + outputs))
        );
    }
    // The key of a file given by name is its file name; filters apply to keys.
    let (one, two) = (input.join("a/one.log"), input.join("two.log"));
    let args = ["run", text(&one), text(&two), "--to", "-", "--exclude", "two*"];
    let output = expect(alb_ingest(&args).current_dir(folder.path()).output().unwrap(), 0);
    let event: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (event["source_key"].as_str(), event["source_bucket"].as_str()),
        (Some("one.log"), Some("local"))
    );

    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    gzip.write_all(format!("{LINE}\nno line\n{LINE}\n").as_bytes()).unwrap();
    for bytes in [
        gzip.finish().unwrap(),
        format!("{LINE}\nno line\n{LINE}\n").into_bytes(),
    ] {
        let mut command = alb_ingest(&["run", "-", "--to", "-"]);
        command.current_dir(folder.path());
        let output = expect(with_stdin(command, &bytes), 0);
        let events: Vec<Value> = stdout(&output)
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let lines: Vec<_> = events
            .iter()
            .map(|event| event["source_line"].as_u64().unwrap())
            .collect();
        assert_eq!(lines, [1, 3]);
        assert_eq!(events[0]["source_key"], "-");
        // The report does not mix with the events.
        assert!(stderr(&output).contains("quarantined"), "{}", stderr(&output));
        assert_eq!(visible(&folder.path().join("_quarantine")).len(), 1);
    }
}

#[test]
fn exit_codes_distinguish_failed_objects_from_invalid_usage() {
    let folder = tempfile::tempdir().unwrap();
    let (input, out) = (folder.path().join("in"), folder.path().join("out"));
    write(&input.join("good.log"), format!("{LINE}\nmalformed\n").as_bytes());
    // Quarantined lines are accounted for and reported.
    let output = expect(run(&["run", text(&input), "--to", text(&out)]), 0);
    assert!(
        stdout(&output).contains("quarantined  alb_access_log: "),
        "{}",
        stdout(&output)
    );
    // A failed object does not affect the others.
    write(&input.join("bad.log"), b"PAR1....");
    write(&input.join("later.log"), LINE.as_bytes());
    let output = expect(run(&["run", text(&input), "--to", text(&out)]), 1);
    assert!(
        stdout(&output).contains("failed       local/bad.log: the object is a Parquet file"),
        "{}",
        stdout(&output)
    );
    assert_eq!(visible(&out).keys().filter(|path| path.contains("later")).count(), 1);
    // The destination is not writable.
    let output = run(&["run", text(&input), "--to", text(&input.join("good.log"))]);
    expect(output, 1);

    let (input, out) = (text(&input), text(&out));
    for (args, expected) in [
        (vec![], "Usage"),
        (vec!["run"], "INPUT"),
        (vec!["run", input], "--to"),
        (vec!["run", input, "--to", out, "--nonsense"], "--nonsense"),
        (vec!["run", input, "--to", out, "--jobs", "0"], "--jobs"),
        (vec!["run", input, "--to", out, "--table", "elb_log"], "alb_access_log"),
        (vec!["run", "no/such/folder", "--to", out], "no/such/folder"),
        (vec!["run", "gs://bucket/prefix", "--to", out], "gs://bucket/prefix"),
        (vec!["schema", "elb_log"], "nlb_access_log"),
        (vec!["explain", "x", "--table", "elb_log"], "clb_access_log"),
        (vec!["no-such-command"], "no-such-command"),
    ] {
        let output = expect(run(&args), 2);
        assert!(stderr(&output).contains(expected), "{args:?}: {}", stderr(&output));
    }
}

#[test]
fn a_run_that_finds_nothing_says_where_and_why() {
    let folder = tempfile::tempdir().unwrap();
    let report = |args: &[&str]| stdout(&expect(run(&[&["run", text(folder.path()), "--to"], args].concat()), 0));
    let out = folder.path().join("out");
    let nothing = format!(
        "no objects found to ingest in {} (hidden files are not read)\n",
        text(folder.path())
    );
    assert_eq!(report(&[text(&out)]), format!("nothing written\n{nothing}"));

    write(&folder.path().join(".hidden/one.log"), LINE.as_bytes());
    write(&out.join("one.json"), LINE.as_bytes());
    let found = report(&[text(&out)]);
    assert!(
        found.contains("skipped      1 object: output at the destination\n"),
        "{found}"
    );
    assert!(found.ends_with(&nothing), "{found}");

    write(&folder.path().join("one.log"), LINE.as_bytes());
    let found = report(&[text(&out), "--include", "*.gz"]);
    assert!(
        found.contains("skipped      1 object: not selected\n") && found.ends_with(&nothing),
        "{found}"
    );
    let found = report(&[text(&out)]);
    assert!(!found.contains("no objects found"), "{found}");
}

#[test]
fn an_option_takes_precedence_over_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("one.log");
    write(&input, LINE.as_bytes());
    let files = |args: &[&str], environment: &[(&str, &str)]| {
        let out = folder.path().join("out");
        let _ = fs::remove_dir_all(&out);
        let mut command = alb_ingest(&[&["run", text(&input)], args].concat());
        command.envs(environment.iter().copied()).env("DESTINATION", &out);
        expect(command.output().unwrap(), 0);
        visible(&out).into_keys().collect::<Vec<_>>()
    };
    let ends = |files: Vec<String>, end: &str| files.iter().all(|file| file.ends_with(end)) && files.len() == 1;
    assert!(ends(files(&[], &[]), ".parquet"));
    assert!(ends(files(&[], &[("FORMAT", "json")]), ".json.zst"));
    assert!(ends(
        files(
            &["--compression", "none"],
            &[("FORMAT", "json"), ("COMPRESSION", "gzip")]
        ),
        ".json"
    ));
    assert!(ends(
        files(&["--format", "parquet"], &[("FORMAT", "nonsense")]),
        ".parquet"
    ));
    let hours = files(&[], &[("PARTITION_BY", "hour")]);
    assert!(
        hours[0].starts_with("alb_access_log/date=2026-10-07/hour=11/one-"),
        "{hours:?}"
    );
    assert!(files(&["--include", "*.gz"], &[]).is_empty());
    // So does the destination; an empty variable counts as unset.
    let elsewhere = folder.path().join("elsewhere");
    assert!(files(&["--to", text(&elsewhere)], &[("FORMAT", "")]).is_empty());
    assert_eq!(visible(&elsewhere).len(), 1);

    for (name, value, allowed) in [
        ("FORMAT", "csv", "parquet, json"),
        ("COMPRESSION", "lz4", "zstd, snappy"),
        ("PARTITION_BY", "week", "day, hour, none"),
        ("ON_CORRUPT", "ignore", "salvage, strict"),
        ("SCHEMA", "nonsense", "native"),
        ("DESTINATION", "ftp://example.com", "a directory"),
        ("EXCLUDE", "a[", "key patterns"),
    ] {
        let mut by_variable = alb_ingest(&["run", text(&input)]);
        by_variable.env("DESTINATION", &elsewhere).env(name, value);
        let flag = match name {
            "DESTINATION" => "--to".to_owned(),
            other => format!("--{}", other.to_lowercase().replace('_', "-")),
        };
        let mut by_flag = alb_ingest(&["run", text(&input), &flag, value]);
        if name != "DESTINATION" {
            by_flag.env("DESTINATION", &elsewhere);
        }
        for mut command in [by_variable, by_flag] {
            let error = stderr(&expect(command.output().unwrap(), 2));
            assert!(
                error.contains(name) && error.contains(value) && error.contains(allowed),
                "{error}"
            );
        }
    }
}

#[test]
fn existing_outputs_are_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let (input, out) = (folder.path().join("one.log"), folder.path().join("out"));
    write(&input, LINE.as_bytes());
    let args = ["run", text(&input), "--to", text(&out)];
    expect(run(&args), 0);
    let path = out.join(visible(&out).keys().next().unwrap());
    fs::write(&path, b"other content").unwrap();
    let output = expect(run(&args), 1);
    assert!(stdout(&output).contains("already exists"), "{}", stdout(&output));
    assert_eq!(fs::read(&path).unwrap(), b"other content");
}

#[test]
fn explain_shows_fields_or_where_parsing_failed() {
    let shown = stdout(&expect(run(&["explain", LINE]), 0));
    assert!(
        shown.starts_with("alb_access_log") && !shown.contains('\u{1b}'),
        "{shown}"
    );
    let row = shown.lines().find(|line| line.contains("request_path")).unwrap();
    assert!(
        row.contains("13") && row.contains("request_line") && row.contains("\"/items\""),
        "{row}"
    );
    assert!(
        shown
            .lines()
            .any(|line| line.contains("conn_trace_id") && line.contains("null"))
    );

    let wrong = LINE.replacen(" 200 200 ", " 2xx 200 ", 1);
    let shown = stdout(&expect(run(&["explain", &wrong]), 1));
    let at = wrong.find("2xx").unwrap();
    assert!(shown.contains("malformed as alb_access_log: not an integer"), "{shown}");
    assert!(
        shown.contains(&format!("field 9 elb_status_code, byte {at} of the line")),
        "{shown}"
    );
    let lines: Vec<_> = shown.lines().collect();
    let caret = lines.last().unwrap();
    assert!(
        caret.ends_with('^') && lines[lines.len() - 2][caret.len() - 1..].starts_with("2xx"),
        "{shown}"
    );

    // Control characters are escaped, and every line of stdin is explained.
    let hostile = LINE.replace("curl/8.5.0", "\u{1b}]0;title\u{7} \\x1B[31m");
    let input = format!("{hostile}\n\nno log at all\n{LINE}\r\n");
    let output = expect(with_stdin(alb_ingest(&["explain"]), input.as_bytes()), 1);
    let shown = stdout(&output);
    assert!(!shown.contains('\u{1b}') && !shown.contains('\u{7}'), "{shown:?}");
    assert_eq!(
        shown.matches("alb_access_log: Application Load Balancer").count(),
        2,
        "{shown}"
    );
    expect(run(&["explain", LINE, "--table", "clb_access_log"]), 1);
    let repaired = LINE.replace("curl/8.5.0", "a 24\" b");
    assert!(stdout(&expect(run(&["explain", &repaired]), 0)).contains("repaired: unescaped_quote"));
}

/// Without `--table`, a malformed line is explained as what it was before something broke it.
#[test]
fn explain_names_the_nearest_table_and_the_byte() {
    let cut = LINE.split_once(" HTTP/").unwrap().0;
    let classic = "2026-10-07T11:42:13Z shop 198.51.100.7:54321 10.0.1.20:80 0.1 0.1 0.1 200 200 0 178 \
                   \"GET http://www.example.com:80/b HTTP/1.0\" \"curl/7.1\" - -";
    let health = "http 2026-10-07T12:44:59Z 0.0195 192.0.2.97:80 targets PASS 200 -";
    for (line, table, reason, at) in [
        (
            cut.to_owned(),
            "alb_access_log",
            "no closing quote",
            cut.find('"').unwrap(),
        ),
        (
            classic.replacen(" \"", "  \"", 1),
            "clb_access_log",
            "between two spaces",
            classic.find('"').unwrap(),
        ),
        (
            classic.replacen(":80 ", ":99999 ", 1),
            "clb_access_log",
            "does not fit",
            55,
        ),
        (
            LINE.to_owned() + LINE,
            "alb_access_log",
            "a second entry begins here",
            LINE.len(),
        ),
        (
            format!("{health} {health}"),
            "alb_health_check_log",
            "a second entry begins here",
            health.len() + 1,
        ),
        (
            format!("log.gz:{health}"),
            "alb_health_check_log",
            "not part of the entry",
            0,
        ),
        (
            health.replace("0.0195", "0,0195"),
            "alb_health_check_log",
            "not a decimal number",
            26,
        ),
    ] {
        let shown = stdout(&expect(run(&["explain", &line]), 1));
        let place = format!("byte {at} of the line");
        assert!(
            shown.contains(&format!("malformed as {table}: ")) && shown.contains(reason),
            "{shown}"
        );
        assert!(shown.contains(&place), "{place}: {shown}");
    }
    for line in ["no log at all", "Oct  7 12:44:59 host sshd[311]: session opened"] {
        assert!(
            stdout(&expect(run(&["explain", line]), 1)).starts_with("unknown: "),
            "{line}"
        );
    }
}

#[test]
fn a_closed_pipe_does_not_panic() {
    let folder = tempfile::tempdir().unwrap();
    write(
        &folder.path().join("in.log"),
        format!("{LINE}\n").repeat(2_000).as_bytes(),
    );
    for args in [
        &["run", "in.log", "--to", "-"][..],
        &["explain"],
        &["schema", "alb_access_log"],
        &["completions", "bash"],
    ] {
        let mut command = alb_ingest(args);
        command.current_dir(folder.path());
        command.stdin(fs::File::open(folder.path().join("in.log")).unwrap());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first = [0; 1];
        let mut pipe = child.stdout.take().unwrap();
        pipe.read_exact(&mut first).unwrap();
        drop(pipe);
        let output = child.wait_with_output().unwrap();
        let error = stderr(&output);
        assert!(
            output.status.code().is_some() && !error.contains("panicked"),
            "{args:?}: {error}"
        );
    }
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the time between kills depends on the speed of the machine"
)]
fn a_killed_run_leaves_no_partial_file_and_can_be_repeated() {
    const KILLS: u32 = 20;

    let folder = tempfile::tempdir().unwrap();
    let (input, whole) = (folder.path().join("in"), folder.path().join("whole"));
    write_objects(&input, 250);
    let began = Instant::now();
    expect(run(&["run", text(&input), "--to", text(&whole)]), 0);
    let takes = began.elapsed();
    let whole = visible(&whole);
    assert!(whole.len() >= 20, "{:?}", whole.keys());
    let (mut killed, mut partial) = (0, 0);
    for kill in 0..KILLS {
        let out = folder.path().join(format!("out-{kill}"));
        let args = ["run", text(&input), "--to", text(&out), "--jobs", "2"];
        let mut child = alb_ingest(&args).stdout(Stdio::null()).spawn().unwrap();
        thread::sleep(takes * kill / KILLS + Duration::from_millis(2));
        // SIGKILL leaves no time to clean up.
        child.kill().unwrap();
        killed += u32::from(child.wait().unwrap().code().is_none());
        let left = visible(&out);
        partial += u32::from(!left.is_empty() && left.len() < whole.len());
        for (path, bytes) in &left {
            assert!(whole.get(path) == Some(bytes), "kill {kill} left {path} incomplete");
        }
        expect(run(&args), 0);
        assert!(
            visible(&out) == whole,
            "the run after kill {kill} did not complete the output"
        );
        fs::remove_dir_all(&out).unwrap();
    }
    assert!(
        killed >= KILLS / 4 && partial > 0,
        "{killed} killed, {partial} of them with part of the output"
    );
}
