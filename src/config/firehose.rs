//! How the settings fit a Firehose stream.

use super::{Compression, Format, PartitionBy, SettingError, Settings};
use crate::storage::MIN_FIREHOSE_BYTES_PER_SECOND;

/// Parses a limit of bytes per second.
pub(super) fn parse_rate(value: &str) -> Option<u64> {
    let rate = value.parse().ok();
    rate.filter(|rate| *rate >= MIN_FIREHOSE_BYTES_PER_SECOND)
}

impl Settings {
    /// Returns whether events go to a stream.
    pub(super) fn to_stream(&self) -> bool {
        self.destination
            .as_ref()
            .is_some_and(|destination| destination.is_stream())
    }

    /// Fits the settings to a stream: it takes uncompressed JSON lines, has no folders, and malformed lines have to go
    /// elsewhere.
    pub(super) fn fit_firehose(&mut self) -> Result<(), SettingError> {
        if !self.to_stream() {
            return Ok(());
        }
        let conflict = |text: &str| Err(SettingError::Conflict(text.to_owned()));
        if self.format == Some(Format::Parquet) {
            return conflict(
                "FORMAT is \"parquet\", which a Firehose stream does not take: its records are JSON lines; leave FORMAT out, and let the stream convert the records if you want Parquet",
            );
        }
        if self
            .compression
            .is_some_and(|compression| compression != Compression::None)
        {
            return conflict(
                "COMPRESSION is set, but the records of a Firehose stream are not compressed; leave it out, and let the stream compress what it delivers",
            );
        }
        if self.quarantine.is_none() {
            return conflict(
                "DESTINATION is a Firehose stream, and QUARANTINE is not set: malformed lines do not go to a stream; set QUARANTINE to s3://BUCKET/PREFIX or a directory",
            );
        }
        // A stream has no folders.
        self.partition_by = PartitionBy::None;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::read;
    use super::*;
    use crate::storage::{FirehoseOptions, FirehoseRecords, Location};

    const STREAM: (&str, &str) = ("DESTINATION", "firehose://alb-logs");
    const QUARANTINE: (&str, &str) = ("QUARANTINE", "s3://rejects/alb");

    #[test]
    fn a_stream_takes_json_lines_and_needs_a_quarantine() {
        let settings = read(&[STREAM, QUARANTINE, ("PARTITION_BY", "hour")]).unwrap();
        let stream = "alb-logs".to_owned();
        assert_eq!(settings.destination, Some(Location::Firehose { stream }));
        assert_eq!(
            (settings.format(), settings.compression(), settings.partition_by),
            (Format::Json, Compression::None, PartitionBy::None)
        );
        assert_eq!(settings.quarantine().unwrap().to_string(), "s3://rejects/alb/");
        assert_eq!(settings.firehose, FirehoseOptions::default());
        for (setting, value, wanted) in [
            ("FORMAT", "parquet", "FORMAT is"),
            ("COMPRESSION", "zstd", "COMPRESSION is set"),
            ("COMPRESSION", "gzip", "COMPRESSION is set"),
            (
                "QUARANTINE",
                "firehose://other",
                "QUARANTINE is \"firehose://other\"; allowed:",
            ),
        ] {
            let error = read(&[STREAM, (setting, value), QUARANTINE]).unwrap_err().to_string();
            assert!(error.contains(wanted), "{error}");
        }
        assert!(read(&[STREAM, QUARANTINE, ("FORMAT", "json"), ("COMPRESSION", "none")]).is_ok());
        let error = read(&[STREAM]).unwrap_err().to_string();
        assert!(error.contains("QUARANTINE is not set"), "{error}");
    }

    #[test]
    fn records_and_rate_are_set() {
        let settings = read(&[
            ("FIREHOSE_RECORDS", "single"),
            ("FIREHOSE_DYNAMIC_PARTITIONING", "true"),
            ("FIREHOSE_BYTES_PER_SECOND", "100000"),
        ]);
        let wanted = FirehoseOptions {
            records: FirehoseRecords::Single,
            dynamic_partitioning: true,
            bytes_per_second: Some(100_000),
        };
        assert_eq!(settings.unwrap().firehose, wanted);
        for rate in ["99999", "0", "-1", "1e6", "1MB"] {
            assert!(read(&[("FIREHOSE_BYTES_PER_SECOND", rate)]).is_err(), "{rate}");
        }
    }
}
