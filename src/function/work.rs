//! The objects of an invocation, side by side.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::config::{Config, OnMissing};
use crate::deadline::Deadline;
use crate::ingest::{IngestError, Ledger, Outcome, Problem, Skip, Target, ingest_object};
use crate::object::{ObjectRef, ObjectRequest};
use crate::storage::{ErrorKind, Location, Operation, Sink, Source, StorageError};
use crate::trigger::{Request, Task, TaskResult, Work};

use super::guard::{Relation, relation};
use super::note::{Counts, Note, Watch};

/// What the objects of an invocation share.
#[derive(Clone, Copy)]
pub(super) struct Shift<'a> {
    pub(super) config: &'a Config,
    pub(super) source: &'a dyn Source,
    pub(super) events: &'a dyn Sink,
    pub(super) quarantine: &'a dyn Sink,
    pub(super) deadline: Deadline,
    pub(super) watch: &'a dyn Watch,
    /// Whether each object is decompressed beside the rest of its work.
    pub(super) two_threads: bool,
}

/// What became of a task.
#[derive(Debug, Clone)]
pub(super) enum Done {
    /// The object was read to its end.
    Outcome(ObjectRef, Box<Outcome>),
    /// The object is not there any more, which the settings take for nothing.
    Gone,
    /// The object is one of the function's own outputs.
    OwnOutput,
    /// The object failed.
    Failed {
        /// Why, and what to do.
        why: String,
        /// Whether trying again can help.
        retryable: bool,
        /// Whether the object is no log at all, as far as can be seen.
        no_log: bool,
        /// Whether the counts did not balance.
        imbalance: bool,
    },
    /// The task needed no work.
    Settled {
        /// Whether it could not be understood.
        failed: bool,
    },
    /// The object is worked on by an earlier task of the same invocation.
    Duplicate(Box<Self>),
}

impl Shift<'_> {
    /// Works on every task; what became of each, in their order.
    pub(super) fn work(mut self, request: &Request, workers: usize, processors: usize) -> Vec<Done> {
        let objects: Vec<(usize, &ObjectRequest)> = request
            .tasks
            .iter()
            .enumerate()
            .filter_map(|(number, task)| match &task.work {
                Work::Object(object) if task.duplicate_of.is_none() => Some((number, object)),
                _ => None,
            })
            .collect();
        let workers = workers.min(objects.len());
        self.two_threads = processors > 1 && workers < processors;
        let next = AtomicUsize::new(0);
        let results: Mutex<Vec<Option<Done>>> = Mutex::new(vec![None; request.tasks.len()]);
        let work = || {
            while let Some((number, object)) = objects.get(next.fetch_add(1, Ordering::Relaxed)) {
                let done = self.object(object);
                let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(slot) = results.get_mut(*number) {
                    *slot = Some(done);
                }
            }
        };
        thread::scope(|scope| {
            let spawned: Vec<_> = (1..workers)
                .map_while(|_| thread::Builder::new().spawn_scoped(scope, work).ok())
                .collect();
            work();
            for worker in spawned {
                // A worker that panics outside of an object leaves its slot empty, which is a failure below.
                let _ = worker.join();
            }
        });
        let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        for (number, task) in request.tasks.iter().enumerate() {
            let done = match (&task.work, task.duplicate_of) {
                (Work::Object(_), Some(first)) => {
                    let first = results.get(first).cloned().flatten();
                    Done::Duplicate(Box::new(first.unwrap_or_else(Done::silent)))
                }
                (Work::Object(_), None) => continue,
                (Work::Skipped(_) | Work::Refused(_), _) => {
                    self.note_settled(task);
                    Done::Settled {
                        failed: matches!(task.work, Work::Refused(_)),
                    }
                }
            };
            if let Some(slot) = results.get_mut(number) {
                *slot = Some(done);
            }
        }
        results
            .into_iter()
            .map(|done| done.unwrap_or_else(Done::silent))
            .collect()
    }

    /// Works on one object, and says what became of it.
    fn object(&self, object: &ObjectRequest) -> Done {
        // A panic is a defect, but costs no more than its object: nothing of it is committed.
        let done = catch_unwind(AssertUnwindSafe(|| self.ingest(object))).unwrap_or_else(|_| Done::silent());
        self.note(object, &done);
        done
    }

    fn ingest(&self, object: &ObjectRequest) -> Done {
        let empty = object.size == Some(0);
        if let Some(skip) = self
            .config
            .ingest
            .skip_unread(&object.key)
            .or_else(|| empty.then_some(Skip::Empty))
        {
            let unread = object.identity(&object.key, object.etag.as_deref().unwrap_or_default());
            return Done::Outcome(unread, Box::new(Outcome::Skipped(skip, Ledger::default())));
        }
        for place in [&self.config.destination, &self.config.quarantine] {
            match relation(&object.bucket, &object.key, place) {
                Relation::None => {}
                Relation::Output => return Done::OwnOutput,
                Relation::Mixed => return Done::refused(mixed(place)),
            }
        }
        match self.read(object) {
            Ok((found, outcome)) => Done::Outcome(found, Box::new(outcome)),
            Err(error) => {
                let missing =
                    matches!(&*error.problem, Problem::Unreadable(error) if error.kind == ErrorKind::NotFound);
                if missing && self.config.function.on_missing == OnMissing::Skip {
                    return Done::Gone;
                }
                Done::Failed {
                    why: error.problem.to_string(),
                    retryable: error.problem.is_retryable(),
                    no_log: error.problem.is_no_log(),
                    imbalance: matches!(&*error.problem, Problem::Imbalance { .. }),
                }
            }
        }
    }

    fn read(&self, request: &ObjectRequest) -> Result<(ObjectRef, Outcome), IngestError> {
        let unidentified = request.unidentified();
        self.check_time(&unidentified)
            .map_err(|error| Problem::Unreadable(error).of(&unidentified))?;
        let target = Target {
            options: &self.config.ingest,
            events: self.events,
            quarantine: self.quarantine,
        };
        ingest_object(request, self.source, target, self.two_threads, |_| {
            self.check_time(&unidentified)
        })
    }

    /// Fails before the deadline, while there is time to report it.
    fn check_time(&self, object: &ObjectRef) -> Result<(), StorageError> {
        if !self.deadline.has_passed() {
            return Ok(());
        }
        let message = "no time was left, and it is not acknowledged: give the function more time or memory, or fewer messages per batch";
        Err(StorageError::new(
            Operation::Read,
            object.to_string(),
            ErrorKind::Unavailable,
            message,
        ))
    }

    fn note(&self, object: &ObjectRequest, done: &Done) {
        let what = || format!("{}/{}", object.bucket, object.key.escape_debug());
        match done {
            Done::Outcome(object, outcome) => match &**outcome {
                Outcome::Ingested(ledger) => {
                    self.watch.note(&Note::Ingested { object, ledger });
                    if let Some(corruption) = &ledger.corruption {
                        self.watch.note(&Note::Corrupt {
                            object,
                            fault: corruption.fault.to_string(),
                        });
                    }
                }
                Outcome::Skipped(skip, _) => self.watch.note(&Note::Skipped {
                    what: what(),
                    why: skip.text(),
                }),
            },
            Done::Gone | Done::OwnOutput | Done::Settled { .. } | Done::Duplicate(_) => {
                self.watch.note(&Note::Skipped {
                    what: what(),
                    why: done.why_nothing(),
                });
            }
            Done::Failed { why, retryable, .. } => self.watch.note(&Note::Failed {
                what: what(),
                why,
                retryable: *retryable,
            }),
        }
    }

    fn note_settled(&self, task: &Task) {
        let what = if task.origin.is_empty() {
            "the payload".to_owned()
        } else {
            task.origin.clone()
        };
        match task.settled() {
            Some(TaskResult::Skipped { why }) => self.watch.note(&Note::Skipped { what, why: &why }),
            Some(TaskResult::Failed { text, retryable }) => self.watch.note(&Note::Failed {
                what,
                why: &text,
                retryable,
            }),
            Some(TaskResult::Done { .. }) | None => {}
        }
    }
}

