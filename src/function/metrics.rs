//! What an invocation counts, in CloudWatch's embedded metric format: one line of JSON an invocation.
//!
//! The metrics are declared once, in [`METRICS`]; the line, `docs/reference/metrics.md` and the alarms of `template.yaml` follow it.
//! Format: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::formats::Format;
use crate::ingest::{Ledger, Outcome};
use crate::object::KeyFacts;

use super::note::{Note, Watch};
use super::work::Done;

/// The namespace of the metrics.
pub const NAMESPACE: &str = "AlbIngest";
/// The one dimension: metrics are stored, and paid, once for each of its values.
pub const DIMENSION: &str = "FunctionName";
/// CloudWatch takes so many values of one metric in a line.
const MAX_VALUES: usize = 100;

/// A metric.
#[derive(Debug)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// Its unit, as CloudWatch names it.
    pub unit: &'static str,
    /// What it counts, one sentence.
    pub doc: &'static str,
    value: fn(&Tally) -> Value,
}

/// What an invocation counts.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    ingested: u64,
    already_committed: u64,
    skipped: u64,
    failed: u64,
    corrupt: u64,
    out_of_balance: u64,
    lines: u64,
    events: u64,
    quarantined: u64,
    skipped_lines: u64,
    repaired: u64,
    unknown_fields: u64,
    unknown_values: u64,
    bytes_in: u64,
    bytes_out: u64,
    /// The ends of the intervals of the objects that were committed, microseconds since 1970.
    ends: Vec<i64>,
    /// How often lines were malformed, by reason and field.
    reasons: BTreeMap<String, u64>,
    /// When the invocation ended, milliseconds since 1970, and how long it took.
    ended: i64,
    took: u64,
}

/// Every metric, in the order in which the documentation lists them.
pub static METRICS: [Metric; 17] = [
    Metric {
        name: "ObjectsIngested",
        unit: "Count",
        doc: "Objects whose every line is accounted for and whose outputs are committed.",
        value: |tally| tally.ingested.into(),
    },
    Metric {
        name: "ObjectsCommittedBefore",
        unit: "Count",
        doc: "Of these, objects whose outputs were all there before: a repeated event or message.",
        value: |tally| tally.already_committed.into(),
    },
    Metric {
        name: "ObjectsSkipped",
        unit: "Count",
        doc: "Objects and records that hold no log, or are left out by a setting.",
        value: |tally| tally.skipped.into(),
    },
    Metric {
        name: "ObjectsFailed",
        unit: "Count",
        doc: "Objects and records that failed and will come again, or wait to be looked at.",
        value: |tally| tally.failed.into(),
    },
    Metric {
        name: "ObjectsCorrupt",
        unit: "Count",
        doc: "Objects that are truncated or corrupt at rest; the lines in front of the fault were committed.",
        value: |tally| tally.corrupt.into(),
    },
    Metric {
        name: "LedgerOutOfBalance",
        unit: "Count",
        doc: "Objects whose lines were not all accounted for: a defect of the program, nothing of them was committed.",
        value: |tally| tally.out_of_balance.into(),
    },
    Metric {
        name: "Lines",
        unit: "Count",
        doc: "Lines read; equal to Events + LinesQuarantined + LinesSkipped.",
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
        doc: "Malformed lines, kept in the quarantine.",
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
        doc: "Lines with a broken quote or a raw newline that were read by a rule.",
        value: |tally| tally.repaired.into(),
    },
    Metric {
        name: "EventsWithUnknownFields",
        unit: "Count",
        doc: "Events with fields behind those that the table knows; AWS appends fields so.",
        value: |tally| tally.unknown_fields.into(),
    },
    Metric {
        name: "UnknownValues",
        unit: "Count",
        doc: "Values that AWS's page does not name, in columns that have few; each once an object.",
        value: |tally| tally.unknown_values.into(),
    },
    Metric {
        name: "BytesIn",
        unit: "Bytes",
        doc: "Bytes of the objects as they are stored.",
        value: |tally| tally.bytes_in.into(),
    },
    Metric {
        name: "BytesOut",
        unit: "Bytes",
        doc: "Bytes of the outputs that were written, the quarantine included.",
        value: |tally| tally.bytes_out.into(),
    },
    Metric {
        name: "Delay",
        unit: "Seconds",
        doc: "From the end of the interval that an object's key names to its commit; at most a hundred objects an invocation.",
        value: |tally| tally.delays().into(),
    },
    Metric {
        name: "Duration",
        unit: "Milliseconds",
        doc: "How long the invocation took.",
        value: |tally| tally.took.into(),
    },
];

impl Tally {
    pub(super) fn add(&mut self, done: &Done) {
        match done {
            Done::Outcome(object, outcome) => match &**outcome {
                Outcome::Ingested(ledger) => {
                    self.ingested += 1;
                    self.add_ledger(ledger);
                    self.ends.extend(KeyFacts::of(&object.key).end);
                }
                Outcome::Skipped(_, ledger) => {
                    self.skipped += 1;
                    self.add_ledger(ledger);
                }
            },
            Done::Gone | Done::OwnOutput | Done::Settled { failed: false } => self.skipped += 1,
            Done::Failed { imbalance, .. } => {
                self.failed += 1;
                self.out_of_balance += u64::from(*imbalance);
            }
            Done::Settled { failed: true } => self.failed += 1,
            // Counted where it was worked on.
            Done::Duplicate(_) => {}
        }
    }

