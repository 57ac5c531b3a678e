//! S3: reading and listing log objects, writing outputs.
//!
//! ```text
//! S3 ---> S3Body: one version, ---> engine ---> StagedObject: memory or file ---> S3
//!         every byte once,                      up to one part a create-only PUT,
//!         resumed with Range                    above it a multipart upload,
//!         and If-Match                          completed create-only
//! ```

mod aborts;
mod access;
mod body;
mod bucket;
mod buffer;
mod files;
mod list;
mod metadata;
mod sink;
mod source;
mod staged;
mod store;

use std::sync::Arc;

use crate::deadline::Deadline;

use super::aws::Clients;
use super::{
    ErrorKind, Listing, Location, Operation, Origin, Queue, QueueUrl, S3Prefix, S3ReadOptions, S3WriteOptions, Sink,
    Source, Storage, StorageError, Store,
};

use access::ReadAccess;
use bucket::OutputBucket;
use buffer::MemoryBudget;
use list::ObjectListing;
use sink::S3Sink;
use source::S3Source;
use store::S3Store;

pub use metadata::{METADATA, MetadataName};

/// The S3 storage.
#[derive(Debug, Clone)]
pub struct S3 {
    clients: Clients,
    read: S3ReadOptions,
    write: S3WriteOptions,
    /// The memory of the staged outputs of all objects together.
    budget: MemoryBudget,
}

impl S3 {
    /// Creates the storage that these clients reach.
    pub fn new(clients: Clients, read: S3ReadOptions, write: S3WriteOptions) -> Self {
        let budget = MemoryBudget::new(clients.tuning().memory);
        Self {
            clients,
            read,
            write,
            budget,
        }
    }

    fn read_access(&self, deadline: Deadline) -> ReadAccess {
        ReadAccess::new(self.clients.clone(), self.read.clone(), deadline)
    }
}

impl Storage for S3 {
    fn source(&self, deadline: Deadline) -> Box<dyn Source> {
        Box::new(S3Source::new(self.read_access(deadline)))
    }

    fn sink(&self, location: &Location, deadline: Deadline) -> Result<Box<dyn Sink>, StorageError> {
        match location {
            Location::S3(place) => {
                let bucket = OutputBucket::new(self.clients.clone(), &place.bucket, self.write.clone(), deadline);
                Ok(Box::new(S3Sink::new(bucket, &place.prefix, self.budget.clone())))
            }
            Location::Directory(_) | Location::Stdout | Location::Firehose { .. } => {
                Err(unsupported(Operation::Write, location))
            }
        }
    }

    fn store(&self, location: &Location, deadline: Deadline) -> Result<Arc<dyn Store>, StorageError> {
        match location {
            Location::S3(place) => {
                let options = S3WriteOptions {
                    overwrite: false,
                    ..self.write.clone()
                };
                let bucket = OutputBucket::new(self.clients.clone(), &place.bucket, options, deadline);
                Ok(Arc::new(S3Store::new(bucket, &place.prefix)))
            }
            Location::Directory(_) | Location::Stdout | Location::Firehose { .. } => {
                Err(unsupported(Operation::Write, location))
            }
        }
    }

    fn queue(&self, url: &QueueUrl, _deadline: Deadline) -> Result<Box<dyn Queue>, StorageError> {
        Err(unsupported(Operation::Send, url))
    }

    fn folders(&self, prefix: &S3Prefix, deadline: Deadline) -> Result<Vec<String>, StorageError> {
        list::folders(&self.read_access(deadline), prefix)
    }

    fn list(&self, origin: &Origin, deadline: Deadline) -> Result<Listing, StorageError> {
        match origin {
            Origin::S3 { bucket, key } => {
                let access = self.read_access(deadline);
                let source: Arc<dyn Source> = Arc::new(S3Source::new(access.clone()));
                Ok(Box::new(ObjectListing::open(access, source, bucket, key)?))
            }
            Origin::Path(_) | Origin::Stdin => Err(unsupported(Operation::List, origin)),
        }
    }
}

fn unsupported(operation: Operation, place: &impl ToString) -> StorageError {
    let message = "this is not a place in S3; name s3://BUCKET/PREFIX";
    StorageError::new(operation, place.to_string(), ErrorKind::Unsupported, message)
}
