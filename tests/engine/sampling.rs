//! Samples: how many events they keep, what the weights add up to, and that every way to read an object keeps the same events.

use std::collections::{BTreeMap, BTreeSet};

use alb_ingest::formats::{ALB_ACCESS, ALB_CONNECTION, Extra, Extras, FORMATS, Format};
use alb_ingest::generate::{Object, Rate};
use alb_ingest::ingest::Options;
use alb_ingest::transform::{Filter, Sample, Transform};
use serde_json::Value;

use crate::common::{Run, ingest_chunks, ingest_on_two_threads, json, object, rows};
use crate::filters::examples;

/// The number of standard deviations that chance does not exceed.
const BOUND: f64 = 5.0;

pub(crate) fn sampled(rules: &str, filter: Option<&str>) -> Options {
    let sample = Sample::parse(rules, Extras::NONE).unwrap_or_else(|error| panic!("{error}"));
    let filter = filter.map(|text| Filter::parse(text, Extras::NONE).unwrap());
    Options {
        transform: Transform {
            extras: Extras::NONE.with(Extra::SampleWeight),
            filter,
            sample: Some(sample),
            ..Transform::default()
        },
        ..json()
    }
}

fn generated(table: &'static Format, lines: u64) -> (Object, Vec<u8>) {
    let mut made = Object::new(table, 3, lines);
    made.traffic.hostile = Rate::per_million(50_000);
    made.traffic.broken = Rate::per_million(20_000);
    let mut bytes = Vec::new();
    made.write_to(&mut bytes).unwrap();
    (made, bytes)
}

fn run(table: &'static Format, lines: u64, options: &Options) -> Run {
    let (made, bytes) = generated(table, lines);
    ingest_chunks(object(&made.key()), &bytes, &[], options)
}

fn weight(row: &Value) -> f64 {
    row["sample_weight"].as_f64().unwrap()
}

fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

fn number(row: &Value, column: &str) -> f64 {
    row[column].as_f64().unwrap_or_default()
}

fn is_error(row: &Value) -> bool {
    number(row, "elb_status_code") >= 500.0
}

fn assert_near(found: f64, wanted: f64, variance: f64, what: &str) {
    let bound = BOUND * variance.sqrt();
    assert!(
        (found - wanted).abs() <= bound,
        "{what}: {found} is not within {bound} of {wanted}"
    );
}

#[test]
fn the_rate_and_the_weighted_sums_are_within_their_bounds() {
    let lines = 4_000;
    let all = rows(&run(&ALB_ACCESS, lines, &json()).events());
    for (share, rate) in [("1/2", 0.5), ("3/100", 0.03)] {
        let rules = format!("keep all where elb_status_code >= 500; keep {share}");
        let sample = run(&ALB_ACCESS, lines, &sampled(&rules, None));
        assert!(sample.ledger().filtered > 0);
        let kept = rows(&sample.events());
        let (errors, others): (Vec<_>, Vec<_>) = all.iter().partition(|row| is_error(row));
        let (kept_errors, kept_others): (Vec<_>, Vec<_>) = kept.iter().partition(|row| is_error(row));
        assert!(errors.len() > 20, "{}", errors.len());
        assert_eq!(kept_errors.len(), errors.len());
        assert!(kept_errors.iter().all(|row| row["sample_weight"] == 1.0));
        assert!(kept_others.iter().all(|row| (weight(row) * rate - 1.0).abs() < 1e-12));
        let count = float(others.len());
        let spread = count * rate * (1.0 - rate);
        assert_near(float(kept_others.len()), count * rate, spread, &rules);
        // The estimate of a sum, and its variance.
        for column in ["source_line", "sent_bytes", "target_processing_time"] {
            let truth: f64 = all.iter().map(|row| number(row, column)).sum();
            let found = kept.iter().map(|row| weight(row) * number(row, column)).sum();
            let squares: f64 = others.iter().map(|row| number(row, column).powi(2)).sum();
            assert_near(found, truth, squares * (1.0 - rate) / rate, column);
        }
        let weights: f64 = kept.iter().map(weight).sum();
        assert_near(weights, float(all.len()), count * (1.0 - rate) / rate, "the weights");
    }
}

#[test]
fn kept_events_are_unchanged_and_others_are_counted() {
    for table in FORMATS {
        let whole = run(table, 500, &json());
        let sample = run(table, 500, &sampled("keep 1/3", None));
        let mut all = BTreeMap::new();
        for row in rows(&whole.events()) {
            all.insert(row["event_id"].as_str().unwrap().to_owned(), row);
        }
        let kept = rows(&sample.events());
        let text = String::from_utf8(sample.events()).unwrap();
        let last = |line: &str| {
            line.rsplit_once(",\"")
                .map(|(_, last)| last.starts_with("sample_weight\":3"))
        };
        assert!(text.lines().all(|line| last(line) == Some(true)), "{}", table.name);
        assert!(kept.len() > 100, "{}: {}", table.name, kept.len());
        for mut row in kept.clone() {
            let fields = row.as_object_mut().unwrap();
            assert_eq!(fields.remove("sample_weight").unwrap(), 3.0);
            let id = fields["event_id"].as_str().unwrap();
            assert_eq!(fields, all[id].as_object().unwrap());
        }
        let (before, after) = (whole.ledger(), sample.ledger());
        assert_eq!(after.filtered, before.events - kept.len() as u64);
        assert_eq!((after.lines, after.quarantined), (before.lines, before.quarantined));
        assert_eq!(whole.quarantine(), sample.quarantine());
    }
}

