//! The second stage: defaults, and settings that conflict.

use std::time::Duration;

use globset::GlobSet;

use super::table::{DESTINATION, REDACT_KEY};
use super::{Config, FunctionOptions, MergeConfig, OnMissing, RawConfig, SettingError};
use crate::encode::{Compression, FileFormat};
use crate::formats::Extra;
use crate::ingest::{KeyFilter, OnCorrupt, Options, PartitionBy};
use crate::merge::BatchLimits;
use crate::schema::mapping::Schema;
use crate::storage::{self, FirehoseOptions, S3ReadOptions, S3WriteOptions};
use crate::transform::redact::Redact;
use crate::transform::{Filter, Sample, Transform};

/// A rule that rejects settings that conflict. It returns the error text: both settings, the reason and the remedy.
type Check = fn(&RawConfig, &Config) -> Option<String>;

/// The checks, in the order in which their errors are reported.
const CHECKS: [Check; 8] = [
    check_compression,
    check_batches,
    check_stdout,
    check_panther_fields,
    check_security_lake,
    check_firehose,
    check_merge,
    check_loop,
];

impl RawConfig {
    /// Fills in defaults and rejects conflicts.
    ///
    /// # Errors
    /// The destination is missing, or settings conflict.
    pub fn resolve(self) -> Result<Config, SettingError> {
        let config = self.with_defaults()?;
        match CHECKS.iter().find_map(|check| check(&self, &config)) {
            Some(text) => Err(SettingError::Conflict(text)),
            None => Ok(config),
        }
    }

    /// Parses the rules of the redaction.
    fn redact(&self) -> Result<Option<Redact>, SettingError> {
        let Some(text) = &self.redact else { return Ok(None) };
        let redact = Redact::parse(text).map_err(|error| invalid("REDACT", &error))?;
        if redact.needs_key() && self.redact_key.is_none() {
            return Err(SettingError::Invalid {
                name: "REDACT",
                message: format!(
                    "hmac and pseudonym need a key; set {} (--{}) to its place: {}",
                    REDACT_KEY.name, REDACT_KEY.flag, REDACT_KEY.allowed
                ),
            });
        }
        Ok(Some(redact.keeping_raw(self.quarantine_raw.unwrap_or(false))))
    }

    fn with_defaults(&self) -> Result<Config, SettingError> {
        let Some(destination) = self.destination.clone() else {
            return Err(SettingError::Missing {
                name: DESTINATION.name,
                flag: DESTINATION.flag,
                allowed: DESTINATION.allowed,
            });
        };
        let quarantine = self.quarantine.clone().or_else(|| destination.default_quarantine());
        let Some(quarantine) = quarantine else {
            return Err(SettingError::Conflict(format!(
                "DESTINATION is {destination}, and QUARANTINE is not set: malformed lines are not sent to a stream; set QUARANTINE to s3://BUCKET/PREFIX or a directory"
            )));
        };
        let schema = self.schema.unwrap_or(Schema::Native);
        let (format, compression) = if !destination.holds_files() {
            (FileFormat::Json, Compression::None)
        } else if schema.is_batched() {
            (FileFormat::Json, Compression::Zstd)
        } else {
            (FileFormat::Parquet, Compression::Zstd)
        };
        let partition_by = if destination.is_stream() {
            // A stream has no folders.
            PartitionBy::None
        } else {
            self.partition_by.unwrap_or(PartitionBy::Day)
        };
        let transform = self.transform()?;
        let redact = transform.redact_fingerprint();
        let needs_key = transform.redact.as_ref().is_some_and(Redact::needs_key);
        Ok(Config {
            destination,
            quarantine,
            ingest: Options {
                keys: KeyFilter {
                    include: self.include.clone().unwrap_or_else(GlobSet::empty),
                    exclude: self.exclude.clone().unwrap_or_else(GlobSet::empty),
                },
                table: None,
                schema,
                panther_fields: self.panther_fields.unwrap_or(false),
                format: self.format.unwrap_or(format),
                compression: self.compression.unwrap_or(compression),
                partition_by,
                on_corrupt: self.on_corrupt.unwrap_or(OnCorrupt::Salvage),
                fields: self.fields.clone(),
                transform,
            },
            storage: storage::Options {
                s3_read: S3ReadOptions {
                    requester_pays: self.requester_pays.unwrap_or(false),
                    owner: self.source_owner.clone(),
                },
                s3_write: S3WriteOptions {
                    overwrite: self.overwrite.unwrap_or(false),
                    owner: self.destination_owner.clone(),
                    schema,
                    redact,
                },
                firehose: FirehoseOptions {
                    records: self.firehose_records.unwrap_or_default(),
                    dynamic_partitioning: self.firehose_dynamic_partitioning.unwrap_or(false),
                    bytes_per_second: self.firehose_bytes_per_second,
                },
            },
            redact_key: self.redact_key.clone().filter(|_| needs_key),
            merge: self.merge.unwrap_or(false).then(|| self.merge_config()),
            geo_databases: self.geo_database.clone().unwrap_or_default(),
            function: FunctionOptions {
                on_missing: self.on_missing.unwrap_or(OnMissing::Fail),
                partial_batch: self.partial_batch.unwrap_or(false),
                source: self.source.clone(),
                queue: self.queue_url.clone(),
            },
        })
    }
}

