//! Writes JSON lines directly from the columns.
//!
//! One object per line, keys in the order of the schema. Nulls are left out; an empty text is `""` and an empty list `[]`.
//! Times are `YYYY-MM-DDTHH:MM:SS.ffffffZ`. Log records of OpenTelemetry are batches of events instead ([`batches`]).

mod attribute;
mod batches;
mod cells;
mod events;
mod line_buffer;
mod values;

use std::io::{self, Write};

use crate::object::ObjectFacts;
use crate::parse::batch::Batch;
use crate::parse::line::swar;
use crate::schema::mapping::OutputTable;

use super::{Compression, Compressor, EncodeError, Encoder};
pub use batches::{MAX_BATCH_BYTES, MAX_BATCH_EVENTS};
pub use events::EventWriter;
pub use line_buffer::LineBuffer;

/// The number of bytes that are buffered before they are written.
const CHUNK: usize = 64 * 1024;
/// The number of bytes of lines in a compressed stream of its own. Larger streams would compress hardly better.
const PIECE: usize = 256 * 1024;

/// Writes events as JSON lines.
pub struct JsonEncoder<W: Write> {
    table: &'static OutputTable,
    events: EventWriter,
    lines: LineBuffer,
    out: Output<W>,
}

/// The compressed file.
enum Output<W: Write> {
    /// One stream. Its compressor uses memory for as long as the file is open.
    Stream(Box<Compressor<W>>),
    /// Streams one after the other, which gzip (members) and Zstandard (frames) define to be the same as one stream of their
    /// contents. A compressor exists only while a piece is written.
    Pieces(Compression, W),
}

/// Appends a line number in at least ten digits, as event ids contain it.
pub(super) fn write_line_number(line: i64, out: &mut Vec<u8>) {
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(line).as_bytes();
    out.extend(std::iter::repeat_n(b'0', 10_usize.saturating_sub(digits.len())));
    out.extend_from_slice(digits);
}

/// Appends a text that is UTF-8 as a JSON string.
pub(super) fn write_text(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text;
    while let Some(at) = find_escape(rest) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(&line_buffer::escape(rest[at]));
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// Returns the position of the first byte that JSON escapes. Reads eight bytes at a time: most texts have none.
#[inline]
fn find_escape(text: &[u8]) -> Option<usize> {
    let (eights, tail) = text.as_chunks::<8>();
    for (number, eight) in eights.iter().enumerate() {
        let word = u64::from_le_bytes(*eight);
        let found = swar::equal(word, b'"') | swar::equal(word, b'\\') | swar::below(word, b' ');
        if found != 0 {
            return Some(number * 8 + swar::first(found));
        }
    }
    let at = tail.iter().position(|byte| needs_escape(*byte))?;
    Some(text.len() - tail.len() + at)
}

const fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

impl<W: Write> JsonEncoder<W> {
    /// Returns an encoder that begins with the events of one object.
    pub fn new(
        table: &'static OutputTable,
        facts: &ObjectFacts,
        compression: Compression,
        out: W,
    ) -> Result<Self, EncodeError> {
        let out = Output::Stream(Box::new(Compressor::new(compression, out)?));
        Ok(Self::to(table, facts, out))
    }

    /// Returns an encoder that keeps no compressor and writes the file in pieces: it buffers more text and uses less memory.
    pub fn in_pieces(table: &'static OutputTable, facts: &ObjectFacts, compression: Compression, out: W) -> Self {
        Self::to(table, facts, Output::Pieces(compression, out))
    }

    fn to(table: &'static OutputTable, facts: &ObjectFacts, out: Output<W>) -> Self {
        Self {
            table,
            events: EventWriter::new(table, facts),
            lines: LineBuffer::default(),
            out,
        }
    }

    /// Returns the number of bytes of lines from which on they are written.
    const fn enough(&self) -> usize {
        match self.out {
            Output::Stream(_) => CHUNK,
            Output::Pieces(..) => PIECE,
        }
    }
}

impl<W: Write> Output<W> {
    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        match self {
            Self::Stream(stream) => stream.write_all(lines),
            Self::Pieces(..) if lines.is_empty() => Ok(()),
            Self::Pieces(compression, out) => {
                let mut piece = Compressor::new(*compression, out)?;
                piece.write_all(lines)?;
                piece.finish().map(drop)
            }
        }
    }

    fn finish(self) -> io::Result<W> {
        match self {
            Self::Stream(stream) => stream.finish(),
            Self::Pieces(_, out) => Ok(out),
        }
    }
}

impl<W: Write> Encoder<W> for JsonEncoder<W> {
    fn begin_object(&mut self, facts: &ObjectFacts) {
        self.events.begin_object(self.table, facts);
    }

    fn encode(&mut self, batch: &Batch) -> Result<(), EncodeError> {
        let enough = self.enough();
        let Self {
            table,
            events,
            lines,
            out,
        } = self;
        let mut events = events.begin(batch);
        let mut on_lines = |lines: &mut LineBuffer| -> io::Result<()> {
            if lines.len() >= enough {
                out.write(lines.text())?;
                lines.truncate(0);
            }
            Ok(())
        };
        if table.schema.is_batched() {
            batches::write_batches(&mut events, batch.rows(), lines, on_lines)?;
        } else {
            for row in 0..batch.rows() {
                events.write(row, lines);
                lines.put_byte(b'\n');
                on_lines(lines)?;
            }
        }
        match self.out {
            Output::Stream(_) => self.flush(),
            Output::Pieces(..) => Ok(()),
        }
    }

    fn buffered(&self) -> usize {
        self.lines.capacity()
    }

    fn memory(&self) -> usize {
        match self.out {
            // The lines are written by the end of each batch.
            Output::Stream(_) => 0,
            Output::Pieces(..) => self.lines.capacity(),
        }
    }

    fn release(&mut self) -> Result<(), EncodeError> {
        if self.lines.is_empty() {
            self.lines = LineBuffer::default();
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), EncodeError> {
        self.out.write(self.lines.text())?;
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
    }
}
