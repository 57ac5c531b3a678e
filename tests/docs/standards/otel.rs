//! OpenTelemetry's semantic conventions, and the names below `aws.elb` in its collector's extension.

use std::collections::BTreeSet;

use alb_ingest::formats::{Extras, FORMATS, Kind};
use alb_ingest::schema::mapping::{Schema, Value};

use super::{is_whole_number, leaves, table};

const ATTRIBUTES: &str = include_str!("../../standards/otel.tsv");

/// A list that the collector has as one text, as logged.
const TEXT_IN_COLLECTOR: &str = "aws.elb.alpn_client_preference_list";

/// Returns whether an attribute of a type accepts the values. Times are texts.
fn fits(kind: Kind, wanted: &str) -> bool {
    match wanted {
        "string" => matches!(kind, Kind::Text | Kind::Timestamp),
        "string[]" => kind == Kind::TextList,
        "int" => is_whole_number(kind),
        "double" => kind == Kind::Float64,
        _ => false,
    }
}

#[test]
fn attributes_are_in_the_conventions_or_the_collector_or_columns() {
    let known = table(ATTRIBUTES);
    let columns: BTreeSet<_> = FORMATS
        .iter()
        .flat_map(|format| &format.log_type.plan_with(Extras::ALL).columns)
        .map(|column| column.name)
        .collect();
    let mut found = BTreeSet::new();
    for (log, leaf) in leaves(Schema::Otel) {
        let Some((group, name)) = leaf.path.split_once('.') else {
            assert!(
                ["timeUnixNano", "traceId"].contains(&leaf.path.as_str()),
                "{log}: {}",
                leaf.path
            );
            continue;
        };
        if let Some([kind, origin]) = known.get(name).map(Vec::as_slice) {
            assert!(
                fits(leaf.kind, kind) || name == TEXT_IN_COLLECTOR,
                "{log}: {name} is {kind}, not {:?}",
                leaf.kind
            );
            assert_eq!(
                *origin == "resource",
                group == "resource",
                "{log}: {name} is in {group}"
            );
            found.insert(name);
            continue;
        }
        let own = name
            .strip_prefix("aws.elb.health_check.")
            .or_else(|| name.strip_prefix("aws.elb."));
        let is_column = group == "attributes" && own.is_some_and(|own| columns.contains(own));
        let is_of_scope = group == "scope" && ["encoding.format", "aws.elb.log_type"].contains(&name);
        assert!(is_column || is_of_scope, "{log}: unknown name {}", leaf.path);
    }
    let unused: Vec<_> = known.keys().filter(|name| !found.contains(*name)).collect();
    assert!(unused.is_empty(), "{unused:?}");
}

/// A consumer that expands dots to groups can have no attribute with the name of a group, whatever the table.
#[test]
fn no_attribute_is_a_group_of_others() {
    let names: BTreeSet<_> = leaves(Schema::Otel).map(|(_, leaf)| leaf.path.as_str()).collect();
    for name in &names {
        let groups = name.match_indices('.').filter_map(|(at, _)| name.get(..at));
        for group in groups {
            assert!(!names.contains(group), "{group} is a value, and a group of {name}");
        }
    }
}

/// The encoder has no comma before the first attribute of a list, and texts only among the constants.
#[test]
fn the_first_attribute_of_a_list_is_never_null() {
    for format in FORMATS {
        let mut firsts = BTreeSet::new();
        for (_, leaf) in leaves(Schema::Otel).filter(|(log, _)| *log == format.name) {
            let group = leaf.path.split('.').next().unwrap();
            if leaf.path.contains('.') && firsts.insert(group) {
                let is_event_id = leaf.path == "attributes.log.record.uid";
                assert!(is_event_id || matches!(leaf.value, Value::Constant(_)), "{}", leaf.path);
            }
            assert!(
                leaf.kind == Kind::Text || !matches!(leaf.value, Value::Constant(_)),
                "{}",
                leaf.path
            );
        }
        assert_eq!(firsts.len(), 3);
    }
}
