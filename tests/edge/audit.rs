//! The audit of folders: each kind of damage is reported, and nothing else is.

use std::fs;
use std::path::{Path, PathBuf};

use alb_ingest::formats::{ALB_ACCESS, FORMATS};
use alb_ingest::generate::{Object, Rate};
use alb_ingest::object::KeyFacts;
use serde_json::{Value, json};

use crate::cli::{alb_ingest, expect, run, stderr, stdout, text, tree, write};
use crate::common::gzip;

const INTERVAL: u64 = 300_000_000;
const LISTS: [&str; 6] = ["missing", "missing_outputs", "failed", "extra", "corrupt", "unbalanced"];

/// Writes objects of every type: two nodes, four intervals.
fn write_logs(folder: &Path) {
    for (seed, format) in (0..).zip(FORMATS) {
        for number in 0..8 {
            let mut object = Object::new(format, seed * 8 + number, 12);
            object.traffic.start += number / 2 * INTERVAL;
            object.traffic.balancer.node = format!("192.0.2.{}", 1 + number % 2);
            object.traffic.broken = Rate::per_million(200_000);
            object.traffic.blank = Rate::per_million(100_000);
            write_object(folder, &object);
        }
    }
}

fn write_object(folder: &Path, object: &Object) {
    let mut bytes = Vec::new();
    object.write_to(&mut bytes).unwrap();
    write(&folder.join(object.key()), &bytes);
}

/// A source and a destination.
struct World {
    folder: tempfile::TempDir,
    merged: bool,
}

impl World {
    fn new(merged: bool, more: &[&str]) -> Self {
        let world = Self {
            folder: tempfile::tempdir().unwrap(),
            merged,
        };
        write_logs(&world.logs());
        world.deliver(more);
        world
    }

    /// The source, which a replay finds as the bucket `local`.
    fn logs(&self) -> PathBuf {
        self.folder.path().join("buckets/local")
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    fn deliver(&self, more: &[&str]) {
        let (logs, out) = (self.logs(), self.out());
        let mut args = vec!["run", text(&logs), "--to", text(&out)];
        if self.merged {
            args.extend(["--merge", "--merge-objects", "7"]);
        }
        args.extend(more);
        expect(run(&args), 0);
    }

    fn audit(&self, more: &[&str]) -> Value {
        let (logs, out) = (self.logs(), self.out());
        let output = run(&[&["audit", text(&logs), text(&out), "--report", "json"], more].concat());
        let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(&output)));
        let is_clean = LISTS.iter().all(|list| report[list] == json!([]));
        assert_eq!(output.status.code(), Some(i32::from(!is_clean)), "{report}");
        report
    }

    fn clean(&self, more: &[&str]) -> Value {
        let report = self.audit(more);
        assert_eq!(counts(&report), [0; 6], "{report}");
        assert_eq!(report["objects"], report["complete"], "{report}");
        report
    }

    /// Returns the outputs whose paths have a property.
    fn outputs(&self, wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
        let files = tree(&self.out()).into_keys();
        files
            .filter(|path| wanted(path))
            .map(|path| self.out().join(path))
            .collect()
    }

    fn events(&self) -> PathBuf {
        self.outputs(|path| path.starts_with("alb_access_log/")).remove(0)
    }

    fn log(&self, ending: &str) -> PathBuf {
        self.outputs(|path| path.starts_with("_merge/") && path.ends_with(ending))
            .remove(0)
    }

    fn relative(&self, path: &Path) -> String {
        text(path.strip_prefix(self.out()).unwrap()).to_owned()
    }
}

fn counts(report: &Value) -> [usize; 6] {
    LISTS.map(|list| report[list].as_array().unwrap().len())
}

const MISSING: [usize; 6] = [1, 0, 0, 0, 0, 0];
const EXTRA: [usize; 6] = [0, 0, 0, 1, 0, 0];
const CORRUPT: [usize; 6] = [0, 0, 0, 0, 1, 0];

