//! `alb-ingest report`: one page that shows what happened, or its figures as JSON.
//!
//! (The report of a run, which counts objects and lines, is in `super::report`.)

mod arguments;
mod order;
mod read;

use std::io::Write as _;

use clap::ArgMatches;

use crate::config::Config;
use crate::escape::escaped_json;
use crate::report::{Figures, page};

use super::input::{find, origins, storage};
use super::new_file::NewFile;
use super::report::{nothing_found, read_only};
use super::selection::Selection;
use super::{FAILED, OK, Stop, now};

pub(super) use arguments::command;

/// The destination that means stdout.
const STDOUT: &str = "-";

pub(super) fn report(matches: &ArgMatches, environment: &dyn Fn(&str) -> Option<String>) -> Result<u8, Stop> {
    let is_json = matches
        .get_one::<String>("format")
        .is_some_and(|format| format == "json");
    let to = match matches.get_one::<String>("to").map(String::as_str) {
        Some(STDOUT) => None,
        Some(path) => Some(NewFile::create(path)?),
        None if is_json => None,
        None => {
            return Err(Stop::Usage(
                "--to is not set: name the file of the page, such as report.html, or - for stdout".to_owned(),
            ));
        }
    };
    let config = settings(matches, environment)?;
    let origins = origins(matches)?;
    let storage = storage(&origins, &config)?;
    let nowhere = [&config.destination, &config.destination];
    let mut objects = find(&origins, nowhere, &storage, Selection::of(matches, now())?)?;
    let (events, mut totals) = read::read(matches, &config, &mut objects);
    totals.unlisted = objects.unlisted;
    totals.unselected = objects.unselected;

    let title = matches.get_one::<String>("title").cloned().unwrap_or_default();
    let figures = events.figures(title, read::figures(&totals));
    let mut notes = read_only(&totals);
    if totals.found_nothing() {
        notes.push_str(&nothing_found(&origins));
    }
    write(&figures, is_json, to, &notes)?;
    Ok(if totals.is_complete() { OK } else { FAILED })
}

/// Reads the settings that reading objects needs.
fn settings(matches: &ArgMatches, environment: &dyn Fn(&str) -> Option<String>) -> Result<Config, Stop> {
    let config = Config::read(|setting| {
        if setting.flag == "to" {
            return Some(STDOUT.to_owned());
        }
        if !arguments::NEEDED.contains(&setting.flag) {
            return None;
        }
        let option = matches.get_one::<String>(setting.flag).cloned();
        option.or_else(|| environment(setting.name))
    });
    let mut config = config.map_err(|error| Stop::Usage(error.to_string()))?;
    config.ingest.table = super::table(matches);
    Ok(config)
}

/// Writes the page or the figures, and what deserves attention about what was read.
fn write(figures: &Figures, is_json: bool, to: Option<NewFile>, notes: &str) -> Result<(), Stop> {
    let text = if is_json {
        let json = serde_json::to_string(figures);
        escaped_json(&json.map_err(|error| Stop::Failed(format!("cannot write the figures as JSON: {error}")))?)
    } else {
        page::html(figures)
    };
    let Some(mut file) = to else {
        // Not through anstream, which would remove what it takes for a control sequence.
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.write_all(b"\n")?;
        out.flush()?;
        anstream::stderr().write_all(notes.as_bytes())?;
        return Ok(());
    };
    let path = file.path().to_owned();
    file.line(&text)?;
    file.finish()?;
    let mut out = anstream::stdout();
    out.write_all(notes.as_bytes())?;
    writeln!(out, "report       {}", crate::escape::escaped(&path))?;
    Ok(())
}
