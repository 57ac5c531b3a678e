//! The figures of the last `make soak` in docs/reliability.md, from docs/soak.json.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use serde_json::Value;

use super::{check_part, exists};
use crate::generated::package;

const BEGIN: &str = "<!-- BEGIN generated: figures -->\n";
const END: &str = "<!-- END generated: figures -->\n";

/// A promise of docs/semantics.md, the tests of the soak that hold it, and its figures.
struct Promise {
    title: &'static str,
    /// The part of docs/semantics.md that states it.
    anchor: &'static str,
    tests: &'static [&'static str],
    figures: fn(&Soak) -> Vec<String>,
}

const PLANS: &str = "tests/aws/plans/mod.rs::every_plan_holds_every_invariant";
const KILLS: &str = "tests/aws/kills/mod.rs::a_kill_at_any_position_leaves_no_partial_output_and_a_rerun_completes_it";

const PROMISES: [Promise; 8] = [
    Promise {
        title: "Nothing is acknowledged before it is committed",
        anchor: "acknowledgement",
        tests: &[PLANS, KILLS],
        figures: |soak| vec![soak.plans("invocations", "invocations and runs"), soak.violations()],
    },
    Promise {
        title: "Every line is accounted for",
        anchor: "accounting",
        tests: &[PLANS, "tests/engine/properties.rs::mutated_lines_are_accounted_for"],
        figures: |soak| {
            vec![
                soak.plans("lines", "lines"),
                soak.plans("events", "events"),
                soak.lost(),
            ]
        },
    },
    Promise {
        title: "An output appears as a whole or not at all",
        anchor: "commit",
        tests: &[PLANS, KILLS],
        figures: |soak| {
            vec![
                soak.killed_plans(),
                soak.of("kills", "kills", "kills by position"),
                soak.of("kills", "partial", "partial outputs"),
                soak.of("kills", "different", "reruns with other bytes than the reference"),
            ]
        },
    },
    Promise {
        title: "Files have each event once, merged or not",
        anchor: "delivery",
        tests: &[PLANS, KILLS],
        figures: |soak| vec![soak.plans("objects", "objects"), soak.doubled()],
    },
    Promise {
        title: "A stream has each event, and copies are equal",
        anchor: "firehose-at-least-once",
        tests: &[
            PLANS,
            "tests/aws/firehose/objects.rs::a_stream_has_the_same_events_as_a_file",
        ],
        figures: |soak| vec![soak.plans("duplicates", "duplicates in streams"), soak.equal_copies()],
    },
    Promise {
        title: "Memory is bounded",
        anchor: "limits",
        tests: &[
            PLANS,
            "tests/python/test_memory.py::test_the_smallest_function_survives_every_object",
        ],
        figures: |soak| {
            vec![
                soak.plans("peak_mib", "MiB at the peak of a function of 128 MB, in the plans"),
                soak.of("limits", "cases", "cases in 128 MB or on full disks"),
                soak.of("limits", "peak_mb", "MB at the peak of these cases"),
                soak.of("limits", "killed", "of them killed"),
                soak.of("limits", "lost", "lines lost"),
            ]
        },
    },
    Promise {
        title: "No secret of a log, and no credential, is in a log, a report, an answer or metadata",
        anchor: "privacy",
        tests: &[
            PLANS,
            "tests/aws/canaries.rs::no_canary_leaves_its_channel_in_the_function_at_any_level",
        ],
        figures: |soak| vec![soak.of("plans", "plans", "plans, all with canaries"), soak.violations()],
    },
    Promise {
        title: "No input ends the program",
        anchor: "accounting",
        tests: &["tests/engine/properties.rs::mutated_lines_are_accounted_for"],
        figures: |soak| vec![soak.fuzz(), soak.of("fuzz", "failed", "targets that found a defect")],
    },
];

/// The figures of a soak.
struct Soak(Value);

impl Soak {
    fn read() -> Self {
        let text = fs::read_to_string(package("docs/soak.json")).unwrap();
        Self(serde_json::from_str(&text).unwrap())
    }

    /// Returns a figure, or that its step did not run.
    fn of(&self, step: &str, name: &str, what: &str) -> String {
        match &self.0[step][name] {
            Value::Number(figure) => format!("{} {what}", grouped(&figure.to_string())),
            _ => not_run(step),
        }
    }

    fn plans(&self, name: &str, what: &str) -> String {
        self.of("plans", name, what)
    }

    fn violated(&self) -> Option<usize> {
        self.0["plans"]["violations"].as_object().map(serde_json::Map::len)
    }

    fn violations(&self) -> String {
        self.violated()
            .map_or_else(|| not_run("plans"), |count| format!("{count} violations"))
    }

    /// Returns a count that is zero if no plan violated an invariant; otherwise the violations are listed.
    fn zero_of(&self, what: &str) -> String {
        match self.violated() {
            None => not_run("plans"),
            Some(0) => format!("0 {what}"),
            Some(count) => format!("see the {count} violations"),
        }
    }

    fn lost(&self) -> String {
        self.zero_of("lost")
    }

