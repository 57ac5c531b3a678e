//! Every schema contains the values of the table's own columns, in JSON and in Parquet.

use std::collections::{BTreeMap, BTreeSet};

use crate::common;
use crate::common::any::{any_object, bytes_of, cases, read_parquet};
use crate::common::otlp;
use alb_ingest::config::SETTINGS;
use alb_ingest::encode::FileFormat;
use alb_ingest::formats::{Escapes, Extras, FORMATS, Kind};
use alb_ingest::ingest::Options;
use alb_ingest::schema::mapping::{Leaf, Literal, OutputTable, Rule, Schema, Test, Value};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value as Json, json};

/// The maximum length of a comment in Glue, in bytes.
const MAX_COMMENT_BYTES: usize = 255;

/// Every table in every schema, without and with the columns on request.
fn tables() -> impl Iterator<Item = &'static OutputTable> {
    let plans = FORMATS
        .into_iter()
        .flat_map(|format| [format.plan(), format.log_type.plan_with(Extras::ALL)]);
    plans.flat_map(|plan| Schema::ALL.map(|schema| OutputTable::of(schema, plan)))
}

fn others() -> Vec<Schema> {
    let others = Schema::ALL.into_iter().filter(|schema| *schema != Schema::Native);
    others.collect()
}

#[test]
fn every_schema_contains_every_column_unchanged() {
    for table in tables() {
        let taken: BTreeSet<_> = table
            .leaves
            .iter()
            .filter_map(|leaf| match leaf.value {
                // The property test below verifies that the other rows of a conditional column are not lost.
                Value::Column(column) | Value::Conditional { column, .. } => Some(column),
                // So it does for columns that Tailpipe has in another form.
                Value::Computed { ref inputs, .. } if is_converted(table, leaf) => Some(inputs[0]),
                _ => None,
            })
            .collect();
        let lost = table.plan.columns.iter().enumerate();
        let lost: Vec<_> = lost
            .filter(|(number, _)| !taken.contains(number))
            .map(|(_, column)| column.name)
            .collect();
        assert!(
            lost.is_empty(),
            "{:?} {} lacks {lost:?}",
            table.schema,
            table.plan.format.name
        );
    }
}

/// Returns whether a leaf has a column in another form, from which its value can be read.
fn is_converted(table: &OutputTable, leaf: &Leaf) -> bool {
    let Value::Computed { rule, .. } = leaf.value else {
        return false;
    };
    match table.schema {
        Schema::Tailpipe => !leaf.path.starts_with("tp_"),
        Schema::Panther => matches!(rule, Rule::Logged),
        Schema::Ecs => leaf.path == "aws.elb.backend.port",
        Schema::Native | Schema::Ocsf | Schema::Otel => false,
    }
}

/// Returns what a converted value is if the column has this value.
fn converted(native: &Json, kind: Kind, escapes: Escapes) -> Option<Json> {
    Some(match (native, kind) {
        (Json::Number(number), Kind::Int64) => json!(number.as_i64()?),
        (Json::Number(number), Kind::Text) => json!(number.to_string()),
        (Json::Number(number), Kind::Float64) => json!(number.as_f64()?),
        (Json::String(text), Kind::Int64) => json!(text.parse::<i64>().ok()?),
        (Json::Array(items), _) => {
            let items: Vec<_> = items.iter().map(|item| item.as_str().unwrap()).collect();
            json!(items.join(" "))
        }
        (Json::String(text), _) => {
            let bytes = text.bytes().map(|byte| match (byte, escapes) {
                (b'"', Escapes::BackslashQuote) => "\\\"".to_owned(),
                (b' '..=b'~', _) if byte != b'"' && byte != b'\\' => char::from(byte).to_string(),
                _ => format!("\\x{byte:02X}"),
            });
            json!(bytes.collect::<String>())
        }
        _ => return None,
    })
}

/// The inputs of a test, the test, and its required result.
type Half<'a> = (&'a Vec<usize>, Test, bool);

