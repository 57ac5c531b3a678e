//! Reads the objects, several at a time.

use clap::ArgMatches;
use indicatif::ProgressBar;

use crate::config::Config;
use crate::deadline::Deadline;
use crate::escape::escaped;
use crate::ingest::{Consumer, IngestError, Outcome, Pool, Problem, consume_object};
use crate::report::Accumulator;
use crate::report::figures::{Failure, Malformed, Period, Read, Repaired, Skipped, TableRead};
use crate::storage::Entry;

use super::super::report::skips;
use super::super::run::{Threads, in_waves, progress_bar};
use super::super::totals::{Counts, TableTotals, Totals};
use super::order::InOrder;

/// The number of objects at fault that are named.
const MAX_FAILURES: usize = 20;

/// Reads the objects; returns what is known of their events, and the totals.
pub(super) fn read(
    matches: &ArgMatches,
    config: &Config,
    objects: &mut impl Iterator<Item = Entry>,
) -> (Accumulator, Totals) {
    let bar = progress_bar();
    let mut totals = Totals::default();
    let order = InOrder::new(Threads::of(matches, false, usize::MAX).jobs);
    let mut first = 0;
    in_waves(objects, |wave: &[Entry]| {
        bar.inc_length(wave.iter().filter_map(|entry| entry.object.size).sum());
        let threads = Threads::of(matches, false, wave.len());
        let numbered: Vec<(usize, &Entry)> = (first..).zip(wave).collect();
        for ((_, entry), result) in numbered.iter().zip(read_all(&numbered, config, &order, threads, &bar)) {
            totals.add(&entry.object.key, result);
        }
        first += wave.len();
    });
    bar.finish_and_clear();
    (order.finish(), totals)
}

fn read_all(
    objects: &[(usize, &Entry)],
    config: &Config,
    order: &InOrder,
    threads: Threads,
    bar: &ProgressBar,
) -> Vec<Result<Outcome, IngestError>> {
    let pool = Pool {
        threads: threads.jobs,
        deadline: Deadline::NONE,
    };
    pool.run(
        objects,
        |(number, entry)| {
            bar.set_message(escaped(&entry.object.key).to_string());
            let mut place = order.place(*number);
            let mut events = Box::new(Accumulator::new());
            let consumer: &mut dyn Consumer = events.as_mut();
            let read = consume_object(
                &entry.object,
                entry.source.as_ref(),
                (&config.ingest, consumer),
                (threads.two_per_object, Deadline::NONE),
                |bytes| bar.inc(bytes as u64),
            );
            let (_, outcome) = read?;
            place.events = Some(events);
            Ok(outcome)
        },
        |(_, entry), unfinished| Err(Problem::from(unfinished).of(&entry.object.unidentified())),
    )
}

/// Returns what was read, and what was not.
pub(super) fn figures(totals: &Totals) -> Read {
    let Counts {
        objects,
        lines,
        events,
        // A report has no filter.
        filtered: _,
        quarantined,
        skipped_lines: blank,
        bytes_in: bytes,
        bytes_out: _,
    } = totals.counts;
    let skipped = skips(totals).map(|(reason, objects)| Skipped {
        reason: reason.to_owned(),
        objects,
    });
    let failures = totals.failed.iter().map(|error| Failure {
        object: error.object.key.clone(),
        error: error.problem.to_string(),
    });
    let corruptions = totals.corrupt.iter().map(|(object, error)| Failure {
        object: object.clone(),
        error: error.clone(),
    });
    Read {
        objects,
        bytes,
        lines,
        events,
        quarantined,
        blank,
        tables: totals
            .tables
            .iter()
            .map(|(name, table)| table_read(name, table))
            .collect(),
        malformed: malformed(totals),
        repaired: repaired(totals),
        skipped: skipped.collect(),
        failed: totals.failed.len() as u64,
        failures: failures.take(MAX_FAILURES).collect(),
        corrupt: totals.corrupt.len() as u64,
        corruptions: corruptions.take(MAX_FAILURES).collect(),
        unlisted: totals.unlisted.iter().map(ToString::to_string).collect(),
    }
}

fn table_read(name: &str, table: &TableTotals) -> TableRead {
    TableRead {
        table: name.to_owned(),
        objects: table.counts.objects,
        bytes: table.counts.bytes_in,
        lines: table.counts.lines,
        events: table.counts.events,
        quarantined: table.counts.quarantined,
        blank: table.counts.skipped_lines,
        with_extra_fields: table.with_extra_fields,
        period: table.times.map(Period::from),
    }
}

/// Returns the malformed lines by reason, the most frequent first.
fn malformed(totals: &Totals) -> Vec<Malformed> {
    let reasons = totals.tables.iter().flat_map(|(table, totals)| {
        totals.reasons.iter().map(|((reason, field), lines)| Malformed {
            table: (*table).to_owned(),
            reason: (*reason).to_owned(),
            field: field.map(str::to_owned),
            lines: *lines,
        })
    });
    let mut reasons: Vec<Malformed> = reasons.collect();
    reasons.sort_by_key(|malformed| std::cmp::Reverse(malformed.lines));
    reasons
}

fn repaired(totals: &Totals) -> Vec<Repaired> {
    let repairs = totals.tables.iter().flat_map(|(table, totals)| {
        totals.repairs.iter().map(|(rule, lines)| Repaired {
            table: (*table).to_owned(),
            rule: (*rule).to_owned(),
            lines: *lines,
        })
    });
    repairs.collect()
}
