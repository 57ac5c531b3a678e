//! Merged delivery in the function: one folder for each request, one request after another.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::config::{Config, MergeConfig};
use crate::deadline::Deadline;
use crate::ingest::{MemberOutcome, MergeOptions, Pool, Problem, Unfinished};
use crate::merge::{Failure, Folder, Looked, Progress, Worker};
use crate::object::KeyFacts;
use crate::storage::{Location, Storage};
use crate::trigger::{FolderRequest, MergeRequest, Merged, TaskError, TaskOutcome};

use super::Limits;
use super::due::Dispatcher;
use super::event::{Event, Observer, Subject, Unknown, report};
use super::folder::BucketFolder;
use super::guard::{Relation, relation};
use super::tally::Tally;

/// A message that was received this often works on one object at a time: an object may have ended the program.
const CAREFUL_RECEIVES: u64 = 3;
/// The maximum time that is reserved for staging and publishing what was read.
const MAX_PUBLISHING: Duration = Duration::from_secs(20);

/// The parts that the requests of one invocation share.
pub(super) struct Merger<'a> {
    pub(super) config: &'a Config,
    pub(super) storage: &'a dyn Storage,
    pub(super) limits: Limits,
    pub(super) deadline: Deadline,
    /// The deadline of sending a folder again, after the work has ended.
    pub(super) send_until: Deadline,
    /// The time of the invocation, in microseconds since 1970.
    pub(super) now: i64,
    pub(super) observer: &'a dyn Observer,
    pub(super) tally: &'a Mutex<Tally>,
    pub(super) unknown: &'a Mutex<Unknown>,
}

