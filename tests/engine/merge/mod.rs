//! Merges: several objects into shared outputs.

mod failures;
mod limits;
mod same_events;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use alb_ingest::deadline::Deadline;
use alb_ingest::ingest::{
    IngestError, Ledger, Member, MemberOutcome, MergeOptions, Options, Outcome, Problem, Target, ingest_object,
    merge_objects,
};
use alb_ingest::object::{ObjectRef, ObjectRequest};
use alb_ingest::storage::{Body, ErrorKind, Operation, Source, StorageError};

use crate::common::{Files, Memory};

/// An object in memory that is read in chunks. It may misbehave.
#[derive(Debug)]
struct Stored {
    request: ObjectRequest,
    etag: String,
    bytes: Vec<u8>,
    verified: bool,
    manner: Manner,
    opened: AtomicUsize,
}

/// What a reader of an object meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Regular,
    /// Opening it fails.
    Refuses(ErrorKind),
    /// Reading fails before the last chunk.
    Breaks(ErrorKind),
    /// The same, but only from the reading of this number on.
    BreaksFrom(usize, ErrorKind),
    /// Reading panics before the last chunk.
    Panics,
    /// The first reading has a flipped bit in its last chunk, and no checksum.
    FlipsOnce,
}

const CHUNK: usize = 32 * 1024;

impl Stored {
    fn new(key: &str, number: usize, bytes: Vec<u8>) -> Self {
        let etag = format!("etag-{number}");
        let request = ObjectRequest {
            bucket: "logs".to_owned(),
            key: key.to_owned(),
            etag: Some(etag.clone()),
            size: Some(bytes.len() as u64),
            ..ObjectRequest::default()
        };
        Self {
            request,
            etag,
            bytes,
            verified: true,
            manner: Manner::Regular,
            opened: AtomicUsize::new(0),
        }
    }

    fn with(self, manner: Manner) -> Self {
        let verified = manner != Manner::FlipsOnce;
        Self {
            verified,
            manner,
            ..self
        }
    }

    /// Returns how often it was opened since the last call.
    fn opened(&self) -> usize {
        self.opened.swap(0, Ordering::Relaxed)
    }

    fn error(&self, kind: ErrorKind) -> StorageError {
        StorageError::new(Operation::Read, &self.request.key, kind, "it does not go on")
    }
}

impl Source for Stored {
    fn open(&self, object: &ObjectRequest) -> Result<Box<dyn Body>, StorageError> {
        assert_eq!(*object, self.request);
        let opened = self.opened.fetch_add(1, Ordering::Relaxed) + 1;
        let mut bytes = self.bytes.clone();
        let mut end = None;
        match self.manner {
            Manner::Refuses(kind) => return Err(self.error(kind)),
            Manner::Breaks(kind) => end = Some(End::Error(self.error(kind))),
            Manner::BreaksFrom(first, kind) if opened >= first => end = Some(End::Error(self.error(kind))),
            Manner::Panics => end = Some(End::Panic),
            Manner::FlipsOnce if opened == 1 => {
                let last = bytes.len() - 20;
                bytes[last] ^= 1;
            }
            Manner::Regular | Manner::BreaksFrom(..) | Manner::FlipsOnce => {}
        }
        Ok(Box::new(StoredBody {
            object: object.identity(&object.key, &self.etag),
            bytes,
            at: 0,
            end,
            verified: self.verified,
        }))
    }
}

enum End {
    Error(StorageError),
    Panic,
}

struct StoredBody {
    object: ObjectRef,
    bytes: Vec<u8>,
    at: usize,
    /// What comes instead of the last chunk.
    end: Option<End>,
    verified: bool,
}

impl Body for StoredBody {
    fn object(&self) -> &ObjectRef {
        &self.object
    }

    fn bytes(&self) -> Option<u64> {
        Some(self.bytes.len() as u64)
    }

    fn next_chunk(&mut self) -> Result<Option<&[u8]>, StorageError> {
        let rest = &self.bytes[self.at..];
        if rest.len() <= CHUNK
            && let Some(end) = self.end.take()
        {
            match end {
                End::Error(error) => return Err(error),
                End::Panic => panic!("a defect of a reader"),
            }
        }
        let chunk = &rest[..rest.len().min(CHUNK)];
        self.at += chunk.len();
        Ok((!chunk.is_empty()).then_some(chunk))
    }

    fn is_verified(&self) -> bool {
        self.verified
    }
}

/// The outputs of a merge, and the outcomes of its members.
struct Merged {
    files: Files,
    result: Result<Vec<(ObjectRef, MemberOutcome)>, Problem>,
}

/// Ways to carry out a merge, all with the same outputs.
const WAYS: [(usize, usize); 4] = [(0, 0), (0, 1 << 20), (1, 64 << 10), (3, 64 << 20)];

