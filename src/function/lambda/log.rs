//! The function's own log: JSON lines on stdout, which Lambda sends to CloudWatch. It never contains a line of an object, a
//! query string or a token; events have buckets, keys, counts and reasons.

use std::io::Write as _;

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::function::{Event, Observer, Tally, emf};

/// Starts the log. `level` is one of Lambda's levels: TRACE, DEBUG, INFO, WARN, ERROR, FATAL; any other text means INFO.
pub(super) fn init(level: Option<&str>) {
    let level = match level {
        Some("TRACE") => Level::TRACE,
        Some("DEBUG") => Level::DEBUG,
        Some("WARN") => Level::WARN,
        Some("ERROR" | "FATAL") => Level::ERROR,
        _ => Level::INFO,
    };
    // At TRACE, Lambda's runtime logs whole payloads, and what the SDK logs below INFO changes with its version.
    let targets = Targets::new()
        .with_default(level.min(Level::INFO))
        .with_target(env!("CARGO_CRATE_NAME"), level);
    let subscriber = fmt()
        .json()
        .flatten_event(true)
        .with_target(false)
        .with_span_list(false)
        .with_max_level(level)
        .with_writer(std::io::stdout)
        .finish()
        .with(targets);
    // This fails only if the process has a subscriber already, and then that one is used.
    let _ = subscriber.try_init();
}

/// The log of the function.
#[derive(Debug)]
pub(super) struct Log {
    function: String,
}

impl Log {
    pub(super) const fn new(function: String) -> Self {
        Self { function }
    }

    /// Writes the metrics of an invocation, without `tracing`: CloudWatch reads the line as it is.
    pub(super) fn metrics(&self, tally: &Tally, request_id: &str) {
        let mut line = emf::line(tally, &self.function, request_id);
        line.push('\n');
        // An invocation must not fail because its log cannot be written.
        let _ = std::io::stdout().lock().write_all(line.as_bytes());
    }
}

/// Logs the events of one invocation.
#[derive(Debug)]
pub(super) struct LogObserver {
    request_id: String,
}

impl LogObserver {
    pub(super) const fn new(request_id: String) -> Self {
        Self { request_id }
    }
}

impl Observer for LogObserver {
    fn observe(&self, event: &Event<'_>) {
        let request_id = &self.request_id;
        match event {
            // One line per object would cost more than the object itself; the metrics have the counts.
            Event::Ingested { .. } | Event::Skipped { .. } => tracing::debug!(requestId = request_id, "{event}"),
            Event::UnknownField { .. } | Event::UnknownValue { .. } | Event::Corrupt { .. } => {
                tracing::warn!(requestId = request_id, "{event}");
            }
            Event::Planned { .. } => tracing::info!(requestId = request_id, "{event}"),
            Event::Failed { .. } | Event::MemberFailed { .. } => tracing::error!(requestId = request_id, "{event}"),
        }
    }
}
