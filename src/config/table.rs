//! The table of the settings.

use globset::{Glob, GlobSet, GlobSetBuilder};

use super::firehose::parse_rate;
use super::{Compression, Format, OnCorrupt, OnMissing, PartitionBy, Setting};
use crate::schema::mapping::Schema;
use crate::storage::{FirehoseRecords, Location, S3Prefix};

const BOOLEAN: &str = "true, false";
const S3: &str = "s3://BUCKET/PREFIX";
const ACCOUNT: &str = "twelve digits";

/// Every setting, in the order in which the documentation lists them.
pub static SETTINGS: [Setting; 19] = [
    Setting {
        name: "DESTINATION",
        flag: "to",
        allowed: "a directory, file:///DIR, s3://BUCKET/PREFIX, firehose://STREAM, or - (stdout, JSON lines)",
        default: "none: required",
        doc: "Where the events go.",
        apply: |settings, value| {
            settings.destination = Some(Location::parse(value)?);
            Some(())
        },
    },
    Setting {
        name: "FORMAT",
        flag: "format",
        allowed: "parquet, json",
        default: "parquet; json on stdout and for firehose",
        doc: "The format of the events.",
        apply: |settings, value| {
            settings.format = Some(match value {
                "parquet" => Format::Parquet,
                "json" => Format::Json,
                _ => return None,
            });
            Some(())
        },
    },
    Setting {
        name: "COMPRESSION",
        flag: "compression",
        allowed: "zstd, snappy (Parquet only), gzip, none",
        default: "zstd; none on stdout and for firehose",
        doc: "The compression inside Parquet files, or of JSON files.",
        apply: |settings, value| {
            settings.compression = Some(match value {
                "zstd" => Compression::Zstd,
                "snappy" => Compression::Snappy,
                "gzip" => Compression::Gzip,
                "none" => Compression::None,
                _ => return None,
            });
            Some(())
        },
    },
    Setting {
        name: "PARTITION_BY",
        flag: "partition-by",
        allowed: "day, hour, none, security-lake",
        default: "day",
        doc: "The folders that events are laid out in, by their own UTC time; a Firehose stream has none. security-lake is the layout of a custom source of Amazon Security Lake, with SCHEMA=ocsf.",
        apply: |settings, value| {
            settings.partition_by = match value {
                "day" => PartitionBy::Day,
                "hour" => PartitionBy::Hour,
                "none" => PartitionBy::None,
                "security-lake" => PartitionBy::SecurityLake,
                _ => return None,
            };
            Some(())
        },
    },
    Setting {
        name: "SCHEMA",
        flag: "schema",
        allowed: "native, panther, ecs, ocsf",
        default: "native",
        doc: "The names and the nesting in which events are written: the table's own columns, or those of another product or standard.",
        apply: |settings, value| {
            settings.schema = Schema::parse(value)?;
            Some(())
        },
    },
    Setting {
        name: "QUARANTINE",
        flag: "quarantine",
        allowed: "a directory, file:///DIR, or s3://BUCKET/PREFIX",
        default: "_quarantine/ under the destination; ./_quarantine with stdout; required for firehose",
        doc: "Where malformed lines go, each with its raw bytes, line number, offset and reason.",
        apply: |settings, value| {
            settings.quarantine = Some(Location::parse(value).filter(Location::holds_files)?);
            Some(())
        },
    },
    Setting {
        name: "FIREHOSE_RECORDS",
        flag: "firehose-records",
        allowed: "packed, single",
        default: "packed",
        doc: "Firehose only: packed puts many events into a record, which costs a fraction; single puts one, for destinations that take a record as a document.",
        apply: |settings, value| {
            settings.firehose.records = match value {
                "packed" => FirehoseRecords::Packed,
                "single" => FirehoseRecords::Single,
                _ => return None,
            };
            Some(())
        },
    },
    Setting {
        name: "FIREHOSE_DYNAMIC_PARTITIONING",
        flag: "firehose-dynamic-partitioning",
        allowed: BOOLEAN,
        default: "false",
        doc: "Firehose only: whether the stream de-aggregates records for dynamic partitioning, which takes no more than 500 events a record.",
        apply: |settings, value| {
            settings.firehose.dynamic_partitioning = boolean(value)?;
            Some(())
        },
    },
    Setting {
        name: "FIREHOSE_BYTES_PER_SECOND",
        flag: "firehose-bytes-per-second",
        allowed: "a whole number, 100000 or more",
        default: "no limit",
        doc: "Firehose only: the most bytes of records that one process sends in a second, so that a backfill leaves room in the stream's quota.",
        apply: |settings, value| {
            settings.firehose.bytes_per_second = Some(parse_rate(value)?);
            Some(())
        },
    },
    Setting {
        name: "ON_CORRUPT",
        flag: "on-corrupt",
        allowed: "salvage, strict",
        default: "salvage",
        doc: "What happens to a truncated or corrupt object: salvage keeps the rows before the fault and reports the object as corrupt, strict writes nothing and fails the object.",
        apply: |settings, value| {
            settings.on_corrupt = match value {
                "salvage" => OnCorrupt::Salvage,
                "strict" => OnCorrupt::Strict,
                _ => return None,
            };
            Some(())
        },
    },
    Setting {
        name: "ON_MISSING",
        flag: "on-missing",
        allowed: "fail, skip",
        default: "fail",
        doc: "What happens to an object that is not there any more: fail leaves the message to be looked at, skip counts it.",
        apply: |settings, value| {
            settings.on_missing = match value {
                "fail" => OnMissing::Fail,
                "skip" => OnMissing::Skip,
                _ => return None,
            };
            Some(())
        },
    },
    Setting {
        name: "PARTIAL_BATCH",
        flag: "partial-batch",
        allowed: BOOLEAN,
        default: "false",
        doc: "Function only: whether the queue's mapping has ReportBatchItemFailures, so that only the messages that failed come again; without it, one that failed brings back the whole batch.",
        apply: |settings, value| {
            settings.partial_batch = boolean(value)?;
            Some(())
        },
    },
    Setting {
        name: "OVERWRITE",
        flag: "overwrite",
        allowed: BOOLEAN,
        default: "false",
        doc: "S3 only: whether outputs that are there are replaced, for a deliberate reprocessing; without it they stay as they are.",
        apply: |settings, value| {
            settings.overwrite = boolean(value)?;
            Some(())
        },
    },
    Setting {
        name: "SOURCE",
        flag: "source",
        allowed: S3,
        default: "not checked",
        doc: "Function only: where its objects come from; a destination inside of it is refused, because the function would be fed with its own output.",
        apply: |settings, value| {
            settings.source = Some(S3Prefix::parse(value.strip_prefix("s3://")?)?);
            Some(())
        },
    },
    Setting {
        name: "REQUESTER_PAYS",
        flag: "requester-pays",
        allowed: BOOLEAN,
        default: "false",
        doc: "S3 only: whether this account pays for reading, which a bucket with Requester Pays asks for.",
        apply: |settings, value| {
            settings.requester_pays = boolean(value)?;
            Some(())
        },
    },
    Setting {
        name: "SOURCE_OWNER",
        flag: "source-owner",
        allowed: ACCOUNT,
        default: "not checked",
        doc: "S3 only: the account that has to own the buckets that are read; reading from any other fails.",
        apply: |settings, value| {
            settings.source_owner = Some(account(value)?);
            Some(())
        },
    },
    Setting {
        name: "DESTINATION_OWNER",
        flag: "destination-owner",
        allowed: ACCOUNT,
        default: "not checked",
        doc: "S3 only: the account that has to own the buckets that are written; writing to any other fails.",
        apply: |settings, value| {
            settings.destination_owner = Some(account(value)?);
            Some(())
        },
    },
    Setting {
        name: "INCLUDE",
        flag: "include",
        allowed: "key patterns such as **/us-east-1/**, separated by commas",
        default: "every key",
        doc: "Only objects whose key matches one of these patterns are ingested.",
        apply: |settings, value| {
            settings.include = globs(value)?;
            Some(())
        },
    },
    Setting {
        name: "EXCLUDE",
        flag: "exclude",
        allowed: "key patterns such as **/us-east-1/**, separated by commas",
        default: "no key",
        doc: "Objects whose key matches one of these patterns are skipped.",
        apply: |settings, value| {
            settings.exclude = globs(value)?;
            Some(())
        },
    },
];

fn boolean(value: &str) -> Option<bool> {
    match value {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

fn account(value: &str) -> Option<String> {
    (value.len() == 12 && value.bytes().all(|byte| byte.is_ascii_digit())).then(|| value.to_owned())
}

fn globs(value: &str) -> Option<GlobSet> {
    let mut builder = GlobSetBuilder::new();
    for pattern in value.split(',') {
        builder.add(Glob::new(pattern.trim()).ok()?);
    }
    builder.build().ok()
}
