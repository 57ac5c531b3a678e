//! Panther's schema: the field names of `AWS.ALB`, and names of the same style where it has none.
//! <https://docs.panther.com/data-onboarding/supported-logs/aws/alb>

use super::Rule;
use super::build::{Draft, Entry, made};
use super::camel::camel_case;
use super::derive;
use crate::formats::Plan;

/// Columns whose name in Panther's schema is not their own in camel case.
const RENAMED: [(&str, &str); 4] = [
    ("request_verb", "requestHttpMethod"),
    ("request_proto", "requestHttpVersion"),
    ("target_status_code_list", "targetStatusList"),
    // A number there; what is logged stands beside it.
    ("matched_rule_priority", "matchedRulePriorityLogged"),
];

/// What Panther has as another type than the column.
static MADE: &[Entry] = &[made(
    "matchedRulePriority",
    &["matched_rule_priority"],
    Rule::Int64(derive::number),
    "Priority of the matching rule: 1 to 50000, 0 for the default rule, -1 for an error while evaluating rules.",
)];

/// Each column under Panther's name.
pub(super) fn drafts(plan: &Plan) -> Vec<Draft> {
    let columns = plan.columns.iter().enumerate();
    let columns = columns.map(|(number, column)| {
        let renamed = RENAMED.iter().find(|(name, _)| *name == column.name);
        let path = renamed.map_or_else(|| camel_case(column.name), |(_, panther)| (*panther).to_owned());
        Draft::column(path, number, column)
    });
    let made = MADE.iter().filter_map(|entry| Draft::of(entry, plan));
    columns.chain(made).collect()
}
