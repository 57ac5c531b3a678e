//! The settings FILTER and SAMPLE: errors at start, counts, layouts, and the same events in every kind of delivery.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use alb_ingest::config::RawConfig;
use alb_ingest::formats::FORMATS;
use alb_ingest::generate::{Object, Rate};
use alb_ingest::layout::FILE;
use serde_json::{Value, json};

use crate::cli::{LINE, expect, run, stderr, stdout, text, tree, visible, write};
use crate::faulty::{config, event, faulty, handle, metrics};

const JSON: [&str; 4] = ["--format", "json", "--compression", "none"];
const FILTER: [&str; 2] = ["--filter", "elb_status_code >= 400"];
const SAMPLE: [&str; 2] = [
    "--sample",
    "keep all where elb_status_code >= 500; keep 1/3; by conn_trace_id",
];

/// Writes two objects of each table into one folder.
fn write_logs(folder: &Path) {
    for (seed, format) in (1..).zip(FORMATS) {
        for number in 0..2 {
            let mut object = Object::new(format, seed * 10 + number, 60);
            object.traffic.broken = Rate::per_million(50_000);
            object.traffic.start += number * 3_600_000_000;
            let mut bytes = Vec::new();
            object.write_to(&mut bytes).unwrap();
            write(&folder.join(object.key()), &bytes);
        }
    }
}

fn report(args: &[&str]) -> Value {
    let output = expect(run(&[args, &["--report", "json"]].concat()), 0);
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Returns the events in a folder by their id.
fn events(folder: &Path) -> BTreeMap<String, Value> {
    let files = visible(folder).into_iter();
    let events = files.filter(|(path, _)| !path.starts_with('_'));
    let rows = events.flat_map(|(_, bytes)| crate::common::rows(&bytes));
    rows.map(|row| (row["event_id"].as_str().unwrap().to_owned(), row))
        .collect()
}

#[test]
fn an_error_points_to_the_fault_before_anything_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let (log, out) = (folder.path().join("a.log"), folder.path().join("out"));
    fs::write(&log, format!("{LINE}\n")).unwrap();
    for (settings, wanted) in [
        (
            ["--filter", "type = 'h2' and elb_status >= 500"],
            "FILTER: there is no column elb_status; the nearest name is elb_status_code\n  type = 'h2' and elb_status >= 500\n                  ^^^^^^^^^^\n",
        ),
        (
            ["--filter", "status_class = '5xx'"],
            "FILTER: the column status_class has to be asked for: set ENRICH to status_class\n  status_class = '5xx'\n  ^^^^^^^^^^^^\n",
        ),
        (
            ["--sample", "keep 1/100; keep all"],
            "SAMPLE: no event reaches this rule, because the one before it has no condition\n  keep 1/100; keep all\n              ^^^^^^^^\n",
        ),
        (
            ["--sample", "keep all where elb_status_code = 'x'; keep 1/2"],
            "SAMPLE: elb_status_code is a number; write the value without quotes\n",
        ),
    ] {
        let output = expect(
            run(&[&["run", text(&log), "--to", text(&out)], &settings[..]].concat()),
            2,
        );
        assert!(stderr(&output).contains(wanted), "{}", stderr(&output));
        assert!(!out.exists());
    }
}

#[test]
fn the_report_has_the_events_that_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let (logs, out) = (folder.path().join("logs"), folder.path().join("out"));
    write_logs(&logs);
    let all = report(&["run", text(&logs), "--to", text(&folder.path().join("all"))]);
    assert!(
        all.get("filtered").is_none() && all.get("unfiltered_tables").is_none(),
        "{all}"
    );
    let args = [&["run", text(&logs), "--to", text(&out)], &FILTER[..]].concat();
    let some = report(&args);
    let count = |report: &Value, name: &str| report[name].as_u64().unwrap_or_else(|| panic!("{name} in {report}"));
    let tables = some["tables"].as_object().unwrap().values();
    for report in tables.chain([&some]) {
        let filtered = report["filtered"].as_u64().unwrap_or_default();
        let parts = ["events", "quarantined", "skipped_lines"].map(|name| count(report, name));
        assert_eq!(count(report, "lines"), filtered + parts.iter().sum::<u64>(), "{report}");
    }
    assert_eq!(count(&some, "filtered"), count(&all, "events") - count(&some, "events"));
    assert!(count(&some, "filtered") > 50);
    assert_eq!(count(&some, "quarantined"), count(&all, "quarantined"));
    assert_eq!(
        some["unfiltered_tables"],
        json!(["alb_connection_log", "alb_health_check_log", "nlb_access_log"])
    );
    // Again, as text.
    let shown = stdout(&expect(run(&args), 0));
    assert!(shown.contains(" filtered  quarantined "), "{shown}");
    assert!(
        shown.contains("not filtered alb_connection_log: the table lacks a column that FILTER names\n"),
        "{shown}"
    );
    assert!(!shown.contains("not filtered alb_access_log"), "{shown}");
}

