//! Runs many plans at a time, and records each in a file, so that a run can be stopped and resumed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::draw;
use super::plan::Plan;
use super::run::{Figures, run};
use super::shrink::shrink;

/// The failing plans of a run that are reduced. If many fail, they have the same cause.
const REDUCED: u64 = 5;
/// The time between two lines of progress.
const PROGRESS: Duration = Duration::from_secs(5);

/// A line of the file: what became of a plan.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    /// The seed.
    pub(crate) case: u64,
    /// The git revision that was tested.
    pub(crate) revision: String,
    /// `None` if an invariant was violated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) figures: Option<Figures>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) violation: Option<String>,
    /// The plan that violates it, reduced if few do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) plan: Option<Plan>,
}

/// The file of a soak, and what is in it.
pub(crate) struct State {
    file: Option<File>,
    pub(crate) records: Vec<Record>,
    revision: String,
}

impl State {
    /// Opens or creates a file; without one, records are only kept in memory. Plans of other revisions are run again.
    pub(crate) fn open(path: Option<&Path>, revision: &str) -> Self {
        let mut records = Vec::new();
        if let Some(path) = path
            && let Ok(file) = File::open(path)
        {
            let lines = BufReader::new(file).lines().map_while(Result::ok);
            // The last line of a killed run may be cut.
            let all = lines.filter_map(|line| serde_json::from_str::<Record>(&line).ok());
            records.extend(all.filter(|record| record.revision == revision));
        }
        let file = path.map(|path| {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let is_cut = fs::read(path).is_ok_and(|bytes| bytes.last().is_some_and(|last| *last != b'\n'));
            let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
            if is_cut {
                file.write_all(b"\n").unwrap();
            }
            file
        });
        Self {
            file,
            records,
            revision: revision.to_owned(),
        }
    }

    fn add(&mut self, record: Record) {
        if let Some(file) = &mut self.file {
            // One write for a whole line: an interruption cuts at most the last one.
            let line = format!("{}\n", serde_json::to_string(&record).unwrap());
            file.write_all(line.as_bytes()).unwrap();
        }
        self.records.push(record);
    }
}

/// Runs the plans of these seeds that have no record yet.
pub(crate) fn soak(seeds: std::ops::Range<u64>, state: State, threads: usize) -> Vec<Record> {
    let done: BTreeSet<u64> = state.records.iter().map(|record| record.case).collect();
    let left = seeds.clone().filter(|seed| !done.contains(seed));
    let revision = state.revision.clone();
    let progress = Progress::new(seeds.end - seeds.start, &state.records);
    let left = Mutex::new(left);
    let failures = AtomicU64::new(0);
    let state = Mutex::new(state);
    let progress = Mutex::new(progress);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(seed) = next(&left) {
                    let record = run_and_shrink(seed, &revision, &failures);
                    progress.lock().unwrap_or_else(PoisonError::into_inner).add(&record);
                    state.lock().unwrap_or_else(PoisonError::into_inner).add(record);
                }
            });
        }
    });
    let mut records = state.into_inner().unwrap().records;
    records.retain(|record| seeds.contains(&record.case));
    records
}

fn next(left: &Mutex<impl Iterator<Item = u64>>) -> Option<u64> {
    left.lock().unwrap_or_else(PoisonError::into_inner).next()
}

fn run_and_shrink(seed: u64, revision: &str, failures: &AtomicU64) -> Record {
    let plan = draw::plan(seed);
    let mut record = Record {
        case: seed,
        revision: revision.to_owned(),
        figures: None,
        violation: None,
        plan: None,
    };
    match run(&plan) {
        Ok(figures) => record.figures = Some(figures),
        Err(violation) => {
            println!("plan {seed}: {violation}");
            // A plan that fails only sometimes is recorded as it is.
            let plan = if failures.fetch_add(1, Ordering::SeqCst) < REDUCED {
                shrink(&plan, |plan| run(plan).is_err())
            } else {
                plan
            };
            println!("plan {seed}, reduced: {}", serde_json::to_string(&plan).unwrap());
            (record.violation, record.plan) = (Some(violation), Some(plan));
        }
    }
    record
}

/// The lines that say how far a soak is.
struct Progress {
    begun: Instant,
    shown: Instant,
    total: u64,
    /// Those of this run and of the runs before it.
    done: u64,
    now: u64,
    faults: u64,
    failures: u64,
}

impl Progress {
    fn new(total: u64, records: &[Record]) -> Self {
        let mut progress = Self {
            begun: Instant::now(),
            shown: Instant::now(),
            total,
            done: 0,
            now: 0,
            faults: 0,
            failures: 0,
        };
        for record in records {
            progress.count(record);
        }
        progress
    }

    fn count(&mut self, record: &Record) {
        self.done += 1;
        self.failures += u64::from(record.violation.is_some());
        self.faults += record
            .figures
            .as_ref()
            .map_or(0, |figures| figures.faults.values().sum());
    }

    fn add(&mut self, record: &Record) {
        self.count(record);
        self.now += 1;
        if self.shown.elapsed() < PROGRESS && self.done < self.total {
            return;
        }
        self.shown = Instant::now();
        #[expect(clippy::cast_precision_loss, reason = "only shown")]
        let rate = self.now as f64 / self.begun.elapsed().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "only shown")]
        let left = (self.total.saturating_sub(self.done)) as f64 / rate;
        let Self {
            done,
            total,
            faults,
            failures,
            ..
        } = self;
        println!("plans: {done} of {total}, {rate:.1}/s, {faults} faults, {failures} failures, {left:.0} s left");
    }
}

/// Returns how often each fault happened.
pub(crate) fn faults(records: &[Record]) -> BTreeMap<String, u64> {
    let mut faults: BTreeMap<String, u64> = BTreeMap::new();
    for figures in records.iter().filter_map(|record| record.figures.as_ref()) {
        for (label, count) in &figures.faults {
            *faults.entry(label.clone()).or_default() += count;
        }
    }
    faults
}
