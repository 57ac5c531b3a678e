//! A table's columns as markdown for `docs/`.

use std::fmt::Write as _;

use crate::formats::{Kind, Presence, Source};
use crate::schema::mapping::{Leaf, OutputTable, Schema, Value};

/// The page of one table in one schema.
pub fn page(shape: &OutputTable) -> String {
    let mut page = head(shape);
    for leaf in &shape.leaves {
        let null = if leaf.presence == Presence::Required {
            "never"
        } else {
            "yes"
        };
        // Writing to a String does not fail.
        let _ = writeln!(
            page,
            "| `{}` | {} | {null} | {} | {} |",
            leaf.path,
            type_name(leaf.kind),
            from(shape, leaf),
            leaf.doc
        );
    }
    page
}

fn head(shape: &OutputTable) -> String {
    let (schema, format) = (shape.schema, shape.plan.format);
    if schema == Schema::Native {
        return format!(
            "# {}\n\nOne row for each entry of the {} ([AWS's page]({})). Schema version {}.\n\n\
             A line has {} known fields; lines of {} fields exist in archives. Fields behind the last known one are kept in \
             `extra_fields`.\n\n\
             | column | type | null | from field | meaning |\n|---|---|---|---|---|\n",
            format.name,
            format.title,
            format.page,
            schema.version(),
            format.fields.len(),
            format
                .lengths
                .iter()
                .map(usize::to_string)
                .collect::<Vec<_>>()
                .join(", "),
        );
    }
    format!(
        "# {} in the schema {}\n\nOne row for each entry of the {}, with `SCHEMA={}` ({}). Version {} of the mapping. Names \
         with dots are nested. The columns that values come from are those of [the native schema](../{}.md).\n\n\
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

/// Where a leaf's values come from: a field of the line for the table's own columns, else columns.
fn from(shape: &OutputTable, leaf: &Leaf) -> String {
    let name = |column: &usize| {
        shape
            .plan
            .columns
            .get(*column)
            .map(|column| format!("`{}`", column.name))
    };
    match &leaf.value {
        Value::Column(column) if shape.schema == Schema::Native => {
            match shape.plan.columns.get(*column).map(|column| column.source) {
                Some(Source::Part { field, .. }) => {
                    let name = shape.plan.fields.get(field).map_or("", |planned| planned.field.name);
                    format!("{} `{name}`", field + 1)
                }
                _ => String::new(),
            }
        }
        Value::Column(column) => name(column).unwrap_or_default(),
        Value::Conditional { column, holds, .. } => {
            let rows = if *holds {
                "where it fits"
            } else {
                "where it fits nowhere else"
            };
            format!("{}, {rows}", name(column).unwrap_or_default())
        }
        Value::Computed { inputs, .. } => {
            let names: Vec<_> = inputs.iter().filter_map(name).collect();
            format!("made of {}", names.join(", "))
        }
        Value::Constant(_) => "always the same".to_owned(),
    }
}

const fn type_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Int32 => "32-bit integer",
        Kind::Int64 => "64-bit integer",
        Kind::Float64 => "double",
        Kind::Timestamp => "timestamp (UTC, µs)",
        Kind::TextList => "list of text",
    }
}
