//! The figures of TLS.

use serde::{Deserialize, Serialize};

use super::{Percentiles, Ranking};

/// TLS.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tls {
    /// The protocols.
    pub protocols: Ranking<TlsProtocol>,
    /// The ciphers.
    pub ciphers: Ranking<TlsCipher>,
    /// The key exchanges, of connection logs and Network Load Balancers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_exchanges: Option<Ranking<KeyExchange>>,
    /// The number of failed handshakes.
    pub failed_handshakes: u64,
    /// The failed handshakes by load balancer and reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failures: Option<Ranking<HandshakeFailure>>,
}

/// A TLS protocol in a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TlsProtocol {
    /// The table: requests of `alb_access_log` and `clb_access_log`, connections of the others.
    pub table: String,
    /// The protocol, as logged.
    pub protocol: String,
    /// The number of requests or connections.
    pub events: u64,
    /// Whether it is older than TLS 1.2.
    pub deprecated: bool,
    /// The duration of the handshakes, of connection logs and Network Load Balancers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handshake: Option<Percentiles>,
}

/// A TLS cipher in a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsCipher {
    /// The table, as of [`TlsProtocol`].
    pub table: String,
    /// The protocol, as logged.
    pub protocol: Option<String>,
    /// The cipher, as logged.
    pub cipher: String,
    /// The number of requests or connections.
    pub events: u64,
}

/// A key exchange in a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyExchange {
    /// The table.
    pub table: String,
    /// The key exchange, as logged.
    pub name: String,
    /// Whether it is post-quantum (ML-KEM).
    pub post_quantum: bool,
    /// The number of connections.
    pub connections: u64,
}

/// Handshakes that failed for the same reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandshakeFailure {
    /// The table.
    pub table: String,
    /// The load balancer.
    pub load_balancer: Option<String>,
    /// The reason in a connection log, such as `ClientCertUntrusted`; the TLS alert that the client sent to a Network Load
    /// Balancer.
    pub reason: Option<String>,
    /// The number of connections.
    pub connections: u64,
}
