//! TLS: protocols, ciphers, key exchanges and failed handshakes.

use std::collections::BTreeMap;

use crate::formats::LogType;
use crate::report::figures::{self, HandshakeFailure, KeyExchange, Ranking, TlsCipher, TlsProtocol};
use crate::report::sketch::{Durations, KeyBuffer, Top, texts_of};

use super::columns::Columns;
use super::timeline::Timeline;
use super::{MAX_ROWS, Rows};

/// The maximum number of distinct values of each kind.
const CAPACITY: usize = 1_024;

/// Protocols older than TLS 1.2, as the logs of the three kinds of load balancers write them. The queries
/// `deprecated_protocols.sql` list the same.
const DEPRECATED: [&str; 8] = [
    "TLSv1.1", "TLSv1", "SSLv3", "SSLv2", "tlsv11", "tlsv1", "tlsv10", "sslv3",
];

/// TLS.
pub(super) struct Tls {
    /// By table, protocol and cipher.
    sessions: Top<Durations>,
    /// By table and name.
    key_exchanges: Top<()>,
    /// By table, load balancer and reason.
    failures: Top<()>,
    failed: u64,
    buffer: KeyBuffer,
}

impl Tls {
    pub(super) const fn new() -> Self {
        Self {
            sessions: Top::new(CAPACITY),
            key_exchanges: Top::new(CAPACITY),
            failures: Top::new(CAPACITY),
            failed: 0,
            buffer: KeyBuffer::new(),
        }
    }

    /// Adds requests of Application and Classic Load Balancers.
    pub(super) fn add_requests(&mut self, rows: Rows<'_>, columns: Columns<'_>) {
        let [protocol, cipher] = ["ssl_protocol", "ssl_cipher"].map(|name| columns.texts(name));
        for (row, _) in rows.all() {
            self.add(rows.table, (protocol.get(row), cipher.get(row)), None);
        }
    }

    /// Adds connections to Application Load Balancers.
    pub(super) fn add_connections(&mut self, columns: Columns<'_>, times: &[i64], timeline: &mut Timeline) {
        let table = LogType::AlbConnection.table();
        let [protocol, cipher, key_exchange, status, load_balancer] = [
            "tls_protocol",
            "tls_cipher",
            "tls_keyexchange",
            "tls_verify_status",
            "elb",
        ]
        .map(|name| columns.texts(name));
        let latency = columns.floats("tls_handshake_latency");
        for (row, time) in times.iter().enumerate() {
            let slot = timeline.at(*time);
            slot.volume.connections += 1;
            if let Some(failure) = status.get(row).and_then(|status| status.strip_prefix(b"Failed:")) {
                slot.failed_handshakes += 1;
                let reason = failure.split(|byte| *byte == b':').next();
                self.add_failure(table, load_balancer.get(row), reason);
            }
            self.add(table, (protocol.get(row), cipher.get(row)), latency.get(row));
            if let Some(name) = key_exchange.get(row) {
                self.add_key_exchange(table, name);
            }
        }
    }

    /// Adds connections to Network Load Balancers. They are in the timeline already.
    pub(super) fn add_nlb(&mut self, rows: Rows<'_>, columns: Columns<'_>, timeline: &mut Timeline) {
        let [protocol, cipher, key_exchange, alert, load_balancer] = [
            "tls_protocol_version",
            "tls_cipher",
            "tls_keyexchange",
            "incoming_tls_alert",
            "elb",
        ]
        .map(|name| columns.texts(name));
        let milliseconds = columns.long_integers("tls_handshake_time");
        for (row, event) in rows.all() {
            let handshake = milliseconds.get(row);
            // As in `failed_handshakes.sql`.
            if handshake.is_none() && cipher.get(row).is_none() {
                timeline.at(event.time).failed_handshakes += 1;
                self.add_failure(rows.table, load_balancer.get(row), alert.get(row));
            }
            let seconds = handshake
                .and_then(|handshake| i32::try_from(handshake).ok())
                .map(|ms| f64::from(ms) / 1e3);
            self.add(rows.table, (protocol.get(row), cipher.get(row)), seconds);
            if let Some(name) = key_exchange.get(row) {
                self.add_key_exchange(rows.table, name);
            }
        }
    }

