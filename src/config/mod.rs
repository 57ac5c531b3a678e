//! The settings: declared once, read in two stages.
//!
//! [`SETTINGS`] is the single declaration. It makes the environment variables of the function, the flags of the command
//! line and the reference page. Its rows parse given values into a [`RawConfig`]: every setting optional, nothing decided
//! yet. [`RawConfig::resolve`] fills in defaults, rejects settings that conflict, and returns a [`Config`], which consists
//! of the option types of the modules below.
//!
//! Nothing here reads the environment: the caller passes a lookup function.

mod key;
mod load;
mod raw;
mod resolve;
mod table;

use std::time::Duration;

use crate::ingest;
use crate::layout::{Delivery, Layout};
use crate::merge::BatchLimits;
use crate::storage::{self, Location, Origin, QueueUrl, S3Prefix, SecretLocation};

pub use key::RedactKeyError;
pub use load::LoadError;
pub use raw::RawConfig;
pub use table::SETTINGS;

/// The resolved configuration of a run.
#[derive(Debug, Clone)]
pub struct Config {
    /// The destination of events.
    pub destination: Location,
    /// The destination of malformed lines.
    pub quarantine: Location,
    /// The options of the engine.
    pub ingest: ingest::Options,
    /// The options of reading, listing and writing objects.
    pub storage: storage::Options,
    /// The place of the key that the redaction needs. [`Config::read_key`] reads it.
    pub redact_key: Option<SecretLocation>,
    /// The options of merged delivery; `None` if each object has outputs of its own.
    pub merge: Option<MergeConfig>,
    /// The databases of addresses, in the order in which they are asked. [`Config::load`] reads them.
    pub geo_databases: Vec<Origin>,
    /// The options of the function.
    pub function: FunctionOptions,
}

/// The options of merged delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MergeConfig {
    /// The limits of a batch.
    pub limits: BatchLimits,
    /// The time after the end of an object's interval before the function merges it.
    pub grace: Duration,
    /// The time between two invocations by the schedule.
    pub window: Duration,
    /// The maximum time that an object waits for others.
    pub max_wait: Duration,
}

impl MergeConfig {
    /// The number of objects from which on a folder does not wait for more.
    pub const ENOUGH_OBJECTS: usize = 100;
    /// The number of bytes from which on a folder does not wait for more.
    pub const ENOUGH_BYTES: u64 = 16 * 1024 * 1024;
}

/// The options of the function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionOptions {
    /// The treatment of objects that no longer exist.
    pub on_missing: OnMissing,
    /// Whether the queue accepts a response that lists the failed messages.
    pub partial_batch: bool,
    /// The prefix of the logs, if it is known.
    pub source: Option<S3Prefix>,
    /// The queue that invokes the function, if it is known.
    pub queue: Option<QueueUrl>,
}

/// The treatment of objects that no longer exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnMissing {
    /// Fail, so the message is kept for inspection.
    Fail,
    /// Skip and count.
    Skip,
}

/// A setting.
#[derive(Debug)]
pub struct Setting {
    /// The name of the environment variable.
    pub name: &'static str,
    /// The flag of `alb-ingest run`, without its leading dashes.
    pub flag: &'static str,
    /// The placeholder of the value in help texts.
    pub value_name: &'static str,
    /// The section of the help that lists the setting.
    pub section: Section,
    /// The allowed values, as the help shows them.
    pub allowed: &'static str,
    /// The default, as the help shows it.
    pub default: &'static str,
    /// The documentation: a summary that fits on one line of help, then any details in further sentences.
    pub doc: &'static str,
    /// Parses a value; returns `None` if it is not allowed.
    apply: fn(&mut RawConfig, &str) -> Option<()>,
}

/// The section of the help that lists a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// Settings that select and read objects.
    Input,
    /// Settings of the events and the files.
    Output,
    /// Settings of the events: which are delivered, and what of them.
    Events,
    /// Settings of merged delivery.
    Merge,
    /// Settings of Firehose streams.
    Firehose,
    /// Settings of S3 requests.
    S3,
    /// Settings that only the function needs.
    Function,
}

/// An error in the given settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// A value is not allowed.
    #[error("{name} is {value:?}; allowed: {allowed}")]
    NotAllowed {
        /// The name of the setting.
        name: &'static str,
        /// The given value.
        value: String,
        /// The allowed values.
        allowed: &'static str,
    },
    /// A required setting is missing.
    #[error("{name} (--{flag}) is not set; allowed: {allowed}")]
    Missing {
        /// The name of the setting.
        name: &'static str,
        /// The flag.
        flag: &'static str,
        /// The allowed values.
        allowed: &'static str,
    },
    /// A value in a language of its own is wrong; the message points to the place.
    #[error("{name}: {message}")]
    Invalid {
        /// The name of the setting.
        name: &'static str,
        /// What is wrong, and where.
        message: String,
    },
    /// Settings conflict.
    #[error("{0}")]
    Conflict(String),
}

impl Config {
    /// Reads and resolves the settings that `lookup` returns values for.
    ///
    /// # Errors
    /// A value is not allowed, a required setting is missing, or settings conflict.
    pub fn read(lookup: impl Fn(&Setting) -> Option<String>) -> Result<Self, SettingError> {
        RawConfig::read(lookup)?.resolve()
    }

    /// Returns the layout of the destination, if it has one: streams and the standard output have none, and a data lake's
    /// bucket belongs to the lake.
    pub fn layout(&self) -> Option<Layout> {
        let delivery = if self.merge.is_some() {
            Delivery::Merged
        } else {
            Delivery::PerObject
        };
        let has_layout =
            self.destination.holds_files() && self.ingest.partition_by != ingest::PartitionBy::SecurityLake;
        has_layout.then(|| Layout::of(&self.ingest, delivery))
    }
}

/// Returns the reference page of the settings, for `docs/`.
pub fn markdown() -> String {
    let mut page = "# Settings\n\n\
                    Each setting is a flag of `alb-ingest run` and an environment variable; the flag takes precedence. \
                    A blank value counts as not given.\n\n\
                    | flag | variable | allowed values | default | effect |\n|---|---|---|---|---|\n"
        .to_owned();
    for Setting {
        name,
        flag,
        allowed,
        default,
        doc,
        ..
    } in &SETTINGS
    {
        page.push_str(
            &[
                "| `--", flag, "` | `", name, "` | ", allowed, " | ", default, " | ", doc, " |\n",
            ]
            .concat(),
        );
    }
    page
}

#[cfg(test)]
mod tests;
