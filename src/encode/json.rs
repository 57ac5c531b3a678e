//! JSON lines, written straight from the columns.
//!
//! One object a line, keys in the order of the table. A null is left out; an empty text is `""` and an empty list `[]`.
//! Times are `YYYY-MM-DDTHH:MM:SS.ffffffZ`.

use std::io::Write;

use crate::batch::{Batch, Values};
use crate::format::{Fill, Plan, Source};
use crate::line::time::write_timestamp;
use crate::line::words;
use crate::object::ObjectFacts;
use crate::settings::Compression;

use super::{Compressor, EncodeError, Encoder};

/// Bytes that are gathered before they are handed on.
const CHUNK: usize = 64 * 1024;

/// Writes events as JSON lines.
pub struct JsonEncoder<W: Write> {
    keys: EventKeys,
    buffer: Vec<u8>,
    out: Compressor<W>,
}

/// What is the same for every event of an object: the keys, and the values of the object itself.
pub struct EventKeys {
    /// `{"event_id":"…-`, in front of the line number.
    head: Vec<u8>,
    /// Behind the first column: `,"key":`, or `,"key":"value"` for what is the same for every event.
    columns: Vec<Vec<u8>>,
}

impl EventKeys {
    /// The keys of a table, for one object.
    pub fn new(plan: &Plan, facts: &ObjectFacts) -> Self {
        let head = format!("{{\"event_id\":\"{}-", facts.id).into_bytes();
        let columns = plan
            .columns
            .iter()
            .map(|column| {
                let mut key = Vec::new();
                key.push(b',');
                write_text(column.name.as_bytes(), &mut key);
                key.push(b':');
                let Source::Filled(fill) = column.source else {
                    return key;
                };
                match constant(fill, facts) {
                    Constant::Value(value) => write_text(value.as_bytes(), &mut key),
                    Constant::Null => key.clear(),
                    Constant::No => {}
                }
                key
            })
            .collect();
        Self { head, columns }
    }
}

/// Whether a column is the same for every event of an object.
pub(super) enum Constant<'a> {
    /// It is, and has this value.
    Value(&'a str),
    /// It is, and is null.
    Null,
    /// It is not.
    No,
}

/// What a filled column is for every event of an object.
pub(super) fn constant(fill: Fill, facts: &ObjectFacts) -> Constant<'_> {
    let value = match fill {
        Fill::AccountId => facts.key.account.as_deref(),
        Fill::Region => facts.key.region.as_deref(),
        Fill::SourceBucket => Some(facts.object.bucket.as_str()),
        Fill::SourceKey => Some(facts.object.key.as_str()),
        Fill::EventId | Fill::EventTime | Fill::ExtraFields | Fill::SourceLine => return Constant::No,
    };
    value.map_or(Constant::Null, Constant::Value)
}

/// Appends one event as a JSON object, without a newline.
pub fn write_event(keys: &EventKeys, batch: &Batch, row: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&keys.head);
    let line = batch.line_numbers().get(row).copied().unwrap_or_default();
    write_line_number(line, out);
    out.push(b'"');
    // The first column is the event's id.
    for (key, values) in keys.columns.iter().zip(batch.columns()).skip(1) {
        match values {
            Values::OfObject => out.extend_from_slice(key),
            Values::Text(texts) => {
                if let Some(text) = texts.get(row, batch.text()) {
                    out.extend_from_slice(key);
                    write_text(text, out);
                }
            }
            Values::Int32(numbers) => write_some(key, numbers.get(row).map(i64::from), out),
            Values::Int64(numbers) => write_some(key, numbers.get(row), out),
            Values::Float64(numbers) => {
                if let Some(value) = numbers.get(row) {
                    out.extend_from_slice(key);
                    out.extend_from_slice(ryu::Buffer::new().format_finite(value).as_bytes());
                }
            }
            Values::Timestamp(numbers) => {
                if let Some(micros) = numbers.get(row) {
                    out.extend_from_slice(key);
                    out.push(b'"');
                    write_timestamp(micros, out);
                    out.push(b'"');
                }
            }
            Values::TextList(lists) => {
                if let Some(items) = lists.get(row, batch.text()) {
                    out.extend_from_slice(key);
                    out.push(b'[');
                    for (number, item) in items.enumerate() {
                        if number > 0 {
                            out.push(b',');
                        }
                        write_text(item, out);
                    }
                    out.push(b']');
                }
            }
        }
    }
    out.push(b'}');
}

