//! Folders and AWS in one world: what the command line and the Lambda work in.

use std::io;

use tokio::runtime::Handle;

use crate::aws::{AwsWorld, Background, Clients, ConfigError, Tuning};
use crate::config::{Location, StorageOptions};
use crate::deadline::Deadline;
use crate::ingest::Destination;
use crate::local::Folders;
use crate::source::{Source, SourceError};
use crate::trigger::ObjectRequest;
use crate::world::{NoSuchPlace, World};

/// Objects of buckets, and outputs in buckets and folders.
#[derive(Debug)]
pub struct Everywhere {
    folders: Folders,
    aws: AwsWorld,
    /// The runtime of the clients, where nobody else drives one.
    _background: Option<Background>,
}

/// Why there is no such world.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The machine gives no thread.
    #[error("cannot start a runtime for AWS: {0}")]
    Runtime(#[from] io::Error),
    /// AWS's environment lacks something.
    #[error("{0}")]
    Config(#[from] ConfigError),
}

impl Everywhere {
    /// The world as AWS's own environment says, with a runtime of its own.
    ///
    /// # Errors
    /// AWS's environment lacks something, or the machine gives no thread.
    pub fn start() -> Result<Self, StartError> {
        let background = Background::start()?;
        let clients = background.wait(Clients::load(Tuning::default()))?;
        Ok(Self {
            folders: Folders::new(None),
            aws: AwsWorld::new(clients),
            _background: Some(background),
        })
    }

    /// The world as AWS's own environment says, on a runtime that somebody drives.
    ///
    /// # Errors
    /// AWS's environment lacks something.
    pub fn on(runtime: &Handle, tuning: Tuning) -> Result<Self, StartError> {
        let clients = runtime.block_on(Clients::load(tuning))?;
        Ok(Self {
            folders: Folders::new(None),
            aws: AwsWorld::new(clients),
            _background: None,
        })
    }

    /// The objects of a bucket whose keys begin with the prefix, or the one of exactly that key.
    ///
    /// # Errors
    /// The bucket cannot be listed.
    pub fn list(
        &self,
        bucket: &str,
        prefix: &str,
        options: &StorageOptions,
    ) -> Result<Vec<ObjectRequest>, SourceError> {
        self.aws.list(bucket, prefix, options, Deadline::NONE)?.collect()
    }
}

impl World for Everywhere {
    fn source(&self, options: &StorageOptions, deadline: Deadline) -> Box<dyn Source> {
        self.aws.source(options, deadline)
    }

    fn destination(
        &self,
        location: &Location,
        options: &StorageOptions,
        deadline: Deadline,
    ) -> Result<Box<dyn Destination>, NoSuchPlace> {
        match location {
            Location::Directory(_) | Location::Stdout => self.folders.destination(location, options, deadline),
            Location::S3(_) | Location::Firehose { .. } => self.aws.destination(location, options, deadline),
        }
    }
}
