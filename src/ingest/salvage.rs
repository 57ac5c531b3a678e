//! Salvages the lines of an object with a gzip fault.
//!
//! The checksum of a gzip member is at its end, after its events were encoded. Such an object is therefore read twice: the
//! second reading knows where the verified text ends, and its lines after that go to the quarantine.

use crate::parse::batch::Malformed;
use crate::parse::input::ReadError;
use crate::parse::line::{Fault, Reason};

use super::{BYTE_ORDER_MARK, Corruption, Ingest, ObjectLines, OnCorrupt, Problem, Stage};

impl Ingest<'_> {
    pub(super) fn can_salvage(&self, fault: ReadError) -> bool {
        self.lines.staging.target.options.on_corrupt == OnCorrupt::Salvage && fault.is_of_gzip()
    }

    /// Ends an object with a fault: keeps its whole lines and quarantines the line that the fault cuts.
    pub(super) fn salvage(&mut self, fault: ReadError) -> Result<(), Problem> {
        let expected = self.lines.known == Some(fault);
        // The events of a member whose checksum does not match are already encoded, unless the fault was expected.
        if !expected && (matches!(fault, ReadError::Corrupt { .. }) || !self.verified) {
            return Err(Problem::Read(fault));
        }
        let lines = &mut self.lines;
        let cut = self.reader.salvage(lines)?;
        let decided = !matches!(lines.stage, Stage::Undecided { .. });
        let hinted = lines.staging.target.options.table.is_some() || lines.facts.key.log_type.is_some();
        let more_than_test_entry = matches!(lines.stage, Stage::TestEntry(..)) && !cut.bytes.is_empty();
        if more_than_test_entry || !decided && (cut.bytes.is_empty() || !hinted) {
            // There is nothing to keep.
            return Err(Problem::Read(fault));
        }
        if !cut.bytes.is_empty() {
            let line = lines.skip_line()?;
            let fault = Fault::of_line(Reason::CutByCorruption, 0);
            lines.quarantine(&[Malformed {
                line,
                offset: cut.offset,
                fault,
                raw: cut.bytes,
            }])?;
        }
        let unverified = lines.unverified;
        lines.ledger.corruption = Some(Corruption { fault, unverified });
        Ok(())
    }
}

impl ObjectLines<'_> {
    /// Splits a block at the end of the verified text. A line that extends beyond it is not verified.
    pub(super) fn split_verified<'t>(&self, text: &'t [u8], offset: u64) -> (&'t [u8], &'t [u8]) {
        let Some(ReadError::Corrupt { verified, .. }) = self.known else {
            return (text, &[]);
        };
        let left = usize::try_from(verified.saturating_sub(offset)).unwrap_or(usize::MAX);
        if left >= text.len() {
            return (text, &[]);
        }
        let lines = memchr::memrchr(b'\n', text.get(..left).unwrap_or_default()).map_or(0, |newline| newline + 1);
        text.split_at(lines)
    }

    /// Quarantines the lines of a member whose checksum does not match.
    pub(super) fn unverified(&mut self, text: &[u8], offset: u64) -> Result<(), Problem> {
        if let Stage::TestEntry(held, offset) = &self.stage {
            let (all, offset) = ([held, text].concat(), *offset);
            self.stage = Stage::Undecided { lines: 0 };
            return self.unverified(&all, offset);
        }
        // The quarantine is named after the table.
        if !self.decide(text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text), offset)? {
            return Ok(());
        }
        let mut at = offset;
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            let raw = line.strip_suffix(b"\n").unwrap_or(line);
            let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
            let number = self.skip_line()?;
            if raw.trim_ascii().is_empty() {
                self.ledger.skipped_lines += 1;
            } else {
                self.unverified += 1;
                self.quarantine(&[Malformed {
                    line: number,
                    offset: at,
                    fault: Fault::of_line(Reason::Unverified, 0),
                    raw: raw.to_vec(),
                }])?;
            }
            at += line.len() as u64;
        }
        Ok(())
    }
}