#[test]
fn a_complete_destination_is_clean_in_both_modes() {
    for merged in [false, true] {
        for options in [
            &["--format", "json", "--compression", "none"][..],
            &["--schema", "ecs", "--partition-by", "hour"],
            &[],
        ] {
            let world = World::new(merged, options);
            // Objects without lines, of which only some are known by their size or key.
            let folder = world.logs().join("AWSLogs/123456789012");
            write(
                &folder.join("ELBAccessLogTestFile"),
                b"Enable AccessLog for ELB: a at 2026-10-07T00:00:00.000Z",
            );
            write(&folder.join("empty.log"), b"");
            write(&folder.join("blank.log.gz"), &gzip(b"\n\n"));
            world.deliver(options);
            for deep in [&[][..], &["--deep"]] {
                let report = world.clean(deep);
                assert_eq!(report["objects"], 43, "{report}");
                assert_eq!(report["without_output"], 3, "{merged} {report}");
                assert_eq!(report["mode"], if merged { "merged" } else { "per-object" });
                assert_eq!(report["gaps"], json!([]));
            }
        }
    }
}

#[test]
fn damage_of_separate_outputs_is_reported_exactly() {
    let world = World::new(false, &[]);
    let events = world.events();
    let (name, bytes) = (world.relative(&events), fs::read(&events).unwrap());
    let id = name.rsplit('-').next().unwrap().replace(".parquet", "");
    let others = world.outputs(|path| path.contains(&id) && !path.ends_with(&name));

    // Truncated, replaced, emptied.
    for damaged in [&bytes[..bytes.len() - 1], b"PAR1", b""] {
        fs::write(&events, damaged).unwrap();
        for deep in [&[][..], &["--deep"]] {
            let report = world.audit(deep);
            assert_eq!(counts(&report), CORRUPT, "{report}");
            assert_eq!(report["corrupt"][0]["output"], name.as_str());
            let key = report["corrupt"][0]["key"].as_str().unwrap();
            assert!(
                world.logs().join(key).exists()
                    && name.contains(key.rsplit('/').next().unwrap().split('.').next().unwrap())
            );
            assert_eq!(report["complete"], 39);
        }
    }
    // Only a comparison of contents finds a change in the middle.
    let mut changed = bytes.clone();
    changed[bytes.len() / 3] ^= 1;
    fs::write(&events, changed).unwrap();
    world.clean(&[]);
    assert_eq!(counts(&world.audit(&["--deep"])), CORRUPT);

    // One of two outputs, then both.
    fs::remove_file(&events).unwrap();
    let report = world.audit(&["--deep"]);
    assert_eq!(counts(&report), [1, 1, 0, 0, 0, 0], "{report}");
    assert_eq!(report["missing_outputs"][0]["output"], name.as_str());
    for other in &others {
        fs::remove_file(other).unwrap();
    }
    let report = world.audit(&[]);
    assert_eq!(counts(&report), MISSING, "{report}");
    let key = report["missing"][0].as_str().unwrap().to_owned();
    assert!(world.logs().join(&key).exists(), "{key}");

    // A repair, replayed.
    let repair = world.folder.path().join("repair.json");
    world.audit(&["--repair", text(&repair)]);
    let payload: Value = serde_json::from_slice(&fs::read(&repair).unwrap()).unwrap();
    assert_eq!(payload["objects"][0]["key"], key.as_str());
    let (buckets, out) = (world.folder.path().join("buckets"), world.out());
    let replay = [
        "replay",
        text(&repair),
        "--bucket-root",
        text(&buckets),
        "--to",
        text(&out),
    ];
    expect(run(&replay), 0);
    world.clean(&["--deep"]);
    let again = run(&["audit", text(&world.logs()), text(&out), "--repair", text(&repair)]);
    assert!(
        stderr(&expect(again, 2)).contains("repair.json"),
        "an existing file is kept"
    );

    // Files of strangers, and an output of an object that does not exist any more.
    for stranger in [
        "notes.txt",
        "alb_access_log/date=2026-10-07/x.parquet",
        "_quarantine/x-0123456789abcdef.json",
    ] {
        write(&world.out().join(stranger), b"x");
        for deep in [&[][..], &["--deep"]] {
            let report = world.audit(deep);
            assert_eq!(counts(&report), EXTRA, "{report}");
            assert_eq!(report["extra"], json!([stranger]));
        }
        fs::remove_file(world.out().join(stranger)).unwrap();
    }
    // A copy in another partition has doubled rows.
    let copy = world
        .out()
        .join("alb_access_log/date=2020-01-01")
        .join(events.file_name().unwrap());
    write(&copy, &bytes);
    assert_eq!(counts(&world.audit(&["--deep"])), EXTRA);
    fs::remove_file(copy).unwrap();
    fs::remove_file(world.logs().join(&key)).unwrap();
    assert_eq!(counts(&world.audit(&[]))[3], 1 + others.len());
}

