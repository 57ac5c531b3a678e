//! The most important figures, at the top of the page.

use super::super::figures::{Figures, Percentiles, Requests};
use super::html::Html;
use super::number::{Percent, Unit, grouped};
use super::rankings::{about, micros};

/// A figure with its name.
struct Tile {
    name: &'static str,
    value: String,
    detail: String,
    is_bad: bool,
}

/// Writes the figures that have data.
pub(super) fn write(figures: &Figures, html: &mut Html) {
    html.element("dl", &[("class", &"tiles")], |html| {
        for tile in tiles(figures) {
            html.element("div", &[("class", &"tile")], |html| {
                html.leaf("dt", &[], tile.name);
                html.leaf("dd", &[("class", &if tile.is_bad { "bad" } else { "" })], tile.value);
                html.leaf("dd", &[("class", &"small")], tile.detail);
            });
        }
    });
    html.line();
}

fn tiles(figures: &Figures) -> Vec<Tile> {
    let mut tiles = Vec::new();
    if let Some(requests) = &figures.requests {
        tiles.extend(request_tiles(requests));
    }
    if let Some(clients) = &figures.clients {
        tiles.push(Tile {
            name: "Clients",
            value: Unit::Count.short(clients.distinct),
            detail: format!("{}{} addresses", about(clients), grouped(clients.distinct)),
            is_bad: false,
        });
    }
    if let Some(timeline) = &figures.timeline {
        let connections = timeline
            .intervals
            .iter()
            .fold(0, |sum: u64, interval| sum.saturating_add(interval.connections));
        if connections > 0 {
            let failed = figures.tls.as_ref().map_or(0, |tls| tls.failed_handshakes);
            tiles.push(Tile {
                name: "Connections",
                value: Unit::Count.short(connections),
                detail: format!("{} failed TLS handshakes", grouped(failed)),
                is_bad: false,
            });
        }
    }
    if let Some(health) = &figures.health {
        tiles.push(Tile {
            name: "Failed checks",
            value: grouped(health.failed),
            detail: format!(
                "of {} health checks, {} transitions",
                grouped(health.checks),
                grouped(health.transitions)
            ),
            is_bad: health.failed > 0,
        });
    }
    tiles.push(quality(figures));
    tiles
}

fn request_tiles(requests: &Requests) -> Vec<Tile> {
    let statuses = &requests.statuses;
    let (target, balancer) = (statuses.target_server_errors, statuses.balancer_server_errors);
    let share = |part| Percent {
        part,
        whole: requests.requests,
    };
    let mut tiles = vec![
        Tile {
            name: "Requests",
            value: Unit::Count.short(requests.requests),
            detail: format!("{} sent", Unit::Bytes.short(requests.sent_bytes)),
            is_bad: false,
        },
        Tile {
            name: "5xx",
            value: share(target.saturating_add(balancer)).to_string(),
            detail: format!("targets {}, load balancers {}", grouped(target), grouped(balancer)),
            is_bad: target.saturating_add(balancer) > 0,
        },
        Tile {
            name: "4xx",
            value: share(statuses.client_errors).to_string(),
            detail: format!("{} requests", grouped(statuses.client_errors)),
            is_bad: false,
        },
    ];
    tiles.extend(requests.latency.as_ref().map(latency_tile));
    tiles
}

fn latency_tile(latency: &Percentiles) -> Tile {
    let text = |seconds| micros(seconds).map_or_else(|| "–".to_owned(), |micros| Unit::Time.short(micros));
    Tile {
        name: "Latency p99",
        value: text(latency.p99),
        detail: format!("p50 {}, p90 {}", text(latency.p50), text(latency.p90)),
        is_bad: false,
    }
}

/// Returns the tile about what was read. It is the last one, and always there.
fn quality(figures: &Figures) -> Tile {
    let read = &figures.read;
    let unread = read
        .failed
        .saturating_add(read.corrupt)
        .saturating_add(u64::try_from(read.unlisted.len()).unwrap_or(0));
    let detail = if unread > 0 {
        "some objects were not read".to_owned()
    } else {
        format!("{} quarantined", grouped(read.quarantined))
    };
    Tile {
        name: "Lines",
        value: Unit::Count.short(read.lines),
        detail,
        is_bad: unread > 0,
    }
}
