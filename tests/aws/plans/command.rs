//! Drives the command through a plan: with faults first, then once without, after which everything is done.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::plan::{Destination, Limit, Place};
use super::reference::{Fate, LOGS, OUT, PREFIX};
use super::run::Notes;
use super::world::World;
use crate::servers::process::Process;

/// The command has no deadline; none of its plans takes this long.
const LIMIT: Duration = Duration::from_secs(90);

/// Runs the plan.
pub(crate) fn drive(world: &World<'_>, notes: &Notes) -> BTreeMap<String, u64> {
    let processes: Vec<Process> = (0..world.plan.processes).map(|_| Process::default()).collect();
    for place in [Place::Read, Place::Firehose] {
        world.faults(place).victim(&processes[0]);
    }
    world.inject();
    thread::scope(|scope| {
        for process in &processes {
            scope.spawn(move || check_faulty(world, notes, &run(world, notes, process, true)));
        }
    });
    let happened = world.clear();
    let last = run(world, notes, &Process::default(), false);
    check_last(world, notes, &last);
    happened
}

fn run(world: &World<'_>, notes: &Notes, process: &Process, faulty: bool) -> Output {
    let mut command = world.program(env!("CARGO_BIN_EXE_alb-ingest"), faulty);
    let jobs = world.plan.jobs.to_string();
    command.args(["run", &format!("s3://{LOGS}/"), "--report", "json", "--jobs", &jobs]);
    process.start(
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped()),
    );
    let begun = Instant::now();
    let output = thread::scope(|scope| {
        let output = scope.spawn(|| process.output());
        while !output.is_finished() {
            if begun.elapsed() > LIMIT {
                notes.violation("the command hangs".to_owned());
                process.kill();
            }
            thread::sleep(Duration::from_millis(2));
        }
        output.join().unwrap()
    });
    notes.invoked(None);
    notes.log(&String::from_utf8_lossy(&output.stdout));
    notes.log(&String::from_utf8_lossy(&output.stderr));
    output
}

fn check_faulty(world: &World<'_>, notes: &Notes, output: &Output) {
    let killed = world.plan.faults.iter().any(|fault| fault.kind.is_kill());
    let blocked = world.plan.limit == Some(Limit::BlockedFolder);
    // 0: everything is done; 1: something failed; 2: the destination or the input cannot be used.
    let may_end = match output.status.code() {
        // A merge reports only the failed objects of its own plans, and the other process may have planned them.
        Some(0) if world.plan.merge => !blocked,
        Some(0) => !world.expected.iter().any(super::reference::Expected::fails) && !blocked,
        Some(1 | 2) => true,
        Some(_) => false,
        None => killed,
    };
    if !may_end {
        notes.violation(format!("the command ended with {output:?}"));
    }
}

fn check_last(world: &World<'_>, notes: &Notes, output: &Output) {
    let Ok(report) = serde_json::from_slice::<Value>(&output.stdout) else {
        notes.violation(format!("no report: {output:?}"));
        return;
    };
    let count = |name: &str| report[name].as_u64().unwrap_or(u64::MAX);
    let ledger = ["lines", "events", "quarantined", "skipped_lines"].map(count);
    if ledger[0] != ledger[1] + ledger[2] + ledger[3] {
        notes.violation(format!("the report is out of balance: {ledger:?}"));
    }
    let failed = report["failed_objects"].as_array().into_iter().flatten();
    let failed: BTreeSet<String> = failed
        .map(|entry| entry["key"].as_str().unwrap_or_default().to_owned())
        .collect();
    let failing = world.expected.iter().filter(|expected| expected.fails());
    let must_fail: BTreeSet<String> = failing.map(|expected| expected.object.key.clone()).collect();
    if world.plan.merge {
        // A failed member is reported once, by the run that plans it.
        if !failed.is_subset(&must_fail) {
            notes.violation(format!("failed: {failed:?}, must fail: {must_fail:?}: {report}"));
        }
        return;
    }
    let mut sum = [0; 4];
    for expected in world
        .expected
        .iter()
        .filter(|expected| expected.fate != Fate::Failed { named: false })
    {
        let one = [expected.lines, expected.events, expected.quarantined, expected.skipped];
        sum.iter_mut().zip(one).for_each(|(sum, one)| *sum += one);
    }
    if ledger != sum || failed != must_fail || output.status.code() != Some(i32::from(!must_fail.is_empty())) {
        notes.violation(format!(
            "{ledger:?} must be {sum:?}, failed {failed:?}, must fail {must_fail:?}: {report}"
        ));
    }
}

/// Audits the destination: it has everything of every object, except of those that must fail, and nothing else.
pub(crate) fn audit(world: &World<'_>, notes: &Notes) {
    let mut command = world.program(env!("CARGO_BIN_EXE_alb-ingest"), false);
    let to = match world.plan.destination {
        Destination::Folder => world.out().to_str().unwrap().to_owned(),
        _ => format!("s3://{OUT}/{}", PREFIX.trim_end_matches('/')),
    };
    let source = format!("s3://{LOGS}/");
    let output = command
        .args(["audit", &source, &to, "--report", "json", "--grace", "0m"])
        .output()
        .unwrap();
    let Ok(report) = serde_json::from_slice::<Value>(&output.stdout) else {
        notes.violation(format!("the audit has no report: {output:?}"));
        return;
    };
    let list = |name: &str| report[name].as_array().into_iter().flatten();
    let none = ["missing_outputs", "extra", "corrupt", "unbalanced"];
    let found = none.iter().any(|name| list(name).next().is_some());
    let named = |entry: &Value| {
        entry
            .as_str()
            .or_else(|| entry["key"].as_str())
            .unwrap_or_default()
            .to_owned()
    };
    let incomplete: BTreeSet<String> = list("missing").chain(list("failed")).map(named).collect();
    let failing = world.expected.iter().filter(|expected| expected.fails());
    let must_fail: BTreeSet<String> = failing.map(|expected| expected.object.key.clone()).collect();
    if found || incomplete != must_fail {
        notes.violation(format!("the audit found {report}, and {must_fail:?} must fail"));
    }
}
