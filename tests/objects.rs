//! Whole objects: packing, damage, odd and foreign content, and where their events are laid.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop here"
)]

mod common;

use std::io::{self, Write};

use alb_ingest::formats::{ALB_ACCESS, ALB_CONNECTION, ALB_HEALTH_CHECK, CLB_ACCESS, FORMATS, Format, NLB_ACCESS};
use alb_ingest::generate::{Balancer, object_key};
use alb_ingest::ingest::{
    Committed, Destination, DestinationError, Ingest, Ledger, OnCorrupt, Options, Outcome, PartitionBy, Problem, Skip,
    Staged, Target,
};
use alb_ingest::object::ObjectRef;
use alb_ingest::parse::input::ReadError;
use alb_ingest::parse::line::time::timestamp_micros;
use base64::Engine as _;
use serde_json::Value;

use common::{Memory, Run, gzip, ingest, ingest_chunks, ingest_on_two_threads, json, object, rows};

/// A key of the type, at the end of whose interval the stamp stands.
fn key_at(format: &'static Format, end: &str) -> String {
    let end = timestamp_micros(end.as_bytes()).unwrap();
    object_key(format, &Balancer::default(), u64::try_from(end).unwrap(), 1)
}

fn key(format: &'static Format) -> String {
    key_at(format, "2026-10-07T11:45:00Z")
}

/// A key that tells nothing.
const SILENT: &str = "some/file.log";

/// An access line with 18 fields.
fn access_at(time: &str, agent: &str) -> String {
    format!(
        "https {time} app/shop/7f3c9a1e5b2d4860 198.51.100.7:54321 192.0.2.10:8080 0.001 0.048 0.000 200 200 350 1024 \
         \"GET https://www.example.com:443/items HTTP/1.1\" \"{agent}\" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 - \"Root=1\""
    )
}

fn access(number: usize) -> String {
    access_at(
        "2026-10-07T11:42:13.123456Z",
        &format!("agent {number} {}", number.wrapping_mul(2_654_435_761)),
    )
}

fn accesses(count: usize) -> Vec<u8> {
    (0..count)
        .map(|number| access(number) + "\n")
        .collect::<String>()
        .into_bytes()
}

/// An access line whose status code is none.
fn broken(number: usize) -> String {
    access(number).replacen(" 200 200 ", " 2xx 200 ", 1)
}

fn strict() -> Options {
    Options {
        on_corrupt: OnCorrupt::Strict,
        ..json()
    }
}

/// The lines that became events.
fn lines_of(run: &Run) -> Vec<u64> {
    let mut lines: Vec<_> = rows(&run.events())
        .iter()
        .map(|row| row["source_line"].as_u64().unwrap())
        .collect();
    lines.sort_unstable();
    lines
}

fn raw(row: &Value) -> Vec<u8> {
    match row.get("raw_base64") {
        Some(raw) => base64::engine::general_purpose::STANDARD
            .decode(raw.as_str().unwrap())
            .unwrap(),
        None => row["raw"].as_str().unwrap().as_bytes().to_vec(),
    }
}

fn skipped(run: &Run) -> Skip {
    assert!(run.files.is_empty());
    match &run.result {
        Ok(Outcome::Skipped(skip, _)) => *skip,
        other => panic!("not skipped: {other:?}"),
    }
}

#[test]
fn a_truncated_object_is_salvaged_up_to_the_cut() {
    let text = accesses(400);
    let whole = gzip(&text);
    for cut in [whole.len() / 3, whole.len() / 2, whole.len() - 9, whole.len() - 1] {
        let bytes = &whole[..cut];
        let run = ingest(&key(&ALB_ACCESS), bytes, &json());
        let ledger = run.ledger();
        assert_eq!(
            ledger.corruption.unwrap().fault,
            ReadError::Truncated { at: cut as u64 }
        );
        assert_eq!(lines_of(&run), (1..=ledger.events).collect::<Vec<_>>());
        let cut_line = rows(&run.quarantine());
        assert_eq!(cut_line.len() as u64, ledger.quarantined);
        let mut kept = memchr::memchr_iter(b'\n', &text).count() as u64;
        if let [row] = cut_line.as_slice() {
            assert_eq!(row["reason"], "cut_by_corruption");
            assert_eq!(row["line"], ledger.events + 1);
            let offset = usize::try_from(row["byte_offset"].as_u64().unwrap()).unwrap();
            assert!(text[offset..].starts_with(&raw(row)));
            kept = memchr::memchr_iter(b'\n', &text[..offset]).count() as u64;
        }
        assert_eq!(ledger.events, kept, "cut at {cut} of {}", whole.len());
        assert!(ledger.events > 20);

        let error = ingest(&key(&ALB_ACCESS), bytes, &strict()).error();
        assert!(
            error.contains("truncated") && error.contains(&format!("byte {cut}")),
            "{error}"
        );
    }
}

