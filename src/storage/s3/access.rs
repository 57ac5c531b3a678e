//! Access to the buckets that are read.

use aws_sdk_s3::types::RequestPayer;

use crate::deadline::Deadline;
use crate::storage::aws::Clients;
use crate::storage::aws::error::{Context, Failure, Resource};
use crate::storage::{Operation, S3ReadOptions, StorageError};

/// What every request to a bucket that is read needs.
#[derive(Debug, Clone)]
pub(super) struct ReadAccess {
    clients: Clients,
    options: S3ReadOptions,
    deadline: Deadline,
}

impl ReadAccess {
    pub(super) const fn new(clients: Clients, options: S3ReadOptions, deadline: Deadline) -> Self {
        Self {
            clients,
            options,
            deadline,
        }
    }

    pub(super) const fn clients(&self) -> &Clients {
        &self.clients
    }

    pub(super) const fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// Returns the account that must own the bucket, as a request names it.
    pub(super) fn owner(&self) -> Option<String> {
        self.options.owner.clone()
    }

    /// Returns who pays, as a request names it.
    pub(super) fn payer(&self) -> Option<RequestPayer> {
        self.options.requester_pays.then_some(RequestPayer::Requester)
    }

    /// Returns the error of a failed read or listing.
    pub(super) fn error(
        &self,
        operation: Operation,
        (bucket, key): (&str, &str),
        versioned: bool,
        failure: &Failure,
    ) -> StorageError {
        failure.to_error(&Context {
            operation,
            resource: Resource::Object {
                bucket,
                key,
                versioned,
                requester_pays: self.options.requester_pays,
                owner: self.options.owner.as_deref(),
            },
            region: self.clients.region(),
        })
    }
}