fn write_some(key: &[u8], value: Option<i64>, out: &mut Vec<u8>) {
    if let Some(value) = value {
        out.extend_from_slice(key);
        out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }
}

/// A line number in ten digits, as event ids carry it.
pub(super) fn write_line_number(line: i64, out: &mut Vec<u8>) {
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(line).as_bytes();
    out.extend(std::iter::repeat_n(b'0', 10_usize.saturating_sub(digits.len())));
    out.extend_from_slice(digits);
}

/// A text that is UTF-8 as a JSON string.
pub(super) fn write_text(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text;
    while let Some(at) = find_escape(rest) {
        let (clean, behind) = rest.split_at(at);
        out.extend_from_slice(clean);
        let (byte, behind) = behind.split_first().unwrap_or((&b'"', &[]));
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
        }
        rest = behind;
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// The position of the first byte that JSON escapes. Eight bytes at a time: most texts have none.
#[inline]
fn find_escape(text: &[u8]) -> Option<usize> {
    let (eights, tail) = text.as_chunks::<8>();
    for (number, eight) in eights.iter().enumerate() {
        let word = u64::from_le_bytes(*eight);
        let found = words::equal(word, b'"') | words::equal(word, b'\\') | words::below(word, b' ');
        if found != 0 {
            return Some(number * 8 + words::first(found));
        }
    }
    let at = tail.iter().position(|byte| needs_escape(*byte))?;
    Some(text.len() - tail.len() + at)
}

const fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

impl<W: Write> JsonEncoder<W> {
    /// An encoder for the events of one object.
    pub fn new(plan: &Plan, facts: &ObjectFacts, compression: Compression, out: W) -> Result<Self, EncodeError> {
        Ok(Self {
            keys: EventKeys::new(plan, facts),
            buffer: Vec::new(),
            out: Compressor::new(compression, out)?,
        })
    }
}

impl<W: Write> Encoder<W> for JsonEncoder<W> {
    fn encode(&mut self, batch: &Batch) -> Result<(), EncodeError> {
        for row in 0..batch.rows() {
            write_event(&self.keys, batch, row, &mut self.buffer);
            self.buffer.push(b'\n');
            if self.buffer.len() >= CHUNK {
                self.flush()?;
            }
        }
        self.flush()
    }

    fn buffered(&self) -> usize {
        self.buffer.capacity()
    }

    fn flush(&mut self) -> Result<(), EncodeError> {
        self.out.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<W, EncodeError> {
        self.flush()?;
        Ok(self.out.finish()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_what_serde_json_reads() {
        for text in [
            "",
            "plain",
            "q\"b\\s/",
            "\u{0}\u{1f}\n\r\t\u{7f}\u{2028}é\u{1F600}",
            "=cmd|' /C calc'!A0",
        ] {
            let mut out = Vec::new();
            write_text(text.as_bytes(), &mut out);
            assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }
        for byte in 0..=0x7f_u8 {
            for at in 0..20 {
                let mut text = [b'x'; 20];
                text[at] = byte;
                let mut out = Vec::new();
                write_text(&text, &mut out);
                assert_eq!(serde_json::from_slice::<String>(&out).unwrap().as_bytes(), text);
            }
        }
    }

    #[test]
    fn line_numbers_have_ten_digits_or_more() {
        let mut out = Vec::new();
        write_line_number(42, &mut out);
        write_line_number(12_345_678_901, &mut out);
        assert_eq!(out, b"000000004212345678901");
    }
}
