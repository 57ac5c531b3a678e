//! Ingests an object again, and compares its outputs with those of the destination.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::deadline::Deadline;
use crate::ingest::{Outcome, Target, ingest_object};
use crate::merge::plan::Place;
use crate::object::{Counts, Identity, ObjectRef, hex};
use crate::storage::{Committed, Entry, OpenFile, Sink, Staged, StorageError, Store};

use super::super::Stop;
use super::each::{draft, internal};
use super::findings::Findings;
use super::known::{BAD, EMPTY, FOUND, Known, LOST, identity};
use super::output::{Guarded, hash, uneven};
use super::scope::Class;
use super::{Audit, WAVE};

/// An output that an object should have.
struct Compared {
    place: Place,
    name: String,
    difference: Option<Difference>,
}

enum Difference {
    Missing,
    Corrupt(String),
    Unbalanced(String),
}

/// Returns the hash by which an output's name is remembered.
pub(super) fn name_hash(place: Place, name: &str) -> [u8; 16] {
    let place: &[u8] = match place {
        Place::Events => b"e",
        Place::Quarantine => b"q",
    };
    let hash = Sha256::new().chain_update(place).chain_update(name).finalize();
    let mut start = [0; 16];
    for (byte, hashed) in start.iter_mut().zip(hash) {
        *byte = hashed;
    }
    start
}

/// Compares the outputs of every object, and returns the hashes of their names, sorted.
pub(super) fn all(audit: &Audit<'_>, known: &mut Known, findings: &mut Findings) -> Result<Vec<[u8; 16]>, Stop> {
    let mut expected = Vec::new();
    let mut wave = Vec::new();
    let mut compared = 0;
    let mut end = |findings: &mut Findings, wave: &mut Vec<Entry>| -> Result<(), Stop> {
        compared += wave.len();
        let results = audit.pool.run(wave, |entry| Some(one(audit, entry)), |_, _| None);
        for (entry, result) in wave.iter().zip(results) {
            note(
                audit,
                known,
                findings,
                &mut expected,
                (entry, result.ok_or_else(internal)?),
            )?;
        }
        audit.bar.set_message(format!("{compared} objects compared"));
        wave.clear();
        Ok(())
    };
    audit.each_object(findings, |findings, entry, class| {
        if class == Class::Due {
            wave.push(entry.clone());
        }
        if wave.len() >= WAVE {
            end(findings, &mut wave)?;
        }
        Ok(())
    })?;
    end(findings, &mut wave)?;
    expected.sort_unstable();
    Ok(expected)
}

/// Returns whether an object has no output, because nothing in it is an event or malformed.
pub(super) fn has_no_output(audit: &Audit<'_>, entry: &Entry) -> bool {
    matches!(one(audit, entry), Ok((_, outputs)) if outputs.is_empty())
}

/// Compares the outputs of one object; the error is why it cannot be ingested.
fn one(audit: &Audit<'_>, entry: &Entry) -> Result<(Identity, Vec<Compared>), String> {
    let outputs = Arc::default();
    let sink = |place, store: &Arc<dyn Store>| Comparing {
        place,
        store: Arc::clone(store),
        outputs: Arc::clone(&outputs),
    };
    let events = sink(Place::Events, &audit.places.events);
    let quarantine = sink(Place::Quarantine, &audit.places.quarantine);
    let target = Target {
        options: &audit.config.ingest,
        events: &events,
        quarantine: &quarantine,
    };
    let how = (false, Deadline::NONE);
    let ingested = ingest_object(&entry.object, entry.source.as_ref(), target, how, |_| {});
    let (object, outcome) = ingested.map_err(|error| error.problem.to_string())?;
    let outputs = match outcome {
        Outcome::Ingested(_) => std::mem::take(&mut *outputs.lock().unwrap_or_else(PoisonError::into_inner)),
        Outcome::Skipped(..) => Vec::new(),
    };
    Ok((object.identity(), outputs))
}

