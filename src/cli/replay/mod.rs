//! `alb-ingest replay`: processes payloads, messages and keys with the function's own handler.

mod input;
mod keys;

use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::thread;
use std::time::SystemTime;

use clap::ArgMatches;

use crate::deadline::Deadline;
use crate::escape::{escaped, escaped_json};
use crate::function::{Event, Function, Handled, Limits, Observer};
use crate::storage::Router;
use crate::trigger::Request;

use super::input::{with_aws, with_key};
use super::{FAILED, OK, Stop, config};

use input::Input;

/// The number of objects in a payload or a request: an invocation ingests them within its time.
pub(super) const OBJECTS: usize = 100;

/// The memory of the replayed function in MiB, which limits the number of objects in parallel.
const MEMORY_MIB: usize = 512;

#[expect(
    clippy::disallowed_methods,
    reason = "which objects are ready to be merged depends on the time"
)]
pub(super) fn replay(matches: &ArgMatches, environment: &dyn Fn(&str) -> Option<String>) -> Result<u8, Stop> {
    let mut config = config(matches, environment)?;
    let root = matches.get_one::<String>("bucket-root").map(PathBuf::from);
    let input = input::recognized(read(matches)?, root.as_deref()).map_err(Stop::Usage)?;
    let storage = if root.is_some() {
        Router::local(root)
    } else {
        with_aws(config.storage.clone())?
    };
    let storage = with_key(&mut config, storage)?;
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
    match input {
        Input::Invalid(bytes) => answer(function.handle(&bytes, Deadline::NONE, &Stderr), &mut code)?,
        Input::Payloads(payloads) => {
            for payload in &payloads {
                answer(function.handle_value(payload, Deadline::NONE, &Stderr), &mut code)?;
            }
        }
        Input::Objects(objects) => {
            for objects in objects.chunks(OBJECTS) {
                let request = Request::for_objects(objects.iter().cloned());
                answer(function.handle_request(&request, Deadline::NONE, &Stderr), &mut code)?;
            }
        }
    }
    Ok(code)
}

/// Prints the response. A queue and a job can get a response that lists failures, which is not a success here.
fn answer(handled: Handled, code: &mut u8) -> Result<(), Stop> {
    if handled.answer.is_err() || handled.tally.has_failures() {
        *code = FAILED;
    }
    let answer = handled.answer.unwrap_or_else(|error| {
        // In the format of Lambda's error response.
        serde_json::json!({"errorType": error.kind(), "errorMessage": error.to_string()})
    });
    writeln!(anstream::stdout(), "{}", escaped_json(&format!("{answer:#}")))?;
    Ok(())
}

fn read(matches: &ArgMatches) -> Result<Vec<u8>, Stop> {
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