impl Merger<'_> {
    /// Processes requests and returns the outcome of each, in order.
    pub(super) fn run(&self, requests: &[&MergeRequest]) -> Vec<TaskOutcome> {
        let pool = Pool {
            threads: 1,
            deadline: self.deadline,
        };
        let reported = |request: &MergeRequest, result: Result<Merged, TaskError>| {
            let outcome = result.map_or_else(TaskOutcome::Failed, TaskOutcome::Merged);
            report(Subject::Merge(request), &outcome, self.observer);
            outcome
        };
        pool.run(
            requests,
            |request| reported(request, self.process(request)),
            |request, unfinished| reported(request, Err(unprocessed(request, unfinished))),
        )
    }

    fn process(&self, request: &MergeRequest) -> Result<Merged, TaskError> {
        let merge = self.config.merge.ok_or(TaskError::ObjectDelivery)?;
        match request {
            MergeRequest::Due { at } => {
                let sent = self.dispatcher(merge)?.run(*at).map_err(TaskError::Storage)?;
                Ok(Merged {
                    sent,
                    ..Merged::default()
                })
            }
            MergeRequest::Folder(request) => self.folder(request, merge),
        }
    }

    fn dispatcher(&self, merge: MergeConfig) -> Result<Dispatcher<'_>, TaskError> {
        let function = &self.config.function;
        Ok(Dispatcher {
            storage: self.storage,
            source: function.source.as_ref().ok_or(TaskError::Setting {
                setting: "SOURCE",
                why: "the folders that are due are looked for below it",
                allowed: "s3://BUCKET/PREFIX",
            })?,
            queue: function.queue.as_ref().ok_or(TaskError::Setting {
                setting: "QUEUE_URL",
                why: "the folders that are due are sent to it",
                allowed: "the URL of the function's queue",
            })?,
            window: merge.window,
            deadline: self.deadline,
        })
    }

    fn folder(&self, request: &FolderRequest, merge: MergeConfig) -> Result<Merged, TaskError> {
        self.guard(&request.folder)?;
        let source = self.storage.source(self.deadline);
        let objects = BucketFolder::new(self, merge, request, source.as_ref());
        let worker = self.worker(merge)?;
        let merged = Mutex::new(Merged::default());
        let progress = |progress: Progress<'_>| {
            if let Progress::Committed { plan, .. } = &progress {
                let mut merged = merged.lock().unwrap_or_else(PoisonError::into_inner);
                merged.plans += 1;
                merged.members += plan.members.len() as u64;
                objects.forget(plan);
            }
            self.note(&request.folder, progress, merge, request.all);
        };
        let careful = request.receives >= CAREFUL_RECEIVES;
        let looked = worker.look(&request.folder, &objects, careful, &progress);
        self.with_tally(|tally| tally.add_unmerged(objects.oldest()));
        let merged = merged.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.conclude(request, merged, looked)
    }

    fn worker(&self, merge: MergeConfig) -> Result<Worker<'_>, TaskError> {
        let store = |location: &Location| self.storage.store(location, self.deadline).map_err(TaskError::Storage);
        let left = self.deadline.remaining().unwrap_or_default();
        let ahead = self.limits.read_ahead();
        Ok(Worker {
            options: &self.config.ingest,
            layout: self
                .config
                .layout()
                .map_or_else(String::new, |layout| layout.fingerprint()),
            events: store(&self.config.destination)?,
            quarantine: store(&self.config.quarantine)?,
            limits: merge.limits,
            reading: MergeOptions {
                deadline: self.deadline.earlier(MAX_PUBLISHING.min(left / 5)),
                readers: ahead.readers,
                prefetch_bytes: ahead.bytes,
            },
            now: self.now,
        })
    }

    /// Returns the result of a look. If only the time was too short, and something was merged, the folder is sent again.
    fn conclude(&self, request: &FolderRequest, merged: Merged, looked: Looked) -> Result<Merged, TaskError> {
        if looked.failures.is_empty() {
            return Ok(merged);
        }
        let only_time = looked.out_of_time && looked.failures.iter().all(|failure| failure.retryable);
        match &self.config.function.queue {
            // Without progress, the number of receives has to grow, until the folder is worked on with care.
            Some(queue) if only_time && merged.plans > 0 => {
                let queue = self.storage.queue(queue, self.send_until).map_err(TaskError::Storage)?;
                queue.send(&[request.message()]).map_err(TaskError::Storage)?;
                Ok(Merged { sent: 1, ..merged })
            }
            _ => Err(TaskError::Folder {
                folder: request.folder.clone(),
                failures: looked.failures,
            }),
        }
    }

    /// Refuses a folder that the function writes to.
    fn guard(&self, folder: &Folder) -> Result<(), TaskError> {
        for place in [&self.config.destination, &self.config.quarantine] {
            match relation(&folder.bucket, &folder.prefix, place) {
                Relation::None => {}
                Relation::Output | Relation::Mixed => {
                    return Err(TaskError::OutputLoop {
                        place: place.to_string(),
                    });
                }
            }
        }
        Ok(())
    }

    /// Counts and reports what a worker does.
    fn note(&self, folder: &Folder, progress: Progress<'_>, merge: MergeConfig, all: bool) {
        match progress {
            Progress::Read(_) => {}
            Progress::Member { object, outcome } => {
                let end = KeyFacts::of(&object.key).end;
                let late =
                    !all && end.is_some_and(|end| self.now - end > micros(merge.grace + merge.window + merge.max_wait));
                if let MemberOutcome::Ingested(ledger) = outcome.as_ref() {
                    let mut unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
                    unknown.add(ledger);
                    if let Some(corruption) = &ledger.corruption {
                        self.observer.observe(&Event::Corrupt { object, corruption });
                    }
                }
                self.with_tally(|tally| tally.add_member(&outcome, end, late));
            }
            Progress::Committed { number, plan } => {
                for (member, reason) in plan.failed() {
                    let key = &member.key;
                    self.observer.observe(&Event::MemberFailed { folder, key, reason });
                }
                self.observer.observe(&Event::Planned { folder, number, plan });
                self.with_tally(|tally| tally.add_plan(plan));
            }
            Progress::Published { plan, written, .. } => self.with_tally(|tally| tally.add_published(plan, written)),
        }
    }

    fn with_tally(&self, change: impl FnOnce(&mut Tally)) {
        change(&mut self.tally.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Returns the error of a request that was not processed to its end.
fn unprocessed(request: &MergeRequest, unfinished: Unfinished) -> TaskError {
    match (unfinished, request) {
        (Unfinished::Expired, _) => TaskError::OutOfTime,
        (Unfinished::Panicked, MergeRequest::Folder(request)) => TaskError::Folder {
            folder: request.folder.clone(),
            failures: vec![Failure::passing(Problem::Panic.to_string())],
        },
        (Unfinished::Panicked, MergeRequest::Due { .. }) => TaskError::Panic,
    }
}

/// Returns a duration in microseconds.
pub(super) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
