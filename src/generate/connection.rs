//! Connections: the clients, the results of TLS negotiation, and the lines of the connection log.

use super::pools::{AGENTS, EARLY_AGENTS};
use super::record::{Record, Write, validity};
use super::rng::{Rng, Stream};
use super::text;
use super::world::World;

/// A client of the pool from which the traffic comes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Client {
    number: u64,
    bits: u64,
    v6: bool,
}

/// The number of clients.
const CLIENTS: u64 = 3000;

impl Client {
    fn of(world: &World, number: u64) -> Self {
        let mut rng = Rng::of(world.seed, Stream::Client, number);
        Self {
            number,
            v6: rng.chance(60),
            bits: rng.next(),
        }
    }

    /// Returns the client's browser or program, which is the same for all its connections.
    pub(super) fn agent(self, world: &World) -> &'static str {
        let agents = if world.modern {
            AGENTS.as_slice()
        } else {
            EARLY_AGENTS.as_slice()
        };
        Rng::of(world.seed, Stream::Agent, self.number).weighted(agents)
    }

    /// Writes the client's address. The documentation networks are too small for a pool of this size, so most addresses are
    /// in 198.18.0.0/15, which is reserved for benchmarks (RFC 2544).
    pub(super) fn address(self, out: &mut Vec<u8>) {
        if self.v6 {
            out.extend_from_slice(b"2001:db8:");
            text::hex(out, 0x4000 | (self.number & 0xFFF), 4);
            for group in 0..5 {
                out.push(b':');
                // The load balancer writes no leading zeros.
                text::hex(out, 0x1000 | ((self.bits >> (12 * group)) & 0x0FFF), 4);
            }
            return;
        }
        let network: &[u8] = match self.bits & 15 {
            0 => b"192.0.2.",
            1 => b"198.51.100.",
            2 => b"203.0.113.",
            _ => b"198.",
        };
        out.extend_from_slice(network);
        if network == b"198." {
            text::number(out, 18 + ((self.bits >> 4) & 1));
            out.push(b'.');
            text::number(out, (self.bits >> 16) & 0xFF);
            out.push(b'.');
        }
        text::number(out, 1 + ((self.bits >> 24) % 254));
    }
}

/// The result of a TLS negotiation.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tls {
    pub(super) protocol: &'static str,
    pub(super) cipher: &'static str,
    pub(super) key_exchange: &'static str,
}

const fn tls(protocol: &'static str, cipher: &'static str, key_exchange: &'static str) -> Tls {
    Tls {
        protocol,
        cipher,
        key_exchange,
    }
}

/// What current clients negotiate.
static MODERN: [(u64, Tls); 9] = [
    (420, tls("TLSv1.3", "TLS_AES_128_GCM_SHA256", "X25519MLKEM768")),
    (310, tls("TLSv1.3", "TLS_AES_128_GCM_SHA256", "x25519")),
    (50, tls("TLSv1.3", "TLS_AES_256_GCM_SHA384", "secp256r1")),
    (20, tls("TLSv1.3", "TLS_CHACHA20_POLY1305_SHA256", "x25519")),
    (110, tls("TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256", "secp256r1")),
    (50, tls("TLSv1.2", "ECDHE-ECDSA-AES256-GCM-SHA384", "secp384r1")),
    (20, tls("TLSv1.2", "ECDHE-RSA-AES256-SHA384", "secp256r1")),
    (8, tls("TLSv1.1", "ECDHE-RSA-AES128-SHA", "secp256r1")),
    (12, tls("TLSv1", "AES128-SHA", "-")),
];

/// What clients negotiated before load balancers supported TLS 1.3.
static EARLY: [(u64, Tls); 5] = [
    (700, tls("TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256", "secp256r1")),
    (190, tls("TLSv1.2", "ECDHE-RSA-AES256-GCM-SHA384", "secp256r1")),
    (60, tls("TLSv1.2", "ECDHE-RSA-AES128-SHA256", "secp256r1")),
    (20, tls("TLSv1.1", "ECDHE-RSA-AES128-SHA", "secp256r1")),
    (30, tls("TLSv1", "ECDHE-RSA-AES128-SHA", "secp256r1")),
];

/// The reasons of failed handshakes with a client certificate.
static FAILURES: [(u64, &str); 5] = [
    (4, "Failed:ClientCertUntrusted"),
    (3, "Failed:ClientCertExpired"),
    (1, "Failed:ClientCertMaxChainDepthExceeded"),
    (1, "Failed:ClientCertCrlHit"),
    (1, "Failed:ClientCertNotYetValid"),
];

/// The subjects of client certificates.
static SUBJECTS: [&str; 6] = [
    "CN=till-014.example.com,OU=Stores,O=Example Retail,L=Leipzig,C=DE",
    "CN=till-022.example.com,OU=Stores,O=Example Retail,L=Leipzig,C=DE",
    "CN=till-107.example.com,OU=Stores,O=Example Retail,L=Porto,C=PT",
    "CN=warehouse-scanner,OU=Logistics,O=Example Retail,C=NL",
    "CN=partner-feed,O=Example Partner Ltd,L=Leeds,ST=West Yorkshire,C=GB",
    "CN=monitor.example.org,O=Example Org",
];

