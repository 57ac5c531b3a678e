//! `alb-ingest run --merge`: the objects of the inputs, folder by folder.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::ProgressBar;

use crate::config::{Config, MergeConfig};
use crate::deadline::Deadline;
use crate::ingest::{IngestError, MergeOptions, Pool, Problem};
use crate::layout::Layout;
use crate::merge::{Candidate, Earliest, Failure, Folder, FolderObjects, Progress, Worker};
use crate::object::{Identity, ObjectRequest};
use crate::storage::{Body, Entry, ErrorKind, Operation, Source, Storage, StorageError};

use super::Stop;
use super::totals::Totals;

/// The number of threads that read the small objects of a folder ahead.
const READERS: usize = 16;
/// The maximum number of bytes that are read ahead for a folder.
const PREFETCH_BYTES: usize = 8 * 1024 * 1024;

/// The objects of a folder, as the inputs list them.
struct ListedFolder {
    folder: Folder,
    objects: Vec<Listed>,
    /// Objects whose identity cannot be read.
    unreadable: Mutex<Vec<IngestError>>,
}

/// A listed object, without what all objects of the folder share: there may be very many.
struct Listed {
    /// The part of its key after the folder.
    name: String,
    etag: Option<String>,
    bytes: Option<u64>,
    source: Arc<dyn Source>,
}

/// What looking at a folder needs and gives.
struct Run<'a> {
    worker: Worker<'a>,
    totals: &'a Mutex<Totals>,
    bar: &'a ProgressBar,
}

