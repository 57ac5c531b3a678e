//! Rules for every table.

use std::collections::BTreeSet;

use super::{BalancerKind, ColumnSource, Decode, FORMATS, Kind, LEADING, LogType, Position, Presence, TRAILING};

/// Words that are reserved in Athena's DDL or queries, which must not be column names.
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
fn each_log_type_has_its_own_table() {
    for (log_type, format) in LogType::ALL.into_iter().zip(FORMATS) {
        assert_eq!(format.log_type, log_type);
        assert!(std::ptr::eq(log_type.format(), format));
        assert!(std::ptr::eq(format.plan().format, format));
        assert_eq!(LogType::from_table(format.name), Some(log_type));
    }
    assert_eq!(LogType::from_table("elb_log"), None);
}

#[test]
fn each_log_type_is_recognized_by_its_file_name() {
    for log_type in LogType::ALL {
        let objects = &log_type.format().objects;
        for copied in ["", "copy_of_"] {
            let before = format!("{copied}{}", objects.prefix);
            assert_eq!(LogType::from_file_name(&before, objects.balancer), Some(log_type));
        }
    }
    let ids: BTreeSet<_> = BalancerKind::ALL.into_iter().map(BalancerKind::id_prefix).collect();
    assert_eq!(ids.len(), BalancerKind::ALL.len());
}

#[test]
fn names_are_unique_and_legal() {
    for format in FORMATS {
        assert!(legal(format.name), "{}", format.name);
        let fields: BTreeSet<_> = format.fields.iter().map(|field| field.name).collect();
        assert_eq!(
            fields.len(),
            format.fields.len(),
            "{}: two fields have the same name",
            format.name
        );
        let mut columns = BTreeSet::new();
        for column in &format.plan().columns {
            assert!(legal(column.name), "{}.{}", format.name, column.name);
            assert!(
                columns.insert(column.name),
                "{}: two columns are named {}",
                format.name,
                column.name
            );
        }
    }
}

#[test]
fn docs_are_one_sentence_within_glues_limit() {
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
fn every_part_of_a_field_has_a_column() {
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
                if let Position::After(name) = column.position {
                    let found = format.plan().column(name).is_some();
                    assert!(
                        name.is_empty() || found,
                        "{}.{} is positioned after an unknown column",
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
fn required_columns_are_on_lines_of_every_length() {
    for format in FORMATS {
        for column in format
            .plan()
            .columns
            .iter()
            .filter(|column| column.presence == Presence::Required)
        {
            if let ColumnSource::Part { field, .. } = column.source {
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
                ColumnSource::Part {
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
fn lengths_ascend_from_the_shortest_line_to_all_fields() {
    for format in FORMATS {
        assert!(format.lengths.is_sorted(), "{}", format.name);
        assert_eq!(format.lengths.first(), Some(&format.min_fields), "{}", format.name);
        assert_eq!(format.lengths.last(), Some(&format.fields.len()), "{}", format.name);
    }
}

/// Readers rely on the order of the columns: the list only ever grows, before `extra_fields`.
#[test]
fn columns_keep_their_order() {
    let committed = include_str!("../../tests/golden/columns.txt");
    for format in FORMATS {
        let names: Vec<_> = format.plan().columns.iter().map(|column| column.name).collect();
        let line = format!("{}: {}", format.name, names.join(" "));
        assert!(
            committed.lines().any(|known| known == line),
            "tests/golden/columns.txt lacks\n{line}"
        );
    }
}