#[test]
fn damage_of_merged_outputs_is_reported_exactly() {
    let world = World::new(true, &[]);
    let events = world.events();
    let name = world.relative(&events);
    let bytes = fs::read(&events).unwrap();

    for (damaged, needs_deep) in [(&bytes[..bytes.len() - 1], false), (&vec![0; bytes.len()][..], true)] {
        fs::remove_file(&events).unwrap();
        fs::write(&events, damaged).unwrap();
        for deep in [&[][..], &["--deep"]] {
            if needs_deep && deep.is_empty() {
                world.clean(deep);
                continue;
            }
            let report = world.audit(deep);
            assert_eq!(counts(&report), CORRUPT, "{report}");
            assert_eq!(report["corrupt"][0]["output"], name.as_str());
            assert!(report["complete"].as_u64().unwrap() < 40);
        }
    }
    fs::remove_file(&events).unwrap();
    let report = world.audit(&[]);
    assert!(counts(&report)[0] > 0 && counts(&report)[1] == 1, "{report}");
    assert_eq!(counts(&report)[2..], [0; 4], "{report}");
    assert_eq!(report["missing_outputs"][0]["output"], name.as_str());
    let lost = report["missing"].as_array().unwrap().len();
    assert_eq!(report["complete"], 40 - lost);

    // Without its .done, the plan is published again, from its members if it has to be.
    let of_plan = report["missing_outputs"][0]["plan"]
        .as_str()
        .unwrap()
        .replace(".plan", ".done");
    fs::remove_file(world.out().join(of_plan)).unwrap();
    let repair = world.folder.path().join("repair.json");
    let report = world.audit(&["--repair", text(&repair)]);
    assert_eq!(counts(&report), [0, 0, 1, 0, 0, 0], "{report}");
    let mut replay = {
        let (buckets, out) = (world.folder.path().join("buckets"), world.out());
        alb_ingest(&[
            "replay",
            text(&repair),
            "--bucket-root",
            text(&buckets),
            "--to",
            text(&out),
            "--merge",
        ])
    };
    expect(replay.output().unwrap(), 0);
    world.clean(&["--deep"]);
    assert_eq!(fs::read(&events).unwrap(), bytes);
}

#[test]
fn changed_plans_and_files_of_strangers_are_reported_exactly() {
    let world = World::new(true, &[]);
    let (plan, done) = (world.log(".plan"), world.log("00000000.done"));
    // A stranger's file, and a plan that cannot be read.
    write(
        &world.out().join("alb_access_log/date=2026-10-07/merged-x.parquet"),
        b"x",
    );
    assert_eq!(counts(&world.audit(&[])), EXTRA);
    fs::remove_file(world.out().join("alb_access_log/date=2026-10-07/merged-x.parquet")).unwrap();
    let planned = fs::read(&plan).unwrap();
    fs::write(&plan, b"{}").unwrap();
    let report = world.audit(&[]);
    assert_eq!(counts(&report)[4], 1, "{report}");
    assert_eq!(report["corrupt"][0]["output"], world.relative(&plan).as_str());

    // The same members in another plan.
    fs::write(&plan, &planned).unwrap();
    let plans = world.outputs(|path| Path::new(path).parent() == Path::new(&world.relative(&plan)).parent());
    let next = plans
        .iter()
        .filter(|path| path.extension().is_some_and(|end| end == "plan"))
        .count();
    let copies = ["plan", "done"].map(|end| plan.with_file_name(format!("{next:08}.{end}")));
    fs::copy(&plan, &copies[0]).unwrap();
    fs::copy(&done, &copies[1]).unwrap();
    let report = world.audit(&[]);
    assert_eq!(counts(&report), [0, 0, 0, 0, 7, 0], "{report}");
    assert!(report["corrupt"][0]["reason"].as_str().unwrap().contains("doubled"));
    for copy in copies {
        fs::remove_file(copy).unwrap();
    }

    // Counts of a member, and of the plan.
    let mut changed: Value = serde_json::from_slice(&planned).unwrap();
    let lines = changed["members"][0]["ingested"]["lines"].as_u64().unwrap();
    changed["members"][0]["ingested"]["lines"] = json!(lines + 1);
    fs::write(&plan, changed.to_string()).unwrap();
    let report = world.audit(&[]);
    assert_eq!(counts(&report), [0, 0, 0, 0, 0, 2], "the member, and the sum: {report}");
    assert_eq!(
        report["unbalanced"][0]["key"]
            .as_str()
            .map(|key| key.ends_with("gz") || key.ends_with("log")),
        Some(true)
    );
    changed["members"][0]["ingested"]["events"] = json!(u64::MAX);
    fs::write(&plan, changed.to_string()).unwrap();
    assert_eq!(counts(&world.audit(&[]))[5], 2, "no overflow");

    // A failed member.
    changed = serde_json::from_slice(&planned).unwrap();
    let member = changed["members"][0].as_object_mut().unwrap();
    member.remove("ingested");
    member.insert("failed".to_owned(), json!("it is \u{1b}[31mgone"));
    fs::write(&plan, changed.to_string()).unwrap();
    fs::write(&done, done_of(&changed)).unwrap();
    let report = world.audit(&[]);
    assert_eq!(counts(&report), [0, 0, 1, 0, 0, 0], "{report}");
    assert_eq!(report["failed"][0]["reason"], "it is \u{1b}[31mgone");
    let (logs, out) = (world.logs(), world.out());
    let shown = stdout(&run(&["audit", text(&logs), text(&out)]));
    assert!(
        shown.contains("failed") && shown.contains(r"\u{1b}[31mgone") && !shown.contains('\u{1b}'),
        "{shown}"
    );
    fs::remove_file(&plan).unwrap();
    fs::write(&plan, &planned).unwrap();
    fs::remove_file(&plan).unwrap();
    let report = world.audit(&[]);
    assert!(
        counts(&report)[0] > 0 && counts(&report)[3] > 0 && counts(&report)[4] == 1,
        "{report}"
    );
}

