//! Two entries on one physical line never become one event, and a single entry is never taken for two.

use alb_ingest::formats::{FORMATS, Format, LogType};
use alb_ingest::generate::{Lines, Rate, Traffic};
use alb_ingest::parse::batch::{Batch, LineParser, Malformed};
use alb_ingest::parse::line::Reason;

use crate::common::{ingest, json, rows};

/// The number of events in a text, and its malformed lines.
fn parse(format: &'static Format, text: &[u8]) -> (usize, Vec<Malformed>) {
    let plan = format.plan();
    let mut parser = LineParser::new(plan, None);
    let (mut batch, mut malformed) = (Batch::new(plan), Vec::new());
    parser.push_block(text, 0, &mut batch, &mut malformed);
    parser.finish(&mut malformed);
    (batch.rows(), malformed)
}

fn traffic(fields: usize, [hostile, broken, repairable]: [u32; 3]) -> Traffic {
    Traffic {
        fields: Some(fields),
        hostile: Rate::per_million(hostile),
        broken: Rate::per_million(broken),
        repairable: Rate::per_million(repairable),
        ..Traffic::default()
    }
}

/// Entries without their line ends.
fn entries(format: &'static Format, seed: u64, traffic: Traffic, count: usize) -> Vec<Vec<u8>> {
    let mut lines = Lines::new(format, seed, traffic);
    let entry = |_| {
        let mut text = Vec::new();
        lines.write(&mut text);
        text.pop();
        text
    };
    (0..count).map(entry).collect()
}

/// Ordinary entries, and entries with client text or values of every kind.
const KINDS: [[u32; 3]; 3] = [[0, 0, 0], [1_000_000, 0, 0], [0, 0, 1_000_000]];

/// The lengths that lines of a format have had, and one with unknown trailing fields.
fn lengths(format: &'static Format) -> impl Iterator<Item = usize> {
    let known = format.known_fields();
    format.lengths.iter().copied().chain([known + 2])
}

/// The positions at which an entry is cut: each border of a field and two positions within each.
fn cuts(entry: &[u8]) -> Vec<usize> {
    let spaces = entry.iter().enumerate().filter(|(_, byte)| **byte == b' ');
    let borders: Vec<usize> = spaces.map(|(at, _)| at).chain([entry.len()]).collect();
    let mut last = 0;
    let mut cuts = Vec::new();
    for border in borders {
        cuts.extend([
            last + 1,
            last + (border - last) / 3,
            usize::midpoint(last, border),
            border - 1,
            border,
        ]);
        last = border;
    }
    cuts.sort_unstable();
    cuts.dedup();
    // A cut before the first byte leaves a whole entry, and after a newline the next entry has its own physical line.
    cuts.retain(|cut| *cut > 0 && *cut <= entry.len() && entry[cut - 1] != b'\n');
    cuts
}

/// Whether the entry begins with a word that AWS's page does not list.
fn begins_with_new_word(format: &Format, entry: &[u8]) -> bool {
    let column = format.fields[0].columns().first();
    let known = column.map_or(&[][..], |column| column.known);
    !known.is_empty()
        && !known
            .iter()
            .any(|known| entry.starts_with(&[known.as_bytes(), b" "].concat()))
}

/// Asserts that a line is not an event; returns whether it was recognized as two entries.
fn refused(format: &'static Format, line: &[u8]) -> bool {
    let (events, malformed) = parse(format, line);
    assert_eq!(events, 0, "{}: {}", format.name, line.escape_ascii());
    malformed
        .iter()
        .any(|malformed| malformed.fault.reason == Reason::TwoEntries)
}

