//! Health checks: targets and their transitions.

use super::super::figures::{Figures, Health, HealthTarget};
use super::number::{Percent, grouped};
use super::part::{Card, Section};
use super::rankings::{MAX_ROWS, name, note, seconds, shown};
use super::table::{Cell, Table};
use super::time_axis::Form;

/// The most reasons of a target's failures that the page shows.
const MAX_REASONS: usize = 3;

/// Returns the section.
pub(super) fn section(figures: &Figures) -> Section {
    let cards = figures
        .health
        .as_ref()
        .map(|health| [targets(health), transitions(health)]);
    Section::new("health", ["Health checks"; 2], cards.into_iter().flatten())
}

fn targets(health: &Health) -> Option<Card> {
    let heading = [
        "target",
        "target group",
        "checks",
        "failed",
        "share",
        "reasons",
        "transitions",
        "last failure",
        "p50",
        "p99",
    ];
    let mut table = Table::new("Health checks by target", &heading);
    for row in shown(&health.targets) {
        let cells = vec![
            name(row.target.as_deref(), "not logged"),
            name(row.target_group.as_deref(), "not logged"),
            Cell::count(row.checks),
            Cell::Bad(row.failed),
            Cell::Share(Percent {
                part: row.failed,
                whole: row.checks,
            }),
            Cell::Text(reasons(row)),
            Cell::count(row.transitions),
            row.last_failure
                .map_or(Cell::Missing, |time| Cell::Time(time.micros(), Form::Second)),
            seconds(row.latency.as_ref().map(|latency| latency.p50)),
            seconds(row.latency.as_ref().map(|latency| latency.p99)),
        ];
        table.bar_row(row.failed, cells);
    }
    let text = "p50 and p99 are durations of the checks that passed.";
    Some(
        Card::table("Targets", &table)?
            .wide()
            .note(text)
            .note(note(&health.targets, "targets", MAX_ROWS, |row| row.failed)),
    )
}

fn reasons(target: &HealthTarget) -> String {
    let reasons = target.reasons.iter().take(MAX_REASONS).map(|reason| {
        let name = reason.reason.as_deref().unwrap_or("not logged");
        format!("{name}: {}", grouped(reason.failed))
    });
    reasons.collect::<Vec<_>>().join(", ")
}

fn transitions(health: &Health) -> Option<Card> {
    let heading = ["time", "target", "target group", "from", "to", "reason", "node"];
    let mut table = Table::new("Transitions", &heading);
    for row in health.latest_transitions.iter().take(MAX_ROWS) {
        table.row(vec![
            Cell::Time(row.time.micros(), Form::Second),
            name(row.target.as_deref(), "not logged"),
            name(row.target_group.as_deref(), "not logged"),
            Cell::Text(row.before.clone()),
            Cell::Text(row.after.clone()),
            Cell::Text(row.reason.clone().unwrap_or_default()),
            name(row.node.as_deref(), "not logged"),
        ]);
    }
    let shown = health.latest_transitions.len().min(MAX_ROWS);
    let all = usize::try_from(health.transitions).unwrap_or(usize::MAX);
    let text = if shown < all {
        format!("The latest {shown} of {}. ", grouped(health.transitions))
    } else {
        String::new()
    };
    let nodes = "Each node of a load balancer checks on its own, so a transition is what one node saw.";
    Some(Card::table("Transitions", &table)?.wide().note(text + nodes))
}
