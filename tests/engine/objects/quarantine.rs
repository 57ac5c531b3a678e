//! Malformed and oversized lines, and errors that never quote a line.

use alb_ingest::formats::{ALB_ACCESS, CLB_ACCESS, NLB_ACCESS};

use super::{OPAQUE_KEY, access, access_at, broken, key, lines_of, raw, strict};
use crate::common::{gzip, ingest, ingest_chunks, json, object, rows};

#[test]
fn an_oversized_line_is_quarantined_and_reading_resumes() {
    const MIB: usize = 1024 * 1024;
    let base = access_at("2026-10-07T11:42:13Z", "").len();
    for (len, too_long) in [
        (MIB / 16 + 1, false),
        (MIB - 1, false),
        (MIB, false),
        (MIB + 1, true),
        (6 * MIB, true),
    ] {
        let room = len - base;
        let agent = "é".repeat(room / 2) + if room.is_multiple_of(2) { "" } else { "x" };
        let long = access_at("2026-10-07T11:42:13Z", &agent);
        assert_eq!(long.len(), len);
        for ending in ["\n", ""] {
            let after = if ending.is_empty() {
                String::new()
            } else {
                access(2) + "\n"
            };
            let text = format!("{}\n{long}{ending}{after}", access(1));
            for packed in [text.clone().into_bytes(), gzip(text.as_bytes())] {
                let run = ingest_chunks(object(&key(&ALB_ACCESS)), &packed, &[7, 300_000, 1], &json());
                let ledger = run.ledger();
                let expected_lines = 2 + u64::from(!after.is_empty());
                assert_eq!(
                    (ledger.lines, ledger.quarantined),
                    (expected_lines, u64::from(too_long)),
                    "{len}"
                );
                let last = lines_of(&run).last().copied();
                assert_eq!(
                    last,
                    Some(if after.is_empty() && too_long {
                        1
                    } else {
                        expected_lines
                    })
                );
                if let [row] = rows(&run.quarantine()).as_slice() {
                    assert_eq!((&row["reason"], &row["line"]), (&"line_too_long".into(), &2.into()));
                    assert_eq!(row["byte_offset"], access(1).len() + 1);
                    assert_eq!(row["raw_length"], len);
                    let kept = raw(row);
                    assert!(long.as_bytes().starts_with(&kept) && kept.len() + 1 >= MIB, "{len}");
                }
            }
        }
    }
}

#[test]
fn an_object_of_oversized_lines_needs_a_key_with_a_log_type() {
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
        ingest(OPAQUE_KEY, long.as_bytes(), &json())
            .error()
            .contains("longer than 1 MiB")
    );
    // Followed by normal lines, the oversized line is quarantined and counted.
    let text = format!("{long}\n{}", access(1));
    let run = ingest(OPAQUE_KEY, text.as_bytes(), &json());
    assert_eq!(
        (run.ledger().lines, run.ledger().events, lines_of(&run)),
        (2, 1, vec![2])
    );
}

/// Lines of up to 1 MiB each do not become an entry of more.
#[test]
fn a_classic_entry_is_limited_to_the_length_of_a_line() {
    let sample = std::str::from_utf8(CLASSIC).unwrap();
    let open = sample.strip_suffix("\" - -\n").unwrap();
    for (part, lines, too_long) in [
        (150_000, 5, false),
        (300_000, 3, false),
        (300_000, 4, true),
        (1_048_576, 9, true),
    ] {
        let text =
            format!("{sample}{open}\n{}", format!("{}\n", "x".repeat(part)).repeat(lines)) + "x\" - -\n" + sample;
        let run = ingest(&key(&CLB_ACCESS), text.as_bytes(), &json());
        let ledger = run.ledger();
        if !too_long {
            assert_eq!((ledger.lines, ledger.events), (3, 3), "{part}");
            continue;
        }
        assert_eq!(ledger.events, 2, "{part}: {ledger:?}");
        let rejected = rows(&run.quarantine());
        assert_eq!(
            (&rejected[0]["reason"], &rejected[0]["line"]),
            (&"line_too_long".into(), &2.into())
        );
        assert!(rejected[0]["raw_length"].as_u64().unwrap() < 2_200_000);
        assert!(rejected.iter().all(|row| raw(row).len() <= 1_048_576));
    }
}

const CLASSIC: &[u8] = b"2026-10-07T11:42:13.000000Z shop 198.51.100.7:54321 192.0.2.10:80 0.001 0.048 0.000 200 200 0 57 \"GET http://www.example.com:80/ HTTP/1.1\" \"agent\" - -\n";

