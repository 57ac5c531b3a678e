//! The inputs of a run: what they name, and the objects there.

use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use md5::{Digest as _, Md5};

use crate::config::{Config, LoadError};
use crate::deadline::Deadline;
use crate::storage::local::is_stream;
use crate::storage::{
    Entry, ErrorKind, Listing, Location, Options, Origin, Router, S3Prefix, SecretLocation, Storage, StorageError,
};

use super::Stop;
use super::selection::Selection;

/// Returns what the arguments name, in their order.
pub(super) fn origins(matches: &ArgMatches) -> Result<Vec<Origin>, Stop> {
    let inputs = matches.get_many::<String>("input").into_iter().flatten();
    let parse = |input: &String| {
        Origin::parse(input).ok_or_else(|| {
            Stop::Usage(format!(
                "invalid input {input}: expected a file, a directory, s3://BUCKET/PREFIX, or - for stdin"
            ))
        })
    };
    let origins = inputs.map(parse).collect::<Result<Vec<_>, _>>()?;
    let streams: Vec<String> = origins
        .iter()
        .filter(|origin| match origin {
            Origin::Stdin => true,
            Origin::Path(root) => is_stream(root),
            Origin::S3 { .. } => false,
        })
        .map(ToString::to_string)
        .collect();
    if streams.len() > 1 {
        return Err(Stop::Usage(format!(
            "{} can be read only once and have no identity of their own; name one of them, and the others in runs with other destinations",
            streams.join(", ")
        )));
    }
    Ok(origins)
}

/// Starts the storage that the inputs, the outputs, and the files and secrets of settings need: AWS only if one of them is there.
pub(super) fn storage(origins: &[Origin], config: &Config) -> Result<Router, Stop> {
    let outputs = [&config.destination, &config.quarantine];
    let mut origins = origins.iter().chain(&config.geo_databases);
    let in_aws = origins.any(Origin::needs_aws)
        || outputs.into_iter().any(Location::needs_aws)
        || config.redact_key.as_ref().is_some_and(SecretLocation::needs_aws);
    if in_aws {
        with_aws(config.storage.clone())
    } else {
        Ok(Router::local(None))
    }
}

/// Starts the storage with AWS.
pub(super) fn with_aws(options: Options) -> Result<Router, Stop> {
    Router::with_aws(options).map_err(|error| Stop::Usage(error.to_string()))
}

/// Reads the key of the redaction, if it needs one, and returns the storage with the options that depend on it.
pub(super) fn with_key(config: &mut Config, router: Router) -> Result<Router, Stop> {
    read_key(config, &router)?;
    Ok(router.with_options(config.storage.clone()))
}

/// Reads the key of the redaction, if it needs one.
pub(super) fn read_key(config: &mut Config, router: &Router) -> Result<(), Stop> {
    let read = config.read_key(|place| router.secret(place, Deadline::NONE));
    read.map_err(|error| {
        let text = error.to_string();
        if error.is_retryable() {
            Stop::Failed(text)
        } else {
            Stop::Usage(text)
        }
    })
}

/// Reads the files that settings name.
pub(super) fn load(config: &mut Config, storage: &dyn Storage) -> Result<(), Stop> {
    config.load(storage).map_err(|error| match error {
        LoadError::Storage(_) => Stop::Failed(error.to_string()),
        LoadError::Geo(_) | LoadError::NoDatabase | LoadError::NoColumn => Stop::Usage(error.to_string()),
    })
}

/// The objects of every input, in the order of the inputs; those of a directory or bucket in the order of their keys. An
/// object that is listed twice is returned once, and outputs of this run's destinations are not returned.
pub(super) struct Objects<'a> {
    listings: VecDeque<(Listing, OwnOutputs<'a>)>,
    /// Digests of the places that were returned, which take less memory than the places. `None` if no place is listed
    /// twice.
    seen: Option<BTreeSet<[u8; 16]>>,
    /// What could not be listed.
    pub(super) unlisted: Vec<StorageError>,
    /// The number of objects that are outputs.
    pub(super) own_outputs: u64,
    selection: Selection,
    /// The number of objects that are not selected.
    pub(super) unselected: u64,
}

