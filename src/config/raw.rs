//! The first stage: the values that were given.

use std::time::Duration;

use globset::GlobSet;

use super::table::REDACT_KEY;
use super::{OnMissing, SETTINGS, Setting, SettingError};
use crate::encode::{Compression, FileFormat};
use crate::formats::{Extras, FieldOrder};
use crate::ingest::{OnCorrupt, PartitionBy};
use crate::schema::mapping::Schema;
use crate::storage::{FirehoseRecords, Location, Origin, QueueUrl, S3Prefix, SecretLocation};

/// The given settings, parsed; `None` if a setting was not given.
///
/// Each field is documented by the row of [`SETTINGS`] with its name.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "each field is documented in the table of settings")]
pub struct RawConfig {
    pub destination: Option<Location>,
    pub format: Option<FileFormat>,
    pub compression: Option<Compression>,
    pub partition_by: Option<PartitionBy>,
    pub schema: Option<Schema>,
    pub panther_fields: Option<bool>,
    pub quarantine: Option<Location>,
    pub merge: Option<bool>,
    pub merge_objects: Option<usize>,
    pub merge_bytes: Option<u64>,
    pub merge_grace: Option<Duration>,
    pub merge_window: Option<Duration>,
    pub merge_max_wait: Option<Duration>,
    pub firehose_records: Option<FirehoseRecords>,
    pub firehose_dynamic_partitioning: Option<bool>,
    pub firehose_bytes_per_second: Option<u64>,
    pub on_corrupt: Option<OnCorrupt>,
    pub on_missing: Option<OnMissing>,
    pub partial_batch: Option<bool>,
    pub overwrite: Option<bool>,
    pub source: Option<S3Prefix>,
    pub queue_url: Option<QueueUrl>,
    pub requester_pays: Option<bool>,
    pub source_owner: Option<String>,
    pub destination_owner: Option<String>,
    pub include: Option<GlobSet>,
    pub exclude: Option<GlobSet>,
    pub fields: Option<FieldOrder>,
    pub enrich: Option<Extras>,
    pub geo_database: Option<Vec<Origin>>,
    pub filter: Option<String>,
    pub sample: Option<String>,
    pub keep_raw: Option<bool>,
    pub redact: Option<String>,
    pub redact_key: Option<SecretLocation>,
    pub quarantine_raw: Option<bool>,
}

impl RawConfig {
    /// Parses the settings that `lookup` returns values for. A blank value counts as not given.
    ///
    /// # Errors
    /// A value is not allowed.
    pub fn read(lookup: impl Fn(&Setting) -> Option<String>) -> Result<Self, SettingError> {
        let mut raw = Self::default();
        for setting in &SETTINGS {
            let Some(value) = lookup(setting) else { continue };
            let value = value.trim();
            if !value.is_empty() && (setting.apply)(&mut raw, value).is_none() {
                if setting.name == REDACT_KEY.name {
                    return Err(SettingError::Invalid {
                        name: setting.name,
                        message: format!(
                            "not a place of a key (its value is not shown, because it could be the key itself); allowed: {}",
                            setting.allowed
                        ),
                    });
                }
                return Err(SettingError::NotAllowed {
                    name: setting.name,
                    value: value.to_owned(),
                    allowed: setting.allowed,
                });
            }
        }
        Ok(raw)
    }
}
