//! The quarantine of an object: its malformed lines, staged like its events.

use std::io::{BufWriter, Write};

use crate::encode::EncodeError;
use crate::encode::quarantine::RowWriter;
use crate::object::{ObjectFacts, ObjectRef};
use crate::parse::batch::Malformed;
use crate::parse::line::time::{DAY, date_text};
use crate::parse::line::{Fault, Reason};
use crate::storage::{Sink, Staged};

use super::outputs::commit;
use super::{Ledger, Problem};

/// The quarantine of an object. Its output is staged with the first malformed line.
pub(super) struct Quarantine<'a> {
    sink: &'a dyn Sink,
    source: ObjectRef,
    table: &'static str,
    /// The part of the key after the table: the day of the object's delivery, and its name.
    name: String,
    staged: Option<(String, BufWriter<Box<dyn Staged>>)>,
    long: Option<RowWriter>,
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
        }
    }

    /// Sets the name of the table, if it is known; initially it is `unknown`.
    pub(super) fn name(&mut self, table: Option<&'static str>) {
        self.table = table.unwrap_or(self.table);
    }

    /// Adds a malformed line.
    pub(super) fn push(&mut self, object: &ObjectRef, malformed: &Malformed) -> Result<(), Problem> {
        let out = self.out()?;
        let written =
            RowWriter::begin(object, malformed.line, malformed.offset, &malformed.fault, out).and_then(|mut row| {
                row.push(&malformed.raw, out)?;
                row.finish(out)
            });
        written.map_err(EncodeError::Write)?;
        Ok(())
    }

    /// Begins a line that exceeds the limit.
    pub(super) fn begin_long(&mut self, object: &ObjectRef, line: u64, offset: u64) -> Result<(), Problem> {
        let fault = Fault::of_line(Reason::TooLong, 0);
        let row = RowWriter::begin(object, line, offset, &fault, self.out()?).map_err(EncodeError::Write)?;
        self.long = Some(row);
        Ok(())
    }

    /// Appends bytes of the long line.
    pub(super) fn push_long(&mut self, part: &[u8]) -> Result<(), Problem> {
        if let Some(mut row) = self.long.take() {
            row.push(part, self.out()?).map_err(EncodeError::Write)?;
            self.long = Some(row);
        }
        Ok(())
    }

    /// Ends the long line.
    pub(super) fn end_long(&mut self) -> Result<(), Problem> {
        if let Some(row) = self.long.take() {
            row.finish(self.out()?).map_err(EncodeError::Write)?;
        }
        Ok(())
    }

    /// Commits the quarantine, if anything was staged.
    pub(super) fn commit(&mut self, unversioned: bool, ledger: &mut Ledger) -> Result<(), Problem> {
        let Some((key, out)) = self.staged.take() else {
            return Ok(());
        };
        let staged = out
            .into_inner()
            .map_err(|error| EncodeError::Write(error.into_error()))?;
        commit(key, staged, unversioned, ledger)
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
