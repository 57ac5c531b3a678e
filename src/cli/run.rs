//! `alb-ingest run`.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::thread;

use clap::ArgMatches;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::config::Location;
use crate::deadline::Deadline;
use crate::ingest::{IngestError, Outcome, Pool, Problem, Target, Unfinished};
use crate::source::Source;

use super::input::{Input, find, needs_aws};
use super::totals::Totals;
use super::world::Ends;
use super::{FAILED, OK, Stop, config, report, table};

pub(super) fn run(matches: &ArgMatches, environment: &dyn Fn(&str) -> Option<String>) -> Result<u8, Stop> {
    let mut config = config(matches, environment)?;
    config.ingest.table = table(matches);
    let (destination, quarantine) = (&config.destination, &config.quarantine);
    let inputs: Vec<PathBuf> = matches
        .get_many::<String>("input")
        .into_iter()
        .flatten()
        .map(PathBuf::from)
        .collect();
    let ends = if needs_aws(&inputs, [destination, quarantine]) {
        Ends::everywhere()?
    } else {
        Ends::folders(None)
    };
    let objects = find(&inputs, [destination, quarantine], &ends, &config.storage)?;
    let open = |location: &Location| {
        ends.world()
            .destination(location, &config.storage, Deadline::NONE)
            .map_err(|error| Stop::Usage(error.to_string()))
    };
    let (events, rejects) = (open(destination)?, open(quarantine)?);
    let target = Target {
        options: &config.ingest,
        events: events.as_ref(),
        quarantine: rejects.as_ref(),
    };
    let threads = Threads::of(matches, destination, objects.len());
    let bar = progress_bar(objects.iter().map(Input::bytes).sum());
    let source = ends.world().source(&config.storage, Deadline::NONE);
    let results = ingest_all(&objects, source.as_ref(), target, threads, &bar);
    bar.finish_and_clear();

    let mut totals = Totals::default();
    for (object, result) in objects.iter().zip(results) {
        totals.add(object, result);
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
    if *destination == Location::Stdout {
        anstream::stderr().write_all(report.as_bytes())?;
    } else {
        anstream::stdout().write_all(report.as_bytes())?;
    }
    Ok(if totals.failed.is_empty() { OK } else { FAILED })
}

/// The use of threads.
#[derive(Clone, Copy)]
struct Threads {
    /// The number of objects in parallel.
    jobs: usize,
    /// Whether each object is decompressed on a second thread: if the objects alone do not use all cores.
    two_per_object: bool,
}

impl Threads {
    fn of(matches: &ArgMatches, destination: &Location, objects: usize) -> Self {
        let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let requested = matches.get_one::<u16>("jobs").map_or(cores, |jobs| usize::from(*jobs));
        Self::on(cores, requested, *destination == Location::Stdout, objects)
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

/// Ingests the objects in parallel and returns the results in the order of the objects.
fn ingest_all(
    objects: &[Input],
    source: &dyn Source,
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
        |object| ingest(object, source, target, threads, bar),
        |object, unfinished| {
            let problem = match unfinished {
                Unfinished::Panicked => Problem::Panic,
                Unfinished::Expired => Problem::OutOfTime,
            };
            Err(problem.of(&object.unidentified()))
        },
    )
}

fn ingest(
    object: &Input,
    source: &dyn Source,
    target: Target<'_>,
    threads: Threads,
    bar: &ProgressBar,
) -> Result<Outcome, IngestError> {
    bar.set_message(object.key().to_owned());
    object.ingest(source, target, threads.two_per_object, |bytes| bar.inc(bytes))
}

#[cfg(test)]
mod tests {
    use super::Threads;

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
