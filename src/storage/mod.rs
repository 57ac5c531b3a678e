//! Storage: reading, listing and writing objects, wherever they are.
//!
//! The engine knows objects only through the traits of this module. A [`Storage`] is built once per process. It returns
//! a [`Source`], which opens objects, and [`Sink`]s, which take outputs, for each piece of work with a deadline; it
//! also lists the objects of an [`Origin`]. Every operation fails with a [`StorageError`].
//!
//! The implementations are [`local`] (files, directories, stdin, stdout) and, behind the feature `aws`, `s3` and
//! `firehose`. The [`Router`] chooses among them by [`Location`].

#[cfg(feature = "aws")]
pub mod aws;
pub mod confirmation;
mod error;
#[cfg(feature = "aws")]
pub mod firehose;
pub mod local;
mod location;
mod options;
mod queue;
#[cfg(feature = "aws")]
mod retry;
mod router;
#[cfg(feature = "aws")]
pub mod s3;
mod secret;
mod sink;
mod source;
#[cfg(feature = "aws")]
mod sqs;
mod store;
mod temporary;
mod whole;

pub use error::{ErrorKind, Operation, StorageError};
pub use location::{Location, Origin, S3Prefix, is_bucket_name};
pub use options::{
    FirehoseOptions, FirehoseRecords, MIN_FIREHOSE_BYTES_PER_SECOND, Options, S3ReadOptions, S3WriteOptions,
};
pub use queue::{Queue, QueueUrl};
#[cfg(feature = "aws")]
pub use retry::RetryPolicy;
pub use router::{Router, StartError};
pub use secret::SecretLocation;
pub use sink::{Committed, Existing, ReadSeek, Sink, Staged};
pub use source::{Body, Entry, Listing, Source};
pub use store::{Creation, Files, OpenFile, Publication, Record, StagedName, Store, StoredFile};
pub use whole::read_whole;

use std::sync::Arc;

use crate::deadline::Deadline;

/// A place that objects are read from, listed in, and written to.
///
/// Methods are called from any thread that does not drive an async runtime: an implementation may block.
pub trait Storage: Send + Sync {
    /// Returns the source of objects that are requested by bucket and key. Called once per invocation; nothing is read
    /// yet. No request of the source continues past the deadline.
    fn source(&self, deadline: Deadline) -> Box<dyn Source>;

    /// Returns the sink at a location. Called once per invocation for the events and once for the quarantine; nothing
    /// is written yet. No request of the sink continues past the deadline.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if this storage does not serve the location. It never succeeds later.
    fn sink(&self, location: &Location, deadline: Deadline) -> Result<Box<dyn Sink>, StorageError>;

    /// Returns the store of small files at a location that holds files. No request of the store continues past the deadline.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if this storage does not serve the location, or it does not hold files.
    fn store(&self, location: &Location, deadline: Deadline) -> Result<Arc<dyn Store>, StorageError>;

    /// Returns a queue. No call to it continues past the deadline.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if this storage does not serve it.
    fn queue(&self, url: &QueueUrl, deadline: Deadline) -> Result<Box<dyn Queue>, StorageError>;

    /// Returns the names of the folders directly below a prefix of a bucket, in order, without a slash at their end.
    ///
    /// # Errors
    /// The bucket does not exist or cannot be listed. [`ErrorKind::Unsupported`] if this storage has no buckets.
    fn folders(&self, prefix: &S3Prefix, deadline: Deadline) -> Result<Vec<String>, StorageError>;

    /// Lists the objects of an origin in the order of their keys. Called once per input of the command line, before
    /// anything is read, and for a folder that the function merges.
    ///
    /// # Errors
    /// The origin does not exist or cannot be listed. [`ErrorKind::Unsupported`] if this storage does not serve it.
    fn list(&self, origin: &Origin, deadline: Deadline) -> Result<Listing, StorageError>;
}
