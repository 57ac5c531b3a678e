//! Parses blocks of lines into events and malformed lines.

use std::ops::Range;

use fearless_simd::{Level, Simd, dispatch};

use crate::formats::{ColumnSource, Escapes, Plan};
use crate::parse::input::MAX_LINE;
use crate::parse::line::text::is_plain;
use crate::parse::line::{
    Ends, Fault, Reading, Reason, Repair, Span, Tail, accept, check, first_fault, may_have_late_time, realign,
    split_line, split_regular,
};

use crate::parse::vended::VendedReader;

use super::Batch;
use super::fill::{SplitLines, fill};
use super::rows::{Row, Rows};

/// The maximum number of physical lines of an entry. A user agent is cut at 8 KB, so a real entry has few; the bound keeps
/// one stray quote from consuming the lines of an object.
const MAX_JOINED_LINES: usize = 64;
/// The maximum length of an entry, as of a line.
const MAX_ENTRY: usize = MAX_LINE;

/// Parses the lines of one object, block by block.
///
/// A line is an entry: an event, a malformed line or a blank line. An entry that raw newlines spread over several physical
/// lines counts once, with the number of its first.
#[derive(Debug)]
pub struct LineParser {
    pub(super) plan: &'static Plan,
    pub(super) load_balancer: Option<Vec<u8>>,
    pub(super) rows: Rows,
    ends: Ends,
    pub(super) row: Vec<Span>,
    pub(super) faults: Vec<(usize, Fault)>,
    /// The reader of lines that are those of a vended log.
    pub(super) vended: Option<Box<VendedReader>>,
    pending: Option<Pending>,
    pub(super) next_line: u64,
    /// The columns that must have a value although the table does not require it.
    required: Vec<usize>,
    /// The length from which the bytes of entries are kept.
    pub(super) keep: Option<usize>,
    pub(super) kept: Vec<Kept>,
    /// The number of entries.
    pub lines: u64,
    /// The number of blank lines, and of directives and headers of vended logs.
    pub blank: u64,
    /// The number of events with fields after those that the table knows.
    pub with_extra_fields: u64,
    /// The number of repairs.
    pub repairs: Repairs,
}

/// The number of repairs by each rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Repairs([u64; Repair::ALL.len()]);

/// A malformed line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// The number of its first physical line, from 1.
    pub line: u64,
    /// The position of its first byte in the decompressed object.
    pub offset: u64,
    /// The fault.
    pub fault: Fault,
    /// Its bytes, without the newline.
    pub raw: Vec<u8>,
}

/// The raw entry of a row of the batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The row of the batch.
    pub row: usize,
    /// The number of its first physical line, from 1.
    pub line: u64,
    /// The position of its first byte in the decompressed object.
    pub offset: u64,
    /// Its bytes, without the newline.
    pub raw: Vec<u8>,
}

/// An entry whose quoted text has not been closed yet.
#[derive(Debug)]
struct Pending {
    text: Vec<u8>,
    line: u64,
    offset: u64,
    joined: usize,
    fault: Fault,
}

/// Whole lines in the text of a batch.
struct Block {
    lines: Range<usize>,
    /// The position of their first byte in the decompressed object.
    offset: u64,
}

impl Block {
    fn text<'b>(&self, batch: &'b Batch) -> &'b [u8] {
        &batch.text[self.lines.clone()]
    }
}

impl Repairs {
    pub(super) fn count(&mut self, repair: Repair) {
        self.0[repair as usize] += 1;
    }

    /// Returns each rule with its number of repairs.
    pub fn iter(&self) -> impl Iterator<Item = (Repair, u64)> {
        Repair::ALL.into_iter().zip(self.0)
    }
}

impl LineParser {
    /// Returns a parser for the lines of one object, whose key may name the load balancer.
    pub fn new(plan: &'static Plan, load_balancer: Option<&str>) -> Self {
        Self::starting_at(1, plan, load_balancer)
    }

    /// Like [`LineParser::new`], for an object whose lines before `next_line` have been handled.
    pub fn starting_at(next_line: u64, plan: &'static Plan, load_balancer: Option<&str>) -> Self {
        Self {
            plan,
            load_balancer: load_balancer.map(|name| name.as_bytes().to_vec()),
            rows: Rows::new(plan.parts),
            ends: Ends::default(),
            row: vec![Span::NULL; plan.parts],
            faults: Vec::new(),
            vended: None,
            pending: None,
            next_line,
            required: Vec::new(),
            keep: None,
            kept: Vec::new(),
            lines: 0,
            blank: 0,
            with_extra_fields: 0,
            repairs: Repairs::default(),
        }
    }

