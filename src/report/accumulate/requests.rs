//! Requests and connections: by load balancer, target group, path, client, user agent and host.

use std::collections::BTreeMap;

use crate::report::Time;
use crate::report::figures::{self, LoadBalancer, MIN_SLOW_REQUESTS, Ranking, SlowPath, TargetGroup};
use crate::report::sketch::{Durations, Entry, KeyBuffer, Tally, Top, single, text_of, texts_of};

use super::columns::TextColumn;
use super::suspicious::{Agent, Scan};
use super::volume::{Hits, Volume};
use super::{ALB, Event, MAX_GROUPS, MAX_TOP, Rows};

/// The maximum number of load balancers with a target group.
const GROUPS: usize = 1_024;
/// The maximum number of first parts of paths of a load balancer and a target group.
const ROUTES: usize = 1_024;
/// The maximum numbers of the others.
const PATHS: usize = 4_096;
const CLIENTS: usize = 4_096;
const AGENTS: usize = 2_048;
const HOSTS: usize = 1_024;
/// The number of slowest paths of a load balancer or target group that are shown.
const MAX_SLOW_OF_GROUP: usize = 5;
/// The number of slowest paths of all that are shown.
const MAX_SLOW: usize = 20;
/// The length of a hash in a key.
const HASH_LENGTH: usize = 8;

/// Requests and connections.
pub(super) struct Requests {
    /// All requests, without their latencies: those are in the timeline.
    total: Volume,
    /// By table, load balancer and target group.
    groups: Top<Volume>,
    /// By the hash of a key of `groups`, host, and first part of the path.
    routes: Top<Durations>,
    paths: Top<Hits>,
    pub(super) clients: Top<Client>,
    agents: Top<AgentHits>,
    hosts: Top<Hits>,
    /// What is suspicious about the user agents of the last rows.
    suspected: Vec<Agent>,
    buffer: KeyBuffer,
    route: Vec<u8>,
}

/// What is known of a client.
#[derive(Default)]
pub(super) struct Client {
    hits: Hits,
    pub(super) scan: Scan,
}

impl Tally for Client {
    fn merge(&mut self, other: Self) {
        self.hits.merge(other.hits);
        self.scan.merge(other.scan);
    }
}

/// What is known of a user agent.
#[derive(Default)]
struct AgentHits {
    hits: Hits,
    agent: Option<Agent>,
}

impl Tally for AgentHits {
    fn merge(&mut self, other: Self) {
        self.hits.merge(other.hits);
        self.agent = self.agent.or(other.agent);
    }
}

/// The columns of requests.
#[derive(Clone, Copy)]
pub(super) struct RequestColumns<'a> {
    pub(super) load_balancer: TextColumn<'a>,
    pub(super) target_group: Option<TextColumn<'a>>,
    pub(super) client: TextColumn<'a>,
    pub(super) agent: TextColumn<'a>,
    pub(super) host: TextColumn<'a>,
    pub(super) path: TextColumn<'a>,
}

impl Requests {
    pub(super) const fn new() -> Self {
        Self {
            total: Volume::new(),
            groups: Top::new(GROUPS),
            routes: Top::new(ROUTES),
            paths: Top::new(PATHS),
            clients: Top::new(CLIENTS),
            agents: Top::new(AGENTS),
            hosts: Top::new(HOSTS),
            suspected: Vec::new(),
            buffer: KeyBuffer::new(),
            route: Vec::new(),
        }
    }

    /// Adds events of the access log of an Application or a Classic Load Balancer. Returns for each what is suspicious about its
    /// user agent.
    pub(super) fn add(&mut self, rows: Rows<'_>, columns: RequestColumns<'_>) -> &[Agent] {
        self.groups(rows, columns);
        for (row, event) in rows.requests() {
            self.total.add_counts(event);
            self.paths.count(single(columns.path.get(row))).value.add(event);
            self.hosts.count(single(columns.host.get(row))).value.add(event);
        }
        self.suspected.clear();
        self.suspected.resize(rows.events.len(), Agent::default());
        for (row, event) in rows.requests() {
            self.suspected[row] = self.agent(columns.agent.get(row), event);
        }
        self.clients(rows, columns.client, (rows.table == ALB).then_some(columns.path));
        &self.suspected
    }

