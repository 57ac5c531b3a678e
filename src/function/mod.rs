//! The handler of the Lambda function: it ingests every object of a payload and returns the response.
//!
//! The handler is independent of AWS. [`Function::handle`] reads objects from a [`Storage`] and writes outputs to
//! it; the Lambda and `alb-ingest replay` use different ones. Between invocations, it only remembers that the destination has
//! the layout of its settings.

mod due;
pub mod emf;
mod event;
mod folder;
mod guard;
#[cfg(feature = "aws")]
pub mod lambda;
mod merge;
pub mod metrics;
mod tally;
mod work;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::config::{Config, LoadError};
use crate::deadline::Deadline;
use crate::ingest::ReadAhead;
use crate::layout::LayoutError;
use crate::storage::{Storage, StorageError};
use crate::trigger::{self, InvocationError, MergeRequest, Request, TaskOutcome, TriggerError};

pub use event::{Event, Observer, Subject};
use event::{Unknown, report_records};
use merge::Merger;
pub use tally::Tally;

/// The memory that one object needs: blocks, row groups and the data in transfer to and from S3.
const MIB_PER_OBJECT: usize = 64;
/// The memory that the program needs without objects.
const BASE_MIB: usize = 32;
/// The maximum number of objects in parallel. One object keeps a processor busy, so more would only wait for each other.
const MAX_WORKERS: usize = 16;
/// Bytes that are read ahead for each MiB of the function's memory, and their bounds.
const AHEAD_PER_MIB: usize = 16 * 1024;
const MIN_AHEAD: usize = 2 * MIB;
const MAX_AHEAD: usize = 8 * MIB;
/// The memory for each thread that reads ahead, and the bounds of their number.
const MIB_PER_READER: usize = 32;
const MIN_READERS: usize = 4;
const MAX_READERS: usize = 16;
const MIB: usize = 1024 * 1024;
/// The maximum time for removing what failed objects left behind; never more than half of the time that is left.
const MAX_SETTLE: Duration = Duration::from_secs(5);

/// The function, ready for invocations.
pub struct Function {
    config: Config,
    storage: Box<dyn Storage>,
    limits: Limits,
    clock: Clock,
    /// Whether the destination is known to have the layout of the settings.
    claimed: AtomicBool,
}

/// Returns the current time. Outputs do not depend on it, but which objects are ready to be merged does.
pub type Clock = fn() -> SystemTime;

/// The resources of the function.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Memory in MiB.
    pub memory: usize,
    /// The number of processors.
    pub processors: usize,
}

/// The result of an invocation.
#[derive(Debug)]
pub struct Handled {
    /// The response to the invoker, or the error that makes it retry.
    pub answer: Result<Value, HandleError>,
    /// The counts of the invocation.
    pub tally: Tally,
}

