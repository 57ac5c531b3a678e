//! A prefix of a bucket as a sink.

use crate::object::ObjectRef;
use crate::storage::{Sink, Staged, StorageError};

use super::bucket::OutputBucket;
use super::buffer::MemoryBudget;
use super::staged::StagedObject;

/// A prefix of a bucket. [`StagedObject`] describes how an output gets there.
#[derive(Debug)]
pub(super) struct S3Sink {
    bucket: OutputBucket,
    prefix: String,
    budget: MemoryBudget,
}

impl S3Sink {
    pub(super) fn new(bucket: OutputBucket, prefix: &str, budget: MemoryBudget) -> Self {
        Self {
            bucket,
            prefix: prefix.to_owned(),
            budget,
        }
    }
}

impl Sink for S3Sink {
    fn stage(&self, key: &str, source: &ObjectRef) -> Result<Box<dyn Staged>, StorageError> {
        let key = format!("{}{key}", self.prefix);
        let staged = StagedObject::new(self.bucket.clone(), &self.budget, key, source.clone());
        Ok(Box::new(staged))
    }

    fn event_limit(&self) -> Option<usize> {
        None
    }
}
