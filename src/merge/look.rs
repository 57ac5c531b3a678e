//! The protocol of a worker on a folder, as a state machine without input or output.
//!
//! [`Look::step`] takes the answer to the last request and returns the next request. The worker performs requests on storage;
//! the model in the tests performs them in a small world, in every order and with every fault. Both run this code.
//!
//! ```text
//! list the log -> read the plans that repeat all members -> publish plans that are not done
//!      -> list the folder -> choose a batch -> ingest it into staged files -> create the plan (the commit)
//!      -> publish it -> choose the next batch, until nothing is left
//! ```

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::object::Identity;

use super::Folder;
use super::history::{History, repeating};
use super::plan::{Fate, Member, Plan, VERSION};
use super::step::{Answer, BatchLimits, Candidate, Failure, Ingested, Log, Reading, Request};

/// How often a member may be read by careful workers that ended without planning it.
const MAX_MARKS: u8 = 2;

/// One look of a worker at a folder: what it knows, and what it is doing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Look {
    folder: Folder,
    /// The fingerprint of the destination's layout.
    layout: String,
    limits: BatchLimits,
    /// Whether objects are read one by one, each with a mark.
    careful: bool,
    phase: Phase,
    history: History,
    /// The numbers of the plans to read, then of those to publish.
    to_read: VecDeque<u32>,
    to_publish: VecDeque<u32>,
    marks: BTreeMap<Identity, u8>,
    survived: BTreeMap<Identity, u8>,
    candidates: VecDeque<Candidate>,
    /// The number of objects of the batch that is not planned yet.
    batch: usize,
    /// Whether the folder has to be listed once the candidates are used up.
    relist: bool,
    /// The objects that could not be read for now.
    left_out: BTreeSet<Identity>,
    failures: Vec<Failure>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Phase {
    Started,
    ListingLog,
    ReadingHistory(u32),
    ReadingUnpublished(u32),
    Publishing(Publication),
    ListingFolder,
    Marking(Candidate, u8),
    Ingesting,
    /// Deciding about the objects that were left out: the draft, and those that remain, each with its position.
    Deciding(Ingested, VecDeque<usize>),
    Committing(u32, Arc<Plan>),
    /// Reading a number that may be taken.
    Resolving(u32, Arc<Plan>),
    Ended,
}

/// The publication of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Publication {
    number: u32,
    plan: Arc<Plan>,
    step: PublicationStep,
    /// Whether the files were staged again.
    restaged: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum PublicationStep {
    File(usize),
    Restaging(usize),
    Done,
}

impl Look {
    /// Begins a look at a folder.
    pub fn new(folder: Folder, layout: String, limits: BatchLimits, careful: bool) -> Self {
        Self {
            folder,
            layout,
            limits,
            careful,
            phase: Phase::Started,
            history: History::default(),
            to_read: VecDeque::new(),
            to_publish: VecDeque::new(),
            marks: BTreeMap::new(),
            survived: BTreeMap::new(),
            candidates: VecDeque::new(),
            batch: 0,
            relist: true,
            left_out: BTreeSet::new(),
            failures: Vec::new(),
        }
    }

    /// Returns whether an object is a member of a plan that this look knows.
    pub fn is_planned(&self, identity: &Identity) -> bool {
        self.history.contains(identity)
    }