fn merge(objects: &[Stored], options: &Options, (readers, prefetch_bytes): (usize, usize)) -> Merged {
    let how = MergeOptions {
        deadline: Deadline::NONE,
        readers,
        prefetch_bytes,
    };
    merge_with(objects, options, &how, &|_| ())
}

fn merge_with(objects: &[Stored], options: &Options, how: &MergeOptions, on_chunk: &(dyn Fn(usize) + Sync)) -> Merged {
    let events = Memory::default();
    let target = Target {
        options,
        events: &events,
        quarantine: &events.below("_quarantine/"),
    };
    let members: Vec<_> = objects
        .iter()
        .map(|object| Member {
            request: &object.request,
            source: object,
        })
        .collect();
    let result = merge_objects(&members, target, how, on_chunk);
    let files = events.files();
    Merged { files, result }
}

impl Merged {
    fn outcomes(&self) -> Vec<&MemberOutcome> {
        let members = self.result.as_ref().unwrap();
        members.iter().map(|(_, outcome)| outcome).collect()
    }
}

/// What becomes of objects one by one: the outcome of each, with its files by folder.
type Alone = Vec<(Result<Outcome, IngestError>, Files)>;

fn alone(objects: &[Stored], options: &Options) -> Alone {
    let each = objects.iter().map(|object| {
        let events = Memory::default();
        let target = Target {
            options,
            events: &events,
            quarantine: &events.below("_quarantine/"),
        };
        let how = (false, Deadline::NONE);
        let result = ingest_object(&object.request, object, target, how, |_| ());
        let files = events.files().into_iter();
        let folder = |key: String| key.rsplit_once('/').unwrap().0.to_owned();
        let files = files.map(|(key, bytes)| (folder(key), bytes)).collect();
        object.opened();
        (result.map(|(_, outcome)| outcome), files)
    });
    each.collect()
}

/// Returns a ledger without what is different in a merge: its outputs.
fn comparable(ledger: &Ledger) -> String {
    let ledger = Ledger {
        outputs: Vec::new(),
        bytes_out: 0,
        ..ledger.clone()
    };
    format!("{ledger:?}")
}

/// Checks that a merge has exactly the rows that the objects have one by one, in the order of the objects. `rows` reads a
/// file.
fn assert_same<T: PartialEq + std::fmt::Debug>(alone: &Alone, merged: &Merged, rows: impl Fn(&str, &[u8]) -> Vec<T>) {
    for ((alone, _), merged) in alone.iter().zip(merged.outcomes()) {
        match (alone, merged) {
            (Ok(Outcome::Ingested(alone)), MemberOutcome::Ingested(merged)) => {
                assert_eq!(comparable(alone), comparable(merged));
                assert!(merged.outputs.is_empty() && merged.bytes_out == 0);
            }
            (Ok(Outcome::Skipped(alone, ledger)), MemberOutcome::Skipped(merged, and)) => {
                assert_eq!((alone, comparable(ledger)), (merged, comparable(and)));
            }
            (Err(alone), MemberOutcome::Failed(merged) | MemberOutcome::LeftOut(merged)) => {
                assert_eq!(alone.to_string(), merged.to_string());
            }
            (alone, merged) => panic!("{alone:?} became {merged:?}"),
        }
    }
    let mut wanted: BTreeMap<&str, Vec<T>> = BTreeMap::new();
    for (folder, bytes) in alone.iter().flat_map(|(_, files)| files) {
        wanted.entry(folder).or_default().extend(rows(folder, bytes));
    }
    let mut found: BTreeMap<&str, Vec<T>> = BTreeMap::new();
    for (key, bytes) in &merged.files {
        let (folder, name) = key.rsplit_once('/').unwrap();
        assert!(name.starts_with("merged."), "{key}");
        assert!(found.insert(folder, rows(folder, bytes)).is_none());
    }
    assert!(wanted.keys().eq(found.keys()), "{:?} {:?}", wanted.keys(), found.keys());
    for (folder, wanted) in &wanted {
        let found = &found[folder];
        assert_eq!(wanted.len(), found.len(), "{folder}");
        for (number, (wanted, found)) in wanted.iter().zip(found).enumerate() {
            assert_eq!(wanted, found, "{folder}, row {number}");
        }
    }
}

/// Records the bytes that were handed out and not ingested yet, and the most of them at one time.
#[derive(Default)]
struct InFlight(Mutex<(usize, usize)>);

impl InFlight {
    fn add(&self, bytes: usize) {
        let mut state = self.0.lock().unwrap();
        state.0 += bytes;
        state.1 = state.1.max(state.0);
    }

    fn remove(&self, bytes: usize) {
        self.0.lock().unwrap().0 -= bytes;
    }

    fn most(&self) -> usize {
        self.0.lock().unwrap().1
    }
}
