//! The layout of Amazon Security Lake, and what it asks of the other settings.

use super::{Format, PartitionBy, SettingError, Settings};
use crate::schema::mapping::Schema;

impl Settings {
    /// Refuses what the lake does not take.
    pub(super) fn fit_security_lake(&self) -> Result<(), SettingError> {
        if self.partition_by != PartitionBy::SecurityLake {
            return Ok(());
        }
        let conflict = |text: &str| {
            let text = format!("PARTITION_BY is \"security-lake\", {text}");
            Err(SettingError::Conflict(text))
        };
        if self.to_stream() {
            return conflict("and DESTINATION is a Firehose stream, which has no folders; name the lake's bucket");
        }
        if self.schema != Schema::Ocsf {
            return conflict("and SCHEMA is not ocsf, the only one that the lake takes; set SCHEMA to ocsf");
        }
        if self.format() != Format::Parquet {
            return conflict("and FORMAT is not parquet, the only one that the lake takes; set FORMAT to parquet");
        }
        if self.quarantine.is_none() {
            return conflict(
                "and QUARANTINE is not set: malformed lines must not lie in the lake; set QUARANTINE to s3://BUCKET/PREFIX or a directory",
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::read;

    const LAKE: (&str, &str) = ("PARTITION_BY", "security-lake");
    const OCSF: (&str, &str) = ("SCHEMA", "ocsf");
    const PLACE: (&str, &str) = ("DESTINATION", "s3://aws-security-data-lake-eu-west-1-x/ext");
    const QUARANTINE: (&str, &str) = ("QUARANTINE", "s3://rejects");

    #[test]
    fn the_lake_takes_ocsf_in_parquet_and_no_rejects() {
        assert!(read(&[LAKE, OCSF, PLACE, QUARANTINE]).is_ok());
        let refused: [(&[(&str, &str)], &str); 4] = [
            (&[LAKE, PLACE, QUARANTINE], "SCHEMA is not ocsf"),
            (&[LAKE, OCSF, PLACE], "QUARANTINE is not set"),
            (
                &[LAKE, OCSF, PLACE, QUARANTINE, ("FORMAT", "json")],
                "FORMAT is not parquet",
            ),
            (
                &[LAKE, OCSF, QUARANTINE, ("DESTINATION", "firehose://stream")],
                "is a Firehose stream",
            ),
        ];
        for (values, said) in refused {
            let error = read(values).unwrap_err().to_string();
            assert!(error.contains(said) && error.contains("PARTITION_BY"), "{error}");
        }
    }
}
