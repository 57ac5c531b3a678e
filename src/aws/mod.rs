//! AWS: objects out of S3, outputs into S3.
//!
//! The engine is synchronous and works on threads of its own; the SDK is not. Each call waits here, on the runtime that
//! [`Clients`] were made in, and so must not be made by a thread that drives a runtime: the function's handler runs the
//! engine on threads for blocking work, the command line has a [`Background`].

mod background;
mod body;
mod buffer;
mod clients;
mod destination;
mod errors;
pub mod firehose;
mod list;
mod metadata;
mod source;
mod staged;

pub use background::Background;
pub use clients::{Clients, ConfigError, Tuning};
pub use list::Listing;
pub use metadata::{METADATA, MetadataName};

use crate::config::{Location, StorageOptions};
use crate::deadline::Deadline;
use crate::ingest::Destination;
use crate::source::Source;
use crate::world::{NoSuchPlace, World};

use buffer::Budget;
use destination::S3Destination;
use source::S3Source;

/// The world of AWS.
#[derive(Debug, Clone)]
pub struct AwsWorld {
    clients: Clients,
    /// The memory of the outputs that are staged, of all objects together.
    budget: Budget,
}

impl AwsWorld {
    /// The world that these clients reach.
    pub fn new(clients: Clients) -> Self {
        let budget = Budget::new(clients.tuning().memory);
        Self { clients, budget }
    }

    /// The objects at a place: the one of exactly this key, or else those below it, in the order of their keys.
    ///
    /// # Errors
    /// The bucket cannot be asked. Pages behind the first are asked for on the way, and fail there.
    pub fn list(
        &self,
        bucket: &str,
        place: &str,
        options: &StorageOptions,
        deadline: Deadline,
    ) -> Result<Listing, crate::source::SourceError> {
        Listing::open(S3Source::new(self.clients.clone(), options, deadline), bucket, place)
    }
}

impl World for AwsWorld {
    fn source(&self, options: &StorageOptions, deadline: Deadline) -> Box<dyn Source> {
        Box::new(S3Source::new(self.clients.clone(), options, deadline))
    }

    fn destination(
        &self,
        location: &Location,
        options: &StorageOptions,
        deadline: Deadline,
    ) -> Result<Box<dyn Destination>, NoSuchPlace> {
        match location {
            Location::S3(place) => Ok(Box::new(S3Destination::new(
                self.clients.clone(),
                self.budget.clone(),
                place,
                options,
                deadline,
            ))),
            Location::Firehose { stream } => Ok(Box::new(firehose::Stream::new(
                &self.clients.firehose(),
                self.clients.runtime().clone(),
                stream,
                &options.firehose,
                deadline,
            ))),
            Location::Directory(_) | Location::Stdout => Err(NoSuchPlace {
                location: location.clone(),
                why: "this is no place in AWS; name s3://BUCKET/PREFIX",
            }),
        }
    }
}
