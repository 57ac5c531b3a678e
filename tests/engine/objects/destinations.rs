//! Destinations that fail, and outputs that already exist.

use std::io::{self, Write};

use alb_ingest::formats::ALB_ACCESS;
use alb_ingest::ingest::{Ingest, Options, Outcome, Problem, Target};
use alb_ingest::object::{Counts, ObjectRef};
use alb_ingest::storage::{Committed, ErrorKind, Operation, Sink, Staged, StorageError};

use super::{access_at, accesses, broken, key};
use crate::common::{Memory, json, object};

/// A destination that fails in one step.
#[derive(Clone, Copy, PartialEq)]
enum Fails {
    Staging,
    Writing,
    Committing,
}

impl Sink for Fails {
    fn stage(&self, _key: &str, _source: &ObjectRef) -> Result<Box<dyn Staged>, StorageError> {
        if *self == Self::Staging {
            return Err(full());
        }
        Ok(Box::new(*self))
    }

    fn event_limit(&self) -> Option<usize> {
        None
    }
}

impl Write for Fails {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if *self == Self::Writing {
            return Err(full().into());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Staged for Fails {
    fn commit(self: Box<Self>, _counts: &Counts) -> Result<Committed, StorageError> {
        Err(full())
    }
}

fn full() -> StorageError {
    let error = io::Error::from(io::ErrorKind::StorageFull);
    StorageError::new(Operation::Write, "there", ErrorKind::Unavailable, error.to_string()).caused_by(error)
}

#[test]
fn a_failing_destination_fails_the_object_with_a_retryable_error() {
    let options = json();
    let memory = Memory::default();
    let text = [accesses(3), broken(1).into_bytes()].concat();
    for fails in [Fails::Staging, Fails::Writing, Fails::Committing] {
        for (events, quarantine) in [(&fails as &dyn Sink, &memory as &dyn Sink), (&memory, &fails)] {
            let target = Target {
                options: &options,
                events,
                quarantine,
            };
            let mut ingest = Ingest::begin(object(&key(&ALB_ACCESS)), target).unwrap();
            let error = ingest.push(&text).and_then(|()| ingest.finish().map(drop)).unwrap_err();
            assert!(error.problem.is_retryable(), "{error}");
            assert!(matches!(*error.problem, Problem::Destination(_)), "{error:?}");
        }
    }
}

/// A destination that refuses what is written to the outputs of one day.
struct RefusesDay(Memory, &'static str);

impl Sink for RefusesDay {
    fn stage(&self, key: &str, source: &ObjectRef) -> Result<Box<dyn Staged>, StorageError> {
        if key.contains(self.1) {
            return Ok(Box::new(Fails::Writing));
        }
        self.0.stage(key, source)
    }

    fn event_limit(&self) -> Option<usize> {
        None
    }
}

/// Small outputs are first written when they are completed.
#[test]
fn nothing_is_visible_if_a_later_output_cannot_be_completed() {
    let days = ["2026-10-06", "2026-10-07"];
    let text = days
        .map(|day| access_at(&format!("{day}T23:59:59Z"), "curl") + "\n")
        .concat();
    for options in [json(), Options::default()] {
        for day in days {
            let events = RefusesDay(Memory::default(), day);
            let target = Target {
                options: &options,
                events: &events,
                quarantine: &events,
            };
            let mut ingest = Ingest::begin(object(&key(&ALB_ACCESS)), target).unwrap();
            ingest.push(text.as_bytes()).unwrap();
            assert!(ingest.finish().is_err());
            assert!(events.0.files().is_empty(), "{:?}", events.0.files().keys());
        }
    }
}

#[test]
fn existing_outputs_are_kept_and_reported() {
    let options = json();
    let memory = Memory::default();
    let quarantine = memory.below("_quarantine/");
    let target = Target {
        options: &options,
        events: &memory,
        quarantine: &quarantine,
    };
    let text = [accesses(3), broken(1).into_bytes()].concat();
    let mut ledgers = Vec::new();
    for _ in 0..2 {
        let mut ingest = Ingest::begin(object(&key(&ALB_ACCESS)), target).unwrap();
        ingest.push(&text).unwrap();
        match ingest.finish().unwrap() {
            Outcome::Ingested(ledger) => ledgers.push((ledger, memory.files())),
            other @ Outcome::Skipped(..) => panic!("{other:?}"),
        }
    }
    let [(first, before), (second, after)] = ledgers.as_slice() else {
        panic!("expected two runs")
    };
    assert!(before == after);
    assert_eq!(first.outputs.len(), 2);
    assert!(first.outputs.iter().all(|output| output.written) && first.bytes_out > 0);
    assert!(second.outputs.iter().all(|output| !output.written) && second.bytes_out == 0);
    assert_eq!((first.events, first.quarantined), (second.events, second.quarantined));
}
