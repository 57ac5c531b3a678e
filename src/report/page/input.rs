//! What was read, what was not, and how exact the figures are.

use super::super::figures::{Bounds, Failure, Figures, Read};
use super::html::Html;
use super::number::grouped;
use super::part::{Card, Section};
use super::rankings::{MAX_ROWS, bytes, table_name};
use super::table::{Cell, Table};
use super::time_axis::Form;

/// Returns the section.
pub(super) fn section(figures: &Figures) -> Section {
    let read = &figures.read;
    Section::new(
        "input",
        ["What was read"; 2],
        [
            tables(read),
            not_read(read),
            malformed(read),
            repaired(read),
            faults(
                "Objects that could not be read",
                "No figure contains any of their lines.",
                read.failed,
                &read.failures,
            ),
            faults(
                "Corrupt objects",
                "Only the lines before the fault are in the figures.",
                read.corrupt,
                &read.corruptions,
            ),
            Some(exactness(&figures.bounds)),
        ],
    )
}

fn tables(read: &Read) -> Option<Card> {
    let heading = [
        "log",
        "objects",
        "stored bytes",
        "lines",
        "events",
        "quarantined",
        "blank",
        "new fields",
        "first event",
        "last event",
    ];
    let mut table = Table::new("Logs", &heading);
    for row in read.tables.iter().take(MAX_ROWS) {
        let time = |time: Option<super::super::Time>| {
            time.map_or(Cell::Missing, |time| Cell::Time(time.micros(), Form::Second))
        };
        table.row(vec![
            Cell::Text(table_name(&row.table).to_owned()),
            Cell::count(row.objects),
            bytes(row.bytes),
            Cell::count(row.lines),
            Cell::count(row.events),
            Cell::Bad(row.quarantined),
            Cell::count(row.blank),
            Cell::count(row.with_extra_fields),
            time(row.period.map(|period| period.first)),
            time(row.period.map(|period| period.last)),
        ]);
    }
    let text = "lines = events + quarantined + blank. New fields: events with fields that no column knows.";
    Some(Card::table("Logs", &table)?.wide().note(text))
}

fn not_read(read: &Read) -> Option<Card> {
    let mut table = Table::new("What was not read", &["what", "objects"]);
    for row in read.skipped.iter().take(MAX_ROWS) {
        table.row(vec![
            Cell::Text(format!("skipped: {}", row.reason)),
            Cell::count(row.objects),
        ]);
    }
    for error in read.unlisted.iter().take(MAX_ROWS) {
        table.row(vec![
            Cell::Text(format!("not listed, objects may be missing: {error}")),
            Cell::Missing,
        ]);
    }
    Card::table("What was not read", &table)
}

fn malformed(read: &Read) -> Option<Card> {
    let mut table = Table::new("Quarantined lines", &["reason", "field", "log", "lines"]);
    for row in read.malformed.iter().take(MAX_ROWS) {
        let cells = vec![
            Cell::Code(row.reason.clone()),
            row.field.clone().map_or(Cell::Missing, Cell::Code),
            Cell::Text(table_name(&row.table).to_owned()),
            Cell::Bad(row.lines),
        ];
        table.bar_row(row.lines, cells);
    }
    let text = "Malformed lines, which no other figure contains. alb-ingest run writes them to the quarantine, whole.";
    Some(Card::table("Quarantined lines", &table)?.note(text))
}

fn repaired(read: &Read) -> Option<Card> {
    let mut table = Table::new("Repaired lines", &["rule", "log", "lines"]);
    for row in read.repaired.iter().take(MAX_ROWS) {
        let log = Cell::Text(table_name(&row.table).to_owned());
        table.bar_row(
            row.lines,
            vec![Cell::Code(row.rule.clone()), log, Cell::count(row.lines)],
        );
    }
    Some(
        Card::table("Repaired lines", &table)?
            .note("Lines that were repaired by an unambiguous rule; they are events."),
    )
}

fn faults(title: &'static str, text: &'static str, count: u64, failures: &[Failure]) -> Option<Card> {
    let mut table = Table::new(title, &["object", "error"]);
    for failure in failures.iter().take(MAX_ROWS) {
        table.row(vec![
            Cell::Code(failure.object.clone()),
            Cell::Text(failure.error.clone()),
        ]);
    }
    let shown = failures.len().min(MAX_ROWS);
    let which = if usize::try_from(count).is_ok_and(|count| count > shown) {
        format!("The first {shown} of {}. ", grouped(count))
    } else {
        String::new()
    };
    Some(Card::table(title, &table)?.wide().note(which + text))
}

/// Returns the card that says how exact the figures are.
fn exactness(bounds: &Bounds) -> Card {
    let mut body = Html::default();
    let percent = |share: f64| format!("{:.1} %", share * 100.0).replace(".0 %", " %");
    body.element("ul", &[("class", &"bounds")], |html| {
        html.leaf("li", &[], "Counts and sums are exact, unless a note below a title says otherwise.");
        html.leaf(
            "li",
            &[],
            format_args!(
                "Percentiles (p50, p90, p95, p99) are within {} of the value at their rank. The longest duration is exact.",
                percent(bounds.percentile_relative_error)
            ),
        );
        html.leaf(
            "li",
            &[],
            format_args!(
                "Numbers of distinct values with the word about are estimates with a standard error of {}: 95 % of them are within \
                 twice that.",
                percent(bounds.distinct_standard_error)
            ),
        );
        html.leaf(
            "li",
            &[],
            format_args!(
                "In top lists, texts are cut after {} bytes, and those that begin alike count as one.",
                grouped(u64::try_from(bounds.max_text_bytes).unwrap_or(u64::MAX))
            ),
        );
    });
    Card::new("How exact the figures are", body)
}
