//! The quarantine of an object: its malformed lines, staged like its events.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};

use crate::encode::EncodeError;
use crate::encode::quarantine::{RowWriter, Run};
use crate::object::{ObjectFacts, ObjectRef};
use crate::parse::batch::Malformed;
use crate::parse::line::time::{DAY, date_text};
use crate::parse::line::{Fault, Reason};
use crate::storage::{Sink, Staged};

use super::outputs::commit;
use super::{Ledger, Problem};

/// The number of bytes of rows of one object after which rows refer to runs of lines instead of repeating them. A line of two
/// bytes becomes a row of hundreds.
const MAX_ROWS: u64 = 16 * 1024 * 1024;

/// The quarantine of an object. Its output is staged with the first malformed line.
pub(super) struct Quarantine<'a> {
    sink: &'a dyn Sink,
    source: ObjectRef,
    table: &'static str,
    /// The part of the key after the table: the day of the object's delivery, and its name.
    name: String,
    staged: Option<(String, BufWriter<Box<dyn Staged>>)>,
    long: Option<RowWriter>,
    /// The number of bytes of rows with raw lines.
    written: u64,
    /// The run of lines that the next row refers to, and the number of events before it.
    run: Option<(Run, u64)>,
}

/// The numbers of events before the lines of a block.
#[derive(Clone, Copy)]
pub(super) struct EventsBefore<'a> {
    /// The number of events before the block.
    pub(super) count: u64,
    /// The line numbers of the events of the block.
    pub(super) lines: &'a [i64],
}

impl EventsBefore<'_> {
    /// Returns the number of events before a line.
    pub(super) fn of(self, line: u64) -> u64 {
        let line = i64::try_from(line).unwrap_or(i64::MAX);
        self.count + self.lines.partition_point(|event| *event < line) as u64
    }
}

impl<'a> Quarantine<'a> {
    pub(super) fn new(sink: &'a dyn Sink, facts: &ObjectFacts) -> Self {
        let date = facts
            .key
            .end
            .map_or_else(|| "unknown".to_owned(), |end| date_text(end.div_euclid(DAY)));
        let name = format!("date={date}/{}-{}.json", facts.object.stem(), facts.id);
        Self {
            sink,
            source: facts.object.clone(),
            table: "unknown",
            name,
            staged: None,
            long: None,
            written: 0,
            run: None,
        }
    }

    /// Sets the name of the table, if it is known; initially it is `unknown`.
    pub(super) fn name(&mut self, table: Option<&'static str>) {
        self.table = table.unwrap_or(self.table);
    }

    /// Adds a malformed line, after this number of events.
    pub(super) fn push(&mut self, malformed: &Malformed, events: u64) -> Result<(), Problem> {
        if self.written >= MAX_ROWS {
            return self.refer(malformed, events);
        }
        let mut row = RowWriter::new(&self.source, malformed.line, malformed.offset, &malformed.fault);
        row.push(&malformed.raw);
        self.finish_row(row)
    }

    /// Adds a malformed line to the run of lines that one row refers to.
    fn refer(&mut self, malformed: &Malformed, events: u64) -> Result<(), Problem> {
        if self.run.as_ref().is_some_and(|(_, before)| *before != events) {
            self.end_run()?;
        }
        let (run, _) = self.run.get_or_insert_with(|| {
            let run = Run {
                line: malformed.line,
                offset: malformed.offset,
                end: malformed.offset,
                reasons: BTreeMap::new(),
            };
            (run, events)
        });
        run.end = malformed.offset + malformed.raw.len() as u64;
        let Fault { reason, field, .. } = malformed.fault;
        *run.reasons.entry((reason.name(), field)).or_default() += 1;
        Ok(())
    }

    fn end_run(&mut self) -> Result<(), Problem> {
        let Some((run, _)) = self.run.take() else { return Ok(()) };
        let source = self.source.clone();
        run.write(&source, self.out()?).map_err(EncodeError::Write)?;
        Ok(())
    }

    fn finish_row(&mut self, row: RowWriter) -> Result<(), Problem> {
        self.written += row.finish(self.out()?).map_err(EncodeError::Write)?;
        Ok(())
    }

    /// Begins a line that exceeds the limit.
    pub(super) fn begin_long(&mut self, line: u64, offset: u64) -> Result<(), Problem> {
        self.end_run()?;
        let fault = Fault::of_line(Reason::TooLong, 0);
        self.long = Some(RowWriter::new(&self.source, line, offset, &fault));
        Ok(())
    }

    /// Appends bytes of the long line.
    pub(super) fn push_long(&mut self, part: &[u8]) {
        if let Some(row) = &mut self.long {
            row.push(part);
        }
    }

    /// Ends the long line.
    pub(super) fn end_long(&mut self) -> Result<(), Problem> {
        match self.long.take() {
            Some(row) => self.finish_row(row),
            None => Ok(()),
        }
    }

    /// Commits the quarantine, if anything was staged.
    pub(super) fn commit(&mut self, facts: &ObjectFacts, ledger: &mut Ledger) -> Result<(), Problem> {
        self.end_run()?;
        let Some((key, out)) = self.staged.take() else {
            return Ok(());
        };
        let staged = out
            .into_inner()
            .map_err(|error| EncodeError::Write(error.into_error()))?;
        commit(key, staged, self.sink, facts, ledger)
    }

    fn out(&mut self) -> Result<&mut impl Write, Problem> {
        let staged = if let Some(staged) = self.staged.take() {
            staged
        } else {
            let key = format!("{}/{}", self.table, self.name);
            let staged = self.sink.stage(&key, &self.source)?;
            (key, BufWriter::new(staged))
        };
        Ok(&mut self.staged.insert(staged).1)
    }
}
