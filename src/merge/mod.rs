//! Merged delivery: few, large outputs from the many small objects of a folder, each object exactly once.
//!
//! The objects of a folder (one account, region and day) are merged by plans. The plans of a folder are its log, in the
//! destination beside the tables:
//!
//! ```text
//! _merge/<bucket>/<folder>/00000000.plan    what was merged, create-only, numbered without gaps
//! _merge/<bucket>/<folder>/00000000.done    the plan's files are visible
//! _merge/_staged/<sha256>                   files that a plan names or will name
//! ```
//!
//! A worker stages the files of a merge first. The plan that names them is the commit. Publishing copies them to their final
//! names and can be repeated by anyone. [`Look`] is this protocol as a state machine; `docs/semantics.md` states what it
//! promises and why.

mod earliest;
mod history;
mod log;
mod look;
pub mod plan;
mod staging;
mod step;
mod worker;

use crate::escape::escaped;

pub use earliest::Earliest;
pub use history::History;
pub use log::{done_name, plan_name, plan_number};
pub use look::Look;
pub use step::{Answer, BatchLimits, Candidate, Failure, Ingested, Log, Reading, Request};
pub use worker::{FolderObjects, Looked, Progress, Worker};

/// A folder of a bucket: the objects whose keys have the same part up to the last slash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Folder {
    /// The bucket's name.
    pub bucket: String,
    /// The part of the keys up to the last slash: empty, or ending in a slash.
    pub prefix: String,
}

impl Folder {
    /// Returns the folder of an object, and the part of its key after it.
    pub fn of<'a>(bucket: &str, key: &'a str) -> (Self, &'a str) {
        let (prefix, name) = key.split_at(key.rfind('/').map_or(0, |slash| slash + 1));
        let folder = Self {
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
        };
        (folder, name)
    }
}

impl std::fmt::Display for Folder {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}/{}", escaped(&self.bucket), escaped(&self.prefix))
    }
}
