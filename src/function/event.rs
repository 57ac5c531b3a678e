//! The events that the function reports while it works. They never contain a log line, a query string or a token.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::formats::Format;
use crate::ingest::{Corruption, Ledger};
use crate::object::{ObjectRef, ObjectRequest};
use crate::trigger::{Counts, SkipReason, Task, TaskError, TaskOutcome, Work};

/// An observer of the function's work.
pub trait Observer: Sync {
    /// Receives an event as soon as it happens. Workers call it at the same time.
    fn observe(&self, event: &Event<'_>);
}

/// An event that is worth a line in the log.
#[derive(Debug)]
pub enum Event<'a> {
    /// An object is committed.
    Ingested {
        /// The object.
        object: &'a ObjectRef,
        /// Its counts.
        ledger: &'a Ledger,
    },
    /// An object is corrupt at rest; its lines before the fault are committed.
    Corrupt {
        /// The object.
        object: &'a ObjectRef,
        /// The fault.
        corruption: &'a Corruption,
    },
    /// An object or record was skipped.
    Skipped {
        /// The object or record.
        subject: Subject<'a>,
        /// The reason.
        reason: &'a SkipReason,
    },
    /// An object or record failed.
    Failed {
        /// The object or record.
        subject: Subject<'a>,
        /// The error.
        error: &'a TaskError,
    },
    /// Lines have more fields than the table knows: AWS has added one, or the lines are unusual.
    UnknownField {
        /// The table.
        table: &'static str,
        /// The position of the first unknown field, from 1.
        position: usize,
        /// The number of events that have the field.
        events: u64,
    },
    /// A column with few distinct values has one that AWS does not document.
    UnknownValue {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The position of its field on the line, from 1.
        position: usize,
        /// The value, if it looks like a name.
        value: &'a str,
    },
}

/// The object or record that an event is about.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// An object.
    Object(&'a ObjectRequest),
    /// A record without an object, by its path in the payload.
    Record(&'a str),
}

impl fmt::Display for Subject<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(object) => write!(out, "{}/{}", object.bucket, object.key.escape_debug()),
            Self::Record("") => out.write_str("the payload"),
            Self::Record(path) => out.write_str(path),
        }
    }
}

impl fmt::Display for Event<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ingested { object, ledger } => write!(out, "{object}: committed: {}", Counts(ledger)),
            Self::Corrupt { object, corruption } => write!(
                out,
                "{object}: corrupt at rest: {}; the lines before the fault are committed",
                corruption.fault
            ),
            Self::Skipped { subject, reason } => write!(out, "{subject}: skipped: {reason}"),
            Self::Failed { subject, error } => {
                let retry = if error.is_retryable() {
                    ""
                } else {
                    "; a retry does not help"
                };
                write!(out, "{subject}: failed: {error}{retry}")
            }
            Self::UnknownField {
                table,
                position,
                events,
            } => write!(
                out,
                "{table}: {events} events have a field at position {position} that the table does not know; it is kept in extra_fields"
            ),
            Self::UnknownValue {
                table,
                column,
                position,
                value,
            } => write!(
                out,
                "{table}: {column} (field {position}) has the value {value}, which AWS does not document"
            ),
        }
    }
}

/// Reports the outcome of one task.
pub(super) fn report(subject: Subject<'_>, outcome: &TaskOutcome, observer: &dyn Observer) {
    match outcome {
        TaskOutcome::Ingested { object, ledger } => {
            observer.observe(&Event::Ingested { object, ledger });
            if let Some(corruption) = &ledger.corruption {
                observer.observe(&Event::Corrupt { object, corruption });
            }
        }
        TaskOutcome::Skipped(reason) => observer.observe(&Event::Skipped { subject, reason }),
        TaskOutcome::Failed(error) => observer.observe(&Event::Failed { subject, error }),
        // Reported with the task that it duplicates.
        TaskOutcome::DuplicateOf(_) => {}
    }
}

/// Reports the outcomes of the tasks without an object. Those of objects are reported when the object is done.
pub(super) fn report_records(tasks: &[Task], outcomes: &[TaskOutcome], observer: &dyn Observer) {
    for (task, outcome) in tasks.iter().zip(outcomes) {
        match &task.work {
            Work::Object(_) => {}
            Work::Ignored(_) | Work::Refused(_) => report(Subject::Record(&task.origin), outcome, observer),
        }
    }
}

/// Reports the fields and values that the tables do not know, each once per invocation.
pub(super) fn report_unknown(outcomes: &[TaskOutcome], observer: &dyn Observer) {
    let mut fields: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut values = BTreeSet::new();
    for outcome in outcomes {
        let TaskOutcome::Ingested { ledger, .. } = outcome else {
            continue;
        };
        let Some(table) = ledger.table else { continue };
        if ledger.with_extra_fields > 0 {
            *fields.entry(table).or_default() += ledger.with_extra_fields;
        }
        values.extend(ledger.unknown_values.iter().map(|value| (table, value)));
    }
    for (table, events) in fields {
        let known = Format::by_name(table).map_or(0, Format::known_fields);
        observer.observe(&Event::UnknownField {
            table,
            position: known + 1,
            events,
        });
    }
    for (table, unknown) in values {
        observer.observe(&Event::UnknownValue {
            table,
            column: unknown.column,
            position: unknown.position,
            value: &unknown.value,
        });
    }
}
