//! The seam to where objects lie and outputs go: AWS, or folders in its place.

use crate::config::{Location, StorageOptions};
use crate::deadline::Deadline;
use crate::ingest::Destination;
use crate::source::Source;

/// Where objects lie and outputs go. Made once, and asked for its ends at each invocation, which has its own deadline.
pub trait World: Send + Sync {
    /// The place that objects are read from, as the settings say it is read.
    fn source(&self, options: &StorageOptions, deadline: Deadline) -> Box<dyn Source>;

    /// The place that outputs go to, as the settings say it is written.
    ///
    /// # Errors
    /// This world has no such place.
    fn destination(
        &self,
        location: &Location,
        options: &StorageOptions,
        deadline: Deadline,
    ) -> Result<Box<dyn Destination>, NoSuchPlace>;
}

/// A place that this world does not have.
#[derive(Debug, thiserror::Error)]
#[error("{location}: {why}")]
pub struct NoSuchPlace {
    /// The place.
    pub location: Location,
    /// Why it is not there, and what to do about it.
    pub why: &'static str,
}
