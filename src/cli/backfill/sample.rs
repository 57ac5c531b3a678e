//! Reads a few objects of each table, to estimate the events and the outputs of all of them.

use std::collections::BTreeMap;
use std::io::{self, Write};

use indicatif::ProgressBar;

use crate::config::Config;
use crate::deadline::Deadline;
use crate::ingest::{Outcome, Target, ingest_object};
use crate::object::{Counts, ObjectRef};
use crate::storage::{Committed, Entry, Sink, Staged, StorageError};

/// What was measured, by table.
pub(super) type Sample = BTreeMap<&'static str, Measured>;

/// The sums of the objects of a table that were read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Measured {
    /// The number of objects.
    pub(super) objects: u64,
    /// Their bytes.
    pub(super) bytes_in: u64,
    /// Their events.
    pub(super) events: u64,
    /// The bytes of the outputs that they become.
    pub(super) bytes_out: u64,
}

/// Ingests objects into nothing. An object that fails is left out.
pub(super) fn measure<'a>(
    samples: impl Iterator<Item = (&'static str, &'a [Entry])>,
    config: &Config,
    bar: &ProgressBar,
) -> Sample {
    let target = Target {
        options: &config.ingest,
        events: &Counting,
        quarantine: &Counting,
    };
    let mut measured = Sample::new();
    for (table, entries) in samples {
        bar.set_message(format!("reading some objects of {table}"));
        for entry in entries {
            let source = entry.source.as_ref();
            let outcome = ingest_object(&entry.object, source, target, (false, Deadline::NONE), |_| {});
            if let Ok((_, Outcome::Ingested(ledger))) = outcome {
                let sums = measured.entry(table).or_default();
                sums.objects += 1;
                sums.bytes_in += ledger.bytes_in;
                sums.events += ledger.events;
                sums.bytes_out += ledger.bytes_out;
            }
        }
    }
    measured
}

/// A sink that counts.
struct Counting;

#[derive(Default)]
struct Counted(u64);

impl Sink for Counting {
    fn stage(&self, _key: &str, _source: &ObjectRef) -> Result<Box<dyn Staged>, StorageError> {
        Ok(Box::new(Counted::default()))
    }

    fn event_limit(&self) -> Option<usize> {
        None
    }
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Staged for Counted {
    fn commit(self: Box<Self>, _counts: &Counts) -> Result<Committed, StorageError> {
        Ok(Committed::Written(self.0))
    }
}
