//! The quarantine: the malformed lines of objects, staged like their events.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::{BufWriter, Write};

use crate::encode::EncodeError;
use crate::encode::quarantine::{RowWriter, Run};
use crate::formats::LogType;
use crate::object::{ObjectFacts, ObjectRef};
use crate::parse::batch::Malformed;
use crate::parse::line::time::{DAY, date_text};
use crate::parse::line::{Fault, Reason};
use crate::storage::{Sink, Staged};
use crate::transform::redact::{LineRedactor, Redact, mask};

use super::staging::{Commit, MAX_SHARED, Naming};
use super::{Ledger, Problem};

/// The number of bytes of rows of one object after which rows refer to runs of lines instead of repeating them. A line of two
/// bytes becomes a row of hundreds.
const MAX_ROWS: u64 = 16 * 1024 * 1024;

/// The staged outputs of the quarantine. Each is staged with its first row.
pub(super) struct QuarantineOutputs<'a> {
    sink: &'a dyn Sink,
    staged: BTreeMap<String, BufWriter<Box<dyn Staged>>>,
    /// Whether the current object may have a row.
    touched: bool,
}

/// The quarantine of an object: its malformed lines.
pub(super) struct Quarantine {
    source: ObjectRef,
    table: &'static str,
    /// The part of the key after the table: the day of the object's delivery, and the name of the output.
    name: String,
    /// The key of the output, if the object has a row.
    key: Option<String>,
    long: Option<RowWriter>,
    /// Redacts raw lines.
    redactor: Option<LineRedactor>,
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

impl<'a> QuarantineOutputs<'a> {
    pub(super) const fn new(sink: &'a dyn Sink) -> Self {
        Self {
            sink,
            staged: BTreeMap::new(),
            touched: false,
        }
    }

    /// Begins an object.
    pub(super) const fn begin_object(&mut self) {
        self.touched = false;
    }

    /// Returns whether a row of the current object may be in an output.
    pub(super) const fn is_touched(&self) -> bool {
        self.touched
    }

    /// Returns the keys of the outputs.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.staged.keys().map(String::as_str)
    }

    /// Commits every output.
    pub(super) fn commit(&mut self, commit: Commit<'_>, ledger: &mut Ledger) -> Result<(), Problem> {
        while let Some((key, out)) = self.staged.pop_first() {
            let staged = out
                .into_inner()
                .map_err(|error| EncodeError::Write(error.into_error()))?;
            commit.one(key, staged, ledger)?;
        }
        Ok(())
    }

    /// Returns the output with a key. It is staged first if it does not exist.
    fn output(&mut self, key: &str, source: &ObjectRef) -> Result<&mut impl Write, Problem> {
        let open = self.staged.len();
        let out = match self.staged.entry(key.to_owned()) {
            Entry::Occupied(out) => out.into_mut(),
            Entry::Vacant(_) if open >= MAX_SHARED => {
                return Err(Problem::TooManyPartitions { limit: MAX_SHARED });
            }
            Entry::Vacant(vacant) => {
                let staged = self.sink.stage(key, source)?;
                vacant.insert(BufWriter::new(staged))
            }
        };
        self.touched = true;
        Ok(out)
    }
}

impl Quarantine {
    pub(super) fn new(naming: Naming, facts: &ObjectFacts, redact: Option<&Redact>) -> Self {
        let date = facts
            .key
            .end
            .map_or_else(|| "unknown".to_owned(), |end| date_text(end.div_euclid(DAY)));
        let name = format!("date={date}/{}.json", naming.stem(facts));
        Self {
            source: facts.object.clone(),
            table: "unknown",
            name,
            key: None,
            long: None,
            redactor: redact
                .filter(|redact| redact.redacts_raw())
                .cloned()
                .map(LineRedactor::new),
            written: 0,
            run: None,
        }
    }

    /// Sets the name of the table, if it is known; initially it is `unknown`.
    pub(super) fn name(&mut self, table: Option<&'static str>) {
        self.table = table.unwrap_or(self.table);
        if let (Some(redactor), Some(log_type)) = (&mut self.redactor, LogType::from_table(self.table)) {
            redactor.set_table(log_type);
        }
    }

    /// Adds a malformed line, after this number of events.
    pub(super) fn push(
        &mut self,
        malformed: &Malformed,
        events: u64,
        outputs: &mut QuarantineOutputs<'_>,
    ) -> Result<(), Problem> {
        if self.written >= MAX_ROWS {
            return self.refer(malformed, events, outputs);
        }
        let mut row = RowWriter::new(&self.source, malformed.line, malformed.offset, &malformed.fault);
        match &mut self.redactor {
            Some(redactor) => row.push(&redactor.redact(&malformed.raw)),
            None => row.push(&malformed.raw),
        }
        self.finish_row(row, outputs)
    }

    /// Adds a malformed line to the run of lines that one row refers to.
    fn refer(
        &mut self,
        malformed: &Malformed,
        events: u64,
        outputs: &mut QuarantineOutputs<'_>,
    ) -> Result<(), Problem> {
        if self.run.as_ref().is_some_and(|(_, before)| *before != events) {
            self.end_run(outputs)?;
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

    /// Writes the row of the current run, if there is one.
    pub(super) fn end_run(&mut self, outputs: &mut QuarantineOutputs<'_>) -> Result<(), Problem> {
        let Some((run, _)) = self.run.take() else { return Ok(()) };
        let (source, key) = self.place();
        run.write(source, outputs.output(key, source)?)
            .map_err(EncodeError::Write)?;
        Ok(())
    }

    fn finish_row(&mut self, row: RowWriter, outputs: &mut QuarantineOutputs<'_>) -> Result<(), Problem> {
        let (source, key) = self.place();
        let out = outputs.output(key, source)?;
        self.written += row.finish(out).map_err(EncodeError::Write)?;
        Ok(())
    }

    /// Begins a line that exceeds the limit.
    pub(super) fn begin_long(
        &mut self,
        line: u64,
        offset: u64,
        outputs: &mut QuarantineOutputs<'_>,
    ) -> Result<(), Problem> {
        self.end_run(outputs)?;
        let fault = Fault::of_line(Reason::TooLong, 0);
        self.long = Some(RowWriter::new(&self.source, line, offset, &fault));
        Ok(())
    }

    /// Appends bytes of the long line.
    pub(super) fn push_long(&mut self, part: &[u8]) {
        let Some(row) = &mut self.long else { return };
        if self.redactor.is_some() {
            let mut masked = Vec::with_capacity(part.len());
            mask(part, &mut masked);
            row.push(&masked);
        } else {
            row.push(part);
        }
    }

    /// Ends the long line.
    pub(super) fn end_long(&mut self, outputs: &mut QuarantineOutputs<'_>) -> Result<(), Problem> {
        match self.long.take() {
            Some(row) => self.finish_row(row, outputs),
            None => Ok(()),
        }
    }

    /// Returns the object and the key of its output, which the table names that is known at the first row.
    fn place(&mut self) -> (&ObjectRef, &str) {
        let key = self.key.get_or_insert_with(|| format!("{}/{}", self.table, self.name));
        (&self.source, key)
    }
}
