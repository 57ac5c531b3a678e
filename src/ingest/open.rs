//! Ingests an object that a source has opened.

use crate::object::ObjectRef;
use crate::source::Body;

use super::{Ingest, IngestError, Ledger, Outcome, Problem, Target};

/// Ingests an open object and returns it as it was found. `piece` receives the length of each piece that was read, and can
/// stop the work.
///
/// # Errors
/// The source, the destination or the object itself failed; nothing of it is committed then.
pub fn ingest_open(
    mut body: Box<dyn Body>,
    target: Target<'_>,
    two_threads: bool,
    mut piece: impl FnMut(usize) -> Result<(), Problem>,
) -> Result<(ObjectRef, Outcome), IngestError> {
    let object = body.object().clone();
    let mut ingest = match Ingest::begin(object.clone(), target) {
        Ok(ingest) if two_threads => ingest.on_two_threads(),
        Ok(ingest) => ingest,
        Err(skip) => return Ok((object, Outcome::Skipped(skip, Ledger::default()))),
    };
    while let Some(chunk) = body
        .next_chunk()
        .map_err(|error| Problem::Unreadable(error).of(&object))?
    {
        ingest.push(chunk)?;
        piece(chunk.len()).map_err(|problem| problem.of(&object))?;
    }
    let outcome = ingest.finish()?;
    Ok((object, outcome))
}
