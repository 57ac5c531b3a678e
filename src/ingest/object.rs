//! One object from its request to its outcome.

use crate::deadline::Deadline;
use crate::object::{ObjectRef, ObjectRequest};
use crate::parse::input::ReadError;
use crate::storage::{Body, Source};

use super::consumer::Consumer;
use super::discard::Discard;
use super::staging::{Naming, Staging};
use super::{Ingest, IngestError, Ledger, OnCorrupt, Options, Outcome, Problem, Target};

/// How often an object with a gzip fault is read. A second reading confirms the fault and salvages the lines; more are
/// needed only if the bytes were damaged in transit.
const MAX_READINGS: u32 = 4;

/// Opens an object, reads it to its end, and commits what came out of it; returns the object as it was found. This is
/// how every object is ingested, local files included.
///
/// A gzip fault in bytes that are not [verified](crate::storage::Body::is_verified), or one whose lines are salvaged, is
/// read again from the beginning. An object that is skipped by its key is not opened. `on_chunk` is called with the length of each chunk after it
/// was ingested.
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
    let how = How { two_threads, deadline };
    let naming = Naming::OfObject;
    ingest_alone(request, source, (target, naming), how, &mut None, &mut on_chunk)
}

/// Reads an object as [`ingest_object`] does, but hands its events to a consumer, and writes nothing: malformed lines are only
/// counted. If the object fails, the consumer may have taken some of its events.
///
/// # Errors
/// The source failed, the deadline passed, or the object itself is at fault.
pub fn consume_object(
    request: &ObjectRequest,
    source: &dyn Source,
    (options, consumer): (&Options, &mut dyn Consumer),
    (two_threads, deadline): (bool, Deadline),
    mut on_chunk: impl FnMut(usize),
) -> Result<(ObjectRef, Outcome), IngestError> {
    if let Some(skip) = options.skip_unread(&request.key) {
        return Ok((request.unidentified(), Outcome::Skipped(skip, Ledger::default())));
    }
    let how = How { two_threads, deadline };
    let nowhere = Discard::default();
    let target = Target {
        options,
        events: &nowhere,
        quarantine: &nowhere,
    };
    repeat(request, options, &mut None, |known| {
        read(request, source, options, |body| {
            let staging = Staging::consuming(target, consumer);
            let mut ingest = begin(body.object(), staging, how, known);
            read_body(body, &mut ingest, &mut on_chunk)?;
            ingest.end()
        })
    })
}

