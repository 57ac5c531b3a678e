//! Charts over time.

use super::super::figures::{Figures, Interval, Percentiles, Timeline};
use super::chart::{Chart, Series, Shape, width_text};
use super::html::Html;
use super::number::Unit;
use super::part::{Card, Section};
use super::rankings::micros;

/// Returns the section with the charts.
pub(super) fn section(figures: &Figures) -> Section {
    let cards = figures.timeline.as_ref().map(cards).unwrap_or_default();
    Section::new("time", ["Over time"; 2], cards)
}

fn cards(timeline: &Timeline) -> Vec<Option<Card>> {
    let title = |what: &str| format!("{what} per {}", width_text(width(timeline)));
    vec![
        card(
            timeline,
            "requests",
            title("Requests"),
            Unit::Count,
            Shape::Columns,
            requests(timeline),
        )
        .map(Card::wide),
        card(
            timeline,
            "errors",
            title("Errors"),
            Unit::Count,
            Shape::Columns,
            errors(timeline),
        ),
        card(
            timeline,
            "latency",
            title("Latency of targets"),
            Unit::Time,
            Shape::Lines,
            latency(timeline),
        )
        .map(|card| card.note("From sending the request to the target until the response's first header.")),
        card(
            timeline,
            "bytes",
            title("Bytes transferred"),
            Unit::Bytes,
            Shape::Columns,
            transferred(timeline),
        ),
        card(
            timeline,
            "connections",
            title("Connections"),
            Unit::Count,
            Shape::Columns,
            connections(timeline),
        ),
        card(
            timeline,
            "checks",
            title("Health checks"),
            Unit::Count,
            Shape::Columns,
            checks(timeline),
        ),
    ]
}

fn width(timeline: &Timeline) -> i64 {
    i64::try_from(timeline.interval_seconds.saturating_mul(1_000_000)).unwrap_or(i64::MAX)
}

/// Returns a card with a chart, unless it has no data.
fn card(
    timeline: &Timeline,
    id: &'static str,
    title: String,
    unit: Unit,
    shape: Shape,
    series: Vec<Series>,
) -> Option<Card> {
    let has_data = |series: &Series| series.values.iter().any(|value| value.is_some_and(|value| value > 0));
    let series: Vec<Series> = series.into_iter().filter(has_data).collect();
    if series.is_empty() {
        return None;
    }
    let chart = Chart {
        id,
        title: title.clone(),
        unit,
        shape,
        start: timeline.intervals.first().map_or(0, |interval| interval.start.micros()),
        width: width(timeline),
        series,
    };
    let mut body = Html::default();
    chart.write(&mut body);
    Some(Card::new(title, body))
}

fn counts(timeline: &Timeline, name: &'static str, class: &'static str, of: fn(&Interval) -> u64) -> Series {
    let values = timeline.intervals.iter().map(|interval| Some(of(interval))).collect();
    Series { name, class, values }
}

fn requests(timeline: &Timeline) -> Vec<Series> {
    vec![
        counts(timeline, "2xx", "ok", |interval| interval.statuses.successful),
        counts(timeline, "3xx", "redirect", |interval| interval.statuses.redirection),
        counts(timeline, "1xx", "info", |interval| interval.statuses.informational),
        counts(timeline, "no status", "info", |interval| interval.statuses.other),
        counts(timeline, "4xx", "client", |interval| interval.statuses.client_errors),
        counts(timeline, "5xx of targets", "target", |interval| {
            interval.statuses.target_server_errors
        }),
        counts(timeline, "5xx of load balancers", "balancer", |interval| {
            interval.statuses.balancer_server_errors
        }),
    ]
}

fn errors(timeline: &Timeline) -> Vec<Series> {
    vec![
        counts(timeline, "5xx of load balancers", "balancer", |interval| {
            interval.statuses.balancer_server_errors
        }),
        counts(timeline, "5xx of targets", "target", |interval| {
            interval.statuses.target_server_errors
        }),
        counts(timeline, "4xx", "client", |interval| interval.statuses.client_errors),
    ]
}

fn latency(timeline: &Timeline) -> Vec<Series> {
    let series = |name, class, of: fn(&Percentiles) -> f64| {
        let value = |interval: &Interval| interval.latency.as_ref().and_then(|latency| micros(of(latency)));
        let values = timeline.intervals.iter().map(value).collect();
        Series { name, class, values }
    };
    vec![
        series("p99", "high", |latency| latency.p99),
        series("p90", "middle", |latency| latency.p90),
        series("p50", "low", |latency| latency.p50),
    ]
}

fn transferred(timeline: &Timeline) -> Vec<Series> {
    vec![
        counts(timeline, "sent to clients", "sent", |interval| interval.sent_bytes),
        counts(timeline, "received", "received", |interval| interval.received_bytes),
    ]
}

fn connections(timeline: &Timeline) -> Vec<Series> {
    vec![
        counts(timeline, "failed TLS handshakes", "balancer", |interval| {
            interval.failed_handshakes
        }),
        counts(timeline, "other connections", "ok", |interval| {
            interval.connections.saturating_sub(interval.failed_handshakes)
        }),
    ]
}

fn checks(timeline: &Timeline) -> Vec<Series> {
    vec![
        counts(timeline, "failed", "balancer", |interval| interval.failed_health_checks),
        counts(timeline, "passed", "ok", |interval| {
            interval.health_checks.saturating_sub(interval.failed_health_checks)
        }),
    ]
}
