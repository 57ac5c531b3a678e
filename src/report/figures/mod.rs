//! The figures of a report: every number of its page, and its JSON.
//!
//! Times are UTC, durations are seconds, sizes are bytes. Counts and sums are exact; what a sketch estimates is documented with
//! its bound in [`Bounds`]. A part that no event contributes to is `None` or empty, and absent from the JSON.

mod health;
mod read;
mod suspicious;
mod tls;

use serde::{Deserialize, Serialize};

use super::Time;

pub use health::{Health, HealthReason, HealthTarget, HealthTransition};
pub use read::{Failure, Malformed, Read, Repaired, Skipped, TableRead};
pub use suspicious::{Attempt, Attempts, Desync, Scanner, Suspicious};
pub use tls::{HandshakeFailure, KeyExchange, Tls, TlsCipher, TlsProtocol};

/// The version of the JSON. It changes when a field changes its name or meaning; fields can be added at any time.
pub const FORMAT_VERSION: u32 = 1;

/// The figures of a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// The version of this form, [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The program and its version.
    pub program: String,
    /// The title, from the command line.
    pub title: String,
    /// The times of the first and the last event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<Period>,
    /// How exact the figures are.
    pub bounds: Bounds,
    /// What was read, and what was not.
    pub read: Read,
    /// Traffic, errors and latency over time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeline: Option<Timeline>,
    /// All HTTP requests: the access logs of Application Load Balancers, and those of the HTTP and HTTPS listeners of Classic
    /// Load Balancers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<Requests>,
    /// The load balancers, those with the most requests and connections first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_balancers: Option<Ranking<LoadBalancer>>,
    /// The target groups, those with the most requests first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_groups: Option<Ranking<TargetGroup>>,
    /// The slowest parts of the sites: those with the highest 95th percentile, of at least [`MIN_SLOW_REQUESTS`] requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slowest_paths: Option<Ranking<SlowPath>>,
    /// The paths with the most requests, without query strings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paths: Option<Ranking<Top>>,
    /// The client addresses with the most requests. Connections to Network Load Balancers and to the TCP and SSL listeners of
    /// Classic Load Balancers count as requests here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clients: Option<Ranking<Top>>,
    /// The user agents with the most requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agents: Option<Ranking<Top>>,
    /// The hosts in the URLs with the most requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hosts: Option<Ranking<Top>>,
    /// The actions of the rules of Application Load Balancers. A request has one or more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actions: Option<Ranking<Action>>,
    /// The responses that redirect, by status code and by whether the load balancer or a target made them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirects: Option<Ranking<Redirect>>,
    /// AWS WAF.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waf: Option<Waf>,
    /// Authentication by the load balancer (an identity provider, Cognito, or a JWT).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<Authentication>,
    /// Why authentication, Lambda targets, WAF and rewrites fail: the column `error_reason`, by status code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_reasons: Option<Ranking<ErrorReason>>,
    /// The 4xx and 5xx responses that the load balancer made itself, because no target responded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_errors: Option<Ranking<OwnError>>,
    /// TLS: protocols, ciphers, handshakes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// Health checks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
    /// Requests that look like attacks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspicious: Option<Suspicious>,
}

/// The minimum number of requests with a latency of a [`SlowPath`].
pub const MIN_SLOW_REQUESTS: u64 = 20;

/// A period; both ends are times of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// The first time.
    pub first: Time,
    /// The last time.
    pub last: Time,
}

impl From<(i64, i64)> for Period {
    /// Returns the period between two times in microseconds since 1970.
    fn from((first, last): (i64, i64)) -> Self {
        let (first, last) = (Time(first), Time(last));
        Self { first, last }
    }
}

/// How exact the figures are. Counts and sums are exact, except where [`Ranking::unseen`] is not 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bounds {
    /// The maximum relative error of a percentile: 0.01 means that the value at that rank is within 1 % of the one shown.
    pub percentile_relative_error: f64,
    /// The standard error of a number of distinct values that is not exact: 95 % of the estimates are within twice this.
    pub distinct_standard_error: f64,
    /// The maximum length of a text in a ranking, in bytes. Longer texts are cut, and those that begin alike count as one.
    pub max_text_bytes: usize,
}

