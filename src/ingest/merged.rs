//! Several objects into shared outputs: the engine of merged delivery.
//!
//! The rows of a member cannot be taken out of the shared encoders again. If a member fails after some were added,
//! everything staged is discarded and the merge begins again without it. From then on, each member that has not been added
//! before is rehearsed: ingested alone into sinks that discard their bytes. It is added only if that succeeds, so members
//! at fault cost a merge one restart, however many they are, and no member is read more than three times. Only a member
//! that changes or vanishes between its rehearsal and its reading costs a further restart.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::deadline::Deadline;
use crate::object::{ObjectRef, ObjectRequest};
use crate::parse::input::ReadError;
use crate::storage::{Body, ErrorKind, Operation, Source, StorageError};

use super::discard::Discard;
use super::object::{How, ingest_alone, ingest_into};
use super::prefetch::{Fetched, MemberSource, Prefetch, ReadAhead};
use super::staging::{MAX_SHARED, Naming, Staging};
use super::{IngestError, Ledger, Outcome, Problem, Skip, Target};

/// An object to merge, and the source that opens it.
///
/// If the request has an etag, the member is the object with this etag. If it was overwritten, the member fails.
#[derive(Clone, Copy)]
pub struct Member<'a> {
    /// The object.
    pub request: &'a ObjectRequest,
    /// Its source.
    pub source: &'a dyn Source,
}

/// The outcome of a member.
#[derive(Debug)]
pub enum MemberOutcome {
    /// Its rows are in the outputs. Its ledger balances; it names no outputs, which are those of all members.
    Ingested(Ledger),
    /// It has no rows.
    Skipped(Skip, Ledger),
    /// It cannot be read, and will not be readable later. It contributes no row.
    Failed(IngestError),
    /// It cannot be read now: throttled, denied, archived, damaged in transit; or the outputs of the merge leave no room
    /// for it. It contributes no row, and a later merge can take it.
    LeftOut(IngestError),
}

impl MemberOutcome {
    /// Returns the outcome as that of an object that was ingested alone.
    pub fn into_result(self) -> Result<Outcome, IngestError> {
        match self {
            Self::Ingested(ledger) => Ok(Outcome::Ingested(ledger)),
            Self::Skipped(skip, ledger) => Ok(Outcome::Skipped(skip, ledger)),
            Self::Failed(error) | Self::LeftOut(error) => Err(error),
        }
    }
}

/// How a merge is carried out. The outputs do not depend on it.
#[derive(Debug, Clone, Copy)]
pub struct MergeOptions {
    /// The deadline. After it, the merge fails.
    pub deadline: Deadline,
    /// The number of threads that read small members ahead.
    pub readers: usize,
    /// The maximum number of bytes of members that were read ahead. Members of up to an eighth of it, and up to 1 MiB, are
    /// small; larger ones, and those of unknown size, are read while they are ingested.
    pub prefetch_bytes: usize,
}

/// Ingests objects into shared outputs, and commits each output once: events first, with the counts of all members.
///
/// The rows are those of [`ingest_object`](super::ingest_object), in the order of the members. There is one output per table
/// and partition, and one of the quarantine per table and day of delivery. Each has the name `merged`; the sink
/// chooses the final one. The members share at most 100 partitions: one that would open more, and is not the first to open
/// any, is [left out](MemberOutcome::LeftOut).
///
/// Returns each member as it was found, with its outcome, in the order of the members. `on_chunk` is called with the length
/// of each chunk that was ingested, which may be more than once.
///
/// # Errors
/// A destination failed, or the deadline passed. Unless outputs were being committed, none is visible.
pub fn merge_objects(
    members: &[Member<'_>],
    target: Target<'_>,
    options: &MergeOptions,
    on_chunk: &(dyn Fn(usize) + Sync),
) -> Result<Vec<(ObjectRef, MemberOutcome)>, Problem> {
    let mut merge = Merge {
        members,
        target,
        options,
        on_chunk,
        states: members.iter().map(|member| State::of(member, target)).collect(),
        rehearses: false,
    };
    loop {
        if let Some(staging) = merge.pass()? {
            return merge.commit(staging);
        }
        merge.rehearses = true;
    }
}

struct Merge<'a> {
    members: &'a [Member<'a>],
    target: Target<'a>,
    options: &'a MergeOptions,
    on_chunk: &'a (dyn Fn(usize) + Sync),
    states: Vec<State>,
    /// Whether members that have not been added before are rehearsed.
    rehearses: bool,
}

