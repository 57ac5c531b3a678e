//! The outcome of each task of a request.
//!
//! An outcome keeps the types of the engine: response, log and metrics are exhaustive matches over it, so none of them can
//! disagree about whether an object failed, and why. That is why this module is above `ingest`.

use std::fmt;

use crate::ingest::{IngestError, Ledger, Skip};
use crate::object::{ObjectRef, ObjectRequest};

use super::{IgnoredEvent, InvocationError, Request, TriggerError, Work};

/// The outcome of one task.
#[derive(Debug)]
pub enum TaskOutcome {
    /// Every line of the object is accounted for, and its outputs are committed.
    Ingested {
        /// The object as it was found.
        object: ObjectRef,
        /// Its counts.
        ledger: Box<Ledger>,
    },
    /// There was nothing to ingest, and that is not an error.
    Skipped(SkipReason),
    /// The record or its object failed.
    Failed(TaskError),
    /// An earlier task of the request, counted from 0, is for the same object. Its outcome counts for this task, too.
    DuplicateOf(usize),
}

/// The reason why a task had nothing to ingest.
#[derive(Debug)]
pub enum SkipReason {
    /// The record does not announce a new object.
    Event(IgnoredEvent),
    /// The object is not a log, or the settings leave it out.
    Object {
        /// The reason.
        skip: Skip,
        /// The counts of the lines that were read to find out.
        ledger: Box<Ledger>,
    },
    /// The object no longer exists, and the settings say to skip it.
    Missing,
    /// The object is an output of the function.
    OwnOutput,
}

/// The error of a task.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// The record cannot be understood.
    #[error("{0}")]
    Refused(TriggerError),
    /// The object could not be ingested.
    #[error("{}", .0.problem)]
    Object(IngestError),
    /// The outputs and the logs share a prefix, so the function would ingest its own outputs.
    #[error(
        "{place} overlaps with the logs: the function would be fed with its own output; set DESTINATION or QUARANTINE to another bucket, or to a prefix apart from the logs"
    )]
    OutputLoop {
        /// The destination or the quarantine, as it is set.
        place: String,
    },
}

impl TaskError {
    /// Returns whether a retry can succeed without a change of the payload, the object or the settings.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Object(error) => error.problem.is_retryable(),
            Self::Refused(_) | Self::OutputLoop { .. } => false,
        }
    }

    /// Returns whether the object was read and is not a load balancer log.
    pub const fn is_not_a_log(&self) -> bool {
        match self {
            Self::Object(error) => error.problem.is_not_a_log(),
            Self::Refused(_) | Self::OutputLoop { .. } => false,
        }
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(event) => event.fmt(out),
            Self::Object { skip, .. } => out.write_str(skip.text()),
            Self::Missing => out.write_str("the object no longer exists"),
            Self::OwnOutput => out.write_str("an output of this function"),
        }
    }
}

impl Request {
    /// Returns the objects to ingest, each once, in the order of the payload.
    pub fn objects(&self) -> Vec<&ObjectRequest> {
        self.tasks
            .iter()
            .filter(|task| task.duplicate_of.is_none())
            .filter_map(|task| match &task.work {
                Work::Object(object) => Some(object),
                Work::Ignored(_) | Work::Refused(_) => None,
            })
            .collect()
    }

    /// Returns the outcome of every task, from one outcome for each of the [objects](Self::objects), in their order.
    ///
    /// This is the only place that decides the outcome of a task without an object, so a refused record always fails.
    ///
    /// # Errors
    /// The outcomes are not one for each object.
    pub fn outcomes(&self, objects: Vec<TaskOutcome>) -> Result<Vec<TaskOutcome>, InvocationError> {
        let given = objects.len();
        let mut objects = objects.into_iter();
        let outcomes: Vec<_> = self
            .tasks
            .iter()
            .map_while(|task| match (&task.work, task.duplicate_of) {
                (Work::Object(_), Some(first)) => Some(TaskOutcome::DuplicateOf(first)),
                (Work::Object(_), None) => objects.next(),
                (Work::Ignored(event), _) => Some(TaskOutcome::Skipped(SkipReason::Event(event.clone()))),
                (Work::Refused(error), _) => Some(TaskOutcome::Failed(TaskError::Refused(error.clone()))),
            })
            .collect();
        if outcomes.len() != self.tasks.len() || objects.next().is_some() {
            return Err(InvocationError::Outcomes {
                expected: self.objects().len(),
                given,
            });
        }
        Ok(outcomes)
    }
}

/// The counts of an object on one line, as responses and logs show them.
#[derive(Debug)]
pub struct Counts<'a>(pub &'a Ledger);

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
