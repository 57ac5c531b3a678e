//! Properties of the engine, on generated, mutated and arbitrary objects.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::common;
use crate::common::any::{any_object, bytes_of, cases, read_parquet, text_of};
use alb_ingest::encode::{Compression, FileFormat};
use alb_ingest::formats::{Escapes, Format as Table};
use alb_ingest::generate::Object;
use alb_ingest::ingest::{Ledger, OnCorrupt, Options, Outcome, PartitionBy, Problem};
use alb_ingest::parse::line::Repair;
use base64::Engine as _;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value};

fn parquet() -> Options {
    Options {
        format: FileFormat::Parquet,
        ..Options::default()
    }
}

/// Returns the options, with every column on request if they are wanted.
fn with_columns(wanted: bool, options: Options) -> Options {
    if wanted { common::enriched(options) } else { options }
}

proptest! {
    #![proptest_config(cases(40))]

    /// The output does not depend on the chunks in which the bytes arrive.
    #[test]
    fn any_chunking_gives_the_same_bytes(
        object in any_object(),
        chunks in vec(0_usize..3_000, 0..60),
        in_parquet: bool,
        by_hour: bool,
        enriched: bool,
    ) {
        let options = with_columns(enriched, Options {
            partition_by: if by_hour { PartitionBy::Hour } else { PartitionBy::Day },
            ..if in_parquet { parquet() } else { common::json() }
        });
        let (bytes, _) = bytes_of(&object);
        let whole = common::ingest(&object.key(), &bytes, &options);
        let pieces = common::ingest_chunks(common::object(&object.key()), &bytes, &chunks, &options);
        prop_assert_eq!(format!("{:?}", whole.result), format!("{:?}", pieces.result));
        prop_assert!(whole.files == pieces.files);
        let single = vec![1; bytes.len()];
        let singles = common::ingest_chunks(common::object(&object.key()), &bytes, &single, &options);
        prop_assert!(whole.files == singles.files);
    }

    /// Both formats have the same events and values.
    #[test]
    fn json_equals_parquet(
        object in any_object(),
        compression in select(vec![Compression::Zstd, Compression::Snappy, Compression::Gzip, Compression::None]),
        enriched: bool,
    ) {
        let (bytes, written) = bytes_of(&object);
        let options = |options| with_columns(enriched, options);
        let in_json = common::ingest(&object.key(), &bytes, &options(common::json()));
        let in_parquet = common::ingest(&object.key(), &bytes, &options(Options { compression, ..parquet() }));
        prop_assert_eq!(in_json.result.is_ok(), in_parquet.result.is_ok());
        prop_assert_eq!(in_json.quarantine(), in_parquet.quarantine());
        if in_json.result.is_err() {
            prop_assert!(written.malformed > 0);
            return Ok(());
        }
        prop_assert_eq!(in_json.files.len(), in_parquet.files.len());
        for (key, bytes) in in_parquet.files.iter().filter(|(key, _)| !key.starts_with("_quarantine/")) {
            let lines = &in_json.files[&key.replace(".parquet", ".json")];
            let lines: Vec<_> = str::from_utf8(lines).unwrap().lines().collect();
            let rows = read_parquet(bytes);
            prop_assert_eq!(lines.len(), rows.len());
            for (line, row) in lines.into_iter().zip(rows) {
                same_event(line, &row)?;
            }
        }
    }

    /// The ledger is balanced and matches the counts of the generator.
    #[test]
    fn the_ledger_matches_the_generated_lines(object in any_object()) {
        let (bytes, written) = bytes_of(&object);
        let run = common::ingest(&object.key(), &bytes, &common::json());
        let ledger = match &run.result {
            Ok(Outcome::Ingested(ledger)) => ledger,
            Err(error) => {
                prop_assert!(matches!(*error.problem, Problem::Unknown(_) | Problem::MostlyMalformed { .. }), "{error}");
                prop_assert!(written.malformed * 2 > written.entries.min(20), "{error}: {written:?}");
                return Ok(());
            }
            Ok(skipped) => return Err(TestCaseError::fail(format!("{skipped:?}"))),
        };
        prop_assert_eq!(ledger.table, Some(object.format.name));
        prop_assert_eq!(ledger.lines, written.entries + written.blank);
        prop_assert_eq!(ledger.events, written.events + written.repairable);
        prop_assert_eq!(ledger.quarantined, written.malformed);
        prop_assert_eq!(ledger.skipped_lines, written.blank);
        prop_assert_eq!(ledger.bytes_in, bytes.len() as u64);
        prop_assert_eq!(ledger.bytes_out, run.files.values().map(Vec::len).sum::<usize>() as u64);
        prop_assert_eq!(common::rows(&run.events()).len() as u64, ledger.events);
        prop_assert_eq!(common::rows(&run.quarantine()).len() as u64, ledger.quarantined);
        let longer = object.traffic.fields > Some(object.format.known_fields());
        prop_assert_eq!(ledger.with_extra_fields, if longer { ledger.events } else { 0 });
        let repaired = |wanted| ledger.repairs.iter().find(|(repair, _)| *repair == wanted).unwrap().1;
        prop_assert!(repaired(Repair::UnescapedQuote) >= written.repairable);
        // All lines are on one day; lines outside of the interval in the key would be in another partition.
        prop_assert!(run.partitions().iter().all(|folder| folder == "date=2026-10-07"));
        positions(&text_of(&object), object.format, &run, ledger)?;
    }
}

