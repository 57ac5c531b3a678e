//! The logs of a destination: which plans they have, and which files these name.

use std::collections::{BTreeMap, BTreeSet};

use crate::merge::plan::File;
use crate::merge::plan_number;
use crate::object::hex;
use crate::storage::{StorageError, Store, StoredFile};

use super::compare::name_hash;

/// The folder of the logs.
const LOGS: &str = "_merge/";
/// The folder of the staged files.
const STAGED: &str = "_merge/_staged/";

/// The logs of a destination.
#[derive(Default)]
pub(super) struct Logs {
    /// The folders of the logs, by number.
    folders: Vec<String>,
    numbers: BTreeMap<String, u32>,
    /// The plans, sorted by log and number.
    pub(super) plans: Vec<PlanRef>,
    /// The numbers of the plans of which only the `.done` exists, or only later plans.
    holes: Vec<(u32, u32)>,
}

/// A plan.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlanRef {
    pub(super) log: u32,
    pub(super) number: u32,
    /// Whether it is published.
    pub(super) is_done: bool,
    /// The time of its creation in seconds since 1970, if it is known.
    pub(super) created: Option<i64>,
    /// Whether a member of it is in the scope of the audit.
    pub(super) is_covered: bool,
}

/// The files of a log that are about one plan.
#[derive(Default)]
struct Found {
    has_plan: bool,
    /// The time of the plan's creation.
    created: Option<i64>,
    is_done: bool,
}

/// A file of a plan.
pub(super) struct FileRef {
    /// The hash of its place and name.
    pub(super) name: [u8; 16],
    /// The start of its SHA-256.
    sha256: u64,
    pub(super) bytes: u64,
    /// The position of its plan.
    pub(super) plan: u32,
    pub(super) is_found: bool,
    pub(super) is_damaged: bool,
}

impl Logs {
    /// Lists the logs.
    pub(super) fn list(store: &dyn Store) -> Result<Self, StorageError> {
        let mut logs = Self::default();
        let mut found: BTreeMap<(u32, u32), Found> = BTreeMap::new();
        for file in store.files(LOGS)? {
            let StoredFile { name, created, .. } = file?;
            let (folder, file) = name.split_at(name.rfind('/').map_or(0, |slash| slash + 1));
            let Some((number, is_done)) = plan_number(file).filter(|_| !name.starts_with(STAGED)) else {
                continue;
            };
            let log = logs.number(folder);
            let found = found.entry((log, number)).or_default();
            if is_done {
                found.is_done = true;
            } else {
                found.has_plan = true;
                found.created = created;
            }
        }
        let mut next: BTreeMap<u32, u32> = BTreeMap::new();
        for ((log, number), found) in found {
            let next = next.entry(log).or_default();
            // A stranger's file may have any number.
            logs.holes.extend((*next..number).take(8).map(|hole| (log, hole)));
            *next = number.saturating_add(1);
            if found.has_plan {
                logs.plans.push(PlanRef {
                    log,
                    number,
                    is_done: found.is_done,
                    created: found.created,
                    is_covered: false,
                });
            } else {
                logs.holes.push((log, number));
            }
        }
        Ok(logs)
    }

    fn number(&mut self, folder: &str) -> u32 {
        if let Some(number) = self.numbers.get(folder) {
            return *number;
        }
        let number = u32::try_from(self.folders.len()).unwrap_or(u32::MAX);
        self.folders.push(folder.to_owned());
        self.numbers.insert(folder.to_owned(), number);
        number
    }

    /// Returns the folder of a plan's log.
    pub(super) fn log(&self, plan: &PlanRef) -> &str {
        self.folder(plan.log)
    }

    fn folder(&self, log: u32) -> &str {
        let log = usize::try_from(log).ok().and_then(|log| self.folders.get(log));
        log.map_or("", String::as_str)
    }

    /// Returns the plan at a position.
    pub(super) fn plan(&self, position: u32) -> Option<&PlanRef> {
        self.plans.get(usize::try_from(position).ok()?)
    }

    /// Returns the logs and numbers of plans that should exist.
    pub(super) fn holes(&self) -> BTreeSet<(&str, u32)> {
        let holes = self.holes.iter();
        holes.map(|(log, number)| (self.folder(*log), *number)).collect()
    }

    /// Returns whether these logs have a plan of others.
    pub(super) fn has(&self, others: &Self, plan: &PlanRef) -> bool {
        let Some(log) = self.numbers.get(others.log(plan)) else {
            return false;
        };
        let wanted = (*log, plan.number);
        self.plans
            .binary_search_by_key(&wanted, |plan| (plan.log, plan.number))
            .is_ok()
    }
}

impl FileRef {
    pub(super) fn of(file: &File, plan: u32) -> Self {
        Self {
            name: name_hash(file.place, &file.key),
            sha256: start(&file.sha256),
            bytes: file.bytes,
            plan,
            is_found: false,
            is_damaged: false,
        }
    }

    pub(super) fn has_sha256(&self, sha256: &str) -> bool {
        self.sha256 == start(sha256)
    }
}

/// Returns the first digits of a hash as a number. What is not a hash is none that a file has.
fn start(sha256: &str) -> u64 {
    let start = sha256.get(..16).and_then(|start| u64::from_str_radix(start, 16).ok());
    start
        .filter(|start| sha256.starts_with(&hex(&start.to_be_bytes())))
        .unwrap_or_default()
}
