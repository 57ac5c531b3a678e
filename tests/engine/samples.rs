//! The generator: reproducible bytes, lines of the requested length, and the samples in `events/objects`.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use alb_ingest::formats::{Escapes, FORMATS, Format, LogType, Quoting};
use alb_ingest::generate::{Lines, Object, Packing, Rate, Traffic, Written, samples, write_samples};
use flate2::read::MultiGzDecoder;

fn text(format: &'static Format, seed: u64, lines: u64, traffic: Traffic) -> (Vec<u8>, Written) {
    let mut log = Lines::new(format, seed, traffic);
    let mut out = Vec::new();
    for _ in 0..lines {
        log.write(&mut out);
    }
    (out, log.written())
}

fn count(bytes: &[u8], wanted: u8) -> u64 {
    bytes.iter().map(|byte| u64::from(*byte == wanted)).sum()
}

fn hostile() -> Traffic {
    Traffic {
        hostile: Rate::per_million(1_000_000),
        ..Traffic::default()
    }
}

/// Splits an entry into tokens: a quote closes if a space or the end of the line follows.
fn tokens(format: &Format, entry: &[u8]) -> Vec<Vec<u8>> {
    let mut tokens = Vec::new();
    let mut rest = entry;
    loop {
        let quoted = rest.first() == Some(&b'"')
            && format
                .fields
                .get(tokens.len())
                .is_none_or(|field| field.quoting != Quoting::QuotedParts);
        let end = if quoted {
            let closes = |at: usize| {
                rest[at] == b'"'
                    && rest.get(at + 1).is_none_or(|next| *next == b' ')
                    && !(format.escapes == Escapes::BackslashQuote && rest[at - 1] == b'\\')
            };
            (1..rest.len()).find(|at| closes(*at)).expect("an unclosed quote") + 1
        } else {
            rest.iter().position(|byte| *byte == b' ').unwrap_or(rest.len())
        };
        tokens.push(rest[..end].to_vec());
        if end == rest.len() {
            return tokens;
        }
        rest = &rest[end + 1..];
    }
}

#[test]
fn the_committed_objects_are_the_samples() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("events/objects");
    let mut committed = BTreeMap::new();
    for entry in walkdir::WalkDir::new(&folder) {
        let entry = entry.expect("events/objects exists: run `make samples`");
        if entry.file_type().is_file() {
            let path = entry
                .path()
                .strip_prefix(&folder)
                .unwrap()
                .to_str()
                .unwrap()
                .replace('\\', "/");
            committed.insert(path, fs::read(entry.path()).unwrap());
        }
    }
    let generated: BTreeMap<_, _> = samples()
        .unwrap()
        .into_iter()
        .map(|sample| (sample.key, sample.bytes))
        .collect();
    let names = |of: &BTreeMap<String, Vec<u8>>| of.keys().cloned().collect::<Vec<_>>();
    assert_eq!(
        names(&committed),
        names(&generated),
        "events/objects is out of date: run `make samples`"
    );
    for (key, bytes) in &generated {
        assert!(committed[key] == *bytes, "{key} is out of date: run `make samples`");
    }
}

#[test]
fn samples_cover_every_log_type_and_are_small() {
    let samples = samples().unwrap();
    for format in FORMATS {
        let most = samples
            .iter()
            .filter(|sample| sample.log_type == Some(format.log_type))
            .map(|one| one.written.events)
            .max();
        assert!(
            most.is_some_and(|events| (280..400).contains(&events)),
            "{}: {most:?}",
            format.name
        );
    }
    let sum = |count: fn(&Written) -> u64| samples.iter().map(|sample| count(&sample.written)).sum::<u64>();
    assert!(
        (2..=6).contains(&sum(|written| written.malformed)),
        "{} malformed",
        sum(|written| written.malformed)
    );
    assert!(sum(|written| written.repairable) > 0 && sum(|written| written.blank) > 0);
    let bytes: usize = samples.iter().map(|sample| sample.bytes.len()).sum();
    assert!(bytes < 600_000, "{bytes} bytes");
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(write_samples(folder.path()).unwrap(), samples);
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    for format in FORMATS {
        for traffic in [Traffic::default(), hostile()] {
            let first = text(format, 7, 500, traffic.clone());
            assert_eq!(first, text(format, 7, 500, traffic.clone()), "{}", format.name);
            assert_ne!(first.0, text(format, 8, 500, traffic).0, "{}", format.name);
        }
    }
}

