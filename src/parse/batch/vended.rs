//! Parses blocks of vended logs: the values of each line by their names, then as those of legacy lines.

use crate::formats::{ColumnSource, Extra, Fill};
use crate::parse::line::text::{append, is_clean, is_plain};
use crate::parse::line::{Fault, Repair, Span};
use crate::parse::vended::{Form, LineKind, VendedReader};

use super::parser::{Kept, LineParser, Malformed};
use super::rows::Row;
use super::{Batch, Values};

/// The lines of a block that are rows.
#[derive(Debug, Default)]
pub(super) struct VendedRows {
    /// The decoded values of all rows.
    text: Vec<u8>,
    rows: Vec<Source>,
    /// The spans of `text` that are values of unknown fields.
    extra: Vec<Span>,
    /// The positions of the fields on the lines.
    places: Vec<usize>,
}

/// Where a row is from.
#[derive(Debug, Clone, Copy)]
struct Source {
    /// The line in the block.
    line: Span,
    /// The position of its unknown values in [`VendedRows::extra`].
    extra: (usize, usize),
    /// The position of its first field's in [`VendedRows::places`].
    places: usize,
}

impl LineParser {
    /// Reads the lines of the object as a vended log in this form.
    pub fn read_as(&mut self, form: Form) {
        self.vended = Some(Box::new(VendedReader::new(self.plan, form)));
    }

    /// Notes the text of a line that is [skipped](Self::skip_line), or its beginning: it may be the header of a vended log.
    pub fn note_skipped(&mut self, text: &[u8]) {
        if let Some(reader) = &mut self.vended {
            reader.skip(text);
        }
    }

    /// Parses a block of whole lines that begins at `offset` of the object.
    pub(super) fn push_vended(
        &mut self,
        reader: &mut VendedReader,
        (block, offset): (&[u8], u64),
        batch: &mut Batch,
        malformed: &mut Vec<Malformed>,
    ) {
        let known = malformed.len();
        let mut rows = VendedRows::default();
        let mut at = 0;
        while at < block.len() {
            let rest = &block[at..];
            let len = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let line = &rest[..len];
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if let Err(fault) = self.push_vended_line(reader, line, at, &mut rows) {
                malformed.push(Malformed {
                    line: self.next_line - 1,
                    offset: offset + at as u64,
                    fault: from(fault, at),
                    raw: line.to_vec(),
                });
            }
            at += len + 1;
        }
        self.fill_vended(rows, (block, offset), batch, malformed);
        malformed[known..].sort_by_key(|malformed| malformed.line);
    }

    fn push_vended_line(
        &mut self,
        reader: &mut VendedReader,
        line: &[u8],
        at: usize,
        rows: &mut VendedRows,
    ) -> Result<(), Fault> {
        let number = self.next_line;
        self.next_line += 1;
        self.lines += 1;
        if line.trim_ascii().is_empty() {
            self.blank += 1;
            return Ok(());
        }
        if reader.read(line, &mut self.row)? == LineKind::Header {
            self.blank += 1;
            return Ok(());
        }
        let values = reader.values();
        if values.lone_surrogate {
            self.repairs.count(Repair::LoneSurrogate);
        }
        let base = u32::try_from(rows.text.len()).expect("a block is shorter than 4 GiB");
        for part in self.row.iter_mut().filter(|part| !part.is_null()) {
            *part = part.shifted(base);
        }
        let plain = is_plain(&values.text, Some(self.plan.format.escapes));
        let row = Row {
            span: Span::new(rows.text.len(), rows.text.len() + values.text.len()),
            extra: Span::NULL,
            line: number,
            repaired: false,
            plain,
            clean: plain && values.text.iter().all(|byte| is_clean(*byte)),
        };
        rows.rows.push(Source {
            line: Span::new(at, at + line.len()),
            extra: (rows.extra.len(), rows.extra.len() + values.extra.len()),
            places: rows.places.len(),
        });
        rows.text.extend_from_slice(&values.text);
        rows.extra.extend(values.extra.iter().map(|extra| extra.shifted(base)));
        rows.places.extend_from_slice(&values.places);
        self.rows.push(&rows.text, &self.row, row);
        Ok(())
    }