/// Returns the sum of a plan as its `.done` has it.
fn done_of(plan: &Value) -> String {
    let sum = |name: &str| -> u64 {
        let members = plan["members"].as_array().unwrap().iter();
        members.filter_map(|member| member["ingested"][name].as_u64()).sum()
    };
    json!({"lines": sum("lines"), "events": sum("events"), "quarantined": sum("quarantined"), "skipped": sum("skipped")})
        .to_string()
}

#[test]
fn new_young_and_unselected_objects_are_told_apart() {
    for merged in [false, true] {
        let world = World::new(merged, &[]);
        let mut object = Object::new(&ALB_ACCESS, 99, 10);
        object.traffic.start += 10 * INTERVAL;
        write_object(&world.logs(), &object);
        let report = world.audit(&[]);
        assert_eq!(counts(&report), MISSING, "{report}");
        assert_eq!(report["missing"], json!([object.key()]));
        // The grace period reaches back to the beginning of time.
        let report = world.clean(&["--grace", "40000d"]);
        assert_eq!((&report["objects"], &report["young"]), (&json!(0), &json!(41)));
        // Outside of the range of time, nothing is missing, and nothing is extra.
        let end = KeyFacts::of(&object.key()).end.unwrap();
        let until = jiff::Timestamp::from_microsecond(end).unwrap().to_string();
        let report = world.clean(&["--to-time", &until]);
        assert_eq!(report["objects"], 40);
        let report = world.audit(&["--from", &until]);
        assert_eq!((counts(&report), &report["objects"]), (MISSING, &json!(1)));
        // What the settings exclude is not expected.
        let excluded = format!("**/{}", object.key().rsplit('/').next().unwrap());
        let report = world.clean(&["--exclude", &excluded]);
        assert_eq!((&report["objects"], &report["young"]), (&json!(40), &json!(0)));
        world.deliver(&[]);
        world.clean(&["--deep"]);
        // Outputs of excluded objects are not extra.
        world.clean(&["--exclude", "**"]);
    }
}