proptest! {
    #![proptest_config(cases(120))]

    /// Any input gives either an error and no file, or a balanced ledger and the correct position of every line.
    #[test]
    fn mutated_lines_are_accounted_for(object in any_object(), edits in vec(any_edit(), 0..12), named: bool, forced: bool) {
        let mut text = text_of(&Object { lines: object.lines.min(40), ..object.clone() });
        for edit in &edits {
            edit.apply(&mut text);
        }
        accounted(&object, &text, named, forced)?;
    }

    /// The same for arbitrary bytes.
    #[test]
    fn arbitrary_bytes_are_accounted_for(object in any_object(), bytes in vec(odd_byte(), 0..2_000), named: bool, forced: bool) {
        accounted(&object, &bytes, named, forced)?;
    }

    /// A corrupt gzip object is salvaged or fails; in strict mode, nothing is written.
    #[test]
    fn mutated_gzip_is_salvaged_or_fails(
        object in any_object(),
        edits in vec(any_edit(), 0..4),
        chunks in vec(0_usize..500, 0..60),
        strict: bool,
    ) {
        let (mut bytes, _) = bytes_of(&object);
        for edit in &edits {
            edit.apply(&mut bytes);
        }
        let on_corrupt = if strict { OnCorrupt::Strict } else { OnCorrupt::Salvage };
        let options = Options { on_corrupt, ..common::json() };
        let run = common::ingest(&object.key(), &bytes, &options);
        let pieces = common::ingest_chunks(common::object(&object.key()), &bytes, &chunks, &options);
        prop_assert_eq!(format!("{:?}", run.result), format!("{:?}", pieces.result));
        prop_assert!(run.files == pieces.files);
        match &run.result {
            Ok(Outcome::Ingested(ledger)) => {
                prop_assert_eq!(ledger.lines, ledger.events + ledger.quarantined + ledger.skipped_lines);
                prop_assert_eq!(common::rows(&run.events()).len() as u64, ledger.events);
                prop_assert_eq!(common::rows(&run.quarantine()).len() as u64, ledger.quarantined);
                prop_assert!(!strict || ledger.corruption.is_none());
            }
            Ok(Outcome::Skipped(..)) | Err(_) => prop_assert!(run.files.is_empty()),
        }
    }
}

