//! The steps of a look: the requests that it makes, and the answers to them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::object::Identity;

use super::plan::{Fate, File, Plan};

/// An object of a folder that is not a member of a plan yet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Candidate {
    /// The end of the interval that its key names, in microseconds since 1970.
    pub end: Option<i64>,
    /// The part of its key after the folder.
    pub key: String,
    /// Its etag, without quotes.
    pub etag: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its identity.
    pub identity: Identity,
}

/// What the worker has to do next.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Request {
    /// List the log of the folder.
    ListLog,
    /// Read a plan.
    ReadPlan(u32),
    /// List the objects of the folder that are ready and in no plan.
    ListFolder,
    /// Create a mark that a careful worker is about to read an object.
    Mark(Identity, u8),
    /// Read the objects, in this order, into shared files, and stage these.
    Ingest(Vec<Candidate>),
    /// Note that an object could not be read for now.
    NoteLeftOut(Identity),
    /// Create a plan under a number.
    CreatePlan(u32, Arc<Plan>),
    /// Copy a staged file of a plan to its key.
    Publish(u32, Arc<Plan>, usize),
    /// Stage the files of a plan again from its members, if that gives the same bytes.
    Restage(u32, Arc<Plan>),
    /// Note that a plan is published.
    CreateDone(u32, Arc<Plan>),
    /// Nothing: the look has ended.
    End,
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Answer {
    /// The log of the folder.
    Log(Log),
    /// The plan, if it exists.
    Plan(Option<Arc<Plan>>),
    /// The objects of the folder, sorted, and whether there are more than these.
    Folder(Vec<Candidate>, bool),
    /// The file was created, copied or staged.
    Done,
    /// A file with this name exists already.
    Exists,
    /// It is not known whether the file was created, or will be.
    Unknown,
    /// The objects that were read, and the files that were staged.
    Ingested(Ingested),
    /// Whether the object could not be read for too long.
    LeftOutTooLong(bool),
    /// The staged file does not exist, nor does the published one.
    Missing,
    /// The request failed.
    Failed(Failure),
}

/// The files of a folder's log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Log {
    /// The numbers of the plans, each with whether it is done.
    pub plans: BTreeMap<u32, bool>,
    /// The number of marks of each object.
    pub marks: BTreeMap<Identity, u8>,
    /// The number of these whose worker survived its object.
    pub survived: BTreeMap<Identity, u8>,
}

/// What came of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Ingested {
    /// The members, in the order of the batch.
    pub members: Vec<(Candidate, Reading)>,
    /// The files that were staged.
    pub files: Vec<File>,
}

/// What came of reading an object.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Reading {
    /// It was read, or never will be.
    Settled(Fate),
    /// It could not be read for now: the reason.
    LeftOut(String),
    /// The outputs have no room for it: it belongs to the next batch.
    Later,
}

/// Why a request failed, or a look ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{text}")]
pub struct Failure {
    /// What happened, where, and what to do.
    pub text: String,
    /// Whether a later look can succeed without anyone changing anything.
    pub retryable: bool,
}

impl Failure {
    /// Returns a failure that a retry does not cure.
    pub fn permanent(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            retryable: false,
        }
    }

    /// Returns a failure that a retry can cure.
    pub fn passing(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            retryable: true,
        }
    }
}

/// The limits of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BatchLimits {
    /// The maximum number of objects.
    pub objects: usize,
    /// The maximum number of bytes, unless a single object is larger.
    pub bytes: u64,
}