impl RawConfig {
    fn transform(&self) -> Result<Transform, SettingError> {
        let extras = self.enrich.unwrap_or_default();
        let extras = match self.keep_raw {
            Some(true) => extras.with(Extra::RawLine),
            _ => extras,
        };
        let filter = self.filter.as_ref().map(|text| Filter::parse(text, extras));
        let sample = self.sample.as_ref().map(|text| Sample::parse(text, extras));
        let sample = sample.transpose().map_err(|error| invalid("SAMPLE", &error))?;
        Ok(Transform {
            extras: match sample {
                Some(_) => extras.with(Extra::SampleWeight),
                None => extras,
            },
            geo: None,
            filter: filter.transpose().map_err(|error| invalid("FILTER", &error))?,
            sample,
            redact: self.redact()?,
        })
    }

    fn merge_config(&self) -> MergeConfig {
        const MINUTE: u64 = 60;
        MergeConfig {
            limits: BatchLimits {
                objects: self.merge_objects.unwrap_or(5_000),
                bytes: self.merge_bytes.unwrap_or(256 * 1024 * 1024),
            },
            grace: self.merge_grace.unwrap_or(Duration::from_secs(10 * MINUTE)),
            window: self.merge_window.unwrap_or(Duration::from_secs(60 * MINUTE)),
            max_wait: self.merge_max_wait.unwrap_or(Duration::from_secs(120 * MINUTE)),
        }
    }
}

/// Returns the error of a setting in a language of its own.
fn invalid(name: &'static str, error: &dyn std::error::Error) -> SettingError {
    SettingError::Invalid {
        name,
        message: error.to_string(),
    }
}

/// Checks what merged delivery requires: a destination that holds files, of which none is replaced.
fn check_merge(raw: &RawConfig, config: &Config) -> Option<String> {
    config.merge?;
    let problem = if !config.destination.holds_files() {
        "and DESTINATION does not hold files; set DESTINATION to s3://BUCKET/PREFIX or a directory"
    } else if config.ingest.partition_by == PartitionBy::SecurityLake {
        "and PARTITION_BY is security-lake: the log of the merge cannot be in the lake's bucket; set PARTITION_BY to day, hour or none"
    } else if raw.overwrite == Some(true) {
        "and OVERWRITE is true, but merged outputs are never replaced; remove OVERWRITE, or merge into another destination"
    } else {
        return None;
    };
    Some(format!("MERGE is true, {problem}"))
}

