//! A worker: performs the requests of a look on storage.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::ingest::{self, Member, MemberOutcome, MergeOptions, Problem, Target, merge_objects};
use crate::object::{Identity, KeyFacts, ObjectRef, hex};
use crate::parse::line::time::write_timestamp;
use crate::storage::{Creation, Publication, Source, StagedName, StorageError, Store};

use super::plan::{Balance, Fate, File, Place, Plan};
use super::staging::StagingSink;
use super::{Answer, BatchLimits, Candidate, Failure, Folder, Ingested, Look, Reading, Request, log};

/// How often a plan whose creation has an unknown result is created again.
const MAX_UNKNOWN: u32 = 5;
/// The time in microseconds after which an object that cannot be read fails.
const MAX_LEFT_OUT: i64 = 24 * 3_600 * 1_000_000;
/// The name that the engine gives merged outputs, before its extension.
const STEM: &str = "merged";

/// The objects of a folder.
pub trait FolderObjects {
    /// Lists the objects that are ready to be merged and not planned, sorted; and whether there are more.
    ///
    /// # Errors
    /// The folder cannot be listed.
    fn list(&self, is_planned: &dyn Fn(&Identity) -> bool) -> Result<(Vec<Candidate>, bool), StorageError>;

    /// Returns the source that opens an object of the folder.
    fn source(&self, key: &str) -> &dyn Source;
}

/// What a worker needs for any number of folders.
pub struct Worker<'a> {
    /// The options of the engine.
    pub options: &'a ingest::Options,
    /// The fingerprint of the destination's layout.
    pub layout: String,
    /// The destination of events, which has the log.
    pub events: Arc<dyn Store>,
    /// The destination of malformed lines.
    pub quarantine: Arc<dyn Store>,
    /// The limits of a batch.
    pub limits: BatchLimits,
    /// How members are read, and the deadline after which no batch begins.
    pub reading: MergeOptions,
    /// The time of the look, in microseconds since 1970.
    pub now: i64,
}

/// What a worker reports while it works.
#[derive(Debug)]
pub enum Progress<'a> {
    /// A member of a plan that is committed.
    Member {
        /// The object.
        object: &'a ObjectRef,
        /// What became of it.
        outcome: Box<MemberOutcome>,
    },
    /// A plan is committed.
    Committed {
        /// Its number.
        number: u32,
        /// The plan.
        plan: &'a Plan,
    },
    /// A plan is published.
    Published {
        /// Its number.
        number: u32,
        /// The plan.
        plan: &'a Plan,
        /// The number of its files that were not visible before.
        written: u64,
    },
    /// Bytes of a member were read.
    Read(usize),
}

/// The result of a look at a folder.
#[derive(Debug)]
pub struct Looked {
    /// The failures, in order.
    pub failures: Vec<Failure>,
    /// The number of objects that could not be read for now.
    pub left_out: usize,
    /// The number of objects that are listed and not planned, because the look ended before.
    pub remaining: usize,
    /// Whether the time ended before everything was merged.
    pub out_of_time: bool,
}

/// The contents of a `.done` file.
#[derive(Serialize)]
struct Done<'a> {
    files: usize,
    #[serde(flatten)]
    balance: Balance,
    failed: Vec<FailedMember<'a>>,
}

#[derive(Serialize)]
struct FailedMember<'a> {
    key: &'a str,
    etag: &'a str,
    reason: &'a str,
}

/// The members of a merge, as they were found, each with its outcome.
type Outcomes = Vec<(ObjectRef, MemberOutcome)>;

/// One look of a worker.
struct Work<'a, 'b> {
    worker: &'b Worker<'a>,
    folder: &'b Folder,
    objects: &'b dyn FolderObjects,
    progress: &'b (dyn Fn(Progress<'_>) + Sync),
    /// The members of the batch that was ingested last, until its plan is committed.
    outcomes: Outcomes,
    /// The members of the plan that was requested last.
    drafted: Option<Arc<Plan>>,
    unknown: u32,
    /// The number of files of the plan that were not visible before.
    written: u64,
    /// The time for the whole look.
    time: Option<Duration>,
    /// The last object that was marked, and its mark.
    marked: Option<(Identity, u8)>,
    /// Whether the time ended before everything was merged.
    out_of_time: bool,
}

