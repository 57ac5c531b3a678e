//! Keeps the function from being fed with its own output.

use crate::storage::{Location, S3Prefix};

/// What an object is to the places that the function writes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    /// It lies elsewhere.
    None,
    /// It lies where outputs go, but not as an output: outputs would be taken for logs, and logs for outputs.
    Mixed,
    /// It is an output.
    Output,
}

/// What an object is to a place that outputs go to.
pub(super) fn relation(bucket: &str, key: &str, place: &Location) -> Relation {
    let Some(place) = place.s3_prefix() else {
        return Relation::None;
    };
    if place.contains(bucket, key) {
        let below = key.get(place.prefix.len()..).unwrap_or_default();
        let is_output = !place.prefix.is_empty() && is_output_key(below);
        return if is_output { Relation::Output } else { Relation::Mixed };
    }
    let inside_of_logs = log_root(bucket, key).is_some_and(|root| root.encloses(place));
    if inside_of_logs {
        Relation::Mixed
    } else {
        Relation::None
    }
}

/// Whether a key below a destination is one that outputs have.
fn is_output_key(below: &str) -> bool {
    let endings = [".parquet", ".json", ".json.zst", ".json.gz"];
    endings.iter().any(|ending| below.ends_with(ending))
}

/// Where the load balancers write: what stands in front of the account in a key.
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
    fn outputs_and_logs_do_not_mix() {
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
