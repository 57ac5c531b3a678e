//! Ingests one object: its events and malformed lines are committed together or not at all.
//!
//! [`Ingest`] accepts the bytes of one object in chunks of any size. It stages one output per partition of the events and
//! one for the quarantine, and commits them when the whole object is read and its ledger balances:
//! `lines = events + quarantined + skipped`. An object that fails commits nothing.

mod error;
mod ledger;
mod object;
mod options;
mod outputs;
mod oversize;
mod partition;
mod pool;
mod quarantine;
mod unknown_values;

pub use error::{IngestError, Problem};
pub use ledger::{Corruption, Ledger, Outcome, Output, Skip};
pub use object::ingest_object;
pub use options::{KeyFilter, OnCorrupt, Options, PartitionBy};
pub use pool::{Pool, Unfinished};
pub use unknown_values::UnknownValue;

use crate::formats::LogType;
use crate::object::{ObjectFacts, ObjectRef, detect, is_test_entry};
use crate::parse::batch::{Batch, LineParser, Malformed};
use crate::parse::input::{Piece, ReadError, Reader};
use crate::parse::line::{Fault, Reason};
use crate::schema::mapping::OutputTable;
use crate::storage::Sink;

use outputs::Outputs;
use quarantine::Quarantine;
use unknown_values::note_unknown_values;

/// The maximum length of the text of a test object.
const MAX_TEST_ENTRY: usize = 64 * 1024;
/// The number of first lines by which an object is checked against its table.
const PROBE_LINES: u64 = 1_000;
/// The minimum number of malformed lines that reject an object.
const MIN_PROBE_MALFORMED: u64 = 20;

/// The options and the destinations of a run.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    /// The options of the engine.
    pub options: &'a Options,
    /// The destination of events.
    pub events: &'a dyn Sink,
    /// The destination of malformed lines.
    pub quarantine: &'a dyn Sink,
}

/// Ingests one object; the push interface of the engine.
///
/// The caller calls [`begin`](Self::begin) once, [`push`](Self::push) for each chunk of the object's bytes in order, and
/// [`finish`](Self::finish) once after the last byte. The borders of the chunks do not affect the outputs.
///
/// [`finish`](Self::finish) means that the object is complete: the caller must have verified it, for example by its length.
/// A caller that cannot read the object to its end must drop the `Ingest` instead, which discards everything staged. After
/// an error, nothing of the object is committed, and the `Ingest` must be dropped.
///
/// Calls block while they write to the destinations.
pub struct Ingest<'a> {
    reader: Reader,
    lines: ObjectLines<'a>,
    /// The fault after which nothing is read.
    fault: Option<ReadError>,
}

/// The text of an object on its way to the outputs.
struct ObjectLines<'a> {
    target: Target<'a>,
    facts: ObjectFacts,
    ledger: Ledger,
    quarantine: Quarantine<'a>,
    stage: Stage,
    malformed: Vec<Malformed>,
    /// The number of malformed lines among the first [`PROBE_LINES`].
    probed: u64,
}

/// The state of the detection of the table.
enum Stage {
    /// The table is not known yet.
    Undecided {
        /// The number of physical lines.
        lines: u64,
    },
    /// The text is the single entry of a test object, at this offset. If more text follows, it is a line of a log.
    TestEntry(Vec<u8>, u64),
    /// The table is known.
    Table(Box<TableStage>),
}

struct TableStage {
    parser: LineParser,
    batch: Batch,
    outputs: Outputs,
}

impl<'a> Ingest<'a> {
    /// Begins an object.
    ///
    /// # Errors
    /// The key or the options exclude the object, so its bytes need not be read.
    pub fn begin(object: ObjectRef, target: Target<'a>) -> Result<Self, Skip> {
        if let Some(skip) = target.options.skip_unread(&object.key) {
            return Err(skip);
        }
        let facts = ObjectFacts::new(object);
        let quarantine = Quarantine::new(target.quarantine, &facts);
        let lines = ObjectLines {
            target,
            facts,
            ledger: Ledger::default(),
            quarantine,
            stage: Stage::Undecided { lines: 0 },
            malformed: Vec::new(),
            probed: 0,
        };
        Ok(Self {
            reader: Reader::new(),
            lines,
            fault: None,
        })
    }

    /// Allows decompression on a second thread, if the object is large enough. The outputs are the same. Worth it if a core
    /// is idle.
    #[must_use]
    pub const fn on_two_threads(mut self) -> Self {
        self.reader.allow_thread();
        self
    }

    /// Returns the object.
    pub const fn object(&self) -> &ObjectRef {
        &self.lines.facts.object
    }

