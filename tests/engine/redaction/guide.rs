//! The rules that the guide recommends, and what it says about them.

use std::collections::{BTreeMap, BTreeSet};

use alb_ingest::formats::personal::Personal;
use alb_ingest::formats::{Extras, Format, LogType};

use super::{CANARY, check, line_with, options};
use crate::common::{ingest, rows};
use crate::objects::key;

const GUIDE: &str = include_str!("../../../docs/guide/privacy.md");

/// Returns the rules of the guide after a marker.
fn rules(marker: &str) -> &'static str {
    let (_, rest) = GUIDE
        .split_once(&format!("<!-- rules: {marker} -->\n```text\n"))
        .unwrap();
    rest.split_once('\n').unwrap().0
}

/// Returns a line with the secret in a field, and the field's columns that a client can write; none if it cannot write any.
fn line_of_client(format: &'static Format, number: usize) -> Option<(String, Vec<&'static str>)> {
    let columns = format.fields[number].columns();
    let personal = columns
        .iter()
        .filter(|column| matches!(Personal::of(column.name), Some(Personal::Identifies | Personal::Free)));
    let names: Vec<_> = personal.map(|column| column.name).collect();
    let line = line_with(format, number, CANARY)?;
    (!names.is_empty()).then_some((line, names))
}

#[test]
fn strict_rules_leave_nothing_that_a_client_wrote() {
    let mut places = 0;
    for log_type in LogType::ALL {
        let format = log_type.format();
        for number in 0..format.fields.len() {
            let Some((line, names)) = line_of_client(format, number) else {
                continue;
            };
            let text = format!("{line} {CANARY}\n{line} \"{CANARY}\n");
            let mut options = options(rules("strict"));
            options.transform.extras = Extras::ENRICHMENT
                .iter()
                .filter(|extra| !extra.name().starts_with("client_"))
                .collect();
            let run = ingest(&key(format), text.as_bytes(), &options);
            check(&format!("{} {names:?}", format.name), &run);
            places += names.len();
        }
    }
    assert!(places > 25, "{places}");
}

/// The guide's table has every column that identifies a person or that a client writes, with the tables that have it.
#[test]
fn the_guide_lists_what_is_personal_in_each_table() {
    let mut listed = BTreeMap::new();
    for row in GUIDE.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").collect();
        let names = |cell: &'static str| cell.split('`').skip(1).step_by(2);
        for column in names(cells[0]) {
            let tables: BTreeSet<_> = names(cells[2]).collect();
            assert!(listed.insert(column, tables).is_none(), "{column} is listed twice");
        }
    }
    let mut expected: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for log_type in LogType::ALL {
        for column in &log_type.plan_with(Extras::ALL).columns {
            if matches!(Personal::of(column.name), Some(Personal::Identifies | Personal::Free)) {
                expected.entry(column.name).or_default().insert(log_type.table());
            }
        }
    }
    assert_eq!(listed, expected);
}

/// The guide names what recommended rules leave: hosts, methods and words of paths.
#[test]
fn recommended_rules_leave_hosts_methods_and_words_of_paths() {
    let mut left = BTreeSet::new();
    for log_type in LogType::ALL {
        let format = log_type.format();
        for number in 0..format.fields.len() {
            let Some((line, _)) = line_of_client(format, number) else {
                continue;
            };
            let run = ingest(
                &key(format),
                format!("{line}\n").as_bytes(),
                &options(rules("recommended")),
            );
            for event in rows(&run.events()) {
                for (column, value) in event.as_object().unwrap() {
                    if value.to_string().contains(CANARY) {
                        left.insert(column.clone());
                        let value = value.to_string();
                        assert!(
                            !value.contains(&format!("={CANARY}")) && !value.contains(&format!("#{CANARY}")),
                            "{value}"
                        );
                    }
                }
            }
        }
    }
    let left: Vec<_> = left.iter().map(String::as_str).collect();
    assert_eq!(
        left,
        [
            "alpn_client_preference_list",
            "domain_name",
            "redirect_url",
            "request_host",
            "request_path",
            "request_url",
            "transformed_host",
            "transformed_uri",
        ]
    );
}