#[test]
fn a_corrupt_object_is_salvaged_up_to_the_fault() {
    let first = gzip(&accesses(100));
    let mut bytes = [first.clone(), gzip(&accesses(50))].concat();
    let len = bytes.len();
    // The checksum of the second member: every line of it was read.
    bytes[len - 8] ^= 1;
    let run = ingest(&key(&ALB_ACCESS), &bytes, &json());
    assert!(matches!(run.ledger().corruption.unwrap().fault, ReadError::Corrupt { at, .. } if at > first.len() as u64));
    assert_eq!((run.ledger().events, run.ledger().quarantined), (150, 0));
    assert!(
        ingest(&key(&ALB_ACCESS), &bytes, &strict())
            .error()
            .contains("corrupt at compressed byte")
    );

    // Bytes that are no member behind the first.
    let junk = [first.as_slice(), b"junk"].concat();
    let run = ingest(&key(&ALB_ACCESS), &junk, &json());
    assert_eq!((run.ledger().events, run.ledger().corruption.is_some()), (100, true));
    let error = ingest(&key(&ALB_ACCESS), &junk, &strict()).error();
    assert!(error.contains(&format!("byte {}", first.len())), "{error}");

    // Nothing was read before the fault: nothing to keep.
    let mut bytes = gzip(&accesses(50));
    assert!(ingest(SILENT, &bytes[..5], &json()).error().contains("truncated"));
    bytes[3] = 0xff;
    assert!(ingest(&key(&ALB_ACCESS), &bytes, &json()).error().contains("corrupt"));
}

#[test]
fn every_packing_gives_the_same_events() {
    let text = accesses(30);
    let (first, second) = text.split_at(1_234);
    let plain = ingest(&key(&ALB_ACCESS), &text, &json());
    assert_eq!(plain.ledger().events, 30);
    let packings = [
        gzip(&text),
        [gzip(first), gzip(second)].concat(),
        [gzip(b""), gzip(first), gzip(b""), gzip(second), gzip(b"")].concat(),
        [gzip(&text), vec![0; 1]].concat(),
        [gzip(first), gzip(second), vec![0; 70_000]].concat(),
        text.strip_suffix(b"\n").unwrap().to_vec(),
        gzip(text.strip_suffix(b"\n").unwrap()),
        String::from_utf8(text.clone())
            .unwrap()
            .replace('\n', "\r\n")
            .into_bytes(),
        [b"\xef\xbb\xbf", text.as_slice()].concat(),
        gzip(&[b"\xef\xbb\xbf", text.as_slice()].concat()),
    ];
    for (number, packing) in packings.iter().enumerate() {
        let run = ingest(&key(&ALB_ACCESS), packing, &json());
        assert_eq!(run.ledger().quarantined, 0, "packing {number}");
        assert!(run.ledger().corruption.is_none(), "packing {number}");
        assert!(run.files == plain.files, "packing {number}");
    }
    // The name decides nothing: plain text named .gz, gzip named .log.
    let classic = b"2026-10-07T11:42:13Z shop 198.51.100.7:1 192.0.2.1:80 0.1 0.1 0.1 200 200 0 29 \"GET http://a.example.com:80/ HTTP/1.1\"\n";
    for bytes in [classic.to_vec(), gzip(classic)] {
        for name in [key(&CLB_ACCESS), key(&CLB_ACCESS) + ".gz", SILENT.to_owned()] {
            assert_eq!(ingest(&name, &bytes, &json()).ledger().table, Some("clb_access_log"));
        }
    }
}