#[test]
fn every_kind_of_delivery_and_every_retry_chooses_the_same_events() {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("logs");
    write_logs(&logs);
    let all = folder.path().join("all");
    report(&[&["run", text(&logs), "--to", text(&all)], &JSON[..]].concat());
    let all = events(&all);
    let both = [&FILTER[..], &SAMPLE].concat();
    for settings in [&FILTER[..], &SAMPLE, &both[..]] {
        let options = [&JSON[..], settings].concat();
        let [each, merged, streamed] = ["each", "merged", "streamed"].map(|name| folder.path().join(name));
        let per_object = [&["run", text(&logs), "--to", text(&each)], &options[..]].concat();
        let together = [
            &[
                "run",
                text(&logs),
                "--to",
                text(&merged),
                "--merge",
                "--merge-objects",
                "3",
            ],
            &options[..],
        ]
        .concat();
        let (one, other) = (report(&per_object), report(&together));
        for name in ["lines", "events", "filtered", "quarantined", "skipped_lines"] {
            assert_eq!(one[name], other[name], "{name}: {settings:?}");
        }
        let kept = events(&each);
        assert!(
            kept.len() > 20 && kept.len() < all.len() * 9 / 10,
            "{} of {}",
            kept.len(),
            all.len()
        );
        assert_eq!(kept, events(&merged), "{settings:?}");
        let ids = |events: &BTreeMap<String, Value>| events.keys().cloned().collect::<BTreeSet<_>>();
        assert!(ids(&kept).is_subset(&ids(&all)));
        // A retry after some outputs were lost, and one of everything.
        let before = tree(&each);
        let lost = before.keys().filter(|path| !path.starts_with('_')).step_by(2);
        lost.for_each(|path| fs::remove_file(each.join(path)).unwrap());
        report(&per_object);
        assert!(tree(&each) == before, "{settings:?}");
        let before = tree(&merged);
        assert_eq!(report(&together)["plans"], 0);
        assert!(tree(&merged) == before);
        // One thread, into a pipe.
        let quarantine = [text(&streamed), "--jobs", "1"];
        let piped = [
            &["run", text(&logs), "--to", "-", "--quarantine"],
            &quarantine[..],
            settings,
        ]
        .concat();
        let rows = crate::common::rows(&expect(run(&piped), 0).stdout);
        assert_eq!(rows.len(), kept.len());
        assert!(rows.iter().all(|row| kept[row["event_id"].as_str().unwrap()] == *row));
        for folder in [each, merged, streamed] {
            fs::remove_dir_all(folder).unwrap();
        }
    }
}

#[test]
fn a_destination_keeps_its_filter_and_its_sample() {
    let folder = tempfile::tempdir().unwrap();
    let (logs, out) = (folder.path().join("logs"), folder.path().join("out"));
    write_logs(&logs);
    let deliver = |settings: &[&str]| run(&[&["run", text(&logs), "--to", text(&out)], settings].concat());
    expect(deliver(&[&FILTER[..], &SAMPLE].concat()), 0);
    let layout: Value = serde_json::from_slice(&fs::read(out.join(FILE)).unwrap()).unwrap();
    assert_eq!(layout["filter"], "elb_status_code >= 400");
    assert_eq!(
        layout["sample"],
        "keep all where elb_status_code >= 500; keep 1/3; by conn_trace_id"
    );
    // In another spelling, they are the same.
    let spelled = [
        "--filter",
        "ELB_STATUS_CODE>=400",
        "--sample",
        "KEEP ALL where elb_status_code>=500 ; keep 2/6;by conn_trace_id",
    ];
    expect(deliver(&spelled), 0);
    let before = tree(&out);
    for settings in [
        &[][..],
        &FILTER,
        &SAMPLE,
        &["--filter", "elb_status_code >= 401", SAMPLE[0], SAMPLE[1]],
        &[FILTER[0], FILTER[1], "--sample", "keep 1/3"],
    ] {
        let refused = expect(deliver(settings), 2);
        assert!(
            stderr(&refused).contains(", FILTER elb_status_code >= 400, SAMPLE keep all where"),
            "{}",
            stderr(&refused)
        );
        assert!(tree(&out) == before);
    }
    // Without either, the file is as it always was.
    let plain = folder.path().join("plain");
    expect(run(&["run", text(&logs), "--to", text(&plain)]), 0);
    let layout: Value = serde_json::from_slice(&fs::read(plain.join(FILE)).unwrap()).unwrap();
    let keys: Vec<_> = layout.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["format", "mode", "partition_by", "schema"]);
}

#[test]
fn the_function_reports_the_events_that_are_left_out() {
    let payload = event("s3-put.json");
    let counts = |config: RawConfig| metrics(&handle(faulty(|_| None), config, &payload));
    let all = counts(config());
    assert!(all.get("EventsFiltered").is_none(), "{all}");
    for (filter, sample) in [(Some("false"), None), (None, Some("keep 1/1000000"))] {
        let found = counts(RawConfig {
            filter: filter.map(str::to_owned),
            sample: sample.map(str::to_owned),
            ..config()
        });
        assert_eq!(found["EventsFiltered"], all["Events"], "{found}");
        assert_eq!(found["Events"], 0);
        for name in ["Lines", "LinesQuarantined", "LinesSkipped"] {
            assert_eq!(found[name], all[name], "{name}");
        }
    }
}