    /// Adds a request or a connection.
    #[inline]
    fn add(&mut self, table: &'static str, (protocol, cipher): (Option<&[u8]>, Option<&[u8]>), handshake: Option<f64>) {
        if protocol.is_none() && cipher.is_none() {
            return;
        }
        let key = self.buffer.key(&[Some(table.as_bytes()), protocol, cipher]);
        let sessions = &mut self.sessions.count(key).value;
        if let Some(seconds) = handshake {
            sessions.add(seconds);
        }
    }

    fn add_key_exchange(&mut self, table: &'static str, name: &[u8]) {
        self.key_exchanges
            .count(self.buffer.key(&[Some(table.as_bytes()), Some(name)]));
    }

    fn add_failure(&mut self, table: &'static str, load_balancer: Option<&[u8]>, reason: Option<&[u8]>) {
        self.failed += 1;
        self.failures
            .count(self.buffer.key(&[Some(table.as_bytes()), load_balancer, reason]));
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.sessions.merge(other.sessions);
        self.key_exchanges.merge(other.key_exchanges);
        self.failures.merge(other.failures);
        self.failed += other.failed;
    }

    /// Returns the figures, if there is any TLS.
    pub(super) fn figures(&self) -> Option<figures::Tls> {
        if self.sessions.is_empty() && self.failed == 0 {
            return None;
        }
        let key_exchanges = self.key_exchanges.ranking(MAX_ROWS, |entry| {
            let [table, name] = texts_of(&entry.key);
            let name = name.unwrap_or_default();
            KeyExchange {
                table: table.unwrap_or_default(),
                // As in the queries `post_quantum_share.sql`.
                post_quantum: name.to_ascii_lowercase().contains("mlkem"),
                name,
                connections: entry.count,
            }
        });
        let failures = self.failures.ranking(MAX_ROWS, |entry| {
            let [table, load_balancer, reason] = texts_of(&entry.key);
            HandshakeFailure {
                table: table.unwrap_or_default(),
                load_balancer,
                reason,
                connections: entry.count,
            }
        });
        Some(figures::Tls {
            protocols: self.protocols(),
            ciphers: self.ciphers(),
            key_exchanges,
            failed_handshakes: self.failed,
            failures,
        })
    }

    fn protocols(&self) -> Ranking<TlsProtocol> {
        let mut protocols: BTreeMap<[String; 2], (u64, u64, Durations)> = BTreeMap::new();
        for entry in self.sessions.entries() {
            if let [Some(table), Some(protocol)] = texts_of(&entry.key) {
                let (events, missed, handshakes) = protocols.entry([table, protocol]).or_default();
                *events += entry.count;
                *missed += entry.missed();
                handshakes.merge(&entry.value);
            }
        }
        let distinct = protocols.len() as u64;
        let mut protocols: Vec<_> = protocols.into_iter().collect();
        protocols.sort_by_key(|(_, (events, _, _))| std::cmp::Reverse(*events));
        protocols.truncate(MAX_ROWS);
        Ranking {
            distinct,
            undercount: protocols.iter().map(|(_, (_, missed, _))| *missed).max().unwrap_or(0),
            unseen: self.sessions.unseen(),
            rows: protocols
                .into_iter()
                .map(|([table, protocol], (events, _, handshakes))| TlsProtocol {
                    table,
                    deprecated: DEPRECATED.contains(&protocol.as_str()),
                    protocol,
                    events,
                    handshake: handshakes.percentiles(),
                })
                .collect(),
        }
    }

    fn ciphers(&self) -> Ranking<TlsCipher> {
        let ciphers = self.sessions.ranking_by(
            MAX_ROWS,
            |entry| {
                let [_, _, cipher] = texts_of(&entry.key);
                cipher.map(|_| entry.count)
            },
            |entry| {
                let [table, protocol, cipher] = texts_of(&entry.key);
                TlsCipher {
                    table: table.unwrap_or_default(),
                    protocol,
                    cipher: cipher.unwrap_or_default(),
                    events: entry.count,
                }
            },
        );
        ciphers.unwrap_or(Ranking {
            rows: Vec::new(),
            distinct: 0,
            undercount: 0,
            unseen: 0,
        })
    }
}
