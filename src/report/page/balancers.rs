//! Load balancers, target groups, and the slowest parts of the sites.

use super::super::figures::{Figures, LoadBalancer, MIN_SLOW_REQUESTS, Requests, SlowPath, TargetGroup};
use super::html::Html;
use super::number::grouped;
use super::part::{Card, Section};
use super::rankings::{MAX_ROWS, bytes, micros, name, note, percentiles, seconds, shown};
use super::table::{Cell, Table};

/// The most load balancers and target groups whose slowest paths the page shows, and the most paths of each.
const MAX_WITH_PATHS: usize = 10;
const MAX_PATHS_EACH: usize = 3;

/// Returns the section.
pub(super) fn section(figures: &Figures) -> Section {
    Section::new(
        "balancers",
        ["Load balancers", "Load balancers and target groups"],
        [load_balancers(figures), target_groups(figures), slowest_paths(figures)],
    )
}

const COLUMNS: [&str; 9] = [
    "requests",
    "4xx",
    "5xx target",
    "5xx LB",
    "p50",
    "p90",
    "p99",
    "received",
    "sent",
];

fn cells(requests: &Requests) -> Vec<Cell> {
    let statuses = &requests.statuses;
    let mut cells = vec![
        Cell::count(requests.requests),
        Cell::count(statuses.client_errors),
        Cell::Bad(statuses.target_server_errors),
        Cell::Bad(statuses.balancer_server_errors),
    ];
    cells.extend(percentiles(requests.latency.as_ref()));
    cells.extend([requests.received_bytes, requests.sent_bytes].map(bytes));
    cells
}

fn load_balancers(figures: &Figures) -> Option<Card> {
    let ranking = figures.load_balancers.as_ref()?;
    let has_connections = ranking.rows.iter().any(|row| row.connections > 0);
    let mut heading = vec!["load balancer"];
    heading.extend(COLUMNS);
    if has_connections {
        heading.insert(1, "connections");
    }
    let mut table = Table::new("Load balancers", &heading);
    for row in shown(ranking) {
        let mut cells = cells(&row.requests);
        cells.insert(0, balancer_name(row));
        if has_connections {
            cells.insert(1, Cell::count(row.connections));
        }
        table.bar_row(row.requests.requests.saturating_add(row.connections), cells);
    }
    let card = card(
        "Load balancers",
        &table,
        "Slowest paths by load balancer",
        shown(ranking).map(|row| (balancer_name(row), &row.requests)),
    )?;
    Some(card.note(note(ranking, "load balancers", MAX_ROWS, |row| {
        row.requests.requests.saturating_add(row.connections)
    })))
}

fn balancer_name(row: &LoadBalancer) -> Cell {
    name(row.name.as_deref(), "not logged")
}

fn target_groups(figures: &Figures) -> Option<Card> {
    let ranking = figures.target_groups.as_ref()?;
    let mut heading = vec!["target group"];
    heading.extend(COLUMNS);
    let mut table = Table::new("Target groups", &heading);
    for row in shown(ranking) {
        let mut cells = cells(&row.requests);
        cells.insert(0, group_name(row));
        table.bar_row(row.requests.requests, cells);
    }
    let card = card(
        "Target groups",
        &table,
        "Slowest paths by target group",
        shown(ranking).map(|row| (group_name(row), &row.requests)),
    )?;
    let without = ranking.rows.iter().any(|row| row.name.is_none());
    let meaning = "Requests without a target group were redirected, answered by a fixed response, or blocked.";
    Some(
        card.note(note(ranking, "target groups", MAX_ROWS, |row| row.requests.requests))
            .note(if without { meaning } else { "" }),
    )
}

fn group_name(row: &TargetGroup) -> Cell {
    name(row.name.as_deref(), "no target group")
}

/// Returns a card with a table, and the slowest paths of each of its rows.
fn card<'a>(
    title: &str,
    table: &Table,
    summary: &'static str,
    rows: impl Iterator<Item = (Cell, &'a Requests)>,
) -> Option<Card> {
    if table.is_empty() {
        return None;
    }
    let mut heading = vec!["of"];
    heading.extend(PATH_COLUMNS);
    let mut paths = Table::new(summary, &heading);
    for (name, requests) in rows.take(MAX_WITH_PATHS) {
        for path in requests.slowest_paths.iter().take(MAX_PATHS_EACH) {
            let mut cells = path_cells(path);
            cells.insert(0, name.clone());
            paths.row(cells);
        }
    }
    let mut body = Html::default();
    table.write(&mut body);
    if !paths.is_empty() {
        body.element("details", &[], |html| {
            html.leaf("summary", &[], summary);
            paths.write(html);
        });
    }
    Some(Card::new(title, body).wide())
}

const PATH_COLUMNS: [&str; 7] = ["path", "host", "requests", "p50", "p95", "p99", "longest"];

fn path_cells(path: &SlowPath) -> Vec<Cell> {
    let latency = &path.latency;
    let part = format!("/{}", path.part.as_deref().unwrap_or_default());
    let mut cells = vec![
        Cell::Code(part),
        name(path.host.as_deref(), "not logged"),
        Cell::count(latency.count),
    ];
    cells.extend([latency.p50, latency.p95, latency.p99, latency.max].map(|value| seconds(Some(value))));
    cells
}

fn slowest_paths(figures: &Figures) -> Option<Card> {
    let ranking = figures.slowest_paths.as_ref()?;
    let mut table = Table::new("Slowest paths", &PATH_COLUMNS);
    for path in shown(ranking) {
        table.bar_row(micros(path.latency.p95).unwrap_or(0), path_cells(path));
    }
    let least = grouped(MIN_SLOW_REQUESTS);
    let text = format!(
        "By the first part of the path, with the 95th percentile of the targets' latency of at least {least} requests."
    );
    Some(Card::table("Slowest paths", &table)?.wide().note(text).note(note(
        ranking,
        "parts of sites",
        MAX_ROWS,
        |_| MIN_SLOW_REQUESTS,
    )))
}