/// What is known of a member.
enum State {
    /// Nothing, except for the fault of its gzip stream.
    Unknown(Option<ReadError>),
    /// It was added, in this pass or an earlier one.
    Added(ObjectRef, Box<Ledger>, Option<ReadError>),
    /// It contributes no row.
    Settled(ObjectRef, Box<MemberOutcome>),
}

impl State {
    fn of(member: &Member<'_>, target: Target<'_>) -> Self {
        match target.options.skip_unread(&member.request.key) {
            Some(skip) => Self::skipped(member.request.unidentified(), skip, Ledger::default()),
            None => Self::Unknown(None),
        }
    }

    fn skipped(object: ObjectRef, skip: Skip, ledger: Ledger) -> Self {
        Self::Settled(object, Box::new(MemberOutcome::Skipped(skip, ledger)))
    }

    fn failed(error: IngestError) -> Self {
        let is_passing = match &*error.problem {
            Problem::Unreadable(error) => !matches!(error.kind, ErrorKind::NotFound | ErrorKind::Overwritten),
            Problem::Unstable | Problem::MergeIsFull { .. } => true,
            _ => false,
        };
        let object = error.object.clone();
        let outcome = if is_passing {
            MemberOutcome::LeftOut(error)
        } else {
            MemberOutcome::Failed(error)
        };
        Self::Settled(object, Box::new(outcome))
    }

    /// Returns the fault that the next reading should expect.
    const fn known(&self) -> Option<ReadError> {
        match self {
            Self::Unknown(known) | Self::Added(_, _, known) => *known,
            Self::Settled(..) => None,
        }
    }
}

