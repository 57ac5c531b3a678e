//! Lines with unusual characters, numbers of fields and times: each is an event or quarantined, and so is the next one.

use alb_ingest::formats::ALB_ACCESS;
use alb_ingest::generate::{Lines, Traffic};
use alb_ingest::ingest::Options;
use alb_ingest::schema::mapping::Schema;

use super::{OPAQUE_KEY, access, access_at, key, lines_of};
use crate::common::{ingest, json, rows};

#[test]
fn case_32_only_a_newline_ends_a_line() {
    let texts = [
        "nul \0 inside",
        "vertical tab \u{b}",
        "form feed \u{c}",
        "a carriage \r return",
        "next line \u{85}",
        "separators \u{1c}\u{1d}\u{1e}",
        "line \u{2028} and paragraph \u{2029}",
        "a mark \u{feff}",
    ];
    let text: String = texts
        .iter()
        .map(|agent| access_at("2026-10-07T11:42:13Z", agent) + "\n")
        .collect();
    let run = ingest(&key(&ALB_ACCESS), text.as_bytes(), &json());
    assert_eq!((run.ledger().lines, run.ledger().events), (8, 8), "{:?}", run.ledger());
    let agents: Vec<_> = rows(&run.events())
        .iter()
        .map(|row| row["user_agent"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(agents, texts);
}

#[test]
fn case_34_a_line_of_any_number_of_fields_is_an_event_or_quarantined() {
    let known = ALB_ACCESS.known_fields();
    for fields in 12..=40 {
        let mut text = Vec::new();
        let traffic = Traffic {
            fields: Some(fields.clamp(ALB_ACCESS.min_fields, known)),
            ..Traffic::default()
        };
        Lines::new(&ALB_ACCESS, fields as u64, traffic).write(&mut text);
        let mut line = String::from_utf8(text).unwrap().trim_end().to_owned();
        if fields < ALB_ACCESS.min_fields {
            // None of the first fields contains a space, except for the request and the user agent.
            line = line.split('"').next().unwrap().trim_end().to_owned();
        }
        line.extend((known..fields).map(|extra| format!(" new-{extra}")));
        let text = format!("{line}\n{}\n", access(1));
        let run = ingest(&key(&ALB_ACCESS), text.as_bytes(), &json());
        let is_event = fields >= ALB_ACCESS.min_fields;
        assert_eq!(
            (run.ledger().events, run.ledger().quarantined),
            if is_event { (2, 0) } else { (1, 1) },
            "{fields}: {text}"
        );
        assert_eq!(lines_of(&run).last(), Some(&2));
        let extra = rows(&run.events())[0]["extra_fields"].as_array().map_or(0, Vec::len);
        assert_eq!(extra, fields.saturating_sub(known));
    }
}

#[test]
fn case_35_the_first_and_the_last_year_are_times_in_every_schema() {
    for (time, is_event) in [
        ("0000-01-01T00:00:00.000000Z", true),
        ("0000-12-31T23:59:59.999999Z", true),
        ("9999-12-31T23:59:59.999999Z", true),
        ("9999-12-31T23:59:60Z", false),
        ("-001-01-01T00:00:00Z", false),
        ("10000-01-01T00:00:00Z", false),
    ] {
        let text = format!("{}\n{}\n", access_at(time, "curl"), access(1));
        for schema in Schema::ALL {
            let formats = [json(), Options::default()];
            for format in formats.into_iter().take(if schema.is_batched() { 1 } else { 2 }) {
                for key in [key(&ALB_ACCESS), OPAQUE_KEY.to_owned()] {
                    let options = Options {
                        schema,
                        ..format.clone()
                    };
                    let run = ingest(&key, text.as_bytes(), &options);
                    let expected = if is_event { (2, 0) } else { (1, 1) };
                    assert_eq!((run.ledger().events, run.ledger().quarantined), expected, "{time}");
                }
            }
        }
        let run = ingest(&key(&ALB_ACCESS), text.as_bytes(), &json());
        let times = rows(&run.events());
        assert_eq!(times.iter().any(|row| row["timestamp"] == time), is_event, "{time}");
    }
}
