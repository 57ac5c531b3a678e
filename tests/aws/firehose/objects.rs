//! Whole objects through the engine to a stream.

use std::collections::BTreeSet;

use alb_ingest::encode::MAX_BATCH_BYTES;
use alb_ingest::formats::FORMATS;
use alb_ingest::generate::{Object, Packing, Rate};
use alb_ingest::ingest::{Ingest, IngestError, Ledger, OnCorrupt, Options, Outcome, PartitionBy, Target};
use alb_ingest::object::ObjectRef;
use alb_ingest::schema::mapping::Schema;
use alb_ingest::storage::firehose::Stream;
use alb_ingest::storage::firehose::pack::MAX_RECORD_BYTES;
use serde_json::Value;

use super::{NAME, PACKED, PARTITIONED, SINGLE, check_events, check_limits, id, lines, quick, server};
use crate::common::otlp::records;
use crate::common::{Memory, Run, ingest_chunks, json, rows};
use crate::servers::fault::{Chances, Fault, Mask, Op, Rule};

/// Returns the options for a stream.
fn settings() -> Options {
    Options {
        partition_by: PartitionBy::None,
        ..json()
    }
}

fn object(key: &str) -> ObjectRef {
    ObjectRef {
        bucket: "logs".to_owned(),
        key: key.to_owned(),
        version: "1".to_owned(),
    }
}

/// Ingests an object to the stream; returns the outcome and the quarantine.
fn ingest(stream: &Stream, key: &str, bytes: &[u8], settings: &Options) -> (Result<Outcome, IngestError>, Vec<u8>) {
    let quarantine = Memory::default();
    let target = Target {
        options: settings,
        events: stream,
        quarantine: &quarantine,
    };
    let mut ingest = Ingest::begin(object(key), target).ok().unwrap();
    let pushed = bytes.chunks(50_000).try_for_each(|chunk| ingest.push(chunk));
    let result = pushed.and_then(|()| ingest.finish());
    (result, quarantine.files().into_values().flatten().collect())
}

fn ledger(result: Result<Outcome, IngestError>) -> Ledger {
    match result.unwrap() {
        Outcome::Ingested(ledger) => {
            assert_eq!(ledger.lines, ledger.events + ledger.quarantined + ledger.skipped_lines);
            ledger
        }
        Outcome::Skipped(skip, _) => panic!("skipped: {skip:?}"),
    }
}

/// Ingests the same object to memory, where nothing fails.
fn reference(key: &str, bytes: &[u8], settings: &Options) -> Run {
    ingest_chunks(object(key), bytes, &[], settings)
}

fn sample(table: &str, seed: u64, lines: u64) -> (String, Vec<u8>) {
    let format = FORMATS.into_iter().find(|format| format.name == table).unwrap();
    let mut object = Object::new(format, seed, lines);
    object.traffic.hostile = Rate::per_million(50_000);
    object.traffic.broken = Rate::per_million(30_000);
    object.packing = Packing { members: 3, padding: 0 };
    let mut bytes = Vec::new();
    object.write_to(&mut bytes).unwrap();
    (object.key(), bytes)
}

#[test]
fn a_stream_has_the_same_events_as_a_file() {
    for (seed, (table, settings)) in [
        ("alb_access_log", PACKED),
        ("alb_access_log", SINGLE),
        ("alb_connection_log", PARTITIONED),
        ("nlb_access_log", SINGLE),
        ("clb_access_log", PACKED),
        ("alb_health_check_log", PARTITIONED),
    ]
    .into_iter()
    .enumerate()
    {
        let (key, bytes) = sample(table, seed as u64, 2_500);
        let wanted = reference(&key, &bytes, &self::settings());
        let server = server();
        server.faults().chances(Chances::new(seed as u64, 400));
        let (result, quarantine) = ingest(&quick(&server, &settings), &key, &bytes, &self::settings());
        let got = ledger(result);
        let events = wanted.events();
        check_events(&server, lines(&events));
        check_limits(&server, &settings);
        assert_eq!(quarantine, wanted.quarantine());
        let counts = |ledger: &Ledger| {
            (
                ledger.lines,
                ledger.events,
                ledger.quarantined,
                ledger.bytes_out,
                ledger.times,
            )
        };
        assert_eq!(counts(&got), counts(wanted.ledger()), "{table}");
        assert_eq!(got.outputs.len(), wanted.ledger().outputs.len());
    }
}

