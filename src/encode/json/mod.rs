//! JSON lines, written straight from the columns.
//!
//! One object a line, keys in the order of the table. A null is left out; an empty text is `""` and an empty list `[]`.
//! Times are `YYYY-MM-DDTHH:MM:SS.ffffffZ`.

mod sink;
mod values;

use std::io::Write;

use crate::batch::{Batch, Values};
use crate::format::{Fill, Kind, Plan, PlannedColumn, Source};
use crate::line::words;
use crate::object::ObjectFacts;
use crate::settings::Compression;

use super::{Compressor, EncodeError, Encoder};
pub use sink::Sink;
use values::{Times, put_float, put_integer};

/// Bytes that are gathered before they are handed on.
const CHUNK: usize = 64 * 1024;

/// Writes events as JSON lines.
pub struct JsonEncoder<W: Write> {
    events: EventWriter,
    lines: Sink,
    out: Compressor<W>,
}

/// Writes the events of one object as JSON objects. What is the same for every event is made once: the keys, and the
/// values of the object itself.
#[derive(Debug)]
pub struct EventWriter {
    /// `{"event_id":"…-`, in front of the line number.
    head: sink::Constant,
    /// One for each column behind the first, which is the event's id.
    steps: Vec<Step>,
}

/// How a column is written.
#[derive(Debug)]
struct Step {
    /// `,"key":`, and the opening quote of a text; with the value where it is the same for every event; nothing where
    /// that is null.
    key: sink::Constant,
    times: Times,
}

impl EventWriter {
    /// A writer for the events of one object.
    pub fn new(plan: &Plan, facts: &ObjectFacts) -> Self {
        let head = format!("{{\"event_id\":\"{}-", facts.id);
        Self {
            head: sink::Constant::new(head.as_bytes()),
            steps: plan
                .columns
                .iter()
                .skip(1)
                .map(|column| Step::new(column, facts))
                .collect(),
        }
    }

    /// Appends one event as a JSON object, without a newline.
    pub fn write(&mut self, batch: &Batch, row: usize, out: &mut Sink) {
        out.put_constant(&self.head);
        let line = batch.line_numbers().get(row).copied().unwrap_or_default();
        put_line_number(line, out);
        out.put_byte(b'"');
        for (step, values) in self.steps.iter_mut().zip(batch.columns().iter().skip(1)) {
            step.write(values, batch.text(), row, out);
        }
        out.put_byte(b'}');
    }
}

/// The bytes of one event as a JSON line, its newline included.
pub fn json_len(batch: &Batch, row: usize, facts: &ObjectFacts) -> usize {
    let mut line = Sink::default();
    EventWriter::new(batch.plan, facts).write(batch, row, &mut line);
    line.len() + 1
}

impl Step {
    fn new(column: &PlannedColumn, facts: &ObjectFacts) -> Self {
        let mut key = Vec::from(b",");
        write_text(column.name.as_bytes(), &mut key);
        key.push(b':');
        let constant = match column.source {
            Source::Filled(fill) => constant(fill, facts),
            Source::Part { .. } => Constant::No,
        };
        match constant {
            Constant::Value(value) => write_text(value.as_bytes(), &mut key),
            Constant::Null => key.clear(),
            Constant::No if column.kind == Kind::Text => key.push(b'"'),
            Constant::No => {}
        }
        Self {
            key: sink::Constant::new(&key),
            times: Times::new(),
        }
    }

    /// Appends the value of a row, if it has one.
    #[inline]
    fn write(&mut self, values: &Values, text: &[u8], row: usize, out: &mut Sink) {
        match values {
            Values::OfObject => out.put_constant(&self.key),
            Values::Text(texts) => {
                if let Some(view) = texts.view(row) {
                    out.put_constant(&self.key);
                    out.put_rest_of_string(text, view.start(), view.end());
                }
            }
            Values::Int32(numbers) => self.write_integer(numbers.get(row).map(i64::from), out),
            Values::Int64(numbers) => self.write_integer(numbers.get(row), out),
            Values::Float64(numbers) => {
                if let Some(value) = numbers.get(row) {
                    out.put_constant(&self.key);
                    put_float(value, out);
                }
            }
            Values::Timestamp(numbers) => {
                if let Some(micros) = numbers.get(row) {
                    out.put_constant(&self.key);
                    self.times.put(micros, out);
                }
            }
            Values::TextList(lists) => {
                if let Some(items) = lists.views(row) {
                    out.put_constant(&self.key);
                    out.put_byte(b'[');
                    for (number, item) in items.iter().enumerate() {
                        out.put(if number > 0 { b",\"" } else { b"\"" });
                        out.put_rest_of_string(text, item.start(), item.end());
                    }
                    out.put_byte(b']');
                }
            }
        }
    }

    #[inline]
    fn write_integer(&self, value: Option<i64>, out: &mut Sink) {
        if let Some(value) = value {
            out.put_constant(&self.key);
            put_integer(value, out);
        }
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

/// A line number in ten digits, as event ids carry it.
#[inline]
fn put_line_number(line: i64, out: &mut Sink) {
    let mut digits = [b'0'; 10];
    let mut rest = line;
    for digit in digits.iter_mut().rev() {
        *digit = b'0'.wrapping_add(u8::try_from(rest % 10).unwrap_or(0));
        rest /= 10;
    }
    if rest == 0 {
        out.put_part(&digits, digits.len());
    } else {
        out.put(itoa::Buffer::new().format(line).as_bytes());
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
        out.extend_from_slice(&sink::escape(*byte));
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
            events: EventWriter::new(plan, facts),
            lines: Sink::default(),
            out: Compressor::new(compression, out)?,
        })
    }
}

impl<W: Write> Encoder<W> for JsonEncoder<W> {
    fn encode(&mut self, batch: &Batch) -> Result<(), EncodeError> {
        for row in 0..batch.rows() {
            self.events.write(batch, row, &mut self.lines);
            self.lines.put_byte(b'\n');
            if self.lines.len() >= CHUNK {
                self.flush()?;
            }
        }
        self.flush()
    }

    fn buffered(&self) -> usize {
        self.lines.capacity()
    }

    fn flush(&mut self) -> Result<(), EncodeError> {
        self.out.write_all(self.lines.text())?;
        self.lines.truncate(0);
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
    fn line_numbers_have_ten_digits_or_more() {
        let mut out = Vec::new();
        write_line_number(42, &mut out);
        write_line_number(12_345_678_901, &mut out);
        assert_eq!(out, b"000000004212345678901");
        let mut sink = Sink::default();
        put_line_number(42, &mut sink);
        put_line_number(12_345_678_901, &mut sink);
        assert_eq!(sink.text(), out);
    }
}
