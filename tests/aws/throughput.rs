//! The function end to end: the real `bootstrap` between servers that respond after 20 ms, one invocation after another.
//!
//! `scripts/measure_throughput.py` runs this with control groups for the processor share of each memory size. Without its
//! variables, it checks a few small objects.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::envelopes;
use crate::lambda::{aws, metrics};
use crate::servers::fault::{Fault, Op, Rule};
use crate::servers::journal::{Entry, Journal};
use crate::servers::lambda::{Function, Outcome};
use crate::servers::{firehose, s3};
use alb_ingest::formats::ALB_ACCESS;
use alb_ingest::generate::Object;

const LATENCY: Duration = Duration::from_millis(20);
const LIMIT: Duration = Duration::from_mins(15);
/// The template's default number of messages per invocation, of one object each.
const BATCH: u64 = 10;
/// The objects of a folder at which the template's function merges it, unless their bytes are enough before.
const FOLDER: u64 = 100;
const FOLDER_BYTES: u64 = 16 << 20;
/// Processor time in `/proc/PID/stat` is in hundredths of a second on every Linux.
const TICKS: f64 = 100.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Delivery {
    Parquet,
    Firehose,
    Merged,
}

/// What is measured.
struct Case {
    memory: u32,
    delivery: Delivery,
    /// The lines of each object.
    lines: u64,
    invocations: u64,
}

/// What one invocation did.
#[derive(Default)]
struct Figures {
    objects: u64,
    bytes: u64,
    billed_ms: u64,
    cpu_seconds: f64,
    /// The maximum number of GETs in flight.
    gets: usize,
    /// The GETs that began before the first write ended.
    before_write: usize,
}

/// Objects of one size, without their keys.
struct Bodies {
    lines: u64,
    bodies: Vec<Vec<u8>>,
}

impl Bodies {
    fn of(lines: u64) -> Self {
        let body = |seed| {
            let mut packed = Vec::new();
            Object::new(&ALB_ACCESS, seed, lines).write_to(&mut packed).unwrap();
            packed
        };
        let bodies = (0..BATCH).map(body).collect();
        Self { lines, bodies }
    }

    /// Returns the number of objects of an invocation.
    fn count(&self, delivery: Delivery) -> u64 {
        match delivery {
            Delivery::Parquet | Delivery::Firehose => BATCH,
            Delivery::Merged => FOLDER.min(FOLDER_BYTES / self.bodies[0].len() as u64),
        }
    }

    /// Puts the objects of one invocation below a prefix of their own.
    fn put(&self, server: &s3::Server, delivery: Delivery, invocation: u64) -> Vec<envelopes::Object> {
        let put = |number: u64| {
            let seed = invocation * 1_000 + number;
            let key = Object::new(&ALB_ACCESS, seed, self.lines).key();
            let body = &self.bodies[usize::try_from(number % BATCH).unwrap()];
            let object = envelopes::Object {
                bucket: "logs".to_owned(),
                key: format!("{invocation}/{key}"),
                size: body.len() as u64,
                etag: envelopes::etag(body),
            };
            server.put("logs", &object.key, body.clone());
            object
        };
        (0..self.count(delivery)).map(put).collect()
    }
}

/// The function of a case, with its servers.
struct World {
    s3: s3::Server,
    firehose: firehose::Server,
    function: Function,
    delivery: Delivery,
}

impl World {
    fn start(case: &Case) -> Self {
        let (s3, firehose) = (s3::Server::start(), firehose::Server::start());
        s3.bucket("logs", s3::Options::default());
        s3.bucket("outputs", s3::Options::default());
        firehose.stream("events");
        for faults in [s3.faults(), firehose.faults()] {
            faults.add(Rule::new(Fault::Delay(LATENCY)));
        }
        let mut command = program(case.memory);
        aws(&mut command, &s3);
        command
            .env("AWS_ENDPOINT_URL_FIREHOSE", firehose.endpoint())
            .env("PARTIAL_BATCH", "true")
            .env("QUARANTINE", "s3://outputs/quarantine");
        let settings: &[(&str, &str)] = match case.delivery {
            Delivery::Parquet => &[("DESTINATION", "s3://outputs/events")],
            Delivery::Firehose => &[("DESTINATION", "firehose://events")],
            Delivery::Merged => &[("DESTINATION", "s3://outputs/events"), ("MERGE", "true")],
        };
        command.envs(settings.iter().copied());
        Self {
            s3,
            firehose,
            function: Function::new(command, case.memory),
            delivery: case.delivery,
        }
    }

    /// Runs one invocation.
    fn invoke(&mut self, objects: &[envelopes::Object]) -> Figures {
        let payload = match self.delivery {
            Delivery::Merged => {
                let (folder, _) = objects[0].key.rsplit_once('/').unwrap();
                json!({"merge": {"bucket": "logs", "folder": format!("{folder}/"), "all": true}})
            }
            Delivery::Parquet | Delivery::Firehose => {
                let message = |object: &envelopes::Object| envelopes::s3(std::slice::from_ref(object)).to_string();
                envelopes::sqs(&objects.iter().map(message).collect::<Vec<_>>())
            }
        };
        self.s3.journal().clear();
        self.firehose.journal().clear();
        let before = self.cpu_seconds();
        let began = Instant::now();
        let outcome = self.function.invoke(&payload, LIMIT);
        let took = began.elapsed();
        let Outcome::Response(response) = &outcome else {
            panic!("{outcome:?}: {}", self.function.stdout())
        };
        assert_eq!(response.get("batchItemFailures").unwrap_or(&json!([])), &json!([]));
        let requested = requests_of_objects(&self.s3.journal().entries()).len();
        assert_eq!(requested, objects.len(), "each object is requested once");
        let (gets, before_write) = overlap(self.s3.journal(), self.firehose.journal());
        Figures {
            objects: objects.len() as u64,
            bytes: objects.iter().map(|object| object.size).sum(),
            billed_ms: u64::try_from(took.as_micros().div_ceil(1_000)).unwrap(),
            cpu_seconds: self.cpu_seconds() - before,
            gets,
            before_write,
        }
    }

