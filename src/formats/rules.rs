//! Rules that every table keeps.

use std::collections::BTreeSet;

use super::{Decode, FORMATS, Kind, LEADING, Place, Presence, Source, TRAILING};

/// Words that Athena's DDL or queries reserve and that therefore name no column.
const RESERVED: &[&str] = &[
    "all",
    "alter",
    "and",
    "array",
    "as",
    "between",
    "by",
    "case",
    "cast",
    "column",
    "create",
    "date",
    "describe",
    "double",
    "drop",
    "end",
    "exists",
    "external",
    "false",
    "for",
    "from",
    "full",
    "group",
    "having",
    "in",
    "index",
    "insert",
    "int",
    "interval",
    "into",
    "is",
    "join",
    "left",
    "like",
    "map",
    "not",
    "null",
    "of",
    "on",
    "or",
    "order",
    "outer",
    "partition",
    "right",
    "row",
    "rows",
    "select",
    "set",
    "table",
    "then",
    "time",
    "to",
    "true",
    "union",
    "user",
    "using",
    "values",
    "view",
    "when",
    "where",
    "with",
];

fn legal(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && !RESERVED.contains(&name)
}

#[test]
fn names_are_unique_and_legal() {
    let tables: BTreeSet<_> = FORMATS.iter().map(|format| format.name).collect();
    assert_eq!(tables.len(), FORMATS.len());
    for format in FORMATS {
        assert!(legal(format.name), "{}", format.name);
        let fields: BTreeSet<_> = format.fields.iter().map(|field| field.name).collect();
        assert_eq!(
            fields.len(),
            format.fields.len(),
            "{}: a field stands twice",
            format.name
        );
        let mut columns = BTreeSet::new();
        for column in &format.plan().columns {
            assert!(legal(column.name), "{}.{}", format.name, column.name);
            assert!(
                columns.insert(column.name),
                "{}.{} stands twice",
                format.name,
                column.name
            );
        }
    }
}

#[test]
fn docs_are_one_sentence_that_glue_takes() {
    for format in FORMATS {
        for column in &format.plan().columns {
            let doc = column.doc;
            assert!(
                !doc.is_empty() && doc.len() <= 255,
                "{}.{}: {} bytes",
                format.name,
                column.name,
                doc.len()
            );
            assert!(
                doc.ends_with('.') && doc.is_ascii(),
                "{}.{}: {doc}",
                format.name,
                column.name
            );
        }
    }
}

#[test]
fn every_field_is_used_and_every_part_has_its_column() {
    for format in FORMATS {
        for field in format.fields {
            if field.name == format.event_time {
                assert!(
                    field.columns().is_empty(),
                    "{}: the event's time feeds timestamp",
                    format.name
                );
            } else {
                assert_eq!(
                    field.columns().len(),
                    field.split.parts(),
                    "{}.{}",
                    format.name,
                    field.name
                );
            }
            for column in field.columns() {
                assert!(
                    !matches!(column.decode, Decode::Filled(_)),
                    "{}.{}",
                    format.name,
                    column.name
                );
                if let Place::Behind(name) = column.place {
                    let found = format.plan().column(name).is_some();
                    assert!(
                        name.is_empty() || found,
                        "{}.{} stands behind no column",
                        format.name,
                        column.name
                    );
                }
            }
        }
        assert!(format.fields.iter().any(|field| field.name == format.event_time));
        assert!(
            LEADING
                .iter()
                .chain(&TRAILING)
                .all(|column| matches!(column.decode, Decode::Filled(_)))
        );
    }
}

#[test]
fn required_columns_stand_on_every_line() {
    for format in FORMATS {
        for column in format
            .plan()
            .columns
            .iter()
            .filter(|column| column.presence == Presence::Required)
        {
            if let Source::Part { field, .. } = column.source {
                assert!(
                    field < format.min_fields,
                    "{}.{} may be missing",
                    format.name,
                    column.name
                );
            }
        }
        let timestamp = &format.plan().columns[1];
        assert_eq!((timestamp.name, timestamp.kind), ("timestamp", Kind::Timestamp));
        assert!(
            matches!(
                timestamp.source,
                Source::Part {
                    decode: Decode::Time,
                    ..
                }
            ),
            "{}",
            format.name
        );
        assert_eq!(timestamp.presence, Presence::Required);
    }
}

#[test]
fn lengths_rise_from_the_shortest_line_to_the_table() {
    for format in FORMATS {
        assert!(format.lengths.is_sorted(), "{}", format.name);
        assert_eq!(format.lengths.first(), Some(&format.min_fields), "{}", format.name);
        assert_eq!(format.lengths.last(), Some(&format.fields.len()), "{}", format.name);
        assert!(std::ptr::eq(format.plan().format, format));
    }
}

/// Readers rely on the order of the columns: this list only ever grows, in front of `extra_fields`.
#[test]
fn columns_keep_their_order() {
    let committed = include_str!("../../tests/golden/columns.txt");
    for format in FORMATS {
        let names: Vec<_> = format.plan().columns.iter().map(|column| column.name).collect();
        let line = format!("{}: {}", format.name, names.join(" "));
        assert!(
            committed.lines().any(|known| known == line),
            "tests/golden/columns.txt misses\n{line}"
        );
    }
}
