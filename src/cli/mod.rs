//! The command line: parses arguments, runs a command, and turns its result into an exit code.
//!
//! Results go to stdout, errors and progress to stderr.

mod args;
mod audit;
mod backfill;
mod explain;
#[cfg(feature = "generate")]
mod generate;
mod input;
mod merge;
mod new_file;
mod options;
mod page;
mod reference;
mod replay;
mod report;
mod run;
mod schema;
mod selection;
mod text_table;
mod totals;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::ArgMatches;

use crate::config::{Config, SettingError};
use crate::escape::escaped;
use crate::formats::Format;

pub use reference::markdown;

/// The exit code if every line is accounted for.
const OK: u8 = 0;
/// The exit code if an object failed or the command could not do its work.
const FAILED: u8 = 1;
/// The exit code for an invalid command line or setting.
const USAGE: u8 = 2;

/// An error that ends a command.
enum Stop {
    /// The command line or a setting is invalid.
    Usage(String),
    /// The text of a setting is invalid. Further lines point to the place.
    Pointed(String),
    /// The command could not do its work.
    Failed(String),
}

/// Reports and results go to stdout; files have errors that name them.
impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Failed(format!("cannot write to stdout: {error}"))
    }
}

/// Runs the command line; `environment` looks up an environment variable.
pub fn main(args: impl IntoIterator<Item = OsString>, environment: &dyn Fn(&str) -> Option<String>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let matches = match args::command().try_get_matches_from(&args) {
        Ok(matches) => matches,
        Err(error) if error.use_stderr() => {
            print_usage(&error, &args);
            return ExitCode::from(USAGE);
        }
        Err(error) => {
            // Help and version are not errors. Broken pipes are ignored.
            let _ = error.print();
            return ExitCode::from(OK);
        }
    };
    match dispatch(&matches, environment) {
        Ok(code) => ExitCode::from(code),
        Err(stop) => {
            // Arguments and payloads may be in the text.
            let shown = match &stop {
                Stop::Usage(text) | Stop::Failed(text) => escaped(text).to_string(),
                Stop::Pointed(text) => {
                    let lines = text.lines().map(|line| escaped(line).to_string());
                    lines.collect::<Vec<_>>().join("\n")
                }
            };
            // A closed pipe is not an error.
            let _ = writeln!(anstream::stderr(), "error: {shown}");
            ExitCode::from(match stop {
                Stop::Usage(_) | Stop::Pointed(_) => USAGE,
                Stop::Failed(_) => FAILED,
            })
        }
    }
}

/// Prints an error about the arguments. Its message repeats them, so it is made from escaped ones.
fn print_usage(error: &clap::Error, args: &[OsString]) {
    let safe = args.iter().map(|arg| escaped(arg.as_encoded_bytes()).to_string());
    // A closed pipe is not an error.
    let _ = match args::command().try_get_matches_from(safe) {
        Err(error) => error.print(),
        // Only the characters that were escaped are wrong.
        Ok(_) => writeln!(anstream::stderr(), "{}", escaped(&error.to_string())),
    };
}

fn dispatch(matches: &ArgMatches, environment: &dyn Fn(&str) -> Option<String>) -> Result<u8, Stop> {
    match matches.subcommand() {
        Some(("run", matches)) => run::run(matches, environment),
        Some(("backfill", matches)) => backfill::backfill(matches, environment),
        Some(("audit", matches)) => audit::audit(matches, environment),
        Some(("report", matches)) => page::report(matches, environment),
        Some(("replay", matches)) => replay::replay(matches, environment),
        Some(("explain", matches)) => explain::explain(matches),
        Some(("schema", matches)) => schema::schema(matches),
        #[cfg(feature = "generate")]
        Some(("generate", matches)) => generate::generate(matches),
        Some(("completions", matches)) => print_completions(matches),
        _ => Err(Stop::Usage("no command given; see 'alb-ingest --help'".to_owned())),
    }
}

/// Reads the configuration: options take precedence over environment variables.
fn config(matches: &ArgMatches, environment: &dyn Fn(&str) -> Option<String>) -> Result<Config, Stop> {
    Config::read(|setting| {
        // A command does not take every setting as an option.
        let option = matches.try_get_one::<String>(setting.flag).ok().flatten().cloned();
        option.or_else(|| environment(setting.name))
    })
    .map_err(|error| match error {
        SettingError::Invalid { .. } => Stop::Pointed(error.to_string()),
        _ => Stop::Usage(error.to_string()),
    })
}

/// Returns the time in microseconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "relative times, and notes of objects that cannot be read, need the clock; no output depends on it"
)]
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// Returns the table that `--table` or an argument names, and nothing for `auto`.
fn table(matches: &ArgMatches) -> Option<&'static Format> {
    matches
        .get_one::<String>("table")
        .and_then(|name| Format::by_name(name))
}

fn print_completions(matches: &ArgMatches) -> Result<u8, Stop> {
    if let Some(shell) = matches.get_one::<clap_complete::Shell>("shell") {
        let mut script = Vec::new();
        clap_complete::generate(*shell, &mut args::command(), "alb-ingest", &mut script);
        anstream::stdout().write_all(&script)?;
    }
    Ok(OK)
}
