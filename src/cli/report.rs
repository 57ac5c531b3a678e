//! The report of a run, as text and as JSON.

use std::fmt::Write as _;

use indicatif::HumanCount;
use serde_json::{Map, Value, json};

use crate::escape::{escaped, escaped_json};
use crate::parse::line::time::write_timestamp;
use crate::storage::{Location, Origin};

use super::text_table::TextTable;
use super::totals::{Counts, TableTotals, Totals};

/// The maximum number of reasons shown for a table.
const MAX_REASONS: usize = 5;

/// Returns the report as text.
pub(super) fn text(totals: &Totals, destination: &Location, quarantine: &Location) -> String {
    let mut text = String::new();
    if !totals.tables.is_empty() {
        text.push_str(&counts(totals, true));
    }
    notes(totals, Some(quarantine), &mut text);
    outputs(totals, destination, &mut text);
    text
}

/// Returns the report about objects that were read, but not written anywhere.
pub(super) fn read_only(totals: &Totals) -> String {
    let mut text = String::new();
    if !totals.tables.is_empty() {
        text.push_str(&counts(totals, false));
    }
    notes(totals, None, &mut text);
    text
}

/// Returns the counts as a table, with those of outputs if there are any.
fn counts(totals: &Totals, has_outputs: bool) -> String {
    // Without a filter or a sample, the column would only have zeros.
    let is_filtered = totals.counts.filtered > 0;
    let mut header = vec!["table", "objects", "lines", "events"];
    header.extend(is_filtered.then_some("filtered"));
    header.extend(["quarantined", "skipped", "bytes in"]);
    header.extend(has_outputs.then_some("bytes out"));
    header.extend(["first event", "last event"]);
    let mut table = TextTable::new(&header);
    let cells = |name: &str, counts: &Counts| {
        let mut cells = count_cells(name, counts, is_filtered);
        if !has_outputs {
            cells.pop();
        }
        cells
    };
    for (name, totals) in &totals.tables {
        let (first, last) = totals
            .times
            .map_or_else(Default::default, |(first, last)| (seconds(first), seconds(last)));
        let mut cells = cells(name, &totals.counts);
        cells.extend([first, last]);
        table.row(cells);
    }
    table.row(cells("total", &totals.counts));
    table.text(1)
}

fn count_cells(name: &str, counts: &Counts, is_filtered: bool) -> Vec<String> {
    let Counts {
        objects,
        lines,
        events,
        filtered,
        quarantined,
        skipped_lines,
        bytes_in,
        bytes_out,
    } = *counts;
    let mut numbers = vec![objects, lines, events];
    numbers.extend(is_filtered.then_some(filtered));
    numbers.extend([quarantined, skipped_lines, bytes_in, bytes_out]);
    let numbers = numbers.into_iter().map(|count| HumanCount(count).to_string());
    std::iter::once(name.to_owned()).chain(numbers).collect()
}

/// Writes a line for each thing that deserves attention.
fn notes(totals: &Totals, quarantine: Option<&Location>, text: &mut String) {
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
            let events = HumanCount(table.with_extra_fields);
            let _ = writeln!(
                text,
                "new fields   {name}: {events} events have fields without a column; they are kept in extra_fields"
            );
        }
    }
    if let Some(quarantine) = quarantine.filter(|_| totals.counts.quarantined > 0) {
        let _ = writeln!(text, "quarantine   {quarantine}");
    }
    for table in &totals.unfiltered {
        let _ = writeln!(text, "not filtered {table}: the table lacks a column that FILTER names");
    }
    for (reason, count) in skips(totals) {
        let _ = writeln!(text, "skipped      {}: {reason}", number_of(count, "object"));
    }
    for (key, fault) in &totals.corrupt {
        let _ = writeln!(text, "corrupt      {}: {fault}", escaped(key));
    }
    if totals.merged_before > 0 {
        let _ = writeln!(
            text,
            "merged       {} before this run",
            number_of(totals.merged_before, "object")
        );
    }
    if totals.left_out > 0 {
        let objects = number_of(totals.left_out, "object");
        let _ = writeln!(
            text,
            "left out     {objects}: they cannot be read now, and a later run merges them"
        );
    }
    for (folder, failure) in &totals.failed_folders {
        let _ = writeln!(text, "failed       {folder}: {}", escaped(&failure.text));
    }
    for error in &totals.unlisted {
        let _ = writeln!(text, "failed       {error}");
    }
    for error in &totals.failed {
        let hint = if error.problem.is_retryable() {
            " (retryable)"
        } else {
            ""
        };
        let _ = writeln!(text, "failed       {}{hint}", escaped(&error.to_string()));
    }
}

/// Returns why objects were skipped, and how many.
pub(super) fn skips(totals: &Totals) -> impl Iterator<Item = (&'static str, u64)> {
    let own = (totals.own_outputs > 0).then_some(("output at the destination", totals.own_outputs));
    totals
        .skipped
        .iter()
        .map(|(skip, count)| (skip.text(), *count))
        .chain(own)
        .chain((totals.unselected > 0).then_some(("outside of the time range", totals.unselected)))
}

