//! The layout of a destination: the settings that all outputs in it share, in its file `_alb-ingest.json`.
//!
//! Outputs of other settings in the same destination would double every row: two formats, two schemas, or one output for each
//! object beside merged ones. The file is created with the first output and never changed, and a run with other settings stops.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::encode::FileFormat;
use crate::ingest::Options;
use crate::object::hex;
use crate::storage::{Creation, StorageError, Store};
use crate::transform::Sample;

/// The name of the file, below the destination.
pub const FILE: &str = "_alb-ingest.json";

/// The settings that the outputs of a destination share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// Whether an output has the rows of one object or of many.
    #[serde(rename = "mode")]
    pub delivery: Delivery,
    /// The format of the files.
    pub format: String,
    /// The compression, if the names of the files depend on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compression: Option<String>,
    /// The schema of the events.
    pub schema: String,
    /// The folders that events are partitioned into.
    pub partition_by: String,
    /// The columns on request, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enrich: Option<String>,
    /// The condition of the events, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// The rules of the sample, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<String>,
    /// Whether events have their lines, if they have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_raw: Option<String>,
    /// Whether events have the fields that Panther adds, if they have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub panther_fields: Option<String>,
    /// What identifies the redaction, if there is one. The rules could show what a site considers secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redact: Option<String>,
}

/// Whether an output has the rows of one object or of many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Delivery {
    /// Each object has outputs of its own.
    PerObject,
    /// Outputs have the rows of many objects.
    Merged,
}

/// Why outputs of this layout must not be written to a destination.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// The destination has another layout.
    #[error(
        "{destination} has outputs of other settings: its {FILE} says {found}, and this run has {wanted}; every row would exist twice: use the same settings, or another destination"
    )]
    Differs {
        /// The destination.
        destination: String,
        /// Its layout.
        found: String,
        /// The layout of this run.
        wanted: String,
    },
    /// The file cannot be understood.
    #[error(
        "{FILE} in {destination} is not a layout that this release knows (line {line}, column {column}); a newer release may have written it"
    )]
    Invalid {
        /// The destination.
        destination: String,
        /// The line of the fault.
        line: usize,
        /// Its column.
        column: usize,
    },
    /// The destination has files, and nothing says how they were made.
    #[error(
        "{destination} is not empty and has no {FILE}, so objects that were delivered one by one could be merged into it again; merge into an empty destination"
    )]
    NotEmpty {
        /// The destination.
        destination: String,
    },
    /// The storage replaces files that must only be created.
    #[error(
        "{destination} lets a second conditional write replace a file, so two workers could overwrite each other; merge into Amazon S3, a directory, or a server that honours If-None-Match"
    )]
    NotCreateOnly {
        /// The destination.
        destination: String,
    },
    /// The file cannot be read or created.
    #[error("{0}")]
    Storage(#[from] StorageError),
}

impl LayoutError {
    /// Returns whether a retry can succeed without anyone changing anything.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Storage(error) => error.is_retryable(),
            Self::Differs { .. } | Self::Invalid { .. } | Self::NotEmpty { .. } | Self::NotCreateOnly { .. } => false,
        }
    }
}

impl Layout {
    /// Returns the layout of a run with these options.
    pub fn of(options: &Options, delivery: Delivery) -> Self {
        let compression = match options.format {
            FileFormat::Parquet => None,
            FileFormat::Json => Some(options.compression.name().to_owned()),
        };
        let on = |is_on: bool| is_on.then(|| "true".to_owned());
        Self {
            delivery,
            format: options.format.name().to_owned(),
            compression,
            schema: options.schema.name().to_owned(),
            partition_by: options.partition_by.name().to_owned(),
            enrich: options.transform.enrich(),
            filter: options
                .transform
                .filter
                .as_ref()
                .map(|filter| filter.canonical().to_owned()),
            sample: options.transform.sample.as_ref().map(Sample::canonical),
            keep_raw: on(options.transform.keeps_raw()),
            panther_fields: on(options.panther_fields),
            redact: options.transform.redact_fingerprint(),
        }
    }

