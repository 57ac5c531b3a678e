//! Detection of the log type, of objects to skip and of foreign formats.

use alb_ingest::formats::{ALB_ACCESS, ALB_CONNECTION, ALB_HEALTH_CHECK, FORMATS};
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

#[test]
fn lines_take_precedence_over_a_contradicting_key() {
    let health = b"http 2026-10-07T11:42:13.1Z 0.019584011 192.0.2.97:80 targets PASS 200 -\n";
    for format in FORMATS {
        let run = ingest(&key(format), &accesses(3), &json());
        assert_eq!((run.ledger().table, run.ledger().events), (Some("alb_access_log"), 3));
        let run = ingest(&key(format), health, &json());
        assert_eq!(run.ledger().table, Some("alb_health_check_log"));
    }
    // A table given by the user takes precedence over the lines.
    let run = ingest_chunks(
        object(OPAQUE_KEY),
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
