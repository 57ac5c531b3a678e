//! The values that Panther's parser and Elastic's integration give to the fields of a line, as in their published tests.

use std::collections::{BTreeMap, BTreeSet};

use alb_ingest::formats::{ALB_ACCESS, CLB_ACCESS, Format, NLB_ACCESS};
use alb_ingest::ingest::Options;
use alb_ingest::schema::mapping::Schema;
use serde_json::Value;

use crate::common::{Run, ingest, json, rows};
use crate::objects::{access, access_at, key};

/// Fields of the object instead of the line.
const OWN: [&str; 5] = [
    "event.id",
    "aws.s3.bucket.name",
    "aws.s3.object.key",
    "cloud.account.id",
    "cloud.region",
];

fn run(format: &'static Format, text: &str, schema: Schema, panther_fields: bool) -> Run {
    let options = Options {
        schema,
        panther_fields,
        ..json()
    };
    ingest(&key(format), text.as_bytes(), &options)
}

/// Returns the names in the first column of a table of a standard.
fn names(standard: &str) -> BTreeSet<&str> {
    let lines = standard.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split('\t').next()).collect()
}

/// Returns the values of an event by their paths.
fn flat(event: &Value) -> BTreeMap<String, Value> {
    fn walk(path: &str, value: &Value, into: &mut BTreeMap<String, Value>) {
        let Value::Object(group) = value else {
            into.insert(path.to_owned(), value.clone());
            return;
        };
        for (name, value) in group {
            let path = if path.is_empty() {
                name.clone()
            } else {
                format!("{path}.{name}")
            };
            walk(&path, value, into);
        }
    }
    let mut values = BTreeMap::new();
    walk("", event, &mut values);
    values
}

#[test]
fn events_have_the_values_of_panthers_parser() {
    let lines = include_str!("../standards/events/panther.log");
    let expected = rows(include_bytes!("../standards/events/panther.jsonl"));
    let run = run(&ALB_ACCESS, lines, Schema::Panther, true);
    assert_eq!(run.ledger().quarantined, 0);
    let found = rows(&run.events());
    assert_eq!(found.len(), expected.len());
    let mut fields = names(include_str!("../standards/panther.tsv"));
    assert_eq!(fields.len(), 33);
    fields.extend([
        "p_log_type",
        "p_event_time",
        "p_any_ip_addresses",
        "p_any_domain_names",
        "p_any_aws_arns",
    ]);
    let mut compared = 0;
    for (found, expected) in found.iter().zip(&expected) {
        for field in &fields {
            assert_eq!(
                found.get(field),
                expected.get(field),
                "{field} of {}",
                expected["timestamp"]
            );
            compared += usize::from(expected.get(field).is_some());
        }
        assert!(
            expected
                .as_object()
                .unwrap()
                .keys()
                .all(|name| fields.contains(name.as_str()))
        );
        assert_eq!(found["p_row_id"], found["eventId"]);
    }
    assert_eq!(compared, 140);
}

#[test]
fn only_the_switch_adds_panthers_fields() {
    let with = rows(&run(&ALB_ACCESS, &access(1), Schema::Panther, true).events());
    let without = rows(&run(&ALB_ACCESS, &access(1), Schema::Panther, false).events());
    let mut event = with[0].as_object().unwrap().clone();
    event.retain(|name, _| !name.starts_with("p_"));
    assert_eq!(Value::Object(event), without[0]);
    assert!(with[0].as_object().unwrap().len() > without[0].as_object().unwrap().len());
}

#[test]
fn times_that_were_not_measured_are_as_logged_on_every_day() {
    let line = |day: &str, times: &str| {
        let line = access_at(&format!("{day}T11:50:13.123456Z"), "curl");
        line.replace(" 0.001 0.048 0.000 ", &format!(" {times} ")) + "\n"
    };
    let text = [
        line("2026-10-06", "-1 - 0.000"),
        line("2026-10-07", "0.001 -1.000 -1"),
        line("2026-10-06", "- 0.048 -1"),
    ];
    let files = run(&ALB_ACCESS, &text.concat(), Schema::Panther, false);
    let names = [
        "requestProcessingTime",
        "targetProcessingTime",
        "responseProcessingTime",
    ];
    let mut found: Vec<_> = rows(&files.events())
        .iter()
        .map(|event| names.map(|name| event.get(name).and_then(Value::as_f64)))
        .collect();
    // The files of two days have no order.
    found.sort_by(|one, other| one.partial_cmp(other).unwrap());
    let logged = [
        [None, Some(0.048), Some(-1.0)],
        [Some(-1.0), None, Some(0.0)],
        [Some(0.001), Some(-1.0), Some(-1.0)],
    ];
    assert_eq!(found, logged);
    let native = rows(&run(&ALB_ACCESS, &text[0], Schema::Native, false).events());
    assert!(native[0].get("request_processing_time").is_none());
}

