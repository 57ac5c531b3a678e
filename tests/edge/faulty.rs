//! A storage that injects faults into the objects of a folder, and the function on it.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use crate::common::Memory;
use alb_ingest::config::RawConfig;
use alb_ingest::deadline::Deadline;
use alb_ingest::function::{Event, Function, Handled, Limits, Observer, emf};
use alb_ingest::object::{Counts, ObjectRef, ObjectRequest};
use alb_ingest::storage::local::Local;
use alb_ingest::storage::{
    Body, Committed, ErrorKind, Listing, Location, Operation, Origin, Queue, QueueUrl, S3Prefix, Sink, Source, Staged,
    Storage, StorageError, Store,
};
use serde_json::Value;

pub(crate) const LIMITS: Limits = Limits {
    memory: 512,
    processors: 2,
};

/// Collects the events as text.
#[derive(Default)]
pub(crate) struct Events(pub(crate) Mutex<Vec<String>>);

impl Observer for Events {
    fn observe(&self, event: &Event<'_>) {
        self.0.lock().unwrap().push(event.to_string());
    }
}

/// The fault that the reader of an object meets.
pub(crate) type Opening = fn(&ObjectRequest) -> Option<Fault>;
/// Called with the key of an output before each write to it; it may panic.
pub(crate) type Writing = fn(&str);

/// Objects from folders, or faults in their place; outputs in memory.
pub(crate) struct FaultyStorage {
    pub(crate) local: Local,
    /// The file of the destination's layout.
    pub(crate) layouts: Local,
    pub(crate) memory: Memory,
    pub(crate) fault: Opening,
    pub(crate) writing: Writing,
    pub(crate) opened: AtomicUsize,
}

#[derive(Clone, Copy)]
pub(crate) enum Fault {
    Panics,
    PanicsMidway,
    Breaks,
    IsGone,
    MayNotBeRead,
}

impl Storage for &'static FaultyStorage {
    fn source(&self, _deadline: Deadline) -> Box<dyn Source> {
        Box::new(*self)
    }

    fn list(&self, origin: &Origin, deadline: Deadline) -> Result<Listing, StorageError> {
        self.local.list(origin, deadline)
    }

    fn store(&self, location: &Location, deadline: Deadline) -> Result<Arc<dyn Store>, StorageError> {
        self.layouts.store(location, deadline)
    }

    fn queue(&self, url: &QueueUrl, deadline: Deadline) -> Result<Box<dyn Queue>, StorageError> {
        self.local.queue(url, deadline)
    }

    fn folders(&self, prefix: &S3Prefix, deadline: Deadline) -> Result<Vec<String>, StorageError> {
        self.local.folders(prefix, deadline)
    }

    fn sink(&self, location: &Location, _deadline: Deadline) -> Result<Box<dyn Sink>, StorageError> {
        let memory = match location {
            Location::S3(place) if place.prefix.ends_with("_quarantine/") => self.memory.below("_quarantine/"),
            _ => self.memory.clone(),
        };
        Ok(Box::new(Watched(memory, self.writing)))
    }
}

/// A destination that calls a function before each write.
struct Watched(Memory, Writing);

impl Sink for Watched {
    fn stage(&self, key: &str, source: &ObjectRef) -> Result<Box<dyn Staged>, StorageError> {
        Ok(Box::new(WatchedOutput {
            staged: self.0.stage(key, source)?,
            key: key.to_owned(),
            writing: self.1,
        }))
    }

    fn event_limit(&self) -> Option<usize> {
        self.0.event_limit()
    }
}

struct WatchedOutput {
    staged: Box<dyn Staged>,
    key: String,
    pub(crate) writing: Writing,
}

impl Write for WatchedOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (self.writing)(&self.key);
        self.staged.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.staged.flush()
    }
}

impl Staged for WatchedOutput {
    fn commit(self: Box<Self>, counts: &Counts) -> Result<Committed, StorageError> {
        self.staged.commit(counts)
    }
}

impl Source for &'static FaultyStorage {
    fn open(&self, object: &ObjectRequest) -> Result<Box<dyn Body>, StorageError> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        let error = |kind| StorageError::new(Operation::Read, object.key.clone(), kind, format!("{kind:?}"));
        let source = self.local.source(Deadline::NONE);
        match (self.fault)(object) {
            Some(Fault::Panics) => panic!("a defect"),
            Some(Fault::IsGone) => Err(error(ErrorKind::NotFound)),
            Some(Fault::MayNotBeRead) => Err(error(ErrorKind::Refused)),
            Some(Fault::Breaks) => Ok(Box::new(Broken(source.open(object)?, 0, false))),
            Some(Fault::PanicsMidway) => Ok(Box::new(Broken(source.open(object)?, 0, true))),
            None => source.open(object),
        }
    }
}

/// An object whose connection breaks, or whose reader panics, after the first bytes.
struct Broken(Box<dyn Body>, usize, bool);

impl Body for Broken {
    fn is_verified(&self) -> bool {
        true
    }

    fn object(&self) -> &alb_ingest::object::ObjectRef {
        self.0.object()
    }

    fn bytes(&self) -> Option<u64> {
        self.0.bytes()
    }

    fn next_chunk(&mut self) -> Result<Option<&[u8]>, StorageError> {
        self.1 += 1;
        if self.1 > 1 {
            assert!(!self.2, "a defect");
            return Err(StorageError::new(
                Operation::Read,
                self.object().key.clone(),
                ErrorKind::Unavailable,
                "the connection broke",
            ));
        }
        let chunk = self.0.next_chunk()?;
        Ok(chunk.map(|chunk| &chunk[..chunk.len() / 2]))
    }
}

pub(crate) fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn faulty(fault: Opening) -> &'static FaultyStorage {
    faulty_with(fault, Memory::default())
}

/// Returns a storage with these faults whose outputs go to a destination that may have some already.
pub(crate) fn faulty_with(fault: Opening, memory: Memory) -> &'static FaultyStorage {
    Box::leak(Box::new(FaultyStorage {
        local: Local::new(Some(package().join("events"))),
        layouts: layouts(),
        memory,
        fault,
        writing: |_| {},
        opened: AtomicUsize::new(0),
    }))
}

/// Returns a storage for the layout of the destination, in a folder of its own.
pub(crate) fn layouts() -> Local {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    Local::new(Some(folder.keep()))
}

pub(crate) fn config() -> RawConfig {
    RawConfig {
        destination: Some(Location::S3(S3Prefix::parse("outputs/all").unwrap())),
        ..RawConfig::default()
    }
}

pub(crate) fn function(world: &'static FaultyStorage, config: RawConfig) -> Function {
    Function::new(config.resolve().unwrap(), Box::new(world), LIMITS, clock).unwrap()
}

/// Noon of the day of the sample objects.
pub(crate) fn clock() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_hours(497_604)
}

pub(crate) fn event(name: &str) -> Vec<u8> {
    fs::read(package().join("events").join(name)).unwrap()
}

pub(crate) fn handle(world: &'static FaultyStorage, config: RawConfig, payload: &[u8]) -> Handled {
    function(world, config).handle(payload, Deadline::NONE, &Events::default())
}

/// Returns the counts of an invocation, by the names of its metrics.
pub(crate) fn metrics(handled: &Handled) -> Value {
    serde_json::from_str(&emf::line(&handled.tally, "test", "request")).unwrap()
}
