//! The storage of the command line and the function: chooses an implementation by location.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::deadline::Deadline;

#[cfg(feature = "aws")]
use super::FirehoseOptions;
#[cfg(feature = "aws")]
use super::aws::{BackgroundRuntime, Clients, ConfigError, Tuning};
#[cfg(feature = "aws")]
use super::firehose::Stream;
use super::local::{Local, read_secret};
#[cfg(feature = "aws")]
use super::s3::S3;
#[cfg(feature = "aws")]
use super::sqs::Sqs;
use super::{
    ErrorKind, Listing, Location, Operation, Options, Origin, Queue, QueueUrl, S3Prefix, SecretLocation, Sink, Source,
    Storage, StorageError, Store,
};

/// Local storage, and AWS if it was started with it.
#[derive(Debug)]
pub struct Router {
    local: Local,
    #[cfg(feature = "aws")]
    aws: Option<Aws>,
}

/// The AWS storages.
#[cfg(feature = "aws")]
#[derive(Debug)]
struct Aws {
    s3: S3,
    clients: Clients,
    firehose: FirehoseOptions,
    /// The runtime of the clients, if no other thread drives one. Last, so it stops after its users are dropped.
    background: Option<BackgroundRuntime>,
}

/// Why the AWS storages cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The operating system refuses a thread or a file descriptor.
    #[error("cannot start a runtime for AWS: {0}")]
    Runtime(#[from] io::Error),
    /// The AWS environment lacks something.
    #[cfg(feature = "aws")]
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// This build does not include AWS.
    #[error(
        "this build does not include AWS; build it with the feature aws, or use directories as buckets with --bucket-root"
    )]
    NotIncluded,
}

impl Router {
    /// Creates a router to local storage alone, with the directories in `bucket_root` as buckets.
    pub const fn local(bucket_root: Option<PathBuf>) -> Self {
        Self {
            local: Local::new(bucket_root),
            #[cfg(feature = "aws")]
            aws: None,
        }
    }

    /// Starts a router to local storage and AWS, configured by the AWS environment, with its own runtime.
    ///
    /// # Errors
    /// The AWS environment lacks something, the operating system refuses a thread, or this build does not include AWS.
    #[cfg(feature = "aws")]
    pub fn with_aws(options: Options) -> Result<Self, StartError> {
        let background = BackgroundRuntime::start()?;
        let clients = background.wait(Clients::load(Tuning::default()))?;
        Ok(Self::with_clients(clients, options, Some(background)))
    }

    /// Starts a router to local storage and AWS.
    ///
    /// # Errors
    /// Always: this build does not include AWS.
    #[cfg(not(feature = "aws"))]
    pub fn with_aws(_options: Options) -> Result<Self, StartError> {
        Err(StartError::NotIncluded)
    }

    /// Starts a router to local storage and AWS, configured by the AWS environment, on a runtime that other threads
    /// drive.
    ///
    /// # Errors
    /// The AWS environment lacks something.
    #[cfg(feature = "aws")]
    pub fn on_runtime(runtime: &tokio::runtime::Handle, tuning: Tuning, options: Options) -> Result<Self, StartError> {
        let clients = runtime.block_on(Clients::load(tuning))?;
        Ok(Self::with_clients(clients, options, None))
    }

    #[cfg(feature = "aws")]
    fn with_clients(clients: Clients, options: Options, background: Option<BackgroundRuntime>) -> Self {
        Self {
            local: Local::new(None),
            aws: Some(Aws {
                s3: S3::new(clients.clone(), options.s3_read, options.s3_write),
                clients,
                firehose: options.firehose,
                background,
            }),
        }
    }

    /// Replaces the options, for those that depend on a secret.
    #[must_use]
    pub fn with_options(self, options: Options) -> Self {
        match self {
            #[cfg(feature = "aws")]
            Self { aws: Some(aws), .. } => Self::with_clients(aws.clients, options, aws.background),
            local => {
                // Local storage has no options.
                let _ = options;
                local
            }
        }
    }

    /// Reads a secret. No request continues past the deadline.
    ///
    /// # Errors
    /// It does not exist or cannot be read. [`ErrorKind::Unsupported`] if it is in AWS, and this storage is local.
    pub fn secret(&self, location: &SecretLocation, deadline: Deadline) -> Result<Zeroizing<String>, StorageError> {
        match location {
            SecretLocation::File(path) => read_secret(path),
            #[cfg(feature = "aws")]
            SecretLocation::Secret(name) if let Some(aws) = &self.aws => {
                super::aws::secret(&aws.clients, name, deadline)
            }
            #[cfg(feature = "aws")]
            SecretLocation::Parameter(name) if let Some(aws) = &self.aws => {
                super::aws::parameter(&aws.clients, name, deadline)
            }
            SecretLocation::Secret(_) | SecretLocation::Parameter(_) => {
                // Only requests have deadlines.
                let _ = deadline;
                Err(StorageError::new(
                    Operation::Read,
                    location.to_string(),
                    ErrorKind::Unsupported,
                    "there are no secrets without AWS; name a file",
                ))
            }
        }
    }

    /// Returns the storage of buckets: S3, or directories in its place.
    fn buckets(&self) -> &dyn Storage {
        #[cfg(feature = "aws")]
        if let Some(aws) = &self.aws {
            return &aws.s3;
        }
        &self.local
    }
}

impl Storage for Router {
    fn source(&self, deadline: Deadline) -> Box<dyn Source> {
        self.buckets().source(deadline)
    }

    fn sink(&self, location: &Location, deadline: Deadline) -> Result<Box<dyn Sink>, StorageError> {
        match location {
            Location::Directory(_) | Location::Stdout => self.local.sink(location, deadline),
            Location::S3(_) => self.buckets().sink(location, deadline),
            #[cfg(feature = "aws")]
            Location::Firehose { stream } if let Some(aws) = &self.aws => Ok(Box::new(Stream::new(
                &aws.clients.firehose(),
                aws.clients.runtime().clone(),
                stream,
                &aws.firehose,
                deadline,
            ))),
            Location::Firehose { .. } => self.local.sink(location, deadline),
        }
    }

    fn store(&self, location: &Location, deadline: Deadline) -> Result<Arc<dyn Store>, StorageError> {
        match location {
            Location::S3(_) => self.buckets().store(location, deadline),
            Location::Directory(_) | Location::Stdout | Location::Firehose { .. } => {
                self.local.store(location, deadline)
            }
        }
    }

    fn queue(&self, url: &QueueUrl, deadline: Deadline) -> Result<Box<dyn Queue>, StorageError> {
        match url {
            #[cfg(feature = "aws")]
            QueueUrl::Sqs(url) if let Some(aws) = &self.aws => {
                Ok(Box::new(Sqs::new(aws.clients.clone(), url, deadline)))
            }
            QueueUrl::Sqs(_) | QueueUrl::Directory(_) => self.local.queue(url, deadline),
        }
    }

    fn folders(&self, prefix: &S3Prefix, deadline: Deadline) -> Result<Vec<String>, StorageError> {
        self.buckets().folders(prefix, deadline)
    }

    fn list(&self, origin: &Origin, deadline: Deadline) -> Result<Listing, StorageError> {
        match origin {
            Origin::Path(_) | Origin::Stdin => self.local.list(origin, deadline),
            Origin::S3 { .. } => self.buckets().list(origin, deadline),
        }
    }
}