    /// Returns the failures of this look, in order. Without any, everything that was ready is planned and published.
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }

    /// Returns the number of objects that could not be read for now.
    pub fn left_out(&self) -> usize {
        self.left_out.len()
    }

    /// Returns the number of objects that are listed and not planned.
    pub fn remaining(&self) -> usize {
        self.candidates.len() + self.batch
    }

    /// Takes the answer to the last request, and returns the next request. The first answer is [`Answer::Done`].
    pub fn step(&mut self, answer: Answer) -> Request {
        let phase = std::mem::replace(&mut self.phase, Phase::Ended);
        match (phase, answer) {
            (Phase::Started, _) => self.enter(Phase::ListingLog, Request::ListLog),
            (Phase::Publishing(publication), answer) => self.published(publication, answer),
            (Phase::Deciding(ingested, rest), answer) => self.decided(ingested, rest, answer),
            (Phase::Committing(number, plan), answer) => self.committed(number, plan, answer),
            (_, Answer::Failed(failure)) => self.end(failure),
            (Phase::ListingLog, Answer::Log(log)) => self.log(log),
            (Phase::ReadingHistory(number), Answer::Plan(plan)) => self.history(number, plan),
            (Phase::ReadingUnpublished(number), Answer::Plan(Some(plan))) => self.publish(number, plan),
            (Phase::ReadingUnpublished(number), Answer::Plan(None)) => self.end(Failure::permanent(format!(
                "plan {number:08} is listed and does not exist"
            ))),
            (Phase::ListingFolder, Answer::Folder(candidates, more)) => self.listed(candidates, more),
            (Phase::Marking(candidate, mark), answer) => self.marked(candidate, mark, &answer),
            (Phase::Ingesting, Answer::Ingested(ingested)) => self.ingested(ingested),
            (Phase::Resolving(number, draft), Answer::Plan(found)) => self.resolved(number, draft, found),
            (Phase::Ended, _) => Request::End,
            (phase, answer) => self.end(Failure::permanent(format!(
                "the answer {answer:?} does not fit the state {phase:?}; please report this"
            ))),
        }
    }

    fn enter(&mut self, phase: Phase, request: Request) -> Request {
        self.phase = phase;
        request
    }

    fn end(&mut self, failure: Failure) -> Request {
        self.failures.push(failure);
        self.enter(Phase::Ended, Request::End)
    }

    fn log(&mut self, log: Log) -> Request {
        for (number, expected) in log.plans.keys().zip(0..) {
            if *number != expected {
                return self.end(Failure::permanent(format!(
                    "plan {expected:08} is missing, and plan {number:08} exists: the log of the folder is damaged; restore the plan from a backup or a version of the bucket"
                )));
            }
        }
        let plans = u32::try_from(log.plans.len()).unwrap_or(u32::MAX);
        self.to_read = repeating(plans).into();
        self.to_publish = log
            .plans
            .into_iter()
            .filter_map(|(number, done)| (!done).then_some(number))
            .collect();
        self.marks = log.marks;
        self.survived = log.survived;
        self.read_history()
    }

    fn read_history(&mut self) -> Request {
        match self.to_read.pop_front() {
            Some(number) => self.enter(Phase::ReadingHistory(number), Request::ReadPlan(number)),
            None => self.publish_next(),
        }
    }

    fn history(&mut self, number: u32, plan: Option<Arc<Plan>>) -> Request {
        let Some(plan) = plan else {
            return self.end(Failure::permanent(format!(
                "plan {number:08} is listed and does not exist"
            )));
        };
        match self.know(number, &plan) {
            Ok(()) => self.read_history(),
            Err(failure) => self.end(failure),
        }
    }

    /// Adds the members of a plan to those that are known.
    fn know(&mut self, number: u32, plan: &Plan) -> Result<(), Failure> {
        if plan.layout != self.layout {
            return Err(Failure::permanent(format!(
                "plan {number:08} was made with other settings of the destination; use the settings in its _alb-ingest.json, or another destination"
            )));
        }
        if self.history.add(number, plan.identities(), &plan.repeated) {
            Ok(())
        } else {
            Err(Failure::permanent(format!(
                "plan {number:08} does not continue the plans before it: the log of the folder is damaged"
            )))
        }
    }

    /// Publishes the next plan that is not done, or goes on to the folder.
    fn publish_next(&mut self) -> Request {
        match self.to_publish.pop_front() {
            Some(number) => self.enter(Phase::ReadingUnpublished(number), Request::ReadPlan(number)),
            None => self.next_batch_or_list(),
        }
    }

    fn next_batch_or_list(&mut self) -> Request {
        if self.candidates.is_empty() && self.relist {
            self.enter(Phase::ListingFolder, Request::ListFolder)
        } else {
            self.next_batch()
        }
    }

    fn listed(&mut self, candidates: Vec<Candidate>, more: bool) -> Request {
        let Self { history, left_out, .. } = self;
        let is_new =
            |candidate: &Candidate| !history.contains(&candidate.identity) && !left_out.contains(&candidate.identity);
        self.candidates = candidates.into_iter().filter(is_new).collect();
        self.relist = more;
        self.next_batch()
    }

    fn publish(&mut self, number: u32, plan: Arc<Plan>) -> Request {
        self.go_on_publishing(Publication {
            number,
            plan,
            step: PublicationStep::File(0),
            restaged: false,
        })
    }

    fn go_on_publishing(&mut self, mut publication: Publication) -> Request {
        let Publication { number, plan, step, .. } = &publication;
        let (number, plan) = (*number, Arc::clone(plan));
        let request = match *step {
            PublicationStep::File(file) if file < plan.files.len() => Request::Publish(number, plan, file),
            PublicationStep::Restaging(_) => Request::Restage(number, plan),
            PublicationStep::File(_) | PublicationStep::Done => {
                publication.step = PublicationStep::Done;
                Request::CreateDone(number, plan)
            }
        };
        self.enter(Phase::Publishing(publication), request)
    }

    fn published(&mut self, mut publication: Publication, answer: Answer) -> Request {
        use PublicationStep::{Done, File, Restaging};
        let number = publication.number;
        publication.step = match (publication.step, answer) {
            (File(file), Answer::Done | Answer::Exists) => File(file + 1),
            (File(file), Answer::Missing) if !publication.restaged => Restaging(file),
            (Restaging(file), Answer::Done) => {
                publication.restaged = true;
                File(file)
            }
            (Done, Answer::Done | Answer::Exists) => return self.publish_next(),
            // The next look publishes it; what follows does not depend on it.
            (_, Answer::Failed(failure)) => return self.not_published(number, &failure),
            (File(_) | Done, Answer::Unknown) => {
                let failure = Failure::passing("it is not known whether a file was created");
                return self.not_published(number, &failure);
            }
            (_, _) => {
                let text = "a staged file is gone, and its members no longer give the same bytes";
                return self.not_published(number, &Failure::permanent(text));
            }
        };
        self.go_on_publishing(publication)
    }

    fn not_published(&mut self, number: u32, failure: &Failure) -> Request {
        self.failures.push(Failure {
            text: format!("plan {number:08} is committed and not published: {failure}"),
            retryable: failure.retryable,
        });
        self.publish_next()
    }

    /// Takes the next batch of the candidates.
    fn next_batch(&mut self) -> Request {
        self.batch = 0;
        if self.careful {
            return match self.candidates.pop_front() {
                Some(candidate) => {
                    self.batch = 1;
                    let mark = self.marks.get(&candidate.identity).copied().unwrap_or_default();
                    self.mark(candidate, mark)
                }
                None => self.finished(),
            };
        }
        let mut bytes = 0;
        let fits = |candidate: &&Candidate| {
            bytes += candidate.bytes;
            bytes <= self.limits.bytes
        };
        let fitting = self
            .candidates
            .iter()
            .take(self.limits.objects)
            .take_while(fits)
            .count();
        let count = fitting.max(1).min(self.candidates.len());
        let batch: Vec<_> = self.candidates.drain(..count).collect();
        self.batch = batch.len();
        if batch.is_empty() {
            return self.finished();
        }
        self.enter(Phase::Ingesting, Request::Ingest(batch))
    }

    fn finished(&mut self) -> Request {
        self.enter(Phase::Ended, Request::End)
    }

    /// Marks an object before it is read, or fails it if it has ended the program too often.
    fn mark(&mut self, candidate: Candidate, marks: u8) -> Request {
        let survived = self.survived.get(&candidate.identity).copied().unwrap_or_default();
        if marks.saturating_sub(survived) >= MAX_MARKS {
            let reason = "ended the program: it was read twice, and neither time a plan followed".to_owned();
            let members = vec![(candidate, Reading::Settled(Fate::Failed(reason)))];
            let files = Vec::new();
            return self.ingested(Ingested { members, files });
        }
        let request = Request::Mark(candidate.identity, marks);
        self.enter(Phase::Marking(candidate, marks), request)
    }

    fn marked(&mut self, candidate: Candidate, mark: u8, answer: &Answer) -> Request {
        match answer {
            Answer::Done => self.enter(Phase::Ingesting, Request::Ingest(vec![candidate])),
            Answer::Exists => self.mark(candidate, mark.saturating_add(1)),
            _ => self.end(Failure::passing("it is not known whether a mark was created")),
        }
    }

    fn ingested(&mut self, mut ingested: Ingested) -> Request {
        let is_later = |(_, reading): &mut (Candidate, Reading)| *reading == Reading::Later;
        let later: Vec<_> = ingested.members.extract_if(.., is_later).collect();
        if ingested.members.is_empty() && !later.is_empty() {
            return self.end(Failure::permanent(
                "a batch has no room for its first object; please report this",
            ));
        }
        self.batch = ingested.members.len();
        for (candidate, _) in later.into_iter().rev() {
            self.candidates.push_front(candidate);
        }
        let is_left_out = |(_, reading): &(Candidate, Reading)| matches!(reading, Reading::LeftOut(_));
        let left_out: VecDeque<_> = (0..)
            .zip(&ingested.members)
            .filter(|(_, member)| is_left_out(member))
            .map(|(position, _)| position)
            .collect();
        if !left_out.is_empty() && left_out.len() == ingested.members.len() && !self.careful {
            let first = ingested.members.first().map(|(_, reading)| reading.clone());
            let Some(Reading::LeftOut(reason)) = first else {
                return self.next_batch();
            };
            let objects = left_out.len();
            return self.end(Failure::passing(format!(
                "none of {objects} objects can be read; the first: {reason}"
            )));
        }
        self.decide(ingested, left_out)
    }

    fn decide(&mut self, ingested: Ingested, left_out: VecDeque<usize>) -> Request {
        let identity = left_out
            .front()
            .and_then(|position| ingested.members.get(*position))
            .map(|(candidate, _)| candidate.identity);
        match identity {
            Some(identity) => self.enter(Phase::Deciding(ingested, left_out), Request::NoteLeftOut(identity)),
            None => self.draft(ingested),
        }
    }

    fn decided(&mut self, mut ingested: Ingested, mut left_out: VecDeque<usize>, answer: Answer) -> Request {
        let position = left_out.pop_front().unwrap_or_default();
        match answer {
            Answer::LeftOutTooLong(true) => {
                if let Some((_, reading)) = ingested.members.get_mut(position)
                    && let Reading::LeftOut(reason) = reading
                {
                    *reading = Reading::Settled(Fate::Failed(std::mem::take(reason)));
                }
            }
            Answer::LeftOutTooLong(false) => {
                let member = ingested.members.get(position);
                self.left_out.extend(member.map(|(candidate, _)| candidate.identity));
            }
            Answer::Failed(failure) => return self.end(failure),
            _ => return self.end(Failure::passing("it is not known whether a note was created")),
        }
        self.decide(ingested, left_out)
    }

    /// Creates the plan of what was ingested. Nothing is visible before it exists.
    fn draft(&mut self, ingested: Ingested) -> Request {
        let members: Vec<_> = ingested
            .members
            .into_iter()
            .filter_map(|(candidate, reading)| match reading {
                Reading::Settled(fate) => Some(Member {
                    key: candidate.key,
                    etag: candidate.etag,
                    bytes: candidate.bytes,
                    fate,
                }),
                Reading::LeftOut(_) | Reading::Later => None,
            })
            .collect();
        if members.is_empty() {
            return self.next_batch();
        }
        let plan = Plan {
            version: VERSION,
            layout: self.layout.clone(),
            bucket: self.folder.bucket.clone(),
            folder: self.folder.prefix.clone(),
            members,
            files: ingested.files,
            repeated: Vec::new(),
        };
        self.commit(plan)
    }

    /// Creates a plan under the first number that is not known to be taken.
    fn commit(&mut self, plan: Plan) -> Request {
        let number = self.history.plans();
        let plan = Arc::new(Plan {
            repeated: self.history.to_repeat(),
            ..plan
        });
        self.enter(
            Phase::Committing(number, Arc::clone(&plan)),
            Request::CreatePlan(number, plan),
        )
    }

    fn committed(&mut self, number: u32, plan: Arc<Plan>, answer: Answer) -> Request {
        match answer {
            Answer::Done => self.is_mine(number, plan),
            // Whose plan it is, only the plan itself shows. A number that was not read is never passed.
            Answer::Exists | Answer::Unknown => self.enter(Phase::Resolving(number, plan), Request::ReadPlan(number)),
            Answer::Failed(failure) => self.end(failure),
            other => self.end(Failure::permanent(format!(
                "the answer {other:?} does not fit the creation of a plan; please report this"
            ))),
        }
    }

    fn is_mine(&mut self, number: u32, plan: Arc<Plan>) -> Request {
        self.batch = 0;
        match self.know(number, &plan) {
            Ok(()) => self.publish(number, plan),
            Err(failure) => self.end(failure),
        }
    }

    fn resolved(&mut self, number: u32, draft: Arc<Plan>, found: Option<Arc<Plan>>) -> Request {
        let Some(found) = found else {
            // Not there yet, or never: the same request again has one effect at most.
            return self.enter(
                Phase::Committing(number, Arc::clone(&draft)),
                Request::CreatePlan(number, draft),
            );
        };
        if found == draft {
            return self.is_mine(number, draft);
        }
        if let Err(failure) = self.know(number, &found) {
            return self.end(failure);
        }
        let Self {
            history, candidates, ..
        } = self;
        candidates.retain(|candidate| !history.contains(&candidate.identity));
        if draft.identities().any(|identity| history.contains(&identity)) {
            // Another worker planned some of them. The others are listed again.
            self.candidates.clear();
            self.relist = true;
            return self.next_batch_or_list();
        }
        self.commit(Arc::unwrap_or_clone(draft))
    }
}