#[test]
fn a_node_without_an_object_in_an_interval_of_another_has_a_gap() {
    let world = World::new(false, &[]);
    let files = tree(&world.logs());
    let of_node = |key: &&String| {
        key.contains("_elasticloadbalancing_")
            && key.contains("app.")
            && key.contains("_192.0.2.2_")
            && !key.contains("_log_")
    };
    let mut keys: Vec<_> = files.keys().filter(of_node).collect();
    keys.sort();
    assert_eq!(keys.len(), 4, "{keys:?}");
    for key in &keys[1..3] {
        fs::remove_file(world.logs().join(key)).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    expect(run(&["run", text(&world.logs()), "--to", text(&out)]), 0);
    let output = expect(run(&["audit", text(&world.logs()), text(&out), "--report", "json"]), 0);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let gaps = report["gaps"].as_array().unwrap();
    assert_eq!(gaps.len(), 1, "{report}");
    assert_eq!(
        (&gaps[0]["node"], &gaps[0]["intervals"]),
        (&json!("192.0.2.2"), &json!(2))
    );
    assert_eq!(gaps[0]["table"], "alb_access_log");
    let shown = stdout(&run(&["audit", text(&world.logs()), text(&out)]));
    assert!(
        shown.contains("gap ") && shown.contains("2 intervals") && shown.contains("nothing is wrong"),
        "{shown}"
    );
}

#[test]
fn a_destination_without_outputs_misses_everything() {
    let world = World::new(false, &[]);
    fs::remove_dir_all(world.out()).unwrap();
    let repair = world.folder.path().join("repair.json");
    let report = world.audit(&["--repair", text(&repair)]);
    assert_eq!(counts(&report), [40, 0, 0, 0, 0, 0], "{report}");
    let shown = stdout(&run(&["audit", text(&world.logs()), text(&world.out())]));
    assert!(shown.contains("20 more"), "{shown}");
    // Several payloads in one file.
    let payload: Value = serde_json::from_slice(&fs::read(&repair).unwrap()).unwrap();
    let objects = payload["objects"].as_array().unwrap();
    assert_eq!(objects.len(), 40);
    let lines: Vec<_> = objects
        .chunks(9)
        .map(|some| json!({"objects": some}).to_string())
        .collect();
    fs::write(&repair, lines.join("\n")).unwrap();
    let (buckets, out) = (world.folder.path().join("buckets"), world.out());
    let replay = [
        "replay",
        text(&repair),
        "--bucket-root",
        text(&buckets),
        "--to",
        text(&out),
    ];
    expect(run(&replay), 0);
    world.clean(&["--deep"]);
    fs::write(
        &repair,
        [
            &lines[0],
            "\n{\"objects\":[{\"bucket\":\"local\",\"key\":\"none.log\"}]}",
        ]
        .concat(),
    )
    .unwrap();
    expect(run(&replay), 1);
}

#[test]
fn a_quarantine_elsewhere_is_audited() {
    let world = World::new(false, &[]);
    fs::remove_dir_all(world.out()).unwrap();
    let rejects = world.folder.path().join("rejects");
    let place = ["--quarantine", text(&rejects)];
    world.deliver(&place);
    world.clean(&place);
    world.clean(&[&place[..], &["--deep"]].concat());
    write(&rejects.join("x.json"), b"x");
    assert_eq!(counts(&world.audit(&place)), EXTRA);
    let quarantined = tree(&rejects).into_keys().find(|path| path != "x.json").unwrap();
    fs::remove_file(rejects.join("x.json")).unwrap();
    fs::write(
        rejects.join(quarantined),
        b"{\"source_bucket\":\"local\",\"source_key\":\"a\"}",
    )
    .unwrap();
    let report = world.audit(&place);
    assert_eq!(counts(&report), CORRUPT, "{report}");
}

/// However long an object is, a filter or a sample may leave out all of its events.
#[test]
fn objects_of_which_no_event_is_left_are_complete() {
    for merged in [false, true] {
        for settings in [
            ["--filter", "elb_status_code = 999"],
            ["--sample", "keep 1/1000000 where elb_status_code > 0"],
        ] {
            let world = World::new(merged, &settings);
            let objects = tree(&world.logs());
            let object = Object::new(&ALB_ACCESS, 99, 400);
            write_object(&world.logs(), &object);
            let longest = tree(&world.logs()).into_values().map(|bytes| bytes.len()).max();
            assert!(longest > Some(8_192), "{longest:?}");
            let missing = world.audit(&[]);
            // A plan of merged delivery names every object that was read; of separate outputs, the object itself has to be read.
            assert_eq!(missing["missing"].as_array().unwrap().len(), usize::from(merged));
            world.deliver(&settings);
            let report = world.clean(&[]);
            assert_eq!(report["objects"], objects.len() + 1);
            world.clean(&["--deep"]);
            // The settings are those of the destination, whatever the environment has.
            let (logs, out) = (world.logs(), world.out());
            let mut other = alb_ingest(&["audit", text(&logs), text(&out), "--deep"]);
            expect(other.env("FILTER", "region = 'x'").output().unwrap(), 0);
        }
    }
}
