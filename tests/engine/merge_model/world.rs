//! The world of the model: a folder, its log, its objects, and the workers.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hash;
use std::sync::{Arc, LazyLock};

use alb_ingest::merge::plan::Plan;
use alb_ingest::merge::{Answer, BatchLimits, Candidate, Folder, Look, Reading, Request};
use alb_ingest::object::Identity;

/// A defect that the model must find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bug {
    None,
    /// The plan is created before its members are read, and executed by whoever publishes it.
    PlanFirst,
    /// A number that is taken is passed without reading whose plan it is.
    PassUnread,
    /// A plan does not repeat the last identity that it should.
    ForgetIdentity,
}

/// The faults that may occur, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Budget {
    /// Workers that begin after those at the start.
    pub(super) starts: u8,
    pub(super) crashes: u8,
    /// Answers that are lost after the request had its effect.
    pub(super) lost: u8,
    /// Requests whose answer is lost and that have their effect later, or never.
    pub(super) delayed: u8,
    /// Objects that cannot be read once.
    pub(super) throttled: u8,
    pub(super) arrivals: u8,
    pub(super) changes: u8,
    pub(super) vanishings: u8,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) workers: u8,
    /// Objects that exist at the start; `arrivals` more may arrive.
    pub(super) objects: u8,
    pub(super) batch: usize,
    /// The object that ends every worker that reads it.
    pub(super) poison: Option<u8>,
    /// Whether workers mark objects before they read them.
    pub(super) careful: bool,
    /// Whether every second worker is of another version, which writes other rows.
    pub(super) versions: bool,
    pub(super) budget: Budget,
}

/// An object of the folder: its content, if it exists.
pub(super) type Object = Option<u8>;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct World {
    pub(super) objects: Vec<Object>,
    pub(super) plans: Vec<Arc<Plan>>,
    pub(super) done: BTreeSet<u32>,
    pub(super) marks: BTreeMap<Identity, BTreeSet<u8>>,
    pub(super) staged: BTreeSet<String>,
    pub(super) visible: BTreeMap<String, String>,
    pub(super) delayed: Vec<Effect>,
}

/// The effect of a request on storage.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Effect {
    Plan(u32, Arc<Plan>),
    Copy(String, String),
    Done(u32),
    Mark(Identity, u8),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Worker {
    pub(super) look: Look,
    pub(super) request: Request,
    /// The members that were read so far, for the request to ingest.
    pub(super) read: Vec<(Candidate, Reading)>,
    pub(super) version: u8,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct State {
    pub(super) world: World,
    pub(super) workers: Vec<Worker>,
    pub(super) budget: Budget,
    pub(super) started: u8,
}

pub(super) fn folder() -> Folder {
    Folder {
        bucket: "b".to_owned(),
        prefix: "f/".to_owned(),
    }
}

/// Returns an object as a listing names it. Made once: hashing its identity takes longer than a step of the model.
pub(super) fn candidate(number: usize, content: u8) -> &'static Candidate {
    static CANDIDATES: LazyLock<Vec<Vec<Candidate>>> = LazyLock::new(|| {
        (0..4)
            .map(|number| (0..4).map(|content| listed(number, content)).collect())
            .collect()
    });
    &CANDIDATES[number][usize::from(content)]
}

pub(super) fn listed(number: usize, content: u8) -> Candidate {
    let (key, etag) = (number.to_string(), content.to_string());
    Candidate {
        end: i64::try_from(number).ok(),
        identity: folder().object(&key, &etag).identity(),
        key,
        etag,
        bytes: 1,
    }
}

/// Returns the row of an object, as a version of the program writes it.
pub(super) fn row(candidate: &Candidate, version: u8) -> String {
    format!("{}.{}v{version}", candidate.key, candidate.etag)
}

impl World {
    /// Applies an effect; returns whether the file was created.
    pub(super) fn apply(&mut self, effect: &Effect) -> bool {
        match effect {
            Effect::Plan(number, plan) => {
                let is_next = self.plans.len() == usize::try_from(*number).unwrap();
                // A number after a gap cannot be requested: workers only ask for numbers after those they know.
                assert!(is_next || usize::try_from(*number).unwrap() < self.plans.len(), "a gap");
                if is_next {
                    self.plans.push(Arc::clone(plan));
                }
                is_next
            }
            Effect::Copy(key, content) => {
                let is_new = !self.visible.contains_key(key);
                if is_new {
                    self.visible.insert(key.clone(), content.clone());
                }
                is_new
            }
            Effect::Done(number) => self.done.insert(*number),
            Effect::Mark(identity, mark) => self.marks.entry(*identity).or_default().insert(*mark),
        }
    }

    /// Returns the keys and etags of the members of every plan.
    pub(super) fn planned(&self) -> impl Iterator<Item = (&str, &str)> {
        let members = self.plans.iter().flat_map(|plan| &plan.members);
        members.map(|member| (member.key.as_str(), member.etag.as_str()))
    }
}

impl Worker {
    pub(super) fn new(scenario: &Scenario, number: u8) -> Self {
        let limits = BatchLimits {
            objects: scenario.batch,
            bytes: u64::MAX,
        };
        let mut look = Look::new(folder(), "layout".to_owned(), limits, scenario.careful);
        let request = look.step(Answer::Done);
        Self {
            look,
            request,
            read: Vec::new(),
            version: if scenario.versions { number % 2 } else { 0 },
        }
    }

    pub(super) fn answer(mut self, answer: Answer) -> Option<Self> {
        self.request = self.look.step(answer);
        self.read.clear();
        (self.request != Request::End).then_some(self)
    }
}
