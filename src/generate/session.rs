//! TLS sessions of a Network Load Balancer.

use super::connection::Connection;
use super::record::{Record, Write};
use super::rng::Rng;
use super::text;
use super::world::World;

/// The protocols that clients offer, and the one that is selected.
static OFFERS: [(u64, (&str, &str)); 6] = [
    (420, ("\"h2\",\"http/1.1\"", "h2")),
    (200, ("\"http/1.1\"", "http/1.1")),
    (250, ("-", "-")),
    (60, ("\"h2\",\"http/1.1\",\"http/1.0\"", "h2")),
    (40, ("\"h2\"", "h2")),
    (30, ("\"mqtt\",\"x-example-mqtt-ca\"", "-")),
];

/// A TLS session.
#[derive(Debug)]
pub(super) struct Session {
    connection: Connection,
    /// The duration in milliseconds.
    lasted: u64,
    bytes: (u64, u64),
    alert: &'static str,
    offer: (&'static str, &'static str),
    back: &'static str,
    domain: &'static str,
    port: u64,
}

impl Session {
    /// Returns the start of the session. Its line is written when the session ends, so its time is the end.
    const fn created(&self) -> u64 {
        self.connection.opened - self.lasted * 1000
    }

    /// Writes a value, or `-` if the handshake failed.
    fn negotiated(&self, out: &mut Vec<u8>, value: &[u8]) {
        out.extend_from_slice(if self.connection.usable { value } else { b"-" });
    }
}

impl Record for Session {
    const VALUES: &'static [(&'static str, Write<Self>)] = &[
        ("type", |_, _, out| out.extend_from_slice(b"tls")),
        ("version", |_, _, out| out.extend_from_slice(b"2.0")),
        ("time", |session, _, out| text::time_of_seconds(out, session.time())),
        ("elb", |_, world, out| out.extend_from_slice(world.elb.as_bytes())),
        ("listener", |_, world, out| {
            text::hex(out, world.seed.rotate_left(23) ^ 0x5bd1_e995_9e37_79b9, 16);
        }),
        ("client:port", |session, _, out| {
            session.connection.client.address(out);
            out.push(b':');
            text::number(out, session.connection.port);
        }),
        ("destination:port", |session, _, out| {
            out.extend_from_slice(b"10.0.4.17:");
            text::number(out, session.port);
        }),
        ("connection_time", |session, _, out| text::number(out, session.lasted)),
        ("tls_handshake_time", |session, _, out| {
            match session.connection.handshake {
                Some(handshake) => text::number(out, handshake / 1000),
                None => out.push(b'-'),
            }
        }),
        ("received_bytes", |session, _, out| text::number(out, session.bytes.0)),
        ("sent_bytes", |session, _, out| text::number(out, session.bytes.1)),
        ("incoming_tls_alert", |session, _, out| {
            out.extend_from_slice(session.alert.as_bytes());
        }),
        ("chosen_cert_arn", |session, world, out| {
            session.negotiated(out, world.certificates.first().map_or(b"-", |arn| arn.as_bytes()));
        }),
        ("chosen_cert_serial", |_, _, out| out.push(b'-')),
        ("tls_cipher", |session, _, out| {
            session.connection.negotiated(|tls| tls.cipher, out);
        }),
        ("tls_protocol_version", |session, _, out| {
            // This log writes tlsv12, the others TLSv1.2.
            let name = session.connection.tls.map_or("-", |tls| tls.protocol);
            out.extend(
                name.bytes()
                    .filter(|byte| *byte != b'.')
                    .map(|byte| byte.to_ascii_lowercase()),
            );
        }),
        ("tls_keyexchange", |session, _, out| {
            session.connection.negotiated(|tls| tls.key_exchange, out);
        }),
        ("domain_name", |session, _, out| {
            session.negotiated(out, session.domain.as_bytes());
        }),
        ("alpn_fe_protocol", |session, _, out| {
            session.negotiated(out, session.offer.1.as_bytes());
        }),
        ("alpn_be_protocol", |session, _, out| {
            session.negotiated(out, session.back.as_bytes());
        }),
        ("alpn_client_preference_list", |session, _, out| {
            session.negotiated(out, session.offer.0.as_bytes());
        }),
        ("tls_connection_creation_time", |session, _, out| {
            text::time_of_seconds(out, session.created());
        }),
    ];

    fn draw(world: &World, number: u64, rng: &mut Rng) -> Self {
        let mut connection = Connection::of(world, number);
        if connection.tls.is_none() && connection.usable {
            // Only TLS listeners write logs: for a client without TLS, the handshake failed.
            connection.usable = false;
        }
        if !connection.usable {
            connection.tls = None;
        }
        let offer = rng.weighted(&OFFERS);
        let domain = [
            (600, "mqtt.example.com"),
            (300, "edge.example.com"),
            (80, "-"),
            (20, "b%C3%BCcher.example.com"),
        ];
        let usable = connection.usable;
        Self {
            connection,
            lasted: if usable { rng.skewed(40_000) } else { 0 },
            bytes: if usable {
                (90 + rng.skewed(60_000), 200 + rng.skewed(4_000_000))
            } else {
                (0, 0)
            },
            alert: if usable {
                rng.weighted(&[(960, "-"), (20, "close_notify"), (20, "certificate_unknown")])
            } else {
                "-"
            },
            offer,
            back: if rng.chance(600) { offer.1 } else { "-" },
            domain: rng.weighted(&domain),
            port: rng.weighted(&[(8, 443), (2, 8883)]),
        }
    }

    fn time(&self) -> u64 {
        self.connection.opened
    }
}
