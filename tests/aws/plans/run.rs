//! Runs a plan, checks the invariants, and counts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use alb_ingest::layout;
use alb_ingest::merge::plan::{Fate as Planned, Plan as MergePlan};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::contents::CANARIES;
use super::plan::{Destination, Place, Plan, Program};
use super::reference::{Expected, Fate, OUT, PREFIX, STREAM};
use super::world::{MEMORY_MIB, World};
use super::{command, function};
use crate::merge;
use crate::servers::fault::{Fault, Op};

/// What a plan did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Figures {
    /// The faults that happened, by place and kind.
    pub(crate) faults: BTreeMap<String, u64>,
    pub(crate) objects: u64,
    pub(crate) lines: u64,
    pub(crate) events: u64,
    /// Invocations of the function, or runs of the command.
    pub(crate) invocations: u64,
    /// Events that the stream has more than once; each copy has the same bytes, or the plan fails.
    pub(crate) duplicates: u64,
    /// The peak memory of a process of the function.
    pub(crate) peak_kib: u64,
    pub(crate) millis: u64,
}

/// One plan of this many is audited at its end by the command.
const AUDITED: u64 = 3;

/// The observations of a run.
#[derive(Default)]
pub(crate) struct Notes {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    violations: Vec<String>,
    log: String,
    invocations: u64,
    peak_kib: u64,
}

impl Notes {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn violation(&self, text: String) {
        self.state().violations.push(text);
    }

    /// Adds what a process wrote or returned.
    pub(crate) fn log(&self, text: &str) {
        let mut state = self.state();
        state.log.push_str(text);
        state.log.push('\n');
    }

    /// Counts an invocation, and measures the process if it still runs.
    pub(crate) fn invoked(&self, pid: Option<u32>) {
        let status = pid.and_then(|pid| fs::read_to_string(format!("/proc/{pid}/status")).ok());
        let peak = status.as_deref().and_then(|status| status.split_once("VmHWM:"));
        let peak = peak.and_then(|(_, rest)| rest.split_whitespace().next()?.parse().ok());
        let mut state = self.state();
        state.invocations += 1;
        state.peak_kib = state.peak_kib.max(peak.unwrap_or_default());
    }
}

/// Runs a plan; returns its figures, or the invariants that it violated.
pub(crate) fn run(plan: &Plan) -> Result<Figures, String> {
    let begun = Instant::now();
    let notes = Notes::default();
    let ran = catch_unwind(AssertUnwindSafe(|| {
        let world = World::new(plan);
        let faults = match plan.program {
            Program::Function => function::drive(&world, &notes),
            Program::Command => command::drive(&world, &notes),
        };
        check(&world, &notes, faults)
    }));
    let mut figures = ran.map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        format!("panicked: {}", text.unwrap_or_default())
    })?;
    let state = notes.state();
    figures.invocations = state.invocations;
    figures.peak_kib = state.peak_kib;
    figures.millis = u64::try_from(begun.elapsed().as_millis()).unwrap();
    if state.violations.is_empty() {
        Ok(figures)
    } else {
        Err(state.violations.join("\n"))
    }
}

