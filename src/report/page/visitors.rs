//! Paths, clients, user agents and hosts.

use super::super::figures::{Figures, Ranking, Top};
use super::number::Percent;
use super::part::{Card, Section};
use super::rankings::{bytes, name, note};
use super::table::{Cell, Table};

/// The most rows of each list.
const MAX_ROWS: usize = 12;

/// Returns the section.
pub(super) fn section(figures: &Figures) -> Section {
    let total = figures.requests.as_ref().map(|requests| requests.requests);
    let card = |title, what, total, ranking: &Option<Ranking<Top>>| card(title, what, total, ranking.as_ref()?);
    Section::new(
        "visitors",
        ["Paths and clients", "Paths, clients, user agents and hosts"],
        [
            card("Paths", "path", total, &figures.paths),
            card("User agents", "user agent", total, &figures.user_agents),
            // Connections are counted here, too, so the share of the requests means nothing.
            card("Clients", "client", None, &figures.clients),
            card("Hosts", "host", total, &figures.hosts),
        ],
    )
}

fn card(title: &'static str, what: &'static str, total: Option<u64>, ranking: &Ranking<Top>) -> Option<Card> {
    let mut heading = vec![what, "requests", "4xx", "5xx", "sent"];
    if total.is_some() {
        heading.insert(2, "share");
    }
    let mut table = Table::new(title, &heading);
    for row in ranking.rows.iter().take(MAX_ROWS) {
        let mut cells = vec![
            name(row.value.as_deref(), "none"),
            Cell::count(row.requests),
            Cell::count(row.client_errors),
            Cell::Bad(row.server_errors),
            bytes(row.sent_bytes),
        ];
        if let Some(whole) = total {
            let part = row.requests;
            cells.insert(2, Cell::Share(Percent { part, whole }));
        }
        table.bar_row(row.requests, cells);
    }
    Some(Card::table(title, &table)?.note(note(ranking, &format!("{what}s"), MAX_ROWS, |row| row.requests)))
}