/// Pairs of entries of every length and kind, malformed ones included.
fn for_each_pair(kinds: &[[u32; 3]], mut check: impl FnMut(&'static Format, &[u8], &[u8])) {
    for format in FORMATS {
        for (seed, first_length) in (1..).zip(lengths(format)) {
            for (second_seed, second_length) in (100..).zip(lengths(format)) {
                for first_kind in KINDS {
                    for second_kind in kinds {
                        let first = entries(format, seed, traffic(first_length, first_kind), 1);
                        let second = entries(format, second_seed, traffic(second_length, *second_kind), 1);
                        check(format, &first[0], &second[0]);
                    }
                }
            }
        }
    }
}

#[test]
fn two_whole_entries_on_a_line_are_never_an_event() {
    let mut lines = 0;
    for_each_pair(&KINDS, |format, first, second| {
        for separator in ["", " ", "  ", "\r", "\t"] {
            let line = [first, separator.as_bytes(), second].concat();
            assert!(refused(format, &line), "{}: {}", format.name, line.escape_ascii());
            lines += 1;
        }
    });
    assert!(lines > 10_000, "{lines}");
}

/// The second entry may be malformed itself.
#[test]
fn an_entry_and_a_malformed_one_on_a_line_are_never_an_event() {
    for_each_pair(&[[0, 1_000_000, 0]], |format, first, second| {
        for separator in ["", " "] {
            refused(format, &[first, separator.as_bytes(), second].concat());
        }
    });
}

/// One of them may be cut.
#[test]
fn more_than_two_entries_on_a_line_are_never_an_event() {
    for_each_pair(&[[0, 0, 0]], |format, first, second| {
        for separator in ["", " "] {
            let separator = separator.as_bytes();
            for cut in [second.len() / 10, second.len() / 5, second.len() / 2] {
                refused(format, &[first, separator, second, separator, &second[..cut]].concat());
            }
        }
    });
}

#[test]
fn a_cut_entry_before_a_whole_one_is_never_an_event() {
    let (mut lines, mut named) = (0, 0);
    for format in FORMATS {
        let lengths: Vec<_> = lengths(format).collect();
        for (number, first_length) in lengths.iter().enumerate() {
            for (step, kind) in KINDS.into_iter().enumerate() {
                let second_length = lengths[(number + 1 + 2 * step) % lengths.len()];
                let seed = number as u64;
                let first = &entries(format, seed, traffic(*first_length, kind), 1)[0];
                let second = &entries(format, seed + 100, traffic(second_length, kind), 1)[0];
                let new_word = begins_with_new_word(format, first) || begins_with_new_word(format, second);
                let word = first.iter().position(|byte| *byte == b' ').unwrap();
                // Within a word that AWS's page does not list, a cut cannot be recognized.
                for cut in cuts(first).into_iter().filter(|cut| !new_word || *cut > word) {
                    named += u32::from(refused(format, &[&first[..cut], second].concat()));
                    lines += 1;
                }
            }
        }
    }
    assert!(lines > 5_000 && named * 10 > lines * 9, "{named} of {lines}");
}

/// Unknown trailing fields such as AWS may add, none of which is an entry.
const TRAILING: &[&str] = &[
    "\"-\"",
    "-",
    "2026-10-07T11:40:00.123456Z",
    "2026-10-07T11:40:00",
    "\"2026-10-07T11:40:00.123456Z\"",
    "arn:aws:acm:us-east-1:123456789012:certificate/0a1b2c3d-0000-4000-8000-000000000000",
    "\"arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/0123456789abcdef\"",
    "app/shop/7f3c9a1e5b2d4860",
    "192.0.2.10:8080",
    "2001:db8::10",
    "https",
    "tls",
    "0.001",
    "443",
    "TID_0123456789abcdef0123456789abcdef",
    "\"some words of text\"",
    "\"https 2026-10-07T11:40:00.123456Z app/shop/1 192.0.2.1:80 192.0.2.2:80 0.1 0.1 0.1 200 200\"",
    "\"2026-10-07T11:40:00.123456Z shop 192.0.2.1:80 192.0.2.2:80 0.1 0.1 0.1 200 200\"",
    "NotBefore=2023-09-21T22:43:21Z;NotAfter=2026-06-17T22:43:21Z",
];

/// Single entries of every length and kind are what they were, whatever follows their known fields.
#[test]
fn a_single_entry_is_never_taken_for_two() {
    for format in FORMATS {
        for (seed, length) in (1..).zip(lengths(format)) {
            for kind in KINDS {
                for (number, entry) in (0..).zip(entries(format, seed, traffic(length, kind), 30)) {
                    let (events, malformed) = parse(format, &entry);
                    assert_eq!((events, malformed.len()), (1, 0), "{}", entry.escape_ascii());
                    // A repair must be the only reading, which more fields may prevent.
                    if length < format.known_fields() || kind == KINDS[2] {
                        continue;
                    }
                    // Each shape after each other one, and a third.
                    let shape = |number: usize| TRAILING[number % TRAILING.len()];
                    let (first, then) = (number % TRAILING.len(), number / 7 + number);
                    for trailing in [
                        shape(first).to_owned(),
                        format!("{} {}", shape(first), shape(then)),
                        format!("{} {} {}", shape(first), shape(then), shape(then + number + 3)),
                    ] {
                        let line = [&entry, b" ".as_slice(), trailing.as_bytes()].concat();
                        let (events, _) = parse(format, &line);
                        assert_eq!(events, 1, "{}", line.escape_ascii());
                    }
                }
            }
            for entry in entries(format, seed, traffic(length, [0, 1_000_000, 0]), 100) {
                let (events, malformed) = parse(format, &entry);
                let reasons: Vec<_> = malformed.iter().map(|malformed| malformed.fault.reason).collect();
                assert!(events == 0 && reasons.len() == 1, "{}", entry.escape_ascii());
                assert!(!reasons.contains(&Reason::TwoEntries), "{}", entry.escape_ascii());
            }
        }
    }
}

/// A client cannot make its own line look like two, as long as the load balancer's quotes are intact.
#[test]
fn the_text_of_a_client_is_not_a_second_entry() {
    let alb =
        "https 2026-10-07T11:42:13Z app/shop/7f3c9a1e5b2d4860 198.51.100.7:54321 192.0.2.10:8080 0.001 0.048 0.000";
    let clb = "2026-10-07T11:42:13Z shop 198.51.100.7:54321 192.0.2.10:8080 0.001 0.048 0.000";
    let request = "200 200 350 1024 \"GET https://www.example.com:443/items HTTP/1.1\"";
    for (log_type, start, entry) in [(LogType::AlbAccess, alb, alb), (LogType::ClbAccess, clb, clb)] {
        let format = log_type.format();
        let alb_only = log_type == LogType::AlbAccess;
        let filled = "\"-\" 0 2026-10-07T11:42:13Z \"forward\" \"-\" \"-\" \"-\" \"-\" \"-\" \"-\" TID_1 \"-\" \"-\" \"-\" 192.0.2.1";
        let rest = if alb_only {
            format!("- - - \"Root=1\" \"-\" {filled}")
        } else {
            "- -".to_owned()
        };
        for agent in [
            entry.to_owned(),
            format!("x{entry} 200 200 350 1024 -"),
            format!(
                "{entry} {}",
                request.replace('"', if alb_only { "\\x22" } else { "\\\"" })
            ),
        ] {
            for trailing in [
                "",
                " \"-\" \"-\"",
                " 2026-10-07T11:40:00Z",
                " \"a long unknown field of text\"",
            ] {
                let line = format!("{start} {request} \"{agent}\" {rest}{trailing}");
                let (events, malformed) = parse(format, line.as_bytes());
                assert_eq!((events, malformed.len()), (1, 0), "{line}");
                let line = format!(
                    "{start} 200 200 350 1024 \"GET https://a.example:443/{agent} HTTP/1.1\" \"-\" {rest}{trailing}"
                );
                let (events, malformed) = parse(format, line.as_bytes());
                assert_eq!((events, malformed.len()), (1, 0), "{line}");
            }
        }
        // In a Classic log, neither after a raw newline nor before a final backslash.
        if !alb_only {
            for agent in [format!("first\nx {entry} 1 1"), format!("{entry} 1 1\\")] {
                let line = format!("{start} {request} \"{agent}\" - -");
                let (events, malformed) = parse(format, line.as_bytes());
                assert_eq!((events, malformed.len()), (1, 0), "{line}");
            }
        }
    }
}

/// A carriage return does not end a line, so a text without newlines is one line: several entries, none of them an event.
#[test]
fn carriage_returns_alone_do_not_separate_entries() {
    for format in FORMATS {
        let lines = entries(format, 7, traffic(format.min_fields, [0, 0, 0]), 200);
        for end in ["", "\r"] {
            let text = [lines.join(b"\r".as_slice()), end.as_bytes().to_vec()].concat();
            let run = ingest(&alb_ingest::generate::Object::new(format, 1, 1).key(), &text, &json());
            let ledger = run.ledger();
            assert_eq!(
                (ledger.lines, ledger.events, ledger.quarantined),
                (1, 0, 1),
                "{}",
                format.name
            );
            assert_eq!(rows(&run.quarantine())[0]["reason"], "two_entries", "{}", format.name);
            let silent = ingest("some/file.log", &text, &json());
            assert_eq!(
                (silent.ledger().table, silent.ledger().quarantined),
                (Some(format.name), 1)
            );
        }
        // One entry with such an end is an event, as with CR LF.
        let text = [lines[0].as_slice(), b"\r"].concat();
        let run = ingest("some/file.log", &text, &json());
        assert_eq!(run.ledger().events, 1, "{}", format.name);
    }
}