    /// Decodes the rows into the batch, without those that have a value that does not fit.
    fn fill_vended(
        &mut self,
        mut rows: VendedRows,
        (block, offset): (&[u8], u64),
        batch: &mut Batch,
        malformed: &mut Vec<Malformed>,
    ) {
        let lines = batch.append_lines(&rows.text);
        while !self.rows.is_empty() {
            let before = batch.rows();
            if self.try_fill(lines.clone(), batch) {
                let base = u32::try_from(lines.start).expect("texts are shorter than 4 GiB");
                self.with_extra_fields += rows.fill_extra(base, before, batch);
                rows.fill_raw(block, before, batch);
                self.keep_vended(&rows, (block, offset), before);
                break;
            }
            self.take_out_vended(&mut rows, (block, offset), malformed);
        }
        self.rows.clear();
    }

    fn take_out_vended(
        &mut self,
        rows: &mut VendedRows,
        (block, offset): (&[u8], u64),
        malformed: &mut Vec<Malformed>,
    ) {
        // Stable, so the first fault of a row is the one in its first column.
        self.faults.sort_by_key(|(row, _)| *row);
        self.faults.dedup_by_key(|(row, _)| *row);
        let mut out = Vec::new();
        for (number, fault) in std::mem::take(&mut self.faults) {
            let source = rows.rows[number];
            let fields = &self.plan.fields;
            let field = fields
                .iter()
                .position(|planned| Some(planned.field.name) == fault.field);
            let at = field.map_or(0, |field| rows.places[source.places + field]);
            malformed.push(Malformed {
                line: self.rows.rows()[number].line,
                offset: offset + source.line.start() as u64,
                fault: from(Fault { at, ..fault }, source.line.start()),
                raw: source.line.bytes(block).to_vec(),
            });
            out.push(number);
        }
        self.rows.remove(&out);
        let mut number = 0..;
        rows.rows
            .retain(|_| number.next().is_some_and(|number| out.binary_search(&number).is_err()));
    }

    /// Keeps the long entries among the rows that were added to the batch after the first `before`.
    fn keep_vended(&mut self, rows: &VendedRows, (block, offset): (&[u8], u64), before: usize) {
        let Some(keep) = self.keep else { return };
        for (number, (source, row)) in rows.rows.iter().zip(self.rows.rows()).enumerate() {
            // A value is never longer than its form on the line, but a header may name the unknown ones.
            if source.line.bytes(block).len().max(row.span.bytes(&rows.text).len()) >= keep {
                self.kept.push(Kept {
                    row: before + number,
                    line: row.line,
                    offset: offset + source.line.start() as u64,
                    raw: source.line.bytes(block).to_vec(),
                });
            }
        }
    }
}

impl VendedRows {
    /// Fills the column of unknown fields after the first `before` rows of the batch, in whose text the values begin at `base`;
    /// returns the number of rows that have one.
    fn fill_extra(&self, base: u32, before: usize, batch: &mut Batch) -> u64 {
        let is_extra = |source| source == ColumnSource::Filled(Fill::ExtraFields);
        let column = batch.plan.columns.iter().position(|column| is_extra(column.source));
        let column = column.expect("every table has a column of unknown fields");
        batch.columns[column].truncate(before);
        let Values::TextList(lists) = &mut batch.columns[column] else {
            unreachable!("unknown fields are a list of texts")
        };
        let mut having = 0;
        for source in &self.rows {
            let extra = &self.extra[source.extra.0..source.extra.1];
            for value in extra {
                lists.push_item(value.shifted(base));
            }
            lists.end(!extra.is_empty());
            having += u64::from(!extra.is_empty());
        }
        having
    }
}

impl VendedRows {
    /// Fills the column of raw lines after the first `before` rows of the batch, whose text has only values.
    fn fill_raw(&self, block: &[u8], before: usize, batch: &mut Batch) {
        let Some(column) = batch.plan.column(Extra::RawLine.name()) else {
            return;
        };
        let Batch {
            columns, text, bytes, ..
        } = batch;
        columns[column].truncate(before);
        let Values::Text(lines) = &mut columns[column] else {
            unreachable!("raw lines are texts")
        };
        let others = text.len();
        for source in &self.rows {
            lines.push_with(text, |text| append(source.line.bytes(block), None, text));
        }
        *bytes += text.len() - others;
        batch.check_text();
    }
}

/// Returns a fault of a line that begins at `start` of the text.
fn from(fault: Fault, start: usize) -> Fault {
    Fault {
        at: fault.at + start,
        ..fault
    }
}
