//! What is staged: the outputs of one object, or those that the members of a merge share.

use std::collections::BTreeSet;

use crate::encode::is_output_of;
use crate::object::ObjectFacts;
use crate::parse::batch::Malformed;
use crate::storage::{Committed, ErrorKind, Existing, Operation, Sink, Staged, StorageError};

use super::consumer::{Consumer, Events};
use super::outputs::Outputs;
use super::quarantine::QuarantineOutputs;
use super::{Ledger, Output, Problem, TableStage, Target};

/// The maximum number of partitions of an object: a bound for open files and memory.
pub(super) const MAX_PARTITIONS: usize = 400;
/// The maximum number of partitions from which no member of a merge but the first may open another one; and of outputs of the
/// quarantine. A folder of a load balancer's logs has the events of three tables and little more than a day.
pub(super) const MAX_SHARED: usize = 100;
/// The maximum number of bytes of memory for events that are not written yet, over all partitions. Beyond it, the largest
/// outputs are flushed.
const MAX_BUFFERED: usize = 32 * 1024 * 1024;
/// The same for a merge, which has members in memory, too.
const MAX_MERGED: usize = 12 * 1024 * 1024;

/// The names of outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Naming {
    /// Those of one object, with its id.
    OfObject,
    /// One name for every output: several objects share it, and the sink gives it its final name.
    Merged,
}

impl Naming {
    /// Returns the maximum number of bytes of memory for events that are not written yet.
    pub(super) const fn max_buffered(self) -> usize {
        match self {
            Self::OfObject => MAX_BUFFERED,
            Self::Merged => MAX_MERGED,
        }
    }

    /// Returns the name of an output, without its extension.
    pub(super) fn stem(self, facts: &ObjectFacts) -> String {
        match self {
            Self::OfObject => format!("{}-{}", facts.object.stem(), facts.id),
            Self::Merged => "merged".to_owned(),
        }
    }
}

/// Returns the maximum number of open outputs with which an object may open another one.
pub(super) const fn max_open(is_shared: bool) -> usize {
    if is_shared { MAX_SHARED } else { MAX_PARTITIONS }
}

/// Staged outputs, and buffers that the next object uses again.
pub(super) struct Staging<'a> {
    pub(super) target: Target<'a>,
    pub(super) naming: Naming,
    pub(super) events: Events<'a>,
    pub(super) quarantine: QuarantineOutputs<'a>,
    /// The parser and the batch of an earlier object.
    pub(super) table: Option<Box<TableStage>>,
    pub(super) malformed: Vec<Malformed>,
}

impl<'a> Staging<'a> {
    pub(super) const fn new(target: Target<'a>, naming: Naming) -> Self {
        Self {
            target,
            naming,
            events: Events::Files(Outputs::new(naming)),
            quarantine: QuarantineOutputs::new(target.quarantine),
            table: None,
            malformed: Vec::new(),
        }
    }

    /// Returns a staging without outputs of events, which go to a consumer.
    pub(super) fn consuming(target: Target<'a>, consumer: &'a mut dyn Consumer) -> Self {
        Self {
            events: Events::Consumer(consumer),
            ..Self::new(target, Naming::OfObject)
        }
    }

    /// Begins an object.
    pub(super) fn begin_object(&mut self) {
        self.events.begin_object();
        self.quarantine.begin_object();
        self.malformed.clear();
    }

    /// Returns whether an event or a malformed line of the current object may be in an output.
    pub(super) const fn is_touched(&self) -> bool {
        self.events.is_touched() || self.quarantine.is_touched()
    }

    /// Returns whether there is room for outputs with these keys.
    pub(super) fn fits(&self, events: &BTreeSet<String>, quarantine: &BTreeSet<String>) -> bool {
        let fits = |open: BTreeSet<&str>, keys: &BTreeSet<String>| {
            let new = keys.iter().filter(|key| !open.contains(key.as_str())).count();
            new == 0 || open.len() + new <= max_open(!open.is_empty())
        };
        fits(self.events.keys().collect(), events) && fits(self.quarantine.keys().collect(), quarantine)
    }

    /// Commits every output: events first, because events without their quarantine are the lesser surprise if a commit is
    /// interrupted. `facts` are those of the only object, if there is only one.
    pub(super) fn commit(&mut self, facts: Option<&ObjectFacts>, ledger: &mut Ledger) -> Result<(), Problem> {
        let events = Commit {
            sink: self.target.events,
            facts,
        };
        let quarantine = Commit {
            sink: self.target.quarantine,
            facts,
        };
        self.events.commit(events, ledger)?;
        self.quarantine.commit(quarantine, ledger)
    }
}

/// How outputs are committed.
#[derive(Clone, Copy)]
pub(super) struct Commit<'a> {
    sink: &'a dyn Sink,
    facts: Option<&'a ObjectFacts>,
}

impl Commit<'_> {
    /// Commits one output and records it in the ledger.
    pub(super) fn one(self, key: String, staged: Box<dyn Staged>, ledger: &mut Ledger) -> Result<(), Problem> {
        let committed = staged.commit(&ledger.counts())?;
        if committed == (Committed::AlreadyExists { identical: false }) {
            match self.facts {
                // An object without an identity can meet an output of another object at its own key.
                Some(facts) if facts.object.version.is_empty() => return Err(Problem::OutputOfAnother { key }),
                Some(facts) => {
                    if let Some(existing) = self.sink.existing(&key)? {
                        recognize(&key, existing, facts)?;
                    }
                }
                None => return Err(StorageError::occupied(key, "an output with different bytes").into()),
            }
        }
        if let Committed::Written(bytes) = committed {
            ledger.bytes_out += bytes;
        }
        ledger.outputs.push(Output {
            key,
            written: matches!(committed, Committed::Written(_)),
        });
        Ok(())
    }
}

/// Fails unless an existing file is an intact output of the object. Another version or other settings of this program
/// may have written it.
fn recognize(key: &str, existing: Existing, facts: &ObjectFacts) -> Result<(), Problem> {
    let Existing { place, bytes } = existing;
    match is_output_of(facts, key, bytes) {
        Ok(true) => Ok(()),
        Ok(false) => Err(StorageError::occupied(place, "a different or damaged file").into()),
        Err(error) => {
            let message = error.to_string();
            let error = StorageError::new(Operation::Inspect, place, ErrorKind::Unavailable, message).caused_by(error);
            Err(error.into())
        }
    }
}
