//! `alb-ingest replay`: processes an invocation payload with the function's own handler.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::thread;
use std::time::SystemTime;

use clap::ArgMatches;

use crate::deadline::Deadline;
use crate::escape::{escaped, escaped_json};
use crate::function::{Event, Function, Limits, Observer};
use crate::storage::Router;

use super::{FAILED, OK, Stop, config};

/// The memory of the replayed function in MiB, which limits the number of objects in parallel.
const MEMORY_MIB: usize = 512;

#[expect(
    clippy::disallowed_methods,
    reason = "which objects are ready to be merged depends on the time"
)]
pub(super) fn replay(matches: &ArgMatches, environment: &dyn Fn(&str) -> Option<String>) -> Result<u8, Stop> {
    let config = config(matches, environment)?;
    let payload = payload(matches)?;
    let root = matches.get_one::<String>("bucket-root").map(PathBuf::from);
    let storage = if root.is_some() {
        Router::local(root)
    } else {
        Router::with_aws(config.storage.clone()).map_err(|error| Stop::Usage(error.to_string()))?
    };
    let function = Function::new(
        config,
        Box::new(storage),
        Limits {
            memory: MEMORY_MIB,
            processors: thread::available_parallelism().map_or(1, std::num::NonZero::get),
        },
        SystemTime::now,
    )
    .map_err(|error| Stop::Usage(error.to_string()))?;
    let mut code = OK;
    for payload in each_payload(&payload) {
        let handled = function.handle(payload, Deadline::NONE, &Stderr);
        let answer = handled.answer.unwrap_or_else(|error| {
            code = FAILED;
            // In the format of Lambda's error response.
            serde_json::json!({"errorType": error.kind(), "errorMessage": error.to_string()})
        });
        writeln!(anstream::stdout(), "{}", escaped_json(&format!("{answer:#}")))?;
    }
    Ok(code)
}

/// Returns the payloads in a file, which has one or, as `audit --repair` writes it, several.
fn each_payload(file: &[u8]) -> Vec<&[u8]> {
    let mut values = serde_json::Deserializer::from_slice(file).into_iter::<serde::de::IgnoredAny>();
    let (mut payloads, mut start) = (Vec::new(), 0);
    while let Some(value) = values.next() {
        if value.is_err() {
            // The function reports what is wrong with it.
            return vec![file];
        }
        payloads.extend(file.get(start..values.byte_offset()));
        start = values.byte_offset();
    }
    if payloads.is_empty() { vec![file] } else { payloads }
}

fn payload(matches: &ArgMatches) -> Result<Vec<u8>, Stop> {
    let name = matches.get_one::<String>("event").map_or("-", String::as_str);
    let read = if name == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        std::fs::read(name)
    };
    read.map_err(|error| Stop::Usage(format!("cannot read {name}: {error}")))
}

/// Prints events to stderr.
struct Stderr;

impl Observer for Stderr {
    fn observe(&self, event: &Event<'_>) {
        // One write, so lines of several processes do not mix. A closed pipe is not an error.
        let line = format!("{}\n", escaped(&event.to_string()));
        let _ = anstream::stderr().write_all(line.as_bytes());
    }
}
