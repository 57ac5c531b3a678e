//! One object from its request to its outcome.

use crate::deadline::Deadline;
use crate::object::{ObjectRef, ObjectRequest};
use crate::parse::input::ReadError;
use crate::storage::{Body, Source};

use super::{Ingest, IngestError, Ledger, OnCorrupt, Outcome, Problem, Target};

/// How often an object with a gzip fault is read. A second reading confirms the fault and salvages the lines; more are
/// needed only if the bytes were damaged in transit.
const MAX_READINGS: u32 = 4;

/// Opens an object, reads it to its end, and commits what came out of it; returns the object as it was found. This is
/// how every object is ingested, local files included.
///
/// A gzip fault in bytes that are not [verified](crate::storage::Body::is_verified), or one whose lines are salvaged, is
/// read again from the beginning. An object that is skipped by its key is not opened. `on_chunk` is called with the length of each chunk after it was
/// ingested.
///
/// # Errors
/// The source or the sink failed, the deadline passed, or the object itself is at fault; nothing of it is committed.
pub fn ingest_object(
    request: &ObjectRequest,
    source: &dyn Source,
    target: Target<'_>,
    (two_threads, deadline): (bool, Deadline),
    mut on_chunk: impl FnMut(usize),
) -> Result<(ObjectRef, Outcome), IngestError> {
    if let Some(skip) = target.options.skip_unread(&request.key) {
        return Ok((request.unidentified(), Outcome::Skipped(skip, Ledger::default())));
    }
    let salvages = target.options.on_corrupt == OnCorrupt::Salvage;
    let mut known = None;
    for _ in 0..MAX_READINGS {
        let how = How {
            two_threads,
            deadline,
            known,
        };
        let reading = read(request, source, target, how, &mut on_chunk);
        let error = match reading.result {
            Err(error) if reading.is_open => error,
            result => return result,
        };
        known = match *error.problem {
            Problem::Read(fault) if fault.is_of_gzip() && known != Some(fault) && (salvages || !reading.verified) => {
                if error.object.version.is_empty() {
                    return Err(Problem::ReadOnce(fault).of(&error.object));
                }
                Some(fault)
            }
            Problem::Unstable => None,
            _ => return Err(error),
        };
    }
    Err(Problem::Unstable.of(&request.unidentified()))
}

/// How an object is read.
#[derive(Clone, Copy)]
struct How {
    two_threads: bool,
    deadline: Deadline,
    known: Option<ReadError>,
}

/// The result of reading an object once.
struct Reading {
    result: Result<(ObjectRef, Outcome), IngestError>,
    /// Whether the object was opened.
    is_open: bool,
    /// Whether the bytes are known to be those at rest.
    verified: bool,
}

/// Reads an object once, from its beginning.
fn read(
    request: &ObjectRequest,
    source: &dyn Source,
    target: Target<'_>,
    how: How,
    on_chunk: &mut impl FnMut(usize),
) -> Reading {
    match source.open(request) {
        Ok(mut body) => Reading {
            result: read_body(body.as_mut(), target, how, on_chunk),
            is_open: true,
            verified: body.is_verified(),
        },
        Err(error) => Reading {
            result: Err(Problem::Unreadable(error).of(&request.unidentified())),
            is_open: false,
            verified: false,
        },
    }
}

fn read_body(
    body: &mut dyn Body,
    target: Target<'_>,
    how: How,
    on_chunk: &mut impl FnMut(usize),
) -> Result<(ObjectRef, Outcome), IngestError> {
    let object = body.object().clone();
    let mut ingest = match Ingest::begin(object.clone(), target) {
        Ok(ingest) => ingest.until(how.deadline),
        // The object was found under its alternative key.
        Err(skip) => return Ok((object, Outcome::Skipped(skip, Ledger::default()))),
    };
    if how.two_threads {
        ingest = ingest.on_two_threads();
    }
    if let Some(fault) = how.known {
        ingest = ingest.expecting(fault);
    }
    while let Some(chunk) = body
        .next_chunk()
        .map_err(|error| Problem::Unreadable(error).of(&object))?
    {
        ingest.push(chunk)?;
        on_chunk(chunk.len());
    }
    if !body.is_verified() {
        ingest.distrust();
    }
    let outcome = ingest.finish()?;
    Ok((object, outcome))
}