/// Like [`ingest_object`], with outputs of other names. `known` is the fault to expect; it becomes the one that was found.
pub(super) fn ingest_alone(
    request: &ObjectRequest,
    source: &dyn Source,
    (target, naming): (Target<'_>, Naming),
    how: How,
    known: &mut Option<ReadError>,
    on_chunk: &mut dyn FnMut(usize),
) -> Result<(ObjectRef, Outcome), IngestError> {
    repeat(request, target.options, known, |known| {
        read(request, source, target.options, |body| {
            let mut ingest = begin(body.object(), Staging::new(target, naming), how, known);
            read_body(body, &mut ingest, on_chunk)?;
            ingest.finish()
        })
    })
}

/// Like [`ingest_alone`], but adds the events and malformed lines to what is staged, and commits nothing.
///
/// If the object fails and the staging is [touched](Staging::is_touched), the staging must be dropped. It is `None` after a
/// panic.
pub(super) fn ingest_into(
    request: &ObjectRequest,
    source: &dyn Source,
    staging: &mut Option<Staging<'_>>,
    how: How,
    known: &mut Option<ReadError>,
    on_chunk: &mut dyn FnMut(usize),
) -> Result<(ObjectRef, Outcome), IngestError> {
    let lost = || Problem::Panic.of(&request.unidentified());
    let options = staging.as_ref().ok_or_else(lost)?.target.options;
    repeat(request, options, known, |known| {
        let mut reading = read(request, source, options, |body| {
            let mut ingest = begin(body.object(), staging.take().ok_or_else(lost)?, how, known);
            let read = read_body(body, &mut ingest, on_chunk);
            let ended = read.and_then(|()| ingest.end());
            *staging = Some(ingest.into_staging());
            ended
        });
        reading.is_last = staging.as_ref().is_none_or(Staging::is_touched);
        reading
    })
}

/// How an object is read.
#[derive(Clone, Copy)]
pub(super) struct How {
    pub(super) two_threads: bool,
    pub(super) deadline: Deadline,
}

/// The result of reading an object once.
struct Reading {
    result: Result<(ObjectRef, Outcome), IngestError>,
    /// Whether the object was opened.
    is_open: bool,
    /// Whether the bytes are known to be those at rest.
    verified: bool,
    /// Whether another reading must not follow, because what is staged has rows of this one.
    is_last: bool,
}

/// Reads an object until its bytes are known to be those at rest, or their fault is.
fn repeat(
    request: &ObjectRequest,
    options: &Options,
    known: &mut Option<ReadError>,
    mut read: impl FnMut(Option<ReadError>) -> Reading,
) -> Result<(ObjectRef, Outcome), IngestError> {
    let salvages = options.on_corrupt == OnCorrupt::Salvage;
    for _ in 0..MAX_READINGS {
        let reading = read(*known);
        let error = match reading.result {
            Err(error) if reading.is_open => error,
            result => return result,
        };
        *known = match *error.problem {
            Problem::Read(fault) if fault.is_of_gzip() && *known != Some(fault) && (salvages || !reading.verified) => {
                if error.object.version.is_empty() {
                    return Err(Problem::ReadOnce(fault).of(&error.object));
                }
                Some(fault)
            }
            Problem::Unstable => None,
            _ => return Err(error),
        };
        if reading.is_last {
            return Err(error);
        }
    }
    Err(Problem::Unstable.of(&request.unidentified()))
}

/// Reads an object once, from its beginning.
fn read(
    request: &ObjectRequest,
    source: &dyn Source,
    options: &Options,
    ingest: impl FnOnce(&mut dyn Body) -> Result<Outcome, IngestError>,
) -> Reading {
    let mut body = match source.open(request) {
        Ok(body) => body,
        Err(error) => {
            return Reading {
                result: Err(Problem::Unreadable(error).of(&request.unidentified())),
                is_open: false,
                verified: false,
                is_last: false,
            };
        }
    };
    let object = body.object().clone();
    let result = match options.skip_unread(&object.key) {
        // The object was found under its alternative key.
        Some(skip) => Ok(Outcome::Skipped(skip, Ledger::default())),
        None => ingest(body.as_mut()),
    };
    Reading {
        result: result.map(|outcome| (object, outcome)),
        is_open: true,
        verified: body.is_verified(),
        is_last: false,
    }
}

fn begin<'a>(object: &ObjectRef, staging: Staging<'a>, how: How, known: Option<ReadError>) -> Ingest<'a> {
    let mut ingest = Ingest::into(staging, object.clone()).until(how.deadline);
    if how.two_threads {
        ingest = ingest.on_two_threads();
    }
    if let Some(fault) = known {
        ingest = ingest.expecting(fault);
    }
    ingest
}

/// Ingests the bytes of an object, but does not end it.
fn read_body(body: &mut dyn Body, ingest: &mut Ingest<'_>, on_chunk: &mut dyn FnMut(usize)) -> Result<(), IngestError> {
    let unreadable = |error, ingest: &Ingest<'_>| Problem::Unreadable(error).of(ingest.object());
    while let Some(chunk) = body.next_chunk().map_err(|error| unreadable(error, ingest))? {
        ingest.push(chunk)?;
        on_chunk(chunk.len());
    }
    if !body.is_verified() {
        ingest.distrust();
    }
    Ok(())
}
