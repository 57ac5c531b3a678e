//! The events that the function reports while it works. They never contain a log line, a query string or a token.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::escape::escaped;
use crate::formats::Format;
use crate::ingest::{Corruption, Ledger, UnknownValue};
use crate::merge::Folder;
use crate::merge::plan::Plan;
use crate::object::{ObjectRef, ObjectRequest};
use crate::trigger::{Counts, MergeRequest, SkipReason, Task, TaskError, TaskOutcome, Work};

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
    /// An object is corrupt at rest; its verified lines are committed.
    Corrupt {
        /// The object.
        object: &'a ObjectRef,
        /// The fault.
        corruption: &'a Corruption,
    },
    /// A plan is committed: its objects are merged.
    Planned {
        /// The folder.
        folder: &'a Folder,
        /// The number of the plan.
        number: u32,
        /// The plan.
        plan: &'a Plan,
    },
    /// An object of a folder was not merged, and no plan will take it again.
    MemberFailed {
        /// The folder.
        folder: &'a Folder,
        /// The part of its key after the folder.
        key: &'a str,
        /// The reason.
        reason: &'a str,
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
    /// A request of merged delivery.
    Merge(&'a MergeRequest),
    /// A record without an object, by its path in the payload.
    Record(&'a str),
}

impl fmt::Display for Subject<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(object) => write!(out, "{}/{}", escaped(&object.bucket), escaped(&object.key)),
            Self::Merge(request) => request.fmt(out),
            Self::Record("") => out.write_str("the payload"),
            Self::Record(path) => out.write_str(path),
        }
    }
}

impl fmt::Display for Event<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ingested { object, ledger } => write!(out, "{object}: committed: {}", Counts(ledger)),
            Self::Corrupt { object, corruption } => write!(out, "{object}: corrupt at rest: {corruption}"),
            Self::Planned { folder, number, plan } => {
                let (members, failed) = (plan.members.len(), plan.failed().count());
                let (files, balance) = (plan.files.len(), plan.balance());
                write!(
                    out,
                    "{folder}: plan {number:08} committed: members={members} failed={failed} files={files} lines={} events={}",
                    balance.lines, balance.events
                )?;
                if balance.filtered > 0 {
                    write!(out, " filtered={}", balance.filtered)?;
                }
                write!(out, " quarantined={} skipped={}", balance.quarantined, balance.skipped)
            }
            Self::MemberFailed { folder, key, reason } => {
                write!(out, "{folder}{}: not merged: {}", escaped(key), escaped(reason))
            }
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
        // Each of its plans was reported, or the task that it duplicates.
        TaskOutcome::Merged(_) | TaskOutcome::DuplicateOf(_) => {}
    }
}

/// Reports the outcomes of the tasks without work. The others are reported as soon as they are done.
pub(super) fn report_records(tasks: &[Task], outcomes: &[TaskOutcome], observer: &dyn Observer) {
    for (task, outcome) in tasks.iter().zip(outcomes) {
        match &task.work {
            Work::Object(_) | Work::Merge(_) => {}
            Work::Ignored(_) | Work::Refused(_) => report(Subject::Record(&task.origin), outcome, observer),
        }
    }
}

/// The fields and values that the tables do not know.
#[derive(Debug, Default)]
pub(super) struct Unknown {
    /// The number of events with an unknown field, by table.
    fields: BTreeMap<&'static str, u64>,
    values: BTreeSet<(&'static str, UnknownValue)>,
}

impl Unknown {
    /// Adds those of an object.
    pub(super) fn add(&mut self, ledger: &Ledger) {
        let Some(table) = ledger.table else { return };
        if ledger.with_extra_fields > 0 {
            *self.fields.entry(table).or_default() += ledger.with_extra_fields;
        }
        let values = ledger.unknown_values.iter();
        self.values.extend(values.map(|value| (table, value.clone())));
    }

    /// Reports each once.
    pub(super) fn report(&self, observer: &dyn Observer) {
        for (table, events) in &self.fields {
            let known = Format::by_name(table).map_or(0, Format::known_fields);
            observer.observe(&Event::UnknownField {
                table,
                position: known + 1,
                events: *events,
            });
        }
        for (table, unknown) in &self.values {
            observer.observe(&Event::UnknownValue {
                table,
                column: unknown.column,
                position: unknown.position,
                value: &unknown.value,
            });
        }
    }
}
