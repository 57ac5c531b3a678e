//! What the function says while it works. Never a line of a log, a query string or a token.

use std::fmt;

use crate::ingest::Ledger;
use crate::object::ObjectRef;

/// Somebody who is told what happens, while it happens.
pub trait Watch: Sync {
    /// Takes note.
    fn note(&self, note: &Note<'_>);
}

/// Something worth telling.
#[derive(Debug)]
pub enum Note<'a> {
    /// An object is committed.
    Ingested {
        /// The object.
        object: &'a ObjectRef,
        /// Its counts.
        ledger: &'a Ledger,
    },
    /// An object at rest is corrupt; what stands in front of the fault is committed.
    Corrupt {
        /// The object.
        object: &'a ObjectRef,
        /// The fault.
        fault: String,
    },
    /// An object or record is passed over.
    Skipped {
        /// Bucket and key, or where in the payload it stands.
        what: String,
        /// Why.
        why: &'a str,
    },
    /// An object or record failed.
    Failed {
        /// Bucket and key, or where in the payload it stands.
        what: String,
        /// Why, and what to do.
        why: &'a str,
        /// Whether trying again can help.
        retryable: bool,
    },
    /// Lines carry more fields than the table knows: AWS has appended one, or the line is odd.
    UnknownField {
        /// The table.
        table: &'static str,
        /// The position of the first unknown field, from 1.
        position: usize,
        /// Events that have it.
        events: u64,
    },
    /// A column that has few values has one that AWS's page does not name.
    UnknownValue {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The position of its field on the line, from 1.
        position: usize,
        /// The value, where it looks like a name.
        value: &'a str,
    },
}

impl fmt::Display for Note<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ingested { object, ledger } => write!(out, "{object}: committed: {}", Counts(ledger)),
            Self::Corrupt { object, fault } => write!(
                out,
                "{object}: corrupt at rest: {fault}; the lines in front of the fault are committed"
            ),
            Self::Skipped { what, why } => write!(out, "{what}: skipped: {why}"),
            Self::Failed { what, why, retryable } => {
                let again = if *retryable { "" } else { "; trying again does not help" };
                write!(out, "{what}: failed: {why}{again}")
            }
            Self::UnknownField {
                table,
                position,
                events,
            } => write!(
                out,
                "{table}: {events} events carry a field at position {position} that the table does not know; it is kept in extra_fields"
            ),
            Self::UnknownValue {
                table,
                column,
                position,
                value,
            } => write!(
                out,
                "{table}: {column} (field {position}) has the value {value}, which AWS's page does not name"
            ),
        }
    }
}

/// The counts of an object in words, as answers and logs carry them.
pub(super) struct Counts<'a>(pub(super) &'a Ledger);

impl fmt::Display for Counts<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ledger {
            lines,
            events,
            quarantined,
            skipped_lines,
            ..
        } = self.0;
        let written = self.0.outputs.iter().filter(|output| output.written).count();
        let before = self.0.outputs.len() - written;
        write!(
            out,
            "lines={lines} events={events} quarantined={quarantined} skipped={skipped_lines} written={written} there_before={before}"
        )?;
        if self.0.corruption.is_some() {
            out.write_str(" corrupt=1")?;
        }
        Ok(())
    }
}
