//! The lines that events keep with `KEEP_RAW`.

use std::collections::BTreeMap;

use alb_ingest::encode::FileFormat;
use alb_ingest::formats::{ALB_ACCESS, Extra, Extras, FORMATS, LogType};
use alb_ingest::generate::{Object, Rate};
use alb_ingest::ingest::Options;
use alb_ingest::schema::mapping::Schema;
use alb_ingest::transform::Transform;
use alb_ingest::transform::redact::Redact;
use serde_json::Value;

use crate::common::any::{read_parquet, text_of};
use crate::common::otlp::records;
use crate::common::{Run, ingest, ingest_chunks, json, object, rows};
use crate::objects::{access, key};
use crate::vended;

fn keeping(options: Options) -> Options {
    Options {
        transform: Transform {
            extras: Extras::NONE.with(Extra::RawLine),
            ..Transform::default()
        },
        ..options
    }
}

/// Each line is that of its event, in files of both formats, whatever the line is like.
#[test]
fn every_event_has_its_line() {
    for format in FORMATS {
        let mut made = Object::new(format, 11, 400);
        made.traffic.hostile = Rate::per_million(500_000);
        made.traffic.repairable = Rate::per_million(100_000);
        made.traffic.broken = Rate::per_million(50_000);
        let text = text_of(&made);
        let lines: Vec<_> = text.split(|byte| *byte == b'\n').collect();
        let run = |options| ingest_chunks(object(&made.key()), &text, &[1_000, 70_000], &keeping(options));
        let events = rows(&run(json()).events());
        assert!(events.len() > 300);
        let mut several = 0;
        for event in &events {
            let number = usize::try_from(event["source_line"].as_u64().unwrap()).unwrap();
            let raw = event["raw_line"].as_str().unwrap();
            // A Classic entry may have several physical lines.
            let wanted = raw.split('\n').count();
            let line = lines[number - 1..][..wanted].join(&b'\n');
            let line = line.strip_suffix(b"\r").unwrap_or(&line);
            match str::from_utf8(line) {
                Ok(line) => assert_eq!(raw, line),
                Err(_) => assert!(raw.contains(r"\x")),
            }
            several += usize::from(wanted > 1);
        }
        assert_eq!(several > 0, format.log_type == LogType::ClbAccess, "{}", format.name);
        let by_id = |events: Vec<Value>| -> BTreeMap<_, _> {
            let events = events.into_iter();
            events
                .map(|event| (event["event_id"].to_string(), event["raw_line"].clone()))
                .collect()
        };
        let parquet = run(Options::default());
        let files = parquet.files.iter().filter(|(key, _)| !key.starts_with("_quarantine/"));
        let from_parquet = files.flat_map(|(_, file)| read_parquet(file)).map(Value::Object);
        assert_eq!(by_id(from_parquet.collect()), by_id(events));
    }
}

/// Returns the events of a run that wrote JSON.
fn parsed(schema: Schema, run: &Run) -> Vec<Value> {
    if schema.is_batched() {
        records(&run.events())
    } else {
        rows(&run.events())
    }
}

#[test]
fn each_schema_has_the_line_in_its_place() {
    for (schema, path) in [
        (Schema::Native, "/raw_line"),
        (Schema::Panther, "/rawLine"),
        (Schema::Ecs, "/event/original"),
        (Schema::Ocsf, "/unmapped/raw_line"),
        (Schema::Tailpipe, "/raw_line"),
        (Schema::Otel, "/attributes.log.record.original"),
    ] {
        // A file of batches has no Parquet form.
        for format in FileFormat::ALL
            .into_iter()
            .filter(|format| *format == FileFormat::Json || !schema.is_batched())
        {
            let options = Options {
                schema,
                format,
                ..json()
            };
            let run = ingest(&key(&ALB_ACCESS), access(1).as_bytes(), &keeping(options));
            let event = match format {
                FileFormat::Json => parsed(schema, &run).remove(0),
                FileFormat::Parquet => Value::Object(read_parquet(&run.events()).remove(0)),
            };
            assert_eq!(event.pointer(path), Some(&Value::from(access(1))), "{schema:?}");
        }
        let options = Options { schema, ..json() };
        let without = parsed(schema, &ingest(&key(&ALB_ACCESS), access(1).as_bytes(), &options));
        assert_eq!(without[0].pointer(path), None, "{schema:?}");
    }
}

#[test]
fn line_endings_are_not_part_of_the_line_and_other_bytes_are_escaped() {
    let line = access(1).replace("agent", "ag\u{e9}nt \\x22");
    let mut text = format!("{line}\r\n").into_bytes();
    text.extend(access(2).replace("agent", "ag?nt").bytes().map(|byte| match byte {
        b'?' => 0xe9,
        byte => byte,
    }));
    let events = rows(&ingest(&key(&ALB_ACCESS), &text, &keeping(json())).events());
    assert_eq!(events[0]["raw_line"], line);
    assert_eq!(events[1]["raw_line"], access(2).replace("agent", r"ag\xE9nt"));
}

/// Of a vended log it is the line of the delivery, not that of the legacy log.
#[test]
fn events_of_vended_logs_have_their_lines() {
    let lines = [
        vended::access(r#","user_agent":"a \"b\" \u00e9""#),
        r#"{"type":"https","time":"no time"}"#.to_owned(),
        vended::access(r#", "new": 1"#),
    ];
    let run = ingest(
        &key(&ALB_ACCESS),
        (lines.join("\n") + "\n").as_bytes(),
        &keeping(json()),
    );
    assert_eq!((run.ledger().events, run.ledger().quarantined), (2, 1));
    let events = rows(&run.events());
    assert_eq!(events[0]["raw_line"], lines[0]);
    assert_eq!(events[1]["raw_line"], lines[2]);
}

/// Redaction does not stop at the line, which has every value that a rule removes from its column.
#[test]
fn lines_are_redacted_as_malformed_lines_are() {
    let redact = |keep: bool| {
        let redact = Redact::parse("client_ip=truncate,query=keys,user_agent=drop").unwrap();
        let options = keeping(json());
        Options {
            transform: Transform {
                redact: Some(redact.keeping_raw(keep)),
                ..options.transform
            },
            ..options
        }
    };
    let line = access(1).replace("/items", "/items?token=secret");
    let malformed = line.replace(" 200 200 ", " 2xx 200 ");
    // What is kept of malformed lines is no permission for those of events.
    for keep in [false, true] {
        let text = format!("{line}\n{malformed}\n");
        let run = ingest(&key(&ALB_ACCESS), text.as_bytes(), &redact(keep));
        let (events, quarantine) = (rows(&run.events()), rows(&run.quarantine()));
        let raw = events[0]["raw_line"].as_str().unwrap();
        for secret in ["198.51.100.7", "secret", "agent 1"] {
            assert!(line.contains(secret) && !raw.contains(secret), "{raw}");
        }
        assert!(raw.contains("token=") && raw.contains(" 200 200 350 1024 "), "{raw}");
        if !keep {
            // The fault is after the addresses.
            let as_malformed = quarantine[0]["raw"].as_str().unwrap();
            assert_eq!(raw.split(' ').nth(3), as_malformed.split(' ').nth(3));
        }
    }
}
