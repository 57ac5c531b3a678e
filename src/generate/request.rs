//! Requests, which are logged by an Application or a Classic Load Balancer.

use super::connection::Connection;
use super::pools::{LIVE_ROUTE, OUTCOMES, Outcome, ROUTES, Reach, Route};
use super::rng::Rng;
use super::text;
use super::world::{LAMBDA, World};

/// An HTTP request.
#[derive(Debug)]
pub(super) struct HttpRequest {
    pub(super) time: u64,
    /// The microseconds before, in and after the target. Some are not logged, depending on how far the request got.
    pub(super) took: (u64, u64, u64),
    /// The microseconds from receiving the request to writing the line; for a WebSocket, its whole duration.
    pub(super) lasted: u64,
    pub(super) connection: Connection,
    pub(super) kind: &'static str,
    pub(super) route: Route,
    /// Path and query string.
    pub(super) path: Vec<u8>,
    pub(super) agent: &'static str,
    pub(super) outcome: Outcome,
    /// The number of the target within its group.
    pub(super) target: u64,
    pub(super) received: u64,
    pub(super) sent: u64,
    pub(super) trace: (u64, u64),
    pub(super) rule_failed: bool,
}

/// The number of connections that are open at a time.
const OPEN: u64 = 1200;
/// The average number of requests per connection.
pub(super) const REQUESTS: u64 = 3;

impl HttpRequest {
    /// Draws the request of a line. A connection serves [`REQUESTS`] requests on average.
    pub(super) fn of(world: &World, number: u64, rng: &mut Rng) -> Self {
        let newest = number / REQUESTS;
        let mut at = newest - rng.below((newest + 1).min(OPEN));
        let mut connection = Connection::of(world, at);
        while !connection.usable && at > 0 {
            at -= 1;
            connection = Connection::of(world, at);
        }
        let kind = kind(&connection, world.modern);
        let live = matches!(kind, "ws" | "wss");
        let route = if live { LIVE_ROUTE } else { rng.weighted(&ROUTES) };
        let mut outcome = rng.weighted(&OUTCOMES);
        if route.group == LAMBDA && matches!(outcome.reach, Reach::Refused | Reach::Silent) {
            outcome.reach = Reach::Refused;
            outcome.status = 502;
            outcome.error = rng.pick(&["LambdaInvalidResponse", "LambdaUnhandled", "LambdaThrottling"]);
        }
        if live && outcome.reach == Reach::Answered {
            outcome.status = 101;
        }
        if route.method != "GET" && matches!(outcome.status, 206 | 304) {
            outcome.status = 200;
        }
        let slow = if rng.chance(12) { 20 } else { 1 };
        let took = (
            rng.skewed(3_000),
            300 + slow * (rng.below(route.micros / 4) + rng.skewed(route.micros * 3 / 4)),
            rng.skewed(1_500),
        );
        let lasted = match outcome.reach {
            _ if live => text::SECOND + rng.skewed(900 * text::SECOND),
            Reach::Silent => 10 * text::SECOND + rng.below(50_000),
            _ => took.0 + took.1 + took.2 + rng.below(800),
        };
        let mut path = Vec::with_capacity(128);
        text::fill(&mut path, route.path, rng);
        let body = if matches!(route.method, "POST" | "PUT" | "PATCH") {
            300 + rng.skewed(6_000)
        } else {
            0
        };
        Self {
            time: world.time(number, rng) + 5_000,
            took,
            lasted,
            connection,
            kind,
            route,
            path,
            agent: connection.client.agent(world),
            outcome,
            target: rng.below(18),
            received: 380 + connection.habit % 400 + rng.below(120) + body,
            sent: sent(outcome, route, rng),
            trace: (rng.next(), rng.next()),
            rule_failed: rng.chance(1),
        }
    }

    /// Returns whether the request was routed to a Lambda function, which has no address.
    pub(super) const fn to_function(&self) -> bool {
        self.route.group == LAMBDA
    }

