//! The report of a run, for people and for programs.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::parse::line::time::write_timestamp;
use crate::storage::Location;

use super::table::Table;
use super::totals::{Counts, TableTotals, Totals};

/// How many reasons are shown for a table.
const TOP_REASONS: usize = 5;

/// The report for people.
pub(super) fn text(totals: &Totals, destination: &Location, quarantine: &Location) -> String {
    let mut text = String::new();
    if !totals.tables.is_empty() {
        text.push_str(&counts(totals));
    }
    notes(totals, quarantine, &mut text);
    outputs(totals, destination, &mut text);
    text
}

fn counts(totals: &Totals) -> String {
    let mut table = Table::new(&[
        "table",
        "objects",
        "lines",
        "events",
        "quarantined",
        "skipped",
        "bytes in",
        "bytes out",
        "first event",
        "last event",
    ]);
    for (name, totals) in &totals.tables {
        let (first, last) = totals
            .times
            .map_or_else(Default::default, |(first, last)| (seconds(first), seconds(last)));
        table.row(
            count_cells(name, &totals.counts)
                .into_iter()
                .chain([first, last])
                .collect(),
        );
    }
    table.row(count_cells("total", &totals.counts).into());
    table.text(1)
}

fn count_cells(name: &str, counts: &Counts) -> [String; 8] {
    let Counts {
        objects,
        lines,
        events,
        quarantined,
        skipped_lines,
        bytes_in,
        bytes_out,
    } = *counts;
    let [objects, lines, events, quarantined, skipped, bytes_in, bytes_out] =
        [objects, lines, events, quarantined, skipped_lines, bytes_in, bytes_out].map(number);
    [
        name.to_owned(),
        objects,
        lines,
        events,
        quarantined,
        skipped,
        bytes_in,
        bytes_out,
    ]
}

/// What deserves a look, a line each.
fn notes(totals: &Totals, quarantine: &Location, text: &mut String) {
    // Writing to a String does not fail.
    for (name, table) in &totals.tables {
        if table.counts.quarantined > 0 {
            let _ = writeln!(
                text,
                "quarantined  {name}: {}",
                top(table
                    .reasons
                    .iter()
                    .map(|(reason, count)| (reason_text(*reason), *count)))
            );
        }
        if !table.repairs.is_empty() {
            let _ = writeln!(
                text,
                "repaired     {name}: {}",
                top(table.repairs.iter().map(|(rule, count)| ((*rule).to_owned(), *count)))
            );
        }
        if table.with_extra_fields > 0 {
            let events = number(table.with_extra_fields);
            let _ = writeln!(
                text,
                "new fields   {name}: {events} events have fields that no column knows; they are kept in extra_fields"
            );
        }
    }
    if totals.counts.quarantined > 0 {
        let _ = writeln!(text, "quarantine   {quarantine}");
    }
    for (skip, count) in &totals.skipped {
        let _ = writeln!(text, "skipped      {}: {}", number_of(*count, "object"), skip.text());
    }
    for (key, fault) in &totals.corrupt {
        let _ = writeln!(
            text,
            "corrupt      {}: {fault}; the lines before it are kept",
            key.escape_debug()
        );
    }
    for error in &totals.failed {
        let hint = if error.problem.is_retryable() {
            " (try again)"
        } else {
            ""
        };
        let _ = writeln!(text, "failed       {error}{hint}");
    }
}

fn outputs(totals: &Totals, destination: &Location, text: &mut String) {
    if destination.is_stdout() {
        return;
    }
    if destination.is_stream() {
        let _ = writeln!(
            text,
            "{} sent to {destination}",
            number_of(totals.counts.events, "event")
        );
        return;
    }
    let (written, before) = (totals.outputs_written, totals.outputs_there_before);
    let _ = match (written, before) {
        (0, 0) => writeln!(text, "nothing written"),
        (0, before) => writeln!(
            text,
            "nothing new: {} in {} were there before",
            number_of(before, "file"),
            destination
        ),
        (written, 0) => writeln!(text, "{} written to {}", number_of(written, "file"), destination),
        (written, before) => writeln!(
            text,
            "{} written to {}; {} were there before",
            number_of(written, "file"),
            destination,
            number(before)
        ),
    };
}

