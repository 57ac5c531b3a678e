//! Vended logs: chunks, threads, and lines that could be read by the wrong names.

use alb_ingest::formats::{ALB_ACCESS, FieldOrder, Format};
use alb_ingest::generate::{Object, Rate};
use alb_ingest::ingest::Options;
use alb_ingest::parse::batch::{Batch, LineParser};
use alb_ingest::parse::vended::Form;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::common::any::{cases, text_of};
use crate::common::{gzip, ingest, ingest_chunks, ingest_on_two_threads, json, object, rows};
use crate::vended::{KEY, WRITINGS, access, balance, line_of, reasons, vended_formats, written};

/// Returns a log of more than one block in a form, in gzip members that end anywhere, and a few of its bytes exchanged.
fn any_log() -> impl Strategy<Value = Vec<u8>> {
    let edits = vec((any::<Index>(), any::<u8>()), 0..20);
    let traffic = (select(vended_formats()), any::<u64>(), 1_u64..1_500, 0_u32..200_000);
    (traffic, select(&WRITINGS[..]), edits, any::<Index>()).prop_map(
        |((format, seed, lines, hostile), writing, edits, end)| {
            let mut generated = Object::new(format, seed, lines);
            generated.traffic.hostile = Rate::per_million(hostile);
            let text = text_of(&generated);
            let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            let lines: Vec<_> = lines
                .filter_map(|line| str::from_utf8(line).ok())
                .filter(|line| line.matches('"').count() % 2 == 0)
                .map(|line| line_of(format, line))
                .collect();
            if lines.is_empty() {
                return Vec::new();
            }
            let mut log = written(format, &lines, writing).into_bytes();
            for (at, byte) in edits {
                let at = at.index(log.len());
                log[at] = byte;
            }
            let (first, second) = log.split_at(end.index(log.len()));
            [gzip(first), gzip(second)].concat()
        },
    )
}

proptest! {
    #![proptest_config(cases(24))]

    /// Neither the chunks in which the bytes arrive nor the threads decide on an event.
    #[test]
    fn chunks_and_threads_do_not_change_events(log in any_log(), chunks in vec(0_usize..9_000, 0..60)) {
        let whole = ingest(KEY, &log, &json());
        let pieces = ingest_chunks(object(KEY), &log, &chunks, &json());
        prop_assert_eq!(format!("{:?}", whole.result), format!("{:?}", pieces.result));
        prop_assert!(whole.files == pieces.files);
        let threads = ingest_on_two_threads(object(KEY), &log, &chunks, &json());
        prop_assert_eq!(format!("{:?}", whole.result), format!("{:?}", threads.result));
        prop_assert!(whole.files == threads.files);
    }
}

const EVENT: &str = "http\t2026-10-07T07:15:00Z\t192.0.2.1:80\tcurl/8.5.0\n";

#[test]
fn a_value_that_looks_like_a_directive_is_not_skipped() {
    let header = "#Fields: user_agent time client_port request_line\n";
    let typed = header.replace("time", "time type");
    for agent in [
        "#Version: 1.0",
        "#Fields: time type request_line",
        "#Date: 2026-10-07",
        "#x",
    ] {
        let event = format!("{agent}\t2026-10-07T07:15:00Z\thttp\t192.0.2.1:80\tGET http://example.com:80/ HTTP/1.1\n");
        let run = ingest(
            KEY,
            [&typed, &event, "#Version: 1.0\n", &event].concat().as_bytes(),
            &json(),
        );
        assert_eq!(balance(&run), (4, 2, 0, 2), "{agent}");
        assert!(
            rows(&run.events()).iter().all(|row| row["user_agent"] == agent),
            "{agent}"
        );
    }
}

#[test]
fn names_of_any_length_are_not_added_to_every_event() {
    for (len, counts) in [(64, (2, 1, 0, 1)), (65, (2, 0, 2, 0)), (900_000, (2, 0, 2, 0))] {
        let name = "n".repeat(len);
        for header in [
            format!("#Fields: type time target_addr {name}\n"),
            format!("type\ttime\ttarget_addr\t{name}\n"),
        ] {
            let run = ingest(KEY, (header + EVENT).as_bytes(), &json());
            assert_eq!(balance(&run), counts, "{len}");
        }
        assert_eq!(
            FieldOrder::parse(&format!("time,target_addr,{name}")).is_some(),
            len == 64
        );
    }
}

