//! S3 as the place that objects are read from.

use aws_sdk_s3::types::RequestPayer;

use crate::config::StorageOptions;
use crate::deadline::Deadline;
use crate::source::{Body, Cause, Source, SourceError};
use crate::trigger::ObjectRequest;

use super::Clients;
use super::body::S3Body;
use super::errors::{Action, Failure, Place};

/// Buckets to read from, as the settings say they are read.
#[derive(Debug, Clone)]
pub(super) struct S3Source {
    clients: Clients,
    deadline: Deadline,
    requester_pays: bool,
    owner: Option<String>,
}

impl S3Source {
    pub(super) fn new(clients: Clients, options: &StorageOptions, deadline: Deadline) -> Self {
        Self {
            clients,
            deadline,
            requester_pays: options.requester_pays,
            owner: options.source_owner.clone(),
        }
    }

    pub(super) const fn clients(&self) -> &Clients {
        &self.clients
    }

    pub(super) const fn deadline(&self) -> Deadline {
        self.deadline
    }

    pub(super) fn owner(&self) -> Option<String> {
        self.owner.clone()
    }

    pub(super) fn payer(&self) -> Option<RequestPayer> {
        self.requester_pays.then_some(RequestPayer::Requester)
    }

    /// The error of a read.
    pub(super) fn error(
        &self,
        action: Action,
        bucket: &str,
        key: &str,
        versioned: bool,
        failure: &Failure,
    ) -> SourceError {
        failure.of_source(Place {
            action,
            bucket,
            key,
            versioned,
            requester_pays: self.requester_pays,
            owner: self.owner.as_deref(),
            region: self.clients.region(),
        })
    }
}

impl Source for S3Source {
    fn open(&self, object: &ObjectRequest) -> Result<Box<dyn Body>, SourceError> {
        let first = S3Body::open(self.clone(), object, &object.key);
        let other = object.alternative_key.as_ref();
        let body = match (first, other) {
            (Err(missing), Some(other)) if missing.cause == Cause::Missing => {
                match S3Body::open(self.clone(), object, other) {
                    // Neither is there: the error is about the name that was more likely meant.
                    Err(error) if error.cause == Cause::Missing => Err(missing),
                    found => found,
                }
            }
            (first, _) => first,
        };
        Ok(Box::new(body?))
    }
}
