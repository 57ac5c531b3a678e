//! The objects of one invocation, ingested in parallel.

use crate::config::{Config, OnMissing};
use crate::deadline::Deadline;
use crate::ingest::{
    Ahead, IngestError, Ledger, Member, Outcome, Pool, Problem, ReadAhead, Skip, Target, Unfinished, read_ahead,
};
use crate::object::{ObjectRef, ObjectRequest};
use crate::storage::{Sink, Source};
use crate::trigger::{SkipReason, TaskError, TaskOutcome};

use super::event::{Observer, Subject, report};
use super::guard::{Relation, relation};

/// The parts that the objects of one invocation share.
#[derive(Clone, Copy)]
pub(super) struct BatchWorker<'a> {
    pub(super) config: &'a Config,
    pub(super) source: &'a dyn Source,
    pub(super) events: &'a dyn Sink,
    pub(super) quarantine: &'a dyn Sink,
    pub(super) deadline: Deadline,
    pub(super) observer: &'a dyn Observer,
    /// Whether each object is decompressed on a second thread.
    pub(super) two_threads: bool,
}

impl BatchWorker<'_> {
    /// Processes objects on at most `threads` threads and returns the outcome of each, in order. If there are more objects
    /// than threads, small ones are read ahead.
    pub(super) fn run(
        mut self,
        objects: &[&ObjectRequest],
        (threads, processors): (usize, usize),
        ahead: ReadAhead,
    ) -> Vec<TaskOutcome> {
        let threads = threads.min(objects.len());
        self.two_threads = processors > 1 && threads < processors;
        let pool = Pool {
            threads,
            deadline: self.deadline,
        };
        let reported = |object: &ObjectRequest, outcome: TaskOutcome| {
            report(Subject::Object(object), &outcome, self.observer);
            outcome
        };
        let source = self.source;
        let members: Vec<_> = objects.iter().map(|request| Member { request, source }).collect();
        let jobs: Vec<_> = members.iter().enumerate().collect();
        let reads = |(_, member): &(usize, &Member<'_>)| self.without_reading(member.request).is_none();
        let wanted: Vec<_> = if threads < objects.len() && !self.deadline.has_passed() {
            jobs.iter()
                .filter(|job| reads(job))
                .map(|(number, _)| *number)
                .collect()
        } else {
            Vec::new()
        };
        read_ahead(&members, &wanted, ahead, |ahead| {
            pool.run(
                &jobs,
                |job| reported(job.1.request, self.process(*job, ahead)),
                |(_, member), unfinished| reported(member.request, self.unfinished(member.request, unfinished)),
            )
        })
    }

    fn process<'a>(&self, job: (usize, &'a Member<'a>), ahead: &Ahead<'_, 'a>) -> TaskOutcome {
        if let Some(outcome) = self.without_reading(job.1.request) {
            return outcome;
        }
        match self.ingest(job, ahead) {
            Ok((object, Outcome::Ingested(ledger))) => TaskOutcome::Ingested {
                object,
                ledger: Box::new(ledger),
            },
            Ok((_, Outcome::Skipped(skip, ledger))) => skipped(skip, ledger),
            Err(error) if error.problem.is_missing() && self.config.function.on_missing == OnMissing::Skip => {
                TaskOutcome::Skipped(SkipReason::Missing)
            }
            Err(error) => TaskOutcome::Failed(TaskError::Object(error)),
        }
    }

    /// Returns the outcome of an object that the pool did not process.
    fn unfinished(&self, object: &ObjectRequest, unfinished: Unfinished) -> TaskOutcome {
        let problem = match unfinished {
            Unfinished::Panicked => Problem::Panic,
            Unfinished::Expired => match self.without_reading(object) {
                Some(outcome) => return outcome,
                None => Problem::OutOfTime,
            },
        };
        TaskOutcome::Failed(TaskError::Object(problem.of(&object.unidentified())))
    }

    /// Returns the outcome of an object that must not be read.
    pub(super) fn without_reading(&self, object: &ObjectRequest) -> Option<TaskOutcome> {
        if self.config.merge.is_some() {
            return Some(TaskOutcome::Failed(TaskError::MergedDelivery));
        }
        let unread = self.config.ingest.skip_unread(&object.key);
        let empty = object.size == Some(0);
        if let Some(skip) = unread.or_else(|| empty.then_some(Skip::Empty)) {
            return Some(skipped(skip, Ledger::default()));
        }
        [&self.config.destination, &self.config.quarantine]
            .into_iter()
            .find_map(|place| match relation(&object.bucket, &object.key, place) {
                Relation::None => None,
                Relation::Output => Some(TaskOutcome::Skipped(SkipReason::OwnOutput)),
                Relation::Mixed => Some(TaskOutcome::Failed(TaskError::OutputLoop {
                    place: place.to_string(),
                })),
            })
    }

    fn ingest<'a>(
        &self,
        job: (usize, &'a Member<'a>),
        ahead: &Ahead<'_, 'a>,
    ) -> Result<(ObjectRef, Outcome), IngestError> {
        let target = Target {
            options: &self.config.ingest,
            events: self.events,
            quarantine: self.quarantine,
        };
        // The margin before the function's own deadline leaves time to report this.
        ahead.ingest(job, target, (self.two_threads, self.deadline))
    }
}

fn skipped(skip: Skip, ledger: Ledger) -> TaskOutcome {
    TaskOutcome::Skipped(SkipReason::Object {
        skip,
        ledger: Box::new(ledger),
    })
}
