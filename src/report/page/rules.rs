//! What the load balancers did themselves: actions of rules, redirects, AWS WAF, authentication, and their own errors.

use super::super::figures::{Authentication, Figures, OwnError, Waf};
use super::number::Percent;
use super::part::{Card, Section};
use super::rankings::{MAX_ROWS, note, shown};
use super::table::{Cell, Table};

/// The most causes of an error that the page shows.
const MAX_CAUSES: usize = 4;

/// Returns the section about errors that load balancers made.
pub(super) fn own_errors(figures: &Figures) -> Section {
    Section::new(
        "errors",
        ["Load balancer errors", "Errors that load balancers made"],
        [errors(figures), error_reasons(figures)],
    )
}

fn errors(figures: &Figures) -> Option<Card> {
    let ranking = figures.own_errors.as_ref()?;
    let mut table = Table::new("Errors that load balancers made", &["status", "requests", "cause"]);
    for row in shown(ranking) {
        let cells = vec![
            Cell::Explained(row.status.to_string(), row.meaning.clone().unwrap_or_default()),
            Cell::count(row.requests),
            Cell::Text(causes(row)),
        ];
        table.bar_row(row.requests, cells);
    }
    let text = "No target made these responses: either none answered, or no target received the request.";
    Some(
        Card::table("4xx and 5xx by status code", &table)?
            .wide()
            .note(text)
            .note(note(ranking, "status codes", MAX_ROWS, |row| row.requests)),
    )
}

/// Returns the causes of an error, with their counts if there are several.
fn causes(error: &OwnError) -> String {
    let text = |reason: &Option<String>, action: &Option<String>| match (reason, action) {
        (Some(reason), Some(action)) => format!("{reason} (action {action})"),
        (Some(reason), None) => reason.clone(),
        (None, Some(action)) => format!("action {action}"),
        (None, None) => "no action".to_owned(),
    };
    let is_only = error.causes.len() == 1;
    let mut parts: Vec<String> = error
        .causes
        .iter()
        .take(MAX_CAUSES)
        .map(|cause| {
            let text = text(&cause.reason, &cause.last_action);
            if is_only {
                text
            } else {
                format!("{text}: {}", super::number::grouped(cause.requests))
            }
        })
        .collect();
    if error.causes.len() > MAX_CAUSES {
        parts.push(format!("{} more", error.causes.len() - MAX_CAUSES));
    }
    parts.join(", ")
}

fn error_reasons(figures: &Figures) -> Option<Card> {
    let ranking = figures.error_reasons.as_ref()?;
    let mut table = Table::new("Error reasons", &["reason", "status", "requests"]);
    for row in shown(ranking) {
        let status = row
            .status
            .map_or(Cell::Missing, |status| Cell::Code(status.to_string()));
        table.bar_row(
            row.requests,
            vec![Cell::Code(row.reason.clone()), status, Cell::count(row.requests)],
        );
    }
    let text = "Why authentication, Lambda targets, AWS WAF and rewrites failed.";
    Some(
        Card::table("Error reasons", &table)?
            .note(text)
            .note(note(ranking, "reasons", MAX_ROWS, |row| row.requests)),
    )
}

/// Returns the section about the actions of rules.
pub(super) fn section(figures: &Figures) -> Section {
    Section::new(
        "rules",
        ["Actions", "Actions, redirects, AWS WAF and authentication"],
        [
            actions(figures),
            redirects(figures),
            figures.waf.as_ref().and_then(waf),
            figures.authentication.as_ref().and_then(authentication),
        ],
    )
}

fn actions(figures: &Figures) -> Option<Card> {
    let ranking = figures.actions.as_ref()?;
    let mut table = Table::new("Actions", &["action", "requests", "below 400", "4xx", "5xx"]);
    for row in shown(ranking) {
        let cells = vec![
            Cell::Code(row.action.clone()),
            Cell::count(row.requests),
            Cell::count(row.fine),
            Cell::count(row.client_errors),
            Cell::Bad(row.server_errors),
        ];
        table.bar_row(row.requests, cells);
    }
    Some(
        Card::table("Actions", &table)?
            .note("A request has one action or more.")
            .note(note(ranking, "actions", MAX_ROWS, |row| row.requests)),
    )
}

fn redirects(figures: &Figures) -> Option<Card> {
    let ranking = figures.redirects.as_ref()?;
    let mut table = Table::new("Redirects", &["status", "by", "requests"]);
    for row in shown(ranking) {
        let by = if row.by_load_balancer {
            "load balancer"
        } else {
            "target"
        };
        let cells = vec![
            Cell::Code(row.status.to_string()),
            Cell::Text(by.to_owned()),
            Cell::count(row.requests),
        ];
        table.bar_row(row.requests, cells);
    }
    Some(Card::table("Responses with 3xx", &table)?.note(note(ranking, "kinds", MAX_ROWS, |row| row.requests)))
}

/// Returns a card with outcomes and their shares of all requests of the kind.
fn outcomes(title: &'static str, whole: u64, rows: &[(&str, u64, bool)]) -> Option<Card> {
    let mut table = Table::new(title, &["outcome", "requests", "share"]);
    for (outcome, count, is_bad) in rows {
        let number = if *is_bad {
            Cell::Bad(*count)
        } else {
            Cell::count(*count)
        };
        let share = Cell::Share(Percent { part: *count, whole });
        table.bar_row(*count, vec![Cell::Text((*outcome).to_owned()), number, share]);
    }
    Card::table(title, &table).filter(|_| whole > 0)
}

fn waf(waf: &Waf) -> Option<Card> {
    let Waf {
        evaluated,
        blocked,
        failed,
    } = *waf;
    let rows = [
        ("evaluated, not blocked", evaluated.saturating_sub(blocked), false),
        ("blocked", blocked, false),
        ("not evaluated: WAF failed", failed, true),
    ];
    outcomes("AWS WAF", evaluated.saturating_add(failed), &rows)
}

fn authentication(of: &Authentication) -> Option<Card> {
    let rows = [
        ("authenticated", of.passed, false),
        ("sent to log in", of.sent_to_log_in, false),
        ("refused or failed", of.failed, true),
    ];
    outcomes("Authentication", of.requests, &rows)
}