/// A line depends only on its own number: hostile lines do not change the lines between them.
#[test]
fn hostile_lines_change_only_themselves() {
    for format in FORMATS {
        let (ordinary, _) = text(format, 3, 400, Traffic::default());
        let sparse = Traffic {
            hostile: Rate::per_million(100_000),
            ..Traffic::default()
        };
        let (mixed, written) = text(format, 3, 400, sparse);
        let ordinary: Vec<_> = ordinary.split(|byte| *byte == b'\n').collect();
        let same = mixed
            .split(|byte| *byte == b'\n')
            .filter(|line| ordinary.contains(line))
            .count();
        assert!(written.hostile > 10, "{}", format.name);
        assert!(
            same as u64 > 400 - written.hostile,
            "{}: {same} of 401 are the same",
            format.name
        );
    }
}

#[test]
fn every_length_is_generated_with_exactly_that_many_fields() {
    for format in FORMATS {
        let longer = [format.known_fields() + 1, format.known_fields() + 2];
        for fields in format.lengths.iter().copied().chain(longer) {
            let traffic = Traffic {
                fields: Some(fields),
                ..Traffic::default()
            };
            let (ordinary, written) = text(format, 11, 1000, traffic.clone());
            assert_eq!((written.events, written.entries), (1000, 1000));
            for line in ordinary.strip_suffix(b"\n").unwrap().split(|byte| *byte == b'\n') {
                let shown = line.escape_ascii();
                assert_eq!(tokens(format, line).len(), fields, "{}: {shown}", format.name);
            }
            // The same for hostile lines; entry by entry, because a Classic entry may span lines.
            let mut lines = Lines::new(
                format,
                12,
                Traffic {
                    hostile: Rate::per_million(1_000_000),
                    ..traffic
                },
            );
            for _ in 0..1000 {
                let mut entry = Vec::new();
                lines.write(&mut entry);
                let shown = entry.escape_ascii().to_string();
                let found = tokens(format, entry.strip_suffix(b"\n").unwrap()).len();
                assert_eq!(found, fields, "{}: {shown}", format.name);
            }
            assert_eq!(lines.written().hostile, 1000);
        }
    }
}

#[test]
fn every_field_has_a_generator() {
    for format in FORMATS {
        let (lines, _) = text(format, 5, 3000, Traffic::default());
        let lines: Vec<_> = lines
            .strip_suffix(b"\n")
            .unwrap()
            .split(|byte| *byte == b'\n')
            .collect();
        let rows: Vec<_> = lines.iter().map(|line| tokens(format, line)).collect();
        for (number, field) in format.fields.iter().enumerate() {
            let filled = rows
                .iter()
                .any(|row| !matches!(row[number].as_slice(), b"-" | b"\"-\""));
            assert!(
                filled || field.name == "chosen_cert_serial",
                "{}.{} is always absent",
                format.name,
                field.name
            );
        }
    }
}