    /// Adds connections to Network Load Balancers.
    pub(super) fn add_connections(&mut self, rows: Rows<'_>, load_balancer: TextColumn<'_>, client: TextColumn<'_>) {
        for (row, event) in rows.all() {
            let key = [Some(rows.table.as_bytes()), load_balancer.get(row), None];
            self.groups.count(self.buffer.key(&key)).value.add(event);
        }
        self.clients(rows, client, None);
    }

    /// Counts the user agent of a request; returns what is suspicious about it.
    #[inline]
    fn agent(&mut self, text: Option<&[u8]>, event: &Event) -> Agent {
        let key = single(text);
        let entry = self.agents.count(key);
        entry.value.hits.add(event);
        match entry.value.agent {
            // The whole text counts, not only what the key has of it.
            Some(agent) if text.is_none_or(|text| text.len() == key.len()) => agent,
            _ => *entry.value.agent.insert(Agent::of(text)),
        }
    }

    /// Counts clients. `path` is given if those that scan the site are looked for.
    fn clients(&mut self, rows: Rows<'_>, client: TextColumn<'_>, path: Option<TextColumn<'_>>) {
        for (row, event) in rows.all() {
            let client = &mut self.clients.count(single(client.get(row))).value;
            client.hits.add(event);
            if let Some(path) = path {
                client.scan.add(event, self.suspected[row], path.get(row));
            }
        }
    }

