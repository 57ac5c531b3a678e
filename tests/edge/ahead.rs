//! Objects of an invocation that are read before a worker is free.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::common::Memory;
use crate::envelopes::{Object, SAMPLE_FOLDER, objects};
use crate::faulty::{Events, Fault, FaultyStorage, Opening, Writing, clock, config, faulty, layouts, metrics, package};
use alb_ingest::deadline::Deadline;
use alb_ingest::function::{Function, Handled, Limits};
use alb_ingest::storage::local::Local;

/// Memory for one object at a time, and for reading ahead.
const ONE_WORKER: usize = 128;
/// Memory for two objects at a time, and nothing else.
const TWO_WORKERS_ALONE: usize = 160;

/// Returns the objects of one folder, except for an empty one.
fn samples() -> Vec<Object> {
    let folder = package().join("events/objects").join(SAMPLE_FOLDER);
    let mut names: Vec<_> = walkdir::WalkDir::new(folder)
        .into_iter()
        .map(Result::unwrap)
        .filter(|file| file.file_type().is_file() && file.metadata().unwrap().len() > 0)
        .map(|file| file.file_name().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    names.iter().map(|name| Object::sample(name)).collect()
}

fn world(fault: Opening, writing: Writing) -> &'static FaultyStorage {
    Box::leak(Box::new(FaultyStorage {
        local: Local::new(Some(package().join("events"))),
        layouts: layouts(),
        memory: Memory::default(),
        fault,
        writing,
        opened: AtomicUsize::new(0),
    }))
}

fn handle(world: &'static FaultyStorage, memory: usize, samples: &[Object]) -> Handled {
    let limits = Limits { memory, processors: 1 };
    let function = Function::new(config().resolve().unwrap(), Box::new(world), limits, clock).unwrap();
    let payload = objects(samples).to_string();
    function.handle(payload.as_bytes(), Deadline::NONE, &Events::default())
}

#[test]
fn the_next_objects_are_read_before_the_first_output_is_written() {
    static WORLD: OnceLock<&FaultyStorage> = OnceLock::new();
    static OPENED_BEFORE: OnceLock<usize> = OnceLock::new();
    // The first write waits for the objects after it. Without reading ahead, it would wait in vain.
    let writing: Writing = |_| {
        OPENED_BEFORE.get_or_init(|| {
            let opened = || WORLD.get().unwrap().opened.load(Ordering::Relaxed);
            let limit = Deadline::after(Duration::from_secs(10));
            while opened() < samples().len() && !limit.has_passed() {
                thread::sleep(Duration::from_millis(1));
            }
            opened()
        });
    };
    let samples = samples();
    assert!(samples.len() >= 4, "{} objects", samples.len());
    let world = WORLD.get_or_init(|| world(|_| None, writing));
    handle(world, ONE_WORKER, &samples).answer.unwrap();
    assert_eq!(OPENED_BEFORE.get(), Some(&samples.len()));
    // Each of them once.
    assert_eq!(world.opened.load(Ordering::Relaxed), samples.len());

    let alone = faulty(|_| None);
    for sample in &samples {
        handle(alone, ONE_WORKER, std::slice::from_ref(sample)).answer.unwrap();
    }
    assert_eq!(world.memory.files(), alone.memory.files());
}

#[test]
fn without_memory_to_spare_only_the_objects_of_workers_are_read() {
    static WORLD: OnceLock<&FaultyStorage> = OnceLock::new();
    static OPENED_BEFORE: OnceLock<usize> = OnceLock::new();
    let writing: Writing = |_| {
        OPENED_BEFORE.get_or_init(|| WORLD.get().unwrap().opened.load(Ordering::Relaxed));
    };
    let world = WORLD.get_or_init(|| world(|_| None, writing));
    handle(world, TWO_WORKERS_ALONE, &samples()).answer.unwrap();
    let opened = *OPENED_BEFORE.get().unwrap();
    assert!(opened <= 2, "{opened} objects");
}

#[test]
fn an_object_that_fails_while_it_is_read_ahead_has_the_same_outcome() {
    let faults: [Opening; 5] = [
        |_| Some(Fault::IsGone),
        |_| Some(Fault::MayNotBeRead),
        |_| Some(Fault::Breaks),
        |_| Some(Fault::Panics),
        |_| Some(Fault::PanicsMidway),
    ];
    let samples = samples();
    for fault in faults {
        let [ahead, beside] = [ONE_WORKER, TWO_WORKERS_ALONE].map(|memory| {
            let world = world(fault, |_| {});
            let handled = handle(world, memory, &samples);
            let counted = metrics(&handled);
            let error = handled.answer.unwrap_err().to_string();
            assert!(world.memory.files().is_empty());
            (error, counted["ObjectsFailed"].clone())
        });
        assert_eq!(ahead, beside);
        assert_eq!(ahead.1, samples.len(), "{}", ahead.0);
    }
}