impl<'a> Merge<'a> {
    /// Adds every member that is not settled; returns what is staged, or nothing if the merge has to begin again.
    fn pass(&mut self) -> Result<Option<Staging<'a>>, Problem> {
        let states = self.states.iter().enumerate();
        let wanted = states.filter(|(_, state)| !matches!(state, State::Settled(..)));
        let wanted: Vec<_> = wanted.map(|(number, _)| number).collect();
        let (members, options) = (self.members, self.options);
        let ahead = ReadAhead {
            readers: options.readers,
            bytes: options.prefetch_bytes,
        };
        Prefetch::run(members, &wanted, ahead, open, |prefetch| {
            let mut staging = Some(Staging::new(self.target, Naming::Merged));
            for (number, member) in wanted
                .iter()
                .filter_map(|number| Some((*number, members.get(*number)?)))
            {
                if options.deadline.has_passed() {
                    return Err(Problem::OutOfTime);
                }
                let mut taken = prefetch.take(number);
                let whole = match std::mem::take(&mut taken.fetched) {
                    Fetched::Nothing => None,
                    Fetched::Whole(whole) => Some(whole),
                    Fetched::Failed(error) => {
                        let state = self.failed(error)?;
                        self.set(number, state);
                        continue;
                    }
                };
                let source = MemberSource::new(member, whole, open);
                let state = self.add(number, member.request, &source, &mut staging)?;
                self.set(number, state);
                if staging.is_none() {
                    return Ok(None);
                }
            }
            Ok(staging)
        })
    }

    fn set(&mut self, number: usize, state: State) {
        if let Some(slot) = self.states.get_mut(number) {
            *slot = state;
        }
    }

    /// Returns the state of a member that failed, unless its error is one of the merge.
    fn failed(&self, error: IngestError) -> Result<State, Problem> {
        match *error.problem {
            Problem::OutOfTime | Problem::Encode(_) | Problem::Destination(_) | Problem::OutputOfAnother { .. } => {
                Err(*error.problem)
            }
            ref problem if problem.is_retryable() && self.options.deadline.has_passed() => Err(Problem::OutOfTime),
            _ => Ok(State::failed(error)),
        }
    }

    /// Adds a member to what is staged, which is `None` afterwards if it has rows of a member that failed. Returns the
    /// state of the member.
    fn add(
        &self,
        number: usize,
        request: &ObjectRequest,
        source: &MemberSource<'_>,
        staging: &mut Option<Staging<'a>>,
    ) -> Result<State, Problem> {
        let before = self.states.get(number);
        let mut known = before.and_then(State::known);
        let is_new = !matches!(before, Some(State::Added(..)));
        if is_new
            && self.rehearses
            && let Some(state) = self.rehearse(request, source, staging.as_ref(), &mut known)?
        {
            return Ok(state);
        }
        let on_chunk = &mut |len| (self.on_chunk)(len);
        let added = catch_unwind(AssertUnwindSafe(|| {
            ingest_into(request, source, staging, self.how(), &mut known, on_chunk)
        }));
        let error = match added.unwrap_or_else(|_| Err(Problem::Panic.of(&request.unidentified()))) {
            Ok((object, Outcome::Ingested(ledger))) => return Ok(State::Added(object, Box::new(ledger), known)),
            Ok((object, Outcome::Skipped(skip, ledger))) => return Ok(State::skipped(object, skip, ledger)),
            Err(error) => error,
        };
        let is_full = matches!(*error.problem, Problem::TooManyPartitions { .. });
        if staging.as_ref().is_none_or(Staging::is_touched) {
            *staging = None;
            // A rehearsal shows whether the member itself is at fault, and salvages its lines.
            let is_salvageable = matches!(*error.problem, Problem::Read(fault) if known == Some(fault));
            let is_open = is_full || is_salvageable || matches!(*error.problem, Problem::Unstable);
            if is_open && !(is_new && self.rehearses) {
                return Ok(State::Unknown(known));
            }
        } else if is_full {
            let refused = self.rehearse(request, source, staging.as_ref(), &mut known)?;
            return Ok(refused.unwrap_or_else(|| left_out(&error.object)));
        }
        self.failed(error)
    }

    /// Ingests a member alone, into sinks that discard its rows. Returns its state if it must not be added.
    fn rehearse(
        &self,
        request: &ObjectRequest,
        source: &MemberSource<'_>,
        staging: Option<&Staging<'_>>,
        known: &mut Option<ReadError>,
    ) -> Result<Option<State>, Problem> {
        let (events, quarantine) = (Discard::like(self.target.events), Discard::like(self.target.quarantine));
        let target = Target {
            options: self.target.options,
            events: &events,
            quarantine: &quarantine,
        };
        let on_chunk = &mut |len| (self.on_chunk)(len);
        source.begin_again();
        let ingested = catch_unwind(AssertUnwindSafe(|| {
            let to = (target, Naming::Merged);
            ingest_alone(request, source, to, self.how(), known, on_chunk)
        }));
        source.begin_again();
        match ingested.unwrap_or_else(|_| Err(Problem::Panic.of(&request.unidentified()))) {
            Ok((object, Outcome::Ingested(_))) => {
                let fits = |staging: &Staging<'_>| staging.fits(&events.keys(), &quarantine.keys());
                Ok((!staging.is_some_and(fits)).then(|| left_out(&object)))
            }
            Ok((object, Outcome::Skipped(skip, ledger))) => Ok(Some(State::skipped(object, skip, ledger))),
            Err(error) => self.failed(error).map(Some),
        }
    }

    const fn how(&self) -> How {
        How {
            two_threads: self.options.readers > 0,
            deadline: self.options.deadline,
        }
    }

    fn commit(self, mut staging: Staging<'_>) -> Result<Vec<(ObjectRef, MemberOutcome)>, Problem> {
        if self.options.deadline.has_passed() {
            return Err(Problem::OutOfTime);
        }
        let mut sum = Ledger::default();
        let outcomes = self.members.iter().zip(self.states).map(|(member, state)| match state {
            State::Added(object, ledger, _) => {
                sum.add(&ledger.counts());
                (object, MemberOutcome::Ingested(*ledger))
            }
            State::Settled(object, outcome) => (object, *outcome),
            // A pass that was finished leaves none.
            State::Unknown(_) => {
                let error = Problem::Unstable.of(&member.request.unidentified());
                (error.object.clone(), MemberOutcome::LeftOut(error))
            }
        });
        let outcomes = outcomes.collect();
        sum.check()?;
        staging.commit(None, &mut sum)?;
        Ok(outcomes)
    }
}

/// Opens a member. If it was requested with an etag, it must still have it.
fn open(member: &Member<'_>) -> Result<Box<dyn Body>, StorageError> {
    let Member { request, source } = member;
    let body = source.open(request)?;
    match &request.etag {
        Some(etag) if *etag != body.object().version => Err(StorageError::new(
            Operation::Read,
            body.object().to_string(),
            ErrorKind::Overwritten,
            "the object was overwritten since it was listed; the next listing has it with its new etag",
        )),
        _ => Ok(body),
    }
}

/// Returns the state of a member that finds no room in the outputs.
fn left_out(object: &ObjectRef) -> State {
    let limit = MAX_SHARED;
    State::failed(Problem::MergeIsFull { limit }.of(object))
}
