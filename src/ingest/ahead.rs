//! Objects that are ingested one by one by several workers, small ones read ahead.
//!
//! An object needs tens of MiB while it is ingested, which bounds the number of workers. While they wait for outputs to be
//! written, or for the processor, the next objects can already be read.

use crate::deadline::Deadline;
use crate::object::ObjectRef;
use crate::storage::{Body, StorageError};

use super::prefetch::{Fetched, MemberSource, Prefetch};
use super::{IngestError, Ledger, Member, Outcome, ReadAhead, Target, ingest_object};

/// Objects of which small ones are read ahead.
pub struct Ahead<'p, 'a>(&'p Prefetch<'a>);

/// Calls `consume` while the small ones among the `wanted` objects are read. `wanted` are their numbers, ascending.
pub fn read_ahead<'a, T>(
    members: &'a [Member<'a>],
    wanted: &[usize],
    how: ReadAhead,
    consume: impl FnOnce(&Ahead<'_, 'a>) -> T,
) -> T {
    Prefetch::run(members, wanted, how, open, |prefetch| consume(&Ahead(prefetch)))
}

impl<'a> Ahead<'_, 'a> {
    /// Ingests the object with this number like [`ingest_object`].
    ///
    /// # Errors
    /// Those of [`ingest_object`].
    pub fn ingest(
        &self,
        (number, member): (usize, &'a Member<'a>),
        target: Target<'_>,
        how: (bool, Deadline),
    ) -> Result<(ObjectRef, Outcome), IngestError> {
        let mut taken = self.0.take(number);
        let whole = match std::mem::take(&mut taken.fetched) {
            Fetched::Nothing => None,
            Fetched::Whole(whole) => Some(whole),
            Fetched::Failed(error) => return failed(error, target),
        };
        let source = MemberSource::new(member, whole, open);
        ingest_object(member.request, &source, target, how, |_| {})
    }
}

/// Returns the result for an object that cannot be read. One that was found under its alternative key may be excluded by it.
fn failed(error: IngestError, target: Target<'_>) -> Result<(ObjectRef, Outcome), IngestError> {
    match target.options.skip_unread(&error.object.key) {
        Some(skip) => Ok((error.object, Outcome::Skipped(skip, Ledger::default()))),
        None => Err(error),
    }
}

fn open(member: &Member<'_>) -> Result<Box<dyn Body>, StorageError> {
    member.source.open(member.request)
}