#[test]
fn two_threads_leave_the_same_files() {
    // Long enough for the second thread and several blocks, with a line too long and a broken one in between.
    let mut text = accesses(15_000);
    text.extend(broken(1).into_bytes());
    text.extend(b"\n");
    text.extend(vec![b'x'; 1_100_000]);
    text.extend(b"\n");
    text.extend(accesses(15_000));
    let whole = gzip(&text);
    assert!(whole.len() > 300_000, "{}", whole.len());
    let cut = &whole[..whole.len() - 60_000];
    let mut flipped = whole.clone();
    flipped[whole.len() - 60_000] ^= 0x10;
    for (what, bytes, options) in [
        ("whole", &whole[..], Options::default()),
        ("cut", cut, json()),
        ("cut, strict", cut, strict()),
        ("flipped", &flipped, json()),
    ] {
        let one = ingest_chunks(object(&key(&ALB_ACCESS)), bytes, &[100], &options);
        let chunks = vec![50_000; bytes.len() / 50_000];
        let two = ingest_on_two_threads(object(&key(&ALB_ACCESS)), bytes, &chunks, &options);
        assert!(one.files == two.files, "{what}");
        if what == "cut, strict" {
            assert_eq!(one.error(), two.error());
            continue;
        }
        let (one, two) = (one.ledger(), two.ledger());
        assert!(
            one.lines > 15_000 && one.corruption.is_some() == (what != "whole"),
            "{what}"
        );
        assert_eq!(
            (one.lines, one.events, one.bytes_in),
            (two.lines, two.events, two.bytes_in)
        );
    }
}

#[test]
fn what_is_no_log_is_skipped() {
    for empty in [
        vec![],
        gzip(b""),
        [gzip(b""), gzip(b"")].concat(),
        b"\n\r\n  \n".to_vec(),
        gzip(b"\n"),
    ] {
        assert_eq!(skipped(&ingest(&key(&ALB_ACCESS), &empty, &json())), Skip::Empty);
        assert_eq!(skipped(&ingest(SILENT, &empty, &strict())), Skip::Empty);
    }
    let entry = b"Enable AccessLog for ELB: app/shop/7f3c9a1e5b2d4860 at 2026-10-07T09:12:44.120Z";
    for name in [
        "AWSLogs/123456789012/ELBAccessLogTestFile",
        "p/AWSLogs/123456789012/ELBConnectionLogTestFile",
        "AWSLogs/123456789012/ELBHealthCheckLogTestFile",
    ] {
        for bytes in [&entry[..], b"", b"whatever it holds\n"] {
            assert_eq!(skipped(&ingest(name, bytes, &json())), Skip::TestObject);
        }
    }
    for bytes in [entry.to_vec(), [&entry[..], b"\r\n"].concat(), gzip(entry)] {
        assert_eq!(
            skipped(&ingest("renamed/ELBAccessLogTestFile.txt", &bytes, &json())),
            Skip::TestObject
        );
        assert_eq!(skipped(&ingest(&key(&ALB_ACCESS), &bytes, &json())), Skip::TestObject);
    }
    assert_eq!(skipped(&ingest("AWSLogs/", b"", &json())), Skip::FolderMarker);
    // Blank lines are counted, and an entry among lines is a line.
    let run = ingest(SILENT, b"\n\n", &json());
    assert!(
        matches!(&run.result, Ok(Outcome::Skipped(Skip::Empty, ledger)) if (ledger.lines, ledger.skipped_lines) == (2, 2))
    );
    let mixed = [&entry[..], b"\n", &accesses(2)].concat();
    let run = ingest(&key(&ALB_ACCESS), &mixed, &json());
    assert_eq!((run.ledger().events, run.ledger().quarantined), (2, 1));
}

/// A test object's entry with a log behind it is a log, however long its lines are.
#[test]
fn nothing_behind_a_test_entry_is_lost() {
    let entry = "Enable AccessLog for ELB: app/shop/1 at 2026-10-07T09:12:44.120Z\n";
    let text = |len: usize| {
        let long = access_at("2026-10-07T11:42:13Z", &"x".repeat(len)) + "\n";
        [entry, &long, &access(1), "\n"].concat()
    };
    for name in [key(&ALB_ACCESS), SILENT.to_owned()] {
        let run = ingest(&name, text(300_000).as_bytes(), &json());
        assert_eq!((run.ledger().lines, lines_of(&run)), (3, vec![2, 3]));
        assert_eq!(rows(&run.quarantine())[0]["byte_offset"], 0);
        // With a line too long behind it, nothing tells what it is.
        assert!(
            ingest(&name, text(2_000_000).as_bytes(), &json())
                .error()
                .contains("no table fits")
        );
    }
    // Nor where the log is cut before its first line ends.
    let words: Vec<_> = (0..500_u32)
        .map(|word| word.wrapping_mul(2_654_435_761).to_string())
        .collect();
    let agent = words.concat();
    let log = gzip(access_at("2026-10-07T11:42:13Z", &agent).as_bytes());
    let cut = [gzip(entry.as_bytes()), log[..log.len() / 2].to_vec()].concat();
    for name in [key(&ALB_ACCESS), SILENT.to_owned()] {
        assert!(ingest(&name, &cut, &json()).error().contains("truncated"));
    }
    let many = entry.repeat(5_000);
    assert!(
        ingest(SILENT, many.as_bytes(), &json())
            .error()
            .contains("no table fits")
    );
}

