//! `alb-ingest run`.

use std::io::{IsTerminal as _, Write as _};
use std::thread;

use clap::ArgMatches;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::config::Config;
use crate::deadline::Deadline;
use crate::escape::escaped;
use crate::ingest::{IngestError, Outcome, Pool, Problem, Target, ingest_object};
use crate::layout::{Layout, LayoutError};
use crate::storage::{Entry, Location, Origin, Storage};

use super::input::{Objects, find, load, origins, storage, with_key};
use super::selection::Selection;
use super::totals::Totals;
use super::{FAILED, OK, Stop, config, merge, now, report, table};

/// The number of objects that are listed before they are read: the names of a whole bucket would not fit into memory.
const WAVE: usize = 4_096;

pub(super) fn run(matches: &ArgMatches, environment: &dyn Fn(&str) -> Option<String>) -> Result<u8, Stop> {
    let mut config = config(matches, environment)?;
    config.ingest.table = table(matches);
    let origins = origins(matches)?;
    let storage = storage(&origins, &config)?;
    let storage = with_key(&mut config, storage)?;
    load(&mut config, &storage)?;
    let outputs = [&config.destination, &config.quarantine];
    let objects = find(&origins, outputs, &storage, Selection::of(matches, now())?)?;
    deliver_and_report(matches, &config, &storage, &origins, objects)
}

/// Delivers the objects of the inputs, and prints the report.
pub(super) fn deliver_and_report(
    matches: &ArgMatches,
    config: &Config,
    storage: &dyn Storage,
    origins: &[Origin],
    mut objects: Objects<'_>,
) -> Result<u8, Stop> {
    let (destination, quarantine) = (&config.destination, &config.quarantine);
    let bar = progress_bar();
    let mut totals = deliver(matches, config, storage, &mut objects, &bar)?;
    bar.finish_and_clear();
    totals.unlisted = objects.unlisted;
    totals.own_outputs = objects.own_outputs;
    totals.unselected = objects.unselected;
    totals.unfiltered = config.ingest.transform.unfiltered();
    totals.unfiltered.retain(|table| totals.tables.contains_key(table));

    let json = matches
        .get_one::<String>("report")
        .is_some_and(|report| report == "json");
    let report = if json {
        report::json(&totals)
    } else {
        let mut text = report::text(&totals, destination, quarantine);
        if totals.found_nothing() {
            text.push_str(&report::nothing_found(origins));
        }
        text
    };
    // The report must not be mixed into events on stdout.
    if destination.is_stdout() {
        anstream::stderr().write_all(report.as_bytes())?;
    } else {
        anstream::stdout().write_all(report.as_bytes())?;
    }
    Ok(if totals.is_complete() { OK } else { FAILED })
}

/// Delivers the objects, each to outputs of its own or merged.
fn deliver(
    matches: &ArgMatches,
    config: &Config,
    storage: &dyn Storage,
    objects: &mut impl Iterator<Item = Entry>,
    bar: &ProgressBar,
) -> Result<Totals, Stop> {
    let mut objects = objects.peekable();
    let layout = config.layout();
    // A run without objects leaves nothing.
    if let Some(layout) = layout.as_ref().filter(|_| objects.peek().is_some()) {
        claim(config, layout, storage)?;
    }
    match (config.merge, &layout) {
        (Some(merged), Some(layout)) => {
            let threads = Threads::of(matches, config.destination.is_stdout(), usize::MAX);
            merge::merge(
                config,
                merged,
                layout,
                storage,
                &mut objects,
                (threads.jobs, bar),
                now(),
            )
        }
        _ => deliver_each(matches, config, storage, &mut objects, bar),
    }
}

/// Makes sure that the destination has outputs of this run's settings alone.
fn claim(config: &Config, layout: &Layout, storage: &dyn Storage) -> Result<(), Stop> {
    let store = storage.store(&config.destination, Deadline::NONE);
    let store = store.map_err(|error| Stop::Usage(error.to_string()))?;
    layout
        .claim(&config.destination, store.as_ref())
        .map_err(|error| match error {
            LayoutError::Storage(_) => Stop::Failed(error.to_string()),
            _ => Stop::Usage(error.to_string()),
        })
}

