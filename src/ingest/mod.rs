//! Ingests objects: the events and malformed lines of each are committed together or not at all.
//!
//! [`Ingest`] accepts the bytes of one object in chunks of any size. It stages one output per partition of the events and
//! one for the quarantine, and commits them when the whole object is read and its ledger balances:
//! `lines = events + filtered + quarantined + skipped`. An object that fails commits nothing.
//!
//! [`merge_objects`] ingests several objects into shared outputs. What is staged is then handed from member to member.
//! [`consume_object`] hands events to a [`Consumer`] instead of writing them.

mod ahead;
mod consumer;
mod discard;
mod error;
mod ledger;
mod merged;
mod object;
mod options;
mod outputs;
mod oversize;
mod partition;
mod pool;
mod prefetch;
mod quarantine;
mod salvage;
mod staging;
mod unknown_values;

pub use ahead::{Ahead, read_ahead};
pub use consumer::Consumer;
pub use error::{IngestError, Problem};
pub use ledger::{Corruption, Ledger, Outcome, Output, Skip};
pub use merged::{Member, MemberOutcome, MergeOptions, merge_objects};
pub use object::{consume_object, ingest_object};
pub use options::{KeyFilter, OnCorrupt, Options, PartitionBy};
pub use pool::{Pool, Unfinished};
pub use prefetch::ReadAhead;
pub use unknown_values::UnknownValue;

use crate::deadline::Deadline;
use crate::formats::LogType;
use crate::object::{Detected, ObjectFacts, ObjectRef, detect, detect_form, form_of, is_test_entry, names_a_log};
use crate::parse::batch::{Batch, LineParser, Malformed};
use crate::parse::input::{Piece, PieceSink, ReadError, Reader};
use crate::parse::line::{Fault, Reason};
use crate::storage::Sink;
use crate::transform::Transformer;

use quarantine::{EventsBefore, Quarantine};
use staging::{Naming, Staging};
use unknown_values::note_unknown_values;

/// The maximum length of the text of a test object.
const MAX_TEST_ENTRY: usize = 64 * 1024;
/// The byte order mark of UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
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
    /// Whether the bytes are known to be those at rest.
    verified: bool,
}

/// The text of an object on its way to the outputs.
struct ObjectLines<'a> {
    staging: Staging<'a>,
    facts: ObjectFacts,
    ledger: Ledger,
    quarantine: Quarantine,
    stage: Stage,
    /// The number of malformed lines among the first [`PROBE_LINES`].
    probed: u64,
    deadline: Deadline,
    /// The fault that an earlier reading of the object found.
    known: Option<ReadError>,
    /// The number of lines of the member whose checksum does not match.
    unverified: u64,
    /// Whether the next part of a line that is too long is its first.
    long_line_begins: bool,
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
    transformer: Option<Transformer>,
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
        Ok(Self::into(Staging::new(target, Naming::OfObject), object))
    }

    /// Begins an object whose events and malformed lines are added to what is staged.
    fn into(mut staging: Staging<'a>, object: ObjectRef) -> Self {
        staging.begin_object();
        let facts = ObjectFacts::new(object);
        let lines = ObjectLines {
            quarantine: Quarantine::new(staging.naming, &facts, staging.target.options.transform.redact.as_ref()),
            staging,
            facts,
            ledger: Ledger::default(),
            stage: Stage::Undecided { lines: 0 },
            probed: 0,
            deadline: Deadline::NONE,
            known: None,
            unverified: 0,
            long_line_begins: false,
        };
        Self {
            reader: Reader::new(),
            lines,
            fault: None,
            verified: true,
        }
    }

    /// Allows decompression on a second thread, if the object is large enough. The outputs are the same. Worth it if a core
    /// is idle.
    #[must_use]
    pub const fn on_two_threads(mut self) -> Self {
        self.reader.allow_thread();
        self
    }

    /// Sets the deadline, which is checked for each block of the text.
    #[must_use]
    pub const fn until(mut self, deadline: Deadline) -> Self {
        self.lines.deadline = deadline;
        self
    }

    /// Expects the fault that an earlier reading of the same object found. The lines of a gzip member at fault go to the
    /// quarantine, which is known only after they were read once.
    ///
    /// If the object does not have this fault, [`finish`](Self::finish) fails with [`Problem::Unstable`].
    #[must_use]
    pub const fn expecting(mut self, fault: ReadError) -> Self {
        self.lines.known = Some(fault);
        self
    }

    /// Records that the bytes may differ from those at rest. A fault is then salvaged only if it was expected.
    pub const fn distrust(&mut self) {
        self.verified = false;
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
        let pushed = self.reader.push(chunk, lines);
        self.note(pushed)
    }

    /// Ends the object and commits its outputs.
    ///
    /// # Errors
    /// The object failed, or a destination did. After [`Problem::Read`], a caller that reads the object again
    /// and [expects](Self::expecting) the fault may salvage it.
    pub fn finish(mut self) -> Result<Outcome, IngestError> {
        let mut outcome = self.end()?;
        if let Outcome::Ingested(ledger) = &mut outcome {
            let ObjectLines { staging, facts, .. } = &mut self.lines;
            let committed = staging.commit(Some(facts), ledger);
            committed.map_err(|problem| problem.of(&facts.object))?;
        }
        Ok(outcome)
    }

    /// Ends the object without committing anything.
    fn end(&mut self) -> Result<Outcome, IngestError> {
        if self.fault.is_none() {
            let lines = &mut self.lines;
            let finished = self.reader.finish(lines);
            self.note(finished)?;
        }
        if let Some(fault) = self.fault {
            self.salvage(fault)
                .map_err(|problem| problem.of(&self.lines.facts.object))?;
        } else if self.lines.known.is_some() {
            return Err(Problem::Unstable.of(&self.lines.facts.object));
        }
        let ended = self.lines.end();
        ended.map_err(|problem| problem.of(&self.lines.facts.object))
    }

    /// Returns what is staged, for the next object.
    fn into_staging(self) -> Staging<'a> {
        let ObjectLines { mut staging, stage, .. } = self.lines;
        if let Stage::Table(table) = stage {
            staging.table = Some(table);
        }
        staging
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
}

