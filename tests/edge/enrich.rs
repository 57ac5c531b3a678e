//! The settings of columns on request, on the command line.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::cli::{LINE, alb_ingest, expect, run, samples, stderr, stdout};
use crate::common::mmdb;

#[test]
fn a_run_appends_the_columns_that_are_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("a.log"), format!("{LINE}\n")).unwrap();
    fs::write(path("country.mmdb"), mmdb::countries(&[("198.51.100.0/24", "DE")])).unwrap();
    fs::write(path("asn.mmdb"), mmdb::systems(&[("198.51.100.0/24", 64_496)])).unwrap();
    let databases = format!("{}, {}", path("country.mmdb"), path("asn.mmdb"));
    let columns = "client_asn, status_class,client_country,total_time";
    let out = expect(
        run(&[
            "run",
            &path("a.log"),
            "--to",
            "-",
            "--enrich",
            columns,
            "--geo-database",
            &databases,
        ]),
        0,
    );
    let event = stdout(&out);
    // In a fixed order, whatever the order in the setting.
    let end = ",\"status_class\":\"2xx\",\"total_time\":0.049,\"client_country\":\"DE\",\"client_asn\":64496}\n";
    assert!(event.ends_with(end), "{event}");
}

#[test]
fn databases_and_columns_require_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("a.log"), format!("{LINE}\n")).unwrap();
    fs::write(path("asn.mmdb"), mmdb::systems(&[("198.51.100.0/24", 64_496)])).unwrap();
    let (asn, log, none) = (path("asn.mmdb"), path("a.log"), path("none.mmdb"));
    let directory = folder.path().to_str().unwrap().to_owned();
    for (flags, wanted) in [
        (&["--enrich", "client_country"][..], "GEO_DATABASE is not set"),
        (&["--geo-database", &asn], "ENRICH has neither"),
        (
            &["--enrich", "status_class", "--geo-database", &asn],
            "ENRICH has neither",
        ),
        (
            &["--enrich", "client_country", "--geo-database", &asn],
            "no database of GEO_DATABASE has the values of client_country",
        ),
        (
            &["--enrich", "client_asn", "--geo-database", &log],
            "is not a MaxMind database",
        ),
        (&["--enrich", "client_asn", "--geo-database", &none], "none.mmdb"),
        (
            &["--enrich", "client_asn", "--geo-database", &directory],
            "GEO_DATABASE",
        ),
        (
            &["--enrich", "client_asn", "--geo-database", "https://example.com/a.mmdb"],
            "GEO_DATABASE is",
        ),
        (&["--enrich", "client_asn", "--geo-database", "-"], "GEO_DATABASE is"),
        (
            &["--enrich", "client_asn", "--geo-database", "s3://logs/"],
            "GEO_DATABASE is",
        ),
        (&["--enrich", "all"], "ENRICH is \"all\""),
        (&["--enrich", "sample_weight"], "ENRICH is"),
    ] {
        let out = run(&[&["run", &log, "--to", "-"], flags].concat());
        assert!(
            !out.status.success() && out.stdout.is_empty(),
            "{flags:?}: {}",
            stdout(&out)
        );
        assert!(stderr(&out).contains(wanted), "{flags:?}: {}", stderr(&out));
    }
    let out = run(&["schema", "alb_access_log", "--enrich", "nonsense"]);
    assert!(stderr(&out).contains("status_class,total_time"), "{}", stderr(&out));
}

#[test]
fn the_columns_are_part_of_a_destinations_layout() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (logs, plain, enriched) = (samples().to_str().unwrap().to_owned(), path("plain"), path("enriched"));
    let columns = ["--enrich", "bot_name, status_class"];
    let deliver = |out: &str, flags: &[&str]| run(&[&["run", &logs, "--to", out], flags].concat());
    expect(deliver(&plain, &[]), 0);
    expect(deliver(&enriched, &columns), 0);
    let layout = |out: &str| -> Value {
        let file = fs::read(Path::new(out).join("_alb-ingest.json")).unwrap();
        serde_json::from_slice(&file).unwrap()
    };
    assert_eq!(layout(&enriched)["enrich"], "status_class,bot_name");
    assert!(layout(&plain).get("enrich").is_none());
    // The same again, and the same in another order, are retries.
    expect(deliver(&enriched, &["--enrich", "status_class,bot_name"]), 0);
    for (out, flags) in [
        (&plain, &columns[..]),
        (&enriched, &[]),
        (&enriched, &["--enrich", "status_class"]),
    ] {
        let refused = expect(deliver(out, flags), 2);
        let error = stderr(&refused);
        assert!(error.contains("ENRICH status_class,bot_name"), "{error}");
    }
    // The columns are those of the destination, not of the audit's settings.
    for out in [&plain, &enriched] {
        expect(run(&["audit", &logs, out, "--deep"]), 0);
        let mut audit = alb_ingest(&["audit", &logs, out, "--deep"]);
        expect(audit.env("ENRICH", "client_country").output().unwrap(), 0);
    }
}

#[test]
fn an_audit_needs_a_database_only_to_read_objects() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (logs, out, database) = (samples().to_str().unwrap().to_owned(), path("out"), path("all.mmdb"));
    fs::write(
        &database,
        mmdb::countries(&[("0.0.0.0/1", "FR"), ("128.0.0.0/1", "DE")]),
    )
    .unwrap();
    let columns = ["--enrich", "client_country", "--geo-database", &database];
    expect(run(&[&["run", &logs, "--to", &out], &columns[..]].concat()), 0);
    expect(run(&["audit", &logs, &out]), 0);
    expect(run(&["audit", &logs, &out, "--deep", "--geo-database", &database]), 0);
    let refused = expect(run(&["audit", &logs, &out, "--deep"]), 2);
    assert!(
        stderr(&refused).contains("GEO_DATABASE is not set"),
        "{}",
        stderr(&refused)
    );
}
