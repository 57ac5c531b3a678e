//! Filters: what is counted and written, and that no text breaks the parser.

use std::fs;
use std::path::Path;

use alb_ingest::formats::{ALB_ACCESS, ALB_CONNECTION, Extra, Extras, FORMATS, LogType};
use alb_ingest::generate::{Object, Rate};
use alb_ingest::ingest::{Ledger, Options};
use alb_ingest::transform::{Filter, Transform};
use proptest::prelude::*;
use serde_json::Value;

use crate::common::{Run, ingest_chunks, ingest_on_two_threads, json, object, rows};

pub(crate) fn filtered_by(condition: &str) -> Options {
    let extras = Extras::NONE.with(Extra::StatusClass);
    let filter = Filter::parse(condition, extras).unwrap_or_else(|error| panic!("{error}"));
    Options {
        transform: Transform {
            extras,
            filter: Some(filter),
            ..Transform::default()
        },
        ..json()
    }
}

/// An object with ordinary, hostile and malformed lines.
fn generated(table: &'static alb_ingest::formats::Format, lines: u64) -> (Object, Vec<u8>) {
    let mut made = Object::new(table, 7, lines);
    made.traffic.hostile = Rate::per_million(200_000);
    made.traffic.broken = Rate::per_million(50_000);
    made.traffic.blank = Rate::per_million(20_000);
    let mut bytes = Vec::new();
    made.write_to(&mut bytes).unwrap();
    (made, bytes)
}

fn run(table: &'static alb_ingest::formats::Format, options: &Options) -> Run {
    let (made, bytes) = generated(table, 600);
    ingest_chunks(object(&made.key()), &bytes, &[], options)
}

#[test]
fn filtered_events_are_counted_and_the_others_are_unchanged() {
    let all = run(&ALB_ACCESS, &filtered_by("true"));
    let some = run(
        &ALB_ACCESS,
        &filtered_by("elb_status_code >= 400 and status_class = '4xx'"),
    );
    let wanted: Vec<Value> = rows(&all.events())
        .into_iter()
        .filter(|row| {
            row["elb_status_code"]
                .as_i64()
                .is_some_and(|status| (400..500).contains(&status))
        })
        .collect();
    assert!(wanted.len() > 5, "{}", wanted.len());
    assert_eq!(rows(&some.events()), wanted);
    let counts = |ledger: &Ledger| (ledger.lines, ledger.quarantined, ledger.skipped_lines);
    assert_eq!(counts(some.ledger()), counts(all.ledger()));
    assert_eq!(some.ledger().filtered, all.ledger().events - some.ledger().events);
    assert_eq!(all.ledger().filtered, 0);
    assert_eq!(some.quarantine(), all.quarantine());
    assert!(!some.quarantine().is_empty());
}

#[test]
fn chunks_and_threads_do_not_change_what_is_filtered() {
    let options = filtered_by("request_path like '%a%' or target_status_code is null");
    let (made, bytes) = generated(&ALB_ACCESS, 1_500);
    let whole = ingest_chunks(object(&made.key()), &bytes, &[], &options);
    assert!(whole.ledger().filtered > 100 && whole.ledger().events > 100);
    let chunks = vec![1_000; bytes.len() / 1_000];
    for other in [
        ingest_chunks(object(&made.key()), &bytes, &chunks, &options),
        ingest_on_two_threads(object(&made.key()), &bytes, &chunks, &options),
    ] {
        assert_eq!(other.files, whole.files);
        assert_eq!(other.ledger().filtered, whole.ledger().filtered);
    }
}

#[test]
fn an_object_without_a_remaining_event_has_no_output_of_events() {
    let none = run(&ALB_ACCESS, &filtered_by("false"));
    assert_eq!(none.ledger().events, 0);
    assert!(none.ledger().filtered > 500);
    assert!(none.events().is_empty() && none.partitions().is_empty());
    assert!(!none.quarantine().is_empty());
    // Without a malformed line, nothing is written.
    let (made, bytes) = {
        let made = Object::new(&ALB_ACCESS, 7, 10);
        let mut bytes = Vec::new();
        made.write_to(&mut bytes).unwrap();
        (made, bytes)
    };
    let none = ingest_chunks(object(&made.key()), &bytes, &[], &filtered_by("false"));
    assert_eq!((none.ledger().filtered, none.files.len()), (10, 0));
}