/// A line of OTLP/JSON is a batch of events, and one event of the stream.
#[test]
fn a_stream_has_the_same_batches_as_a_file() {
    const { assert!(MAX_BATCH_BYTES <= MAX_RECORD_BYTES) };
    let options = Options {
        schema: Schema::Otel,
        ..settings()
    };
    for (seed, settings) in [PACKED, SINGLE, PARTITIONED].into_iter().enumerate() {
        let (key, bytes) = sample("alb_access_log", seed as u64, 1_500);
        let wanted = reference(&key, &bytes, &options);
        let server = server();
        server.faults().chances(Chances::new(seed as u64, 400));
        let (result, quarantine) = ingest(&quick(&server, &settings), &key, &bytes, &options);
        assert_eq!(quarantine, wanted.quarantine());
        check_limits(&server, &settings);
        let (delivered, events) = (server.delivered(NAME), wanted.events());
        // A call that was sent again repeats its batches.
        let delivered: BTreeSet<_> = lines(&delivered).collect();
        assert!(delivered == lines(&events).collect());
        assert_eq!(records(&events).len() as u64, ledger(result).events);
    }
}

#[test]
fn an_object_that_failed_midway_is_complete_after_a_retry() {
    let (key, bytes) = sample("alb_access_log", 9, 6_000);
    let cut = &bytes[..bytes.len() * 3 / 4];
    let strict = Options {
        on_corrupt: OnCorrupt::Strict,
        ..settings()
    };
    let server = server();
    // A truncated object in strict mode: the events sent before the fault are also sent with the whole object.
    let (result, _) = ingest(&quick(&server, &SINGLE), &key, cut, &strict);
    assert!(!result.unwrap_err().problem.is_retryable());
    let before: BTreeSet<String> = lines(&server.delivered(NAME)).map(id).collect();
    assert!(before.len() >= 500, "{} events were sent", before.len());
    // The number of calls before the fault depends on timing.
    let calls_before = server.batches().len();
    // The stream refuses a call in the middle of the object.
    let nth = server.journal().entries().len() as u64 + 4;
    server.faults().add(
        Rule::new(Fault::Status(400, "AccessDeniedException"))
            .op(Op::PutRecordBatch)
            .nth(nth - server.journal().entries().len() as u64),
    );
    let (result, _) = ingest(&quick(&server, &SINGLE), &key, &bytes, &strict);
    let error = result.unwrap_err();
    assert!(!error.problem.is_retryable(), "{error}");
    assert!(error.to_string().contains("allow firehose:PutRecordBatch"), "{error}");
    // The fourth call is refused, and at most two are in flight; the whole object takes twelve.
    let calls = server.batches().len() - calls_before;
    assert!(calls < 8, "{calls} calls: reading continued after the refusal");
    // Throttled at first.
    server
        .faults()
        .add(Rule::new(Fault::FailRecords(Mask::Random { seed: 5, permille: 600 })).during(1..=9));
    let (result, _) = ingest(&quick(&server, &SINGLE), &key, &bytes, &strict);
    let wanted = reference(&key, &bytes, &strict);
    assert_eq!(ledger(result).events, wanted.ledger().events);
    let events = wanted.events();
    let twice = check_events(&server, lines(&events));
    assert!(twice >= before.len());
}

const KEY: &str = "AWSLogs/123456789012/elasticloadbalancing/us-east-1/2026/10/07/123456789012_elasticloadbalancing_us-east-1_app.shop.7f3c9a1e5b2d4860_20261007T1145Z_203.0.113.10_abcdefgh.log.gz";

/// Returns a line of an Application Load Balancer with this URL and user agent.
fn line(path: &str, agent: &str) -> String {
    format!(
        "http 2026-10-07T11:40:00.123456Z app/shop/7f3c9a1e5b2d4860 192.0.2.9:40000 10.0.1.20:8080 0.001 0.002 0.000 200 200 100 200 \"GET http://shop.example:80/{path} HTTP/1.1\" \"{agent}\" - - arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/shop-web/0123456789abcdef \"Root=1-58337262-36d228ad5d99923122bbe354\" \"-\" \"-\" 0 2026-10-07T11:40:00.123000Z \"forward\" \"-\" \"-\" \"10.0.1.20:8080\" \"200\" \"-\" \"-\"\n"
    )
}

/// Returns the lengths of the events of an object, newlines included.
fn event_lengths(text: &str) -> Vec<usize> {
    let run = reference(KEY, text.as_bytes(), &settings());
    assert_eq!(run.ledger().quarantined, 0, "{:?}", run.ledger().reasons);
    lines(&run.events()).map(<[u8]>::len).collect()
}