proptest! {
    #![proptest_config(cases(16))]

    /// `explain` parses any line or reports the position of the error; it does not panic.
    #[test]
    fn explain_takes_any_line(object in any_object(), edits in vec(any_edit(), 0..40), forced: bool) {
        let mut text = text_of(&Object { lines: object.lines.min(30), ..object.clone() });
        for edit in &edits {
            edit.apply(&mut text);
        }
        let table = if forced { object.format.name } else { "auto" };
        let mut child = Command::new(env!("CARGO_BIN_EXE_alb-ingest"))
            .args(["explain", "--table", table])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let writer = std::thread::scope(|scope| {
            scope.spawn(|| { stdin.write_all(&text).unwrap(); drop(stdin); });
            child.wait_with_output().unwrap()
        });
        let stderr = String::from_utf8(writer.stderr).unwrap();
        prop_assert!(matches!(writer.status.code(), Some(0 | 1)) && stderr.is_empty(), "{}: {stderr}", writer.status);
        prop_assert!(str::from_utf8(&writer.stdout).is_ok());
    }
}

/// An edit of some bytes. Positions are relative to the length, so they are valid for any text.
#[derive(Debug, Clone)]
enum Edit {
    Put(f64, Vec<u8>),
    Insert(f64, Vec<u8>),
    Remove(f64, usize),
    Repeat(f64, usize),
    Truncate(f64),
}

/// Returns bytes, with a preference for those that are significant to the parser.
fn odd_byte() -> impl Strategy<Value = u8> {
    prop_oneof![
        4 => select(b"\"\\ \n\r-:,;.[]=x0129TZ\x1f\x8b\xff\xc3\0".to_vec()),
        1 => any::<u8>(),
    ]
}

fn any_edit() -> impl Strategy<Value = Edit> {
    let bytes = || vec(odd_byte(), 1..6);
    prop_oneof![
        4 => (0.0..1.0, bytes()).prop_map(|(at, bytes)| Edit::Put(at, bytes)),
        4 => (0.0..1.0, bytes()).prop_map(|(at, bytes)| Edit::Insert(at, bytes)),
        2 => (0.0..1.0, 1_usize..40).prop_map(|(at, len)| Edit::Remove(at, len)),
        1 => (0.0..1.0, 1_usize..900).prop_map(|(at, len)| Edit::Repeat(at, len)),
        1 => (0.0..1.0).prop_map(Edit::Truncate),
    ]
}

impl Edit {
    fn apply(&self, bytes: &mut Vec<u8>) {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a position in a text"
        )]
        let place = |at: f64| ((bytes.len() as f64) * at) as usize;
        let end_of = |at: usize, len: usize| (at + len).min(bytes.len());
        match self {
            Self::Put(at, with) => {
                let at = place(*at);
                let end = end_of(at, with.len());
                drop(bytes.splice(at..end, with.iter().copied()));
            }
            Self::Insert(at, with) => {
                let at = place(*at);
                drop(bytes.splice(at..at, with.iter().copied()));
            }
            Self::Remove(at, len) => {
                let at = place(*at);
                let end = end_of(at, *len);
                drop(bytes.drain(at..end));
            }
            Self::Repeat(at, len) => {
                let at = place(*at);
                let again = bytes[at..end_of(at, *len)].to_vec();
                drop(bytes.splice(at..at, again));
            }
            Self::Truncate(at) => bytes.truncate(place(*at)),
        }
    }
}

/// Ingests plain text and checks that every line is an event, quarantined or blank.
fn accounted(object: &Object, text: &[u8], named: bool, forced: bool) -> Result<(), TestCaseError> {
    let key = if named {
        object.key()
    } else {
        "some/file.log".to_owned()
    };
    let table = forced.then_some(object.format);
    let run = common::ingest_chunks(
        common::object(&key),
        text,
        &[],
        &Options {
            table,
            ..common::json()
        },
    );
    let ledger = match &run.result {
        Ok(Outcome::Ingested(ledger)) => ledger,
        Ok(Outcome::Skipped(..)) | Err(_) => {
            prop_assert!(run.files.is_empty());
            return Ok(());
        }
    };
    prop_assert_eq!(ledger.lines, ledger.events + ledger.quarantined + ledger.skipped_lines);
    if text.starts_with(&[0x1f, 0x8b]) {
        return Ok(());
    }
    let format = Table::by_name(ledger.table.unwrap()).unwrap();
    positions(text, format, &run, ledger)
}

