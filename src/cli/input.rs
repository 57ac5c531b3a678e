//! The objects that a run reads: local ones, and those of buckets.

use std::path::{Path, PathBuf};

use crate::config::{Location, StorageOptions};
use crate::ingest::{Ingest, IngestError, Ledger, Outcome, Problem, Target, ingest_open};
use crate::local::{LocalObject, walk};
use crate::object::ObjectRef;
use crate::source::Source;
use crate::trigger::ObjectRequest;

use super::Stop;
use super::world::Ends;

/// An object that is not read yet.
#[derive(Debug, Clone)]
pub(super) enum Input {
    /// A file, or stdin.
    Local(LocalObject),
    /// An object of a bucket.
    Remote(ObjectRequest),
}

/// The objects of every input, in the order of the inputs; those of a folder or bucket in the order of their keys.
pub(super) fn find(
    inputs: &[PathBuf],
    outputs: [&Location; 2],
    ends: &Ends,
    options: &StorageOptions,
) -> Result<Vec<Input>, Stop> {
    let folder = |location: &Location| match location {
        Location::Directory(path) => Some(path.clone()),
        Location::Stdout | Location::S3(_) | Location::Firehose { .. } => None,
    };
    let outputs: Vec<PathBuf> = outputs.into_iter().filter_map(folder).collect();
    let except: Vec<&Path> = outputs.iter().map(PathBuf::as_path).collect();
    let mut objects = Vec::new();
    for input in inputs {
        match input.to_str().and_then(|text| text.split_once("://")) {
            Some(("s3", place)) => {
                let listed = ends.list(place, options)?;
                objects.extend(listed.into_iter().map(Input::Remote));
            }
            Some(_) => {
                let text = format!(
                    "{} is no input; name a file, a folder, s3://BUCKET/PREFIX, or - for stdin",
                    input.display()
                );
                return Err(Stop::Usage(text));
            }
            None => {
                let found = walk(input, &except);
                let found = found.map_err(|error| Stop::Usage(format!("cannot read {}: {error}", input.display())))?;
                objects.extend(found.into_iter().map(Input::Local));
            }
        }
    }
    Ok(objects)
}

/// Whether an input or an output lies in AWS.
pub(super) fn needs_aws(inputs: &[PathBuf], outputs: [&Location; 2]) -> bool {
    let remote = |input: &PathBuf| input.to_str().is_some_and(|text| text.starts_with("s3://"));
    inputs.iter().any(remote)
        || outputs
            .into_iter()
            .any(|place| matches!(place, Location::S3(_) | Location::Firehose { .. }))
}

impl Input {
    /// The object's key.
    pub(super) fn key(&self) -> &str {
        match self {
            Self::Local(object) => &object.key,
            Self::Remote(object) => &object.key,
        }
    }

    /// Its length in bytes, as far as it is known.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::Local(object) => object.bytes,
            Self::Remote(object) => object.size.unwrap_or(0),
        }
    }

    /// The object before its version is known.
    pub(super) fn unidentified(&self) -> ObjectRef {
        let (bucket, key) = match self {
            Self::Local(object) => (&object.bucket, &object.key),
            Self::Remote(object) => (&object.bucket, &object.key),
        };
        ObjectRef {
            bucket: bucket.clone(),
            key: key.clone(),
            version: String::new(),
        }
    }

    /// Ingests the object; `progress` is told of each piece of it.
    pub(super) fn ingest(
        &self,
        source: &dyn Source,
        target: Target<'_>,
        two_threads: bool,
        progress: impl Fn(u64),
    ) -> Result<Outcome, IngestError> {
        match self {
            Self::Local(object) => self.ingest_file(object, target, two_threads, progress),
            Self::Remote(object) => self.ingest_remote(object, source, target, two_threads, progress),
        }
    }

    fn ingest_file(
        &self,
        object: &LocalObject,
        target: Target<'_>,
        two_threads: bool,
        progress: impl Fn(u64),
    ) -> Result<Outcome, IngestError> {
        let fail = |error| Problem::Source(error).of(&self.unidentified());
        let identity = object.identify().map_err(fail)?;
        let mut ingest = match Ingest::begin(identity.clone(), target) {
            Ok(ingest) if two_threads => ingest.on_two_threads(),
            Ok(ingest) => ingest,
            Err(skip) => return Ok(Outcome::Skipped(skip, Ledger::default())),
        };
        object
            .read(|chunk| {
                progress(chunk.len() as u64);
                ingest.push(chunk).map_err(ReadOr::Ingest)
            })
            .map_err(|error| match error {
                ReadOr::Read(error) => Problem::Source(error).of(&identity),
                ReadOr::Ingest(error) => error,
            })?;
        ingest.finish()
    }

    fn ingest_remote(
        &self,
        object: &ObjectRequest,
        source: &dyn Source,
        target: Target<'_>,
        two_threads: bool,
        progress: impl Fn(u64),
    ) -> Result<Outcome, IngestError> {
        if let Some(skip) = target.options.skip_unread(&object.key) {
            return Ok(Outcome::Skipped(skip, Ledger::default()));
        }
        let body = source
            .open(object)
            .map_err(|error| Problem::Unreadable(error).of(&self.unidentified()))?;
        let ingested = ingest_open(body, target, two_threads, |bytes| {
            progress(bytes as u64);
            Ok(())
        });
        ingested.map(|(_, outcome)| outcome)
    }
}

/// An error of the file, or of what is done with its bytes.
enum ReadOr {
    Read(std::io::Error),
    Ingest(IngestError),
}

impl From<std::io::Error> for ReadOr {
    fn from(error: std::io::Error) -> Self {
        Self::Read(error)
    }
}