    fn groups(&mut self, rows: Rows<'_>, columns: RequestColumns<'_>) {
        for (row, event) in rows.all() {
            let group = columns.target_group.and_then(|column| column.get(row));
            let key = [Some(rows.table.as_bytes()), columns.load_balancer.get(row), group];
            let entry = self.groups.count(self.buffer.key(&key));
            entry.value.add(event);
            if let Some(seconds) = event.latency {
                self.route.clear();
                self.route.extend_from_slice(&entry.hash.to_le_bytes());
                let part = columns.path.get(row).map(first_part);
                self.route
                    .extend_from_slice(self.buffer.key(&[columns.host.get(row), part]));
                self.routes.count(&self.route).value.add(seconds);
            }
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.total.add_all(&other.total);
        self.groups.merge(other.groups);
        self.routes.merge(other.routes);
        self.paths.merge(other.paths);
        self.clients.merge(other.clients);
        self.agents.merge(other.agents);
        self.hosts.merge(other.hosts);
    }

    /// Returns the figures of all requests. Their latencies are `latency`.
    pub(super) fn total(&self, latency: &Durations) -> Option<figures::Requests> {
        (self.total.requests() > 0).then(|| figures::Requests {
            latency: latency.percentiles(),
            ..self.total.figures()
        })
    }

    /// Returns the figures of the load balancers.
    pub(super) fn load_balancers(&self) -> Option<Ranking<LoadBalancer>> {
        let key = |entry: &Entry<Volume>| {
            let [table, load_balancer, _] = texts_of(&entry.key);
            (table, load_balancer)
        };
        self.by(
            key,
            |_| true,
            |(table, name), volume, slowest_paths| LoadBalancer {
                name,
                table: table.unwrap_or_default(),
                connections: volume.connections,
                requests: figures::Requests {
                    slowest_paths,
                    ..volume.figures()
                },
            },
        )
    }

    /// Returns the figures of the target groups.
    pub(super) fn target_groups(&self) -> Option<Ranking<TargetGroup>> {
        let key = |entry: &Entry<Volume>| {
            let [_, _, target_group] = texts_of(&entry.key);
            target_group
        };
        let has_groups = |entry: &Entry<Volume>| entry.key.starts_with(ALB.as_bytes());
        self.by(key, has_groups, |arn: Option<String>, volume, slowest_paths| {
            TargetGroup {
                // arn:aws:elasticloadbalancing:REGION:ACCOUNT:targetgroup/NAME/ID
                name: arn
                    .as_deref()
                    .map(|arn| arn.split('/').nth(1).unwrap_or_default().to_owned()),
                arn,
                requests: figures::Requests {
                    slowest_paths,
                    ..volume.figures()
                },
            }
        })
    }

    /// Returns the figures of groups with the same key, those with the most requests and connections first.
    fn by<K: Ord + Clone, T>(
        &self,
        key: impl Fn(&Entry<Volume>) -> K,
        include: impl Fn(&Entry<Volume>) -> bool,
        row: impl Fn(K, &Volume, Vec<SlowPath>) -> T,
    ) -> Option<Ranking<T>> {
        let mut groups: BTreeMap<K, (Volume, u64, Vec<u64>)> = BTreeMap::new();
        for entry in self.groups.entries().iter().filter(|entry| include(entry)) {
            let (volume, missed, hashes) = groups.entry(key(entry)).or_default();
            volume.add_all(&entry.value);
            *missed += entry.missed();
            hashes.push(entry.hash);
        }
        if groups.is_empty() {
            return None;
        }
        let distinct = groups.len() as u64;
        let mut groups: Vec<_> = groups.into_iter().collect();
        // The sort is stable, so groups with as many are in the order of their keys.
        groups.sort_by_key(|(_, (volume, _, _))| std::cmp::Reverse(volume.requests() + volume.connections));
        groups.truncate(MAX_GROUPS);
        let undercount = groups.iter().map(|(_, (_, missed, _))| *missed).max();
        let rows = groups.into_iter().map(|(key, (volume, _, hashes))| {
            let mut slow = self.slow(|hash| hashes.contains(&hash));
            slow.truncate(MAX_SLOW_OF_GROUP);
            row(key, &volume, slow)
        });
        Some(Ranking {
            rows: rows.collect(),
            distinct,
            undercount: undercount.unwrap_or(0),
            unseen: self.groups.unseen(),
        })
    }

    /// Returns the slowest paths of all requests.
    pub(super) fn slowest_paths(&self) -> Option<Ranking<SlowPath>> {
        let mut rows = self.slow(|_| true);
        let distinct = rows.len() as u64;
        rows.truncate(MAX_SLOW);
        (!rows.is_empty()).then(|| Ranking {
            rows,
            distinct,
            undercount: self.routes.unseen(),
            unseen: self.routes.unseen(),
        })
    }

    /// Returns the first parts of paths of some groups, given by their hashes, the slowest first.
    fn slow(&self, include: impl Fn(u64) -> bool) -> Vec<SlowPath> {
        let mut parts: BTreeMap<[Option<String>; 2], Durations> = BTreeMap::new();
        for entry in self.routes.entries() {
            if let Some((hash, key)) = entry.key.split_first_chunk::<HASH_LENGTH>()
                && include(u64::from_le_bytes(*hash))
            {
                parts.entry(texts_of(key)).or_default().merge(&entry.value);
            }
        }
        let parts = parts
            .into_iter()
            .filter(|(_, durations)| durations.count() >= MIN_SLOW_REQUESTS);
        let slow = parts.filter_map(|([host, part], durations)| {
            Some(SlowPath {
                host,
                part,
                latency: durations.percentiles()?,
            })
        });
        let mut slow: Vec<SlowPath> = slow.collect();
        slow.sort_by(|one, other| other.latency.p95.total_cmp(&one.latency.p95));
        slow
    }

    pub(super) fn paths(&self) -> Option<Ranking<figures::Top>> {
        top(&self.paths, |hits| hits)
    }

    pub(super) fn top_clients(&self) -> Option<Ranking<figures::Top>> {
        top(&self.clients, |client| &client.hits)
    }

    pub(super) fn user_agents(&self) -> Option<Ranking<figures::Top>> {
        top(&self.agents, |agent| &agent.hits)
    }

    pub(super) fn hosts(&self) -> Option<Ranking<figures::Top>> {
        top(&self.hosts, |hits| hits)
    }
}

/// Returns the first part of a path: what is between its first and its second slash.
#[inline]
fn first_part(path: &[u8]) -> &[u8] {
    let after = memchr::memchr(b'/', path).map_or(path.len(), |at| at + 1);
    let rest = &path[after..];
    &rest[..memchr::memchr(b'/', rest).unwrap_or(rest.len())]
}

fn top<V: Tally>(top: &Top<V>, hits: impl Fn(&V) -> &Hits) -> Option<Ranking<figures::Top>> {
    top.ranking(MAX_TOP, |entry| {
        let hits = hits(&entry.value);
        figures::Top {
            value: text_of(&entry.key),
            requests: entry.count,
            client_errors: hits.client_errors,
            server_errors: hits.server_errors,
            received_bytes: hits.received,
            sent_bytes: hits.sent,
            last: Time(hits.last.unwrap_or_default()),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::first_part;

    #[test]
    fn the_first_part_of_a_path_is_that_of_split_part() {
        for (path, part) in [
            ("/", ""),
            ("/api", "api"),
            ("/api/orders/1", "api"),
            ("//x", ""),
            ("", ""),
            ("api", ""),
            ("*", ""),
        ] {
            assert_eq!(first_part(path.as_bytes()), part.as_bytes(), "{path}");
        }
    }
}
