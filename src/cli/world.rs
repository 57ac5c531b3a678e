//! The world that a command works in.

use std::path::PathBuf;

use crate::local::Folders;
use crate::world::World;

use super::Stop;

/// What a command needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ends {
    /// Folders, those below the root in the place of buckets.
    Folders(Option<PathBuf>),
    /// Buckets of S3.
    Buckets,
}

/// The world with these ends.
pub(super) fn open(ends: Ends) -> Result<Box<dyn World>, Stop> {
    match ends {
        Ends::Folders(root) => Ok(Box::new(Folders::new(root))),
        Ends::Buckets => buckets(),
    }
}

#[cfg(feature = "aws")]
fn buckets() -> Result<Box<dyn World>, Stop> {
    Err(Stop::Usage("not yet".to_owned()))
}

#[cfg(not(feature = "aws"))]
fn buckets() -> Result<Box<dyn World>, Stop> {
    Err(Stop::Usage(
        "this build knows no S3; build it with the feature aws, or name folders in the place of buckets with --bucket-root"
            .to_owned(),
    ))
}
