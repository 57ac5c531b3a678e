//! `alb-ingest audit`: whether everything in a source is in its destination, and nothing else.
//!
//! The source is listed first and the destination after it, so what is delivered in the meantime is found. What looks wrong is
//! looked up again before it is reported: objects that arrived, plans that were published. Nothing is written.
//!
//! An object is known by its 16-byte identity, so the memory for a million objects is a few tens of megabytes. A second listing of
//! the source names those that are missing.

mod arguments;
mod compare;
mod each;
mod findings;
mod gaps;
mod known;
mod merged;
mod naming;
mod output;
mod plans;
mod repair;
mod report;
mod scope;

use std::sync::Arc;
use std::thread;

use clap::ArgMatches;
use indicatif::ProgressBar;

use crate::config::Config;
use crate::deadline::Deadline;
use crate::ingest::Pool;
use crate::layout::{Delivery, Layout, LayoutError};
use crate::merge::plan::Place;
use crate::storage::{Storage, StorageError, Store};

use super::input::{load, read_key, storage};
use super::run::progress_bar;
use super::{FAILED, OK, Stop, config, now};

pub(super) use arguments::command;

use findings::Findings;
use repair::Repair;
use scope::Scope;

/// The number of files that are looked at together.
const WAVE: usize = 4_096;
/// The minimum number of threads: most of the time, they wait for responses.
const THREADS: usize = 16;

/// What an audit works with.
struct Audit<'a> {
    config: &'a Config,
    storage: &'a dyn Storage,
    scope: Scope,
    places: Places,
    /// Whether contents are compared.
    is_deep: bool,
    pool: Pool,
    bar: ProgressBar,
}

/// The stores of the destination.
struct Places {
    events: Arc<dyn Store>,
    quarantine: Arc<dyn Store>,
    /// The folder of the quarantine in the destination of events, if it is there.
    quarantine_below: Option<String>,
    /// The folder of the source in the destination of events, if it is there.
    source_below: Option<String>,
}

pub(super) fn audit(matches: &ArgMatches, environment: &dyn Fn(&str) -> Option<String>) -> Result<u8, Stop> {
    let scope = Scope::of(matches, now())?;
    let given = settings(matches, environment, None)?;
    let storage = storage(std::slice::from_ref(&scope.origin), &given)?;
    let places = Places::open(&given, &scope, &storage)?;
    let layout = Layout::read(&given.destination, places.events.as_ref()).map_err(|error| match error {
        LayoutError::Storage(_) => Stop::Failed(error.to_string()),
        _ => Stop::Usage(error.to_string()),
    })?;
    let mut config = settings(matches, environment, layout.as_ref())?;
    if matches.get_flag("deep") && config.needs_databases() {
        load(&mut config, &storage)?;
    }
    let delivery = delivery(layout.as_ref(), &config);
    if matches.get_flag("deep") && delivery == Delivery::PerObject {
        // Objects are encoded again, to the same bytes.
        read_key(&mut config, &storage)?;
        check_redaction(layout.as_ref(), &config)?;
    }
    if delivery == Delivery::PerObject && matches.contains_id("failed") {
        let text = "--failed is for destinations with merged outputs, whose plans name failed members; use --repair";
        return Err(Stop::Usage(text.to_owned()));
    }
    let mut repair = Repair::of(matches, "repair")?;
    let mut rejects = Repair::of(matches, "failed")?;
    let audit = Audit {
        config: &config,
        storage: &storage,
        scope,
        places,
        is_deep: matches.get_flag("deep"),
        pool: Pool {
            threads: matches
                .get_one::<u16>("jobs")
                .map_or_else(threads, |jobs| usize::from(*jobs)),
            deadline: Deadline::NONE,
        },
        bar: progress_bar(),
    };
    let mut findings = Findings::new(delivery);
    let mut known = audit.list(&mut findings)?;
    match findings.delivery {
        Delivery::PerObject => each::check(&audit, &mut known, &mut findings)?,
        Delivery::Merged => merged::check(&audit, &mut known, &mut findings, (&mut repair, &mut rejects))?,
    }
    naming::name(&audit, &mut known, &mut findings, &mut repair)?;
    findings.complete = known.complete(findings.delivery);
    audit.bar.finish_and_clear();
    let written = [repair.finish()?, rejects.finish()?];
    report::print(matches, &mut findings, &written)?;
    Ok(if findings.is_clean() { OK } else { FAILED })
}

/// Returns the mode of the destination. One without outputs has none yet.
fn delivery(layout: Option<&Layout>, config: &Config) -> Delivery {
    match layout {
        Some(layout) => layout.delivery,
        None if config.merge.is_some() => Delivery::Merged,
        None => Delivery::PerObject,
    }
}

/// Reads the settings. Those that the outputs of the destination share are in its layout.
fn settings(
    matches: &ArgMatches,
    environment: &dyn Fn(&str) -> Option<String>,
    layout: Option<&Layout>,
) -> Result<Config, Stop> {
    let config = config(matches, &|name| match name {
        "DESTINATION" => matches.get_one::<String>("dest").cloned(),
        _ => layout
            .and_then(|layout| layout.setting(name))
            .or_else(|| environment(name)),
    })?;
    if !config.destination.holds_files() {
        let text = format!(
            "{} does not hold files; name s3://BUCKET/PREFIX or a directory",
            config.destination
        );
        return Err(Stop::Usage(text));
    }
    Ok(config)
}

/// Fails if the events of the destination have another redaction than the settings: every output would differ.
fn check_redaction(layout: Option<&Layout>, config: &Config) -> Result<(), Stop> {
    let Some(layout) = layout else { return Ok(()) };
    let given = config.ingest.transform.redact_fingerprint();
    if layout.redact == given {
        return Ok(());
    }
    let of = |fingerprint: &Option<String>| fingerprint.clone().unwrap_or_else(|| "none".to_owned());
    Err(Stop::Usage(format!(
        "{} has outputs with the redaction {}, and these settings have {}: set REDACT, REDACT_KEY and QUARANTINE_RAW as they were set \
         for the delivery, or leave out --deep",
        config.destination,
        of(&layout.redact),
        of(&given)
    )))
}

fn threads() -> usize {
    thread::available_parallelism()
        .map_or(1, std::num::NonZero::get)
        .max(THREADS)
}

/// A failure that leaves the result unknown.
fn failed(error: &StorageError) -> Stop {
    Stop::Failed(error.to_string())
}

impl Places {
    fn open(config: &Config, scope: &Scope, storage: &dyn Storage) -> Result<Self, Stop> {
        let store = |location| {
            let store = storage.store(location, Deadline::NONE);
            store.map_err(|error| Stop::Usage(error.to_string()))
        };
        Ok(Self {
            events: store(&config.destination)?,
            quarantine: store(&config.quarantine)?,
            quarantine_below: scope::below(&config.destination, &config.quarantine),
            source_below: scope
                .location()
                .and_then(|source| scope::below(&config.destination, &source)),
        })
    }

    fn store(&self, place: Place) -> &dyn Store {
        match place {
            Place::Events => self.events.as_ref(),
            Place::Quarantine => self.quarantine.as_ref(),
        }
    }
}
