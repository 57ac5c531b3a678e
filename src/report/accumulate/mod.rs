//! The figures of events, block by block, in bounded memory.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a broken invariant must stop the object instead of counting wrong; the panic is caught per object"
)]

mod columns;
mod events;
mod health;
mod meanings;
mod outcomes;
mod requests;
mod runs;
mod suspicious;
mod timeline;
mod tls;
mod volume;

use crate::formats::LogType;
use crate::ingest::Consumer;
use crate::object::ObjectFacts;
use crate::parse::batch::Batch;

use super::figures::{Bounds, FORMAT_VERSION, Figures, Period, Read};
use super::sketch::{DISTINCT_ERROR, Durations, MAX_TEXT, RELATIVE_ERROR};
use columns::Columns;
use health::Health;
use outcomes::{OutcomeColumns, Outcomes};
use requests::{RequestColumns, Requests};
use suspicious::{Suspicious, SuspiciousColumns};
use timeline::Timeline;
use tls::Tls;
use volume::Event;

/// The table of Application Load Balancers' requests.
const ALB: &str = "alb_access_log";
/// The number of values of a top list that are shown.
const MAX_TOP: usize = 25;
/// The number of load balancers and of target groups that are shown.
const MAX_GROUPS: usize = 50;
/// The number of rows of the other lists that are shown.
const MAX_ROWS: usize = 50;

/// What is known of the events of objects so far.
///
/// It takes the events of one object, and is then merged into that of the objects before. Merged in the order of the objects, the
/// figures do not depend on how many were read at the same time.
pub struct Accumulator {
    timeline: Timeline,
    requests: Requests,
    outcomes: Outcomes,
    tls: Tls,
    suspicious: Suspicious,
    health: Health,
    period: Option<(i64, i64)>,
    /// The events of the last batch.
    events: Vec<Event>,
}

/// The events of a batch, and the table they are from.
#[derive(Clone, Copy)]
struct Rows<'a> {
    table: &'static str,
    events: &'a [Event],
}

impl<'a> Rows<'a> {
    /// Returns the events with their row numbers.
    fn all(self) -> impl Iterator<Item = (usize, &'a Event)> {
        self.events.iter().enumerate()
    }

    /// Returns those that are requests.
    fn requests(self) -> impl Iterator<Item = (usize, &'a Event)> {
        self.all().filter(|(_, event)| event.class.is_some())
    }
}

impl Default for Accumulator {
    fn default() -> Self {
        Self::new()
    }
}

impl Accumulator {
    /// Returns an accumulator without events.
    pub const fn new() -> Self {
        Self {
            timeline: Timeline::new(),
            requests: Requests::new(),
            outcomes: Outcomes::new(),
            tls: Tls::new(),
            suspicious: Suspicious::new(),
            health: Health::new(),
            period: None,
            events: Vec::new(),
        }
    }

    /// Adds the events of another object.
    pub fn merge(&mut self, other: Self) {
        self.timeline.merge(other.timeline);
        self.requests.merge(other.requests);
        self.outcomes.merge(other.outcomes);
        self.tls.merge(other.tls);
        self.suspicious.merge(other.suspicious);
        self.health.merge(other.health);
        if let Some((first, last)) = other.period {
            self.extend(first, last);
        }
    }

    /// Returns the figures. `read` is what was read, and what was not.
    pub fn figures(&self, title: String, read: Read) -> Figures {
        let mut latency = Durations::new();
        for slot in self.timeline.slots() {
            latency.merge(&slot.volume.latency);
        }
        Figures {
            format_version: FORMAT_VERSION,
            program: concat!("alb-ingest ", env!("CARGO_PKG_VERSION")).to_owned(),
            title,
            period: self.period.map(Period::from),
            bounds: Bounds {
                percentile_relative_error: RELATIVE_ERROR,
                distinct_standard_error: DISTINCT_ERROR,
                max_text_bytes: MAX_TEXT,
            },
            read,
            timeline: self.timeline.figures(),
            requests: self.requests.total(&latency),
            load_balancers: self.requests.load_balancers(),
            target_groups: self.requests.target_groups(),
            slowest_paths: self.requests.slowest_paths(),
            paths: self.requests.paths(),
            clients: self.requests.top_clients(),
            user_agents: self.requests.user_agents(),
            hosts: self.requests.hosts(),
            actions: self.outcomes.action_figures(),
            redirects: self.outcomes.redirects(),
            waf: self.outcomes.waf(),
            authentication: self.outcomes.authentication(),
            error_reasons: self.outcomes.error_reasons(),
            own_errors: self.outcomes.own_errors(),
            tls: self.tls.figures(),
            health: self.health.figures(),
            suspicious: self.suspicious.figures(&self.requests.clients),
        }
    }

