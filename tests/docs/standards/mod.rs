//! Comparison of names and types in the schemas with the definitions published by their owners.

mod ecs;
mod panther;

use std::collections::BTreeMap;

use alb_ingest::formats::{FORMATS, Kind};
use alb_ingest::schema::mapping::{Leaf, OutputTable, Schema};

/// Parses a table of names with their values, without comments.
fn table(text: &str) -> BTreeMap<&str, Vec<&str>> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let rows = lines.map(|line| {
        let mut cells = line.split('\t');
        (cells.next().unwrap(), cells.collect())
    });
    rows.collect()
}

/// Returns all names of a schema, for every table.
fn leaves(schema: Schema) -> impl Iterator<Item = (&'static str, &'static Leaf)> {
    FORMATS.into_iter().flat_map(move |format| {
        let shape = OutputTable::of(schema, format.plan());
        shape.leaves.iter().map(|leaf| (format.name, leaf))
    })
}

const fn is_whole_number(kind: Kind) -> bool {
    matches!(kind, Kind::Int32 | Kind::Int64)
}