impl Worker<'_> {
    /// Looks at a folder: publishes plans that are not, and merges objects that are in no plan. A careful look reads objects
    /// one by one and marks each before.
    pub fn look(
        &self,
        folder: &Folder,
        objects: &dyn FolderObjects,
        careful: bool,
        progress: &(dyn Fn(Progress<'_>) + Sync),
    ) -> Looked {
        let mut look = Look::new(folder.clone(), self.layout.clone(), self.limits, careful);
        let mut work = Work {
            worker: self,
            folder,
            objects,
            progress,
            outcomes: Vec::new(),
            drafted: None,
            unknown: 0,
            written: 0,
            time: self.reading.deadline.remaining(),
            marked: None,
            out_of_time: false,
        };
        let mut request = look.step(Answer::Done);
        while request != Request::End {
            work.note_commit(&request);
            let answer = work.perform(&request, &look);
            request = look.step(answer);
        }
        work.note_survival(&look);
        Looked {
            failures: look.failures().to_vec(),
            left_out: look.left_out(),
            remaining: look.remaining(),
            out_of_time: work.out_of_time,
        }
    }

    fn store(&self, place: Place) -> &Arc<dyn Store> {
        match place {
            Place::Events => &self.events,
            Place::Quarantine => &self.quarantine,
        }
    }
}

impl Work<'_, '_> {
    fn perform(&mut self, request: &Request, look: &Look) -> Answer {
        let answer = match request {
            Request::ListLog => self.list_log(),
            Request::ReadPlan(number) => self.read_plan(*number),
            Request::ListFolder => self
                .objects
                .list(&|identity| look.is_planned(identity))
                .map(|(candidates, more)| Answer::Folder(candidates, more)),
            Request::Mark(identity, mark) => self.mark(identity, *mark, look),
            Request::Ingest(batch) => return self.ingest(batch),
            Request::NoteLeftOut(identity) => self.note_left_out(identity),
            Request::CreatePlan(number, plan) => return self.create_plan(*number, plan),
            Request::Publish(_, plan, file) => self.publish(plan, *file),
            Request::Restage(_, plan) => return self.restage(plan),
            Request::CreateDone(number, plan) => self.create_done(*number, plan),
            Request::End => Ok(Answer::Done),
        };
        answer.unwrap_or_else(|error| Answer::Failed(failure(&error)))
    }

    /// Reports the members of the last batch once a request shows that their plan is committed.
    fn note_commit(&mut self, request: &Request) {
        let (Request::Publish(number, plan, _) | Request::CreateDone(number, plan)) = request else {
            return;
        };
        let is_drafted = |drafted: &Arc<Plan>| drafted.members == plan.members;
        if self.drafted.take_if(|drafted| is_drafted(drafted)).is_none() {
            return;
        }
        // Objects that were left out follow none of the members.
        let mut members = plan
            .members
            .iter()
            .map(|member| format!("{}{}", plan.folder, member.key))
            .peekable();
        for (object, outcome) in std::mem::take(&mut self.outcomes) {
            if members.next_if_eq(&object.key).is_none() {
                continue;
            }
            (self.progress)(Progress::Member {
                object: &object,
                outcome: Box::new(outcome),
            });
        }
        (self.progress)(Progress::Committed { number: *number, plan });
    }

    fn list_log(&self) -> Result<Answer, StorageError> {
        let names = self.worker.events.names(&self.folder.log())?;
        Ok(Answer::Log(log::of_names(names.iter().map(String::as_str))))
    }

    fn read_plan(&self, number: u32) -> Result<Answer, StorageError> {
        let name = self.folder.plan(number);
        let Some(bytes) = self.worker.events.read(&name)? else {
            return Ok(Answer::Plan(None));
        };
        Ok(match Plan::decode(&bytes) {
            Ok(plan) => Answer::Plan(Some(Arc::new(plan))),
            Err(error) => Answer::Failed(Failure::permanent(format!("cannot read {name}: {error}"))),
        })
    }

    /// Marks an object. It gets half of the time of a look at least, so an object that takes longer than that twice is
    /// at fault itself.
    fn mark(&mut self, identity: &Identity, mark: u8, look: &Look) -> Result<Answer, StorageError> {
        self.note_survival(look);
        let left = self.worker.reading.deadline.remaining();
        if left.zip(self.time).is_some_and(|(left, time)| left < time / 2) {
            self.out_of_time = true;
            return Ok(Answer::Failed(no_time()));
        }
        let answer = self.create(&self.folder.mark(identity, mark), b"")?;
        if answer == Answer::Done {
            self.marked = Some((*identity, mark));
        }
        Ok(answer)
    }

    /// Notes that the object that was marked did not end the program, although no plan followed: its destination failed, for
    /// example.
    fn note_survival(&mut self, look: &Look) {
        let Some((identity, mark)) = self.marked.take() else {
            return;
        };
        if !look.is_planned(&identity) && !self.out_of_time {
            // Without this note, the object has one chance less.
            let _ = self.create(&self.folder.survived(&identity, mark), b"");
        }
    }

    fn create(&self, name: &str, bytes: &[u8]) -> Result<Answer, StorageError> {
        Ok(match self.worker.events.create(name, bytes)? {
            Creation::Created => Answer::Done,
            Creation::Exists => Answer::Exists,
        })
    }

    /// Notes when an object could not be read for the first time; the answer is whether that was too long ago.
    fn note_left_out(&self, identity: &Identity) -> Result<Answer, StorageError> {
        let name = self.folder.left_out(identity);
        let now = self.worker.now;
        let text = format!("{now}\n");
        if self.worker.events.create(&name, text.as_bytes())? == Creation::Created {
            return Ok(Answer::LeftOutTooLong(false));
        }
        let since = self
            .worker
            .events
            .read(&name)?
            .and_then(|bytes| String::from_utf8(bytes).ok());
        let since = since.and_then(|text| text.trim().parse::<i64>().ok());
        let too_long = since.is_some_and(|since| now.saturating_sub(since) > MAX_LEFT_OUT);
        Ok(Answer::LeftOutTooLong(too_long))
    }

    /// Creates a plan. If its result is unknown, the look reads the number before it goes on.
    fn create_plan(&mut self, number: u32, plan: &Arc<Plan>) -> Answer {
        self.drafted = Some(Arc::clone(plan));
        match self.create(&self.folder.plan(number), &plan.encode()) {
            Ok(answer) => answer,
            Err(error)
                if error.is_retryable() && self.unknown < MAX_UNKNOWN && !self.worker.reading.deadline.has_passed() =>
            {
                self.unknown += 1;
                Answer::Unknown
            }
            Err(error) => Answer::Failed(failure(&error)),
        }
    }

    fn publish(&mut self, plan: &Plan, file: usize) -> Result<Answer, StorageError> {
        if file == 0 {
            self.written = 0;
        }
        let Some(file) = plan.files.get(file) else {
            return Ok(Answer::Done);
        };
        let staged = StagedName(file.sha256.clone());
        let store = self.worker.store(file.place);
        Ok(match store.publish(&staged, &file.etag, file.bytes, &file.key)? {
            Publication::Published => {
                self.written += 1;
                Answer::Done
            }
            Publication::Exists => Answer::Exists,
            Publication::Missing => Answer::Missing,
        })
    }

    fn create_done(&mut self, number: u32, plan: &Plan) -> Result<Answer, StorageError> {
        let done = Done {
            files: plan.files.len(),
            balance: plan.balance(),
            failed: plan
                .failed()
                .map(|(member, reason)| FailedMember {
                    key: &member.key,
                    etag: &member.etag,
                    reason,
                })
                .collect(),
        };
        let mut text = serde_json::to_vec(&done).unwrap_or_default();
        text.push(b'\n');
        let answer = self.create(&self.folder.done(number), &text)?;
        for file in &plan.files {
            self.worker.store(file.place).discard(&StagedName(file.sha256.clone()));
        }
        (self.progress)(Progress::Published {
            number,
            plan,
            written: std::mem::take(&mut self.written),
        });
        Ok(answer)
    }

    /// Ingests a batch into staged files.
    fn ingest(&mut self, batch: &[Candidate]) -> Answer {
        if self.worker.reading.deadline.has_passed() {
            self.out_of_time = true;
            return Answer::Failed(no_time());
        }
        self.drafted = None;
        let (outcomes, files) = match self.merge(batch.iter().map(|it| (it.key.as_str(), it.etag.as_str(), it.bytes))) {
            Ok(merged) => merged,
            Err(problem) => {
                self.out_of_time = matches!(problem, Problem::OutOfTime);
                return Answer::Failed(self.merge_failure(&problem));
            }
        };
        let members: Vec<_> = batch
            .iter()
            .zip(&outcomes)
            .map(|(candidate, (_, outcome))| (candidate.clone(), reading(outcome)))
            .collect();
        let name = name_of(&members);
        let files = files
            .into_iter()
            .map(|file| File {
                key: renamed(&file.key, &name),
                ..file
            })
            .collect();
        self.outcomes = outcomes;
        Answer::Ingested(Ingested { members, files })
    }

    fn merge_failure(&self, problem: &Problem) -> Failure {
        Failure {
            text: format!("cannot merge objects of {}: {problem}", self.folder),
            retryable: problem.is_retryable(),
        }
    }

    /// Stages the files of a plan again, if its members still give the same bytes.
    fn restage(&self, plan: &Plan) -> Answer {
        let ingested = plan
            .members
            .iter()
            .filter(|member| !matches!(member.fate, Fate::Failed(_)));
        let members = ingested.map(|member| (member.key.as_str(), member.etag.as_str(), member.bytes));
        let staged: BTreeMap<_, _> = match self.merge(members) {
            Ok((_, files)) => files.into_iter().map(|file| (file.sha256, file.bytes)).collect(),
            Err(problem) => return Answer::Failed(self.merge_failure(&problem)),
        };
        if plan
            .files
            .iter()
            .all(|file| staged.get(&file.sha256) == Some(&file.bytes))
        {
            Answer::Done
        } else {
            Answer::Missing
        }
    }

    /// Reads objects and stages the files of their rows.
    fn merge<'c>(
        &self,
        objects: impl Iterator<Item = (&'c str, &'c str, u64)>,
    ) -> Result<(Outcomes, Vec<File>), Problem> {
        let worker = self.worker;
        let requests: Vec<_> = objects
            .map(|(key, etag, bytes)| {
                let request = self.folder.request(key, Some(etag), Some(bytes));
                (request, self.objects.source(key))
            })
            .collect();
        let members: Vec<_> = requests
            .iter()
            .map(|(request, source)| Member {
                request,
                source: *source,
            })
            .collect();
        let events = StagingSink::new(Place::Events, Arc::clone(&worker.events));
        let quarantine = StagingSink::new(Place::Quarantine, Arc::clone(&worker.quarantine));
        let target = Target {
            options: worker.options,
            events: &events,
            quarantine: &quarantine,
        };
        let on_chunk = |bytes| (self.progress)(Progress::Read(bytes));
        let outcomes = merge_objects(&members, target, &worker.reading, &on_chunk)?;
        let mut files = events.files();
        files.extend(quarantine.files());
        Ok((outcomes, files))
    }
}