    fn extend(&mut self, first: i64, last: i64) {
        let (known_first, known_last) = self.period.unwrap_or((first, last));
        self.period = Some((known_first.min(first), known_last.max(last)));
    }

    fn alb_requests(&mut self, batch: &Batch, object: &str) {
        let columns = Columns(batch);
        events::of_alb(columns, &mut self.events);
        let rows = Rows {
            table: ALB,
            events: &self.events,
        };
        for (_, event) in rows.all() {
            self.timeline.at(event.time).volume.add(event);
        }
        let client = columns.texts("client_ip");
        let path = columns.texts("request_path");
        let agents = self.requests.add(
            rows,
            RequestColumns {
                target_group: Some(columns.texts("target_group_arn")),
                ..request_columns(columns)
            },
        );
        let outcomes = OutcomeColumns {
            text: batch.text(),
            actions: columns.lists("actions_executed"),
            reason: columns.texts("error_reason"),
        };
        self.outcomes.add(rows, Some(outcomes));
        let suspicious = SuspiciousColumns {
            object,
            lines: batch.line_numbers(),
            client,
            verb: columns.texts("request_verb"),
            url: columns.texts("request_url"),
            path,
            classification: columns.texts("classification"),
            classification_reason: columns.texts("classification_reason"),
        };
        self.suspicious.add(rows, agents, suspicious);
        self.tls.add_requests(rows, columns);
    }

    fn clb_requests(&mut self, batch: &Batch) {
        let columns = Columns(batch);
        events::of_clb(columns, &mut self.events);
        let rows = Rows {
            table: LogType::ClbAccess.table(),
            events: &self.events,
        };
        for (_, event) in rows.all() {
            self.timeline.at(event.time).volume.add(event);
        }
        self.requests.add(rows, request_columns(columns));
        self.outcomes.add(rows, None);
        self.tls.add_requests(rows, columns);
    }

    fn nlb_connections(&mut self, batch: &Batch) {
        let columns = Columns(batch);
        events::of_nlb(columns, &mut self.events);
        let rows = Rows {
            table: LogType::NlbAccess.table(),
            events: &self.events,
        };
        for (_, event) in rows.all() {
            self.timeline.at(event.time).volume.add(event);
        }
        let (load_balancer, client) = (columns.texts("elb"), columns.texts("client_ip"));
        self.requests.add_connections(rows, load_balancer, client);
        self.tls.add_nlb(rows, columns, &mut self.timeline);
    }
}

fn request_columns(columns: Columns<'_>) -> RequestColumns<'_> {
    RequestColumns {
        load_balancer: columns.texts("elb"),
        target_group: None,
        client: columns.texts("client_ip"),
        agent: columns.texts("user_agent"),
        host: columns.texts("request_host"),
        path: columns.texts("request_path"),
    }
}

impl Consumer for Accumulator {
    fn begin(&mut self) {
        *self = Self::new();
    }

    fn take(&mut self, batch: &Batch, facts: &ObjectFacts) {
        let times = batch.timestamps();
        if let (Some(first), Some(last)) = (times.iter().min(), times.iter().max()) {
            self.extend(*first, *last);
        }
        match batch.plan.format.log_type {
            LogType::AlbAccess => self.alb_requests(batch, &facts.id),
            LogType::AlbConnection => self.tls.add_connections(Columns(batch), times, &mut self.timeline),
            LogType::AlbHealthCheck => self.health.add(Columns(batch), times, &mut self.timeline),
            LogType::ClbAccess => self.clb_requests(batch),
            LogType::NlbAccess => self.nlb_connections(batch),
        }
    }
}
