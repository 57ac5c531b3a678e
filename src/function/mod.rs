//! The handler of the Lambda function: it ingests every object of a payload and returns the response.
//!
//! The handler is independent of AWS. [`Function::handle`] reads objects from a [`Storage`] and writes outputs to
//! it; the Lambda and `alb-ingest replay` use different ones. It keeps no state between invocations.

pub mod emf;
mod event;
mod guard;
#[cfg(feature = "aws")]
pub mod lambda;
pub mod metrics;
mod tally;
mod work;

use std::time::Duration;

use serde_json::Value;

use crate::config::Config;
use crate::deadline::Deadline;
use crate::storage::{Storage, StorageError};
use crate::trigger::{self, InvocationError, TriggerError};

use event::report_unknown;
pub use event::{Event, Observer, Subject};
pub use tally::Tally;

/// The memory that one object needs: blocks, row groups and the data in transfer to and from S3.
const MIB_PER_OBJECT: usize = 64;
/// The memory that the program needs without objects.
const BASE_MIB: usize = 32;
/// The maximum number of objects in parallel. One object keeps a processor busy, so more would only wait for each other.
const MAX_WORKERS: usize = 16;

/// The function, ready for invocations.
pub struct Function {
    config: Config,
    storage: Box<dyn Storage>,
    limits: Limits,
}

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
}

impl HandleError {
    /// Returns the error type that Lambda reports.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Payload(_) => "UnknownPayload",
            Self::Objects(_) => "ObjectsFailed",
            Self::Place(_) => "NoSuchPlace",
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
}

impl Function {
    /// Creates a function with a configuration and a storage.
    ///
    /// # Errors
    /// The storage does not serve the destination.
    pub fn new(config: Config, storage: Box<dyn Storage>, limits: Limits) -> Result<Self, SetupError> {
        if config.destination.is_stdout() {
            return Err(SetupError::Stdout);
        }
        storage.sink(&config.destination, Deadline::NONE)?;
        Ok(Self {
            config,
            storage,
            limits,
        })
    }

    /// Processes a payload. The work stops some time before the deadline, so a response is still possible.
    pub fn handle(&self, payload: &[u8], deadline: Deadline, observer: &dyn Observer) -> Handled {
        match trigger::parse(payload) {
            Ok(payload) => self.handle_value(&payload, deadline, observer),
            Err(error) => Handled {
                answer: Err(error.into()),
                tally: Tally::default(),
            },
        }
    }

    /// Processes a payload that is already parsed. See [`Function::handle`].
    pub fn handle_value(&self, payload: &Value, deadline: Deadline, observer: &dyn Observer) -> Handled {
        let mut tally = Tally::default();
        let answer = self.answer(payload, deadline, observer, &mut tally);
        Handled { answer, tally }
    }

    fn answer(
        &self,
        payload: &Value,
        deadline: Deadline,
        observer: &dyn Observer,
        tally: &mut Tally,
    ) -> Result<Value, HandleError> {
        let request = trigger::read_value(payload)?;
        let deadline = deadline.earlier(margin(deadline));
        let sink = |location| self.storage.sink(location, deadline);
        let outcomes = work::BatchWorker {
            config: &self.config,
            source: self.storage.source(deadline).as_ref(),
            events: sink(&self.config.destination)?.as_ref(),
            quarantine: sink(&self.config.quarantine)?.as_ref(),
            deadline,
            observer,
            two_threads: false,
        }
        .run(&request, self.workers(), self.limits.processors)?;
        for outcome in &outcomes {
            tally.add(outcome);
        }
        report_unknown(&outcomes, observer);
        Ok(request.answer(&outcomes, self.config.function.partial_batch)?)
    }

    /// Returns the maximum number of objects in parallel.
    fn workers(&self) -> usize {
        (self.limits.memory.saturating_sub(BASE_MIB) / MIB_PER_OBJECT).clamp(1, MAX_WORKERS)
    }
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
