//! A table's columns as a markdown page for `docs/`.

use std::fmt::Write as _;

use crate::formats::{ColumnSource, Extra, Extras, Kind, LogType, Presence};
use crate::schema::mapping::{Leaf, OutputTable, Schema, Value};

/// Returns the page of a table in a schema.
pub fn page(table: &OutputTable) -> String {
    let mut page = match table.schema {
        Schema::Native => native_head(table),
        Schema::Panther | Schema::Ecs | Schema::Ocsf | Schema::Tailpipe | Schema::Otel => mapped_head(table),
    };
    for leaf in &table.leaves {
        let null = match leaf.presence {
            Presence::Required => "never",
            Presence::Nullable => "yes",
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            page,
            "| `{}` | {} | {null} | {} | {} |",
            leaf.path,
            type_name(leaf.kind),
            source(table, leaf),
            leaf.doc
        );
    }
    page
}

/// Returns the table of the columns on request: in which tables they are, and where the other schemas have them.
pub fn enrichment() -> String {
    let schemas = || Schema::ALL.into_iter().filter(|schema| *schema != Schema::Native);
    let head: Vec<_> = schemas().map(|schema| format!("`{}`", schema.name())).collect();
    let mut page = format!("| column | type | tables | {} | meaning |\n", head.join(" | "));
    page.push_str(&"|---".repeat(head.len() + 4));
    page.push_str("|\n");
    for extra in Extras::ENRICHMENT.iter() {
        let plans: Vec<_> = LogType::ALL
            .into_iter()
            .filter(|log_type| extra.is_in(log_type.format()))
            .map(|log_type| log_type.plan_with(Extras::NONE.with(extra)))
            .collect();
        let tables = if plans.len() == LogType::ALL.len() {
            "all".to_owned()
        } else {
            let names: Vec<_> = plans.iter().map(|plan| format!("`{}`", plan.format.name)).collect();
            names.join(", ")
        };
        let first = plans.first();
        let places: Vec<_> = schemas()
            .map(|schema| first.map_or_else(String::new, |plan| paths_of(OutputTable::of(schema, plan), extra)))
            .collect();
        let column = extra.column();
        // Writing to a String cannot fail.
        let _ = writeln!(
            page,
            "| `{}` | {} | {tables} | {} | {} |",
            column.name,
            type_name(column.decode.kind()),
            places.join(" | "),
            column.doc
        );
    }
    page
}

/// Returns the paths at which a table has a column on request, or a value that is computed from it.
fn paths_of(table: &OutputTable, extra: Extra) -> String {
    let number = table.plan.column(extra.name());
    let has = |leaf: &&Leaf| match &leaf.value {
        Value::Column(column) => Some(*column) == number,
        Value::Computed { inputs, .. } => number.is_some_and(|number| inputs.contains(&number)),
        Value::Conditional { .. } | Value::Constant(_) => false,
    };
    let paths: Vec<_> = table
        .leaves
        .iter()
        .filter(has)
        .map(|leaf| format!("`{}`", leaf.path))
        .collect();
    paths.join(", ")
}

fn native_head(table: &OutputTable) -> String {
    let format = table.plan.format;
    let lengths: Vec<_> = format.lengths.iter().map(usize::to_string).collect();
    format!(
        "# {}\n\nOne row per entry of the {} ([AWS documentation]({})). Schema version {}.\n\n\
         A line has {} known fields; older lines have {}. Additional fields are kept in `extra_fields`.\n\n\
         | column | type | null | from field | meaning |\n|---|---|---|---|---|\n",
        format.name,
        format.title,
        format.page,
        table.schema.version(),
        format.fields.len(),
        listed(lengths.split_last().map_or(&[], |(_, older)| older)),
    )
}

fn mapped_head(table: &OutputTable) -> String {
    let (schema, format) = (table.schema, table.plan.format);
    let (one, nesting) = if schema.is_batched() {
        (
            "log record",
            "The part of the record precedes the name: its `resource`, its `scope` and its `attributes`.",
        )
    } else {
        ("row", "Names with dots are nested.")
    };
    format!(
        "# {} in the schema {}\n\nOne {one} per entry of the {}, with `SCHEMA={}` ({}). Mapping version {}. {nesting} The source columns are those of [the native schema](../{}.md).\n\n\
         | name | type | null | from column | meaning |\n|---|---|---|---|---|\n",
        format.name,
        schema.name(),
        format.title,
        schema.name(),
        schema.standard().unwrap_or_default(),
        schema.version(),
        format.name,
    )
}

/// Joins numbers as in a sentence.
fn listed(numbers: &[String]) -> String {
    match numbers {
        [] => "the same".to_owned(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

/// Describes the source of a leaf's values: the field of the line for the table's own columns, otherwise columns.
fn source(table: &OutputTable, leaf: &Leaf) -> String {
    let column = |number: &usize| table.plan.columns.get(*number);
    let name = |number: &usize| column(number).map(|column| format!("`{}`", column.name));
    match &leaf.value {
        Value::Column(number) if table.schema == Schema::Native => match column(number).map(|column| column.source) {
            Some(ColumnSource::Part { field, .. }) => {
                let name = table.plan.fields.get(field).map_or("", |planned| planned.field.name);
                format!("{} `{name}`", field + 1)
            }
            Some(ColumnSource::Filled(_) | ColumnSource::Extra(_)) | None => String::new(),
        },
        Value::Column(number) => name(number).unwrap_or_default(),
        Value::Conditional {
            column: number, holds, ..
        } => {
            let rows = if *holds {
                "if the schema accepts it there"
            } else {
                "if the schema does not accept it elsewhere"
            };
            format!("{}, {rows}", name(number).unwrap_or_default())
        }
        Value::Computed { inputs, .. } => {
            let names: Vec<_> = inputs.iter().filter_map(name).collect();
            format!("computed from {}", names.join(", "))
        }
        Value::Constant(_) => "constant".to_owned(),
    }
}

const fn type_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Int32 => "32-bit integer",
        Kind::Int64 => "64-bit integer",
        Kind::Float64 => "double",
        Kind::Timestamp => "timestamp (UTC, µs)",
        Kind::NaiveTimestamp => "timestamp (UTC without zone, µs)",
        Kind::Date => "date (UTC)",
        Kind::TextList => "list of text",
    }
}