#[test]
fn a_line_too_long_goes_to_the_quarantine_whole_and_reading_resumes() {
    const MIB: usize = 1024 * 1024;
    let base = access_at("2026-10-07T11:42:13Z", "").len();
    for (len, too_long, base64) in [
        (MIB - 1, false, false),
        (MIB, false, false),
        (MIB + 1, true, false),
        (3 * MIB, true, false),
        (6 * MIB, true, true),
    ] {
        let room = len - base;
        let agent = "é".repeat(room / 2) + if room.is_multiple_of(2) { "" } else { "x" };
        let long = access_at("2026-10-07T11:42:13Z", &agent);
        assert_eq!(long.len(), len);
        for ending in ["\n", ""] {
            let behind = if ending.is_empty() {
                String::new()
            } else {
                access(2) + "\n"
            };
            let text = format!("{}\n{long}{ending}{behind}", access(1));
            for packed in [text.clone().into_bytes(), gzip(text.as_bytes())] {
                let run = ingest_chunks(object(&key(&ALB_ACCESS)), &packed, &[7, 300_000, 1], &json());
                let ledger = run.ledger();
                let expected_lines = 2 + u64::from(!behind.is_empty());
                assert_eq!(
                    (ledger.lines, ledger.quarantined),
                    (expected_lines, u64::from(too_long)),
                    "{len}"
                );
                let last = lines_of(&run).last().copied();
                assert_eq!(
                    last,
                    Some(if behind.is_empty() && too_long {
                        1
                    } else {
                        expected_lines
                    })
                );
                if let [row] = rows(&run.quarantine()).as_slice() {
                    assert_eq!((&row["reason"], &row["line"]), (&"line_too_long".into(), &2.into()));
                    assert_eq!(row["byte_offset"], access(1).len() + 1);
                    assert_eq!(row.get("raw_base64").is_some(), base64, "{len}");
                    assert!(raw(row) == long.as_bytes(), "{len}: the line is not whole");
                }
            }
        }
    }
}

#[test]
fn long_lines_alone_need_a_telling_key() {
    let long = "x".repeat(1_100_000);
    let run = ingest(&key(&NLB_ACCESS), long.as_bytes(), &json());
    assert_eq!((run.ledger().lines, run.ledger().quarantined), (1, 1));
    assert_eq!(run.ledger().table, Some("nlb_access_log"));
    let quarantine = run.files.keys().next().unwrap();
    assert!(
        quarantine.starts_with("_quarantine/nlb_access_log/date=2026-10-07/"),
        "{quarantine}"
    );
    assert!(
        ingest(SILENT, long.as_bytes(), &json())
            .error()
            .contains("longer than 1 MiB")
    );
    // In front of lines that tell, the long one is in the quarantine and counted.
    let text = format!("{long}\n{}", access(1));
    let run = ingest(SILENT, text.as_bytes(), &json());
    assert_eq!(
        (run.ledger().lines, run.ledger().events, lines_of(&run)),
        (2, 1, vec![2])
    );
}

