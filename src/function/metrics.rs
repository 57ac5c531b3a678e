//! The metrics of the function, declared once in [`METRICS`] and [`MERGE_METRICS`].
//!
//! The function's log line (`emf`), `docs/reference/metrics.md` and the alarms of `template.yaml` follow these tables.

use serde_json::Value;

use super::tally::{MergeTally, Tally};

/// The namespace of the metrics.
pub const NAMESPACE: &str = "AlbIngest";
/// The only dimension: CloudWatch stores, and bills, the metrics once for each of its values.
pub const DIMENSION: &str = "FunctionName";

/// A metric.
#[derive(Debug)]
pub struct Metric {
    /// The name.
    pub name: &'static str,
    /// The unit, as CloudWatch names it.
    pub unit: &'static str,
    /// The description, one sentence.
    pub doc: &'static str,
    /// Returns the value for one invocation; an empty list is not reported.
    pub(super) value: fn(&Tally) -> Value,
}

/// The metrics of every invocation, in the order in which the documentation lists them.
pub static METRICS: [Metric; 19] = [
    Metric {
        name: "ObjectsIngested",
        unit: "Count",
        doc: "Objects whose every line is accounted for and whose outputs are committed.",
        value: |tally| tally.ingested.into(),
    },
    Metric {
        name: "ObjectsCommittedBefore",
        unit: "Count",
        doc: "Of these, objects whose outputs all existed already: a repeated event or message.",
        value: |tally| tally.already_committed.into(),
    },
    Metric {
        name: "ObjectsSkipped",
        unit: "Count",
        doc: "Objects and records without a log, or excluded by a setting.",
        value: |tally| tally.skipped.into(),
    },
    Metric {
        name: "ObjectsFiltered",
        unit: "Count",
        doc: "Of these, objects that INCLUDE and EXCLUDE leave out; a stream of one log type leaves out the others.",
        value: |tally| tally.filtered.into(),
    },
    Metric {
        name: "ObjectsFailed",
        unit: "Count",
        doc: "Objects and records that failed and will be retried, or wait in the dead-letter queue.",
        value: |tally| tally.failed.into(),
    },
    Metric {
        name: "ObjectsFailedPermanently",
        unit: "Count",
        doc: "Of these, objects and records that a retry cannot help: no log, another format, access denied, an invalid record.",
        value: |tally| tally.failed_permanently.into(),
    },
    Metric {
        name: "ObjectsCorrupt",
        unit: "Count",
        doc: "Objects that are truncated or corrupt at rest. Lines of a gzip member that failed its checksum are in the quarantine as unverified.",
        value: |tally| tally.corrupt.into(),
    },
    Metric {
        name: "LedgerOutOfBalance",
        unit: "Count",
        doc: "Objects whose lines were not all accounted for: a defect of the program; nothing of them was committed.",
        value: |tally| tally.out_of_balance.into(),
    },
    Metric {
        name: "Lines",
        unit: "Count",
        doc: "Lines read; equal to Events + EventsFiltered + LinesQuarantined + LinesSkipped.",
        value: |tally| tally.lines.into(),
    },
    Metric {
        name: "Events",
        unit: "Count",
        doc: "Events committed.",
        value: |tally| tally.events.into(),
    },
    Metric {
        name: "LinesQuarantined",
        unit: "Count",
        doc: "Malformed lines, which are kept in the quarantine.",
        value: |tally| tally.quarantined.into(),
    },
    Metric {
        name: "LinesSkipped",
        unit: "Count",
        doc: "Blank lines.",
        value: |tally| tally.skipped_lines.into(),
    },
    Metric {
        name: "LinesRepaired",
        unit: "Count",
        doc: "Lines with a broken quote or a raw newline that a rule repaired.",
        value: |tally| tally.repaired.into(),
    },
    Metric {
        name: "EventsWithUnknownFields",
        unit: "Count",
        doc: "Events with more fields than the table knows; AWS adds fields at the end of a line.",
        value: |tally| tally.unknown_fields.into(),
    },
    Metric {
        name: "UnknownValues",
        unit: "Count",
        doc: "Values that AWS does not document, in columns with few distinct values; each counted once per object.",
        value: |tally| tally.unknown_values.into(),
    },
    Metric {
        name: "BytesIn",
        unit: "Bytes",
        doc: "Size of the objects as they are stored.",
        value: |tally| tally.bytes_in.into(),
    },
    Metric {
        name: "BytesOut",
        unit: "Bytes",
        doc: "Size of the outputs that were written, including the quarantine.",
        value: |tally| tally.bytes_out.into(),
    },
    Metric {
        name: "Delay",
        unit: "Seconds",
        doc: "Time from the end of the interval in an object's key to its commit; at most 100 objects per invocation.",
        value: |tally| tally.delays().into(),
    },
    Metric {
        name: "Duration",
        unit: "Milliseconds",
        doc: "Duration of the invocation.",
        value: |tally| tally.took.into(),
    },
];

