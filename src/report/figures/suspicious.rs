//! The figures of suspicious requests.

use serde::{Deserialize, Serialize};

use crate::report::Time;

use super::Ranking;

/// Requests that look like attacks, by the signatures of the query pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspicious {
    /// Attempts by kind (`queries/alb_access_log/injection_attempts.sql`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempts>,
    /// The latest attempts, the last one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub latest_attempts: Vec<Attempt>,
    /// Clients that scan the site (`queries/alb_access_log/scanners.sql`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scanners: Option<Ranking<Scanner>>,
    /// Requests that violate the RFC, as in HTTP desync attacks (`queries/alb_access_log/desync_requests.sql`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desync: Option<Ranking<Desync>>,
}

/// Attempts of the same kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempts {
    /// The kind, as the query names it, such as `path traversal`.
    pub kind: String,
    /// The number of requests.
    pub requests: u64,
    /// The number of them with a status code below 400, which deserve attention.
    pub fine: u64,
}

/// An attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Its time.
    pub time: Time,
    /// Its kind.
    pub kind: String,
    /// The client's address.
    pub client: Option<String>,
    /// The status code.
    pub status: Option<i32>,
    /// The method.
    pub verb: Option<String>,
    /// The URL, as the client sent it.
    pub url: Option<String>,
}

/// A client that scans the site: its user agent is that of a scanner, or at least 10 different paths were refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scanner {
    /// The client's address.
    pub client: Option<String>,
    /// The number of requests.
    pub requests: u64,
    /// The number of different paths that were refused with 400, 403 or 404. 100 means 100 or more.
    pub paths_refused: u64,
    /// The number of requests whose user agent is that of a scanner.
    pub as_scanner: u64,
    /// The time of the last request.
    pub last: Time,
}

/// Requests that violate the RFC for the same reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desync {
    /// The classification: `Ambiguous` or `Severe`.
    pub classification: String,
    /// The reason code.
    pub reason: Option<String>,
    /// The number of requests.
    pub requests: u64,
}
