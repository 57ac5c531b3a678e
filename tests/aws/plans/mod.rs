//! Random plans: objects, payloads, settings, processes and faults, drawn from a seed, against the real function and the real
//! command. After each plan the invariants are checked, with the servers' journals and stores as the oracle:
//!
//! 1. What was acknowledged is committed at that moment.
//! 2. Ledgers balance: those of reports, metrics, metadata and merge plans.
//! 3. The outputs are the bytes of the reference, and nothing else is there; no upload is left open.
//! 4. A stream has the events of the reference, and copies of an event have the same bytes.
//! 5. Messages and objects that fail for good are those that must.
//! 6. The function stays within its memory.
//! 7. Secrets in logs, and the credentials, are in no log, answer, report or metadata.
//! 8. Every invocation is answered before its deadline, and every run ends.
//!
//! `PLANS=N` runs N plans instead of the fixed set, `PLANS_FROM=SEED` begins at another seed, and `PLANS_STATE=FILE` records them in
//! a file that a later run continues (`make soak`); `SOAK_REVISION` is the git revision of the records.

mod command;
mod contents;
mod draw;
mod function;
mod plan;
mod reference;
mod run;
mod shrink;
mod soak;
mod world;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use draw::Subject;
use plan::{Damage, Kind, Plan};
use soak::{Record, State};

/// The plans that one processor runs at the same time; they mostly wait.
const PER_PROCESSOR: usize = 3;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap())
}

fn threads() -> usize {
    std::thread::available_parallelism().unwrap().get() * PER_PROCESSOR
}

fn run_all(seeds: std::ops::Range<u64>) -> Vec<Record> {
    let path = std::env::var_os("PLANS_STATE").map(PathBuf::from);
    let revision = std::env::var("SOAK_REVISION").unwrap_or_default();
    soak::soak(seeds, State::open(path.as_deref(), &revision), threads())
}

/// Returns the name under which a subject is counted.
fn label(subject: Subject) -> String {
    match subject {
        Subject::Fault(place, kind) => plan::label(place, kind),
        Subject::Limit(limit) => limit.to_string(),
    }
}

#[test]
fn every_plan_holds_every_invariant() {
    let first = number("PLANS_FROM").unwrap_or_default();
    let fixed = draw::subjects().len() as u64;
    let records = run_all(first..first + number("PLANS").unwrap_or(fixed));
    let failed: Vec<_> = records.iter().filter(|record| record.violation.is_some()).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    let faults = soak::faults(&records);
    let plans = records.len();
    println!(
        "{plans} plans, {} faults of {} kinds",
        faults.values().sum::<u64>(),
        faults.len()
    );
    if first == 0 && plans as u64 >= fixed {
        let never: Vec<_> = draw::subjects()
            .into_iter()
            .map(label)
            .chain(plan::DELIVERIES.map(str::to_owned))
            .filter(|label| !faults.contains_key(label))
            .collect();
        assert!(never.is_empty(), "faults that never happened: {never:?}");
    }
}

#[test]
fn every_plan_that_once_failed_holds_every_invariant() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/aws/plans/regressions");
    let mut plans = 0;
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let plan: Plan =
            serde_json::from_slice(&fs::read(&path).unwrap()).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        let ran = run::run(&plan);
        assert!(ran.is_ok(), "{path:?}: {ran:?}");
        plans += 1;
    }
    assert!(plans > 0);
}

#[test]
fn a_plan_is_the_same_after_a_round_trip_and_in_every_run() {
    let mut seen = BTreeSet::new();
    for seed in 0..2_000 {
        let plan = draw::plan(seed);
        assert_eq!(plan, draw::plan(seed));
        let text = serde_json::to_string(&plan).unwrap();
        assert_eq!(plan, serde_json::from_str(&text).unwrap());
        seen.insert(text);
        for fault in &plan.faults {
            assert!(draw::has(&plan, fault.place), "seed {seed}: {fault:?} cannot happen");
        }
    }
    assert_eq!(seen.len(), 2_000);
}

#[test]
fn a_failing_plan_is_reduced_to_its_cause() {
    // A defect that needs an empty object and a lost response.
    let fails = |plan: &Plan| {
        let lost = plan.faults.iter().any(|fault| fault.kind == Kind::LoseResponse);
        lost && plan.objects.iter().any(|object| object.damage == Damage::Empty)
    };
    let failing: Vec<_> = (0..2_000).map(draw::plan).filter(fails).collect();
    assert!(failing.len() > 5);
    for plan in failing {
        let shortest = shrink::shrink(&plan, fails);
        assert!(fails(&shortest));
        assert_eq!(
            (shortest.objects.len(), shortest.faults.len(), shortest.messages.len()),
            (1, 1, 1),
            "{shortest:?}"
        );
        assert!(shortest.settings.is_empty() && shortest.limit.is_none() && shortest.processes == 1);
    }
}

/// What the checks are worth: each of these defects, planted after a plan that holds, must be found.
#[test]
fn a_planted_violation_is_found() {
    use reference::{OUT, PREFIX};
    use world::World;

    use crate::servers::{SIGNED, by_hand};

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/aws/plans/planted.json");
    let plan: Plan = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let output = |world: &World<'_>| {
        world
            .s3
            .objects(OUT)
            .into_keys()
            .find(|key| key.ends_with(".json.zst"))
            .unwrap()
    };
    let planted: [(&str, run::Planting<'_>); 8] = [
        ("is missing", &|world, _| world.s3.delete(OUT, &output(world))),
        ("has other bytes", &|world, _| {
            world.s3.put(OUT, &output(world), "half of an output");
        }),
        ("is one too many", &|world, _| {
            world.s3.put(OUT, &format!("{PREFIX}more.json.zst"), "an output");
        }),
        ("the ledger of", &|world, _| {
            let key = output(world);
            let object = world.s3.get(OUT, &key).unwrap();
            let mut headers = object.headers.clone();
            headers.insert("x-amz-meta-lines".to_owned(), "9999".to_owned());
            let headers: Vec<_> = headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            world.s3.put_with(OUT, &key, object.body, &headers);
        }),
        ("may replace an object", &|world, _| {
            let head = format!("PUT /{OUT}/x HTTP/1.1\r\n{SIGNED}\r\nx-amz-content-sha256: UNSIGNED-PAYLOAD");
            by_hand(&world.s3.endpoint(), &head, b"");
        }),
        ("is in", &|_, notes| notes.log(contents::CANARIES[1])),
        ("a defect of the program", &|_, notes| {
            notes.log("thread 'main' panicked at src/lib.rs");
        }),
        ("out of balance", &|_, notes| {
            notes.log(r#"{"_aws": {}, "Lines": 3, "Events": 2}"#);
        }),
    ];
    for (wanted, plant) in planted {
        let (found, held) = run::planted(&plan, plant);
        assert!(held.is_empty(), "{held}");
        assert!(found.contains(wanted), "{wanted}: {found}");
    }
}