/// Values ordered by how often they occur, or by another criterion that the field documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ranking<T> {
    /// The first values.
    pub rows: Vec<T>,
    /// The number of distinct values, those not shown included. Exact if `unseen` is 0, otherwise an estimate with
    /// [`Bounds::distinct_standard_error`].
    pub distinct: u64,
    /// The maximum number of events that the counts of a shown row lack. 0 means that all of them are exact.
    pub undercount: u64,
    /// The maximum number of events with a value that was not counted, because the values are too many. A value that occurs more
    /// often is in the ranking, or occurs less often than the rows shown.
    pub unseen: u64,
}

/// Traffic, errors and latency over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    /// The length of an interval in seconds: the shortest of a minute, 5 and 15 minutes, 1 and 6 hours, 1, 5, 10, 50, 100 … days
    /// with which there are at most [`MAX_INTERVALS`].
    pub interval_seconds: u64,
    /// Every interval from the first event to the last, those without events included. Starts are multiples of the length.
    pub intervals: Vec<Interval>,
}

/// The maximum number of intervals of a timeline.
pub const MAX_INTERVALS: usize = 240;

/// An interval of a timeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The start; the interval does not contain its end.
    pub start: Time,
    /// The number of HTTP requests.
    pub requests: u64,
    /// The responses to them by class of their status codes.
    pub statuses: Statuses,
    /// The bytes received from clients, by every load balancer.
    pub received_bytes: u64,
    /// The bytes sent to clients, by every load balancer.
    pub sent_bytes: u64,
    /// The time that targets took to begin their responses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Percentiles>,
    /// The number of connections in connection logs, access logs of Network Load Balancers, and those of the TCP and SSL
    /// listeners of Classic Load Balancers.
    pub connections: u64,
    /// The number of them whose TLS handshake failed.
    pub failed_handshakes: u64,
    /// The number of health checks.
    pub health_checks: u64,
    /// The number of them that failed.
    pub failed_health_checks: u64,
}

/// Responses by class of their status codes. The sum is the number of requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statuses {
    /// 100 to 199.
    pub informational: u64,
    /// 200 to 299.
    pub successful: u64,
    /// 300 to 399.
    pub redirection: u64,
    /// 400 to 499, of the load balancer and of targets.
    pub client_errors: u64,
    /// 500 and above that a target made.
    pub target_server_errors: u64,
    /// 500 and above that the load balancer made, because no target responded.
    pub balancer_server_errors: u64,
    /// No status code, or one below 100.
    pub other: u64,
}

/// Percentiles of durations in seconds, by nearest rank: the smallest value that at least this share of the values does not
/// exceed. Their error is at most [`Bounds::percentile_relative_error`]; `max` is exact.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Percentiles {
    /// The number of values.
    pub count: u64,
    /// The median.
    pub p50: f64,
    /// The 90th percentile.
    pub p90: f64,
    /// The 95th percentile.
    pub p95: f64,
    /// The 99th percentile.
    pub p99: f64,
    /// The longest duration.
    pub max: f64,
}

/// HTTP requests: all of them, those of a load balancer, or those of a target group.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Requests {
    /// The number of requests.
    pub requests: u64,
    /// The responses by class of their status codes.
    pub statuses: Statuses,
    /// The bytes received from clients.
    pub received_bytes: u64,
    /// The bytes sent to clients.
    pub sent_bytes: u64,
    /// The time from sending a request to a target to the first header of its response, of requests for which it was measured;
    /// without those of the types `ws` and `wss`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Percentiles>,
    /// The slowest parts of the site, as [`Figures::slowest_paths`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slowest_paths: Vec<SlowPath>,
}

/// A load balancer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoadBalancer {
    /// Its name, as in the logs: `app/name/id`, `net/name/id`, or the name of a Classic Load Balancer.
    pub name: Option<String>,
    /// The table of the access log that it is from.
    pub table: String,
    /// Its HTTP requests; empty for a Network Load Balancer.
    #[serde(flatten)]
    pub requests: Requests,
    /// The number of connections to a Network Load Balancer, or to TCP and SSL listeners of a Classic Load Balancer. The bytes
    /// are those of requests and connections.
    pub connections: u64,
}