fn deliver_each(
    matches: &ArgMatches,
    config: &Config,
    storage: &dyn Storage,
    objects: &mut impl Iterator<Item = Entry>,
    bar: &ProgressBar,
) -> Result<Totals, Stop> {
    let open = |location: &Location| {
        storage
            .sink(location, Deadline::NONE)
            .map_err(|error| Stop::Usage(error.to_string()))
    };
    let (events, rejects) = (open(&config.destination)?, open(&config.quarantine)?);
    let target = Target {
        options: &config.ingest,
        events: events.as_ref(),
        quarantine: rejects.as_ref(),
    };
    let mut totals = Totals::default();
    in_waves(objects, |wave: &[Entry]| {
        bar.inc_length(wave.iter().filter_map(|entry| entry.object.size).sum());
        let threads = Threads::of(matches, config.destination.is_stdout(), wave.len());
        let results = ingest_all(wave, target, threads, bar);
        for (entry, result) in wave.iter().zip(results) {
            totals.add(&entry.object.key, result);
        }
    });
    Ok(totals)
}

/// Hands over the objects, at most [`WAVE`] at once, as far as they have been listed.
pub(super) fn in_waves<T>(objects: &mut impl Iterator<Item = T>, mut ingest: impl FnMut(&[T])) {
    loop {
        let wave: Vec<T> = objects.take(WAVE).collect();
        if wave.is_empty() {
            return;
        }
        ingest(&wave);
    }
}

/// The use of threads.
#[derive(Clone, Copy)]
pub(super) struct Threads {
    /// The number of objects in parallel.
    pub(super) jobs: usize,
    /// Whether each object is decompressed on a second thread: if the objects alone do not use all cores.
    pub(super) two_per_object: bool,
}

impl Threads {
    /// Returns the threads for a number of objects, whose events may have to be `in_order`.
    pub(super) fn of(matches: &ArgMatches, in_order: bool, objects: usize) -> Self {
        let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let requested = matches.get_one::<u16>("jobs").map_or(cores, |jobs| usize::from(*jobs));
        Self::on(cores, requested, in_order, objects)
    }

    fn on(cores: usize, requested: usize, in_order: bool, objects: usize) -> Self {
        // The events on stdout must be in the order of the objects.
        let max = if in_order { 1 } else { objects.max(1) };
        let jobs = requested.clamp(1, max);
        Self {
            jobs,
            two_per_object: cores > 1 && jobs < requested,
        }
    }
}

pub(super) fn progress_bar() -> ProgressBar {
    // A pipe does not get a progress bar.
    let target = if std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(Some(0), target);
    let style = ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta} {wide_msg}");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Ingests the objects in parallel and returns the results in the order of the objects.
fn ingest_all(
    objects: &[Entry],
    target: Target<'_>,
    threads: Threads,
    bar: &ProgressBar,
) -> Vec<Result<Outcome, IngestError>> {
    let pool = Pool {
        threads: threads.jobs,
        deadline: Deadline::NONE,
    };
    pool.run(
        objects,
        |entry| ingest(entry, target, threads, bar),
        |entry, unfinished| Err(Problem::from(unfinished).of(&entry.object.unidentified())),
    )
}

fn ingest(entry: &Entry, target: Target<'_>, threads: Threads, bar: &ProgressBar) -> Result<Outcome, IngestError> {
    bar.set_message(escaped(&entry.object.key).to_string());
    let ingested = ingest_object(
        &entry.object,
        entry.source.as_ref(),
        target,
        (threads.two_per_object, Deadline::NONE),
        |bytes| bar.inc(bytes as u64),
    );
    ingested.map(|(_, outcome)| outcome)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::{Threads, WAVE, in_waves};

    #[test]
    fn objects_do_not_pile_up_before_they_are_read() {
        let listed = Cell::new(0);
        let mut read = 0;
        let mut listing = (0..3 * WAVE + 7).inspect(|_| listed.set(listed.get() + 1));
        in_waves(&mut listing, |wave| {
            assert!(listed.get() - read <= WAVE);
            read += wave.len();
        });
        assert_eq!(read, 3 * WAVE + 7);
    }

    #[test]
    fn a_second_thread_per_object_needs_a_core_without_an_object() {
        let on = |cores, requested, in_order, objects| {
            let threads = Threads::on(cores, requested, in_order, objects);
            (threads.jobs, threads.two_per_object)
        };
        assert_eq!(on(1, 1, false, 1), (1, false), "one core");
        assert_eq!(on(1, 4, false, 1), (1, false), "one core, regardless of --jobs");
        assert_eq!(on(2, 2, false, 1), (1, true));
        assert_eq!(on(2, 1, false, 1), (1, false), "--jobs 1");
        assert_eq!(on(4, 4, false, 4), (4, false));
        assert_eq!(on(4, 4, false, 100), (4, false));
        assert_eq!(on(2, 2, true, 100), (1, true), "one object at a time to stdout");
        assert_eq!(on(2, 2, false, 0), (1, true), "no objects");
    }
}
