//! One object from its request to its outcome.

use crate::object::{ObjectRef, ObjectRequest};
use crate::storage::Source;

use super::{Ingest, IngestError, Ledger, Outcome, Problem, Target};

/// Opens an object, reads it to its end, and commits what came out of it; returns the object as it was found. This is
/// how every object is ingested, local files included.
///
/// An object that is skipped by its key is not opened. `on_chunk` is called with the length of each chunk after it was
/// ingested; its error ends the work.
///
/// # Errors
/// The source or the sink failed, `on_chunk` did, or the object itself is at fault; nothing of it is committed.
pub fn ingest_object(
    request: &ObjectRequest,
    source: &dyn Source,
    target: Target<'_>,
    two_threads: bool,
    mut on_chunk: impl FnMut(usize) -> Result<(), Problem>,
) -> Result<(ObjectRef, Outcome), IngestError> {
    if let Some(skip) = target.options.skip_unread(&request.key) {
        return Ok((request.unidentified(), Outcome::Skipped(skip, Ledger::default())));
    }
    let mut body = source
        .open(request)
        .map_err(|error| Problem::Unreadable(error).of(&request.unidentified()))?;
    let object = body.object().clone();
    let mut ingest = match Ingest::begin(object.clone(), target) {
        Ok(ingest) if two_threads => ingest.on_two_threads(),
        Ok(ingest) => ingest,
        // The object was found under its alternative key.
        Err(skip) => return Ok((object, Outcome::Skipped(skip, Ledger::default()))),
    };
    while let Some(chunk) = body
        .next_chunk()
        .map_err(|error| Problem::Unreadable(error).of(&object))?
    {
        ingest.push(chunk)?;
        on_chunk(chunk.len()).map_err(|problem| problem.of(&object))?;
    }
    let outcome = ingest.finish()?;
    Ok((object, outcome))
}
