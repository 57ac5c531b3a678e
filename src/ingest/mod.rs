//! One object in, its events and malformed lines out, committed together or not at all.
//!
//! [`Ingest`] is fed the bytes of one object in any chunks. It stages one output for each partition that the events
//! touch and one for the quarantine, and commits them when the whole object is read and its ledger balances:
//! `lines = events + quarantined + skipped`. An object that fails commits nothing.

mod error;
mod ledger;
mod object;
mod options;
mod outputs;
mod oversize;
mod partition;
mod quarantine;
mod unknown_values;

pub use error::{IngestError, Problem};
pub use ledger::{Corruption, Ledger, Outcome, Output, Skip};
pub use object::ingest_object;
pub use options::{KeyFilter, OnCorrupt, Options, PartitionBy};
pub use unknown_values::UnknownValue;

use crate::object::{ObjectFacts, ObjectRef, detect, is_test_entry};
use crate::parse::batch::{Batch, LineParser, Malformed};
use crate::parse::input::{Piece, ReadError, Reader};
use crate::parse::line::{Fault, Reason};
use crate::schema::mapping::OutputTable;
use crate::storage::Sink;

use outputs::Outputs;
use quarantine::Quarantine;
use unknown_values::note_unknown_values;

/// The longest text that may be that of a test object.
const MAX_TEST_ENTRY: usize = 64 * 1024;
/// The first lines that decide whether an object is what its key says.
const PROBE_LINES: u64 = 1_000;
/// The fewest malformed lines that make an object unknown.
const PROBE_MALFORMED: u64 = 20;

/// Where the outputs of an object go, and how.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    /// The options of the engine.
    pub options: &'a Options,
    /// Where events go.
    pub events: &'a dyn Sink,
    /// Where malformed lines go.
    pub quarantine: &'a dyn Sink,
}

/// Ingests one object. See the module's documentation.
pub struct Ingest<'a> {
    reader: Reader,
    body: Body<'a>,
    /// The fault behind which nothing is read any more.
    fault: Option<ReadError>,
}

/// What is done with the text of an object.
struct Body<'a> {
    target: Target<'a>,
    facts: ObjectFacts,
    ledger: Ledger,
    quarantine: Quarantine<'a>,
    stage: Stage,
    malformed: Vec<Malformed>,
    /// Malformed lines among the first [`PROBE_LINES`].
    probed: u64,
}

enum Stage {
    /// No line so far tells the table; physical lines so far.
    Undecided {
        lines: u64,
    },
    /// The one entry of a test object, so far, and its offset: with more behind it, it is a line of a log.
    TestEntry(Vec<u8>, u64),
    Table(Box<TableStage>),
}

struct TableStage {
    parser: LineParser,
    batch: Batch,
    outputs: Outputs,
}

impl<'a> Ingest<'a> {
    /// Begins an object, unless its key or the settings tell that it is not to be read.
    pub fn begin(object: ObjectRef, target: Target<'a>) -> Result<Self, Skip> {
        if let Some(skip) = target.options.skip_unread(&object.key) {
            return Err(skip);
        }
        let facts = ObjectFacts::new(object);
        let quarantine = Quarantine::new(target.quarantine, &facts);
        let body = Body {
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
            body,
            fault: None,
        })
    }

    /// Decompresses on a thread of its own beside the one that calls, where the object is large enough. What comes out
    /// is the same. Worth it on a machine with a core that nothing else uses.
    #[must_use]
    pub const fn on_two_threads(mut self) -> Self {
        self.reader.allow_thread();
        self
    }

    /// The object that is ingested.
    pub const fn object(&self) -> &ObjectRef {
        &self.body.facts.object
    }

    /// Ingests the next bytes of the object.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), IngestError> {
        // Behind a fault, too: how far reading went depends on the chunks.
        self.body.ledger.bytes_in += chunk.len() as u64;
        if self.fault.is_some() {
            return Ok(());
        }
        let body = &mut self.body;
        let pushed = self.reader.push(chunk, &mut |piece| body.piece(piece));
        self.note(pushed)
    }

    /// Ends the object and commits what came out of it.
    pub fn finish(mut self) -> Result<Outcome, IngestError> {
        if self.fault.is_none() {
            let body = &mut self.body;
            let finished = self.reader.finish(&mut |piece| body.piece(piece));
            self.note(finished)?;
        }
        if let Some(fault) = self.fault {
            self.salvage(fault)
                .map_err(|problem| problem.of(&self.body.facts.object))?;
        }
        let object = self.body.facts.object.clone();
        self.body.finish().map_err(|problem| problem.of(&object))
    }

    /// Notes a fault of the object at rest; hands on every other error.
    fn note(&mut self, result: Result<(), Problem>) -> Result<(), IngestError> {
        match result {
            Err(Problem::Read(fault)) if self.can_salvage(fault) => {
                self.fault = Some(fault);
                Ok(())
            }
            other => other.map_err(|problem| problem.of(&self.body.facts.object)),
        }
    }

    fn can_salvage(&self, fault: ReadError) -> bool {
        self.body.target.options.on_corrupt == OnCorrupt::Salvage
            && matches!(fault, ReadError::Truncated { .. } | ReadError::Corrupt { .. })
    }

    /// Keeps the lines before the fault; the line that it cut goes to the quarantine.
    fn salvage(&mut self, fault: ReadError) -> Result<(), Problem> {
        let body = &mut self.body;
        let cut = self.reader.salvage(&mut |piece| body.piece(piece))?;
        let decided = !matches!(body.stage, Stage::Undecided { .. });
        let hinted = body.target.options.table.is_some() || body.facts.key.table.is_some();
        let log_behind = matches!(body.stage, Stage::TestEntry(..)) && !cut.bytes.is_empty();
        if log_behind || !decided && (cut.bytes.is_empty() || !hinted) {
            // Nothing that could be kept.
            return Err(Problem::Read(fault));
        }
        body.ledger.corruption = Some(Corruption { fault });
        if !cut.bytes.is_empty() {
            let line = body.skip_line()?;
            let fault = Fault::of_line(Reason::CutByCorruption, 0);
            body.quarantine(&[Malformed {
                line,
                offset: cut.offset,
                fault,
                raw: cut.bytes,
            }])?;
        }
        Ok(())
    }
}