/// Checks line numbers, offsets and raw bytes against the text of the object.
fn positions(text: &[u8], format: &Table, run: &common::Run, ledger: &Ledger) -> Result<(), TestCaseError> {
    let mut starts = vec![0];
    starts.extend(
        text.iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'\n')
            .map(|(at, _)| at + 1),
    );
    let mut numbers = BTreeSet::new();
    let mut number_is_new = |number: u64| {
        let known = usize::try_from(number).is_ok_and(|number| (1..=starts.len()).contains(&number));
        known && numbers.insert(number)
    };
    let mut last = 0;
    for event in common::rows(&run.events()) {
        let line = event["source_line"].as_u64().unwrap();
        prop_assert!(number_is_new(line), "line {line} is repeated");
        prop_assert!(
            event["event_id"].as_str().unwrap().ends_with(&format!("-{line:010}")),
            "{event}"
        );
        prop_assert!(run.partitions().len() > 1 || line > last, "line {line} after {last}");
        last = line;
    }
    for row in common::rows(&run.quarantine()) {
        let line = row["line"].as_u64().unwrap();
        prop_assert!(number_is_new(line), "line {line} is repeated");
        let offset = usize::try_from(row["byte_offset"].as_u64().unwrap()).unwrap();
        let bom = if line == 1 && text.starts_with(b"\xef\xbb\xbf") {
            3
        } else {
            0
        };
        prop_assert_eq!(starts[usize::try_from(line).unwrap() - 1] + bom, offset, "{}", &row);
        let raw = match row.get("raw_base64") {
            Some(raw) => base64::engine::general_purpose::STANDARD
                .decode(raw.as_str().unwrap())
                .unwrap(),
            None => row["raw"].as_str().unwrap().as_bytes().to_vec(),
        };
        prop_assert!(text[offset..].starts_with(&raw), "{row}");
        let rest = &text[offset + raw.len()..];
        prop_assert!(
            rest.is_empty() || rest.starts_with(b"\n") || rest == b"\r" || rest.starts_with(b"\r\n"),
            "{row}"
        );
    }
    prop_assert_eq!(numbers.len() as u64, ledger.events + ledger.quarantined);
    if format.escapes == Escapes::Hex {
        // With one entry per line, lines that are neither events nor quarantined are blank.
        let lines = text.split_inclusive(|byte| *byte == b'\n').zip(1_u64..);
        let filled = lines.filter(|(line, _)| !line.trim_ascii().is_empty());
        let filled: BTreeSet<_> = filled.map(|(_, number)| number).collect();
        prop_assert_eq!(numbers, filled);
    }
    Ok(())
}

fn same_event(line: &str, row: &Map<String, Value>) -> Result<(), TestCaseError> {
    let event: Map<String, Value> = serde_json::from_str(line).unwrap();
    prop_assert_eq!(event.keys().collect::<Vec<_>>(), row.keys().collect::<Vec<_>>());
    for (name, value) in row {
        if let Some(seconds) = value.as_f64().filter(|_| value.is_f64()) {
            // Compare the bits: serde_json does not guarantee to parse the last one.
            let written = line.split_once(&format!(",\"{name}\":")).unwrap().1;
            let written: f64 = written.split([',', '}']).next().unwrap().parse().unwrap();
            prop_assert_eq!(written.to_bits(), seconds.to_bits(), "{}", name);
        } else {
            prop_assert_eq!(&event[name], value, "{}", name);
        }
    }
    Ok(())
}