/// The error of an invocation.
#[derive(Debug, thiserror::Error)]
pub enum HandleError {
    /// The payload is unknown, so it is not acknowledged.
    #[error("{0}")]
    Payload(#[from] TriggerError),
    /// Objects failed.
    #[error("{0}")]
    Objects(#[from] InvocationError),
    /// A destination is not available.
    #[error("{0}")]
    Place(#[from] StorageError),
    /// The destination has outputs of other settings.
    #[error("{0}")]
    Layout(#[from] LayoutError),
}

impl Handled {
    /// The result for a payload that is not a valid request.
    fn refused(error: TriggerError) -> Self {
        Self {
            answer: Err(error.into()),
            tally: Tally::default(),
        }
    }
}

impl HandleError {
    /// Returns the error type that Lambda reports.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Payload(_) => "UnknownPayload",
            Self::Objects(_) => "ObjectsFailed",
            Self::Place(_) => "NoSuchPlace",
            Self::Layout(_) => "WrongLayout",
        }
    }
}

/// The error of settings that do not configure a function.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The destination is the standard output.
    #[error("DESTINATION is \"-\", the standard output, which the log uses; name a bucket or a directory")]
    Stdout,
    /// The destination is not available.
    #[error("{0}")]
    Place(#[from] StorageError),
    /// A file that a setting names cannot be used.
    #[error("{0}")]
    File(#[from] LoadError),
}

impl Function {
    /// Creates a function with a configuration, a storage and a clock.
    ///
    /// # Errors
    /// The storage does not serve the destination, or a file that a setting names cannot be used.
    pub fn new(
        mut config: Config,
        storage: Box<dyn Storage>,
        limits: Limits,
        clock: Clock,
    ) -> Result<Self, SetupError> {
        if config.destination.is_stdout() {
            return Err(SetupError::Stdout);
        }
        storage.sink(&config.destination, Deadline::NONE)?;
        config.load(storage.as_ref())?;
        Ok(Self {
            config,
            storage,
            limits,
            clock,
            claimed: AtomicBool::new(false),
        })
    }

    /// Processes a payload. The work stops some time before the deadline, so a response is still possible.
    pub fn handle(&self, payload: &[u8], deadline: Deadline, observer: &dyn Observer) -> Handled {
        match trigger::parse(payload) {
            Ok(payload) => self.handle_value(&payload, deadline, observer),
            Err(error) => Handled::refused(error),
        }
    }

    /// Processes a payload that is already parsed. See [`Function::handle`].
    pub fn handle_value(&self, payload: &Value, deadline: Deadline, observer: &dyn Observer) -> Handled {
        match trigger::read_value(payload) {
            Ok(request) => self.handle_request(&request, deadline, observer),
            Err(error) => Handled::refused(error),
        }
    }

    /// Processes a request. See [`Function::handle`].
    pub fn handle_request(&self, request: &Request, deadline: Deadline, observer: &dyn Observer) -> Handled {
        let mut tally = Tally::default();
        let answer = self.answer(request, deadline, observer, &mut tally);
        Handled { answer, tally }
    }

    fn answer(
        &self,
        request: &Request,
        deadline: Deadline,
        observer: &dyn Observer,
        tally: &mut Tally,
    ) -> Result<Value, HandleError> {
        let margin = margin(deadline);
        let work_until = deadline.earlier(margin);
        let sink = |location| self.storage.sink(location, work_until);
        let (events, quarantine) = (sink(&self.config.destination)?, sink(&self.config.quarantine)?);
        let (counts, unknown) = (Mutex::new(std::mem::take(tally)), Mutex::new(Unknown::default()));
        let source = self.storage.source(work_until);
        let worker = work::BatchWorker {
            config: &self.config,
            source: source.as_ref(),
            events: events.as_ref(),
            quarantine: quarantine.as_ref(),
            deadline: work_until,
            observer,
            two_threads: false,
        };
        let objects = request.objects();
        let merges = request.merges();
        let writes = objects.iter().any(|object| worker.without_reading(object).is_none());
        if writes || (self.config.merge.is_some() && merges.iter().any(|request| is_folder(request))) {
            self.claim(work_until)?;
        }
        let objects = worker.run(
            &objects,
            (self.limits.workers(), self.limits.processors),
            self.limits.read_ahead_of_workers(),
        );
        let merges = Merger {
            config: &self.config,
            storage: self.storage.as_ref(),
            limits: self.limits,
            deadline: work_until,
            send_until: deadline.earlier(margin / 2),
            now: self.now(),
            observer,
            tally: &counts,
            unknown: &unknown,
        }
        .run(&merges);
        // The outcomes are fixed. The rest of the time is for the response.
        let left = deadline.remaining().map_or(MAX_SETTLE, |left| left / 2);
        let settle_until = Deadline::after(left.min(MAX_SETTLE));
        events.settle(settle_until);
        quarantine.settle(settle_until);
        *tally = counts.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut unknown = unknown.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.respond(request, (objects, merges), (tally, &mut unknown), observer)
    }

    /// Counts and reports the outcomes, and returns the response.
    fn respond(
        &self,
        request: &Request,
        (objects, merges): (Vec<TaskOutcome>, Vec<TaskOutcome>),
        (tally, unknown): (&mut Tally, &mut Unknown),
        observer: &dyn Observer,
    ) -> Result<Value, HandleError> {
        let outcomes = request.outcomes(objects, merges)?;
        report_records(&request.tasks, &outcomes, observer);
        for outcome in &outcomes {
            tally.add(outcome);
            if let TaskOutcome::Ingested { ledger, .. } = outcome {
                unknown.add(ledger);
            }
        }
        unknown.report(observer);
        Ok(request.answer(&outcomes, self.config.function.partial_batch)?)
    }

    /// Makes sure that the destination has outputs of these settings alone, before the first output of this process.
    fn claim(&self, deadline: Deadline) -> Result<(), HandleError> {
        let Some(layout) = self.config.layout() else {
            return Ok(());
        };
        if !self.claimed.load(Ordering::Relaxed) {
            let store = self.storage.store(&self.config.destination, deadline)?;
            layout.claim(&self.config.destination, store.as_ref())?;
            self.claimed.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Returns the current time in microseconds since 1970.
    fn now(&self) -> i64 {
        let since = (self.clock)()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        merge::micros(since)
    }
}

impl Limits {
    /// Returns the maximum number of objects in parallel.
    fn workers(self) -> usize {
        (self.memory.saturating_sub(BASE_MIB) / MIB_PER_OBJECT).clamp(1, MAX_WORKERS)
    }

    /// Returns how a merge, which ingests one object at a time, reads ahead.
    fn read_ahead(self) -> ReadAhead {
        ReadAhead {
            readers: (self.memory / MIB_PER_READER).clamp(MIN_READERS, MAX_READERS),
            bytes: (self.memory * AHEAD_PER_MIB).clamp(MIN_AHEAD, MAX_AHEAD),
        }
    }

    /// Returns how objects are read ahead while others are ingested in parallel: with the memory that these leave.
    fn read_ahead_of_workers(self) -> ReadAhead {
        let ahead = self.read_ahead();
        let left = self.memory.saturating_sub(BASE_MIB + self.workers() * MIB_PER_OBJECT);
        ReadAhead {
            bytes: ahead.bytes.min(left * MIB),
            ..ahead
        }
    }
}

// One object at a time, a merge takes no more memory than an object of per-object delivery.
const _: () = assert!(MAX_AHEAD < MIB_PER_OBJECT * MIB / 4);

const fn is_folder(request: &MergeRequest) -> bool {
    matches!(request, MergeRequest::Folder(_))
}

/// Returns the time before the deadline that is reserved for the response: a twentieth of the remaining time, five seconds to
/// a minute, but never more than half of the remaining time.
fn margin(deadline: Deadline) -> Duration {
    let left = deadline.remaining().unwrap_or_default();
    (left / 20)
        .clamp(Duration::from_secs(5), Duration::from_mins(1))
        .min(left / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_margin_is_a_twentieth_within_bounds() {
        // Some time passes between the two readings of the clock.
        let margin_of = |seconds: u64| {
            margin(Deadline::after(Duration::from_secs(seconds)))
                .as_millis()
                .div_ceil(100)
        };
        assert_eq!(margin_of(900), 450);
        assert_eq!(margin_of(3_600), 600);
        assert_eq!(margin_of(60), 50);
        assert_eq!(margin_of(4), 20);
        assert_eq!(margin(Deadline::NONE), Duration::ZERO);
    }
}