    /// Begins the lines of another object of the same format, and keeps the buffers.
    pub fn begin_object(&mut self, next_line: u64, load_balancer: Option<&str>) {
        let mut next = Self::starting_at(next_line, self.plan, load_balancer);
        next.rows = std::mem::take(&mut self.rows);
        next.rows.clear();
        next.faults = std::mem::take(&mut self.faults);
        *self = next;
    }

    /// Requires values in these columns: an entry without one is malformed, unlike one that the table accepts.
    pub fn require(&mut self, columns: Vec<usize>) {
        self.required = columns;
    }

    /// Keeps the bytes of entries of at least this length, for [`LineParser::take_kept`] after each block.
    pub const fn keep_from(&mut self, bytes: usize) {
        self.keep = Some(bytes);
    }

    /// Returns the entries kept since the last call, in the order of their rows.
    pub fn take_kept(&mut self) -> Vec<Kept> {
        std::mem::take(&mut self.kept)
    }

    /// Follows the removal of the events whose flag is false from the batch.
    pub fn retain_kept(&mut self, keep: &[bool]) {
        self.kept.retain(|kept| keep[kept.row]);
        for kept in &mut self.kept {
            kept.row = keep[..kept.row].iter().filter(|keep| **keep).count();
        }
    }

    /// Returns the number of the next physical line.
    pub const fn next_line(&self) -> u64 {
        self.next_line
    }

    /// Counts a physical line that the reader removed from the text because it is too long or cut. An entry that waits for
    /// its closing quote ends before it.
    pub fn skip_line(&mut self, malformed: &mut Vec<Malformed>) {
        self.finish(malformed);
        self.next_line += 1;
        self.lines += 1;
    }

    /// Parses a block of whole lines that begins at `offset` of the object. Appends events to `batch` and malformed lines to
    /// `malformed`, each in the order of the lines.
    pub fn push_block(&mut self, text: &[u8], offset: u64, batch: &mut Batch, malformed: &mut Vec<Malformed>) {
        if batch.rows() == 0 {
            batch.text.clear();
        }
        if let Some(mut reader) = self.vended.take() {
            self.push_vended(&mut reader, (text, offset), batch, malformed);
            self.vended = Some(reader);
            return;
        }
        let lines = batch.append_lines(text);
        self.push_lines(&Block { lines, offset }, batch, malformed);
    }

    /// Like [`LineParser::push_block`], for the first `len` bytes of a buffer. An empty batch takes the buffer instead of
    /// copying the lines, and leaves another one of any length in its place.
    pub fn push_buffer(
        &mut self,
        (buffer, len): (&mut Vec<u8>, usize),
        offset: u64,
        batch: &mut Batch,
        malformed: &mut Vec<Malformed>,
    ) {
        if batch.rows() > 0 || self.vended.is_some() {
            return self.push_block(&buffer[..len], offset, batch, malformed);
        }
        let lines = batch.take_lines(buffer, len);
        self.push_lines(&Block { lines, offset }, batch, malformed);
    }

    fn push_lines(&mut self, block: &Block, batch: &mut Batch, malformed: &mut Vec<Malformed>) {
        let known = malformed.len();
        dispatch!(Level::new(), simd => self.push_each(simd, block, batch, malformed));
        self.fill_rows(block, batch, malformed);
        malformed[known..].sort_by_key(|malformed| malformed.line);
    }

