//! Writes the rows of the quarantine: one JSON line per malformed line, with its raw bytes, or per run of them.

use std::collections::BTreeMap;
use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::object::ObjectRef;
use crate::parse::line::{Fault, Reason};

use super::json::write_text;

/// The maximum number of bytes of a line in its row. A reader of JSON holds a whole row in memory.
const MAX_RAW: usize = 1024 * 1024;

/// Writes one row. The raw bytes may come in any number of parts; those after the first MiB are counted and not written.
#[derive(Debug)]
pub struct RowWriter {
    row: Vec<u8>,
    raw: Vec<u8>,
    /// The length of the line.
    raw_length: u64,
}

/// A run of malformed lines: no event is between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The number of the first physical line, from 1.
    pub line: u64,
    /// The position of the first byte in the decompressed object.
    pub offset: u64,
    /// The position after the last byte, without its newline.
    pub end: u64,
    /// The number of malformed lines by reason and field.
    pub reasons: BTreeMap<(&'static str, Option<&'static str>), u64>,
}

impl RowWriter {
    /// Begins a row.
    pub fn new(object: &ObjectRef, line: u64, offset: u64, fault: &Fault) -> Self {
        Self {
            row: head(object, (line, offset), (fault.reason.name(), fault.field)),
            raw: Vec::new(),
            raw_length: 0,
        }
    }

    /// Appends raw bytes of the line.
    pub fn push(&mut self, raw: &[u8]) {
        let room = MAX_RAW.saturating_sub(self.raw.len()).min(raw.len());
        self.raw.extend_from_slice(&raw[..room]);
        self.raw_length += raw.len() as u64;
    }

    /// Writes the row; returns its length in bytes.
    pub fn finish(self, out: &mut impl Write) -> io::Result<u64> {
        let Self {
            mut row,
            raw,
            raw_length,
        } = self;
        let is_cut = raw_length > raw.len() as u64;
        let text = match str::from_utf8(&raw) {
            Ok(text) => Some(text.as_bytes()),
            // The cut is inside a character.
            Err(error) if is_cut && error.error_len().is_none() => Some(&raw[..error.valid_up_to()]),
            Err(_) => None,
        };
        if let Some(text) = text {
            row.extend_from_slice(b",\"raw\":");
            write_text(text, &mut row);
        } else {
            row.extend_from_slice(b",\"raw_base64\":\"");
            row.extend_from_slice(STANDARD.encode(&raw).as_bytes());
            row.push(b'"');
        }
        if is_cut {
            row.extend_from_slice(format!(",\"raw_length\":{raw_length}").as_bytes());
        }
        end(row, out)
    }
}

impl Run {
    /// Returns the number of malformed lines.
    fn lines(&self) -> u64 {
        self.reasons.values().sum()
    }

    /// Writes the row that refers to the lines; returns its length in bytes.
    pub fn write(&self, object: &ObjectRef, out: &mut impl Write) -> io::Result<u64> {
        let mut row = head(object, (self.line, self.offset), (Reason::Run.name(), None));
        let (length, lines) = (self.end - self.offset, self.lines());
        row.extend_from_slice(format!(",\"byte_length\":{length},\"lines\":{lines},\"reasons\":[").as_bytes());
        for (number, ((reason, field), lines)) in self.reasons.iter().enumerate() {
            row.extend_from_slice(if number == 0 { b"{" } else { b",{" });
            write_reason((reason, *field), &mut row);
            row.extend_from_slice(format!(",\"lines\":{lines}}}").as_bytes());
        }
        row.push(b']');
        end(row, out)
    }
}

/// Returns the keys that every row has.
fn head(object: &ObjectRef, (line, offset): (u64, u64), reason: (&str, Option<&str>)) -> Vec<u8> {
    let mut row = b"{\"source_bucket\":".to_vec();
    write_text(object.bucket.as_bytes(), &mut row);
    row.extend_from_slice(b",\"source_key\":");
    write_text(object.key.as_bytes(), &mut row);
    row.extend_from_slice(format!(",\"line\":{line},\"byte_offset\":{offset},").as_bytes());
    write_reason(reason, &mut row);
    row
}