fn note(
    audit: &Audit<'_>,
    known: &mut Known,
    findings: &mut Findings,
    expected: &mut Vec<[u8; 16]>,
    (entry, result): (&Entry, Result<(Identity, Vec<Compared>), String>),
) -> Result<(), Stop> {
    let key = &entry.object.key;
    let (object, outputs) = match result {
        Ok(compared) => compared,
        Err(reason) => {
            if let Some(position) = identity(entry).ok().and_then(|(object, _)| known.position(&object)) {
                known.add(position, BAD);
                findings.fail(key, &reason)?;
            }
            return Ok(());
        }
    };
    // One that arrived or changed after the listing is for the next audit.
    let Some(position) = known.position(&object) else {
        expected.extend(outputs.iter().map(|output| name_hash(output.place, &output.name)));
        return Ok(());
    };
    known.add(position, if outputs.is_empty() { EMPTY } else { FOUND });
    let mut id = [0; 8];
    for (byte, known) in id.iter_mut().zip(object.0) {
        *byte = known;
    }
    for output in outputs {
        expected.push(name_hash(output.place, &output.name));
        let shown = audit.shown(output.place, &output.name);
        match output.difference {
            None => {}
            Some(Difference::Missing) => {
                known.add(position, LOST);
                findings.missing_outputs.add(&json!({"output": shown, "key": key}))?;
            }
            Some(Difference::Corrupt(reason)) => {
                known.add(position, BAD);
                draft(findings, "corrupt", Some(id), &shown, &reason)?;
            }
            Some(Difference::Unbalanced(reason)) => {
                known.add(position, BAD);
                draft(findings, "unbalanced", Some(id), &shown, &reason)?;
            }
        }
    }
    Ok(())
}

/// A sink that compares outputs with existing ones.
struct Comparing {
    place: Place,
    store: Arc<dyn Store>,
    outputs: Arc<Mutex<Vec<Compared>>>,
}

struct ComparedOutput {
    place: Place,
    store: Arc<dyn Store>,
    outputs: Arc<Mutex<Vec<Compared>>>,
    name: String,
    hash: Sha256,
    bytes: u64,
}

impl Sink for Comparing {
    fn stage(&self, key: &str, _source: &ObjectRef) -> Result<Box<dyn Staged>, StorageError> {
        Ok(Box::new(ComparedOutput {
            place: self.place,
            store: Arc::clone(&self.store),
            outputs: Arc::clone(&self.outputs),
            name: key.to_owned(),
            hash: Sha256::new(),
            bytes: 0,
        }))
    }

    fn event_limit(&self) -> Option<usize> {
        None
    }
}

impl Write for ComparedOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl ComparedOutput {
    fn difference(&self, counts: &Counts) -> Result<Option<Difference>, StorageError> {
        let Some(OpenFile { bytes, record, content }) = self.store.open(&self.name)? else {
            return Ok(Some(Difference::Missing));
        };
        let mut content = Guarded { content, failed: None };
        if bytes != self.bytes {
            let reason = format!("it has {bytes} bytes, and this release writes {}", self.bytes);
            return Ok(Some(Difference::Corrupt(reason)));
        }
        if hash(&mut content)? != hex(&self.hash.clone().finalize()) {
            let reason = "its bytes are not those that this release writes".to_owned();
            return Ok(Some(Difference::Corrupt(reason)));
        }
        let recorded = record.counts.filter(|recorded| recorded != counts);
        Ok(recorded.map(|recorded| Difference::Unbalanced(format!("its metadata has {}", uneven(&recorded)))))
    }
}

impl Staged for ComparedOutput {
    fn commit(mut self: Box<Self>, counts: &Counts) -> Result<Committed, StorageError> {
        let compared = Compared {
            difference: self.difference(counts)?,
            place: self.place,
            name: std::mem::take(&mut self.name),
        };
        self.outputs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(compared);
        Ok(Committed::AlreadyExists { identical: true })
    }
}