    /// Parses each line of a block, with the instructions of `simd`.
    #[expect(
        clippy::inline_always,
        reason = "the instructions selected at run time are used only in what is inlined"
    )]
    #[inline(always)]
    fn push_each<S: Simd>(&mut self, simd: S, block: &Block, batch: &mut Batch, malformed: &mut Vec<Malformed>) {
        let mut at = 0;
        while at < block.lines.len() {
            let text = block.text(batch);
            let rest = &text[at..];
            let len = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let line = Span::new(at, at + len);
            if !self.push_regular(simd, text, line) {
                self.push_line(block, line, batch, malformed);
            }
            at += len + 1;
        }
    }

    /// Ends the object: an entry that waits for its closing quote is malformed.
    pub fn finish(&mut self, malformed: &mut Vec<Malformed>) {
        if let Some(pending) = self.pending.take() {
            malformed.push(pending.into_malformed());
        }
    }

    /// Parses a line that is not regular, or may belong to the entry before it.
    #[cold]
    fn push_line(&mut self, block: &Block, line: Span, batch: &mut Batch, malformed: &mut Vec<Malformed>) {
        let text = block.text(batch);
        let number = self.next_line;
        self.next_line += 1;
        let raw = line.bytes(text);
        let trimmed = raw.strip_suffix(b"\r").unwrap_or(raw);
        let span = Span::new(line.start(), line.start() + trimmed.len());
        let split = split_line(self.plan, text, span, &mut self.row);
        if let Some(pending) = self.pending.take() {
            let begins = match split {
                Ok(_) => check(self.plan, text, &self.row).is_ok(),
                Err(fault) => {
                    let open = fault.reason == Reason::UnterminatedQuote;
                    open && first_fault(self.plan, text, &self.row, fault) == fault
                }
            };
            if begins {
                // A whole entry, or the first line of one: the pending entry was never closed.
                malformed.push(pending.into_malformed());
            } else {
                let pending = pending.joined_with(raw);
                self.fill_rows(block, batch, malformed);
                self.join(pending, batch, malformed);
                return;
            }
        }
        if trimmed.trim_ascii().is_empty() {
            self.blank += 1;
            self.lines += 1;
            return;
        }
        self.lines += 1;
        match self.accept(text, span, split) {
            Ok(reading) => {
                let row = Row {
                    span,
                    extra: reading.tail.extra,
                    line: number,
                    repaired: reading.realigned,
                    plain: is_plain(trimmed, Some(Escapes::Hex)),
                    clean: false,
                };
                self.rows.push(text, &self.row, row);
            }
            Err(fault) => {
                let pending = Pending {
                    text: raw.to_vec(),
                    line: number,
                    offset: block.offset + line.start() as u64,
                    joined: 1,
                    fault,
                };
                let spreads = self.plan.format.escapes == Escapes::BackslashQuote;
                if spreads && fault.reason == Reason::UnterminatedQuote {
                    self.pending = Some(pending);
                } else {
                    malformed.push(pending.into_malformed());
                }
            }
        }
    }

    /// Accepts a regular line: every quote opens or closes a field, the table knows every field, and none has a time that
    /// belongs to a second entry. Nearly all lines are regular. Returns false for any other.
    #[expect(
        clippy::inline_always,
        reason = "the instructions selected at run time are used only in what is inlined"
    )]
    #[inline(always)]
    fn push_regular<S: Simd>(&mut self, simd: S, text: &[u8], line: Span) -> bool {
        if self.pending.is_some() {
            return false;
        }
        let raw = line.bytes(text);
        let trimmed = raw.strip_suffix(b"\r").unwrap_or(raw);
        let span = Span::new(line.start(), line.start() + trimmed.len());
        let mut parts = self.rows.next();
        let regular = split_regular(simd, self.plan, text, span, &mut self.ends, &mut parts);
        let Some(regular) = regular.filter(|_| !may_have_late_time(self.plan, text, &parts)) else {
            return false;
        };
        self.rows.keep(Row {
            span,
            extra: Span::NULL,
            line: self.next_line,
            repaired: false,
            plain: regular.plain,
            clean: regular.plain,
        });
        self.next_line += 1;
        self.lines += 1;
        true
    }

    /// Decides how a line is read and counts its repair.
    fn accept(&mut self, text: &[u8], span: Span, split: Result<Tail, Fault>) -> Result<Reading, Fault> {
        let reading = accept(self.plan, text, span, split, &mut self.row)?;
        if let Some(repair) = reading.repair {
            self.repairs.count(repair);
        }
        Ok(reading)
    }

    /// Reads the entry that waited for its closing quote, to which a physical line was appended.
    fn join(&mut self, mut pending: Pending, batch: &mut Batch, malformed: &mut Vec<Malformed>) {
        if pending.text.len() > MAX_ENTRY {
            pending.fault = Fault::of_line(Reason::TooLong, 0);
            malformed.push(pending.into_malformed());
            return;
        }
        let trimmed = pending.text.strip_suffix(b"\r").unwrap_or(&pending.text);
        let span = Span::new(0, trimmed.len());
        let split = split_line(self.plan, &pending.text, span, &mut self.row);
        let unterminated = matches!(&split, Err(fault) if fault.reason == Reason::UnterminatedQuote);
        match self.accept(&pending.text, span, split) {
            Ok(reading) => {
                self.repairs.count(Repair::JoinedLines);
                let row = Row {
                    span,
                    extra: reading.tail.extra,
                    line: pending.line,
                    repaired: true,
                    plain: false,
                    clean: false,
                };
                self.rows.push(&pending.text, &self.row, row);
                let lines = batch.append_lines(&pending.text);
                let offset = pending.offset;
                self.fill_rows(&Block { lines, offset }, batch, malformed);
            }
            Err(_) if unterminated && pending.joined < MAX_JOINED_LINES => self.pending = Some(pending),
            Err(fault) => {
                if fault.reason == Reason::TwoEntries {
                    pending.fault = fault;
                }
                malformed.push(pending.into_malformed());
            }
        }
    }

    /// Decodes the rows into the batch, without those that have a value that does not fit.
    fn fill_rows(&mut self, block: &Block, batch: &mut Batch, malformed: &mut Vec<Malformed>) {
        while !self.rows.is_empty() {
            let before = batch.rows();
            if self.try_fill(block.lines.clone(), batch) {
                let extra = self.rows.rows().iter().filter(|row| !row.extra.is_null());
                self.with_extra_fields += extra.count() as u64;
                self.keep_long(block.text(batch), block.offset, before);
                break;
            }
            self.take_out_faults(block.text(batch), block.offset, malformed);
        }
        self.rows.clear();
    }

    /// Decodes the rows, which are `lines` of the batch's text, into the batch. If a value does not fit, the batch is left as it was,
    /// and `faults` has the rows at fault.
    pub(super) fn try_fill(&mut self, lines: Range<usize>, batch: &mut Batch) -> bool {
        let (rows, text, bytes) = (batch.rows(), batch.text.len(), batch.bytes);
        let split = SplitLines {
            lines,
            rows: &self.rows,
            all_plain: self.rows.rows().iter().all(|row| row.plain),
            load_balancer: self.load_balancer.as_deref(),
        };
        self.faults.clear();
        fill(&split, batch, &mut self.faults);
        if self.faults.is_empty() {
            self.find_required(batch, rows);
        }
        let fits = self.faults.is_empty();
        if !fits {
            batch.truncate(rows);
            batch.text.truncate(text);
            batch.bytes = bytes;
        }
        fits
    }

    /// Finds the rows that were added to the batch after the first `before` and lack a required value.
    fn find_required(&mut self, batch: &Batch, before: usize) {
        for column in &self.required {
            let values = &batch.columns()[*column];
            let ColumnSource::Part { part, field, .. } = self.plan.columns[*column].source else {
                continue;
            };
            for (number, span) in self.rows.part(part).iter().enumerate() {
                if values.is_null(before + number) {
                    let fault = Fault::in_field(Reason::RequiredBySchema, self.plan, field, *span);
                    self.faults.push((number, fault));
                }
            }
        }
    }

    /// Keeps the long entries among the rows that were added to the batch after the first `before`.
    fn keep_long(&mut self, text: &[u8], offset: u64, before: usize) {
        let Some(keep) = self.keep else { return };
        for (number, row) in self.rows.rows().iter().enumerate() {
            let raw = row.span.bytes(text);
            if raw.len() >= keep {
                self.kept.push(Kept {
                    row: before + number,
                    line: row.line,
                    offset: offset + row.span.start() as u64,
                    raw: raw.to_vec(),
                });
            }
        }
    }

    fn take_out_faults(&mut self, text: &[u8], offset: u64, malformed: &mut Vec<Malformed>) {
        // Stable, so the first fault of a row is the one in its first column.
        self.faults.sort_by_key(|(row, _)| *row);
        self.faults.dedup_by_key(|(row, _)| *row);
        let mut out = Vec::new();
        for (number, fault) in std::mem::take(&mut self.faults) {
            let Row {
                span, line, repaired, ..
            } = self.rows.rows()[number];
            // A line of which only the schema requires more has no other reading.
            let reading = if repaired || fault.reason == Reason::RequiredBySchema {
                Err(fault)
            } else {
                realign(self.plan, text, span, fault, &mut self.row)
            };
            match reading {
                Ok(reading) => {
                    if let Some(repair) = reading.repair {
                        self.repairs.count(repair);
                    }
                    self.rows.replace(number, text, &self.row, reading.tail.extra);
                }
                Err(fault) => {
                    malformed.push(Malformed {
                        line,
                        offset: offset + span.start() as u64,
                        fault,
                        raw: span.bytes(text).to_vec(),
                    });
                    out.push(number);
                }
            }
        }
        self.rows.remove(&out);
    }
}

impl Pending {
    /// Appends a physical line.
    fn joined_with(mut self, raw: &[u8]) -> Self {
        self.text.push(b'\n');
        self.text.extend_from_slice(raw);
        self.joined += 1;
        self
    }

    fn into_malformed(mut self) -> Malformed {
        // Malformed lines are kept without their line ending, CR LF included.
        if self.text.ends_with(b"\r") {
            self.text.pop();
        }
        Malformed {
            line: self.line,
            offset: self.offset,
            fault: self.fault,
            raw: self.text,
        }
    }
}