    /// Ingests the next bytes of the object.
    ///
    /// # Errors
    /// The object failed, or a destination did. A corrupt object that can be salvaged is not an error.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), IngestError> {
        // Also after a fault: the position at which it is detected depends on the chunks.
        self.lines.ledger.bytes_in += chunk.len() as u64;
        if self.fault.is_some() {
            return Ok(());
        }
        let lines = &mut self.lines;
        let pushed = self.reader.push(chunk, &mut |piece| lines.piece(piece));
        self.note(pushed)
    }

    /// Ends the object and commits its outputs.
    ///
    /// # Errors
    /// The object failed, or a destination did.
    pub fn finish(mut self) -> Result<Outcome, IngestError> {
        if self.fault.is_none() {
            let lines = &mut self.lines;
            let finished = self.reader.finish(&mut |piece| lines.piece(piece));
            self.note(finished)?;
        }
        if let Some(fault) = self.fault {
            self.salvage(fault)
                .map_err(|problem| problem.of(&self.lines.facts.object))?;
        }
        let object = self.lines.facts.object.clone();
        self.lines.finish().map_err(|problem| problem.of(&object))
    }

    /// Records a fault that can be salvaged; returns every other error.
    fn note(&mut self, result: Result<(), Problem>) -> Result<(), IngestError> {
        match result {
            Err(Problem::Read(fault)) if self.can_salvage(fault) => {
                self.fault = Some(fault);
                Ok(())
            }
            other => other.map_err(|problem| problem.of(&self.lines.facts.object)),
        }
    }

    fn can_salvage(&self, fault: ReadError) -> bool {
        self.lines.target.options.on_corrupt == OnCorrupt::Salvage
            && matches!(fault, ReadError::Truncated { .. } | ReadError::Corrupt { .. })
    }

    /// Keeps the lines before the fault and quarantines the line that it cuts.
    fn salvage(&mut self, fault: ReadError) -> Result<(), Problem> {
        let lines = &mut self.lines;
        let cut = self.reader.salvage(&mut |piece| lines.piece(piece))?;
        let decided = !matches!(lines.stage, Stage::Undecided { .. });
        let hinted = lines.target.options.table.is_some() || lines.facts.key.log_type.is_some();
        let more_than_test_entry = matches!(lines.stage, Stage::TestEntry(..)) && !cut.bytes.is_empty();
        if more_than_test_entry || !decided && (cut.bytes.is_empty() || !hinted) {
            // There is nothing to keep.
            return Err(Problem::Read(fault));
        }
        lines.ledger.corruption = Some(Corruption { fault });
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
        Ok(())
    }
}