    fn add_ledger(&mut self, ledger: &Ledger) {
        self.lines += ledger.lines;
        self.events += ledger.events;
        self.quarantined += ledger.quarantined;
        self.skipped_lines += ledger.skipped_lines;
        self.repaired += ledger.repairs.iter().map(|(_, count)| count).sum::<u64>();
        self.unknown_fields += ledger.with_extra_fields;
        self.unknown_values += ledger.unknown_values.len() as u64;
        self.bytes_in += ledger.bytes_in;
        self.bytes_out += ledger.bytes_out;
        self.corrupt += u64::from(ledger.corruption.is_some());
        let there = !ledger.outputs.is_empty() && ledger.outputs.iter().all(|output| !output.written);
        self.already_committed += u64::from(there);
        for ((reason, field), count) in &ledger.reasons {
            let name = field.map_or_else(|| (*reason).to_owned(), |field| format!("{reason} in {field}"));
            *self.reasons.entry(name).or_default() += count;
        }
    }

    /// Notes when the invocation ended, milliseconds since 1970, and how many it took.
    pub const fn end(&mut self, ended: i64, took: u64) {
        self.ended = ended;
        self.took = took;
    }

    fn delays(&self) -> Vec<f64> {
        let seconds = |end: &i64| {
            // Milliseconds of the next centuries are exact in a double.
            #[expect(clippy::cast_precision_loss, reason = "see above")]
            let delay = (self.ended - end / 1_000).max(0) as f64 / 1_000.0;
            delay
        };
        self.ends.iter().take(MAX_VALUES).map(seconds).collect()
    }

    /// The line of the embedded metric format, without a newline. What has no value is left out.
    pub fn line(&self, function: &str, request_id: &str) -> String {
        let values = METRICS.iter().map(|metric| (metric, (metric.value)(self)));
        let values: Vec<_> = values.filter(|(_, value)| *value != json!([])).collect();
        let declared: Vec<_> = values
            .iter()
            .map(|(metric, _)| json!({"Name": metric.name, "Unit": metric.unit}))
            .collect();
        let mut line = Map::new();
        line.insert(
            "_aws".to_owned(),
            json!({
                "Timestamp": self.ended,
                "CloudWatchMetrics": [{"Namespace": NAMESPACE, "Dimensions": [[DIMENSION]], "Metrics": declared}],
            }),
        );
        line.insert(DIMENSION.to_owned(), function.into());
        line.insert("requestId".to_owned(), request_id.into());
        for (metric, value) in values {
            line.insert(metric.name.to_owned(), value);
        }
        if !self.reasons.is_empty() {
            // No metric, for each would be paid; the dashboard asks the log for it.
            line.insert("malformed".to_owned(), json!(self.reasons));
        }
        Value::Object(line).to_string()
    }
}

/// Tells of fields and values that are new, each once.
pub(super) fn note_first_sights(shift: &[Done], watch: &dyn Watch) {
    let mut fields: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut values = BTreeSet::new();
    for done in shift {
        let Done::Outcome(_, outcome) = done else { continue };
        let Outcome::Ingested(ledger) = &**outcome else {
            continue;
        };
        let Some(table) = ledger.table else { continue };
        if ledger.with_extra_fields > 0 {
            *fields.entry(table).or_default() += ledger.with_extra_fields;
        }
        values.extend(ledger.unknown_values.iter().map(|value| (table, value)));
    }
    for (table, events) in fields {
        let known = Format::by_name(table).map_or(0, Format::known_fields);
        watch.note(&Note::UnknownField {
            table,
            position: known + 1,
            events,
        });
    }
    for (table, unknown) in values {
        watch.note(&Note::UnknownValue {
            table,
            column: unknown.column,
            position: unknown.position,
            value: &unknown.value,
        });
    }
}

/// The metrics as a page of `docs/`.
pub fn markdown() -> String {
    let mut page = format!(
        "# Metrics\n\nThe function writes one line an invocation in CloudWatch's embedded metric format: namespace `{NAMESPACE}`, one \
         dimension, `{DIMENSION}`. The line also carries `requestId`, and `malformed`: how often a line was malformed, by reason \
         and field.\n\n| metric | unit | what it counts |\n|---|---|---|\n"
    );
    for Metric { name, unit, doc, .. } in &METRICS {
        page.push_str(&["| `", name, "` | ", unit, " | ", doc, " |\n"].concat());
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_what_cloudwatch_reads() {
        let mut tally = Tally {
            ingested: 2,
            lines: 10,
            ends: vec![1_700_000_000_000_000, 1_699_999_990_000_000],
            ..Tally::default()
        };
        tally.reasons.insert("not_a_time in time".to_owned(), 3);
        tally.end(1_700_000_060_500, 1_234);
        let line: Value = serde_json::from_str(&tally.line("alb-ingest", "id-1")).unwrap();
        let declared = line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().unwrap();
        assert_eq!(declared.len(), METRICS.len());
        for metric in declared {
            assert!(!line[metric["Name"].as_str().unwrap()].is_null());
        }
        assert_eq!(line["Delay"], json!([60.5, 70.5]));
        assert_eq!(line["FunctionName"], "alb-ingest");
        assert_eq!(line["malformed"]["not_a_time in time"], 3);
        let names: BTreeSet<_> = METRICS.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), METRICS.len());
        let empty: Value = serde_json::from_str(&Tally::default().line("f", "r")).unwrap();
        assert!(empty.get("Delay").is_none());
    }
}
