//! Detection of the log type, of objects to skip and of foreign formats.

use alb_ingest::formats::{ALB_ACCESS, ALB_CONNECTION, ALB_HEALTH_CHECK, FORMATS, Format, LogType};
use alb_ingest::generate::{Lines, Traffic};
use alb_ingest::ingest::{Options, Outcome, Skip};

use super::{OPAQUE_KEY, access, access_at, accesses, key, lines_of, skipped, strict};
use crate::common::{gzip, ingest, ingest_chunks, json, object, rows};

#[test]
fn non_log_objects_are_skipped() {
    for empty in [
        vec![],
        gzip(b""),
        [gzip(b""), gzip(b"")].concat(),
        b"\n\r\n  \n".to_vec(),
        gzip(b"\n"),
    ] {
        assert_eq!(skipped(&ingest(&key(&ALB_ACCESS), &empty, &json())), Skip::Empty);
        assert_eq!(skipped(&ingest(OPAQUE_KEY, &empty, &strict())), Skip::Empty);
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
    // Blank lines are counted, and a test entry among log lines is a line.
    let run = ingest(OPAQUE_KEY, b"\n\n", &json());
    assert!(
        matches!(&run.result, Ok(Outcome::Skipped(Skip::Empty, ledger)) if (ledger.lines, ledger.skipped_lines) == (2, 2))
    );
    let mixed = [&entry[..], b"\n", &accesses(2)].concat();
    let run = ingest(&key(&ALB_ACCESS), &mixed, &json());
    assert_eq!((run.ledger().events, run.ledger().quarantined), (2, 1));
}

/// A test entry followed by a log is a log, however long its lines are.
#[test]
fn lines_after_a_test_entry_are_not_lost() {
    let entry = "Enable AccessLog for ELB: app/shop/1 at 2026-10-07T09:12:44.120Z\n";
    let text = |len: usize| {
        let long = access_at("2026-10-07T11:42:13Z", &"x".repeat(len)) + "\n";
        [entry, &long, &access(1), "\n"].concat()
    };
    for name in [key(&ALB_ACCESS), OPAQUE_KEY.to_owned()] {
        let run = ingest(&name, text(300_000).as_bytes(), &json());
        assert_eq!((run.ledger().lines, lines_of(&run)), (3, vec![2, 3]));
        assert_eq!(rows(&run.quarantine())[0]["byte_offset"], 0);
        // Followed by an oversized line, the log type cannot be detected.
        assert!(
            ingest(&name, text(2_000_000).as_bytes(), &json())
                .error()
                .contains("fit no log type")
        );
    }
    // The same if the log is truncated in its first line.
    let words: Vec<_> = (0..500_u32)
        .map(|word| word.wrapping_mul(2_654_435_761).to_string())
        .collect();
    let agent = words.concat();
    let log = gzip(access_at("2026-10-07T11:42:13Z", &agent).as_bytes());
    let cut = [gzip(entry.as_bytes()), log[..log.len() / 2].to_vec()].concat();
    for name in [key(&ALB_ACCESS), OPAQUE_KEY.to_owned()] {
        assert!(ingest(&name, &cut, &json()).error().contains("truncated"));
    }
    let many = entry.repeat(5_000);
    assert!(
        ingest(OPAQUE_KEY, many.as_bytes(), &json())
            .error()
            .contains("fit no log type")
    );
}

/// A line of a format without its line end, of any length that such lines have had.
fn line(format: &'static Format, fields: usize, seed: u64) -> String {
    let traffic = Traffic {
        fields: Some(fields),
        ..Traffic::default()
    };
    let mut text = Vec::new();
    Lines::new(format, seed, traffic).write(&mut text);
    String::from_utf8(text).unwrap().trim_end().to_owned()
}

/// Checks that an object whose key names a format has no events, and its lines are in the quarantine of that format.
fn in_quarantine_of_the_key(format: &'static Format, lines: &[String]) {
    let text = lines.join("\n");
    let run = ingest(&key(format), text.as_bytes(), &json());
    let ledger = run.ledger();
    assert_eq!(
        (ledger.table, ledger.events, ledger.quarantined),
        (Some(format.name), 0, lines.len() as u64),
        "{text}"
    );
    let folder = format!("_quarantine/{}/", format.name);
    assert!(run.files.keys().all(|key| key.starts_with(&folder)), "{text}");
}

#[test]
fn a_key_that_names_the_log_type_decides_over_lines_of_another() {
    for (named, other) in FORMATS
        .into_iter()
        .flat_map(|named| FORMATS.map(|other| (named, other)))
    {
        for (seed, fields) in (1..).zip(other.lengths) {
            let lines = [line(other, *fields, seed), line(other, *fields, seed + 1)];
            let own = ingest(OPAQUE_KEY, lines.join("\n").as_bytes(), &json());
            assert_eq!((own.ledger().table, own.ledger().events), (Some(other.name), 2));
            if named.name == other.name {
                let run = ingest(&key(named), lines.join("\n").as_bytes(), &json());
                assert_eq!((run.ledger().table, run.ledger().events), (Some(other.name), 2));
                continue;
            }
            in_quarantine_of_the_key(named, &lines);
            // A whole object of it fails loudly.
            let many: Vec<_> = (0..20).map(|seed| line(other, *fields, seed)).collect();
            let error = ingest(&key(named), many.join("\n").as_bytes(), &json()).error();
            assert!(
                error.contains("20 of the first 20 lines") && error.contains(named.name),
                "{error}"
            );
        }
    }
}

/// Without its first field, an Application Load Balancer's line has the fields of a Classic one.
#[test]
fn a_line_without_its_first_fields_is_not_an_event_of_another_log_type() {
    for format in FORMATS {
        for (seed, fields) in (1..).zip(format.lengths) {
            for missing in 1..4 {
                let without = |seed| {
                    let line = line(format, *fields, seed);
                    let rest: Vec<_> = line.split(' ').skip(missing).collect();
                    rest.join(" ")
                };
                let lines = [without(seed), without(seed + 1)];
                let text = lines.join("\n");
                let named = ingest(&key(format), text.as_bytes(), &json());
                if let Ok(Outcome::Ingested(ledger)) = &named.result {
                    assert_eq!((ledger.table, ledger.events), (Some(format.name), 0), "{text}");
                }
                // Nor if the key does not name the log type.
                let silent = ingest(OPAQUE_KEY, text.as_bytes(), &json());
                assert!(silent.error().contains("fit no log type"), "{text}");
            }
        }
    }
    let first_missing = line(&ALB_ACCESS, 30, 7).split_once(' ').unwrap().1.to_owned();
    in_quarantine_of_the_key(
        &ALB_ACCESS,
        &[access(1).split_once(' ').unwrap().1.to_owned(), first_missing],
    );
}

#[test]
fn a_table_that_the_user_names_is_not_doubted() {
    let health = b"http 2026-10-07T11:42:13.1Z 0.019584011 192.0.2.97:80 targets PASS 200 -\n";
    for name in [OPAQUE_KEY.to_owned(), key(&ALB_HEALTH_CHECK)] {
        let options = Options {
            table: Some(&ALB_ACCESS),
            ..json()
        };
        let run = ingest_chunks(object(&name), health, &[], &options);
        assert_eq!(
            (run.ledger().table, run.ledger().quarantined),
            (Some("alb_access_log"), 1)
        );
    }
}

/// `grep` and `zgrep` put the name of the file before each line that they find.
#[test]
fn the_name_of_a_file_before_a_line_is_not_part_of_it() {
    for format in FORMATS {
        for (seed, fields) in (1..).zip(format.lengths) {
            let lines =
                ["object.log.gz:", "a/b_c.log:", "12:"].map(|name| name.to_owned() + &line(format, *fields, seed));
            in_quarantine_of_the_key(format, &lines);
            // Without a telling key, the lines that begin with a type are recognized by it.
            let silent = ingest(OPAQUE_KEY, lines.join("\n").as_bytes(), &json());
            match format.log_type {
                LogType::AlbConnection | LogType::ClbAccess => assert!(silent.error().contains("fit no log type")),
                _ => assert_eq!((silent.ledger().events, silent.ledger().quarantined), (0, 3)),
            }
        }
    }
}

#[test]
fn foreign_formats_fail_and_are_named() {
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
        let error = ingest(OPAQUE_KEY, text.as_bytes(), &json()).error();
        for format in FORMATS {
            assert!(error.contains(format.name), "{error}");
        }
        assert!(error.contains("--table"), "{error}");
    }
}

#[test]
fn the_key_fills_the_load_balancer_of_older_lines() {
    let connection = "2023-12-05T06:15:00Z 198.51.100.7 54321 443 TLSv1.2 ECDHE 0.004 \"-\" - - -\n";
    let health = "http 2026-10-07T11:42:13.1Z 0.019584011 192.0.2.97:80 targets PASS 200 -\n";
    for (format, line) in [(&ALB_CONNECTION, connection), (&ALB_HEALTH_CHECK, health)] {
        let row = &rows(&ingest(&key(format), line.as_bytes(), &json()).events())[0];
        assert_eq!(row["elb"], "app/shop/7f3c9a1e5b2d4860");
        let row = &rows(&ingest(OPAQUE_KEY, line.as_bytes(), &json()).events())[0];
        assert_eq!(row.get("elb"), None);
    }
}
