//! TLS: protocols, ciphers, key exchanges and failed handshakes.

use super::super::figures::{Figures, Tls};
use super::number::Percent;
use super::part::{Card, Section};
use super::rankings::{MAX_ROWS, name, note, percentiles, shown, table_name};
use super::table::{Cell, Table};

/// Returns the section.
pub(super) fn section(figures: &Figures) -> Section {
    let cards = figures
        .tls
        .as_ref()
        .map(|tls| [protocols(tls), failures(tls), ciphers(tls), key_exchanges(tls)]);
    Section::new("tls", ["TLS"; 2], cards.into_iter().flatten())
}

fn protocols(tls: &Tls) -> Option<Card> {
    let mut table = Table::new("Protocols", &["protocol", "in", "count", "share", "p50", "p90", "p99"]);
    let of_table = |name: &str| {
        let rows = tls.protocols.rows.iter().filter(|row| row.table == name);
        rows.fold(0, |sum: u64, row| sum.saturating_add(row.events))
    };
    for row in shown(&tls.protocols) {
        let protocol = if row.deprecated {
            format!("{} (deprecated)", row.protocol)
        } else {
            row.protocol.clone()
        };
        let mut cells = vec![
            Cell::Code(protocol),
            Cell::Text(table_name(&row.table).to_owned()),
            if row.deprecated {
                Cell::Bad(row.events)
            } else {
                Cell::count(row.events)
            },
            Cell::Share(Percent {
                part: row.events,
                whole: of_table(&row.table),
            }),
        ];
        cells.extend(percentiles(row.handshake.as_ref()));
        table.bar_row(row.events, cells);
    }
    let text = "Shares are those of the log type. p50, p90 and p99 are durations of handshakes.";
    Some(
        Card::table("Protocols", &table)?
            .wide()
            .note(text)
            .note(note(&tls.protocols, "protocols", MAX_ROWS, |row| row.events)),
    )
}

fn ciphers(tls: &Tls) -> Option<Card> {
    let mut table = Table::new("Ciphers", &["cipher", "protocol", "in", "count"]);
    for row in shown(&tls.ciphers) {
        let cells = vec![
            Cell::Code(row.cipher.clone()),
            name(row.protocol.as_deref(), "not logged"),
            Cell::Text(table_name(&row.table).to_owned()),
            Cell::count(row.events),
        ];
        table.bar_row(row.events, cells);
    }
    Some(Card::table("Ciphers", &table)?.note(note(&tls.ciphers, "ciphers", MAX_ROWS, |row| row.events)))
}

fn key_exchanges(tls: &Tls) -> Option<Card> {
    let ranking = tls.key_exchanges.as_ref()?;
    let mut table = Table::new("Key exchanges", &["key exchange", "post-quantum", "in", "connections"]);
    for row in shown(ranking) {
        let cells = vec![
            Cell::Code(row.name.clone()),
            Cell::Text(if row.post_quantum { "yes" } else { "no" }.to_owned()),
            Cell::Text(table_name(&row.table).to_owned()),
            Cell::count(row.connections),
        ];
        table.bar_row(row.connections, cells);
    }
    Some(Card::table("Key exchanges", &table)?.note(note(ranking, "key exchanges", MAX_ROWS, |row| row.connections)))
}

fn failures(tls: &Tls) -> Option<Card> {
    let ranking = tls.failures.as_ref()?;
    let mut table = Table::new("Failed handshakes", &["reason", "load balancer", "in", "connections"]);
    for row in shown(ranking) {
        let cells = vec![
            name(row.reason.as_deref(), "not logged"),
            name(row.load_balancer.as_deref(), "not logged"),
            Cell::Text(table_name(&row.table).to_owned()),
            Cell::Bad(row.connections),
        ];
        table.bar_row(row.connections, cells);
    }
    Some(
        Card::table("Failed handshakes", &table)?
            .wide()
            .note(note(ranking, "reasons", MAX_ROWS, |row| row.connections)),
    )
}
