//! Local storage: files, directories, stdin and stdout, and a directory in place of S3 buckets.

mod body;
mod buckets;
mod directory;
mod files;
mod path;
mod queue;
mod secret;
mod session;
mod stdout;
mod store;

use std::path::PathBuf;
use std::sync::Arc;

use crate::deadline::Deadline;

use super::{
    ErrorKind, Listing, Location, Operation, Origin, Queue, QueueUrl, S3Prefix, Sink, Source, Storage, StorageError,
    Store,
};

use buckets::Buckets;
pub use directory::Directory;
pub use files::is_stream;
use queue::DirectoryQueue;
pub(super) use secret::read as read_secret;
pub use stdout::Stdout;
use store::DirectoryStore;

/// The local storage. With a bucket root, each directory in it is a bucket of that name, and the whole function works
/// without AWS; without one, there are no buckets.
#[derive(Debug, Clone, Default)]
pub struct Local {
    buckets: Buckets,
}

impl Local {
    /// Creates the local storage, with the directories in `bucket_root` as buckets.
    pub const fn new(bucket_root: Option<PathBuf>) -> Self {
        Self {
            buckets: Buckets::new(bucket_root),
        }
    }
}

impl Storage for Local {
    /// Returns the buckets below the bucket root. Files that a listing found have sources of their own.
    fn source(&self, _deadline: Deadline) -> Box<dyn Source> {
        Box::new(self.buckets.clone())
    }

    fn sink(&self, location: &Location, _deadline: Deadline) -> Result<Box<dyn Sink>, StorageError> {
        match location {
            Location::Directory(path) => Ok(Box::new(Directory::new(path.clone()))),
            Location::Stdout => Ok(Box::new(Stdout::open()?)),
            Location::S3(prefix) => match self.buckets.directory(prefix) {
                Ok(path) => Ok(Box::new(Directory::new(path))),
                Err(message) => Err(unsupported(Operation::Write, location, message)),
            },
            Location::Firehose { .. } => Err(unsupported(
                Operation::Write,
                location,
                "there are no streams without AWS; name a directory",
            )),
        }
    }

    fn store(&self, location: &Location, _deadline: Deadline) -> Result<Arc<dyn Store>, StorageError> {
        let path = match location {
            Location::Directory(path) => path.clone(),
            Location::S3(prefix) => self
                .buckets
                .directory(prefix)
                .map_err(|message| unsupported(Operation::Write, location, message))?,
            Location::Stdout | Location::Firehose { .. } => {
                let message = "it does not hold files; name a directory or s3://BUCKET/PREFIX";
                return Err(unsupported(Operation::Write, location, message));
            }
        };
        Ok(Arc::new(DirectoryStore::new(path.clone(), Directory::new(path))))
    }

    fn queue(&self, url: &QueueUrl, _deadline: Deadline) -> Result<Box<dyn Queue>, StorageError> {
        match url {
            QueueUrl::Directory(path) => Ok(Box::new(DirectoryQueue::new(path.clone()))),
            QueueUrl::Sqs(_) => Err(unsupported(
                Operation::Send,
                url,
                "there are no queues without AWS; name a directory as file:///DIR",
            )),
        }
    }

    fn folders(&self, prefix: &S3Prefix, _deadline: Deadline) -> Result<Vec<String>, StorageError> {
        self.buckets.folders(prefix)
    }

    fn list(&self, origin: &Origin, _deadline: Deadline) -> Result<Listing, StorageError> {
        match origin {
            Origin::Path(root) => files::list(root),
            Origin::Stdin => Ok(files::stdin()),
            Origin::S3 { bucket, key } => self.buckets.list(bucket, key),
        }
    }
}

fn unsupported(operation: Operation, place: &impl ToString, message: &str) -> StorageError {
    StorageError::new(operation, place.to_string(), ErrorKind::Unsupported, message)
}