/// Merges the objects of the inputs, and adds what came of them to the totals.
pub(super) fn merge(
    config: &Config,
    merge: MergeConfig,
    layout: &Layout,
    storage: &dyn Storage,
    objects: &mut impl Iterator<Item = Entry>,
    (jobs, bar): (usize, &ProgressBar),
    now: i64,
) -> Result<Totals, Stop> {
    let store = |location| {
        let store = storage.store(location, Deadline::NONE);
        store.map_err(|error| Stop::Usage(error.to_string()))
    };
    let totals = Mutex::new(Totals::default());
    let run = Run {
        worker: Worker {
            options: &config.ingest,
            layout: layout.fingerprint(),
            events: store(&config.destination)?,
            quarantine: store(&config.quarantine)?,
            limits: merge.limits,
            reading: MergeOptions {
                deadline: Deadline::NONE,
                readers: READERS,
                prefetch_bytes: PREFETCH_BYTES,
            },
            now,
        },
        totals: &totals,
        bar,
    };
    let mut open = BTreeMap::new();
    let mut complete = Vec::new();
    for entry in objects {
        if let Some(skip) = config.ingest.skip_unread(&entry.object.key) {
            run.with_totals(|totals| totals.skip(skip));
            continue;
        }
        bar.inc_length(entry.object.size.unwrap_or_default());
        let folder = add(entry, &mut open, &mut complete);
        close(&folder, &mut open, &mut complete);
        if complete.len() >= 2 * jobs {
            run.look_at(&mut complete, jobs);
        }
    }
    complete.extend(open.into_values());
    run.look_at(&mut complete, jobs);
    drop(run);
    Ok(totals.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// Adds an object to its folder, and returns the folder. The objects of a listed folder are in the order of their names; another
/// input that names the same folder begins a new one.
fn add(entry: Entry, open: &mut BTreeMap<Folder, ListedFolder>, complete: &mut Vec<ListedFolder>) -> Folder {
    let (folder, name) = Folder::of(&entry.object.bucket, &entry.object.key);
    let last = open.get(&folder).and_then(|listed| listed.objects.last());
    if last.is_some_and(|last| last.name.as_str() >= name) {
        complete.extend(open.remove(&folder));
    }
    let listed = open.entry(folder.clone()).or_insert_with(|| ListedFolder {
        folder: folder.clone(),
        objects: Vec::new(),
        unreadable: Mutex::default(),
    });
    listed.objects.push(Listed {
        name: name.to_owned(),
        etag: entry.object.etag,
        bytes: entry.object.size,
        source: entry.source,
    });
    folder
}

/// Moves the folders that are complete. Objects are listed in the order of their keys, so a folder ends where keys no longer
/// begin with it.
fn close(current: &Folder, open: &mut BTreeMap<Folder, ListedFolder>, complete: &mut Vec<ListedFolder>) {
    let is_complete = |folder: &Folder| folder.bucket != current.bucket || !current.prefix.starts_with(&folder.prefix);
    let ended: Vec<_> = open.keys().filter(|folder| is_complete(folder)).cloned().collect();
    complete.extend(ended.iter().filter_map(|folder| open.remove(folder)));
}

impl Run<'_> {
    fn with_totals<T>(&self, change: impl FnOnce(&mut Totals) -> T) -> T {
        change(&mut self.totals.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at folders, several at a time.
    fn look_at(&self, folders: &mut Vec<ListedFolder>, jobs: usize) {
        let pool = Pool {
            threads: jobs,
            deadline: Deadline::NONE,
        };
        let failures = pool.run(
            folders,
            |folder| self.look(folder),
            |_, _| vec![Failure::permanent(Problem::Panic.to_string())],
        );
        for (listed, failures) in folders.iter().zip(failures) {
            let unreadable = std::mem::take(&mut *listed.unreadable.lock().unwrap_or_else(PoisonError::into_inner));
            self.with_totals(|totals| {
                totals.failed.extend(unreadable);
                totals
                    .failed_folders
                    .extend(failures.into_iter().map(|failure| (listed.folder.clone(), failure)));
            });
        }
        folders.clear();
    }

    fn look(&self, listed: &ListedFolder) -> Vec<Failure> {
        self.bar.set_message(listed.folder.to_string());
        let members = AtomicUsize::new(0);
        let progress = |progress: Progress<'_>| match progress {
            Progress::Read(bytes) => self.bar.inc(bytes as u64),
            Progress::Member { object, outcome } => {
                members.fetch_add(1, Ordering::Relaxed);
                self.with_totals(|totals| totals.add(&object.key, outcome.into_result()));
            }
            Progress::Committed { .. } => self.with_totals(|totals| totals.plans += 1),
            Progress::Published { plan, written, .. } => self.with_totals(|totals| totals.published(plan, written)),
        };
        let looked = self.worker.look(&listed.folder, listed, false, &progress);
        let members = members.into_inner();
        let unreadable = listed.unreadable.lock().unwrap_or_else(PoisonError::into_inner).len();
        let not_planned = members + looked.left_out + looked.remaining + unreadable;
        let planned = listed.objects.len().saturating_sub(not_planned);
        self.with_totals(|totals| {
            totals.merged_before += planned as u64;
            totals.left_out += looked.left_out as u64;
        });
        looked.failures
    }
}

impl ListedFolder {
    /// Returns an object as it was listed.
    fn entry(&self, listed: &Listed) -> Entry {
        Entry {
            object: self.folder.request(&listed.name, listed.etag.as_deref(), listed.bytes),
            place: Vec::new(),
            source: Arc::clone(&listed.source),
        }
    }
}

impl FolderObjects for ListedFolder {
    fn list(&self, is_planned: &dyn Fn(&Identity) -> bool) -> Result<(Vec<Candidate>, bool), StorageError> {
        let mut earliest = Earliest::default();
        let mut unreadable = Vec::new();
        for listed in &self.objects {
            let entry = self.entry(listed);
            match entry.etag() {
                Ok(etag) => {
                    let bytes = listed.bytes.unwrap_or_default();
                    let candidate = Candidate::of(&self.folder, &listed.name, &etag, bytes);
                    if !is_planned(&candidate.identity) {
                        earliest.add(candidate);
                    }
                }
                Err(error) => unreadable.push(Problem::Unreadable(error).of(&entry.object.unidentified())),
            }
        }
        // A second listing finds them again.
        *self.unreadable.lock().unwrap_or_else(PoisonError::into_inner) = unreadable;
        Ok(earliest.into_sorted())
    }

    fn source(&self, key: &str) -> &dyn Source {
        let found = self.objects.binary_search_by(|listed| listed.name.as_str().cmp(key));
        let listed = found.ok().and_then(|at| self.objects.get(at));
        listed.map_or(&Nothing as &dyn Source, |listed| listed.source.as_ref())
    }
}

/// A source without objects: that of a plan's member that is not listed any more.
struct Nothing;

impl Source for Nothing {
    fn open(&self, object: &ObjectRequest) -> Result<Box<dyn Body>, StorageError> {
        let place = object.unidentified().to_string();
        Err(StorageError::new(
            Operation::Read,
            place,
            ErrorKind::NotFound,
            "it is not among the inputs of this run",
        ))
    }
}