/// The report for programs: one JSON object.
pub(super) fn json(totals: &Totals) -> String {
    let tables: Map<String, Value> = totals
        .tables
        .iter()
        .map(|(name, table)| ((*name).to_owned(), table_json(table)))
        .collect();
    let skipped: u64 = totals.skipped.values().sum();
    let skips: Map<String, Value> = totals
        .skipped
        .iter()
        .map(|(skip, count)| (skip.text().to_owned(), json!(count)))
        .collect();
    let failed: Vec<Value> = totals
        .failed
        .iter()
        .map(|error| json!({"bucket": error.object.bucket, "key": error.object.key, "error": error.problem.to_string(), "retryable": error.problem.is_retryable()}))
        .collect();
    let corrupt: Vec<Value> = totals
        .corrupt
        .iter()
        .map(|(key, fault)| json!({"key": key, "error": fault}))
        .collect();
    let report = json!({
        "objects": {"ingested": totals.counts.objects, "skipped": skipped, "failed": totals.failed.len(), "corrupt": totals.corrupt.len()},
        "lines": totals.counts.lines,
        "events": totals.counts.events,
        "quarantined": totals.counts.quarantined,
        "skipped_lines": totals.counts.skipped_lines,
        "bytes_in": totals.counts.bytes_in,
        "bytes_out": totals.counts.bytes_out,
        "outputs": {"written": totals.outputs_written, "there_before": totals.outputs_there_before},
        "tables": tables,
        "skipped_objects": skips,
        "corrupt_objects": corrupt,
        "failed_objects": failed,
    });
    format!("{report}\n")
}

fn table_json(table: &TableTotals) -> Value {
    let reasons: Vec<Value> = table
        .reasons
        .iter()
        .map(|((reason, field), count)| json!({"reason": reason, "field": field, "lines": count}))
        .collect();
    json!({
        "objects": table.counts.objects,
        "lines": table.counts.lines,
        "events": table.counts.events,
        "quarantined": table.counts.quarantined,
        "skipped_lines": table.counts.skipped_lines,
        "bytes_in": table.counts.bytes_in,
        "bytes_out": table.counts.bytes_out,
        "first_event": table.times.map(|(first, _)| timestamp(first)),
        "last_event": table.times.map(|(_, last)| timestamp(last)),
        "reasons": reasons,
        "repairs": table.repairs,
        "events_with_extra_fields": table.with_extra_fields,
    })
}

/// The most frequent first.
fn top(counts: impl Iterator<Item = (String, u64)>) -> String {
    let mut counts: Vec<_> = counts.collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let more = counts.len().saturating_sub(TOP_REASONS);
    let mut words: Vec<_> = counts
        .into_iter()
        .take(TOP_REASONS)
        .map(|(name, count)| format!("{name} {}", number(count)))
        .collect();
    if more > 0 {
        words.push(format!("{more} more reasons"));
    }
    words.join(", ")
}

fn reason_text((reason, field): (&str, Option<&str>)) -> String {
    field.map_or_else(|| reason.to_owned(), |field| format!("{reason} in {field}"))
}

fn timestamp(micros: i64) -> String {
    let mut text = Vec::new();
    write_timestamp(micros, &mut text);
    String::from_utf8(text).unwrap_or_default()
}

/// A time to the second.
fn seconds(micros: i64) -> String {
    timestamp(micros).get(..19).unwrap_or_default().replace('T', " ")
}

fn number_of(count: u64, thing: &str) -> String {
    format!("{} {thing}{}", number(count), if count == 1 { "" } else { "s" })
}

/// A number with separators.
fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