fn check_compression(_raw: &RawConfig, config: &Config) -> Option<String> {
    (config.ingest.format == FileFormat::Json && config.ingest.compression == Compression::Snappy).then(|| {
        "COMPRESSION is \"snappy\", which JSON files do not support; allowed with FORMAT json: zstd, gzip, none"
            .to_owned()
    })
}

/// Checks that events which are no rows are not written as rows.
fn check_batches(_raw: &RawConfig, config: &Config) -> Option<String> {
    let Options { schema, format, .. } = config.ingest;
    (schema.is_batched() && format == FileFormat::Parquet).then(|| {
        format!(
            "SCHEMA is {}, and FORMAT is \"parquet\", which that schema does not have: a line of OTLP/JSON is a batch of log records, not a row of a table; set FORMAT to json",
            schema.name()
        )
    })
}

fn check_stdout(_raw: &RawConfig, config: &Config) -> Option<String> {
    (config.destination.is_stdout() && config.ingest.format == FileFormat::Parquet).then(|| {
        "FORMAT is \"parquet\", which cannot be written to stdout; write to a directory, or set FORMAT to json"
            .to_owned()
    })
}

/// Checks that only events in Panther's schema get its fields.
fn check_panther_fields(_raw: &RawConfig, config: &Config) -> Option<String> {
    let options = &config.ingest;
    (options.panther_fields && options.schema != Schema::Panther).then(|| {
        format!(
            "PANTHER_FIELDS is true, and SCHEMA is {}, whose events do not have these fields; set SCHEMA to panther, or remove PANTHER_FIELDS",
            options.schema.name()
        )
    })
}

/// Checks what a custom source of Amazon Security Lake requires.
fn check_security_lake(raw: &RawConfig, config: &Config) -> Option<String> {
    if raw.partition_by != Some(PartitionBy::SecurityLake) {
        return None;
    }
    let problem = if config.destination.is_stream() {
        "and DESTINATION is a Firehose stream, which has no folders; set DESTINATION to the lake's bucket"
    } else if config.ingest.schema != Schema::Ocsf {
        "and SCHEMA is not ocsf, the only schema that the lake accepts; set SCHEMA to ocsf"
    } else if config.ingest.format != FileFormat::Parquet {
        "and FORMAT is not parquet, the only format that the lake accepts; set FORMAT to parquet"
    } else if raw.quarantine.is_none() {
        "and QUARANTINE is not set: malformed lines must not be written to the lake; set QUARANTINE to s3://BUCKET/PREFIX or a directory"
    } else {
        return None;
    };
    Some(format!("PARTITION_BY is \"security-lake\", {problem}"))
}

/// Checks what a Firehose stream requires: it takes uncompressed JSON lines.
fn check_firehose(_raw: &RawConfig, config: &Config) -> Option<String> {
    if !config.destination.is_stream() {
        return None;
    }
    let problem = if config.ingest.format == FileFormat::Parquet {
        "FORMAT is \"parquet\", which a Firehose stream does not accept: its records are JSON lines; remove FORMAT, and let the stream convert records if you need Parquet"
    } else if config.ingest.compression != Compression::None {
        "COMPRESSION is set, but records of a Firehose stream are not compressed; remove COMPRESSION, and let the stream compress what it delivers"
    } else {
        return None;
    };
    Some(problem.to_owned())
}

/// Checks that no output is written to where the function's objects come from.
fn check_loop(raw: &RawConfig, config: &Config) -> Option<String> {
    let source = raw.source.as_ref()?;
    let outputs = [("DESTINATION", &config.destination), ("QUARANTINE", &config.quarantine)];
    outputs.into_iter().find_map(|(name, location)| {
        let output = location.s3_prefix().filter(|output| source.encloses(output))?;
        Some(format!(
            "{name} is {output}, which is inside SOURCE {source}: the function would ingest its own output; use another bucket, or a prefix outside SOURCE"
        ))
    })
}
