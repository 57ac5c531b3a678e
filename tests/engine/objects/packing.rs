//! Packings, truncated and corrupt objects: the events read from them, with one thread and with two.

use std::time::Duration;

use alb_ingest::deadline::Deadline;
use alb_ingest::formats::{ALB_ACCESS, CLB_ACCESS};
use alb_ingest::ingest::{Ingest, Options, Outcome, Problem, Target};
use alb_ingest::parse::input::ReadError;

use super::{OPAQUE_KEY, accesses, broken, key, lines_of, raw, strict};
use crate::common::{Memory, gzip, ingest, ingest_chunks, ingest_on_two_threads, json, object, rows};

#[test]
fn a_truncated_object_is_salvaged_up_to_its_end() {
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
    // An invalid checksum of the second member, all of whose lines were read.
    bytes[len - 8] ^= 1;
    let run = ingest(&key(&ALB_ACCESS), &bytes, &json());
    assert!(matches!(run.ledger().corruption.unwrap().fault, ReadError::Corrupt { at, .. } if at > first.len() as u64));
    assert_eq!((run.ledger().events, run.ledger().quarantined), (100, 50));
    assert_eq!(lines_of(&run), (1..=100).collect::<Vec<_>>());
    let rejected = rows(&run.quarantine());
    assert!(rejected.iter().all(|row| row["reason"] == "unverified"));
    assert_eq!(
        (&rejected[0]["line"], &rejected[0]["byte_offset"]),
        (&101.into(), &accesses(100).len().into())
    );
    assert!(accesses(50).starts_with(&raw(&rejected[0])));
    let corruption = run.ledger().corruption.unwrap();
    assert_eq!(corruption.unverified, 50);
    assert!(
        corruption
            .to_string()
            .contains("50 lines are in the quarantine as unverified"),
        "{corruption}"
    );
    assert!(
        ingest(&key(&ALB_ACCESS), &bytes, &strict())
            .error()
            .contains("corrupt at compressed byte")
    );

    // Bytes after the first member that are not gzip.
    let junk = [first.as_slice(), b"junk"].concat();
    let run = ingest(&key(&ALB_ACCESS), &junk, &json());
    assert_eq!((run.ledger().events, run.ledger().corruption.is_some()), (100, true));
    let error = ingest(&key(&ALB_ACCESS), &junk, &strict()).error();
    assert!(error.contains(&format!("byte {}", first.len())), "{error}");

    // Nothing was read before the fault, so there is nothing to salvage.
    let mut bytes = gzip(&accesses(50));
    assert!(ingest(OPAQUE_KEY, &bytes[..5], &json()).error().contains("truncated"));
    bytes[3] = 0xff;
    assert!(ingest(&key(&ALB_ACCESS), &bytes, &json()).error().contains("corrupt"));
}

#[test]
fn no_flipped_bit_puts_a_wrong_event_into_the_table() {
    let text = accesses(60);
    let (first, second) = text.split_at(text.len() / 2);
    let whole = [gzip(first), gzip(second)].concat();
    let wanted = ingest(&key(&ALB_ACCESS), &whole, &json()).events();
    let wanted: Vec<&[u8]> = wanted.split(|byte| *byte == b'\n').collect();
    let (mut salvaged, mut unverified) = (0, 0);
    for at in (0..whole.len()).step_by(11) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        for run in [
            ingest(&key(&ALB_ACCESS), &bytes, &json()),
            ingest_on_two_threads(object(&key(&ALB_ACCESS)), &bytes, &[], &json()),
        ] {
            if let Ok(Outcome::Ingested(ledger)) = &run.result {
                assert_eq!(ledger.lines, ledger.events + ledger.quarantined + ledger.skipped_lines);
                assert_eq!(rows(&run.quarantine()).len() as u64, ledger.quarantined);
                salvaged += 1;
                unverified += ledger.corruption.map_or(0, |corruption| corruption.unverified);
            }
            let events = run.events();
            assert!(
                events.split(|byte| *byte == b'\n').all(|event| wanted.contains(&event)),
                "byte {at}"
            );
        }
    }
    assert!(salvaged > 50 && unverified > 100, "{salvaged} {unverified}");
}

#[test]
fn the_deadline_is_checked_within_a_chunk() {
    let options = json();
    let events = Memory::default();
    let target = Target {
        options: &options,
        events: &events,
        quarantine: &events,
    };
    let bomb = gzip(&b"a\n".repeat(2_000_000));
    let begun = Ingest::begin(object(&key(&ALB_ACCESS)), target).unwrap();
    let mut ingest = begun.until(Deadline::after(Duration::ZERO));
    let error = ingest.push(&bomb).unwrap_err();
    assert!(matches!(*error.problem, Problem::OutOfTime), "{error}");
    assert!(events.files().is_empty());
}

#[test]
fn an_object_without_the_expected_fault_fails() {
    let options = json();
    let events = Memory::default();
    let target = Target {
        options: &options,
        events: &events,
        quarantine: &events,
    };
    let fault = ReadError::Truncated { at: 7 };
    let mut ingest = Ingest::begin(object(&key(&ALB_ACCESS)), target)
        .unwrap()
        .expecting(fault);
    ingest.push(&gzip(&accesses(9))).unwrap();
    let error = ingest.finish().unwrap_err();
    assert!(
        matches!(*error.problem, Problem::Unstable) && error.problem.is_retryable(),
        "{error}"
    );
    assert!(events.files().is_empty());
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
        text.chunks(text.len() / 1_000).flat_map(gzip).collect(),
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
    // The name does not matter: plain text named .gz, gzip named .log.
    let classic = b"2026-10-07T11:42:13Z shop 198.51.100.7:1 192.0.2.1:80 0.1 0.1 0.1 200 200 0 29 \"GET http://a.example.com:80/ HTTP/1.1\"\n";
    for bytes in [classic.to_vec(), gzip(classic)] {
        for name in [key(&CLB_ACCESS), key(&CLB_ACCESS) + ".gz", OPAQUE_KEY.to_owned()] {
            assert_eq!(ingest(&name, &bytes, &json()).ledger().table, Some("clb_access_log"));
        }
    }
}

#[test]
fn two_threads_write_the_same_files() {
    // Large enough for the second thread and several blocks, with an oversized and a malformed line.
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
