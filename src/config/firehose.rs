//! What is set for a Firehose stream as destination.

use super::{Compression, Format, Location, PartitionBy, SettingError, Settings};

/// How events go to a Firehose stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Firehose {
    /// How events are put into records.
    pub records: FirehoseRecords,
    /// Whether the stream takes records apart again to partition by what is in the events.
    pub dynamic_partitioning: bool,
    /// The most bytes of records that are sent in a second; no limit of our own where there is none.
    pub bytes_per_second: Option<u64>,
}

/// How events are put into records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirehoseRecords {
    /// Many events a record.
    Packed,
    /// One event a record.
    Single,
}

/// The smallest limit of bytes a second. Records are made no larger than what may be sent in a second, and much smaller
/// ones would cost more: Firehose bills each as a multiple of 5 KB.
pub const MIN_BYTES_PER_SECOND: u64 = 100_000;

impl Default for Firehose {
    fn default() -> Self {
        Self {
            records: FirehoseRecords::Packed,
            dynamic_partitioning: false,
            bytes_per_second: None,
        }
    }
}

impl Firehose {
    /// A limit of bytes a second.
    pub(super) fn parse_pace(value: &str) -> Option<u64> {
        value.parse().ok().filter(|pace| *pace >= MIN_BYTES_PER_SECOND)
    }
}

impl Settings {
    /// Whether events go to a Firehose stream.
    pub(super) const fn to_firehose(&self) -> bool {
        matches!(self.destination, Some(Location::Firehose { .. }))
    }

    /// Fits the settings to a stream: it takes JSON lines as they are and has no folders, and malformed lines have to go
    /// elsewhere.
    pub(super) fn fit_firehose(&mut self) -> Result<(), SettingError> {
        if !self.to_firehose() {
            return Ok(());
        }
        let conflict = |text: &str| Err(SettingError::Conflict(text.to_owned()));
        if self.format == Some(Format::Parquet) {
            return conflict(
                "FORMAT is \"parquet\", which does not go to a Firehose stream: its records are JSON lines; leave FORMAT out, and let the stream convert the records if you want Parquet",
            );
        }
        if self
            .compression
            .is_some_and(|compression| compression != Compression::None)
        {
            return conflict(
                "COMPRESSION is set, and the records of a Firehose stream have none; leave it out, and let the stream compress what it delivers",
            );
        }
        if self.quarantine.is_none() {
            return conflict(
                "DESTINATION is a Firehose stream, and QUARANTINE is not set: malformed lines do not go to the stream; set QUARANTINE to s3://BUCKET/PREFIX or a directory",
            );
        }
        // One stream, no folders.
        self.partition_by = PartitionBy::None;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::read;
    use super::*;

    const STREAM: (&str, &str) = ("DESTINATION", "firehose://alb-logs");
    const QUARANTINE: (&str, &str) = ("QUARANTINE", "s3://rejects/alb");

    #[test]
    fn a_stream_takes_json_lines_and_wants_a_quarantine() {
        let settings = read(&[STREAM, QUARANTINE, ("PARTITION_BY", "hour")]).unwrap();
        let stream = "alb-logs".to_owned();
        assert_eq!(settings.destination, Some(Location::Firehose { stream }));
        assert_eq!(
            (settings.format(), settings.compression(), settings.partition_by),
            (Format::Json, Compression::None, PartitionBy::None)
        );
        assert_eq!(settings.quarantine().unwrap().to_string(), "s3://rejects/alb/");
        assert_eq!(settings.firehose, Firehose::default());
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
    fn records_and_pace_are_set() {
        let settings = read(&[
            ("FIREHOSE_RECORDS", "single"),
            ("FIREHOSE_DYNAMIC_PARTITIONING", "true"),
            ("FIREHOSE_BYTES_PER_SECOND", "100000"),
        ]);
        let wanted = Firehose {
            records: FirehoseRecords::Single,
            dynamic_partitioning: true,
            bytes_per_second: Some(100_000),
        };
        assert_eq!(settings.unwrap().firehose, wanted);
        for pace in ["99999", "0", "-1", "1e6", "1MB"] {
            assert!(read(&[("FIREHOSE_BYTES_PER_SECOND", pace)]).is_err(), "{pace}");
        }
    }

    #[test]
    fn streams_have_names() {
        for wrong in ["firehose://", "firehose://a/b", "firehose://a b", "firehose://ä"] {
            assert_eq!(Location::parse(wrong), None, "{wrong}");
        }
        let name = "a".repeat(64);
        assert!(Location::parse(&format!("firehose://{name}")).is_some());
        assert!(Location::parse(&format!("firehose://{name}a")).is_none());
        let place = Location::parse("firehose://A.b_c-1").unwrap();
        assert_eq!(place.to_string(), "firehose://A.b_c-1");
    }
}
