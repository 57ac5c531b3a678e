//! The help, the options and the completions of the command.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Each command with the file of its short help; the first is the program itself.
const COMMANDS: [(&[&str], &str); 9] = [
    (&[], "alb-ingest"),
    (&["run"], "run"),
    (&["audit"], "audit"),
    (&["report"], "report"),
    (&["replay"], "replay"),
    (&["explain"], "explain"),
    (&["schema"], "schema"),
    (&["generate"], "generate"),
    (&["completions"], "completions"),
];

/// The maximum width of the short help.
const MAX_WIDTH: usize = 100;

/// The settings that only the function needs, as options.
const FUNCTION_OPTIONS: [&str; 3] = ["--on-missing", "--partial-batch", "--source "];

fn alb_ingest(args: &[&str], environment: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_alb-ingest"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(args)
        .env_clear()
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn stdout(args: &[&str]) -> String {
    let output = alb_ingest(args, &[]);
    assert_eq!(output.status.code(), Some(0), "{args:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "a switch of this test only")]
fn is_update() -> bool {
    std::env::var_os("UPDATE_GENERATED").is_some()
}

#[test]
fn short_help_matches_its_snapshot() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/help");
    for (command, name) in COMMANDS {
        let help = stdout(&[command, &["-h"]].concat());
        let path = folder.join(format!("{name}.txt"));
        if is_update() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, help).unwrap();
            continue;
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(
            help, committed,
            "tests/golden/help/{name}.txt is stale: run `make generated`"
        );
    }
}

#[test]
fn short_help_has_one_line_per_option() {
    for (command, name) in COMMANDS {
        let help = stdout(&[command, &["-h"]].concat());
        for line in help.lines() {
            assert!(line.chars().count() <= MAX_WIDTH, "{name}: {line}");
            // A wrapped description continues far to the right.
            let indent = line.len() - line.trim_start().len();
            let starts_entry = indent <= 2 || line.trim_start().starts_with("--");
            let is_usage = line.trim_start().starts_with("alb-ingest");
            assert!(starts_entry || is_usage, "{name}: wrapped: {line}");
        }
    }
}

#[test]
fn every_command_ends_its_help_with_two_examples() {
    for (command, name) in COMMANDS {
        for flag in ["-h", "--help"] {
            let help = stdout(&[command, &[flag]].concat());
            let (_, examples) = help.split_once("\nExamples:\n").unwrap_or_else(|| panic!("{help}"));
            let examples: Vec<_> = examples.lines().take_while(|line| !line.is_empty()).collect();
            assert_eq!(examples.len(), 2, "{name}: {examples:?}");
            let invocation = [&["alb-ingest"], command].concat().join(" ");
            for example in examples {
                assert!(example.contains(&invocation), "{name}: {example}");
            }
        }
    }
}

#[test]
fn long_help_documents_values_defaults_and_variables() {
    let help = stdout(&["run", "--help"]);
    for text in [
        "[possible values: zstd, snappy (Parquet only), gzip, none]",
        "[default: salvage]",
        "[env: PARTITION_BY]",
        "nlb_access_log, clb_access_log]",
    ] {
        assert!(help.contains(text), "{text}: {help}");
    }
    let help = stdout(&["--help"]);
    assert!(help.contains("Exit codes:\n  0  Every line"), "{help}");
}

#[test]
fn options_are_grouped_and_run_omits_those_of_the_function() {
    for flag in ["-h", "--help"] {
        let run = stdout(&["run", flag]);
        let headings: Vec<_> = run.lines().filter(|line| line.ends_with("options:")).collect();
        assert_eq!(
            headings,
            [
                "Input options:",
                "Output options:",
                "Merge options:",
                "Firehose options:",
                "S3 options:",
                "Event options:",
                "Other options:"
            ]
        );
        let replay = stdout(&["replay", flag]);
        assert!(replay.contains("\nFunction options:\n"), "{replay}");
        for option in FUNCTION_OPTIONS {
            assert!(!run.contains(option), "{option}: {run}");
            assert!(replay.contains(option), "{option}: {replay}");
        }
    }
    // The reference page lists them, and `run` accepts them.
    let page = alb_ingest::cli::markdown();
    assert!(FUNCTION_OPTIONS.iter().all(|option| page.contains(option)), "{page}");
    let hidden = [
        "--on-missing",
        "skip",
        "--partial-batch",
        "--source",
        "s3://logs/AWSLogs",
    ];
    let output = alb_ingest(&[&["run", "/no/such/input", "--to", "-"], &hidden[..]].concat(), &[]);
    assert!(
        stderr(&output).contains("cannot list /no/such/input"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_boolean_option_is_a_flag_or_takes_a_value_after_an_equals_sign() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().to_str().unwrap();
    // With partial batch responses, the response names the failed messages; without them, the invocation fails.
    let payload = "events/sqs-partial-failure.json";
    let args = ["replay", payload, "--bucket-root", "events", "--to", to];
    for (option, variable, reports_messages) in [
        (None, "", false),
        (None, "true", true),
        (Some("--partial-batch"), "", true),
        (Some("--partial-batch"), "false", true),
        (Some("--partial-batch=true"), "", true),
        (Some("--partial-batch=false"), "true", false),
    ] {
        let args: Vec<_> = args.into_iter().chain(option).collect();
        let output = alb_ingest(&args, &[("PARTIAL_BATCH", variable)]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(
            text.contains("batchItemFailures"),
            reports_messages,
            "{option:?}: {text}"
        );
        assert_eq!(output.status.code(), Some(1), "{option:?}: {text}");
    }
    // A value after a space is another argument.
    let output = alb_ingest(&[&args[..], &["--partial-batch", "true"]].concat(), &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("unexpected argument 'true'"),
        "{}",
        stderr(&output)
    );
    for option in [
        "--overwrite",
        "--requester-pays",
        "--firehose-dynamic-partitioning",
        "--partial-batch",
    ] {
        let output = alb_ingest(&["run", "logs", "--to", to, &format!("{option}=yes")], &[]);
        assert_eq!(output.status.code(), Some(2));
        let error = stderr(&output);
        assert!(error.contains("is \"yes\"; allowed: true, false"), "{option}: {error}");
    }
}

#[test]
fn completions_know_options_and_their_values() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = stdout(&["completions", shell]);
        assert!(script.contains("partition-by"), "{shell}");
    }
    for shell in ["bash", "zsh", "fish"] {
        let script = stdout(&["completions", shell]);
        assert!(script.contains("security-lake"), "{shell}");
    }
    assert!(stdout(&["--version"]).contains(env!("CARGO_PKG_VERSION")));
}

/// Programs parse this report.
#[test]
fn the_json_report_keeps_its_form() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("one.log");
    let line = "http 2026-10-07T12:44:59.875678Z 0.019584011 192.0.2.97:80 targets PASS 200 -\n";
    fs::write(&input, format!("{line}malformed\n{line}")).unwrap();
    let out = folder.path().join("out");
    let (input, out) = (input.to_str().unwrap(), out.to_str().unwrap());
    let report = stdout(&[
        "run",
        input,
        "--to",
        out,
        "--format",
        "json",
        "--compression",
        "none",
        "--report",
        "json",
    ]);
    assert_eq!(report, REPORT);
}

const REPORT: &str = concat!(
    r#"{"bytes_in":166,"bytes_out":768,"corrupt_objects":[],"events":2,"failed_objects":[],"lines":3,"#,
    r#""objects":{"corrupt":0,"failed":0,"ingested":1,"skipped":0},"outputs":{"there_before":0,"written":2},"plans":0,"#,
    r#""quarantined":1,"skipped_lines":0,"skipped_objects":{},"tables":{"alb_health_check_log":"#,
    r#"{"bytes_in":166,"bytes_out":768,"events":2,"events_with_extra_fields":0,"#,
    r#""first_event":"2026-10-07T12:44:59.875678Z","last_event":"2026-10-07T12:44:59.875678Z","lines":3,"#,
    r#""objects":1,"quarantined":1,"reasons":[{"field":null,"lines":1,"reason":"too_few_fields"}],"repairs":{},"#,
    r#""skipped_lines":0}}}"#,
    "\n"
);
