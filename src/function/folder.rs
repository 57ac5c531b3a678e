//! The objects of a folder that the function merges.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::config::{Config, MergeConfig};
use crate::deadline::Deadline;
use crate::merge::plan::Plan;
use crate::merge::{Candidate, Earliest, FolderObjects};
use crate::object::Identity;
use crate::storage::{Origin, Source, Storage, StorageError};
use crate::trigger::FolderRequest;

use super::merge::{Merger, micros};

/// A folder of a bucket, listed when a worker asks for it.
pub(super) struct BucketFolder<'a> {
    config: &'a Config,
    merge: MergeConfig,
    storage: &'a dyn Storage,
    source: &'a dyn Source,
    deadline: Deadline,
    request: &'a FolderRequest,
    /// The time of the invocation, in microseconds since 1970.
    now: i64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Whether objects were returned before: the folder does not wait any more.
    begun: bool,
    /// The objects that were returned and are in no plan, with the ends of their intervals.
    unplanned: BTreeMap<Identity, Option<i64>>,
    /// The earliest end of an interval among the objects that wait.
    waiting: Option<i64>,
}

/// The objects that one listing selects.
#[derive(Default)]
struct Selection {
    /// Those that are ready.
    ready: Earliest,
    /// The earliest end of an interval among those that are not ready.
    waiting: Option<i64>,
}

impl<'a> BucketFolder<'a> {
    pub(super) fn new(
        merger: &'a Merger<'a>,
        merge: MergeConfig,
        request: &'a FolderRequest,
        source: &'a dyn Source,
    ) -> Self {
        Self {
            config: merger.config,
            merge,
            storage: merger.storage,
            source,
            deadline: merger.deadline,
            request,
            now: merger.now,
            state: Mutex::default(),
        }
    }

    /// Takes note that the members of a plan are merged.
    pub(super) fn forget(&self, plan: &Plan) {
        let mut state = self.lock();
        for identity in plan.identities() {
            state.unplanned.remove(&identity);
        }
    }

    /// Returns the earliest end of an interval among the objects that were listed and are in no plan.
    pub(super) fn oldest(&self) -> Option<i64> {
        let state = self.lock();
        let unplanned = state.unplanned.values().flatten();
        unplanned.chain(&state.waiting).min().copied()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn select(&self, is_planned: &dyn Fn(&Identity) -> bool) -> Result<Selection, StorageError> {
        let folder = &self.request.folder;
        let origin = Origin::S3 {
            bucket: folder.bucket.clone(),
            key: folder.prefix.clone(),
        };
        let mut selection = Selection::default();
        for entry in self.storage.list(&origin, self.deadline)? {
            let entry = entry?;
            let Some(name) = entry.object.key.strip_prefix(&folder.prefix) else {
                continue;
            };
            if name.contains('/') || self.config.ingest.skip_unread(&entry.object.key).is_some() {
                continue;
            }
            let bytes = entry.object.size.unwrap_or_default();
            let candidate = Candidate::of(folder, name, &entry.etag()?, bytes);
            if is_planned(&candidate.identity) {
                continue;
            }
            if self.is_ready(&candidate) {
                selection.ready.add(candidate);
            } else {
                selection.waiting = earlier(selection.waiting, candidate.end);
            }
        }
        Ok(selection)
    }

    /// Returns whether the interval of an object ended long enough ago. An object without one has no reason to wait.
    fn is_ready(&self, candidate: &Candidate) -> bool {
        self.request.all || self.age(candidate).is_none_or(|age| age >= micros(self.merge.grace))
    }

    fn age(&self, candidate: &Candidate) -> Option<i64> {
        candidate.end.map(|end| self.now.saturating_sub(end))
    }

    /// Returns whether there are enough objects to merge, or one of them has waited for long enough.
    fn is_due(&self, ready: &[Candidate]) -> bool {
        // The first one has the earliest interval, or none.
        let oldest = ready.first().map(|candidate| self.age(candidate));
        self.request.all || oldest.is_some_and(|age| age.is_none_or(|age| age >= micros(self.merge.max_wait)))
    }
}

impl FolderObjects for BucketFolder<'_> {
    fn list(&self, is_planned: &dyn Fn(&Identity) -> bool) -> Result<(Vec<Candidate>, bool), StorageError> {
        let mut selection = self.select(is_planned)?;
        let ready = std::mem::take(&mut selection.ready);
        let is_enough = ready.objects() >= MergeConfig::ENOUGH_OBJECTS || ready.bytes() >= MergeConfig::ENOUGH_BYTES;
        let (ready, more) = ready.into_sorted();
        let mut state = self.lock();
        state.waiting = selection.waiting;
        state.unplanned = ready
            .iter()
            .map(|candidate| (candidate.identity, candidate.end))
            .collect();
        if !state.begun && !is_enough && !self.is_due(&ready) {
            return Ok((Vec::new(), false));
        }
        state.begun = true;
        Ok((ready, more))
    }

    fn source(&self, _key: &str) -> &dyn Source {
        self.source
    }
}

fn earlier(one: Option<i64>, other: Option<i64>) -> Option<i64> {
    one.into_iter().chain(other).min()
}
