//! The statuses of a target over time, as one node of a load balancer saw them.

use std::collections::VecDeque;

use crate::report::sketch::{Tally, single, text_of};

/// The maximum number of runs of a target and a node that are kept.
const MAX_RUNS: usize = 128;

/// The maximum number of latest checks that are kept one by one.
const MAX_RECENT: usize = 64;

/// The status of a health check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Status {
    Pass,
    Fail,
    Other(Box<[u8]>),
    Null,
}

impl Status {
    pub(super) fn of(text: Option<&[u8]>) -> Self {
        match text {
            Some(b"PASS") => Self::Pass,
            Some(b"FAIL") => Self::Fail,
            Some(other) => Self::Other(single(Some(other)).into()),
            None => Self::Null,
        }
    }

    pub(super) fn text(&self) -> String {
        match self {
            Self::Pass => "PASS".to_owned(),
            Self::Fail => "FAIL".to_owned(),
            Self::Other(text) => text_of(text).unwrap_or_default(),
            Self::Null => String::new(),
        }
    }
}

/// Consecutive checks with the same status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) status: Status,
    /// The times of its first and its last check.
    pub(super) first: i64,
    last: i64,
    /// The reason of the first check.
    reason: Option<Box<[u8]>>,
}

impl Run {
    pub(super) fn reason(&self) -> Option<String> {
        text_of(single(self.reason.as_deref()))
    }

    /// Returns whether a run after this one is a transition. SQL finds none from or to null.
    fn changes_to(&self, after: &Self) -> bool {
        self.status != Status::Null && after.status != Status::Null && self.status != after.status
    }
}

/// The statuses in the order of time: the latest checks, and runs of the checks before them.
///
/// The transitions are exact if the objects of a node are added in the order of time, which is the order of their keys, or in the
/// opposite order; the last [`MAX_RECENT`] checks of objects may overlap. The times between the first and the last check of
/// a run are not kept, so several checks that come later, and belong between those, can be taken for consecutive ones. Beyond
/// [`MAX_RUNS`] runs, the older half is only counted.
#[derive(Debug, Default)]
pub(super) struct Runs {
    /// Neighbours have different statuses.
    settled: Vec<Run>,
    /// The latest checks, each a run of its own.
    recent: VecDeque<Run>,
    /// The number of transitions between runs that are not kept any more.
    forgotten: u64,
}

impl Runs {
    /// Adds a check. Of checks at the same time, those that are added first come first.
    #[inline]
    pub(super) fn add(&mut self, time: i64, status: Status, reason: Option<&[u8]>) {
        if self.recent.back().is_none_or(|last| last.first <= time) {
            self.recent.push_back(run(time, status, reason));
        } else {
            self.add_late(time, status, reason);
        }
        if self.recent.len() > MAX_RECENT
            && let Some(first) = self.recent.pop_front()
        {
            self.settle(first);
        }
    }

    #[cold]
    fn add_late(&mut self, time: i64, status: Status, reason: Option<&[u8]>) {
        let after = self.recent.partition_point(|check| check.first <= time);
        if after == 0 && self.settled.last().is_some_and(|last| time < last.last) {
            self.insert(time, status, reason);
        } else {
            self.recent.insert(after, run(time, status, reason));
        }
    }

    /// Adds a run after those that there are.
    fn settle(&mut self, run: Run) {
        match self.settled.last_mut() {
            Some(last) if last.status == run.status => last.last = run.last,
            _ => self.settled.push(run),
        }
        self.bound();
    }

    /// Adds a check between those of the runs.
    fn insert(&mut self, time: i64, status: Status, reason: Option<&[u8]>) {
        // The number of runs that begin at this time or before.
        let after = self.settled.partition_point(|run| run.first <= time);
        let begins_next = |next: &mut Run| {
            next.first = time;
            next.reason = reason.map(|reason| single(Some(reason)).into());
        };
        let Some(at) = after.checked_sub(1) else {
            match self.settled.first_mut() {
                Some(first) if first.status == status => begins_next(first),
                _ => self.settled.insert(0, run(time, status, reason)),
            }
            return self.bound();
        };
        let current = &mut self.settled[at];
        if current.status == status {
            current.last = current.last.max(time);
        } else if time >= current.last {
            match self.settled.get_mut(after) {
                Some(next) if next.status == status => begins_next(next),
                _ => self.settled.insert(after, run(time, status, reason)),
            }
        } else {
            // The run is interrupted: it has checks before and after this one.
            let rest = Run {
                first: current.last,
                ..current.clone()
            };
            current.last = current.first;
            drop(self.settled.splice(after..after, [run(time, status, reason), rest]));
        }
        self.bound();
    }

    fn bound(&mut self) {
        if self.settled.len() > MAX_RUNS {
            let forgotten = self.settled.len() / 2;
            let pairs = self.settled.windows(2).take(forgotten);
            self.forgotten += pairs.filter(|pair| pair[0].changes_to(&pair[1])).count() as u64;
            self.settled.drain(..forgotten);
        }
    }

    /// Returns all runs in order.
    fn all(&self) -> impl Iterator<Item = &Run> + Clone {
        self.settled.iter().chain(&self.recent)
    }