/// A line that is too long to be read may be a header, and the lines after it are then not read by the names before it.
#[test]
fn lines_after_a_header_that_is_too_long_are_quarantined() {
    let filler = "n".repeat(1_100_000);
    for (header, long, other) in [
        (
            "#Fields: type time target_addr agent\n",
            format!("#Fields: time type target_addr {filler}\n"),
            format!("{}\t{filler}\n", EVENT.trim_end()),
        ),
        (
            "type\ttime\ttarget_addr\tagent\n",
            format!("time\ttype\ttarget_addr\t{filler}\n"),
            format!("{}\t{filler}\n", EVENT.trim_end()),
        ),
    ] {
        let run = ingest(KEY, [header, EVENT, &long, EVENT].concat().as_bytes(), &json());
        assert_eq!(balance(&run), (4, 1, 2, 1));
        assert_eq!(reasons(&run), ["line_too_long", "other_log_type"]);
        let run = ingest(KEY, [header, EVENT, &other, EVENT].concat().as_bytes(), &json());
        assert_eq!(balance(&run), (4, 2, 1, 1));
        assert_eq!(reasons(&run), ["line_too_long"]);
    }
}

#[test]
fn empty_values_at_the_end_of_a_line_are_counted() {
    let line = "http\t2026-10-07T07:15:00Z\t192.0.2.1:80\t\n";
    for (header, options) in [
        ("#Fields: type time target_addr target_group_id\n", json()),
        ("type\ttime\ttarget_addr\ttarget_group_id\n", json()),
        (
            "",
            Options {
                fields: FieldOrder::parse("type,time,target_addr,target_group_id"),
                ..json()
            },
        ),
    ] {
        let run = ingest(KEY, [header, line].concat().as_bytes(), &options);
        assert_eq!((run.ledger().events, run.ledger().quarantined), (1, 0), "{header}");
        assert_eq!(rows(&run.events())[0]["target_group_id"], "");
    }
}

#[test]
fn names_in_json_are_text_like_the_values() {
    let run = ingest(KEY, (access(r#","a\ud800":1"#) + "\n").as_bytes(), &json());
    assert_eq!(
        rows(&run.events())[0]["extra_fields"],
        serde_json::json!(["a\u{fffd}=1"])
    );
    assert!(
        run.ledger()
            .repairs
            .iter()
            .any(|(repair, count)| (repair.name(), count) == ("lone_surrogate", 1))
    );
    // A name that is not UTF-8 is not that of a column without its bad bytes.
    let line = access(r#","user~_agent":"x""#).into_bytes();
    let line: Vec<_> = line
        .into_iter()
        .map(|byte| if byte == b'~' { 0xe9 } else { byte })
        .collect();
    let run = ingest(KEY, &[access("").as_bytes(), b"\n", &line].concat(), &json());
    assert_eq!(reasons(&run), ["not_json"]);
    // Objects may be indented.
    let run = ingest(KEY, format!(" {}\n\t{}\n", access(""), access("")).as_bytes(), &json());
    assert_eq!(balance(&run), (2, 2, 0, 0));
}

/// The names of unknown values make an event longer than its line.
#[test]
fn an_event_is_measured_with_the_names_of_its_unknown_values() {
    let names: Vec<_> = (0..300).map(|number| format!("{number:n>60}")).collect();
    let text = format!(
        "#Fields: type time request_line {}\nhttp\t2026-10-07T07:15:00Z\tGET\t{}\n",
        names.join(" "),
        vec!["-"; names.len()].join("\t")
    );
    let format: &Format = &ALB_ACCESS;
    let plan = format.plan();
    let mut parser = LineParser::new(plan, None);
    parser.read_as(Form::W3c(b'\t'));
    parser.keep_from(16 * 1024);
    let (mut batch, mut malformed) = (Batch::new(plan), Vec::new());
    parser.push_block(text.as_bytes(), 0, &mut batch, &mut malformed);
    assert_eq!((batch.rows(), malformed.len(), parser.take_kept().len()), (1, 0, 1));
}