/// A change of the world, or of what was logged.
pub(crate) type Planting<'a> = &'a dyn Fn(&World<'_>, &Notes);

/// Runs a plan and changes the world after it; returns the violations that the checks find then, and those before.
pub(crate) fn planted(plan: &Plan, plant: Planting<'_>) -> (String, String) {
    let world = World::new(plan);
    let notes = Notes::default();
    let faults = command::drive(&world, &notes);
    let take = |notes: &Notes| std::mem::take(&mut notes.state().violations).join("\n");
    check(&world, &notes, faults.clone());
    let before = take(&notes);
    plant(&world, &notes);
    check(&world, &notes, faults);
    (take(&notes), before)
}

fn check(world: &World<'_>, notes: &Notes, mut faults: BTreeMap<String, u64>) -> Figures {
    faults.extend(
        world
            .plan
            .deliveries()
            .into_iter()
            .map(|delivery| (delivery.to_owned(), 1)),
    );
    let killed = world.plan.faults.iter().any(|fault| fault.kind.is_kill());
    if world.plan.merge {
        check_merge(world, notes, killed);
    } else {
        check_files(world, notes, killed);
    }
    check_requests(world, notes, killed);
    check_log(notes);
    if world.plan.seed.is_multiple_of(AUDITED) && world.plan.destination != Destination::Firehose {
        command::audit(world, notes);
    }
    let peak = notes.state().peak_kib;
    if peak > u64::from(MEMORY_MIB) << 10 {
        notes.violation(format!("the function took {peak} KiB"));
    }
    let duplicates = check_stream(world, notes);
    let sum = |count: fn(&Expected) -> u64| world.expected.iter().map(count).sum();
    Figures {
        faults,
        objects: world.expected.len() as u64,
        lines: sum(|expected| expected.lines),
        events: sum(|expected| expected.events),
        duplicates,
        ..Figures::default()
    }
}

/// Returns whether a key is of a temporary file. Those of killed runs are kept for an hour.
fn is_temporary(key: &str) -> bool {
    let name = key.rsplit_once('/').map_or(key, |(_, name)| name);
    name.starts_with(".alb-ingest-")
}

/// The outputs are those of the reference, byte for byte, and no others.
fn check_files(world: &World<'_>, notes: &Notes, killed: bool) {
    let mut files = world.files();
    files.remove(&format!("{PREFIX}{}", layout::FILE));
    let wanted: BTreeMap<String, &Vec<u8>> = world
        .expected
        .iter()
        .flat_map(|expected| expected.in_bucket(world.plan.destination))
        .collect();
    for (key, bytes) in &wanted {
        match files.get(key) {
            None => notes.violation(format!("{key} is missing")),
            Some(found) if found != *bytes => notes.violation(format!("{key} has other bytes")),
            Some(_) => {}
        }
    }
    for key in files
        .keys()
        .filter(|key| !wanted.contains_key(*key) && (!killed || !is_temporary(key)))
    {
        notes.violation(format!("{key} is one too many"));
    }
    if world.plan.destination == Destination::Folder {
        return;
    }
    for (key, object) in world.s3.objects(OUT) {
        let metadata = object.metadata();
        let count = |name: &str| metadata.get(name).and_then(|value| value.parse::<u64>().ok());
        if let Some(lines) = count("lines")
            && Some(lines)
                != count("events")
                    .zip(count("quarantined"))
                    .zip(count("skipped"))
                    .map(|((a, b), c)| a + b + c)
        {
            notes.violation(format!("the ledger of {key} is out of balance: {metadata:?}"));
        }
        notes.log(&format!("{metadata:?}"));
    }
}

/// Every object is a member of exactly one plan, with the counts of the reference, and the rows are those of the reference.
fn check_merge(world: &World<'_>, notes: &Notes, killed: bool) {
    let files = world.files();
    let plans: Vec<MergePlan> = files
        .iter()
        .filter(|(key, _)| merge::has_extension(key, "plan"))
        .map(|(_, bytes)| MergePlan::decode(bytes).unwrap())
        .collect();
    if world.plan.destination == Destination::S3 && !plans.is_empty() {
        merge::audit(&world.s3, PREFIX);
    }
    let mut members = BTreeMap::new();
    for plan in &plans {
        for member in &plan.members {
            if members
                .insert(format!("{}{}", plan.folder, member.key), &member.fate)
                .is_some()
            {
                notes.violation(format!("{} is a member of two plans", member.key));
            }
        }
    }
    for expected in &world.expected {
        let as_wanted = match (members.get(&expected.object.key), expected.fate) {
            (Some(Planned::Ingested(balance)), Fate::Ingested) => {
                (balance.lines, balance.events, balance.quarantined, balance.skipped)
                    == (expected.lines, expected.events, expected.quarantined, expected.skipped)
            }
            (Some(Planned::Skipped(_)) | None, Fate::Skipped) | (Some(Planned::Failed(_)), Fate::Failed { .. }) => true,
            _ => false,
        };
        if !as_wanted {
            let found = members.get(&expected.object.key);
            notes.violation(format!(
                "{} must be {:?}, and is {found:?}",
                expected.object.key, expected.fate
            ));
        }
    }
    let visible: BTreeMap<&str, &Vec<u8>> = files
        .iter()
        .filter_map(|(key, bytes)| Some((key.strip_prefix(PREFIX)?, bytes)))
        .filter(|(name, _)| !name.contains("_merge/") && *name != layout::FILE)
        .filter(|(name, _)| !killed || !is_temporary(name))
        .collect();
    let planned: BTreeSet<&str> = plans
        .iter()
        .flat_map(|plan| &plan.files)
        .map(|file| file.key.as_str())
        .collect();
    for name in visible
        .keys()
        .filter(|name| !planned.contains(name.trim_start_matches("_quarantine/")))
    {
        notes.violation(format!("{name} is in no plan"));
    }
    let is = |name: &str, wanted: &str| world.plan.settings.get(name).is_some_and(|value| value == wanted);
    if is("FORMAT", "json") && is("COMPRESSION", "none") {
        let wanted = world.expected.iter().flat_map(|expected| &expected.files);
        let wanted = rows(wanted.map(|(name, bytes)| (name.as_str(), bytes)));
        if rows(visible.into_iter()) != wanted {
            notes.violation("the merged rows differ from those of separate outputs".to_owned());
        }
    }
}

/// Returns the sorted lines of each folder.
fn rows<'a>(files: impl Iterator<Item = (&'a str, &'a Vec<u8>)>) -> BTreeMap<&'a str, Vec<&'a [u8]>> {
    let mut rows: BTreeMap<&str, Vec<&[u8]>> = BTreeMap::new();
    for (name, bytes) in files {
        let (folder, _) = name.rsplit_once('/').unwrap_or_default();
        rows.entry(folder)
            .or_default()
            .extend(bytes.split_inclusive(|byte| *byte == b'\n'));
    }
    for lines in rows.values_mut() {
        lines.sort_unstable();
    }
    rows
}

