//! What the events of access logs have in common.

use crate::parse::batch::Numbers;

use super::columns::Columns;
use super::volume::{Class, Event};

/// The columns that only some access logs have.
struct Common<'a> {
    times: &'a [i64],
    received: &'a Numbers<i64>,
    sent: &'a Numbers<i64>,
}

impl<'a> Common<'a> {
    fn of(columns: Columns<'a>) -> Self {
        Self {
            times: columns.0.timestamps(),
            received: columns.long_integers("received_bytes"),
            sent: columns.long_integers("sent_bytes"),
        }
    }

    /// Returns a connection.
    #[inline]
    fn connection(&self, row: usize) -> Event {
        // Counts are not negative.
        let bytes = |numbers: &Numbers<i64>| numbers.get(row).unwrap_or(0).unsigned_abs();
        Event {
            time: self.times[row],
            status: None,
            class: None,
            by_target: false,
            received: bytes(self.received),
            sent: bytes(self.sent),
            latency: None,
        }
    }
}

/// Replaces the events by those of an Application Load Balancer.
pub(super) fn of_alb(columns: Columns<'_>, events: &mut Vec<Event>) {
    let common = Common::of(columns);
    let status = columns.integers("elb_status_code");
    let target_status = columns.integers("target_status_code");
    let latency = columns.floats("target_processing_time");
    let types = columns.texts("type");
    events.clear();
    events.extend((0..common.times.len()).map(|row| {
        let (status, by_target) = (status.get(row), target_status.get(row).is_some());
        // The latency of a WebSocket is that of its connection.
        let is_websocket = matches!(types.get(row), Some(b"ws" | b"wss"));
        Event {
            status,
            class: Some(Class::of(status, by_target)),
            by_target,
            latency: latency.get(row).filter(|_| !is_websocket),
            ..common.connection(row)
        }
    }));
}

/// Replaces the events by those of a Classic Load Balancer.
pub(super) fn of_clb(columns: Columns<'_>, events: &mut Vec<Event>) {
    let common = Common::of(columns);
    let status = columns.integers("elb_status_code");
    let backend_status = columns.integers("backend_status_code");
    let latency = columns.floats("backend_processing_time");
    let verb = columns.texts("request_verb");
    events.clear();
    events.extend((0..common.times.len()).map(|row| {
        let connection = common.connection(row);
        let status = status.get(row);
        // A TCP or SSL listener's session has neither a status nor a request.
        if status.is_none() && verb.get(row).is_none() {
            return connection;
        }
        // 0 means that no instance answered.
        let by_target = backend_status.get(row).is_some_and(|status| status != 0);
        Event {
            status,
            class: Some(Class::of(status, by_target)),
            by_target,
            latency: latency.get(row).filter(|_| status.is_some()),
            ..connection
        }
    }));
}

/// Replaces the events by those of a Network Load Balancer.
pub(super) fn of_nlb(columns: Columns<'_>, events: &mut Vec<Event>) {
    let common = Common::of(columns);
    events.clear();
    events.extend((0..common.times.len()).map(|row| common.connection(row)));
}