impl ObjectLines<'_> {
    fn piece(&mut self, piece: Piece<'_>) -> Result<(), Problem> {
        match piece {
            Piece::Lines { text, offset } => self.block(text, offset),
            Piece::LongLine { offset } => {
                if let Stage::TestEntry(held, _) = &self.stage {
                    detect(held, None).map_err(Problem::Unknown)?;
                }
                let line = self.skip_line()?;
                self.name_quarantine();
                self.quarantine.begin_long(&self.facts.object, line, offset)
            }
            Piece::LongLinePart(part) => self.quarantine.push_long(part),
            Piece::LongLineEnd => {
                self.ledger.quarantine(Fault::of_line(Reason::TooLong, 0));
                self.quarantine.end_long()
            }
        }
    }

    fn block(&mut self, text: &[u8], offset: u64) -> Result<(), Problem> {
        // A byte order mark is not part of the first line.
        let (text, offset) = match text.strip_prefix(b"\xef\xbb\xbf") {
            Some(rest) if offset == 0 => (rest, 3),
            _ => (text, offset),
        };
        if let Stage::TestEntry(held, offset) = &self.stage {
            let (all, offset) = ([held, text].concat(), *offset);
            self.stage = Stage::Undecided { lines: 0 };
            return self.block(&all, offset);
        }
        if !self.decide(text, offset)? {
            return Ok(());
        }
        let Stage::Table(table) = &mut self.stage else {
            return Ok(());
        };
        let mut malformed = std::mem::take(&mut self.malformed);
        table.parser.push_block(text, offset, &mut table.batch, &mut malformed);
        if let Some(limit) = self.target.events.event_limit() {
            let output_table = OutputTable::of(self.target.options.schema, table.batch.plan);
            let events = (output_table, &self.facts);
            oversize::remove_oversize(limit, &mut table.parser, &mut table.batch, events, &mut malformed);
        }
        note_unknown_values(&table.batch, &mut self.ledger.unknown_values);
        // Immediately, while the block is in the CPU caches.
        table
            .outputs
            .write(&mut table.batch, &self.facts, self.target, &mut self.ledger)?;
        self.quarantine(&malformed)?;
        malformed.clear();
        self.malformed = malformed;
        self.probe(false)
    }

    /// Detects the table from the first lines that are not blank; returns whether it is known.
    fn decide(&mut self, text: &[u8], offset: u64) -> Result<bool, Problem> {
        let Stage::Undecided { lines } = &mut self.stage else {
            return Ok(matches!(self.stage, Stage::Table(_)));
        };
        if text.trim_ascii().is_empty() {
            let blank = text.split_inclusive(|byte| *byte == b'\n').count() as u64;
            *lines += blank;
            self.ledger.lines += blank;
            self.ledger.skipped_lines += blank;
            return Ok(false);
        }
        if *lines == 0 && text.len() <= MAX_TEST_ENTRY && is_test_entry(text) {
            self.stage = Stage::TestEntry(text.to_vec(), offset);
            return Ok(false);
        }
        let format = match self.target.options.table {
            Some(format) => format,
            None => detect(text, self.facts.key.log_type)
                .map_err(Problem::Unknown)?
                .format(),
        };
        let plan = format.plan();
        let load_balancer = self.facts.key.load_balancer.as_deref();
        let mut parser = LineParser::starting_at(*lines + 1, plan, load_balancer);
        if self.target.events.event_limit().is_some() {
            parser.keep_from(oversize::MIN_MEASURED);
        }
        self.stage = Stage::Table(Box::new(TableStage {
            parser,
            batch: Batch::new(plan),
            outputs: Outputs::default(),
        }));
        self.ledger.table = Some(format.name);
        self.name_quarantine();
        Ok(true)
    }

    /// Returns the table, if it is known.
    fn table(&self) -> Option<&'static str> {
        let named = self.target.options.table.map(|table| table.name);
        let in_key = self.facts.key.log_type.map(LogType::table);
        self.ledger.table.or(named).or(in_key)
    }

    /// Names the table in the quarantine, if it is known.
    fn name_quarantine(&mut self) {
        let table = self.table();
        self.quarantine.name(table);
    }

    /// Counts a line that was removed from the text; returns its number.
    fn skip_line(&mut self) -> Result<u64, Problem> {
        match &mut self.stage {
            Stage::Undecided { lines } => {
                *lines += 1;
                self.ledger.lines += 1;
                Ok(*lines)
            }
            Stage::TestEntry(..) => Ok(1),
            Stage::Table(table) => {
                let mut malformed = Vec::new();
                let number = table.parser.next_line();
                table.parser.skip_line(&mut malformed);
                self.quarantine(&malformed)?;
                Ok(number)
            }
        }
    }

    fn quarantine(&mut self, malformed: &[Malformed]) -> Result<(), Problem> {
        if malformed.is_empty() {
            return Ok(());
        }
        self.name_quarantine();
        for malformed in malformed {
            self.quarantine.push(&self.facts.object, malformed)?;
            self.ledger.quarantine(malformed.fault);
            // An event that is too large was parsed.
            let parsed = malformed.fault.reason == Reason::EventTooLarge;
            self.probed += u64::from(!parsed && malformed.line <= PROBE_LINES);
        }
        Ok(())
    }

    /// Fails an object if most of its first lines are malformed, instead of filling the quarantine with it.
    fn probe(&self, ended: bool) -> Result<(), Problem> {
        let Stage::Table(table) = &self.stage else {
            return Ok(());
        };
        let lines = table.parser.lines.min(PROBE_LINES);
        let decided = ended || table.parser.lines >= PROBE_LINES;
        if decided && self.probed >= MIN_PROBE_MALFORMED && self.probed * 2 > lines {
            let table = table.batch.plan.format.name;
            return Err(Problem::MostlyMalformed {
                malformed: self.probed,
                lines,
                table,
                reasons: self.ledger.top_reasons(3),
            });
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Outcome, Problem> {
        let mut malformed = Vec::new();
        if let Stage::Table(table) = &mut self.stage {
            table.parser.finish(&mut malformed);
        }
        self.quarantine(&malformed)?;
        self.probe(true)?;
        let unversioned = self.facts.object.version.is_empty();
        match self.stage {
            Stage::TestEntry(..) => return Ok(Outcome::Skipped(Skip::TestObject, self.ledger)),
            Stage::Undecided { .. } if self.ledger.quarantined == 0 => {
                return Ok(Outcome::Skipped(Skip::Empty, self.ledger));
            }
            Stage::Undecided { .. } => {
                self.ledger.table = self.table();
                if self.ledger.table.is_none() {
                    return Err(Problem::OnlyLongLines);
                }
                self.quarantine.commit(unversioned, &mut self.ledger)?;
            }
            Stage::Table(ref mut table) => {
                table
                    .outputs
                    .write(&mut table.batch, &self.facts, self.target, &mut self.ledger)?;
                self.ledger.lines += table.parser.lines;
                self.ledger.skipped_lines += table.parser.blank;
                self.ledger.with_extra_fields = table.parser.with_extra_fields;
                self.ledger.repairs = table.parser.repairs;
                self.ledger.check()?;
                // Events first: if a commit is interrupted, events without their quarantine are the lesser surprise.
                table.outputs.commit(unversioned, &mut self.ledger)?;
                self.quarantine.commit(unversioned, &mut self.ledger)?;
            }
        }
        self.ledger.check()?;
        Ok(Outcome::Ingested(self.ledger))
    }
}

#[cfg(test)]
mod tests;
