//! The function under Lambda's runtime: settings and clients are created once, then invocations are processed one by one.

#![expect(
    clippy::disallowed_methods,
    reason = "deadlines and metrics need the clock, and no output depends on it"
)]

mod folders;
mod log;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::Value;

use crate::config::Config;
use crate::deadline::Deadline;
use crate::function::{Function, Handled, Limits};
use crate::storage::Router;
use crate::storage::aws::Tuning;

pub use folders::FolderError;
use log::{Log, LogObserver};

/// The memory of the smallest function, in MiB: the default if the runtime does not report it.
const MIN_MEMORY_MIB: usize = 128;
const MIB: usize = 1024 * 1024;
/// Staged outputs use at most this fraction of the memory; the rest goes to temporary files. In the smallest function that is one
/// part of an upload: the encoders of 400 partitions need the rest.
const OUTPUT_MEMORY_DIVISOR: usize = 16;

/// The time to read the key of the redaction: Lambda ends an initialization that takes longer than 10 seconds.
/// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html>
const KEY_TIME: Duration = Duration::from_secs(8);

/// The error of a function that cannot start.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// A setting is wrong.
    #[error("{0}")]
    Setting(#[from] crate::config::SettingError),
    /// A directory does not outlast the function.
    #[error("{0}")]
    Folder(#[from] FolderError),
    /// There is no key for the redaction.
    #[error("{0}")]
    Key(#[from] crate::config::RedactKeyError),
    /// The settings do not configure a function.
    #[error("{0}")]
    Setup(#[from] crate::function::SetupError),
    /// The clients cannot be created.
    #[error("{0}")]
    Clients(#[from] crate::storage::StartError),
    /// The runtime cannot be reached.
    #[error("cannot run under Lambda's runtime: {0}")]
    Runtime(String),
}

/// Runs until Lambda ends the process. `environment` looks up an environment variable.
///
/// # Errors
/// A setting is wrong, or the runtime cannot be reached. The error is logged. The process must then exit with a failure,
/// which Lambda reports as an initialization error.
pub fn main(environment: &dyn Fn(&str) -> Option<String>) -> Result<(), InitError> {
    log::init(environment("AWS_LAMBDA_LOG_LEVEL").as_deref());
    let ended = run(environment);
    if let Err(error) = &ended {
        if let InitError::Key(key) = error {
            tracing::error!(error = %key, retryable = key.is_retryable(), "the function cannot start");
        } else {
            tracing::error!(error = %error, "the function cannot start");
        }
    }
    ended
}

fn run(environment: &dyn Fn(&str) -> Option<String>) -> Result<(), InitError> {
    let mut config = Config::read(|setting| environment(setting.name))?;
    folders::check(&config)?;
    let unfiltered = config.ingest.transform.unfiltered();
    if !unfiltered.is_empty() {
        let tables = unfiltered.join(", ");
        tracing::info!(
            tables,
            "these tables are not filtered: each lacks a column that FILTER names"
        );
    }
    // One thread drives the runtime and the connections of the clients; objects are processed on other threads.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| InitError::Runtime(error.to_string()))?;
    let memory = environment("AWS_LAMBDA_FUNCTION_MEMORY_SIZE").and_then(|size| size.parse().ok());
    let limits = Limits {
        memory: memory.unwrap_or(MIN_MEMORY_MIB),
        processors: thread::available_parallelism().map_or(1, std::num::NonZero::get),
    };
    let name = environment("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|| "alb-ingest".to_owned());
    let tuning = Tuning {
        memory: limits.memory * MIB / OUTPUT_MEMORY_DIVISOR,
        ..Tuning::default()
    };
    let mut storage = Router::on_runtime(runtime.handle(), tuning, config.storage.clone())?;
    if config.redact_key.is_some() {
        config.read_key(|place| storage.secret(place, Deadline::after(KEY_TIME)))?;
        storage = storage.with_options(config.storage.clone());
    }
    let function = Arc::new(Function::new(config, Box::new(storage), limits, SystemTime::now)?);
    let log = Arc::new(Log::new(name));
    let service = service_fn(move |event: LambdaEvent<Value>| {
        let (function, log) = (Arc::clone(&function), Arc::clone(&log));
        async move { invoke(function, log, event).await }
    });
    runtime
        .block_on(lambda_runtime::run(service))
        .map_err(|error| InitError::Runtime(error.to_string()))
}

async fn invoke(function: Arc<Function>, log: Arc<Log>, event: LambdaEvent<Value>) -> Result<Value, Diagnostic> {
    let started = Instant::now();
    let deadline = deadline(event.context.deadline, SystemTime::now());
    let request_id = event.context.request_id;
    let observer = LogObserver::new(request_id.clone());
    // The engine is synchronous: it waits for the clients on its own threads.
    let work = tokio::task::spawn_blocking(move || function.handle_value(&event.payload, deadline, &observer));
    let Handled { answer, mut tally } = work.await.map_err(|_| panicked(&request_id))?;
    let took = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    tally.end(millis_since_1970(SystemTime::now()), took);
    log.metrics(&tally, &request_id);
    // The runtime logs the error together with the request id.
    answer.map_err(|error| Diagnostic {
        error_type: error.kind().to_owned(),
        error_message: error.to_string(),
    })
}

/// Returns the error for a panic outside the processing of an object.
fn panicked(request_id: &str) -> Diagnostic {
    tracing::error!(requestId = request_id, "internal error; please report this");
    Diagnostic {
        error_type: "Panic".to_owned(),
        error_message: "internal error while processing this payload; please report this".to_owned(),
    }
}

/// Returns the deadline of an invocation. The runtime sends milliseconds since 1970; emulators send the remaining
/// milliseconds instead.
fn deadline(millis: u64, now: SystemTime) -> Deadline {
    /// The year 2001, before any function ran.
    const EPOCH: u64 = 1_000_000_000_000;
    let left = if millis < EPOCH {
        Duration::from_millis(millis)
    } else {
        let end = SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
        end.duration_since(now).unwrap_or_default()
    };
    Deadline::after(left)
}

fn millis_since_1970(now: SystemTime) -> i64 {
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_a_time_or_a_remaining_duration() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_hours(500_000);
        // Some time passes before the clock is read.
        let tenths = |millis| deadline(millis, now).remaining().unwrap().as_millis().div_ceil(100);
        assert_eq!(tenths(1_800_000_030_000), 300);
        assert_eq!(tenths(600_000), 6_000);
        assert_eq!(tenths(1_799_999_999_000), 0);
    }
}