    /// Returns the processor time of the function so far.
    fn cpu_seconds(&self) -> f64 {
        let Some(pid) = self.function.pid() else { return 0.0 };
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let (_, fields) = stat.rsplit_once(')').unwrap();
        let ticks = fields.split_whitespace().skip(11).take(2);
        ticks.map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / TICKS
    }

    /// Returns the peak of the function's resident memory in MB.
    fn peak(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.function.pid().unwrap())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() * 1.024e-3
    }
}

/// Returns the function's program, started in the control group of its memory size if there is one.
fn program(memory: u32) -> Command {
    let launchers = variable("THROUGHPUT_LAUNCHERS").unwrap_or_else(|| "{}".to_owned());
    let launchers: BTreeMap<String, Vec<String>> = serde_json::from_str(&launchers).unwrap();
    let launcher = launchers.get(&memory.to_string()).cloned().unwrap_or_default();
    let bootstrap = variable("THROUGHPUT_BOOTSTRAP").unwrap_or_else(|| env!("CARGO_BIN_EXE_bootstrap").to_owned());
    let mut words = launcher.into_iter().chain([bootstrap]);
    let mut command = Command::new(words.next().unwrap());
    command.args(words);
    command
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Returns the maximum number of GETs of objects in flight, and how many began before the first write ended.
fn overlap(s3: &Journal, firehose: &Journal) -> (usize, usize) {
    let entries = s3.entries();
    let gets = requests_of_objects(&entries);
    let in_flight = |at: Instant| {
        let is_open = |get: &&&Entry| get.began <= at && get.ended().is_none_or(|ended| ended > at);
        gets.iter().filter(is_open).count()
    };
    let records = firehose.of(Op::PutRecordBatch);
    let is_write = |entry: &&Entry| matches!(entry.op, Op::PutObject | Op::CompleteMultipartUpload);
    let writes = entries.iter().filter(is_write).chain(&records);
    let first_write = writes.filter_map(Entry::ended).min();
    let is_before = |get: &&&Entry| first_write.is_none_or(|first| get.began < first);
    let most = gets.iter().map(|get| in_flight(get.began)).max();
    (most.unwrap_or_default(), gets.iter().filter(is_before).count())
}

fn requests_of_objects(entries: &[Entry]) -> Vec<&Entry> {
    let is_of_object = |entry: &&Entry| entry.op == Op::GetObject && entry.bucket == "logs";
    entries.iter().filter(is_of_object).collect()
}

/// Runs the invocations of a case in one environment.
fn measure(case: &Case, bodies: &Bodies) -> Value {
    let mut world = World::start(case);
    let mut run = |invocation: u64| {
        let objects = bodies.put(&world.s3, case.delivery, invocation);
        let figures = world.invoke(&objects);
        if case.delivery == Delivery::Firehose {
            let delivered = metrics(&world.function)["Events"].as_u64().unwrap();
            assert_eq!(delivered, figures.objects * case.lines);
            world.firehose.empty();
        }
        figures
    };
    let first = run(0);
    let warm: Vec<Figures> = (1..=case.invocations).map(run).collect();
    let sum = |of: fn(&Figures) -> u64| warm.iter().map(of).sum::<u64>();
    let mut billed: Vec<u64> = warm.iter().map(|figures| figures.billed_ms).collect();
    billed.sort_unstable();
    json!({
        "memory": case.memory,
        "delivery": format!("{:?}", case.delivery),
        "lines": case.lines,
        "invocations": case.invocations,
        "objects": sum(|figures| figures.objects),
        "bytes": sum(|figures| figures.bytes),
        "billed_ms": billed,
        "cpu_seconds": warm.iter().map(|figures| figures.cpu_seconds).sum::<f64>(),
        "gets_in_flight": warm.iter().map(|figures| figures.gets).max(),
        "gets_before_write": warm.iter().map(|figures| figures.before_write).min(),
        "first_ms": first.billed_ms,
        "init_ms": world.function.last_init().map(|init| init.as_secs_f64() * 1e3),
        "peak_mb": world.peak(),
    })
}

const DELIVERIES: [Delivery; 3] = [Delivery::Parquet, Delivery::Firehose, Delivery::Merged];

#[test]
fn the_function_keeps_its_throughput_with_slow_responses() {
    let sizes: &[(u64, u64)] = match variable("THROUGHPUT_OUT") {
        Some(_) => &[(10, 20), (1_000, 10), (20_000, 3)],
        None => &[(10, 1)],
    };
    let mut results = Vec::new();
    for (lines, invocations) in sizes.iter().copied() {
        let bodies = Bodies::of(lines);
        for (delivery, memory) in DELIVERIES
            .into_iter()
            .flat_map(|delivery| [(delivery, 512), (delivery, 1_769)])
        {
            let case = Case {
                memory,
                delivery,
                lines,
                invocations,
            };
            let result = measure(&case, &bodies);
            println!("{result}");
            results.push(result);
        }
    }
    if let Some(path) = variable("THROUGHPUT_OUT") {
        fs::write(path, Value::from(results).to_string()).unwrap();
    }
}