/// The metrics of filters and samples, which only invocations that left events out report: CloudWatch bills each.
pub static FILTER_METRICS: [Metric; 1] = [Metric {
    name: "EventsFiltered",
    unit: "Count",
    doc: "Events that FILTER or SAMPLE leaves out.",
    value: |tally| match tally.filtered_events {
        0 => Value::Array(Vec::new()),
        filtered => filtered.into(),
    },
}];

/// The metrics of merged delivery, which only invocations that looked at a folder report: CloudWatch bills each.
pub static MERGE_METRICS: [Metric; 5] = [
    Metric {
        name: "Plans",
        unit: "Count",
        doc: "Plans that were committed, each with its own outputs.",
        value: |tally| merged(tally, |merge| merge.plans.into()),
    },
    Metric {
        name: "Members",
        unit: "Count",
        doc: "Objects that became members of these plans.",
        value: |tally| merged(tally, |merge| merge.members.into()),
    },
    Metric {
        name: "MembersFailed",
        unit: "Count",
        doc: "Of these, objects that cannot be read: gone, changed, no log, or read without success for a day; their rows are missing.",
        value: |tally| merged(tally, |merge| merge.failed.into()),
    },
    Metric {
        name: "MembersLate",
        unit: "Count",
        doc: "Of the members, objects that were merged later than MERGE_GRACE, MERGE_WINDOW and MERGE_MAX_WAIT together explain: they arrived late, or the function was behind.",
        value: |tally| merged(tally, |merge| merge.late.into()),
    },
    Metric {
        name: "MergeLag",
        unit: "Seconds",
        doc: "Time since the end of the oldest interval of which an object is listed and not merged; 0 if everything is.",
        value: |tally| merged(tally, |merge| tally.lag(merge).into()),
    },
];

/// Returns a value of merged delivery; nothing is reported unless a folder was looked at.
fn merged(tally: &Tally, value: impl FnOnce(&MergeTally) -> Value) -> Value {
    tally.merge.as_ref().map_or_else(|| Value::Array(Vec::new()), value)
}

/// Returns the metrics as a page of `docs/`.
pub fn markdown() -> String {
    let mut page = format!(
        "# Metrics\n\nThe function writes one line per invocation in CloudWatch's embedded metric format, with the namespace \
         `{NAMESPACE}` and one dimension, `{DIMENSION}`. The line also has `requestId`, and `malformed`: the number of \
         malformed lines by reason and field.\n\n| metric | unit | description |\n|---|---|---|\n"
    );
    let row = |Metric { name, unit, doc, .. }: &Metric| ["| `", name, "` | ", unit, " | ", doc, " |\n"].concat();
    page.extend(METRICS.iter().map(row));
    page.push_str(
        "\n## Filters and samples\n\nInvocations that left events out also report these.\n\n| metric | unit | description |\n|---|---|---|\n",
    );
    page.extend(FILTER_METRICS.iter().map(row));
    page.push_str(
        "\n## Merged delivery\n\nInvocations that looked at a folder also report these.\n\n| metric | unit | description |\n|---|---|---|\n",
    );
    page.extend(MERGE_METRICS.iter().map(row));
    page
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_name_occurs_twice() {
        let all = METRICS.iter().chain(&FILTER_METRICS).chain(&MERGE_METRICS);
        let names: BTreeSet<_> = all.map(|metric| metric.name).collect();
        assert_eq!(names.len(), METRICS.len() + FILTER_METRICS.len() + MERGE_METRICS.len());
    }
}
