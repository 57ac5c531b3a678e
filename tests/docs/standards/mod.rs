//! The names and types of the schemas, compared with the published standards.

mod ecs;
mod otel;
mod panther;
mod tailpipe;

use std::collections::BTreeMap;

use alb_ingest::formats::{Extras, FORMATS, Kind};
use alb_ingest::schema::mapping::{Leaf, OutputTable, Schema};

/// Parses a table: the first cell of each row, and the others. Comments are skipped.
fn table(text: &str) -> BTreeMap<&str, Vec<&str>> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let rows = lines.map(|line| {
        let mut cells = line.split('\t');
        (cells.next().unwrap(), cells.collect())
    });
    rows.collect()
}

/// Returns the leaves of a schema in every table, the columns on request included, with the name of the table.
fn leaves(schema: Schema) -> impl Iterator<Item = (&'static str, &'static Leaf)> {
    FORMATS.into_iter().flat_map(move |format| {
        let shape = OutputTable::of(schema, format.log_type.plan_with(Extras::ALL));
        shape.leaves.iter().map(|leaf| (format.name, leaf))
    })
}

const fn is_whole_number(kind: Kind) -> bool {
    matches!(kind, Kind::Int32 | Kind::Int64)
}
