//! The command line: arguments in, a report on stdout, problems on stderr, an exit code.

mod args;
mod explain;
mod generate;
mod input;
mod replay;
mod report;
mod run;
mod schema;
mod table;
mod totals;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::ArgMatches;

use crate::config::Settings;
use crate::formats::Format;

/// Every line is accounted for.
const OK: u8 = 0;
/// Some object failed, or the work could not be done.
const FAILED: u8 = 1;
/// The command was not understood.
const USAGE: u8 = 2;

/// Why a command ends without having done its work.
enum Stop {
    /// The command was not understood; what to do.
    Usage(String),
    /// The work could not be done.
    Failed(String),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Failed(format!("cannot write: {error}"))
    }
}

/// Runs the command. `environment` looks up an environment variable.
pub fn main(args: impl IntoIterator<Item = OsString>, environment: &dyn Fn(&str) -> Option<String>) -> ExitCode {
    let matches = match args::command().try_get_matches_from(args) {
        Ok(matches) => matches,
        Err(error) => {
            // Help and version are no errors. A closed pipe is nobody's business.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { USAGE } else { OK });
        }
    };
    match dispatch(&matches, environment) {
        Ok(code) => ExitCode::from(code),
        Err(Stop::Usage(text)) => {
            let _ = writeln!(anstream::stderr(), "error: {text}");
            ExitCode::from(USAGE)
        }
        Err(Stop::Failed(text)) => {
            let _ = writeln!(anstream::stderr(), "error: {text}");
            ExitCode::from(FAILED)
        }
    }
}

fn dispatch(matches: &ArgMatches, environment: &dyn Fn(&str) -> Option<String>) -> Result<u8, Stop> {
    match matches.subcommand() {
        Some(("run", matches)) => run::run(matches, environment),
        Some(("replay", matches)) => replay::replay(matches, environment),
        Some(("explain", matches)) => explain::explain(matches),
        Some(("schema", matches)) => schema::schema(matches),
        Some(("generate", matches)) => generate::generate(matches),
        Some(("completions", matches)) => print_completions(matches),
        _ => Err(Stop::Usage("no command; try 'alb-ingest --help'".to_owned())),
    }
}

/// The settings: flags first, then the environment.
fn settings(matches: &ArgMatches, environment: &dyn Fn(&str) -> Option<String>) -> Result<Settings, Stop> {
    Settings::read(|setting| {
        let flag = matches.get_one::<String>(setting.flag).cloned();
        flag.or_else(|| environment(setting.name))
    })
    .map_err(|error| Stop::Usage(error.to_string()))
}

/// The table that `--table` (or an argument) names; nothing for `auto`.
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
