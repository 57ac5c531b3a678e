//! S3 as a source of objects.

use crate::object::ObjectRequest;
use crate::storage::{Body, ErrorKind, Source, StorageError};

use super::access::ReadAccess;
use super::body::S3Body;

/// The buckets that the options allow to read.
#[derive(Debug, Clone)]
pub(super) struct S3Source {
    access: ReadAccess,
}

impl S3Source {
    pub(super) const fn new(access: ReadAccess) -> Self {
        Self { access }
    }
}

impl Source for S3Source {
    fn open(&self, object: &ObjectRequest) -> Result<Box<dyn Body>, StorageError> {
        let open = |key| S3Body::open(self.access.clone(), object, key);
        let body = match (open(&object.key), &object.alternative_key) {
            (Err(missing), Some(other)) if missing.kind == ErrorKind::NotFound => match open(other) {
                // Neither exists: the error is about the more likely name.
                Err(error) if error.kind == ErrorKind::NotFound => Err(missing),
                opened => opened,
            },
            (opened, _) => opened,
        };
        Ok(Box::new(body?))
    }
}
