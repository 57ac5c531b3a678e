//! Golden pairs: each `tests/golden/<table>/<case>.log` becomes exactly its `.jsonl` and `.quarantine.jsonl`.
//!
//! `tests/golden/README.md` describes how to add one.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use alb_ingest::formats::{BalancerKind, FORMATS, Format};
use alb_ingest::generate::{Balancer, object_key_with};
use alb_ingest::ingest::{Options, PartitionBy};
use serde_json::{Map, Value};

use crate::common;

/// 2026-10-07T11:45:00Z in microseconds since 1970: the end of the interval of the newer lines.
const INTERVAL_END: u64 = 1_791_373_500_000_000;

/// Returns the key of an object of a format.
fn key(format: &Format) -> String {
    let (name, id) = match format.objects.balancer {
        BalancerKind::Application => ("web", "50dc6c495c0c9188"),
        BalancerKind::Network => ("edge", "c6e77e28c25b2234"),
        BalancerKind::Classic => ("classic", ""),
    };
    let balancer = Balancer {
        name: name.to_owned(),
        id: id.to_owned(),
        ..Balancer::default()
    };
    object_key_with(format, &balancer, INTERVAL_END, "4c8scnzy")
}

fn cases(table: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(table);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut cases: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    cases.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
    cases.sort();
    cases
}

#[expect(clippy::disallowed_methods, reason = "a switch of this test alone")]
fn update() -> bool {
    std::env::var_os("UPDATE_GOLDEN").is_some()
}

/// Compares with the expected file, which does not exist if nothing is expected.
fn compare(expected: &Path, found: &[u8], problems: &mut Vec<String>) {
    let found = str::from_utf8(found).unwrap();
    if update() {
        match found {
            "" => drop(fs::remove_file(expected)),
            _ => fs::write(expected, found).unwrap(),
        }
        return;
    }
    let wanted = fs::read_to_string(expected).unwrap_or_default();
    let (wanted, found): (Vec<_>, Vec<_>) = (wanted.lines().collect(), found.lines().collect());
    for line in 0..wanted.len().max(found.len()) {
        let (wanted, found) = (wanted.get(line), found.get(line));
        if wanted != found {
            let place = format!("{}, line {}", expected.display(), line + 1);
            problems.push(format!("{place}\n{}", difference(wanted, found)));
        }
    }
}

/// Describes the keys in which two rows differ; both rows if one of them is missing, or only the order of the keys differs.
fn difference(wanted: Option<&&str>, found: Option<&&str>) -> String {
    let parse = |row: Option<&&str>| serde_json::from_str::<Map<String, Value>>(row?).ok();
    let mut text = String::new();
    if let (Some(wanted), Some(found)) = (parse(wanted), parse(found)) {
        let keys: BTreeSet<_> = wanted.keys().chain(found.keys()).collect();
        for key in keys.into_iter().filter(|key| wanted.get(*key) != found.get(*key)) {
            let show = |row: &Map<String, Value>| row.get(key).map_or("(none)".to_owned(), Value::to_string);
            writeln!(text, "  {key}: expected {}, found {}", show(&wanted), show(&found)).unwrap();
        }
    }
    if text.is_empty() {
        let none = &"(no line)";
        let (wanted, found) = (wanted.unwrap_or(none), found.unwrap_or(none));
        text = format!("  expected {wanted}\n  found    {found}\n");
    }
    text
}

#[test]
fn every_case_produces_exactly_its_events_and_its_quarantine() {
    let options = Options {
        partition_by: PartitionBy::None,
        ..common::json()
    };
    let mut problems = Vec::new();
    for format in FORMATS {
        for case in cases(format.name) {
            let log = fs::read(&case).unwrap();
            let run = common::ingest(&key(format), &log, &options);
            match &run.result {
                Ok(_) => assert_eq!(run.ledger().table, Some(format.name), "{}", case.display()),
                Err(error) => problems.push(format!("{}: {error}", case.display())),
            }
            compare(&case.with_extension("jsonl"), &run.events(), &mut problems);
            compare(
                &case.with_extension("quarantine.jsonl"),
                &run.quarantine(),
                &mut problems,
            );
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// AWS appends fields at the end of a line, and archives contain lines of every length.
#[test]
fn every_length_of_every_table_has_a_case() {
    for format in FORMATS {
        let names: Vec<_> = cases(format.name)
            .iter()
            .map(|case| case.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        for length in format.lengths {
            let name = format!("fields-{length}");
            assert!(names.contains(&name), "{} has no case {name}", format.name);
        }
    }
}