impl Body<'_> {
    fn piece(&mut self, piece: Piece<'_>) -> Result<(), Problem> {
        match piece {
            Piece::Lines { text, offset } => self.lines(text, offset),
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

    fn lines(&mut self, text: &[u8], offset: u64) -> Result<(), Problem> {
        // A byte order mark is no part of the first line.
        let (text, offset) = match text.strip_prefix(b"\xef\xbb\xbf") {
            Some(behind) if offset == 0 => (behind, 3),
            _ => (text, offset),
        };
        if let Stage::TestEntry(held, offset) = &self.stage {
            let (all, offset) = ([held, text].concat(), *offset);
            self.stage = Stage::Undecided { lines: 0 };
            return self.lines(&all, offset);
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
            let shape = OutputTable::of(self.target.options.schema, table.batch.plan);
            let events = (shape, &self.facts);
            oversize::take_out(limit, &mut table.parser, &mut table.batch, events, &mut malformed);
        }
        note_unknown_values(&table.batch, &mut self.ledger.unknown_values);
        // At once, while the block is in the processor's caches.
        table
            .outputs
            .write(&mut table.batch, &self.facts, self.target, &mut self.ledger)?;
        self.quarantine(&malformed)?;
        malformed.clear();
        self.malformed = malformed;
        self.probe(false)
    }

    /// Decides on the table by the first lines that are not blank; whether there is one now.
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
            None => detect(text, self.facts.key.format()).map_err(Problem::Unknown)?,
        };
        let plan = format.plan();
        let load_balancer = self.facts.key.load_balancer.as_deref();
        let mut parser = LineParser::starting_at(*lines + 1, plan, load_balancer);
        if self.target.events.event_limit().is_some() {
            parser.keep_from(oversize::HARMLESS);
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

    /// The table, as far as it is known.
    fn table(&self) -> Option<&'static str> {
        let named = self.target.options.table.map(|table| table.name);
        self.ledger.table.or(named).or(self.facts.key.table)
    }

    /// Tells the quarantine the table, as far as it is known.
    fn name_quarantine(&mut self) {
        let table = self.table();
        self.quarantine.name(table);
    }

    /// Counts a line that is taken out of the text; returns its number.
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
            // An event that is too large was understood.
            let unread = malformed.fault.reason != Reason::EventTooLarge;
            self.probed += u64::from(unread && malformed.line <= PROBE_LINES);
        }
        Ok(())
    }

    /// Fails an object of which most of the first lines are malformed, instead of filling the quarantine with it.
    fn probe(&self, ended: bool) -> Result<(), Problem> {
        let Stage::Table(table) = &self.stage else {
            return Ok(());
        };
        let lines = table.parser.lines.min(PROBE_LINES);
        let decided = ended || table.parser.lines >= PROBE_LINES;
        if decided && self.probed >= PROBE_MALFORMED && self.probed * 2 > lines {
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
                // Events first: a quarantine without its events would be the odder half of an interrupted commit.
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
