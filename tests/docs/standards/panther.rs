//! Panther's `AWS.ALB`.

use std::collections::BTreeMap;

use alb_ingest::formats::{Kind, Presence};
use alb_ingest::schema::mapping::Schema;

use super::{is_whole_number, leaves, table};

const ALB: &str = include_str!("../../standards/panther.tsv");

#[test]
fn the_access_log_has_every_field_of_panthers_schema() {
    let ours: BTreeMap<_, _> = leaves(Schema::Panther)
        .filter(|(log, _)| *log == "alb_access_log")
        .map(|(_, leaf)| (leaf.path.as_str(), leaf))
        .collect();
    let known = table(ALB);
    assert_eq!(known.len(), 33);
    for (field, cells) in known {
        let leaf = ours.get(field).unwrap_or_else(|| panic!("{field} is missing"));
        let fits = match cells[0] {
            "string" => leaf.kind == Kind::Text,
            "bigint" => is_whole_number(leaf.kind),
            "float" => leaf.kind == Kind::Float64,
            "timestamp" => leaf.kind == Kind::Timestamp,
            "array<string>" => leaf.kind == Kind::TextList,
            other => panic!("{other}"),
        };
        assert!(fits, "{field} is {}, not {:?}", cells[0], leaf.kind);
        let required = leaf.presence == Presence::Required;
        assert_eq!(required, cells[1] == "yes", "{field}");
    }
}

/// Names in other tables have the same style, and no name has the prefix of the fields that Panther adds.
#[test]
fn names_are_in_camel_case() {
    for (log, leaf) in leaves(Schema::Panther) {
        let name = &leaf.path;
        let legal = name.starts_with(|first: char| first.is_ascii_lowercase())
            && name.chars().all(|letter| letter.is_ascii_alphanumeric());
        assert!(legal && !name.starts_with("p_"), "{log}: {name}");
    }
}