impl PieceSink<Problem> for ObjectLines<'_> {
    fn piece(&mut self, piece: Piece<'_>) -> Result<(), Problem> {
        // A chunk of a few bytes may have any number of blocks.
        if self.deadline.has_passed() {
            return Err(Problem::OutOfTime);
        }
        match piece {
            Piece::Lines { text, offset } => {
                let (verified, unverified) = self.split_verified(text, offset);
                if !verified.is_empty() {
                    self.block(verified, offset)?;
                }
                if !unverified.is_empty() {
                    self.unverified(unverified, offset + verified.len() as u64)?;
                }
                Ok(())
            }
            Piece::LongLine { offset } => {
                if let Stage::TestEntry(held, _) = &self.stage {
                    detect(held, None).map_err(Problem::Unknown)?;
                }
                let line = self.skip_line()?;
                self.long_line_begins = true;
                self.name_quarantine();
                self.quarantine.begin_long(line, offset, &mut self.staging.quarantine)
            }
            Piece::LongLinePart(part) => {
                if std::mem::take(&mut self.long_line_begins) {
                    self.note_skipped(part);
                }
                self.quarantine.push_long(part);
                Ok(())
            }
            Piece::LongLineEnd => {
                self.ledger.quarantine(Fault::of_line(Reason::TooLong, 0));
                self.quarantine.end_long(&mut self.staging.quarantine)
            }
        }
    }

    /// Parses whole lines in their buffer, which is exchanged for that of the batch before, unless the block is special: lines
    /// of a member at fault, a byte order mark, or text after a test object's entry.
    fn lines(&mut self, buffer: &mut Vec<u8>, len: usize, offset: u64) -> Result<(), Problem> {
        let text = buffer.get(..len).unwrap_or_default();
        let special = self.known.is_some()
            || offset == 0 && text.starts_with(BYTE_ORDER_MARK)
            || matches!(self.stage, Stage::TestEntry(..));
        if special {
            return self.piece(Piece::Lines { text, offset });
        }
        if self.deadline.has_passed() {
            return Err(Problem::OutOfTime);
        }
        if !self.decide(text, offset)? {
            return Ok(());
        }
        self.parse(|parser, batch, malformed| parser.push_buffer((buffer, len), offset, batch, malformed))
    }
}

