//! The function under Lambda's runtime: settings and clients once, then one invocation after the other.

#![expect(
    clippy::disallowed_methods,
    reason = "deadlines and metrics are about the clock, and no output depends on it"
)]

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

use log::{Log, Watcher};

/// The memory of the smallest function, in MiB: taken where the runtime does not say.
const MIN_MEMORY_MIB: usize = 128;
const MIB: usize = 1024 * 1024;
/// Outputs that are staged may hold one part in so many of the memory; what is more goes to temporary files.
const SHARE_OF_OUTPUTS: usize = 4;

/// Why the function cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// A setting is wrong.
    #[error("{0}")]
    Setting(#[from] crate::config::SettingError),
    /// The settings do not make a function.
    #[error("{0}")]
    Unfit(#[from] crate::function::Unfit),
    /// The clients cannot be made.
    #[error("{0}")]
    Clients(#[from] crate::storage::StartError),
    /// The runtime cannot be reached.
    #[error("cannot run under Lambda's runtime: {0}")]
    Runtime(String),
}

/// Runs until Lambda ends the process. `environment` looks up an environment variable.
///
/// # Errors
/// A setting is wrong, or the runtime is gone. The error is logged; the process has to end with a failure then, which
/// Lambda reports as one of the function's start.
pub fn main(environment: &dyn Fn(&str) -> Option<String>) -> Result<(), InitError> {
    log::init(environment("AWS_LAMBDA_LOG_LEVEL").as_deref());
    let ended = run(environment);
    if let Err(error) = &ended {
        tracing::error!(error = %error, "the function cannot start");
    }
    ended
}

fn run(environment: &dyn Fn(&str) -> Option<String>) -> Result<(), InitError> {
    let config = Config::read(|setting| environment(setting.name))?;
    // One thread drives the runtime and the clients' connections; objects have threads of their own.
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
        memory: limits.memory * MIB / SHARE_OF_OUTPUTS,
        ..Tuning::default()
    };
    let storage = Router::on_runtime(runtime.handle(), tuning, config.storage.clone())?;
    let function = Arc::new(Function::new(config, Box::new(storage), limits)?);
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
    let begun = Instant::now();
    let deadline = deadline(event.context.deadline, SystemTime::now());
    let request_id = event.context.request_id;
    let watcher = Watcher::new(request_id.clone());
    // The engine works on threads of its own, and waits there for the clients.
    let work = tokio::task::spawn_blocking(move || function.handle_value(&event.payload, deadline, &watcher));
    let Handled { answer, mut tally } = work.await.map_err(|_| panicked(&request_id))?;
    let took = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    tally.end(millis_since_1970(SystemTime::now()), took);
    log.metrics(&tally, &request_id);
    // The runtime logs the error, with the request's id.
    answer.map_err(|error| Diagnostic {
        error_type: error.kind().to_owned(),
        error_message: error.to_string(),
    })
}

/// A panic outside of every object.
fn panicked(request_id: &str) -> Diagnostic {
    tracing::error!(requestId = request_id, "the program failed; please report this");
    Diagnostic {
        error_type: "Panic".to_owned(),
        error_message: "the program failed on this payload; please report this".to_owned(),
    }
}

/// The runtime's deadline, milliseconds since 1970. Emulators send the milliseconds that are left instead.
fn deadline(millis: u64, now: SystemTime) -> Deadline {
    /// The year 2001: no function has run before.
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
    fn deadlines_are_moments_or_what_is_left() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_hours(500_000);
        // A moment passes before the look at the clock.
        let tenths = |millis| deadline(millis, now).remaining().unwrap().as_millis().div_ceil(100);
        assert_eq!(tenths(1_800_000_030_000), 300);
        assert_eq!(tenths(600_000), 6_000);
        assert_eq!(tenths(1_799_999_999_000), 0);
    }
}
