//! Panther's schema: the field names of `AWS.ALB`, and names of the same style if it has none.
//! <https://docs.panther.com/data-onboarding/supported-logs/aws/alb>

use super::Rule;
use super::build::{Draft, Entry, computed as entry};
use super::camel::camel_case;
use super::derive;
use crate::formats::{LogType, Plan};

/// Names in Panther's schema that are not the column's own name in camel case.
type Renamed = &'static [(&'static str, &'static str)];

const ALB_ACCESS: Renamed = &[
    ("request_verb", "requestHttpMethod"),
    ("request_proto", "requestHttpVersion"),
    ("target_status_code_list", "targetStatusList"),
    // A number in Panther's schema; the logged text gets a name of its own.
    ("matched_rule_priority", "matchedRulePriorityLogged"),
];

const CLB_ACCESS: Renamed = &[
    ("request_verb", "requestHttpMethod"),
    ("request_proto", "requestHttpVersion"),
];

/// Values that have another type in Panther's schema than in the column.
static ALB_ACCESS_COMPUTED: &[Entry] = &[entry(
    "matchedRulePriority",
    &["matched_rule_priority"],
    Rule::Int64(derive::number),
    "Priority of the matching rule: 1 to 50000, 0 for the default rule, -1 for an error during rule evaluation.",
)];

const fn renamed(log_type: LogType) -> Renamed {
    match log_type {
        LogType::AlbAccess => ALB_ACCESS,
        LogType::ClbAccess => CLB_ACCESS,
        LogType::AlbConnection | LogType::AlbHealthCheck | LogType::NlbAccess => &[],
    }
}

/// Returns the computed values of a log type.
pub(super) fn computed(log_type: LogType) -> &'static [Entry] {
    match log_type {
        LogType::AlbAccess => ALB_ACCESS_COMPUTED,
        LogType::AlbConnection | LogType::AlbHealthCheck | LogType::NlbAccess | LogType::ClbAccess => &[],
    }
}

/// Returns each column under Panther's name, and the computed values.
pub(super) fn drafts(plan: &Plan) -> Vec<Draft> {
    let log_type = plan.format.log_type;
    let columns = plan.columns.iter().enumerate().map(|(number, column)| {
        let renamed = renamed(log_type).iter().find(|(name, _)| *name == column.name);
        let path = renamed.map_or_else(|| camel_case(column.name), |(_, panther)| (*panther).to_owned());
        Draft::column(path, number, column)
    });
    let computed = computed(log_type).iter().filter_map(|entry| Draft::of(entry, plan));
    columns.chain(computed).collect()
}