#[test]
fn chunks_threads_and_repetitions_keep_the_same_events() {
    let (made, bytes) = generated(&ALB_ACCESS, 1_500);
    for rules in [
        "keep 1/7",
        "keep all where elb_status_code >= 400; keep 1/5; by trace_id",
    ] {
        let options = sampled(rules, Some("received_bytes > 100"));
        let whole = ingest_chunks(object(&made.key()), &bytes, &[], &options);
        assert!(whole.ledger().events > 100 && whole.ledger().filtered > 100);
        let chunks = vec![997; bytes.len() / 997];
        for other in [
            ingest_chunks(object(&made.key()), &bytes, &[], &options),
            ingest_chunks(object(&made.key()), &bytes, &chunks, &options),
            ingest_on_two_threads(object(&made.key()), &bytes, &chunks, &options),
        ] {
            assert_eq!(other.files, whole.files, "{rules}");
            assert_eq!(other.ledger().filtered, whole.ledger().filtered);
        }
    }
}

/// Returns the values of a column.
fn values(rows: &[Value], column: &str) -> BTreeSet<String> {
    let values = rows.iter().filter_map(|row| row[column].as_str());
    values.map(str::to_owned).collect()
}

#[test]
fn events_with_the_same_value_are_kept_together() {
    let options = sampled("keep 1/4; by conn_trace_id", None);
    let all = [&ALB_ACCESS, &ALB_CONNECTION].map(|table| rows(&run(table, 1_000, &json()).events()));
    let kept = [&ALB_ACCESS, &ALB_CONNECTION].map(|table| rows(&run(table, 1_000, &options).events()));
    let [requests, connections] = kept.each_ref().map(|rows| values(rows, "conn_trace_id"));
    assert!(requests.len() > 10 && connections.len() > 10);
    // Whatever the table, a connection is in the sample or not.
    for (all, kept) in all.iter().zip(&kept) {
        let count = |rows: &[Value]| {
            let mut counts: BTreeMap<String, usize> = BTreeMap::new();
            let ids = rows.iter().filter_map(|row| row["conn_trace_id"].as_str());
            ids.for_each(|id| *counts.entry(id.to_owned()).or_default() += 1);
            counts
        };
        let (all, kept) = (count(all), count(kept));
        for (id, events) in &kept {
            assert_eq!(events, &all[id], "{id}");
        }
        for id in requests.union(&connections).filter(|id| all.contains_key(*id)) {
            assert!(kept.contains_key(id), "{id}");
        }
        assert!(kept.len() < all.len());
    }
}

#[test]
fn a_smaller_rate_keeps_a_part_of_a_larger_one() {
    let ids = |rules: &str| {
        values(
            &rows(&run(&ALB_ACCESS, 2_000, &sampled(rules, None)).events()),
            "event_id",
        )
    };
    let (few, many) = (ids("keep 1/50"), ids("keep 1/5"));
    assert!(!few.is_empty() && few.len() < many.len() && few.is_subset(&many));
}

#[test]
fn rules_whose_columns_a_table_lacks_do_not_apply() {
    let rules = "keep 1/1000000 where elb_status_code >= 0; keep 1/2 where array_contains(actions_executed, 'waf')";
    let options = sampled(rules, None);
    // Without a status code or actions, no rule is for a connection.
    let connections = run(&ALB_CONNECTION, 300, &options);
    assert_eq!(connections.ledger().filtered, 0);
    assert!(
        rows(&connections.events())
            .iter()
            .all(|row| row["sample_weight"] == 1.0)
    );
    assert!(run(&ALB_ACCESS, 300, &options).ledger().filtered > 250);
}

#[test]
fn what_the_filter_removes_is_not_part_of_the_sample() {
    let condition = "elb_status_code < 500";
    let both = run(&ALB_ACCESS, 2_000, &sampled("keep 1/3", Some(condition)));
    let sample = rows(&run(&ALB_ACCESS, 2_000, &sampled("keep 1/3", None)).events());
    let wanted: Vec<_> = sample.into_iter().filter(|row| !is_error(row)).collect();
    assert_eq!(rows(&both.events()), wanted);
}

#[test]
fn the_examples_of_the_reference_page_are_valid() {
    let rules = examples("docs/reference/sampling.md", "Examples");
    assert!(rules.len() >= 5, "{rules:?}");
    for rules in rules {
        let sample = Sample::parse(&rules, Extras::NONE).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(
            Sample::parse(&sample.canonical(), Extras::NONE).unwrap().canonical(),
            sample.canonical()
        );
    }
    let page = include_str!("../../docs/reference/sampling.md");
    let error = Sample::parse("keep all where elb_status_code >= 500; keep 100", Extras::NONE).unwrap_err();
    assert!(page.contains(&format!("SAMPLE: {error}\n")), "{error}");
}