    /// Returns the target group of the request, if it got that far.
    pub(super) const fn group(&self) -> Option<usize> {
        match self.outcome.reach {
            Reach::Stopped | Reach::Unread => None,
            _ => Some(self.route.group),
        }
    }

    /// Returns the status code of the target, if it responded.
    pub(super) fn target_status(&self) -> Option<u64> {
        (self.outcome.reach == Reach::Answered).then_some(self.outcome.status)
    }

    /// Writes the target's address and port, or `-` if there is none.
    pub(super) fn target(&self, out: &mut Vec<u8>) {
        if self.to_function() || matches!(self.outcome.reach, Reach::Nowhere | Reach::Stopped | Reach::Unread) {
            out.push(b'-');
            return;
        }
        out.extend_from_slice(b"10.0.");
        text::number(out, 1 + self.target % 2);
        out.push(b'.');
        let number = 11 * self.target + 53 * u64::try_from(self.route.group).unwrap_or(0);
        text::number(out, 10 + number % 230);
        out.push(b':');
        text::number(out, if self.route.group == 0 { 8080 } else { 9000 });
    }

    /// Writes the request line.
    pub(super) fn line(&self, out: &mut Vec<u8>) {
        let (scheme, port) = if self.connection.listener == 80 {
            ("http", 80)
        } else {
            ("https", 443)
        };
        let port = if port == 443 { self.connection.listener } else { port };
        if self.outcome.reach == Reach::Unread {
            out.extend_from_slice(b"- ");
            self.origin(out, scheme, port);
            out.extend_from_slice(b"- -");
            return;
        }
        out.extend_from_slice(self.route.method.as_bytes());
        out.push(b' ');
        self.origin(out, scheme, port);
        out.extend_from_slice(&self.path);
        out.extend_from_slice(if matches!(self.kind, "h2" | "grpcs") {
            b" HTTP/2.0"
        } else {
            b" HTTP/1.1"
        });
    }

    fn origin(&self, out: &mut Vec<u8>, scheme: &str, port: u64) {
        out.extend_from_slice(scheme.as_bytes());
        out.extend_from_slice(b"://");
        out.extend_from_slice(self.route.host.as_bytes());
        out.push(b':');
        text::number(out, port);
    }

    /// Writes one of the three times, or `-1` if the request did not get that far.
    pub(super) fn time_taken(&self, step: u8, out: &mut Vec<u8>, write: fn(&mut Vec<u8>, u64)) {
        let (took, measured) = match step {
            0 => (
                self.took.0,
                matches!(self.outcome.reach, Reach::Answered | Reach::Refused),
            ),
            1 => (
                self.took.1,
                matches!(self.outcome.reach, Reach::Answered | Reach::Refused),
            ),
            _ => (self.took.2, self.outcome.reach == Reach::Answered),
        };
        if measured {
            write(out, took);
        } else {
            out.extend_from_slice(b"-1");
        }
    }
}

/// Returns the type of the requests of a connection.
fn kind(connection: &Connection, modern: bool) -> &'static str {
    let habit = (connection.habit >> 32) % 1000;
    match (connection.tls, habit) {
        (None, 0..20) => "ws",
        (None, _) => "http",
        (Some(_), 0..15) => "wss",
        (Some(_), 15..25) if modern => "grpcs",
        (Some(tls), _) if tls.protocol == "TLSv1" || habit < 280 => "https",
        (Some(_), _) => "h2",
    }
}

fn sent(outcome: Outcome, route: Route, rng: &mut Rng) -> u64 {
    match (outcome.reach, outcome.status) {
        (Reach::Silent, 460) => 0,
        (Reach::Answered, 200 | 206 | 101) => 200 + rng.skewed(route.bytes),
        (Reach::Answered, _) => 180 + rng.below(120),
        _ => 250 + outcome.status % 100,
    }
}
