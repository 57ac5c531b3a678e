//! What the rankings of the page have in common: how many rows are shown, and how exact they are.

use super::super::figures::{Percentiles, Ranking};
use super::number::{Unit, grouped};
use super::table::Cell;

/// The most rows of a ranking that the page shows.
pub(super) const MAX_ROWS: usize = 20;

/// Returns the rows that the page shows.
pub(super) fn shown<T>(ranking: &Ranking<T>) -> impl Iterator<Item = &T> {
    ranking.rows.iter().take(MAX_ROWS)
}

/// Returns how many of the values are shown and how exact their counts are, or nothing if all of them are, exactly.
pub(super) fn note<T>(ranking: &Ranking<T>, what: &str, most: usize, count: fn(&T) -> u64) -> String {
    let rows = ranking.rows.get(..most).unwrap_or(&ranking.rows);
    let shown = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    let mut sentences = Vec::new();
    if ranking.distinct > shown {
        let distinct = grouped(ranking.distinct);
        sentences.push(format!("The first {shown} of {}{distinct} {what}.", about(ranking)));
    }
    if ranking.undercount > 0 {
        sentences.push(format!("A count may be up to {} too low.", grouped(ranking.undercount)));
    }
    // A value that was not counted matters if it could be among the rows.
    let least = rows.iter().map(count).min().unwrap_or(0);
    if ranking.unseen >= least.max(1) {
        let unseen = grouped(ranking.unseen);
        sentences.push(format!(
            "There were too many to count each: one with a count of up to {unseen} may be missing."
        ));
    }
    sentences.join(" ")
}

/// Returns a word before the number of distinct values if that number is an estimate.
pub(super) fn about<T>(ranking: &Ranking<T>) -> &'static str {
    if ranking.unseen > 0 { "about " } else { "" }
}

/// Returns a duration in microseconds.
pub(super) fn micros(seconds: f64) -> Option<u64> {
    let duration = std::time::Duration::try_from_secs_f64(seconds).ok()?;
    // Nearest, because the seconds are binary fractions.
    u64::try_from(duration.as_nanos().saturating_add(500) / 1_000).ok()
}

/// Returns the cell of a duration in seconds.
pub(super) fn seconds(value: Option<f64>) -> Cell {
    Cell::time_span(value.and_then(micros))
}

/// Returns the cells of the median, the 90th and the 99th percentile.
pub(super) fn percentiles(latency: Option<&Percentiles>) -> [Cell; 3] {
    [
        latency.map(|of| of.p50),
        latency.map(|of| of.p90),
        latency.map(|of| of.p99),
    ]
    .map(seconds)
}

/// Returns the cell of a name that may be missing.
pub(super) fn name(text: Option<&str>, missing: &str) -> Cell {
    text.map_or_else(|| Cell::Text(missing.to_owned()), |text| Cell::Code(text.to_owned()))
}

/// Returns the cell of a number of bytes.
pub(super) const fn bytes(count: u64) -> Cell {
    Cell::Number(count, Unit::Bytes)
}

/// Returns what a table counts.
pub(super) fn table_name(table: &str) -> &str {
    match table {
        "alb_access_log" => "ALB requests",
        "alb_connection_log" => "ALB connections",
        "alb_health_check_log" => "ALB health checks",
        "nlb_access_log" => "NLB connections",
        "clb_access_log" => "CLB requests",
        other => other,
    }
}
