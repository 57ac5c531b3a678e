//! The function's own log: JSON lines on stdout, which Lambda hands to CloudWatch. Never a line of a log, a query string or
//! a token: notes carry buckets, keys, counts and reasons.

use std::io::Write as _;

use tracing::Level;
use tracing_subscriber::fmt;

use crate::function::metrics::Tally;
use crate::function::{Note, Watch};

/// Begins to log. `level` is one of Lambda's: TRACE, DEBUG, INFO, WARN, ERROR, FATAL; INFO where it is none.
pub(super) fn init(level: Option<&str>) {
    let level = match level {
        Some("TRACE") => Level::TRACE,
        Some("DEBUG") => Level::DEBUG,
        Some("WARN") => Level::WARN,
        Some("ERROR" | "FATAL") => Level::ERROR,
        _ => Level::INFO,
    };
    let subscriber = fmt()
        .json()
        .flatten_event(true)
        .with_target(false)
        .with_span_list(false)
        .with_max_level(level);
    // Fails where a subscriber is there already, which is then the one that was wanted.
    let _ = subscriber.with_writer(std::io::stdout).try_init();
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

    /// Writes the invocation's metrics. Not through `tracing`: CloudWatch reads the line as it is.
    pub(super) fn metrics(&self, tally: &Tally, request_id: &str) {
        let mut line = tally.line(&self.function, request_id);
        line.push('\n');
        // A log that cannot be written is nothing to fail for.
        let _ = std::io::stdout().lock().write_all(line.as_bytes());
    }
}

/// Logs what happens in an invocation.
#[derive(Debug)]
pub(super) struct Watcher {
    request_id: String,
}

impl Watcher {
    pub(super) const fn new(request_id: String) -> Self {
        Self { request_id }
    }
}

impl Watch for Watcher {
    fn note(&self, note: &Note<'_>) {
        let request_id = &self.request_id;
        match note {
            // One line for each object would cost more than the object; the counts stand in the metrics.
            Note::Ingested { .. } | Note::Skipped { .. } => tracing::debug!(requestId = request_id, "{note}"),
            Note::UnknownField { .. } | Note::UnknownValue { .. } | Note::Corrupt { .. } => {
                tracing::warn!(requestId = request_id, "{note}");
            }
            Note::Failed { .. } => tracing::error!(requestId = request_id, "{note}"),
        }
    }
}