#[test]
fn mostly_malformed_objects_fail_and_single_lines_do_not() {
    let text = |pattern: &[bool]| -> Vec<u8> {
        let lines = pattern
            .iter()
            .enumerate()
            .map(|(number, good)| if *good { access(number) } else { broken(number) } + "\n");
        lines.collect::<String>().into_bytes()
    };
    // More than half, and twenty at least.
    let half = |good: usize, bad: usize| text(&[vec![true; good], vec![false; bad]].concat());
    let error = ingest(&key(&ALB_ACCESS), &half(19, 20), &json()).error();
    assert!(
        error.contains("20 of the first 39 lines are malformed as alb_access_log")
            && error.contains("not_an_integer in elb_status_code: 20"),
        "{error}"
    );
    for (good, bad) in [(20, 20), (1, 19), (0, 3)] {
        let run = ingest(&key(&ALB_ACCESS), &half(good, bad), &json());
        assert_eq!(
            (run.ledger().events, run.ledger().quarantined),
            (good as u64, bad as u64)
        );
    }
    // The first thousand lines decide; what is behind them goes line by line.
    let run = ingest(&key(&ALB_ACCESS), &half(1_000, 1_500), &json());
    assert_eq!((run.ledger().events, run.ledger().quarantined), (1_000, 1_500));
    assert!(
        ingest(&key(&ALB_ACCESS), &half(499, 2_000), &json())
            .error()
            .contains("of the first 1000 lines")
    );

    let run = ingest(&key(&ALB_ACCESS), &text(&[true, false, true]), &json());
    assert_eq!((lines_of(&run), run.ledger().quarantined), (vec![1, 3], 1));
    let row = &rows(&run.quarantine())[0];
    assert_eq!(
        (&row["field"], &row["reason"]),
        (&"elb_status_code".into(), &"not_an_integer".into())
    );
}

#[test]
fn lines_win_over_a_key_that_contradicts_them() {
    let health = b"http 2026-10-07T11:42:13.1Z 0.019584011 192.0.2.97:80 targets PASS 200 -\n";
    for format in FORMATS {
        let run = ingest(&key(format), &accesses(3), &json());
        assert_eq!((run.ledger().table, run.ledger().events), (Some("alb_access_log"), 3));
        let run = ingest(&key(format), health, &json());
        assert_eq!(run.ledger().table, Some("alb_health_check_log"));
    }
    // A table that the user names is not doubted.
    let run = ingest_chunks(
        object(SILENT),
        health,
        &[],
        &Options {
            table: Some(&ALB_ACCESS),
            ..json()
        },
    );
    assert_eq!(
        (run.ledger().table, run.ledger().quarantined),
        (Some("alb_access_log"), 1)
    );
}

#[test]
fn foreign_formats_fail_with_their_name() {
    for (bytes, name) in [
        (&b"\x28\xb5\x2f\xfd\x04\x00"[..], "zstd"),
        (b"PK\x03\x04\x14\x00", "zip"),
        (b"PAR1\x15\x04", "Parquet"),
        (b"BZh91AY", "bzip2"),
        (b"\xfd7zXZ\x00", "xz"),
        (b"ORC\x08", "ORC"),
        (b"Obj\x01\x04", "Avro"),
    ] {
        for options in [json(), strict()] {
            let error = ingest(&key(&ALB_ACCESS), bytes, &options).error();
            assert!(error.contains(name) && error.contains(&key(&ALB_ACCESS)), "{error}");
        }
    }
    for text in [
        "{\"type\":\"https\"}\n",
        "just some words\nand more\n",
        "\u{feff}a;b;c\n",
        "\0\0\0\0",
    ] {
        let error = ingest(SILENT, text.as_bytes(), &json()).error();
        for format in FORMATS {
            assert!(error.contains(format.name), "{error}");
        }
        assert!(error.contains("--table"), "{error}");
    }
}

