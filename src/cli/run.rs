//! `alb-ingest run`.

use std::io::{IsTerminal as _, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use clap::ArgMatches;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::deadline::Deadline;
use crate::ingest::{IngestError, Outcome, Problem, Target, ingest_object};
use crate::storage::{Entry, Location, Storage as _};

use super::input::{find, origins, storage};
use super::totals::Totals;
use super::{FAILED, OK, Stop, config, report, table};

pub(super) fn run(matches: &ArgMatches, environment: &dyn Fn(&str) -> Option<String>) -> Result<u8, Stop> {
    let mut config = config(matches, environment)?;
    config.ingest.table = table(matches);
    let (destination, quarantine) = (&config.destination, &config.quarantine);
    let outputs = [destination, quarantine];
    let origins = origins(matches, outputs)?;
    let storage = storage(&origins, outputs, config.storage.clone())?;
    let objects = find(&origins, &storage)?;
    let open = |location: &Location| {
        storage
            .sink(location, Deadline::NONE)
            .map_err(|error| Stop::Usage(error.to_string()))
    };
    let (events, rejects) = (open(destination)?, open(quarantine)?);
    let target = Target {
        options: &config.ingest,
        events: events.as_ref(),
        quarantine: rejects.as_ref(),
    };
    let threads = Threads::of(matches, destination, objects.len());
    let bar = progress_bar(objects.iter().filter_map(|entry| entry.object.size).sum());
    let results = ingest_all(&objects, target, threads, &bar);
    bar.finish_and_clear();

    let mut totals = Totals::default();
    for (entry, result) in objects.iter().zip(results) {
        totals.add(&entry.object, result);
    }
    let json = matches
        .get_one::<String>("report")
        .is_some_and(|report| report == "json");
    let report = if json {
        report::json(&totals)
    } else {
        report::text(&totals, destination, quarantine)
    };
    // stdout carries the events where they go there.
    if destination.is_stdout() {
        anstream::stderr().write_all(report.as_bytes())?;
    } else {
        anstream::stdout().write_all(report.as_bytes())?;
    }
    Ok(if totals.failed.is_empty() { OK } else { FAILED })
}

/// What works at a time.
#[derive(Clone, Copy)]
struct Threads {
    /// Objects.
    jobs: usize,
    /// Whether each object is decompressed beside the rest of its work: where objects alone do not fill the cores.
    two_an_object: bool,
}

impl Threads {
    fn of(matches: &ArgMatches, destination: &Location, objects: usize) -> Self {
        let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let asked = matches.get_one::<u16>("jobs").map_or(cores, |jobs| usize::from(*jobs));
        Self::on(cores, asked, destination.is_stdout(), objects)
    }

    fn on(cores: usize, asked: usize, in_order: bool, objects: usize) -> Self {
        // One after the other, so that the events on stdout stand in the order of the objects.
        let most = if in_order { 1 } else { objects.max(1) };
        let jobs = asked.clamp(1, most);
        Self {
            jobs,
            two_an_object: cores > 1 && jobs < asked,
        }
    }
}

fn progress_bar(bytes: u64) -> ProgressBar {
    // For people: a pipe gets no bar.
    let target = if std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(Some(bytes), target);
    let style = ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta} {wide_msg}");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Ingests the objects on so many threads; the results stand in the order of the objects.
fn ingest_all(
    objects: &[Entry],
    target: Target<'_>,
    threads: Threads,
    bar: &ProgressBar,
) -> Vec<Result<Outcome, IngestError>> {
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<Option<Result<Outcome, IngestError>>>> = Mutex::new(objects.iter().map(|_| None).collect());
    let work = || {
        while let Some((number, object)) = {
            let number = next.fetch_add(1, Ordering::Relaxed);
            objects.get(number).map(|object| (number, object))
        } {
            // A panic is a defect, but costs no more than its object.
            let result = catch_unwind(AssertUnwindSafe(|| ingest(object, target, threads, bar)))
                .unwrap_or_else(|_| Err(Problem::Panic.of(&object.object.unidentified())));
            let mut results = results.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if let Some(slot) = results.get_mut(number) {
                *slot = Some(result);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads.jobs {
            scope.spawn(work);
        }
        work();
    });
    let results = results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    // A worker that ended without a word is a failure, never a success.
    let missing = |entry: &Entry| Err(Problem::Panic.of(&entry.object.unidentified()));
    objects
        .iter()
        .zip(results)
        .map(|(object, result)| result.unwrap_or_else(|| missing(object)))
        .collect()
}

fn ingest(entry: &Entry, target: Target<'_>, threads: Threads, bar: &ProgressBar) -> Result<Outcome, IngestError> {
    bar.set_message(entry.object.key.clone());
    let ingested = ingest_object(
        &entry.object,
        entry.source.as_ref(),
        target,
        threads.two_an_object,
        |bytes| {
            bar.inc(bytes as u64);
            Ok(())
        },
    );
    ingested.map(|(_, outcome)| outcome)
}

#[cfg(test)]
mod tests {
    use super::Threads;

    #[test]
    fn a_second_thread_takes_only_a_core_that_objects_leave() {
        let on = |cores, asked, in_order, objects| {
            let threads = Threads::on(cores, asked, in_order, objects);
            (threads.jobs, threads.two_an_object)
        };
        assert_eq!(on(1, 1, false, 1), (1, false), "one core");
        assert_eq!(on(1, 4, false, 1), (1, false), "one core, whatever was asked");
        assert_eq!(on(2, 2, false, 1), (1, true));
        assert_eq!(on(2, 1, false, 1), (1, false), "--jobs 1");
        assert_eq!(on(4, 4, false, 4), (4, false));
        assert_eq!(on(4, 4, false, 100), (4, false));
        assert_eq!(
            on(2, 2, true, 100),
            (1, true),
            "stdout takes one object after the other"
        );
        assert_eq!(on(2, 2, false, 0), (1, true), "no object");
    }
}