#[test]
fn a_table_that_lacks_a_column_is_not_filtered() {
    let options = filtered_by("elb_status_code >= 500");
    assert_eq!(
        options.transform.unfiltered(),
        ["alb_connection_log", "alb_health_check_log", "nlb_access_log"]
    );
    let connections = run(&ALB_CONNECTION, &options);
    assert_eq!(connections.ledger().filtered, 0);
    let unfiltered = Options {
        transform: Transform {
            filter: None,
            ..options.transform.clone()
        },
        ..json()
    };
    assert_eq!(connections.files, run(&ALB_CONNECTION, &unfiltered).files);
    assert!(run(&ALB_ACCESS, &options).ledger().filtered > 0);
}

#[test]
fn columns_of_the_object_are_those_of_the_events() {
    let all = rows(&run(&ALB_ACCESS, &json()).events());
    let one = &all[all.len() / 2];
    let text = |name: &str| one[name].as_str().unwrap();
    for condition in [
        format!("event_id = '{}'", text("event_id")),
        format!(
            "source_line = {} and source_bucket = '{}' and source_key = '{}' and region = '{}' and account_id = '{}'",
            one["source_line"],
            text("source_bucket"),
            text("source_key"),
            text("region"),
            text("account_id")
        ),
    ] {
        let found = rows(&run(&ALB_ACCESS, &filtered_by(&condition)).events());
        assert_eq!(found.len(), 1, "{condition}");
        assert_eq!(found[0]["event_id"], one["event_id"], "{condition}");
    }
}

/// Returns the code in the second column of the table below a heading of a page.
pub(crate) fn examples(page: &str, heading: &str) -> Vec<String> {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
    let (_, section) = page.split_once(&format!("\n## {heading}\n\n")).unwrap();
    let table = section.lines().take_while(|line| line.starts_with('|')).skip(2);
    let cells = table.map(|row| row.split(" | ").nth(1).unwrap());
    cells
        .flat_map(|cell| cell.split('`').skip(1).step_by(2).map(str::to_owned))
        .collect()
}

#[test]
fn the_examples_of_the_reference_page_are_valid() {
    for (heading, least) in [("Conditions", 12), ("Examples", 6)] {
        let conditions = examples("docs/reference/filter.md", heading);
        assert!(conditions.len() >= least, "{conditions:?}");
        for condition in conditions {
            let filter = Filter::parse(&condition, Extras::NONE).unwrap_or_else(|error| panic!("{error}"));
            assert!(filter.applies_to(LogType::AlbAccess.plan()), "{condition}");
        }
    }
}

/// Words, operators and literals of the language and of SQL beyond it, in any order.
fn soup() -> impl Strategy<Value = String> {
    let columns: Vec<_> = FORMATS
        .into_iter()
        .flat_map(|format| format.plan().columns.iter().map(|column| column.name.to_owned()))
        .collect();
    let words = prop::sample::select(vec![
        "and",
        "or",
        "not",
        "in",
        "between",
        "like",
        "ilike",
        "escape",
        "is",
        "null",
        "true",
        "false",
        "unknown",
        "timestamp",
        "array_contains",
        "(",
        ")",
        "(",
        ")",
        ",",
        "=",
        "<>",
        "<",
        ">=",
        "-",
        "+",
        "*",
        "||",
        ".",
        ";",
        "::",
        "case",
        "when",
        "select",
        "interval",
        "cast",
        "any",
        "'a'",
        "'%a_'",
        "''",
        "'2026-10-07'",
        "\"type\"",
        "0",
        "1.5",
        "1e9",
        "1e999",
        "99999999999999999999999999999999999999999",
        "--",
        "/*",
        "*/",
        "\n",
        "'",
        "\"",
        "\\",
        "é",
        "\u{0}",
        "$1",
        "@",
        "?",
    ]);
    let token = prop_oneof![
        3 => words.prop_map(str::to_owned),
        2 => prop::sample::select(columns),
        1 => any::<String>(),
    ];
    prop::collection::vec(token, 0..30).prop_map(|tokens| tokens.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn no_text_breaks_the_parser(text in prop_oneof![3 => soup(), 1 => any::<String>()]) {
        match Filter::parse(&text, Extras::NONE) {
            Err(error) => {
                let shown = error.to_string();
                let carets = shown.rsplit('\n').next().unwrap_or_default().trim();
                prop_assert!(!carets.is_empty() && carets.chars().all(|c| c == '^'), "{}", shown);
            }
            Ok(filter) => {
                let again = Filter::parse(filter.canonical(), Extras::NONE).map(|again| again.canonical().to_owned());
                prop_assert_eq!(again.as_deref(), Ok(filter.canonical()));
            }
        }
    }
}
