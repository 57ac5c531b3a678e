//! The figures of health checks.

use serde::{Deserialize, Serialize};

use crate::report::Time;

use super::{Percentiles, Ranking};

/// Health checks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Health {
    /// The number of checks.
    pub checks: u64,
    /// The number of failed checks.
    pub failed: u64,
    /// The targets, those with the most failed checks first.
    pub targets: Ranking<HealthTarget>,
    /// The number of transitions between PASS and FAIL. Each node of a load balancer checks independently, so the transitions are
    /// those seen by one node.
    pub transitions: u64,
    /// The latest transitions, the last one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub latest_transitions: Vec<HealthTransition>,
}

/// A target with its health checks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HealthTarget {
    /// The target group.
    pub target_group: Option<String>,
    /// The target, as logged: `address:port`, or the ARN of a Lambda function.
    pub target: Option<String>,
    /// The number of checks.
    pub checks: u64,
    /// The number of failed checks.
    pub failed: u64,
    /// The time of the last failed check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<Time>,
    /// The duration of the checks that passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Percentiles>,
    /// The reasons of the failed checks, the most frequent first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<HealthReason>,
    /// The number of transitions.
    pub transitions: u64,
}

/// Failed checks with the same reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthReason {
    /// The reason code.
    pub reason: Option<String>,
    /// The number of checks.
    pub failed: u64,
}

/// A transition of a target, as one node of the load balancer saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthTransition {
    /// The time of the first check with the new status.
    pub time: Time,
    /// The load balancer.
    pub load_balancer: Option<String>,
    /// The target group.
    pub target_group: Option<String>,
    /// The target.
    pub target: Option<String>,
    /// The address of the node.
    pub node: Option<String>,
    /// The status before.
    pub before: String,
    /// The status since.
    pub after: String,
    /// The reason code of the first check with the new status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
