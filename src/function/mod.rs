//! The function: a payload in, every object of it ingested, an answer out.
//!
//! Nothing here knows AWS. [`Function::handle`] takes what invoked it, reads objects from a [`Storage`] and writes outputs
//! to it; the Lambda and `alb-ingest replay` hand it different ones. It keeps nothing from one invocation to the next.

mod guard;
#[cfg(feature = "aws")]
pub mod lambda;
pub mod metrics;
mod note;
mod work;

use std::time::Duration;

use serde_json::Value;

use crate::config::Config;
use crate::deadline::Deadline;
use crate::storage::{Storage, StorageError};
use crate::trigger::{self, InvocationError, Kind, Request, TaskResult, TriggerError};

use metrics::{Tally, note_first_sights};
pub use note::{Note, Watch};

/// The memory that one object takes at a time: blocks, row groups and what is under way to and from S3.
const MIB_AN_OBJECT: usize = 64;
/// The memory that the program takes beside objects.
const MIB_OF_PROGRAM: usize = 32;
/// More objects side by side only wait for each other: an object keeps a processor busy.
const MAX_WORKERS: usize = 16;

/// The function, ready for invocations.
pub struct Function {
    config: Config,
    storage: Box<dyn Storage>,
    limits: Limits,
}

/// What the function may use.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Memory in MiB.
    pub memory: usize,
    /// Processors.
    pub processors: usize,
}

/// An invocation that was worked on.
#[derive(Debug)]
pub struct Handled {
    /// What the one who asked is told, or the error that makes it ask again.
    pub answer: Result<Value, HandleError>,
    /// What was counted.
    pub tally: Tally,
}

/// Why an invocation fails.
#[derive(Debug, thiserror::Error)]
pub enum HandleError {
    /// The payload is unknown. It is never acknowledged.
    #[error("{0}")]
    Payload(#[from] TriggerError),
    /// Objects failed.
    #[error("{0}")]
    Objects(#[from] InvocationError),
    /// An output has no place to go.
    #[error("{0}")]
    Place(#[from] StorageError),
}

impl HandleError {
    /// What kind of error it is, in one word.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Payload(_) => "UnknownPayload",
            Self::Objects(_) => "ObjectsFailed",
            Self::Place(_) => "NoSuchPlace",
        }
    }
}

/// Settings that do not make a function.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// The destination is of no use to a function.
    #[error("DESTINATION is \"-\", the standard output, which carries the log; name a bucket or a directory")]
    Stdout,
    /// The storage does not serve the location.
    #[error("{0}")]
    Place(#[from] StorageError),
}

impl Function {
    /// Creates the function of these settings on a storage.
    ///
    /// # Errors
    /// The destination is one that the storage does not serve.
    pub fn new(config: Config, storage: Box<dyn Storage>, limits: Limits) -> Result<Self, Unfit> {
        if config.destination.is_stdout() {
            return Err(Unfit::Stdout);
        }
        storage.sink(&config.destination, Deadline::NONE)?;
        Ok(Self {
            config,
            storage,
            limits,
        })
    }

    /// Works on a payload. Work stops in front of the deadline by a margin in which it can be answered.
    pub fn handle(&self, payload: &[u8], deadline: Deadline, watch: &dyn Watch) -> Handled {
        match trigger::parse(payload) {
            Ok(payload) => self.handle_value(&payload, deadline, watch),
            Err(error) => Handled {
                answer: Err(error.into()),
                tally: Tally::default(),
            },
        }
    }

    /// As [`Function::handle`], for a payload that is parsed already.
    pub fn handle_value(&self, payload: &Value, deadline: Deadline, watch: &dyn Watch) -> Handled {
        let mut tally = Tally::default();
        let answer = self.answer(payload, deadline, watch, &mut tally);
        Handled { answer, tally }
    }

    fn answer(
        &self,
        payload: &Value,
        deadline: Deadline,
        watch: &dyn Watch,
        tally: &mut Tally,
    ) -> Result<Value, HandleError> {
        let request = trigger::read_value(payload)?;
        let deadline = deadline.earlier(margin(deadline));
        let sink = |location| self.storage.sink(location, deadline);
        let shift = work::Shift {
            config: &self.config,
            source: self.storage.source(deadline).as_ref(),
            events: sink(&self.config.destination)?.as_ref(),
            quarantine: sink(&self.config.quarantine)?.as_ref(),
            deadline,
            watch,
            two_threads: false,
        }
        .work(&request, self.workers(), self.limits.processors);
        let results: Vec<TaskResult> = shift
            .iter()
            .zip(&request.tasks)
            .map(|(done, task)| {
                tally.add(done);
                done.result(task, is_batch(&request))
            })
            .collect();
        note_first_sights(&shift, watch);
        Ok(request.answer(&results, self.config.function.partial_batch)?)
    }

    /// How many objects are worked on side by side.
    fn workers(&self) -> usize {
        (self.limits.memory.saturating_sub(MIB_OF_PROGRAM) / MIB_AN_OBJECT).clamp(1, MAX_WORKERS)
    }
}

const fn is_batch(request: &Request) -> bool {
    matches!(request.kind, Kind::Batch { .. })
}

/// The time in front of the deadline that is kept for ending cleanly: a twentieth, five seconds to a minute, but never
/// more than half of what there is.
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
        // A moment passes between the two looks at the clock.
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