#[test]
fn malformed_lines_beyond_a_bound_are_referred_to() {
    let good: String = (0..1_000).map(|number| access(number) + "\n").collect();
    // Blank lines do not end a run, and events do.
    let text =
        good.clone() + &"x\n".repeat(60_000) + &"x\n\n".repeat(20_000) + &access(1) + "\ny\r\n" + &access(2) + "\nz";
    let run = ingest(&key(&ALB_ACCESS), text.as_bytes(), &json());
    let ledger = run.ledger();
    assert_eq!(
        (ledger.events, ledger.quarantined, ledger.skipped_lines),
        (1_002, 80_002, 20_000)
    );
    let quarantine = run.quarantine();
    assert!(quarantine.len() < 17 << 20, "{}", quarantine.len());
    let found = rows(&quarantine);
    let (runs, whole): (Vec<_>, Vec<_>) = found.iter().partition(|row| row["reason"] == "malformed_lines");
    assert!(whole.len() > 20_000 && whole.iter().all(|row| row["raw"] == "x"));
    assert_eq!(runs.len(), 3);
    let number = |row: &serde_json::Value, name: &str| usize::try_from(row[name].as_u64().unwrap()).unwrap();
    assert_eq!(
        whole.len() + runs.iter().map(|row| number(row, "lines")).sum::<usize>(),
        80_002
    );
    for row in &runs {
        let (offset, length) = (number(row, "byte_offset"), number(row, "byte_length"));
        let lines = text.as_bytes()[offset..offset + length].split(|byte| *byte == b'\n');
        let filled = lines.filter(|line| !line.trim_ascii().is_empty());
        assert_eq!(filled.count(), number(row, "lines"), "{row}");
        let before = memchr::memchr_iter(b'\n', &text.as_bytes()[..offset]).count();
        assert_eq!(before + 1, number(row, "line"));
        assert_eq!(row["reasons"][0]["lines"], row["lines"], "{row}");
    }
    assert_eq!(text.as_bytes()[number(runs[2], "byte_offset")..], *b"z");
    // The chunks do not matter.
    let pieces = ingest_chunks(
        object(&key(&ALB_ACCESS)),
        text.as_bytes(),
        &[7, 300_000, 1, 100_000],
        &json(),
    );
    assert!(pieces.quarantine() == quarantine);
}

#[test]
fn objects_fail_if_most_lines_are_malformed() {
    let text = |pattern: &[bool]| -> Vec<u8> {
        let lines = pattern
            .iter()
            .enumerate()
            .map(|(number, good)| if *good { access(number) } else { broken(number) } + "\n");
        lines.collect::<String>().into_bytes()
    };
    // More than half of the lines, and at least twenty.
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
    // Only the first thousand lines decide; the following ones are quarantined one by one.
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

/// A client whose user agent ends with a backslash neither hides its own line nor makes the object fail.
#[test]
fn a_final_backslash_costs_neither_the_line_nor_the_object() {
    let line = |number: usize, agent: &str| {
        format!(
            "2026-10-07T11:42:13.{number:06}Z shop 198.51.100.7:54321 10.0.1.20:80 0.1 0.1 0.1 200 200 0 178 \
             \"GET http://www.example.com:80/{number} HTTP/1.1\" \"{agent}\" - -\n"
        )
    };
    for share in [1, 2, 7] {
        let lines = (0..300).map(|number| line(number, if number % share == 0 { r"agent\" } else { "curl/8.5.0" }));
        let text = lines.collect::<String>();
        for name in [key(&CLB_ACCESS), OPAQUE_KEY.to_owned()] {
            let run = ingest(&name, text.as_bytes(), &json());
            assert_eq!((run.ledger().events, run.ledger().quarantined), (300, 0));
            let agents = rows(&run.events())
                .iter()
                .filter(|row| row["user_agent"] == "agent\\")
                .count();
            assert_eq!(agents, 300_usize.div_ceil(share));
        }
    }
}

/// Errors have the position in the object, but never the content of its lines.
#[test]
fn no_error_shows_the_content_of_a_line() {
    const CANARY: &str = "Canary77secret";
    let secret = format!("{CANARY} {CANARY}\"{CANARY} https://{CANARY}.example.com/?token={CANARY}");
    let bad = broken(1).replace("agent 1", CANARY);
    let many = (bad.clone() + "\n").repeat(60);
    let good = access_at("2026-10-07T11:42:13Z", CANARY);
    let objects: Vec<(String, Vec<u8>)> = vec![
        (OPAQUE_KEY.to_owned(), secret.clone().into_bytes()),
        (key(&ALB_ACCESS), secret.clone().into_bytes()),
        (key(&ALB_ACCESS), [good.as_str(), "\n", &many].concat().into_bytes()),
        (key(&ALB_ACCESS), many.clone().into_bytes()),
        (OPAQUE_KEY.to_owned(), CANARY.repeat(100_000).into_bytes()),
        (key(&ALB_ACCESS), [b"PAR1", secret.as_bytes()].concat()),
        (OPAQUE_KEY.to_owned(), gzip(secret.as_bytes())[..40].to_vec()),
        (
            OPAQUE_KEY.to_owned(),
            [gzip(secret.as_bytes()), secret.clone().into_bytes()].concat(),
        ),
        (
            OPAQUE_KEY.to_owned(),
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
    // The same for the ledger of an ingested object, which the report prints.
    let text = [good, bad].join("\n");
    let run = ingest(&key(&ALB_ACCESS), text.as_bytes(), &json());
    assert_eq!((run.ledger().events, run.ledger().quarantined), (1, 1));
    let shown = format!("{:?} {}", run.ledger(), run.ledger().top_reasons(9));
    assert!(!shown.contains("Canary"), "{shown}");
}
