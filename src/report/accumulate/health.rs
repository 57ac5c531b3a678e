//! Health checks by target, and the transitions of targets.

use std::collections::BTreeMap;

use crate::report::Time;
use crate::report::figures::{self, HealthReason, HealthTarget, HealthTransition, Ranking};
use crate::report::sketch::{Durations, Entry, KeyBuffer, Tally, Top, texts_of};

use super::MAX_ROWS;
use super::columns::Columns;
use super::runs::{Run, Runs, Status};
use super::timeline::Timeline;

/// The maximum number of targets.
const TARGETS: usize = 2_048;
/// The maximum number of targets with a node of a load balancer that checks them.
const NODES: usize = 4_096;
/// The number of latest transitions that are shown.
const MAX_LATEST: usize = 50;

/// Health checks.
pub(super) struct Health {
    checks: u64,
    failed: u64,
    /// By target group and target.
    targets: Top<Checks>,
    /// By target group, target, and reason of a failed check.
    reasons: Top<()>,
    /// By target group, target, load balancer and node.
    nodes: Top<Runs>,
    buffer: KeyBuffer,
}

/// What is known of the checks of a target.
#[derive(Default)]
struct Checks {
    failed: u64,
    last_failure: Option<i64>,
    latency: Durations,
}

impl Tally for Checks {
    fn merge(&mut self, other: Self) {
        self.failed += other.failed;
        self.last_failure = self.last_failure.max(other.last_failure);
        self.latency.merge(&other.latency);
    }
}

impl Health {
    pub(super) const fn new() -> Self {
        Self {
            checks: 0,
            failed: 0,
            targets: Top::new(TARGETS),
            reasons: Top::new(TARGETS),
            nodes: Top::new(NODES),
            buffer: KeyBuffer::new(),
        }
    }

    /// Adds health checks.
    pub(super) fn add(&mut self, columns: Columns<'_>, times: &[i64], timeline: &mut Timeline) {
        let [group, target, status, reason, load_balancer, node] = [
            "target_group_id",
            "target_addr",
            "status",
            "reason_code",
            "elb",
            "ip_address",
        ]
        .map(|name| columns.texts(name));
        let latency = columns.floats("latency");
        for (row, time) in times.iter().enumerate() {
            let status = Status::of(status.get(row));
            let key = [group.get(row), target.get(row)];
            let checks = &mut self.targets.count(self.buffer.key(&key)).value;
            match (&status, latency.get(row)) {
                (Status::Pass, Some(seconds)) => checks.latency.add(seconds),
                (Status::Fail, _) => {
                    checks.failed += 1;
                    checks.last_failure = checks.last_failure.max(Some(*time));
                    let key = [key[0], key[1], reason.get(row)];
                    self.reasons.count(self.buffer.key(&key));
                }
                _ => {}
            }
            let failed = u64::from(status == Status::Fail);
            self.checks += 1;
            self.failed += failed;
            let slot = timeline.at(*time);
            slot.checks += 1;
            slot.failed_checks += failed;
            let key = [key[0], key[1], load_balancer.get(row), node.get(row)];
            let runs = &mut self.nodes.count(self.buffer.key(&key)).value;
            runs.add(*time, status, reason.get(row));
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.checks += other.checks;
        self.failed += other.failed;
        self.targets.merge(other.targets);
        self.reasons.merge(other.reasons);
        self.nodes.merge(other.nodes);
    }

    /// Returns the figures, if there are checks.
    pub(super) fn figures(&self) -> Option<figures::Health> {
        if self.checks == 0 {
            return None;
        }
        let mut transitions: BTreeMap<[Option<String>; 2], u64> = BTreeMap::new();
        for entry in self.nodes.entries() {
            *transitions.entry(texts_of(&entry.key)).or_default() += entry.value.transitions();
        }
        Some(figures::Health {
            checks: self.checks,
            failed: self.failed,
            targets: self.targets(&transitions)?,
            transitions: transitions.values().sum(),
            latest_transitions: self.latest_transitions(),
        })
    }

    fn targets(&self, transitions: &BTreeMap<[Option<String>; 2], u64>) -> Option<Ranking<HealthTarget>> {
        let mut reasons: BTreeMap<[Option<String>; 2], Vec<HealthReason>> = BTreeMap::new();
        for entry in self.reasons.entries() {
            let [group, target, reason] = texts_of(&entry.key);
            let failed = entry.count;
            reasons
                .entry([group, target])
                .or_default()
                .push(HealthReason { reason, failed });
        }
        let rank = |entry: &Entry<Checks>| Some((entry.value.failed, entry.count));
        self.targets.ranking_by(MAX_ROWS, rank, |entry| {
            let key = texts_of(&entry.key);
            let mut reasons = reasons.get(&key).cloned().unwrap_or_default();
            reasons.sort_by(|one, other| {
                other
                    .failed
                    .cmp(&one.failed)
                    .then_with(|| one.reason.cmp(&other.reason))
            });
            let transitions = transitions.get(&key).copied().unwrap_or(0);
            let [target_group, target] = key;
            HealthTarget {
                target_group,
                target,
                checks: entry.count,
                failed: entry.value.failed,
                last_failure: entry.value.last_failure.map(Time),
                latency: entry.value.latency.percentiles(),
                reasons,
                transitions,
            }
        })
    }

    fn latest_transitions(&self) -> Vec<HealthTransition> {
        let mut latest: Vec<(&Run, &Run, &[u8])> = Vec::new();
        for entry in self.nodes.entries() {
            latest.extend(entry.value.pairs().map(|(before, after)| (before, after, &*entry.key)));
        }
        latest.sort_unstable_by(|(_, one, a), (_, other, b)| other.first.cmp(&one.first).then_with(|| a.cmp(b)));
        let latest = latest.into_iter().take(MAX_LATEST);
        let transition = |(before, after, key): (&Run, &Run, &[u8])| {
            let [target_group, target, load_balancer, node] = texts_of(key);
            HealthTransition {
                time: Time(after.first),
                load_balancer,
                target_group,
                target,
                node,
                before: before.status.text(),
                after: after.status.text(),
                reason: after.reason(),
            }
        };
        latest.map(transition).collect()
    }
}