#[test]
fn events_are_laid_by_their_own_day_but_for_those_far_from_the_stamp() {
    let at = |times: &[&str]| times.iter().map(|time| access_at(time, "a") + "\n").collect::<String>();
    let laid = |end: &str, times: &[&str], by: PartitionBy| {
        let options = Options {
            partition_by: by,
            ..json()
        };
        ingest(&key_at(&ALB_ACCESS, end), at(times).as_bytes(), &options)
    };
    // Around midnight: two files, named alike, each with its own events.
    let midnight = laid(
        "2026-10-07T00:05:00Z",
        &[
            "2026-10-06T23:59:59.999999Z",
            "2026-10-07T00:00:00.000000Z",
            "2026-10-06T23:58:00Z",
        ],
        PartitionBy::Day,
    );
    assert_eq!(midnight.partitions(), ["date=2026-10-06", "date=2026-10-07"]);
    let names: Vec<_> = midnight
        .files
        .keys()
        .map(|key| key.rsplit_once('/').unwrap().1)
        .collect();
    assert_eq!(names[0], names[1]);
    assert_eq!(
        midnight.files.values().map(|file| rows(file).len()).collect::<Vec<_>>(),
        [2, 1]
    );
    // A day before and a day behind the stamp still count as near it; a microsecond more does not.
    let near = ["2026-10-06T11:45:00Z", "2026-10-08T11:45:00Z"];
    let far = [
        "2026-10-06T11:44:59.999999Z",
        "2026-10-08T11:45:00.000001Z",
        "1970-01-01T00:00:00Z",
    ];
    let end = "2026-10-07T11:45:00Z";
    assert_eq!(
        laid(end, &near, PartitionBy::Day).partitions(),
        ["date=2026-10-06", "date=2026-10-08"]
    );
    let run = laid(end, &far, PartitionBy::Day);
    assert_eq!(run.partitions(), ["date=2026-10-07"]);
    // Only the folder is the stamp's: the events keep their times.
    assert_eq!(rows(&run.events())[2]["timestamp"], "1970-01-01T00:00:00.000000Z");
    assert_eq!(
        laid(
            end,
            &["2026-10-07T11:42:13Z", "2026-10-07T10:59:59Z", far[0]],
            PartitionBy::Hour
        )
        .partitions(),
        ["date=2026-10-07/hour=10", "date=2026-10-07/hour=11"]
    );
    assert_eq!(laid(end, &near, PartitionBy::None).partitions(), [""]);
    // Without a stamp every event lies on its own day.
    let run = ingest(SILENT, at(&far).as_bytes(), &json());
    assert_eq!(
        run.partitions(),
        ["date=1970-01-01", "date=2026-10-06", "date=2026-10-08"]
    );
}

#[test]
fn too_many_days_fail_and_say_what_to_do() {
    let day = |number: i64| {
        let date = alb_ingest::parse::line::time::date_text(number);
        access_at(&format!("{date}T12:00:00Z"), "a") + "\n"
    };
    let text = |days: i64| (20_000..20_000 + days).map(day).collect::<String>();
    assert_eq!(ingest(SILENT, text(400).as_bytes(), &json()).partitions().len(), 400);
    let error = ingest(SILENT, text(401).as_bytes(), &json()).error();
    assert!(
        error.contains("more than 400 days or hours") && error.contains("--partition-by none"),
        "{error}"
    );
    let options = Options {
        partition_by: PartitionBy::None,
        ..json()
    };
    assert_eq!(ingest(SILENT, text(401).as_bytes(), &options).ledger().events, 401);
    assert_eq!(
        ingest(&key(&ALB_ACCESS), text(401).as_bytes(), &json()).ledger().events,
        401
    );
}

#[test]
fn the_key_fills_the_load_balancer_of_older_lines() {
    let connection = "2023-12-05T06:15:00Z 198.51.100.7 54321 443 TLSv1.2 ECDHE 0.004 \"-\" - - -\n";
    let health = "http 2026-10-07T11:42:13.1Z 0.019584011 192.0.2.97:80 targets PASS 200 -\n";
    for (format, line) in [(&ALB_CONNECTION, connection), (&ALB_HEALTH_CHECK, health)] {
        let row = &rows(&ingest(&key(format), line.as_bytes(), &json()).events())[0];
        assert_eq!(row["elb"], "app/shop/7f3c9a1e5b2d4860");
        let row = &rows(&ingest(SILENT, line.as_bytes(), &json()).events())[0];
        assert_eq!(row.get("elb"), None);
    }
}

