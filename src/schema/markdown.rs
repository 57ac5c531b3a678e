//! A table's columns as markdown for `docs/`.

use std::fmt::Write as _;

use crate::format::{Format, Kind, Presence, SCHEMA_VERSION, Source};

/// The page of one table.
pub fn page(format: &'static Format) -> String {
    let plan = format.plan();
    let mut page = String::new();
    // Writing to a String does not fail.
    let _ = write!(
        page,
        "# {}\n\nOne row for each entry of the {} ([AWS's page]({})). Schema version {SCHEMA_VERSION}.\n\n\
         A line has {} known fields; lines of {} fields exist in archives. Fields behind the last known one are kept in \
         `extra_fields`.\n\n\
         | column | type | null | from field | meaning |\n|---|---|---|---|---|\n",
        format.name,
        format.title,
        format.page,
        format.fields.len(),
        format
            .lengths
            .iter()
            .map(usize::to_string)
            .collect::<Vec<_>>()
            .join(", "),
    );
    for column in &plan.columns {
        let from = match column.source {
            Source::Part { field, .. } => {
                let name = plan.fields.get(field).map_or("", |planned| planned.field.name);
                format!("{} `{name}`", field + 1)
            }
            Source::Filled(_) => String::new(),
        };
        let null = if column.presence == Presence::Required {
            "never"
        } else {
            "yes"
        };
        let _ = writeln!(
            page,
            "| `{}` | {} | {null} | {from} | {} |",
            column.name,
            type_name(column.kind),
            column.doc
        );
    }
    page
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
