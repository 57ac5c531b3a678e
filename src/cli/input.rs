//! The inputs of a run: what they name, and the objects there.

use std::path::Path;

use clap::ArgMatches;

use crate::deadline::Deadline;
use crate::storage::{Entry, ErrorKind, Location, Options, Origin, Router, Storage, StorageError};

use super::Stop;

/// Returns what the arguments name, in their order. Output directories below an input directory are not inputs.
pub(super) fn origins(matches: &ArgMatches, outputs: [&Location; 2]) -> Result<Vec<Origin>, Stop> {
    let except: Vec<&Path> = outputs.into_iter().filter_map(Location::directory).collect();
    let inputs = matches.get_many::<String>("input").into_iter().flatten();
    let parse = |input: &String| {
        Origin::parse(input, &except).ok_or_else(|| {
            Stop::Usage(format!(
                "invalid input {input}: expected a file, a directory, s3://BUCKET/PREFIX, or - for stdin"
            ))
        })
    };
    inputs.map(parse).collect()
}

/// Starts the storage that the inputs and outputs need: AWS only if one of them is there.
pub(super) fn storage(origins: &[Origin], outputs: [&Location; 2], options: Options) -> Result<Router, Stop> {
    if origins.iter().any(Origin::needs_aws) || outputs.into_iter().any(Location::needs_aws) {
        Router::with_aws(options).map_err(|error| Stop::Usage(error.to_string()))
    } else {
        Ok(Router::local(None))
    }
}

/// Returns the objects of every input, in the order of the inputs; those of a directory or bucket in the order of their
/// keys.
pub(super) fn find(origins: &[Origin], storage: &dyn Storage) -> Result<Vec<Entry>, Stop> {
    let mut objects = Vec::new();
    for origin in origins {
        let listed = storage
            .list(origin, Deadline::NONE)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>);
        objects.extend(listed.map_err(|error| cannot_list(origin, &error))?);
    }
    Ok(objects)
}

/// A local path that cannot be read is a wrong argument; a bucket that cannot be listed is failed work.
fn cannot_list(origin: &Origin, error: &StorageError) -> Stop {
    match origin {
        Origin::Path { .. } | Origin::Stdin => Stop::Usage(format!("cannot read {origin}: {}", error.message)),
        Origin::S3 { .. } if error.kind == ErrorKind::Unsupported => Stop::Usage(error.to_string()),
        Origin::S3 { .. } => Stop::Failed(error.to_string()),
    }
}
