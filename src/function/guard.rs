//! The guard against a loop in which the function ingests its own output.

use crate::storage::{Location, S3Prefix};

/// The relation of an object to a location of outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    /// The object is elsewhere.
    None,
    /// The location contains the object, which is not an output, or the logs contain the location. The function could not
    /// distinguish logs and outputs.
    Mixed,
    /// The object is an output.
    Output,
}

/// Returns the relation of an object to a location of outputs.
pub(super) fn relation(bucket: &str, key: &str, place: &Location) -> Relation {
    let Some(place) = place.s3_prefix() else {
        return Relation::None;
    };
    if place.contains(bucket, key) {
        let below = key.get(place.prefix.len()..).unwrap_or_default();
        let is_output = !place.prefix.is_empty() && is_output_key(below);
        return if is_output { Relation::Output } else { Relation::Mixed };
    }
    let inside_logs = log_root(bucket, key).is_some_and(|root| root.encloses(place));
    if inside_logs { Relation::Mixed } else { Relation::None }
}

/// Returns whether a key below a destination has the form of an output's key.
fn is_output_key(below: &str) -> bool {
    let endings = [".parquet", ".json", ".json.zst", ".json.gz"];
    endings.iter().any(|ending| below.ends_with(ending))
}

/// Returns the prefix of the load balancers' logs: the part of the key before the account.
fn log_root(bucket: &str, key: &str) -> Option<S3Prefix> {
    const FOLDER: &str = "AWSLogs/";
    let at = key.find(FOLDER)?;
    Some(S3Prefix {
        bucket: bucket.to_owned(),
        prefix: key.get(..at + FOLDER.len())?.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_related_to_the_outputs_by_its_prefix() {
        let relation = |key: &str, place: &str| {
            let place = S3Prefix::parse(place).unwrap();
            super::relation("logs", key, &Location::S3(place))
        };
        let log = "lb/AWSLogs/123456789012/elasticloadbalancing/us-east-1/2026/10/07/x.log.gz";
        assert_eq!(relation(log, "events/all"), Relation::None);
        assert_eq!(relation(log, "logs/parquet"), Relation::None);
        assert_eq!(relation(log, "logs"), Relation::Mixed);
        assert_eq!(relation(log, "logs/lb"), Relation::Mixed);
        assert_eq!(relation(log, "logs/lb/AWSLogs/parquet"), Relation::Mixed);
        assert_eq!(
            relation("parquet/alb_access_log/date=2026-10-07/x.parquet", "logs/parquet"),
            Relation::Output
        );
        assert_eq!(
            relation("parquet/_quarantine/unknown/x.json", "logs/parquet"),
            Relation::Output
        );
        assert_eq!(relation("parquet/x.log.gz", "logs/parquet"), Relation::Mixed);
        assert_eq!(super::relation("logs", log, &Location::Stdout), Relation::None);
    }
}
