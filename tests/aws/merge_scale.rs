//! Merged delivery at scale: requests, time, files and memory for many small objects in one folder, beside separate outputs.
//!
//! `MERGE_SCALE` is the number of objects. `scripts/measure_merge.py` runs this with 100,000 and queries both layouts.

use std::fs;
use std::path::Path;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::lambda::aws;
use crate::merge::{audit, command, has_extension};
use crate::servers::fault::Op;
use crate::servers::lambda::{Function, Outcome};
use crate::servers::s3::{Options, Server};
use alb_ingest::formats::ALB_ACCESS;
use alb_ingest::generate::Object;

/// The number of objects of an everyday run.
const OBJECTS: u64 = 1_500;
const FOLDER: &str = "AWSLogs/123456789012/elasticloadbalancing/us-east-1/2026/11/29/";
const SECOND: u64 = 1_000_000;

/// The figures of one delivery.
struct Figures {
    requests: Vec<(Op, usize)>,
    gets_of_members: usize,
    seconds: f64,
    files: usize,
    bytes: u64,
    events: u64,
    /// The largest resident set in MB, sampled.
    memory: u64,
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Puts objects of ten lines into one folder, spread over a day.
fn fill(server: &Server, count: u64) -> u64 {
    let mut bytes = 0;
    for number in 0..count {
        let mut object = Object::new(&ALB_ACCESS, number, 10);
        object.traffic.start += number * 86_000 / count * SECOND;
        let mut packed = Vec::new();
        object.write_to(&mut packed).unwrap();
        bytes += packed.len() as u64;
        let key = object.key();
        let (_, name) = key.rsplit_once('/').unwrap();
        server.put("logs", &format!("{FOLDER}{name}"), packed);
    }
    bytes
}

/// Waits for a process; returns its largest resident set in MB.
fn watch(child: &mut Child) -> u64 {
    let status = format!("/proc/{}/status", child.id());
    let mut largest = 0;
    while child.try_wait().unwrap().is_none() {
        largest = largest.max(peak(&fs::read_to_string(&status).unwrap_or_default()));
        thread::sleep(Duration::from_millis(20));
    }
    largest
}

fn deliver(server: &Server, prefix: &str, options: &[&str]) -> Figures {
    server.journal().clear();
    let began = Instant::now();
    let mut child = command(server, &format!("s3://outputs/{prefix}"), options)
        .spawn()
        .unwrap();
    let memory = watch(&mut child);
    let seconds = began.elapsed().as_secs_f64();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let journal = server.journal();
    let of_members = |entry: &&crate::servers::journal::Entry| entry.op == Op::GetObject && entry.bucket == "logs";
    let outputs = server.objects("outputs");
    let files = outputs
        .iter()
        .filter(|(key, _)| key.starts_with(prefix) && has_extension(key, "parquet"));
    let ops = [
        Op::GetObject,
        Op::HeadObject,
        Op::ListObjectsV2,
        Op::PutObject,
        Op::CopyObject,
    ];
    Figures {
        requests: ops.map(|op| (op, journal.count(op))).to_vec(),
        gets_of_members: journal.entries().iter().filter(of_members).count(),
        seconds,
        files: files.clone().count(),
        bytes: files.map(|(_, object)| object.body.len() as u64).sum(),
        events: report["events"].as_u64().unwrap(),
        memory,
    }
}

/// Merges the folder by the real function, with 128 MB; returns its largest resident set in MB, and the seconds.
fn by_function(server: &Server, batch: &str) -> (u64, f64) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bootstrap"));
    aws(&mut command, server);
    command
        .env("DESTINATION", "s3://outputs/function")
        .env("MERGE", "true")
        .env("MERGE_OBJECTS", batch)
        .env("PARTIAL_BATCH", "true");
    let mut function = Function::new(command, 128);
    let payload = json!({"merge": {"bucket": "logs", "folder": FOLDER, "all": true}});
    let began = Instant::now();
    let outcome = function.invoke(&payload, Duration::from_mins(15));
    let seconds = began.elapsed().as_secs_f64();
    assert!(matches!(outcome, Outcome::Response(_)), "{outcome:?}");
    let status = fs::read_to_string(format!("/proc/{}/status", function.pid().unwrap())).unwrap();
    (peak(&status), seconds)
}