fn outputs(totals: &Totals, destination: &Location, text: &mut String) {
    if destination.is_stdout() {
        return;
    }
    if destination.is_stream() {
        let events = number_of(totals.counts.events, "event");
        let _ = if totals.failed.is_empty() {
            writeln!(text, "{events} sent to {destination}")
        } else {
            writeln!(
                text,
                "{events} sent to {destination}, not counting those of failed objects, of which some may have been sent"
            )
        };
        return;
    }
    let _ = match (totals.outputs_written, totals.outputs_existing) {
        (0, 0) => writeln!(text, "nothing written"),
        (0, existing) => writeln!(
            text,
            "nothing written: {} already in {destination}",
            number_of(existing, "file"),
        ),
        (written, 0) => writeln!(text, "{} written to {destination}", number_of(written, "file")),
        (written, existing) => writeln!(
            text,
            "{} written to {destination}; {} already existed",
            number_of(written, "file"),
            HumanCount(existing)
        ),
    };
}

/// Returns the part of the report that says what was searched in vain.
pub(super) fn nothing_found(origins: &[Origin]) -> String {
    let mut text = String::new();
    for origin in origins {
        // Writing to a String does not fail.
        let _ = match origin {
            Origin::Path(_) => writeln!(
                text,
                "no objects found to ingest in {origin} (hidden files are not read)"
            ),
            Origin::Stdin | Origin::S3 { .. } => writeln!(text, "no objects found to ingest in {origin}"),
        };
    }
    text
}

/// Returns the report as one JSON object.
pub(super) fn json(totals: &Totals) -> String {
    let tables: Map<String, Value> = totals
        .tables
        .iter()
        .map(|(name, table)| ((*name).to_owned(), table_json(table)))
        .collect();
    let skips: Vec<(&str, u64)> = skips(totals).collect();
    let skipped: u64 = skips.iter().map(|(_, count)| count).sum();
    let skips: Map<String, Value> = skips
        .into_iter()
        .map(|(reason, count)| (reason.to_owned(), json!(count)))
        .collect();
    let unlisted = totals.unlisted.iter().map(|error| {
        json!({"bucket": null, "key": error.place, "error": error.to_string(), "retryable": error.is_retryable()})
    });
    let objects = totals
        .failed
        .iter()
        .map(|error| json!({"bucket": error.object.bucket, "key": error.object.key, "error": error.problem.to_string(), "retryable": error.problem.is_retryable()}));
    let folders = totals
        .failed_folders
        .iter()
        .map(|(folder, failure)| json!({"bucket": folder.bucket, "key": folder.prefix, "error": failure.text, "retryable": failure.retryable}));
    let failed: Vec<Value> = unlisted.chain(objects).chain(folders).collect();
    let corrupt: Vec<Value> = totals
        .corrupt
        .iter()
        .map(|(key, fault)| json!({"key": key, "error": fault}))
        .collect();
    let mut report = json!({
        "objects": {"ingested": totals.counts.objects, "skipped": skipped, "failed": failed.len(), "corrupt": totals.corrupt.len()},
        "lines": totals.counts.lines,
        "events": totals.counts.events,
        "quarantined": totals.counts.quarantined,
        "skipped_lines": totals.counts.skipped_lines,
        "bytes_in": totals.counts.bytes_in,
        "bytes_out": totals.counts.bytes_out,
        "plans": totals.plans,
        "outputs": {"written": totals.outputs_written, "there_before": totals.outputs_existing},
        "tables": tables,
        "skipped_objects": skips,
        "corrupt_objects": corrupt,
        "failed_objects": failed,
    });
    if !totals.unfiltered.is_empty() {
        add(&mut report, "unfiltered_tables", json!(totals.unfiltered));
    }
    add_filtered(&mut report, &totals.counts);
    escaped_json(&format!("{report}\n"))
}

fn table_json(table: &TableTotals) -> Value {
    let reasons: Vec<Value> = table
        .reasons
        .iter()
        .map(|((reason, field), count)| json!({"reason": reason, "field": field, "lines": count}))
        .collect();
    let mut report = json!({
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
    });
    add_filtered(&mut report, &table.counts);
    report
}

/// Adds the number of events that the filter or the sample leaves out, unless there are none.
fn add_filtered(report: &mut Value, counts: &Counts) {
    if counts.filtered > 0 {
        add(report, "filtered", json!(counts.filtered));
    }
}

fn add(report: &mut Value, name: &str, value: Value) {
    if let Some(fields) = report.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
}

/// Lists counts, the most frequent first.
fn top(counts: impl Iterator<Item = (String, u64)>) -> String {
    let mut counts: Vec<_> = counts.collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let more = counts.len().saturating_sub(MAX_REASONS);
    let mut words: Vec<_> = counts
        .into_iter()
        .take(MAX_REASONS)
        .map(|(name, count)| format!("{name} {}", HumanCount(count)))
        .collect();
    if more > 0 {
        words.push(format!("{more} more reasons"));
    }
    words.join(", ")
}

fn reason_text((reason, field): (&str, Option<&str>)) -> String {
    field.map_or_else(|| reason.to_owned(), |field| format!("{reason} in {field}"))
}

pub(super) fn timestamp(micros: i64) -> String {
    let mut text = Vec::new();
    write_timestamp(micros, &mut text);
    String::from_utf8(text).unwrap_or_default()
}

/// Returns a time to the second.
fn seconds(micros: i64) -> String {
    timestamp(micros).get(..19).unwrap_or_default().replace('T', " ")
}

fn number_of(count: u64, thing: &str) -> String {
    format!("{} {thing}{}", HumanCount(count), if count == 1 { "" } else { "s" })
}
