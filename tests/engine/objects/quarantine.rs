//! Malformed and oversized lines, and errors that never quote a line.

use alb_ingest::formats::{ALB_ACCESS, NLB_ACCESS};

use super::{OPAQUE_KEY, access, access_at, broken, key, lines_of, raw, strict};
use crate::common::{gzip, ingest, ingest_chunks, json, object, rows};

#[test]
fn an_oversized_line_is_quarantined_whole_and_reading_resumes() {
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
                    assert_eq!(row.get("raw_base64").is_some(), base64, "{len}");
                    assert!(raw(row) == long.as_bytes(), "{len}: the line is not whole");
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