    /// Returns the number of transitions.
    pub(super) fn transitions(&self) -> u64 {
        self.forgotten + self.pairs().count() as u64
    }

    /// Returns the transitions that are kept: the runs before and after each.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&Run, &Run)> {
        let pairs = self.all().zip(self.all().skip(1));
        pairs.filter(|(before, after)| before.changes_to(after))
    }
}

fn run(time: i64, status: Status, reason: Option<&[u8]>) -> Run {
    Run {
        status,
        first: time,
        last: time,
        reason: reason.map(|reason| single(Some(reason)).into()),
    }
}

impl Tally for Runs {
    fn merge(&mut self, mut other: Self) {
        let is_before = match (other.all().last(), self.all().next()) {
            (Some(last), Some(first)) => last.last < first.first,
            _ => false,
        };
        if is_before {
            std::mem::swap(self, &mut other);
        }
        self.forgotten += other.forgotten;
        let follows = match (self.all().last(), other.settled.first()) {
            (Some(last), Some(first)) => last.last <= first.first,
            _ => true,
        };
        if follows && !other.settled.is_empty() {
            for check in std::mem::take(&mut self.recent) {
                self.settle(check);
            }
            for run in other.settled {
                self.settle(run);
            }
        } else {
            for Run {
                status,
                first,
                last,
                reason,
            } in other.settled
            {
                self.add(first, status.clone(), reason.as_deref());
                self.add(last, status, reason.as_deref());
            }
        }
        for check in other.recent {
            self.add(check.first, check.status, check.reason.as_deref());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Checks of one node by time; some have no status.
    fn checks() -> impl Strategy<Value = Vec<(i64, Option<&'static str>)>> {
        let status =
            prop_oneof![8 => Just(Some("PASS")), 3 => Just(Some("FAIL")), 1 => Just(None), 1 => Just(Some("DRAINING"))];
        proptest::collection::vec(status, 1..100)
            .prop_map(|statuses| (0..).map(|number| number * 10).zip(statuses).collect())
    }

    fn runs(checks: &[(i64, Option<&'static str>)]) -> Runs {
        let mut runs = Runs::default();
        for (time, status) in checks {
            runs.add(*time, Status::of(status.map(str::as_bytes)), None);
        }
        runs
    }

    fn expected(checks: &[(i64, Option<&'static str>)]) -> Vec<(i64, String, String)> {
        let pairs = checks.windows(2).filter_map(|pair| match (pair[0].1, pair[1].1) {
            (Some(before), Some(after)) if before != after => Some((pair[1].0, before.to_owned(), after.to_owned())),
            _ => None,
        });
        pairs.collect()
    }

    fn found(runs: &Runs) -> Vec<(i64, String, String)> {
        let pairs = runs.pairs();
        pairs
            .map(|(before, after)| (after.first, before.status.text(), after.status.text()))
            .collect()
    }

    proptest! {
        #[test]
        fn transitions_are_those_of_the_checks_in_their_order(checks in checks()) {
            prop_assert_eq!(found(&runs(&checks)), expected(&checks));
        }

        #[test]
        fn objects_of_a_node_can_come_in_both_orders(
            checks in checks(),
            borders in proptest::collection::vec(0..100_usize, 0..6),
            is_reversed in any::<bool>(),
        ) {
            let mut borders: Vec<usize> = borders.into_iter().map(|at| at.min(checks.len())).collect();
            borders.extend([0, checks.len()]);
            borders.sort_unstable();
            let mut objects: Vec<Runs> = borders.windows(2).map(|pair| runs(&checks[pair[0]..pair[1]])).collect();
            if is_reversed {
                objects.reverse();
            }
            let mut merged = Runs::default();
            for object in objects {
                merged.merge(object);
            }
            prop_assert_eq!(found(&merged), expected(&checks));
        }

        #[test]
        fn objects_of_a_node_can_overlap(checks in checks(), of_other in proptest::collection::vec(any::<bool>(), 100)) {
            let (before, checks) = checks.split_at(checks.len().saturating_sub(MAX_RECENT));
            let (mut one, mut other) = (Vec::new(), Vec::new());
            for (check, is_of_other) in checks.iter().zip(of_other) {
                if is_of_other { other.push(*check) } else { one.push(*check) }
            }
            let mut merged = runs(before);
            merged.merge(runs(&one));
            merged.merge(runs(&other));
            prop_assert_eq!(found(&merged), expected(&[before, checks].concat()));
        }

        #[test]
        fn one_check_can_come_late(checks in checks(), late in 0..100_usize) {
            let mut others = checks.clone();
            let late = others.remove(late % checks.len());
            let mut merged = runs(&others);
            merged.add(late.0, Status::of(late.1.map(str::as_bytes)), None);
            prop_assert_eq!(merged.transitions(), expected(&checks).len() as u64);
        }
    }

    #[test]
    fn many_transitions_are_counted_after_they_are_forgotten() {
        let mut runs = Runs::default();
        for time in 0..1_000 {
            runs.add(time, if time % 2 == 0 { Status::Pass } else { Status::Fail }, None);
        }
        assert_eq!(runs.transitions(), 999);
        assert!(runs.settled.len() <= MAX_RUNS && runs.pairs().count() >= 50);
    }
}