impl Done {
    /// A worker that ended without a word: a failure, never an end.
    fn silent() -> Self {
        Self::Failed {
            why: "the program failed on this object; nothing was committed, please report this".to_owned(),
            retryable: true,
            no_log: false,
            imbalance: false,
        }
    }

    const fn refused(why: String) -> Self {
        Self::Failed {
            why,
            retryable: false,
            no_log: false,
            imbalance: false,
        }
    }

    const fn why_nothing(&self) -> &'static str {
        match self {
            Self::Gone => "not there any more",
            Self::OwnOutput => "an output of this function",
            _ => "nothing to do",
        }
    }

    /// What the one who asked is told. For a job over whole buckets, objects that are no logs are no failures: half of
    /// them would end the job.
    pub(super) fn result(&self, task: &Task, whole_buckets: bool) -> TaskResult {
        match self {
            Self::Outcome(_, outcome) => match &**outcome {
                Outcome::Ingested(ledger) => TaskResult::Done {
                    text: Counts(ledger).to_string(),
                },
                Outcome::Skipped(skip, _) => TaskResult::Skipped {
                    why: skip.text().to_owned(),
                },
            },
            Self::Gone | Self::OwnOutput => TaskResult::Skipped {
                why: self.why_nothing().to_owned(),
            },
            Self::Failed { why, no_log: true, .. } if whole_buckets => TaskResult::Skipped { why: why.clone() },
            Self::Failed { why, retryable, .. } => TaskResult::Failed {
                retryable: *retryable,
                text: why.clone(),
            },
            Self::Duplicate(first) => first.result(task, whole_buckets),
            Self::Settled { .. } => task.settled().unwrap_or_else(|| TaskResult::Failed {
                retryable: true,
                text: "no result".to_owned(),
            }),
        }
    }
}

fn mixed(place: &Location) -> String {
    format!(
        "it lies where outputs go, or outputs go where logs lie ({place}): the function would be fed with its own output; set DESTINATION or QUARANTINE to another bucket, or to a prefix apart from the logs"
    )
}
