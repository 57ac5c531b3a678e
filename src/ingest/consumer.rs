//! Where the events of objects go: to files, or to a consumer.

use crate::object::ObjectFacts;
use crate::parse::batch::Batch;

use super::outputs::Outputs;
use super::staging::Commit;
use super::{Ledger, Problem, Target};

/// Takes the events of an object instead of files.
pub trait Consumer {
    /// Begins the object. Called again if the object is read again: what was taken before must then be forgotten.
    fn begin(&mut self);

    /// Takes the events of a block, in the order of their lines.
    fn take(&mut self, batch: &Batch, facts: &ObjectFacts);
}

/// The place of events.
pub(super) enum Events<'a> {
    /// Files.
    Files(Outputs),
    /// A consumer.
    Consumer(&'a mut dyn Consumer),
}

impl Events<'_> {
    /// Begins an object.
    pub(super) fn begin_object(&mut self) {
        match self {
            Self::Files(outputs) => outputs.begin_object(),
            Self::Consumer(consumer) => consumer.begin(),
        }
    }

    /// Returns whether an event of the current object may be in an output.
    pub(super) const fn is_touched(&self) -> bool {
        match self {
            Self::Files(outputs) => outputs.is_touched(),
            Self::Consumer(_) => false,
        }
    }

    /// Returns the keys of the outputs.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        let outputs = match self {
            Self::Files(outputs) => Some(outputs),
            Self::Consumer(_) => None,
        };
        outputs.into_iter().flat_map(Outputs::keys)
    }

    /// Writes or hands over the events of the batch, and clears it.
    pub(super) fn write(
        &mut self,
        batch: &mut Batch,
        facts: &ObjectFacts,
        target: Target<'_>,
        ledger: &mut Ledger,
    ) -> Result<(), Problem> {
        ledger.note_times(batch.timestamps());
        match self {
            Self::Files(outputs) => outputs.write(batch, facts, target, ledger),
            Self::Consumer(consumer) => {
                if batch.rows() > 0 {
                    consumer.take(batch, facts);
                }
                ledger.events += batch.rows() as u64;
                batch.clear();
                Ok(())
            }
        }
    }

    /// Commits every output in the order of the partitions.
    pub(super) fn commit(&mut self, commit: Commit<'_>, ledger: &mut Ledger) -> Result<(), Problem> {
        match self {
            Self::Files(outputs) => outputs.commit(commit, ledger),
            Self::Consumer(_) => Ok(()),
        }
    }
}