/// Writes are create-only, no key is written twice, and no upload is left that could have been aborted.
fn check_requests(world: &World<'_>, notes: &Notes, killed: bool) {
    let mut written = BTreeSet::new();
    for entry in world.s3.journal().entries() {
        let writes = match entry.op {
            Op::PutObject | Op::CopyObject => true,
            // S3 may report a completed upload again.
            Op::CompleteMultipartUpload => entry.fault != Some(Fault::ErrorIn200),
            _ => false,
        };
        if writes && entry.header("if-none-match") != Some("*") {
            notes.violation(format!("{} {} may replace an object", entry.op, entry.key));
        }
        if writes && entry.done && !written.insert(entry.key.clone()) {
            notes.violation(format!("{} was written twice", entry.key));
        }
    }
    let creations = world.s3.journal().of(Op::CreateMultipartUpload);
    let lost = creations
        .iter()
        .filter(|create| create.done && create.status == 0)
        .count();
    let aborts_fail = world.plan.faults.iter().any(|fault| fault.place == Place::AbortUpload);
    let open = world.s3.open_uploads(OUT);
    if open.len() > lost && !killed && !aborts_fail {
        notes.violation(format!("uploads are left open: {open:?}"));
    }
}

/// No secret is in a log, an answer, a report or metadata; each ledger of the metrics balances; nothing panicked.
fn check_log(notes: &Notes) {
    let log = std::mem::take(&mut notes.state().log);
    for canary in CANARIES {
        if let Some(line) = log.lines().find(|line| line.contains(canary)) {
            notes.violation(format!("{canary} is in {line}"));
        }
    }
    for word in ["panicked", "please report"] {
        // The runtime's library ends the process if the runtime API does not answer as it must.
        let is_own = |line: &&str| line.contains(word) && !line.contains("/lambda_runtime-");
        if let Some(line) = log.lines().find(is_own) {
            notes.violation(format!("a defect of the program: {line}"));
        }
    }
    for line in log.lines().filter(|line| line.contains("\"_aws\"")) {
        // A killed process may leave half a line.
        let Ok(metrics) = serde_json::from_str::<Value>(line) else {
            continue;
        };
        let count = |name: &str| metrics[name].as_u64().unwrap_or_default();
        if count("Lines") != count("Events") + count("LinesQuarantined") + count("LinesSkipped")
            || count("LedgerOutOfBalance") > 0
        {
            notes.violation(format!("the metrics are out of balance: {line}"));
        }
    }
    if log.contains("LedgerOutOfBalance") && log.contains("out of balance") {
        notes.violation("an object's ledger was out of balance".to_owned());
    }
}

/// The stream has the events of the reference and no others; returns how many it has more than once.
fn check_stream(world: &World<'_>, notes: &Notes) -> u64 {
    let delivered = world.firehose.delivered(STREAM);
    let delivered: Vec<&[u8]> = delivered.split_inclusive(|byte| *byte == b'\n').collect();
    if world.plan.destination != Destination::Firehose {
        return 0;
    }
    let wanted: BTreeSet<&[u8]> = world.expected.iter().flat_map(Expected::events).collect();
    let found: BTreeSet<&[u8]> = delivered.iter().copied().collect();
    if let Some(lost) = wanted.difference(&found).next() {
        notes.violation(format!(
            "an event is missing in the stream: {}",
            String::from_utf8_lossy(lost)
        ));
    }
    if let Some(other) = found.difference(&wanted).next() {
        notes.violation(format!(
            "an event of the stream is in no object: {}",
            String::from_utf8_lossy(other)
        ));
    }
    (delivered.len() - found.len()) as u64
}