/// A target group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TargetGroup {
    /// Its name, the part of the ARN between the slashes. `None` for requests without a target group: those that were
    /// redirected, answered by a fixed response, or blocked.
    pub name: Option<String>,
    /// Its ARN.
    pub arn: Option<String>,
    /// Its requests.
    #[serde(flatten)]
    pub requests: Requests,
}

/// The requests below the first part of a path: `/api` for `/api/orders/1`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SlowPath {
    /// The host in the URL.
    pub host: Option<String>,
    /// The first part of the path, without slashes; empty for `/`.
    pub part: Option<String>,
    /// The time that targets took.
    pub latency: Percentiles,
}

/// A path, client, user agent or host with its requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Top {
    /// The value, as the client sent it. `None` for requests without one.
    pub value: Option<String>,
    /// The number of requests.
    pub requests: u64,
    /// The number of them with a status code from 400 to 499.
    pub client_errors: u64,
    /// The number of them with a status code of 500 and above.
    pub server_errors: u64,
    /// The bytes received from clients.
    pub received_bytes: u64,
    /// The bytes sent to clients.
    pub sent_bytes: u64,
    /// The time of the last request.
    pub last: Time,
}

/// An action of rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// The action, such as `forward`, `redirect`, `fixed-response`, `authenticate` or `waf`.
    pub action: String,
    /// The number of times that it was executed.
    pub requests: u64,
    /// The number of times that the request ended with a status code below 400.
    pub fine: u64,
    /// The number of times that it ended with 400 to 499.
    pub client_errors: u64,
    /// The number of times that it ended with 500 or above.
    pub server_errors: u64,
}

/// Responses with a status code from 300 to 399.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redirect {
    /// The status code.
    pub status: i32,
    /// Whether a rule of the load balancer redirected; otherwise a target did.
    pub by_load_balancer: bool,
    /// The number of requests.
    pub requests: u64,
}

/// The outcomes of AWS WAF.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waf {
    /// The number of requests that WAF evaluated.
    pub evaluated: u64,
    /// The number of requests that WAF blocked: `waf` is the last action.
    pub blocked: u64,
    /// The number of requests that WAF could not evaluate: the action `waf-failed`.
    pub failed: u64,
}

/// The outcomes of authentication.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authentication {
    /// The number of requests with the action `authenticate` or `jwt-validation`.
    pub requests: u64,
    /// The number of them that another action followed: they were authenticated.
    pub passed: u64,
    /// The number of them that were sent to log in: `authenticate` is the last action and the status code is 300 to 399.
    pub sent_to_log_in: u64,
    /// The number of the others: they were refused or failed.
    pub failed: u64,
}

/// Requests with an error reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorReason {
    /// The reason, such as `AuthInvalidCookie` or `LambdaUnhandled`.
    pub reason: String,
    /// The status code.
    pub status: Option<i32>,
    /// The number of requests.
    pub requests: u64,
}

/// Errors that the load balancer made itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnError {
    /// The status code: 460, 463, 502, 503, 504 and others.
    pub status: i32,
    /// The number of requests.
    pub requests: u64,
    /// What the status code means if the load balancer made it, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meaning: Option<String>,
    /// The requests by cause, the most frequent first.
    pub causes: Vec<OwnErrorCause>,
}

/// The cause of errors that the load balancer made itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnErrorCause {
    /// The error reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The last action executed, such as `forward`, `fixed-response` or `waf`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_action: Option<String>,
    /// The number of requests.
    pub requests: u64,
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::Figures;

    /// Figures with every part, written by hand. The page is tested with them, too.
    const EXAMPLE: &str = include_str!("../../../tests/golden/report/example.json");

    #[test]
    fn figures_are_read_back_from_their_json() {
        let example: Value = serde_json::from_str(EXAMPLE).unwrap();
        let figures: Figures = serde_json::from_value(example.clone()).unwrap();
        assert_eq!(serde_json::to_value(&figures).unwrap(), example);
    }
}