/// Panther's parser refuses a line without a status, too.
#[test]
fn events_without_a_required_value_are_malformed_for_the_schema() {
    let without = access(2).replace(" 200 200 ", " - 200 ");
    assert_ne!(without, access(2));
    // More than half of the lines, and more than twenty.
    let text = format!("{}\n", access(1)) + &format!("{without}\n").repeat(40);
    let native = run(&ALB_ACCESS, &text, Schema::Native, false);
    assert_eq!((native.ledger().events, native.ledger().quarantined), (41, 0));
    for format in [json().format, Options::default().format] {
        let options = Options {
            schema: Schema::Panther,
            format,
            ..json()
        };
        let run = ingest(&key(&ALB_ACCESS), text.as_bytes(), &options);
        assert_eq!((run.ledger().events, run.ledger().quarantined), (1, 40));
        let quarantine = rows(&run.quarantine());
        assert_eq!(quarantine[0]["reason"], "required_by_schema");
        assert_eq!(quarantine[0]["field"], "elb_status_code");
        assert_eq!(quarantine[0]["raw"], without);
        assert_eq!(quarantine[39]["line"], 41);
    }
    // The other tables have no field that Panther requires.
    let clb = include_str!("../standards/events/ecs-clb_access_log.log");
    assert_eq!(run(&CLB_ACCESS, clb, Schema::Panther, false).ledger().events, 2);
}

#[test]
fn events_have_the_values_of_elastics_integration() {
    let mut known = names(include_str!("../standards/ecs.tsv"));
    known.extend(names(include_str!("../standards/elb.tsv")));
    let cases = [
        (
            &ALB_ACCESS,
            include_str!("../standards/events/ecs-alb_access_log.log"),
            include_str!("../standards/events/ecs-alb_access_log.jsonl"),
        ),
        (
            &CLB_ACCESS,
            include_str!("../standards/events/ecs-clb_access_log.log"),
            include_str!("../standards/events/ecs-clb_access_log.jsonl"),
        ),
        (
            &NLB_ACCESS,
            include_str!("../standards/events/ecs-nlb_access_log.log"),
            include_str!("../standards/events/ecs-nlb_access_log.jsonl"),
        ),
    ];
    for (format, lines, expected) in cases {
        let run = run(format, lines, Schema::Ecs, false);
        assert_eq!(run.ledger().quarantined, 0);
        let (found, expected) = (rows(&run.events()), rows(expected.as_bytes()));
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            let (mut found, expected) = (flat(found), flat(expected));
            found.retain(|path, _| known.contains(path.as_str()) && !OWN.contains(&path.as_str()));
            assert_eq!(found, expected);
        }
    }
}

/// The log's own result decides: there is no guess from other fields.
#[test]
fn events_without_a_status_have_no_outcome() {
    let outcomes = |format: &'static Format, text: &str| {
        let events = rows(&run(format, text, Schema::Ecs, false).events());
        events
            .iter()
            .map(|event| event["event"].get("outcome").cloned())
            .collect::<Vec<_>>()
    };
    let [success, failure] = ["success", "failure"].map(|outcome| Some(Value::from(outcome)));
    let alb = include_str!("../standards/events/ecs-alb_access_log.log");
    assert_eq!(outcomes(&ALB_ACCESS, alb), [success.clone(), failure, None]);
    let clb = include_str!("../standards/events/ecs-clb_access_log.log");
    assert_eq!(outcomes(&CLB_ACCESS, clb), [success, None]);
    let nlb = include_str!("../standards/events/ecs-nlb_access_log.log");
    assert_eq!(outcomes(&NLB_ACCESS, nlb), [None]);
}