fn reading(outcome: &MemberOutcome) -> Reading {
    match outcome {
        MemberOutcome::Ingested(ledger) => Reading::Settled(Fate::Ingested(ledger.counts().into())),
        MemberOutcome::Skipped(skip, _) => Reading::Settled(Fate::Skipped(skip.text().to_owned())),
        MemberOutcome::Failed(error) => Reading::Settled(Fate::Failed(error.problem.to_string())),
        MemberOutcome::LeftOut(error) => match *error.problem {
            Problem::MergeIsFull { .. } => Reading::Later,
            ref problem => Reading::LeftOut(problem.to_string()),
        },
    }
}

fn no_time() -> Failure {
    Failure::passing("there is no time left for another batch")
}

fn failure(error: &StorageError) -> Failure {
    Failure {
        text: error.to_string(),
        retryable: error.is_retryable(),
    }
}

/// Returns the name of the files of a plan with these members: the end of the first interval, and a hash of the identities. No
/// other plan has the same members, so no other file has the name.
fn name_of(members: &[(Candidate, Reading)]) -> String {
    let settled = members
        .iter()
        .filter(|(_, reading)| matches!(reading, Reading::Settled(_)));
    let mut hash = Sha256::new();
    let mut first = None;
    for (candidate, _) in settled {
        first = first.or(candidate.end);
        hash.update(candidate.identity.0);
    }
    let mut digits = hex(&hash.finalize());
    digits.truncate(16);
    let mut stamp = Vec::new();
    if let Some(first) = first {
        write_timestamp(first, &mut stamp);
    }
    // 2026-11-29T12:05:00.000000Z becomes 20261129T1205Z.
    let stamp: String = String::from_utf8(stamp)
        .unwrap_or_default()
        .chars()
        .take(16)
        .filter(|character| !matches!(character, '-' | ':'))
        .collect();
    if stamp.is_empty() {
        format!("{STEM}-{digits}")
    } else {
        format!("{STEM}-{stamp}Z-{digits}")
    }
}

/// Returns the key of a merged output with its final name.
fn renamed(key: &str, name: &str) -> String {
    match key.rsplit_once('/') {
        Some((folder, file)) => format!("{folder}/{}", file.replacen(STEM, name, 1)),
        None => key.replacen(STEM, name, 1),
    }
}

impl Candidate {
    /// Returns the candidate that a listed object is, given the part of its key after the folder.
    pub fn of(folder: &Folder, key: &str, etag: &str, bytes: u64) -> Self {
        let object = folder.object(key, etag);
        Self {
            end: KeyFacts::of(&object.key).end,
            identity: object.identity(),
            key: key.to_owned(),
            etag: etag.to_owned(),
            bytes,
        }
    }
}
