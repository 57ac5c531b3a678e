//! Kills of the function and the command at the positions of their sequences of requests and system calls: afterwards, final
//! names have the reference bytes or do not exist, nothing is acknowledged that was not committed, and a redelivery or a
//! rerun ends with exactly the reference.
//!
//! A run without a kill counts the positions. `cargo test` kills at a selection of them. `KILLS=1000` kills at every one,
//! in rounds of other objects, until at least that many processes were killed, and appends the results to the file
//! `KILLS_STATE`; a run that is started again continues there:
//!
//! ```text
//! KILLS=1000 KILLS_STATE=target/soak/kills.jsonl cargo test --locked --test aws kills:: -- --nocapture
//! ```

mod command;
mod folders;
mod function;
mod point;
mod state;
mod world;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use self::command::CommandCase;
use self::folders::{FolderCase, has_strace};
use self::function::{FunctionCase, notifications};
use self::point::{Case, Point, Sequence, name_of};
use self::state::State;
use self::world::objects;
use crate::function_merge;

/// The number of kills in `cargo test`, at least; without strace, there are none at system calls.
const MIN_SELECTED_KILLS: u64 = 30;
/// The time between two lines of progress.
const PROGRESS: Duration = Duration::from_secs(10);

/// The arguments of separate and of merged delivery.
const RUN_EACH: [&str; 4] = ["run", "s3://logs/", "--to", "s3://outputs/all"];
const RUN_MERGED: [&str; 7] = [
    "run",
    "s3://logs/",
    "--to",
    "s3://outputs/all",
    "--merge",
    "--merge-objects",
    "5",
];
/// The lines of an object whose uncompressed JSON is uploaded in two parts.
const PARTS_LINES: u64 = 8_500;

type Build = Box<dyn Fn(u64) -> Box<dyn Case> + Send + Sync>;

fn build<C: Case + 'static>(create: impl Fn(u64) -> C + Send + Sync + 'static) -> Build {
    Box::new(move |seed| Box::new(create(seed)))
}

/// Returns the cases of requests, each by the seed of its objects.
fn requests() -> Vec<Build> {
    const MERGE: [(&str, &str); 3] = [
        ("MERGE", "true"),
        ("SOURCE", "s3://logs/AWSLogs"),
        ("MERGE_OBJECTS", "3"),
    ];
    let of_objects = |name, count, settings: &'static [(&'static str, &'static str)]| {
        build(move |seed| {
            let objects = objects(seed, count);
            let messages = notifications(&objects);
            FunctionCase::new(name, objects, messages, settings)
        })
    };
    let of_command =
        |name, count, args, workers| build(move |seed| CommandCase::new(name, objects(seed, count), args, workers));
    vec![
        of_objects("function/per-object/s3/parquet", 8, &[]),
        of_objects(
            "function/per-object/s3/json",
            8,
            &[("FORMAT", "json"), ("PARTITION_BY", "hour")],
        ),
        build(stream),
        build(|seed| {
            let objects = function_merge::objects(seed * 100..seed * 100 + 16).collect();
            FunctionCase::new("function/merged/s3", objects, Vec::new(), &MERGE)
        }),
        build(large),
        of_command("command/per-object/s3", 10, &RUN_EACH, 1),
        of_command("command/merged/s3", 15, &RUN_MERGED, 1),
        of_command(
            "command/backfill/s3",
            10,
            &[
                "backfill",
                "s3://logs/AWSLogs/",
                "s3://outputs/all",
                "--run-here",
                "--merge-objects",
                "5",
            ],
            1,
        ),
        of_command("command/per-object/s3/two", 10, &RUN_EACH, 2),
        of_command("command/merged/s3/two", 15, &RUN_MERGED, 2),
    ]
}

/// The case of a stream, with an object whose events take three calls.
fn stream(seed: u64) -> FunctionCase {
    let mut objects = objects(seed, 5);
    objects.extend([world::object(seed, 1_200)]);
    let messages = notifications(&objects);
    let settings = &[
        ("DESTINATION", "firehose://events"),
        ("FIREHOSE_RECORDS", "single"),
        ("QUARANTINE", "s3://outputs/quarantine"),
    ];
    FunctionCase::new("function/per-object/firehose", objects, messages, settings)
}

/// The case of an output that is uploaded in parts, next to small ones.
fn large(seed: u64) -> FunctionCase {
    let mut objects = objects(seed, 2);
    objects.extend([world::object(seed, PARTS_LINES)]);
    let messages = notifications(&objects);
    let settings = &[("FORMAT", "json"), ("COMPRESSION", "none"), ("PARTITION_BY", "none")];
    FunctionCase::new("function/per-object/s3/parts", objects, messages, settings)
}

/// Returns the cases of system calls. One job needs no other thread, so the order of the calls is always the same.
fn system_calls() -> Vec<Build> {
    let of_folder = |name, count, args| build(move |seed| FolderCase::new(name, &objects(seed, count), args));
    vec![
        of_folder(
            "command/per-object/folder/parquet",
            5,
            &["run", "IN", "--to", "OUT", "--jobs", "1"],
        ),
        of_folder(
            "command/per-object/folder/json",
            5,
            &["run", "IN", "--to", "OUT", "--jobs", "1", "--format", "json"],
        ),
        of_folder(
            "command/merged/folder",
            10,
            &[
                "run",
                "IN",
                "--to",
                "OUT",
                "--jobs",
                "1",
                "--merge",
                "--merge-objects",
                "5",
            ],
        ),
        of_folder(
            "command/replay/folder",
            5,
            &["replay", "PAYLOAD", "--bucket-root", "ROOT", "--to", "OUT"],
        ),
    ]
}

