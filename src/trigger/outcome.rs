//! The outcome of each task of a request.
//!
//! An outcome keeps the types of the engine: response, log and metrics are exhaustive matches over it, so none of them can
//! disagree about whether an object failed, and why. That is why this module is above `ingest`.

use std::fmt;

use crate::ingest::{IngestError, Ledger, Skip};
use crate::merge::{Failure, Folder};
use crate::object::{ObjectRef, ObjectRequest};
use crate::storage::StorageError;

use super::{IgnoredEvent, InvocationError, MergeRequest, Request, TriggerError, Work};

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
    /// The request of merged delivery is done.
    Merged(Merged),
    /// There was nothing to ingest, and that is not an error.
    Skipped(SkipReason),
    /// The record or its object failed.
    Failed(TaskError),
    /// An earlier task of the request, counted from 0, is for the same object or folder. Its outcome counts for this task, too.
    DuplicateOf(usize),
}

/// What a request of merged delivery did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Merged {
    /// The number of plans that were committed.
    pub plans: u64,
    /// The number of their members.
    pub members: u64,
    /// The number of messages that were sent: one for each folder that is due, or one to continue with this folder.
    pub sent: u64,
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
    /// The folder could not be merged, or not completely.
    #[error("{}", Failures(.failures))]
    Folder {
        /// The folder.
        folder: Folder,
        /// The failures, in order.
        failures: Vec<Failure>,
    },
    /// Folders could not be listed, or messages not be sent.
    #[error("{0}")]
    Storage(StorageError),
    /// The record announces an object, and the settings merge objects.
    #[error(
        "MERGE is true, and this is a request for one object: its rows would exist twice, because its folder is merged, too; send {{\"merge\":{{\"bucket\":…,\"folder\":…}}}}, and remove the notifications of the bucket"
    )]
    MergedDelivery,
    /// The request is one of merged delivery, and the settings do not merge objects.
    #[error("MERGE is not true, so this function does not merge objects: set MERGE, or send objects")]
    ObjectDelivery,
    /// A setting that the request needs is missing.
    #[error("{setting} is not set, and {why}; set {setting} to {allowed}")]
    Setting {
        /// The setting.
        setting: &'static str,
        /// What needs it.
        why: &'static str,
        /// Its form.
        allowed: &'static str,
    },
    /// The program panicked while it processed the request: a defect of this program.
    #[error("internal error while processing this request; please report this")]
    Panic,
    /// The time ended before the request was begun.
    #[error("not enough time before the deadline; give the function more time, or one message per invocation")]
    OutOfTime,
}

/// The failures of a folder as one text.
struct Failures<'a>(&'a [Failure]);

impl fmt::Display for Failures<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MAX_SHOWN: usize = 3;
        for (number, failure) in self.0.iter().take(MAX_SHOWN).enumerate() {
            if number > 0 {
                out.write_str("; ")?;
            }
            failure.fmt(out)?;
        }
        match self.0.len().saturating_sub(MAX_SHOWN) {
            0 => Ok(()),
            more => write!(out, "; and {more} more"),
        }
    }
}

impl TaskError {
    /// Returns whether a retry can succeed without a change of the payload, the object or the settings.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Object(error) => error.problem.is_retryable(),
            Self::Folder { failures, .. } => failures.iter().all(|failure| failure.retryable),
            Self::Storage(error) => error.is_retryable(),
            // A panic can have a passing cause. Its sender limits the retries.
            Self::OutOfTime | Self::Panic => true,
            Self::Refused(_)
            | Self::OutputLoop { .. }
            | Self::MergedDelivery
            | Self::ObjectDelivery
            | Self::Setting { .. } => false,
        }
    }

    /// Returns whether the object was read and is not a load balancer log, nor named like one.
    pub fn is_not_a_log(&self) -> bool {
        match self {
            Self::Object(error) => error.is_not_a_log(),
            Self::Refused(_)
            | Self::OutputLoop { .. }
            | Self::Folder { .. }
            | Self::Storage(_)
            | Self::MergedDelivery
            | Self::ObjectDelivery
            | Self::Setting { .. }
            | Self::Panic
            | Self::OutOfTime => false,
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
        let works = self.works();
        works
            .filter_map(|work| match work {
                Work::Object(object) => Some(object),
                Work::Merge(_) | Work::Ignored(_) | Work::Refused(_) => None,
            })
            .collect()
    }

    /// Returns the requests of merged delivery, each once, in the order of the payload.
    pub fn merges(&self) -> Vec<&MergeRequest> {
        let works = self.works();
        works
            .filter_map(|work| match work {
                Work::Merge(request) => Some(request),
                Work::Object(_) | Work::Ignored(_) | Work::Refused(_) => None,
            })
            .collect()
    }

    fn works(&self) -> impl Iterator<Item = &Work> {
        let tasks = self.tasks.iter();
        tasks.filter(|task| task.duplicate_of.is_none()).map(|task| &task.work)
    }

    /// Returns the outcome of every task, from one outcome for each of the [objects](Self::objects) and one for each of the
    /// [requests of merged delivery](Self::merges), in their order.
    ///
    /// This is the only place that decides the outcome of a task without work, so a refused record always fails.
    ///
    /// # Errors
    /// The outcomes are not one for each object and request.
    pub fn outcomes(
        &self,
        objects: Vec<TaskOutcome>,
        merges: Vec<TaskOutcome>,
    ) -> Result<Vec<TaskOutcome>, InvocationError> {
        let given = objects.len() + merges.len();
        let (mut objects, mut merges) = (objects.into_iter(), merges.into_iter());
        let outcomes: Vec<_> = self
            .tasks
            .iter()
            .map_while(|task| match (&task.work, task.duplicate_of) {
                (Work::Object(_) | Work::Merge(_), Some(first)) => Some(TaskOutcome::DuplicateOf(first)),
                (Work::Object(_), None) => objects.next(),
                (Work::Merge(_), None) => merges.next(),
                (Work::Ignored(event), _) => Some(TaskOutcome::Skipped(SkipReason::Event(event.clone()))),
                (Work::Refused(error), _) => Some(TaskOutcome::Failed(TaskError::Refused(error.clone()))),
            })
            .collect();
        if outcomes.len() != self.tasks.len() || objects.next().is_some() || merges.next().is_some() {
            return Err(InvocationError::Outcomes {
                expected: self.objects().len() + self.merges().len(),
                given,
            });
        }
        Ok(outcomes)
    }
}

impl fmt::Display for Merged {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { plans, members, sent } = self;
        write!(out, "plans={plans} members={members} messages={sent}")
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
            filtered,
            quarantined,
            skipped_lines,
            ..
        } = self.0;
        let written = self.0.outputs.iter().filter(|output| output.written).count();
        let before = self.0.outputs.len() - written;
        write!(out, "lines={lines} events={events}")?;
        if *filtered > 0 {
            write!(out, " filtered={filtered}")?;
        }
        write!(
            out,
            " quarantined={quarantined} skipped={skipped_lines} written={written} there_before={before}"
        )?;
        if self.0.corruption.is_some() {
            out.write_str(" corrupt=1")?;
        }
        Ok(())
    }
}