impl ObjectLines<'_> {
    fn block(&mut self, text: &[u8], offset: u64) -> Result<(), Problem> {
        // A byte order mark is not part of the first line.
        let (text, offset) = match text.strip_prefix(BYTE_ORDER_MARK) {
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
        self.parse(|parser, batch, malformed| parser.push_block(text, offset, batch, malformed))
    }

    /// Parses lines, and writes their events.
    fn parse(&mut self, push: impl FnOnce(&mut LineParser, &mut Batch, &mut Vec<Malformed>)) -> Result<(), Problem> {
        let Stage::Table(table) = &mut self.stage else {
            return Ok(());
        };
        let target = self.staging.target;
        let mut malformed = std::mem::take(&mut self.staging.malformed);
        push(&mut table.parser, &mut table.batch, &mut malformed);
        let limit = target.events.event_limit();
        let count = self.ledger.events + self.ledger.filtered;
        // Before any is removed: lines that are filtered are not part of a run of malformed ones, either.
        let mut lines = if malformed.is_empty() && limit.is_none() {
            Vec::new()
        } else {
            table.batch.line_numbers().to_vec()
        };
        if let Some(transformer) = &mut table.transformer {
            let transformed = transformer.apply(&mut table.batch, &self.facts);
            self.ledger.filtered += transformed.filtered;
            if let Some(kept) = transformed.kept {
                table.parser.retain_kept(&kept);
            }
        }
        if let Some(limit) = limit {
            let output_table = target.options.output_table(table.batch.plan);
            let events = (output_table, &self.facts);
            let removed = oversize::remove_oversize(limit, &mut table.parser, &mut table.batch, events, &mut malformed);
            lines.retain(|line| removed.binary_search(line).is_err());
        }
        let redacted = target.options.transform.redact.is_some();
        note_unknown_values(&table.batch, redacted, &mut self.ledger.unknown_values);
        // Immediately, while the block is in the CPU caches.
        self.staging
            .events
            .write(&mut table.batch, &self.facts, target, &mut self.ledger)?;
        self.quarantine_among(&malformed, EventsBefore { count, lines: &lines })?;
        malformed.clear();
        self.staging.malformed = malformed;
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
        let target = self.staging.target;
        // The order of a delivery is not that of a legacy log.
        let order = target.options.fields.as_ref();
        let order = order.filter(|_| !names_a_log(&self.facts.object.key));
        let Detected { log_type, form } = match target.options.table {
            Some(format) => Detected {
                log_type: format.log_type,
                form: form_of(text, format, order),
            },
            None => detect_form(text, self.facts.key.log_type, order).map_err(Problem::Unknown)?,
        };
        let plan = log_type.plan_with(target.options.transform.extras);
        let load_balancer = self.facts.key.load_balancer.as_deref();
        let mut table = match self.staging.table.take() {
            Some(mut table) if std::ptr::eq(table.batch.plan, plan) => {
                table.parser.begin_object(*lines + 1, load_balancer);
                table.batch.clear();
                table
            }
            _ => Box::new(TableStage {
                parser: LineParser::starting_at(*lines + 1, plan, load_balancer),
                batch: Batch::new(plan),
                transformer: target.options.transform.of(plan),
            }),
        };
        if let Some(form) = form {
            table.parser.read_as(form);
        }
        table
            .parser
            .require(target.options.output_table(plan).required().collect());
        if target.events.event_limit().is_some() {
            table.parser.keep_from(oversize::MIN_MEASURED);
        }
        self.stage = Stage::Table(table);
        self.ledger.table = Some(log_type.table());
        self.name_quarantine();
        Ok(true)
    }

    /// Returns the table, if it is known.
    fn table(&self) -> Option<&'static str> {
        let named = self.staging.target.options.table.map(|table| table.name);
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

    /// Notes the text of a skipped line, or its beginning.
    fn note_skipped(&mut self, text: &[u8]) {
        if let Stage::Table(table) = &mut self.stage {
            table.parser.note_skipped(text);
        }
    }

    /// Quarantines lines after every event so far.
    fn quarantine(&mut self, malformed: &[Malformed]) -> Result<(), Problem> {
        let count = self.ledger.events + self.ledger.filtered;
        self.quarantine_among(malformed, EventsBefore { count, lines: &[] })
    }

    fn quarantine_among(&mut self, malformed: &[Malformed], events: EventsBefore<'_>) -> Result<(), Problem> {
        if malformed.is_empty() {
            return Ok(());
        }
        self.name_quarantine();
        for malformed in malformed {
            let events = events.of(malformed.line);
            self.quarantine.push(malformed, events, &mut self.staging.quarantine)?;
            self.ledger.quarantine(malformed.fault);
            // Only the output refuses what was parsed, and an unverified line was not.
            let parsed = matches!(
                malformed.fault.reason,
                Reason::EventTooLarge | Reason::RequiredBySchema | Reason::Unverified
            );
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

    fn end(&mut self) -> Result<Outcome, Problem> {
        let mut malformed = Vec::new();
        if let Stage::Table(table) = &mut self.stage {
            table.parser.finish(&mut malformed);
        }
        self.quarantine(&malformed)?;
        self.probe(true)?;
        let ledger = match &mut self.stage {
            Stage::TestEntry(..) => return Ok(Outcome::Skipped(Skip::TestObject, std::mem::take(&mut self.ledger))),
            Stage::Undecided { .. } if self.ledger.quarantined == 0 => {
                return Ok(Outcome::Skipped(Skip::Empty, std::mem::take(&mut self.ledger)));
            }
            Stage::Undecided { .. } => {
                self.ledger.table = self.table();
                if self.ledger.table.is_none() {
                    return Err(Problem::OnlyLongLines);
                }
                std::mem::take(&mut self.ledger)
            }
            Stage::Table(table) => {
                let Staging { events, target, .. } = &mut self.staging;
                let mut ledger = std::mem::take(&mut self.ledger);
                events.write(&mut table.batch, &self.facts, *target, &mut ledger)?;
                ledger.lines += table.parser.lines;
                ledger.skipped_lines += table.parser.blank;
                ledger.with_extra_fields = table.parser.with_extra_fields;
                ledger.repairs = table.parser.repairs;
                ledger
            }
        };
        ledger.check()?;
        self.quarantine.end_run(&mut self.staging.quarantine)?;
        Ok(Outcome::Ingested(ledger))
    }
}

#[cfg(test)]
mod tests;
