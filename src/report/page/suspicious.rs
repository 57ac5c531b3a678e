//! Requests that look like attacks.

use super::super::figures::{Attempt, Figures, Suspicious};
use super::part::{Card, Section};
use super::rankings::{MAX_ROWS, name, note, shown};
use super::table::{Cell, Table};
use super::time_axis::Form;

/// Returns the section.
pub(super) fn section(figures: &Figures) -> Section {
    let cards = figures
        .suspicious
        .as_ref()
        .map(|of| [attempts(of), scanners(of), latest(of), desync(of)]);
    Section::new("suspicious", ["Suspicious requests"; 2], cards.into_iter().flatten())
}

fn attempts(suspicious: &Suspicious) -> Option<Card> {
    let mut table = Table::new("Attempts", &["signature", "requests", "answered below 400"]);
    for row in suspicious.attempts.iter().take(MAX_ROWS) {
        let cells = vec![
            Cell::Text(row.kind.clone()),
            Cell::count(row.requests),
            Cell::Bad(row.fine),
        ];
        table.bar_row(row.requests, cells);
    }
    Some(Card::table("Attempts", &table)?.note("Requests whose URL or user agent has a known signature. Look first at those that were answered with a status below 400."))
}

fn latest(suspicious: &Suspicious) -> Option<Card> {
    let mut table = Table::new("Latest attempts", &["time", "signature", "client", "status", "request"]);
    for row in suspicious.latest_attempts.iter().take(MAX_ROWS) {
        table.row(vec![
            Cell::Time(row.time.micros(), Form::Second),
            Cell::Text(row.kind.clone()),
            name(row.client.as_deref(), "not logged"),
            row.status
                .map_or(Cell::Missing, |status| Cell::Code(status.to_string())),
            Cell::Code(request(row)),
        ]);
    }
    Some(Card::table("Latest attempts", &table)?.wide())
}

fn request(attempt: &Attempt) -> String {
    let parts = [attempt.verb.as_deref(), attempt.url.as_deref()];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn scanners(suspicious: &Suspicious) -> Option<Card> {
    let ranking = suspicious.scanners.as_ref()?;
    let mut table = Table::new("Scanners", &["client", "requests", "paths refused", "as a scanner"]);
    for row in shown(ranking) {
        // The figure counts no further than this.
        let paths = match row.paths_refused {
            100.. => Cell::Text("100 or more".to_owned()),
            paths => Cell::count(paths),
        };
        let cells = vec![
            name(row.client.as_deref(), "not logged"),
            Cell::count(row.requests),
            paths,
            Cell::count(row.as_scanner),
        ];
        table.bar_row(row.requests, cells);
    }
    let text = "Clients with the user agent of a scanner, or with 10 or more paths that were refused (400, 403, 404).";
    Some(
        Card::table("Scanners", &table)?
            .note(text)
            .note(note(ranking, "clients", MAX_ROWS, |_| 1)),
    )
}

fn desync(suspicious: &Suspicious) -> Option<Card> {
    let ranking = suspicious.desync.as_ref()?;
    let mut table = Table::new(
        "Requests that violate the RFC",
        &["classification", "reason", "requests"],
    );
    for row in shown(ranking) {
        let cells = vec![
            Cell::Text(row.classification.clone()),
            row.reason.clone().map_or(Cell::Missing, Cell::Code),
            Cell::count(row.requests),
        ];
        table.bar_row(row.requests, cells);
    }
    let text = "As in HTTP desync attacks; the classification is the load balancer's.";
    Some(
        Card::table("Requests that violate the RFC", &table)?
            .note(text)
            .note(note(ranking, "kinds", MAX_ROWS, |row| row.requests)),
    )
}