/// Returns the largest resident set in MB that a status of Linux shows.
fn peak(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or_default() / 1_024
}

/// Writes the outputs to a folder.
fn export(server: &Server, folder: &Path) {
    for (key, object) in server.objects("outputs") {
        let path = folder.join(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &object.body).unwrap();
    }
}

#[test]
#[expect(clippy::cast_precision_loss, reason = "counts of requests")]
fn many_small_objects_become_few_files_with_few_requests() {
    let count = variable("MERGE_SCALE").map_or(OBJECTS, |count| count.parse().unwrap());
    let server = Server::start();
    server.bucket("logs", Options::default());
    server.bucket("outputs", Options::default());
    let bytes_in = fill(&server, count);
    // The everyday run has batches as large in proportion as the defaults are for 100,000 objects.
    let batch = if count == OBJECTS { "500" } else { "5000" };
    let merged = deliver(&server, "merged", &["--merge", "--merge-objects", batch]);
    let (memory, seconds) = by_function(&server, batch);
    let of = |prefix: &str| {
        let objects = server.objects("outputs").into_iter();
        let below = objects.filter_map(|(key, object)| Some((key.strip_prefix(prefix)?.to_owned(), object.etag)));
        below.collect::<Vec<_>>()
    };
    assert!(
        of("function/") == of("merged/"),
        "the function and the command line differ"
    );
    let each = deliver(&server, "each", &[]);
    assert_eq!(audit(&server, "merged/"), Vec::<String>::new());
    assert_eq!((merged.events, each.events), (count * 10, count * 10));

    let of = |figures: &Figures, op| figures.requests.iter().find(|(found, _)| *found == op).unwrap().1 as f64;
    let per_object = |requests: f64| requests / count as f64;
    let gets = per_object(of(&merged, Op::GetObject));
    let writes = per_object(of(&merged, Op::PutObject) + of(&merged, Op::CopyObject));
    assert!(gets <= 1.02, "{gets} GETs for an object");
    // Four requests for each plan of one day, two for the layout, and a second day for the objects around midnight.
    let plans = count.div_ceil(batch.parse().unwrap());
    assert!(
        writes <= per_object((plans * 6 + 2) as f64),
        "{writes} PUTs and COPYs for an object"
    );
    assert_eq!(merged.gets_of_members as u64, count);
    assert!(merged.files as u64 <= 2 * plans, "{} files", merged.files);
    if count >= 100_000 {
        assert!(
            merged.files <= 50 && writes <= 0.004,
            "{} files, {writes} writes",
            merged.files
        );
    }

    let show = |figures: &Figures| {
        let requests = figures
            .requests
            .iter()
            .map(|(op, count)| (op.to_string(), json!(count)));
        json!({
            "requests": requests.collect::<serde_json::Map<_, _>>(),
            "seconds": figures.seconds,
            "files": figures.files,
            "bytes": figures.bytes,
            "bytes_per_event": figures.bytes as f64 / figures.events as f64,
            "memory_mb": figures.memory,
        })
    };
    let function = json!({"memory_mb": memory, "seconds": seconds});
    let figures = json!({"objects": count, "bytes_in": bytes_in, "function": function, "merged": show(&merged), "each": show(&each)});
    println!("{figures}");
    if let Some(folder) = variable("MERGE_SCALE_OUT") {
        export(&server, Path::new(&folder));
        fs::write(Path::new(&folder).join("figures.json"), format!("{figures}\n")).unwrap();
    }
}