    /// Returns the value of a setting that all outputs of the destination share, as it is given; blank if it is off. None if the
    /// layout does not determine the setting.
    pub fn setting(&self, name: &str) -> Option<String> {
        let given = |value: &Option<String>| Some(value.clone().unwrap_or_default());
        match name {
            "MERGE" => Some((self.delivery == Delivery::Merged).to_string()),
            "FORMAT" => Some(self.format.clone()),
            "COMPRESSION" => self.compression.clone(),
            "SCHEMA" => Some(self.schema.clone()),
            "PARTITION_BY" => Some(self.partition_by.clone()),
            "ENRICH" => given(&self.enrich),
            "FILTER" => given(&self.filter),
            "SAMPLE" => given(&self.sample),
            "KEEP_RAW" => given(&self.keep_raw),
            "PANTHER_FIELDS" => given(&self.panther_fields),
            _ => None,
        }
    }

    /// Reads the layout of a destination, if it has one.
    ///
    /// # Errors
    /// The file cannot be read, or a newer release wrote it.
    pub fn read(destination: &impl ToString, store: &dyn Store) -> Result<Option<Self>, LayoutError> {
        let found = store.read(FILE)?;
        found.map(|found| Self::decode(destination, &found)).transpose()
    }

    /// Returns the fingerprint that every plan in the destination has.
    pub fn fingerprint(&self) -> String {
        let mut hash = hex(&Sha256::digest(self.encode()));
        hash.truncate(16);
        hash
    }

    /// Claims a destination for this layout, before the first output: creates its file, or compares it.
    ///
    /// # Errors
    /// The destination has another layout, or must not be merged into.
    pub fn claim(&self, destination: &impl ToString, store: &dyn Store) -> Result<(), LayoutError> {
        if self.delivery == Delivery::Merged {
            if let Some(found) = store.read(FILE)? {
                return self.compare(destination, &found);
            }
            if !store.is_empty()? {
                // Another worker may have claimed it between the two requests.
                return match store.read(FILE)? {
                    Some(found) => self.compare(destination, &found),
                    None => Err(LayoutError::NotEmpty {
                        destination: destination.to_string(),
                    }),
                };
            }
        }
        // Per-object delivery must not need the permission to list the destination, without which S3 denies access to a
        // missing file. So it does not read the file before it exists.
        if store.create(FILE, &self.encode())? == Creation::Exists {
            let found = store.read(FILE)?.unwrap_or_default();
            return self.compare(destination, &found);
        }
        // Merging relies on it. The file has just been created, so the second write must be refused.
        if self.delivery == Delivery::Merged && store.create(FILE, &self.encode())? == Creation::Created {
            let destination = destination.to_string();
            return Err(LayoutError::NotCreateOnly { destination });
        }
        Ok(())
    }

    fn compare(&self, destination: &impl ToString, found: &[u8]) -> Result<(), LayoutError> {
        let found = Self::decode(destination, found)?;
        if found == *self {
            return Ok(());
        }
        Err(LayoutError::Differs {
            destination: destination.to_string(),
            found: found.text(),
            wanted: self.text(),
        })
    }

    /// Reads the file of a destination.
    ///
    /// # Errors
    /// A newer release wrote it, or another program.
    pub fn decode(destination: &impl ToString, found: &[u8]) -> Result<Self, LayoutError> {
        serde_json::from_slice(found).map_err(|error| LayoutError::Invalid {
            destination: destination.to_string(),
            line: error.line(),
            column: error.column(),
        })
    }

    /// Returns the file's contents.
    pub fn encode(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec_pretty(self).unwrap_or_default();
        text.push(b'\n');
        text
    }

    /// Returns the layout in words.
    fn text(&self) -> String {
        let delivery = match self.delivery {
            Delivery::PerObject => "one output for each object",
            Delivery::Merged => "merged outputs",
        };
        let Self {
            format,
            compression,
            schema,
            partition_by,
            enrich,
            filter,
            sample,
            keep_raw,
            panther_fields,
            redact,
            ..
        } = self;
        let compression = compression
            .as_ref()
            .map_or_else(String::new, |compression| format!(" ({compression})"));
        let mut text =
            format!("{delivery}, format {format}{compression}, schema {schema}, partitioned by {partition_by}");
        for (name, value) in [
            ("ENRICH", enrich),
            ("FILTER", filter),
            ("SAMPLE", sample),
            ("KEEP_RAW", keep_raw),
            ("PANTHER_FIELDS", panther_fields),
        ] {
            if let Some(value) = value {
                // Writing to a String does not fail.
                let _ = write!(text, ", {name} {value}");
            }
        }
        if let Some(redact) = redact {
            let _ = write!(text, ", redaction {redact}");
        }
        text
    }
}