fn write_reason((reason, field): (&str, Option<&str>), row: &mut Vec<u8>) {
    row.extend_from_slice(b"\"reason\":");
    write_text(reason.as_bytes(), row);
    row.extend_from_slice(b",\"field\":");
    match field {
        Some(field) => write_text(field.as_bytes(), row),
        None => row.extend_from_slice(b"null"),
    }
}

fn end(mut row: Vec<u8>, out: &mut impl Write) -> io::Result<u64> {
    row.extend_from_slice(b"}\n");
    out.write_all(&row)?;
    Ok(row.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object() -> ObjectRef {
        ObjectRef {
            bucket: "b".into(),
            key: "k\"\u{1}".into(),
            version: String::new(),
        }
    }

    fn row(raw: &[u8], part: usize) -> serde_json::Value {
        let fault = Fault {
            reason: Reason::OutOfRange,
            field: Some("client:port"),
            at: 3,
        };
        let mut out = Vec::new();
        let mut row = RowWriter::new(&object(), 7, 99, &fault);
        raw.chunks(part).for_each(|part| row.push(part));
        assert_eq!(row.finish(&mut out).unwrap(), out.len() as u64);
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn raw_bytes_round_trip() {
        let value = row("tab\t \"é\"".as_bytes(), 3);
        assert_eq!(value["raw"], "tab\t \"é\"");
        assert_eq!((&value["line"], &value["byte_offset"]), (&7.into(), &99.into()));
        assert_eq!(
            (&value["reason"], &value["field"]),
            (&"out_of_range".into(), &"client:port".into())
        );
        assert_eq!(value["source_key"], "k\"\u{1}");
        assert!(value.get("raw_length").is_none());
        let invalid = row(b"\xff\xfe", 1);
        assert_eq!(
            STANDARD.decode(invalid["raw_base64"].as_str().unwrap()).unwrap(),
            b"\xff\xfe"
        );
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let long = format!("x{}", "é".repeat(MAX_RAW));
        for part in [1_000_003, 3 * MAX_RAW] {
            let value = row(long.as_bytes(), part);
            let kept = value["raw"].as_str().unwrap();
            assert!(long.starts_with(kept) && kept.len() == MAX_RAW - 1);
            assert_eq!(value["raw_length"], long.len());
        }
        let invalid = [0xff, b'x'].repeat(MAX_RAW);
        let value = row(&invalid, MAX_RAW);
        assert!(STANDARD.decode(value["raw_base64"].as_str().unwrap()).unwrap() == invalid[..MAX_RAW]);
        assert_eq!(value["raw_length"], invalid.len());
        assert!(row(&invalid[..MAX_RAW], 7).get("raw_length").is_none());
    }

    #[test]
    fn a_run_refers_to_its_lines() {
        let run = Run {
            line: 5,
            offset: 40,
            end: 90,
            reasons: BTreeMap::from([(("not_a_time", Some("time")), 2), (("stray_quote", None), 1)]),
        };
        let mut out = Vec::new();
        assert_eq!(run.write(&object(), &mut out).unwrap(), out.len() as u64);
        let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!((&value["line"], &value["byte_offset"]), (&5.into(), &40.into()));
        assert_eq!((&value["byte_length"], &value["lines"]), (&50.into(), &3.into()));
        assert_eq!((&value["reason"], value.get("raw")), (&"malformed_lines".into(), None));
        let reasons = serde_json::json!([
            {"reason": "not_a_time", "field": "time", "lines": 2},
            {"reason": "stray_quote", "field": null, "lines": 1},
        ]);
        assert_eq!(value["reasons"], reasons);
    }
}