/// Whatever goes wrong with an object: the error names the place and never shows what the lines say.
#[test]
fn no_error_shows_the_content_of_a_line() {
    const CANARY: &str = "Canary77secret";
    let secret = format!("{CANARY} {CANARY}\"{CANARY} https://{CANARY}.example.com/?token={CANARY}");
    let bad = broken(1).replace("agent 1", CANARY);
    let many = (bad.clone() + "\n").repeat(60);
    let good = access_at("2026-10-07T11:42:13Z", CANARY);
    let objects: Vec<(String, Vec<u8>)> = vec![
        (SILENT.to_owned(), secret.clone().into_bytes()),
        (key(&ALB_ACCESS), secret.clone().into_bytes()),
        (key(&ALB_ACCESS), [good.as_str(), "\n", &many].concat().into_bytes()),
        (key(&ALB_ACCESS), many.clone().into_bytes()),
        (SILENT.to_owned(), CANARY.repeat(100_000).into_bytes()),
        (key(&ALB_ACCESS), [b"PAR1", secret.as_bytes()].concat()),
        (SILENT.to_owned(), gzip(secret.as_bytes())[..40].to_vec()),
        (
            SILENT.to_owned(),
            [gzip(secret.as_bytes()), secret.clone().into_bytes()].concat(),
        ),
        (
            SILENT.to_owned(),
            format!("{{\"message\":\"{CANARY}\",\"{CANARY}\":7}}").into_bytes(),
        ),
    ];
    for (key, bytes) in &objects {
        for options in [json(), strict()] {
            let run = ingest(key, bytes, &options);
            let error = run.result.as_ref().expect_err(key);
            let shown = format!("{error} {error:?} {:?}", std::error::Error::source(error));
            assert!(
                !shown.contains("Canary") && !shown.contains("77") && !shown.contains("secret"),
                "{shown}"
            );
        }
    }
    // Nor does the ledger of an object that went through, whose counts the report prints.
    let text = [good, bad].join("\n");
    let run = ingest(&key(&ALB_ACCESS), text.as_bytes(), &json());
    assert_eq!((run.ledger().events, run.ledger().quarantined), (1, 1));
    let shown = format!("{:?} {}", run.ledger(), run.ledger().top_reasons(9));
    assert!(!shown.contains("Canary"), "{shown}");
}

/// A destination that fails at one of its steps.
#[derive(Clone, Copy, PartialEq)]
enum Fails {
    Staging,
    Writing,
    Committing,
}

impl Destination for Fails {
    fn stage(&self, _key: &str, _source: &ObjectRef) -> Result<Box<dyn Staged>, DestinationError> {
        if *self == Self::Staging {
            return Err(full());
        }
        Ok(Box::new(*self))
    }
}

impl Write for Fails {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if *self == Self::Writing {
            return Err(io::Error::other(full().source));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Staged for Fails {
    fn commit(self: Box<Self>, _ledger: &Ledger) -> Result<Committed, DestinationError> {
        Err(full())
    }
}

fn full() -> DestinationError {
    DestinationError {
        what: "cannot write there".to_owned(),
        source: io::Error::from(io::ErrorKind::StorageFull).into(),
        retryable: true,
    }
}

#[test]
fn a_destination_that_fails_fails_the_object_and_may_be_tried_again() {
    let options = json();
    let memory = Memory::default();
    let text = [accesses(3), broken(1).into_bytes()].concat();
    for fails in [Fails::Staging, Fails::Writing, Fails::Committing] {
        for (events, quarantine) in [
            (&fails as &dyn Destination, &memory as &dyn Destination),
            (&memory, &fails),
        ] {
            let target = Target {
                options: &options,
                events,
                quarantine,
            };
            let mut ingest = Ingest::begin(object(&key(&ALB_ACCESS)), target).unwrap();
            let error = ingest.push(&text).and_then(|()| ingest.finish().map(drop)).unwrap_err();
            assert!(error.problem.is_retryable(), "{error}");
            assert!(
                matches!(*error.problem, Problem::Destination(_) | Problem::Encode(_)),
                "{error:?}"
            );
        }
    }
}

#[test]
fn what_is_there_already_stays_and_is_said() {
    let options = json();
    let memory = Memory::default();
    let quarantine = memory.below("_quarantine/");
    let target = Target {
        options: &options,
        events: &memory,
        quarantine: &quarantine,
    };
    let text = [accesses(3), broken(1).into_bytes()].concat();
    let mut ledgers = Vec::new();
    for _ in 0..2 {
        let mut ingest = Ingest::begin(object(&key(&ALB_ACCESS)), target).unwrap();
        ingest.push(&text).unwrap();
        match ingest.finish().unwrap() {
            Outcome::Ingested(ledger) => ledgers.push((ledger, memory.files())),
            other @ Outcome::Skipped(..) => panic!("{other:?}"),
        }
    }
    let [(first, before), (second, after)] = ledgers.as_slice() else {
        panic!("two runs")
    };
    assert!(before == after);
    assert_eq!(first.outputs.len(), 2);
    assert!(first.outputs.iter().all(|output| output.written) && first.bytes_out > 0);
    assert!(second.outputs.iter().all(|output| !output.written) && second.bytes_out == 0);
    assert_eq!((first.events, first.quarantined), (second.events, second.quarantined));
}
