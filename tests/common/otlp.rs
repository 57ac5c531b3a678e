//! A strict reader of OTLP/JSON, independent of the engine.

use serde_json::{Map, Value, json};

/// Parses lines; returns the log records of each, with names as in the schema's mapping: `resource.cloud.provider`,
/// `attributes.client.address`, `timeUnixNano`. Integers and times are in the form of the native schema.
pub(crate) fn batches(bytes: &[u8]) -> Vec<Vec<Value>> {
    assert!(bytes.is_empty() || bytes.ends_with(b"\n"));
    super::rows(bytes).iter().map(batch).collect()
}

/// Returns the log records of all lines.
pub(crate) fn records(bytes: &[u8]) -> Vec<Value> {
    batches(bytes).concat()
}

fn batch(line: &Value) -> Vec<Value> {
    let resource_logs = only(members(line, &["resourceLogs"], &[])[0]);
    let [resource, scope_logs] = members(resource_logs, &["resource", "scopeLogs"], &[])[..] else {
        unreachable!()
    };
    let scope_logs = only(scope_logs);
    let [scope, records] = members(scope_logs, &["scope", "logRecords"], &[])[..] else {
        unreachable!()
    };
    let mut shared = Map::new();
    attributes("resource", members(resource, &["attributes"], &[])[0], &mut shared);
    let [name, scope] = members(scope, &["name", "attributes"], &[])[..] else {
        unreachable!()
    };
    assert_eq!(name, "alb-ingest");
    attributes("scope", scope, &mut shared);
    let records = records.as_array().unwrap();
    assert!(!records.is_empty());
    records.iter().map(|found| record(found, shared.clone())).collect()
}

fn record(found: &Value, mut record: Map<String, Value>) -> Value {
    let own = members(found, &["attributes"], &["timeUnixNano", "traceId"]);
    attributes("attributes", own[0], &mut record);
    if let Some(nanos) = found.get("timeUnixNano") {
        let nanos: u64 = nanos.as_str().unwrap().parse().unwrap();
        let micros = i64::try_from(nanos / 1_000).unwrap();
        assert!(nanos > 0 && nanos.is_multiple_of(1_000), "{nanos}");
        let time = jiff::Timestamp::from_microsecond(micros).unwrap();
        let time = time.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
        record.insert("timeUnixNano".to_owned(), time.into());
    }
    if let Some(id) = found.get("traceId") {
        let digits = id.as_str().unwrap();
        assert!(
            digits.len() == 32
                && digits
                    .bytes()
                    .all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit))
        );
        assert!(digits.bytes().any(|digit| digit != b'0'));
        record.insert("traceId".to_owned(), id.clone());
    }
    Value::Object(record)
}

/// Returns the required members of an object, which has no others but the optional ones.
fn members<'a>(object: &'a Value, required: &[&str], optional: &[&str]) -> Vec<&'a Value> {
    let object = object.as_object().unwrap();
    for name in object.keys() {
        assert!(
            required.contains(&name.as_str()) || optional.contains(&name.as_str()),
            "{name}"
        );
    }
    required.iter().map(|name| &object[*name]).collect()
}

fn only(list: &Value) -> &Value {
    match list.as_array().unwrap().as_slice() {
        [one] => one,
        other => panic!("{} instead of one", other.len()),
    }
}

fn attributes(group: &str, list: &Value, into: &mut Map<String, Value>) {
    for attribute in list.as_array().unwrap() {
        let [key, value] = members(attribute, &["key", "value"], &[])[..] else {
            unreachable!()
        };
        let name = format!("{group}.{}", key.as_str().unwrap());
        assert!(into.insert(name.clone(), any_value(value)).is_none(), "{name} twice");
    }
}

/// Returns an `AnyValue` as it is in the native schema: 64-bit integers are texts of digits in OTLP.
fn any_value(value: &Value) -> Value {
    let value = value.as_object().unwrap();
    assert_eq!(value.len(), 1, "{value:?}");
    match value.iter().next().map(|(kind, value)| (kind.as_str(), value)).unwrap() {
        ("stringValue", text) if text.is_string() => text.clone(),
        ("intValue", Value::String(digits)) => json!(digits.parse::<i64>().unwrap()),
        ("doubleValue", number) if number.is_number() => number.clone(),
        ("arrayValue", list) => {
            let items = members(list, &["values"], &[])[0].as_array().unwrap();
            items.iter().map(any_value).collect()
        }
        other => panic!("{other:?}"),
    }
}
