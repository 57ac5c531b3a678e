//! ECS, and the names below `aws` in Elastic's integration.

use std::collections::BTreeSet;

use alb_ingest::formats::{Extras, FORMATS, Kind};
use alb_ingest::schema::catalog::elasticsearch::type_of;
use alb_ingest::schema::mapping::{Leaf, Schema, Value};

use super::{is_whole_number, leaves, table};

const ECS: &str = include_str!("../../standards/ecs.tsv");
const ELB: &str = include_str!("../../standards/elb.tsv");

/// Names below `aws.elb` that are neither in Elastic's integration nor names of columns.
const OURS: [&str; 2] = ["aws.elb.log_type", "aws.elb.tls_verify_status_logged"];

/// Returns whether a field of an Elasticsearch type accepts the values.
fn fits(kind: Kind, elastic: &str) -> bool {
    match elastic {
        "keyword" => matches!(kind, Kind::Text | Kind::TextList) || is_whole_number(kind),
        "wildcard" | "match_only_text" | "ip" => matches!(kind, Kind::Text | Kind::TextList),
        "date" => kind == Kind::Timestamp,
        "long" => is_whole_number(kind),
        "float" | "double" => kind == Kind::Float64,
        _ => false,
    }
}

/// Types of different families in two indices make a field unusable in searches over both. A constant keyword is of the family of
/// keywords.
#[test]
fn fields_of_the_index_template_have_their_published_types() {
    let (mut known, elb) = (table(ECS), table(ELB));
    known.extend(elb);
    let mut compared = 0;
    for (log, leaf) in leaves(Schema::Ecs) {
        if let Some(cells) = known.get(leaf.path.as_str()) {
            let published = cells[0].strip_prefix("constant_").unwrap_or(cells[0]);
            assert_eq!(type_of(leaf), published, "{log}: {}", leaf.path);
            compared += 1;
        }
    }
    assert!(compared > 150, "{compared}");
}

#[test]
fn names_outside_aws_are_in_ecs() {
    let known = table(ECS);
    for (log, leaf) in leaves(Schema::Ecs).filter(|(_, leaf)| !leaf.path.starts_with("aws.")) {
        let found = known.get(leaf.path.as_str());
        let found = found.unwrap_or_else(|| panic!("{log}: ECS has no {}", leaf.path));
        let [kind, normalization] = found[..] else {
            panic!("{found:?}")
        };
        assert!(
            fits(leaf.kind, kind),
            "{log}: {} is {kind}, not {:?}",
            leaf.path,
            leaf.kind
        );
        assert_eq!(
            leaf.kind == Kind::TextList,
            normalization == "array",
            "{log}: {}",
            leaf.path
        );
    }
}

#[test]
fn names_below_aws_are_in_elastics_integration_or_columns() {
    let known = table(ELB);
    let columns: BTreeSet<_> = FORMATS
        .iter()
        .flat_map(|format| &format.log_type.plan_with(Extras::ALL).columns)
        .map(|column| column.name)
        .collect();
    let mut found = BTreeSet::new();
    for (log, leaf) in leaves(Schema::Ecs).filter(|(_, leaf)| leaf.path.starts_with("aws.")) {
        let path = leaf.path.as_str();
        if let Some(cells) = known.get(path) {
            assert!(
                fits(leaf.kind, cells[0]),
                "{log}: {path} is {}, not {:?}",
                cells[0],
                leaf.kind
            );
            found.insert(path);
        } else {
            let column = path.strip_prefix("aws.elb.").is_some_and(|name| columns.contains(name));
            assert!(column || OURS.contains(&path), "{log}: unknown name {path}");
        }
    }
    // Guards against comparing nothing: names of columns pass without a comparison.
    assert!(found.len() > 25, "{found:?}");
}

/// A name that Elastic uses for a list must not have a single value here, and vice versa.
#[test]
fn lists_and_single_values_of_targets_are_not_confused() {
    let column = |path: &str| {
        let (log, leaf) = leaves(Schema::Ecs).find(|(_, leaf)| leaf.path == path).unwrap();
        column_of(log, leaf)
    };
    assert_eq!(column("aws.elb.target_port"), "target_port_list");
    assert_eq!(column("aws.elb.target_status_code"), "target_status_code_list");
    assert_eq!(
        column("aws.elb.backend.http.response.status_code"),
        "target_status_code"
    );
}

fn column_of(log: &str, leaf: &Leaf) -> &'static str {
    let format = FORMATS.into_iter().find(|format| format.name == log).unwrap();
    match leaf.value {
        Value::Column(column) => format.log_type.plan_with(Extras::ALL).columns[column].name,
        _ => panic!("{} is not a column", leaf.path),
    }
}
