//! Writes the rows of the quarantine: one JSON line per malformed line, with its raw bytes.

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::object::ObjectRef;
use crate::parse::line::Fault;

use super::json::write_text;

/// The maximum number of bytes of a line that are held until the whole line is known to be UTF-8. A longer line is written
/// as base64 while it is read, to bound memory.
const MAX_HELD: usize = 4 * 1024 * 1024;

/// Writes one row. The raw bytes may come in any number of parts; a line is never truncated.
#[derive(Debug)]
pub struct RowWriter {
    /// Raw bytes that are not written yet.
    held: Vec<u8>,
    /// Whether the value of `raw_base64` has been begun.
    streaming: bool,
    written: u64,
}

impl RowWriter {
    /// Begins a row.
    pub fn begin(object: &ObjectRef, line: u64, offset: u64, fault: &Fault, out: &mut impl Write) -> io::Result<Self> {
        let mut head = b"{\"source_bucket\":".to_vec();
        write_text(object.bucket.as_bytes(), &mut head);
        head.extend_from_slice(b",\"source_key\":");
        write_text(object.key.as_bytes(), &mut head);
        head.extend_from_slice(format!(",\"line\":{line},\"byte_offset\":{offset},\"reason\":").as_bytes());
        write_text(fault.reason.name().as_bytes(), &mut head);
        head.extend_from_slice(b",\"field\":");
        match fault.field {
            Some(field) => write_text(field.as_bytes(), &mut head),
            None => head.extend_from_slice(b"null"),
        }
        out.write_all(&head)?;
        Ok(Self {
            held: Vec::new(),
            streaming: false,
            written: head.len() as u64,
        })
    }

    /// Appends raw bytes of the line.
    pub fn push(&mut self, raw: &[u8], out: &mut impl Write) -> io::Result<()> {
        self.held.extend_from_slice(raw);
        if self.held.len() > MAX_HELD {
            self.stream(out)?;
        }
        Ok(())
    }

    /// Ends the row; returns its length in bytes.
    pub fn finish(mut self, out: &mut impl Write) -> io::Result<u64> {
        let mut tail = Vec::new();
        if self.streaming {
            tail.extend_from_slice(STANDARD.encode(&self.held).as_bytes());
            tail.push(b'"');
        } else if str::from_utf8(&self.held).is_ok() {
            tail.extend_from_slice(b",\"raw\":");
            write_text(&self.held, &mut tail);
        } else {
            tail.extend_from_slice(b",\"raw_base64\":\"");
            tail.extend_from_slice(STANDARD.encode(&self.held).as_bytes());
            tail.push(b'"');
        }
        tail.extend_from_slice(b"}\n");
        out.write_all(&tail)?;
        self.written += tail.len() as u64;
        Ok(self.written)
    }

    /// Writes whole groups of three bytes as base64.
    fn stream(&mut self, out: &mut impl Write) -> io::Result<()> {
        if !self.streaming {
            self.streaming = true;
            out.write_all(b",\"raw_base64\":\"")?;
            self.written += 15;
        }
        let whole = self.held.len() - self.held.len() % 3;
        let text = STANDARD.encode(&self.held[..whole]);
        out.write_all(text.as_bytes())?;
        self.written += text.len() as u64;
        self.held.drain(..whole);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::line::Reason;

    fn row(raw: &[u8], part: usize) -> serde_json::Value {
        let object = ObjectRef {
            bucket: "b".into(),
            key: "k\"\u{1}".into(),
            version: String::new(),
        };
        let fault = Fault {
            reason: Reason::OutOfRange,
            field: Some("client:port"),
            at: 3,
        };
        let mut out = Vec::new();
        let mut row = RowWriter::begin(&object, 7, 99, &fault, &mut out).unwrap();
        for part in raw.chunks(part) {
            row.push(part, &mut out).unwrap();
        }
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
        let invalid = row(b"\xff\xfe", 1);
        assert_eq!(
            STANDARD.decode(invalid["raw_base64"].as_str().unwrap()).unwrap(),
            b"\xff\xfe"
        );
        let long: Vec<u8> = [0xff, 1, 2, 0xfe, b'x']
            .into_iter()
            .cycle()
            .take(3 * MAX_HELD + 1)
            .collect();
        let value = row(&long, 1_000_003);
        assert_eq!(STANDARD.decode(value["raw_base64"].as_str().unwrap()).unwrap(), long);
    }
}
