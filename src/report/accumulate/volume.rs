//! What every event of an access log adds: a request or a connection, its status, its bytes and its latency.

use crate::report::figures::{Requests, Statuses};
use crate::report::sketch::{Durations, Tally};

/// The class of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Informational,
    Successful,
    Redirection,
    ClientError,
    TargetServerError,
    BalancerServerError,
    Other,
}

impl Class {
    /// Returns the class of a status code. `by_target` is whether a target responded.
    pub(super) fn of(status: Option<i32>, by_target: bool) -> Self {
        match status {
            Some(100..200) => Self::Informational,
            Some(200..300) => Self::Successful,
            Some(300..400) => Self::Redirection,
            Some(400..500) => Self::ClientError,
            Some(500..) if by_target => Self::TargetServerError,
            Some(500..) => Self::BalancerServerError,
            _ => Self::Other,
        }
    }

    pub(super) const fn is_server_error(self) -> bool {
        matches!(self, Self::TargetServerError | Self::BalancerServerError)
    }
}

/// What the figures need to know of an event of an access log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Event {
    pub(super) time: i64,
    pub(super) status: Option<i32>,
    /// The class of the response; `None` if the event is a connection.
    pub(super) class: Option<Class>,
    /// Whether a target responded.
    pub(super) by_target: bool,
    pub(super) received: u64,
    pub(super) sent: u64,
    /// The seconds that the target took.
    pub(super) latency: Option<f64>,
}

/// Requests and connections.
#[derive(Default)]
pub(super) struct Volume {
    statuses: [u64; 7],
    pub(super) connections: u64,
    pub(super) received: u64,
    pub(super) sent: u64,
    pub(super) latency: Durations,
}

impl Volume {
    pub(super) const fn new() -> Self {
        Self {
            statuses: [0; 7],
            connections: 0,
            received: 0,
            sent: 0,
            latency: Durations::new(),
        }
    }

    /// Adds an event without its latency.
    #[inline]
    pub(super) fn add_counts(&mut self, event: &Event) {
        match event.class {
            Some(class) => self.statuses[class as usize] += 1,
            None => self.connections += 1,
        }
        self.received = self.received.saturating_add(event.received);
        self.sent = self.sent.saturating_add(event.sent);
    }

    /// Adds an event.
    #[inline]
    pub(super) fn add(&mut self, event: &Event) {
        self.add_counts(event);
        if let Some(seconds) = event.latency {
            self.latency.add(seconds);
        }
    }

    /// Adds other requests and connections.
    pub(super) fn add_all(&mut self, other: &Self) {
        for (sum, count) in self.statuses.iter_mut().zip(other.statuses) {
            *sum += count;
        }
        self.connections += other.connections;
        self.received = self.received.saturating_add(other.received);
        self.sent = self.sent.saturating_add(other.sent);
        self.latency.merge(&other.latency);
    }

    /// Returns the number of requests.
    pub(super) fn requests(&self) -> u64 {
        self.statuses.iter().sum()
    }

    /// Returns the responses by class.
    pub(super) fn statuses(&self) -> Statuses {
        let of = |class: Class| self.statuses[class as usize];
        Statuses {
            informational: of(Class::Informational),
            successful: of(Class::Successful),
            redirection: of(Class::Redirection),
            client_errors: of(Class::ClientError),
            target_server_errors: of(Class::TargetServerError),
            balancer_server_errors: of(Class::BalancerServerError),
            other: of(Class::Other),
        }
    }

    /// Returns the figures, without the slowest paths.
    pub(super) fn figures(&self) -> Requests {
        Requests {
            requests: self.requests(),
            statuses: self.statuses(),
            received_bytes: self.received,
            sent_bytes: self.sent,
            latency: self.latency.percentiles(),
            slowest_paths: Vec::new(),
        }
    }
}

impl Tally for Volume {
    fn merge(&mut self, other: Self) {
        self.add_all(&other);
    }
}

/// What is known of the requests with a path, client, user agent or host, besides their number.
#[derive(Debug, Default)]
pub(super) struct Hits {
    pub(super) client_errors: u64,
    pub(super) server_errors: u64,
    pub(super) received: u64,
    pub(super) sent: u64,
    pub(super) last: Option<i64>,
}

impl Hits {
    #[inline]
    pub(super) fn add(&mut self, event: &Event) {
        if let Some(class) = event.class {
            self.client_errors += u64::from(class == Class::ClientError);
            self.server_errors += u64::from(class.is_server_error());
        }
        self.received = self.received.saturating_add(event.received);
        self.sent = self.sent.saturating_add(event.sent);
        self.last = self.last.max(Some(event.time));
    }
}

impl Tally for Hits {
    fn merge(&mut self, other: Self) {
        self.client_errors += other.client_errors;
        self.server_errors += other.server_errors;
        self.received = self.received.saturating_add(other.received);
        self.sent = self.sent.saturating_add(other.sent);
        self.last = self.last.max(other.last);
    }
}