#[test]
fn an_event_larger_than_a_record_goes_to_the_quarantine() {
    let short = line("", "curl/8.5.0");
    // This many more letters make the event exactly as long as a record may be.
    let room = 1_000_000 - event_lengths(&short)[0];
    let fits = line("", &format!("curl/8.5.0{}", "x".repeat(room)));
    let over = line("", &format!("curl/8.5.0{}", "x".repeat(room + 1)));
    // Short as a line, long as JSON: each of these bytes becomes six, in two columns.
    let escapes = line(&"\u{1}".repeat(100_000), "-");
    assert_eq!(event_lengths(&fits), [1_000_000]);
    assert_eq!(event_lengths(&over), [1_000_001]);
    assert!(event_lengths(&escapes)[0] > 1_000_000 && escapes.len() < 110_000);

    let text = [&short, &over, &short, &fits, "broken\n", &escapes, &short]
        .map(String::from)
        .concat();
    let server = server();
    let (result, quarantine) = ingest(&quick(&server, &PACKED), KEY, text.as_bytes(), &settings());
    let ledger = ledger(result);
    assert_eq!((ledger.lines, ledger.events, ledger.quarantined), (7, 4, 3));
    assert_eq!(ledger.reasons[&("event_too_large", None)], 2);
    let rows = rows(&quarantine);
    let place = |row: &Value| {
        (
            row["line"].as_u64().unwrap(),
            row["reason"].as_str().unwrap().to_owned(),
        )
    };
    let places: Vec<_> = rows.iter().map(place).collect();
    let too_large = "event_too_large".to_owned();
    assert_eq!(
        places,
        [(2, too_large.clone()), (5, "too_few_fields".to_owned()), (6, too_large)]
    );
    for row in &rows {
        let (offset, raw) = (row["byte_offset"].as_u64().unwrap(), row["raw"].as_str().unwrap());
        assert!(text[usize::try_from(offset).unwrap()..].starts_with(raw), "{offset}");
    }
    assert_eq!(rows[0]["raw"], over.trim_end_matches('\n'));
    assert_eq!(rows[2]["raw"], escapes.trim_end_matches('\n'));
    let numbers: Vec<_> = lines(&server.delivered(NAME))
        .map(|line| id(line)[17..].to_owned())
        .collect();
    assert_eq!(numbers, ["0000000001", "0000000003", "0000000004", "0000000007"]);
    check_limits(&server, &PACKED);

    // A directory has no such limit.
    let whole = reference(KEY, text.as_bytes(), &settings());
    assert_eq!((whole.ledger().events, whole.ledger().quarantined), (6, 1));
}

#[test]
fn an_oversized_entry_of_several_lines_is_kept_completely() {
    let key = "AWSLogs/123456789012/elasticloadbalancing/us-east-1/2026/10/07/123456789012_elasticloadbalancing_us-east-1_shop_20261007T1145Z_203.0.113.10_abcdefgh.log";
    let line = |agent: &str| {
        format!(
            "2026-10-07T11:40:00.123456Z shop 192.0.2.9:40000 10.0.1.20:80 0.001 0.002 0.000 200 200 0 29 \"GET http://shop.example:80/ HTTP/1.1\" \"{agent}\" - -\n"
        )
    };
    let (short, half) = (line("curl"), "y".repeat(510_000));
    let joined = line(&format!("{half}\n{half}"));
    let text = [short.as_str(), &joined, &short].concat();
    let server = server();
    let (result, quarantine) = ingest(&quick(&server, &SINGLE), key, text.as_bytes(), &settings());
    let ledger = ledger(result);
    assert_eq!((ledger.lines, ledger.events, ledger.quarantined), (3, 2, 1));
    let rows = rows(&quarantine);
    assert_eq!(
        (&rows[0]["line"], &rows[0]["byte_offset"]),
        (&2.into(), &short.len().into())
    );
    assert_eq!(rows[0]["raw"], joined.trim_end_matches('\n'));
    let numbers: Vec<_> = lines(&server.delivered(NAME))
        .map(|line| id(line)[17..].to_owned())
        .collect();
    assert_eq!(numbers, ["0000000001", "0000000004"]);
}

/// Events of lines shorter than 16 KiB are not measured: the longest of them must be far below a record's limit.
#[test]
fn events_of_short_lines_are_far_below_the_limit() {
    let fill = 16 * 1024 - line("", "-").len();
    let worst = ["\u{1}", "\\", "%5C,", "é"].into_iter().flat_map(|text| {
        let many = text.repeat(fill / text.len());
        [line(&many, "-"), line("", &many)]
    });
    for line in worst {
        assert!(line.len() <= 16 * 1024);
        let len = event_lengths(&line)[0];
        assert!(len < 500_000, "{len}");
    }
}
