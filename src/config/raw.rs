//! The first stage: the values that were given.

use globset::GlobSet;

use super::{OnMissing, SETTINGS, Setting, SettingError};
use crate::encode::{Compression, FileFormat};
use crate::ingest::{OnCorrupt, PartitionBy};
use crate::schema::mapping::Schema;
use crate::storage::{FirehoseRecords, Location, S3Prefix};

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
    pub quarantine: Option<Location>,
    pub firehose_records: Option<FirehoseRecords>,
    pub firehose_dynamic_partitioning: Option<bool>,
    pub firehose_bytes_per_second: Option<u64>,
    pub on_corrupt: Option<OnCorrupt>,
    pub on_missing: Option<OnMissing>,
    pub partial_batch: Option<bool>,
    pub overwrite: Option<bool>,
    pub source: Option<S3Prefix>,
    pub requester_pays: Option<bool>,
    pub source_owner: Option<String>,
    pub destination_owner: Option<String>,
    pub include: Option<GlobSet>,
    pub exclude: Option<GlobSet>,
}

impl RawConfig {
    /// Parses the settings that `lookup` returns values for. An empty value counts as not given.
    ///
    /// # Errors
    /// A value is not allowed.
    pub fn read(lookup: impl Fn(&Setting) -> Option<String>) -> Result<Self, SettingError> {
        let mut raw = Self::default();
        for setting in &SETTINGS {
            let Some(value) = lookup(setting).filter(|value| !value.is_empty()) else {
                continue;
            };
            if (setting.apply)(&mut raw, value.trim()).is_none() {
                return Err(SettingError::NotAllowed {
                    name: setting.name,
                    value,
                    allowed: setting.allowed,
                });
            }
        }
        Ok(raw)
    }
}