/// A connection of a client to a node.
#[derive(Debug, Clone, Copy)]
pub(super) struct Connection {
    pub(super) opened: u64,
    pub(super) client: Client,
    pub(super) port: u64,
    pub(super) listener: u64,
    /// The result of the negotiation; none for plain HTTP, and if the handshake failed early.
    pub(super) tls: Option<Tls>,
    /// The duration of the handshake in microseconds, if it succeeded.
    pub(super) handshake: Option<u64>,
    /// The subject and the serial number of the client's certificate.
    certificate: Option<(&'static str, u64)>,
    status: &'static str,
    trace: (u64, u64),
    /// Whether requests follow: on plain HTTP, or after a successful handshake.
    pub(super) usable: bool,
    /// A random number for choices that are the same for all requests of the connection.
    pub(super) habit: u64,
}

impl Connection {
    /// Returns the connection of that number, which is the same in every log of the node.
    pub(super) fn of(world: &World, number: u64) -> Self {
        let mut rng = Rng::of(world.node_seed, Stream::Connection, number);
        // Some clients connect often, most of them once.
        let regular = rng.chance(400);
        let client = Client::of(
            world,
            if regular {
                rng.skewed(CLIENTS)
            } else {
                rng.below(CLIENTS)
            },
        );
        let mut connection = Self {
            opened: world.start + number * world.step + rng.below(2000),
            client,
            port: rng.range(1024, 65_535),
            listener: 80,
            tls: None,
            handshake: None,
            certificate: None,
            status: "-",
            trace: (rng.next(), rng.next()),
            usable: true,
            habit: rng.next(),
        };
        if rng.chance(920) {
            connection.shake_hands(world, &mut rng, number);
        }
        connection
    }

    fn shake_hands(&mut self, world: &World, rng: &mut Rng, number: u64) {
        let mutual = rng.chance(60);
        self.listener = if mutual { 8443 } else { 443 };
        self.tls = Some(rng.weighted(if world.modern { &MODERN } else { &EARLY }));
        let slow = if rng.chance(15) {
            rng.range(1_000_000, 9_000_000)
        } else {
            0
        };
        self.handshake = Some(slow + 2000 + rng.skewed(180_000));
        self.status = "Success";
        if mutual {
            self.certificate = Some((rng.pick(&SUBJECTS), rng.next()));
        }
        // The first connection of a log always succeeds, so requests have at least one connection.
        if number > 0 && rng.chance(if mutual { 180 } else { 20 }) {
            self.usable = false;
            self.handshake = None;
            if mutual {
                self.status = rng.weighted(&FAILURES);
            } else {
                self.status = "Failed:UnmappedConnectionError";
                self.tls = None;
            }
        }
    }

    /// Writes the identifier that joins access and connection logs.
    pub(super) fn trace_id(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"TID_");
        text::hex(out, self.trace.0, 16);
        text::hex(out, self.trace.1, 16);
    }

    /// Writes one of the negotiated values, or `-` if there was no handshake.
    pub(super) fn negotiated(&self, part: impl Fn(Tls) -> &'static str, out: &mut Vec<u8>) {
        out.extend_from_slice(self.tls.map_or("-", part).as_bytes());
    }
}

impl Record for Connection {
    const VALUES: &'static [(&'static str, Write<Self>)] = &[
        ("timestamp", |connection, _, out| text::time(out, connection.opened)),
        ("client_ip", |connection, _, out| connection.client.address(out)),
        ("client_port", |connection, _, out| text::number(out, connection.port)),
        ("listener_port", |connection, _, out| {
            text::number(out, connection.listener);
        }),
        ("tls_protocol", |connection, _, out| {
            connection.negotiated(|tls| tls.protocol, out);
        }),
        ("tls_cipher", |connection, _, out| {
            connection.negotiated(|tls| tls.cipher, out);
        }),
        ("tls_handshake_latency", |connection, _, out| {
            match connection.handshake {
                Some(latency) => text::millis(out, latency),
                None => out.push(b'-'),
            }
        }),
        ("leaf_client_cert_subject", |connection, _, out| {
            out.extend_from_slice(connection.certificate.map_or("-", |(subject, _)| subject).as_bytes());
        }),
        ("leaf_client_cert_validity", |connection, world, out| {
            match connection.certificate {
                Some((subject, _)) => validity(out, world.start - (subject.len() as u64 % 5) * 30 * text::DAY),
                None => out.push(b'-'),
            }
        }),
        (
            "leaf_client_cert_serial_number",
            |connection, _, out| match connection.certificate {
                Some((_, serial)) => {
                    let mut hex = Vec::new();
                    text::hex(&mut hex, serial, 16);
                    if serial & 1 == 1 {
                        // RFC 5280 allows twenty bytes, which exceed every integer type.
                        text::hex(&mut hex, serial.rotate_left(17), 16);
                        text::hex(&mut hex, serial.rotate_left(31), 8);
                    }
                    out.extend(hex.to_ascii_uppercase());
                }
                None => out.push(b'-'),
            },
        ),
        ("tls_verify_status", |connection, _, out| {
            out.extend_from_slice(connection.status.as_bytes());
        }),
        ("conn_trace_id", |connection, _, out| connection.trace_id(out)),
        ("tls_keyexchange", |connection, _, out| {
            connection.negotiated(|tls| tls.key_exchange, out);
        }),
        ("elb", |_, world, out| out.extend_from_slice(world.elb.as_bytes())),
        ("ip_address", |_, world, out| {
            out.extend_from_slice(world.node.as_bytes());
        }),
    ];

    fn draw(world: &World, number: u64, _: &mut Rng) -> Self {
        Self::of(world, number)
    }

    fn time(&self) -> u64 {
        self.opened
    }
}
