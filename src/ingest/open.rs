//! An object that a source has opened, read to its end.

use crate::object::ObjectRef;
use crate::source::{Body, SourceError};

use super::{Ingest, IngestError, Ledger, Outcome, Problem, Target};

/// Ingests an object that is open; returns it as it was found. `piece` is told the length of each piece of it, and may end
/// the work.
///
/// # Errors
/// The source or the destination failed, or the object itself; nothing of it is committed then.
pub fn ingest_open(
    mut body: Box<dyn Body>,
    target: Target<'_>,
    two_threads: bool,
    mut piece: impl FnMut(usize) -> Result<(), SourceError>,
) -> Result<(ObjectRef, Outcome), IngestError> {
    let object = body.object().clone();
    let fail = |error| Problem::Unreadable(error).of(&object);
    let mut ingest = match Ingest::begin(object.clone(), target) {
        Ok(ingest) if two_threads => ingest.on_two_threads(),
        Ok(ingest) => ingest,
        Err(skip) => return Ok((object, Outcome::Skipped(skip, Ledger::default()))),
    };
    while let Some(chunk) = body.next_chunk().map_err(fail)? {
        ingest.push(chunk)?;
        piece(chunk.len()).map_err(fail)?;
    }
    let outcome = ingest.finish()?;
    Ok((object, outcome))
}