/// Kills at points of all cases, whose objects have one seed.
struct Round<'a> {
    seed: u64,
    state: &'a State,
    killed: AtomicU64,
    tried: AtomicU64,
    defects: Mutex<Vec<String>>,
    shown: Mutex<Instant>,
}

impl<'a> Round<'a> {
    fn new(seed: u64, state: &'a State) -> Self {
        Self {
            seed,
            state,
            killed: AtomicU64::new(0),
            tried: AtomicU64::new(0),
            defects: Mutex::default(),
            shown: Mutex::new(Instant::now()),
        }
    }

    /// Kills at the points that `select` takes from each case.
    fn run(&self, builds: &[Build], select: impl Fn(&[Point]) -> Vec<Point> + Sync) {
        let cases = in_parallel(builds, |build| build(self.seed));
        let points: Vec<_> = cases
            .iter()
            .flat_map(|case| select(case.points()).into_iter().map(move |point| (case, point)))
            .filter(|(case, point)| !self.state.has(case.name(), self.seed, point))
            .collect();
        in_parallel(&points, |(case, point)| self.kill(&***case, point, points.len()));
    }

    fn kill(&self, case: &dyn Case, point: &Point, of: usize) {
        let began = Instant::now();
        let verdict = case.kill(point);
        self.state.add(case.name(), self.seed, point, &verdict, began.elapsed());
        self.killed.fetch_add(verdict.killed.into(), Ordering::SeqCst);
        let tried = self.tried.fetch_add(1, Ordering::SeqCst) + 1;
        if !verdict.partial.is_empty() || !verdict.different.is_empty() {
            let Point { position, op, .. } = point;
            let moment = name_of(point.moment);
            self.defects.lock().unwrap().push(format!(
                "{} (seed {}) {op} {position} {moment}: {verdict:#?}",
                case.name(),
                self.seed
            ));
        }
        let mut shown = self.shown.lock().unwrap();
        if shown.elapsed() > PROGRESS {
            *shown = Instant::now();
            let killed = self.killed.load(Ordering::SeqCst);
            let defects = self.defects.lock().unwrap().len();
            println!(
                "round {}: {tried} of {of} points, {killed} kills, {defects} defects",
                self.seed
            );
        }
    }
}

/// Calls a function on every item, on as many threads as the machine has cores and two more, because processes wait.
fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, usize::from) + 2;
    let next = AtomicU64::new(0);
    let results = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Ok(index) = usize::try_from(next.fetch_add(1, Ordering::SeqCst))
                    && let Some(item) = items.get(index)
                {
                    let result = work(item);
                    results.lock().unwrap().push((index, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap();
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Returns points of each operation, one in the middle of its requests, or two of its system calls at thirds of them, at
/// one moment after another.
fn selection(points: &[Point]) -> Vec<Point> {
    let ops: BTreeSet<_> = points.iter().map(|point| point.op.as_str()).collect();
    let selected = ops.into_iter().enumerate().flat_map(|(number, op)| {
        let all: Vec<_> = points.iter().filter(|point| point.op == op).collect();
        let parts = if matches!(all[0].sequence, Sequence::Calls(_)) {
            3
        } else {
            2
        };
        let positions: BTreeSet<_> = (1..parts).map(|part| all[all.len() * part / parts].position).collect();
        positions.into_iter().map(move |position| {
            let moments: Vec<_> = all.iter().filter(|point| point.position == position).collect();
            (*moments[number % moments.len()]).clone()
        })
    });
    selected.collect()
}

#[test]
fn a_kill_at_any_position_leaves_no_partial_output_and_a_rerun_completes_it() {
    let kills = std::env::var("KILLS").map_or(0, |kills| kills.parse::<u64>().unwrap());
    let mut cases = requests();
    if has_strace() {
        cases.extend(system_calls());
    } else {
        assert_eq!(
            kills, 0,
            "kills at system calls need strace; on Debian and Ubuntu: apt-get install strace"
        );
        println!("kills at system calls are skipped: strace is not installed");
    }
    if kills == 0 {
        let state = State::none();
        let round = Round::new(0, &state);
        round.run(&cases, selection);
        let killed = round.killed.into_inner();
        let defects = round.defects.into_inner().unwrap();
        assert!(defects.is_empty(), "{}", defects.join("\n"));
        assert!(killed >= MIN_SELECTED_KILLS, "{killed} kills hit a working process");
        return;
    }
    let path = std::env::var("KILLS_STATE").map_or_else(|_| PathBuf::from("target/soak/kills.jsonl"), PathBuf::from);
    let state = State::open(&path);
    let (mut killed, mut defects) = (state.killed, state.defects.clone());
    for seed in 1.. {
        let round = Round::new(seed, &state);
        round.run(&cases, <[Point]>::to_vec);
        killed += round.killed.into_inner();
        defects.extend(round.defects.into_inner().unwrap());
        println!("{killed} of {kills} kills, {} defects", defects.len());
        if killed >= kills {
            break;
        }
    }
    assert!(defects.is_empty(), "{}", defects.join("\n"));
}
