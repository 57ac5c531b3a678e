//! Intervals in which a load balancer node delivered no object, although another node of the load balancer did.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::object::{KeyFacts, node_address};

use super::super::Stop;
use super::super::report::timestamp;
use super::findings::Findings;

const MINUTE: i64 = 60 * 1_000_000;

/// The ends of the intervals in the keys, in minutes since 1970, by table and load balancer, and by node.
#[derive(Default)]
pub(super) struct Gaps {
    balancers: BTreeMap<(&'static str, String), BTreeMap<String, Vec<u32>>>,
}

/// Intervals without an object that follow each other.
#[derive(Debug, PartialEq, Eq)]
struct Gap {
    first: u32,
    last: u32,
    intervals: usize,
}

impl Gaps {
    /// Adds an object.
    pub(super) fn add(&mut self, key: &str, facts: &KeyFacts) {
        let KeyFacts {
            log_type: Some(log_type),
            load_balancer: Some(balancer),
            end: Some(end),
            ..
        } = facts
        else {
            return;
        };
        let (Some(node), Ok(minute)) = (node_address(key), u32::try_from(end / MINUTE)) else {
            return;
        };
        let nodes = self.balancers.entry((log_type.table(), balancer.clone())).or_default();
        match nodes.get_mut(node) {
            Some(ends) => ends.push(minute),
            None => drop(nodes.insert(node.to_owned(), vec![minute])),
        }
    }

    /// Reports every gap.
    pub(super) fn report(self, findings: &mut Findings) -> Result<(), Stop> {
        for ((table, balancer), nodes) in self.balancers {
            if nodes.len() < 2 {
                continue;
            }
            let all: BTreeSet<u32> = nodes.values().flatten().copied().collect();
            for (node, ends) in nodes {
                for gap in gaps(&all, ends) {
                    let time = |minute: u32| timestamp(i64::from(minute) * MINUTE);
                    findings.gaps.add(&json!({
                        "table": table,
                        "load_balancer": balancer,
                        "node": node,
                        "from": time(gap.first),
                        "to": time(gap.last),
                        "intervals": gap.intervals,
                    }))?;
                }
            }
        }
        Ok(())
    }
}

/// Returns the gaps between the first and the last interval of a node, given the intervals of all nodes.
fn gaps(all: &BTreeSet<u32>, mut ends: Vec<u32>) -> Vec<Gap> {
    ends.sort_unstable();
    let mut gaps = Vec::new();
    for pair in ends.windows(2) {
        let [before, after] = *pair else { continue };
        if before >= after {
            continue;
        }
        let mut missing = all.range(before + 1..after);
        if let Some(first) = missing.next() {
            let last = missing.next_back();
            gaps.push(Gap {
                first: *first,
                last: *last.unwrap_or(first),
                intervals: 1 + usize::from(last.is_some()) + missing.count(),
            });
        }
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_between_objects_of_the_same_node() {
        let all = BTreeSet::from([5, 10, 15, 20, 25, 30]);
        let gap = |first, last, intervals| Gap { first, last, intervals };
        assert_eq!(gaps(&all, vec![30, 5]), [gap(10, 25, 4)]);
        assert_eq!(gaps(&all, vec![10, 15, 25, 25]), [gap(20, 20, 1)]);
        assert_eq!(gaps(&all, vec![10]), []);
        assert_eq!(gaps(&BTreeSet::from([5, 30]), vec![5, 30]), []);
    }
}