/// A column at two paths is complete: all paths have the same test, and one of them has the rows in which it fails.
#[test]
fn conditional_columns_are_complete() {
    for table in tables() {
        let mut halves: BTreeMap<usize, Vec<Half<'_>>> = BTreeMap::new();
        for leaf in &table.leaves {
            if let Value::Conditional {
                column,
                inputs,
                test,
                holds,
            } = &leaf.value
            {
                halves.entry(*column).or_default().push((inputs, *test, *holds));
            }
        }
        for (column, halves) in halves {
            let name = table.plan.columns[column].name;
            let (inputs, test, _) = halves[0];
            let alike = |half: &Half<'_>| half.0 == inputs && std::ptr::fn_addr_eq(half.1, test);
            assert!(
                halves.iter().all(alike),
                "{:?}: {name} has two different tests",
                table.schema
            );
            let rest = halves.iter().filter(|(_, _, holds)| !holds).count();
            assert!(
                rest == 1 && halves.len() > 1,
                "{:?}: {name} is incomplete",
                table.schema
            );
        }
    }
}

#[test]
fn names_are_unique_and_documented() {
    for table in tables() {
        let name = table.plan.format.name;
        let mut seen = BTreeSet::new();
        for leaf in &table.leaves {
            // Glue has names in lowercase.
            let path = leaf.path.to_ascii_lowercase();
            assert!(seen.insert(path.clone()), "{:?} {name} has {path} twice", table.schema);
            assert!(
                !leaf.doc.is_empty() && leaf.doc.len() <= MAX_COMMENT_BYTES,
                "{name} {path}"
            );
            assert!(leaf.doc.ends_with('.'), "{name} {path}: {}", leaf.doc);
        }
        for path in &seen {
            let groups = path.match_indices('.').filter_map(|(at, _)| path.get(..at));
            for group in groups {
                assert!(
                    !seen.contains(group),
                    "{:?} {name}: {group} is a value and a group",
                    table.schema
                );
            }
        }
    }
}

#[test]
fn a_name_has_one_type_in_every_table() {
    for schema in Schema::ALL {
        let mut kinds = BTreeMap::new();
        for leaf in tables()
            .filter(|table| table.schema == schema)
            .flat_map(|table| &table.leaves)
        {
            let kind = *kinds.entry(&leaf.path).or_insert(leaf.kind);
            assert_eq!(kind, leaf.kind, "{schema:?} {}", leaf.path);
        }
    }
}

#[test]
fn every_schema_is_an_allowed_setting() {
    for schema in Schema::ALL {
        assert_eq!(Schema::parse(schema.name()), Some(schema));
    }
    assert_eq!(Schema::parse("Native"), None);
    let setting = SETTINGS.iter().find(|setting| setting.name == "SCHEMA").unwrap();
    assert_eq!(setting.allowed, Schema::ALL.map(Schema::name).join(", "));
}

/// Removes the value of a leaf from an event. A log record has the path as its name.
fn take_leaf(table: &OutputTable, event: &mut Json, leaf: &Leaf) -> Option<Json> {
    if table.schema.is_batched() {
        return event.as_object_mut()?.remove(&leaf.path);
    }
    take(event, &leaf.path)
}

/// Removes the value at a path from an event, and groups that are empty afterwards.
fn take(event: &mut Json, path: &str) -> Option<Json> {
    let Some((name, rest)) = path.split_once('.') else {
        return event.as_object_mut()?.remove(path);
    };
    let group = event.get_mut(name)?;
    let taken = take(group, rest);
    if group.as_object().is_some_and(serde_json::Map::is_empty) {
        event.as_object_mut()?.remove(name);
    }
    taken
}

fn literal(literal: Literal) -> Json {
    match literal {
        Literal::Text(text) => json!(text),
        Literal::Int32(number) => json!(number),
        Literal::Int64(number) => json!(number),
        Literal::Words(words) => json!(words),
    }
}