    fn doubled(&self) -> String {
        self.zero_of("doubled")
    }

    fn equal_copies(&self) -> String {
        match self.violated() {
            None => not_run("plans"),
            Some(0) => "100 % of them with an equal id and equal bytes".to_owned(),
            Some(count) => format!("see the {count} violations"),
        }
    }

    /// Returns the faults by place, and by kind.
    fn faults(&self) -> BTreeMap<&str, Vec<(&str, u64)>> {
        let mut faults: BTreeMap<&str, Vec<(&str, u64)>> = BTreeMap::new();
        for (label, count) in self.0["plans"]["faults"].as_object().into_iter().flatten() {
            let (place, kind) = label.split_once(": ").unwrap();
            faults.entry(place).or_default().push((kind, count.as_u64().unwrap()));
        }
        faults
    }

    fn killed_plans(&self) -> String {
        if self.violated().is_none() {
            return not_run("plans");
        }
        let kills: u64 = self
            .faults()
            .values()
            .flatten()
            .filter(|(kind, _)| kind.starts_with("kill-"))
            .map(|(_, count)| count)
            .sum();
        format!("{} kills in plans", grouped(&kills.to_string()))
    }

    fn fuzz(&self) -> String {
        let Some(targets) = self.0["fuzz"]["executions"].as_object() else {
            return not_run("fuzz");
        };
        let sum: u64 = targets.values().filter_map(Value::as_u64).sum();
        format!(
            "{} executions of {} fuzz targets",
            grouped(&sum.to_string()),
            targets.len()
        )
    }
}

fn not_run(step: &str) -> String {
    format!("the step `{step}` was not run")
}

/// Groups the digits of a number by thousands.
fn grouped(number: &str) -> String {
    let (whole, decimals) = number.split_at(number.find('.').unwrap_or(number.len()));
    let mut text = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text + decimals
}

/// Returns the section as Markdown.
fn section(soak: &Soak) -> String {
    let machine = &soak.0["machine"];
    let faults = soak.faults();
    let happened: u64 = faults.values().flatten().map(|(_, count)| count).sum();
    let mut text = format!(
        "Run on {} at revision `{}`, on {} processors with {} GiB of memory ({}): {}, {} faults, limits and \
         repeated deliveries.\n\n\
         | promise | held by | figures |\n|---|---|---|\n",
        soak.0["date"].as_str().unwrap(),
        soak.0["revision"].as_str().unwrap(),
        machine["processors"],
        machine["memory_gib"],
        machine["kernel"].as_str().unwrap(),
        soak.of("plans", "plans", "random plans"),
        grouped(&happened.to_string()),
    );
    for promise in &PROMISES {
        let tests: Vec<_> = promise.tests.iter().map(|test| format!("`{test}`")).collect();
        let mut figures = (promise.figures)(soak);
        figures.dedup();
        writeln!(
            text,
            "| [{}](semantics.md#{}) | {} | {} |",
            promise.title,
            promise.anchor,
            tests.join("<br>"),
            figures.join("<br>")
        )
        .unwrap();
    }
    text.push_str("\n| faults in the plans | how often each happened |\n|---|---|\n");
    for (place, kinds) in faults {
        let kinds: Vec<_> = kinds
            .iter()
            .map(|(kind, count)| format!("{kind} {}", grouped(&count.to_string())))
            .collect();
        writeln!(text, "| {place} | {} |", kinds.join(", ")).unwrap();
    }
    for (seed, violation) in soak.0["plans"]["violations"].as_object().into_iter().flatten() {
        let first = violation
            .as_str()
            .unwrap_or_default()
            .lines()
            .next()
            .unwrap_or_default();
        writeln!(
            text,
            "\nPlan {seed} violated an invariant: `{}`.",
            first.replace('`', "'")
        )
        .unwrap();
    }
    text
}

#[test]
fn the_figures_are_up_to_date() {
    check_part(BEGIN, &section(&Soak::read()), END);
}

#[test]
fn every_test_of_a_promise_exists() {
    let tests = PROMISES.iter().flat_map(|promise| promise.tests);
    let missing: Vec<_> = tests.filter(|test| !exists(test)).collect();
    assert!(missing.is_empty(), "these tests do not exist: {missing:?}");
}

#[test]
fn a_step_that_was_not_run_and_a_violation_are_shown() {
    let text = r#"{"revision": "0123abc+", "date": "2026-11-30", "machine": {"processors": 2, "memory_gib": 4.0, "kernel": "Linux"},
        "plans": {"plans": 1234, "violations": {"77": "x is missing\nmore"}, "lines": 1234567, "faults": {"read: fin": 1000}}}"#;
    let text = section(&Soak(serde_json::from_str(text).unwrap()));
    for part in [
        "`0123abc+`",
        "1,234 random plans, 1,000 faults, limits and repeated deliveries.",
        "1,234,567 lines",
        "the step `kills` was not run",
        "see the 1 violations",
        "Plan 77 violated an invariant: `x is missing`.",
        "| read | fin 1,000 |",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert!(!text.contains("0 lost") && !text.contains("100 %"));
}