#[test]
fn counts_match_the_lines() {
    for format in FORMATS {
        let rate = Rate::per_million(100_000);
        let traffic = Traffic {
            hostile: rate,
            broken: rate,
            repairable: rate,
            blank: rate,
            ..Traffic::default()
        };
        let (lines, written) = text(format, 9, 2000, traffic);
        assert_eq!(written.entries, 2000);
        assert_eq!(written.entries, written.events + written.repairable + written.malformed);
        assert_eq!(written.bytes, lines.len() as u64);
        assert_eq!(written.line_ends, count(&lines, b'\n'), "{}", format.name);
        assert!(
            [written.hostile, written.malformed, written.blank]
                .iter()
                .all(|count| (150..250).contains(count))
        );
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the test reads one member at a time")]
fn members_are_split_within_a_line_and_contain_the_same_lines() {
    let format = FORMATS[0];
    let plain = text(format, 4, 200, Object::new(format, 4, 200).traffic).0;
    for (members, padding) in [(1, 0), (3, 0), (7, 512), (500, 1)] {
        let object = Object {
            packing: Packing { members, padding },
            ..Object::new(format, 4, 200)
        };
        let mut bytes = Vec::new();
        let written = object.write_to(&mut bytes).unwrap();
        assert_eq!((written.entries, written.bytes), (200, plain.len() as u64));
        let unpadded = bytes.len() - padding;
        assert!(bytes[unpadded..].iter().all(|byte| *byte == 0));
        let mut rest = &bytes[..unpadded];
        let (mut all, mut found, mut cut) = (Vec::new(), 0, 0);
        while !rest.is_empty() {
            let mut gzip = flate2::bufread::GzDecoder::new(rest);
            gzip.read_to_end(&mut all).unwrap();
            rest = gzip.into_inner();
            found += 1;
            cut += u64::from(all.last() != Some(&b'\n'));
        }
        assert_eq!(found, members);
        assert!(members > 10 || cut == members - 1);
        assert!(all == plain);
    }
}

#[test]
fn classic_objects_are_plain_text() {
    let format = LogType::ClbAccess.format();
    let object = Object::new(format, 1, 20);
    let mut bytes = Vec::new();
    object.write_to(&mut bytes).unwrap();
    assert_eq!(bytes, text(format, 1, 20, object.traffic.clone()).0);
    assert_eq!(Path::new(&object.key()).extension(), Some("log".as_ref()));
}

/// The access samples of two nodes join with the connection samples of the same nodes.
#[test]
fn sample_requests_join_with_their_connections() {
    let samples = samples().unwrap();
    let rows = |log_type: LogType, start: &str, number: usize| {
        let format = log_type.format();
        let mut values = Vec::new();
        let matching = samples
            .iter()
            .filter(|one| one.log_type == Some(log_type) && one.key.contains(start));
        for sample in matching {
            let mut lines = Vec::new();
            MultiGzDecoder::new(sample.bytes.as_slice())
                .read_to_end(&mut lines)
                .unwrap();
            let rows = lines
                .split(|byte| *byte == b'\n')
                .filter(|line| line.starts_with(b"h") || number == 11);
            let whole = rows.filter(|line| count(line, b'"').is_multiple_of(2));
            values.extend(whole.filter_map(|line| tokens(format, line).into_iter().nth(number)));
        }
        values
    };
    for node in ["20261007T1145Z_203.0.113.10", "20261007T1145Z_203.0.113.11"] {
        let connections = rows(LogType::AlbConnection, node, 11);
        let requests = rows(LogType::AlbAccess, node, 29);
        assert!(connections.len() > 60 && requests.len() > 250, "{node}");
        let joined = requests.iter().filter(|trace| connections.contains(trace)).count();
        assert!(joined + 5 > requests.len(), "{node}: {joined} of {}", requests.len());
    }
}

/// Benchmarks on generated logs are only meaningful if lines are compressed like real ones.
#[test]
fn access_lines_have_the_length_and_density_of_real_ones() {
    let (lines, _) = text(FORMATS[0], 1, 5000, Traffic::default().over_one_object(5000));
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    gzip.write_all(&lines).unwrap();
    let packed = gzip.finish().unwrap().len();
    assert!(
        (690..730).contains(&(lines.len() / 5000)),
        "{} bytes per line",
        lines.len() / 5000
    );
    assert!(
        (55..65).contains(&(lines.len() * 10 / packed)),
        "{} : {packed}",
        lines.len()
    );
}