/// Where the outputs of this run are among the objects of an input.
struct OwnOutputs<'a> {
    prefixes: Vec<&'a S3Prefix>,
    /// The places of the directories below an input directory, each followed by a separator.
    directories: Vec<Vec<u8>>,
}

impl<'a> OwnOutputs<'a> {
    fn among(origin: &Origin, outputs: [&'a Location; 2]) -> Self {
        let outputs = outputs.into_iter();
        match origin {
            Origin::S3 { .. } => Self {
                prefixes: outputs.filter_map(Location::s3_prefix).collect(),
                directories: Vec::new(),
            },
            Origin::Path(root) => {
                let root = canonical(root);
                let directories = outputs.filter_map(Location::directory).map(canonical);
                let below = directories.filter(|directory| *directory != root && directory.starts_with(&root));
                Self {
                    prefixes: Vec::new(),
                    directories: below
                        .map(|path| path.join("").into_os_string().into_encoded_bytes())
                        .collect(),
                }
            }
            Origin::Stdin => Self {
                prefixes: Vec::new(),
                directories: Vec::new(),
            },
        }
    }

    /// Returns whether an object is below a directory of outputs, or has the form of an output below a prefix of outputs.
    fn include(&self, entry: &Entry) -> bool {
        let (bucket, key) = (&entry.object.bucket, &entry.object.key);
        let mut prefixes = self.prefixes.iter();
        let mut directories = self.directories.iter();
        prefixes.any(|prefix| prefix.is_output(bucket, key))
            || directories.any(|directory| entry.place.starts_with(directory))
    }
}

/// Returns the canonical path of what may not exist yet.
pub(super) fn canonical(path: &Path) -> PathBuf {
    let exists = |path: &&Path| path.exists() || path.as_os_str().is_empty();
    let existing = path.ancestors().find(exists).unwrap_or(path);
    let current = Path::new(".");
    let named = if existing.as_os_str().is_empty() {
        current
    } else {
        existing
    };
    let missing = path.strip_prefix(existing).unwrap_or(Path::new(""));
    named
        .canonicalize()
        .map_or_else(|_| path.to_path_buf(), |found| found.join(missing))
}

/// Lists the objects of every input, as far as the first page.
pub(super) fn find<'a>(
    origins: &[Origin],
    outputs: [&'a Location; 2],
    storage: &dyn Storage,
    selection: Selection,
) -> Result<Objects<'a>, Stop> {
    let list = |origin| -> Result<_, Stop> {
        let listed = storage.list(origin, Deadline::NONE);
        let listed = listed.map_err(|error| cannot_list(origin, &error))?;
        Ok((listed, OwnOutputs::among(origin, outputs)))
    };
    let listings = origins.iter().map(list).collect::<Result<Vec<_>, _>>()?;
    Ok(Objects {
        listings: listings.into(),
        seen: (!matches!(origins, [Origin::S3 { .. }])).then(BTreeSet::new),
        unlisted: Vec::new(),
        own_outputs: 0,
        selection,
        unselected: 0,
    })
}

impl Iterator for Objects<'_> {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        loop {
            let (listing, own) = self.listings.front_mut()?;
            match listing.next() {
                None => drop(self.listings.pop_front()),
                Some(Err(error)) => self.unlisted.push(error),
                Some(Ok(entry)) if own.include(&entry) => self.own_outputs += 1,
                Some(Ok(entry)) if !self.selection.selects(&entry.object.key) => self.unselected += 1,
                Some(Ok(entry)) => {
                    let seen = self.seen.as_mut().filter(|_| !entry.place.is_empty());
                    if seen.is_none_or(|seen| seen.insert(Md5::digest(&entry.place).into())) {
                        return Some(entry);
                    }
                }
            }
        }
    }
}

/// A local path that cannot be read is a wrong argument; a bucket that cannot be listed is failed work.
fn cannot_list(origin: &Origin, error: &StorageError) -> Stop {
    match origin {
        Origin::Path(_) | Origin::Stdin => Stop::Usage(error.to_string()),
        Origin::S3 { .. } if error.kind == ErrorKind::Unsupported => Stop::Usage(error.to_string()),
        Origin::S3 { .. } => Stop::Failed(error.to_string()),
    }
}