/// Verifies that an event has the values of the native event at the paths of its columns, and apart from them only constants
/// and computed values.
fn maps_back(table: &OutputTable, native: &Json, event: &Json) -> Result<(), TestCaseError> {
    let mut rest = event.clone();
    // The values of conditional columns.
    let mut halves: BTreeMap<&str, Vec<Json>> = BTreeMap::new();
    for leaf in &table.leaves {
        let taken = take_leaf(table, &mut rest, leaf);
        match &leaf.value {
            Value::Column(column) => {
                let name = table.plan.columns[*column].name;
                let mut expected = native.get(name).cloned();
                if let (Kind::NaiveTimestamp, Some(Json::String(time))) = (leaf.kind, &mut expected) {
                    assert_eq!(time.pop(), Some('Z'));
                }
                prop_assert_eq!(taken, expected, "{} from {}", &leaf.path, name);
            }
            Value::Constant(value) => prop_assert_eq!(taken, Some(literal(*value)), "{}", &leaf.path),
            Value::Conditional { column, .. } => {
                let found = halves.entry(table.plan.columns[*column].name).or_default();
                // Several paths with the same condition may have the value.
                found.extend(taken.filter(|value| !found.contains(value)));
            }
            Value::Computed { inputs, .. } if is_converted(table, leaf) => {
                let name = table.plan.columns[inputs[0]].name;
                let escapes = table.plan.format.escapes;
                let mut expected = native.get(name).and_then(|value| converted(value, leaf.kind, escapes));
                if expected.is_none() && leaf.kind == Kind::Float64 && taken == Some(json!(-1.0)) {
                    // Not measured, which the column has as null.
                    expected.clone_from(&taken);
                }
                prop_assert_eq!(taken, expected, "{} from {}", &leaf.path, name);
            }
            Value::Computed { .. } => {
                let fits = taken.is_none_or(|value| match leaf.kind {
                    Kind::Text | Kind::Timestamp | Kind::NaiveTimestamp | Kind::Date => value.is_string(),
                    Kind::Int32 | Kind::Int64 => value.is_i64(),
                    Kind::Float64 => value.is_f64(),
                    Kind::TextList => value.is_array(),
                });
                prop_assert!(fits, "{}", &leaf.path);
            }
        }
    }
    for (name, found) in halves {
        let expected: Vec<_> = native.get(name).cloned().into_iter().collect();
        prop_assert_eq!(found, expected, "{}", name);
    }
    prop_assert_eq!(rest, json!({}), "not in the schema");
    Ok(())
}

fn same(json: &Json, parquet: &Json) -> bool {
    match (json, parquet) {
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(name, value)| b.get(name).is_some_and(|other| same(value, other)))
        }
        // serde_json does not guarantee the last bit.
        (Json::Number(a), Json::Number(b)) if a.is_f64() => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            (a - b).abs() <= 2.0 * f64::EPSILON * a.abs()
        }
        _ => json == parquet,
    }
}

proptest! {
    #![proptest_config(cases(120))]

    /// The events are the same in every schema and both formats.
    #[test]
    fn every_schema_contains_the_values_of_the_columns(object in any_object(), schema in select(others()), enriched: bool) {
        let (bytes, _) = bytes_of(&object);
        let key = object.key();
        let ingest = |options| {
            let options = if enriched { common::enriched(options) } else { options };
            common::ingest(&key, &bytes, &options)
        };
        let native = ingest(common::json());
        let in_json = ingest(Options { schema, ..common::json() });
        prop_assert_eq!(native.result.is_ok(), in_json.result.is_ok());
        let extras = if enriched { Extras::ENRICHMENT } else { Extras::NONE };
        let table = OutputTable::of(schema, object.format.log_type.plan_with(extras));
        let refused = |row: &Json| row["reason"] == "required_by_schema";
        let mut quarantine = common::rows(&in_json.quarantine());
        quarantine.retain(|row| !refused(row));
        prop_assert_eq!(common::rows(&native.quarantine()), quarantine);
        let events = if schema.is_batched() {
            otlp::records(&in_json.events())
        } else {
            common::rows(&in_json.events())
        };
        let mut natives = common::rows(&native.events());
        // An event without a value that the schema requires is malformed for it.
        let required: Vec<_> = table.required().map(|column| table.plan.columns[column].name).collect();
        natives.retain(|event| required.iter().all(|name| event.get(name).is_some()));
        prop_assert_eq!(natives.len(), events.len());
        for (native, event) in natives.iter().zip(&events) {
            maps_back(table, native, event)?;
        }
        if schema.is_batched() {
            return Ok(());
        }
        let in_parquet = ingest(Options { schema, format: FileFormat::Parquet, ..Options::default() });
        prop_assert_eq!(in_json.quarantine(), in_parquet.quarantine());
        let files = in_parquet.files.iter().filter(|(key, _)| !key.starts_with("_quarantine/"));
        let rows: Vec<_> = files.flat_map(|(_, bytes)| read_parquet(bytes)).collect();
        prop_assert_eq!(rows.len(), events.len());
        for (event, row) in events.iter().zip(rows) {
            let row = Json::Object(row);
            prop_assert!(same(event, &row), "{}\n{}", event, row);
        }
    }
}
