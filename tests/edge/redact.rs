//! The redaction of a destination: every output has the same one.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::cli::{LINE, expect, run, samples, stderr, stdout};

const KEY: &str = "0123456789abcdeffedcba98765432101032547698badcfeefcdab8967452301";

#[test]
fn the_redaction_is_part_of_a_destinations_layout() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (logs, plain, redacted) = (samples().to_str().unwrap().to_owned(), path("plain"), path("redacted"));
    let (key, other) = (path("key"), path("other"));
    fs::write(&key, KEY).unwrap();
    fs::write(&other, KEY.replace('0', "1")).unwrap();
    let rules = ["--redact", "client_ip=pseudonym,query=keys", "--redact-key", &key];
    let deliver = |out: &str, flags: &[&str]| run(&[&["run", &logs, "--to", out], flags].concat());
    expect(deliver(&plain, &[]), 0);
    expect(deliver(&redacted, &rules), 0);
    let layout = |out: &str| -> Value {
        let file = fs::read(Path::new(out).join("_alb-ingest.json")).unwrap();
        serde_json::from_slice(&file).unwrap()
    };
    let fingerprint = layout(&redacted)["redact"].as_str().unwrap().to_owned();
    assert_eq!(fingerprint.len(), 16);
    assert!(layout(&plain).get("redact").is_none());
    // The same again, and the same in another order, are retries.
    let reordered = ["--redact", "query = keys, client_ips = pseudonym", "--redact-key", &key];
    expect(deliver(&redacted, &reordered), 0);
    let with_other_key = ["--redact", rules[1], "--redact-key", &other];
    let keeping_raw = [&rules[..], &["--quarantine-raw", "keep"]].concat();
    let wrong = [
        &[][..],
        &with_other_key,
        &keeping_raw,
        &["--redact", "client_ip=drop,query=keys"],
    ];
    for flags in wrong {
        let error = stderr(&expect(deliver(&redacted, flags), 2));
        assert!(error.contains(&format!("redaction {fingerprint}")), "{error}");
        let error = stderr(&expect(
            run(&[&["audit", &logs, &redacted, "--deep"], flags].concat()),
            2,
        ));
        assert!(error.contains(&fingerprint) && error.contains("set REDACT"), "{error}");
        expect(run(&[&["audit", &logs, &redacted], flags].concat()), 0);
    }
    expect(deliver(&plain, &rules), 2);
    expect(run(&[&["audit", &logs, &redacted, "--deep"], &rules[..]].concat()), 0);
    expect(run(&["audit", &logs, &plain, "--deep"]), 0);
}

/// The order is fixed: columns are derived from raw values, and filters see raw and derived ones; then values are redacted.
#[test]
fn filters_and_samples_see_raw_values() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("a.log").to_str().unwrap().to_owned();
    let other = LINE.replace("198.51.100.", "203.0.113.");
    assert_ne!(other, LINE);
    fs::write(&log, format!("{LINE}\n{other}\n")).unwrap();
    let redact = "client_ip=drop,query=drop,path=drop,request_url=drop,user_agent=drop,trace_id=drop";
    let flags = [
        "run",
        &log,
        "--to",
        "-",
        "--redact",
        redact,
        "--enrich",
        "user_agent_family",
    ];
    let out = expect(
        run(&[&flags[..], &["--filter", "client_ip like '198.51.100.%'"]].concat()),
        0,
    );
    let event: Value = serde_json::from_str(stdout(&out).trim()).unwrap();
    assert!(
        event.get("client_ip").is_none() && event["user_agent_family"].is_string(),
        "{event}"
    );
    assert_eq!(event["source_line"], 1);
    let sampled = |redact: &[&str]| {
        let rules = ["run", &log, "--to", "-", "--sample", "keep 1/2; by client_ip"];
        let out = expect(run(&[&rules[..], redact].concat()), 0);
        let text = stdout(&out);
        let lines = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["source_line"].clone());
        lines.collect::<Vec<_>>()
    };
    assert_eq!(sampled(&[]), sampled(&flags[4..6]));
}

#[test]
fn faults_of_the_rules_are_pointed_at() {
    let folder = tempfile::tempdir().unwrap();
    let log = samples().to_str().unwrap().to_owned();
    let missing = folder.path().join("missing").to_str().unwrap().to_owned();
    for (flags, wanted) in [
        (
            &["--redact", "client_ip=trunkate"][..],
            "  client_ip=trunkate\n            ^",
        ),
        (&["--redact", "user=drop"], "no table has a column \"user\""),
        (&["--redact", "trace_ids=hmac"], "set REDACT_KEY (--redact-key)"),
        (
            &["--redact", "trace_ids=hmac", "--redact-key", KEY],
            "not a place of a key",
        ),
        (
            &["--redact", "trace_ids=hmac", "--redact-key", &missing],
            "no such file",
        ),
        (&["--quarantine-raw", "drop"], "QUARANTINE_RAW is \"drop\""),
    ] {
        let out = expect(run(&[&["run", &log, "--to", "-"], flags].concat()), 2);
        let error = stderr(&out);
        assert!(out.stdout.is_empty() && error.contains(wanted), "{flags:?}: {error}");
        assert!(!error.contains(&KEY[..20]), "{error}");
    }
}
