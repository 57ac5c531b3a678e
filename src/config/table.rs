//! The table of settings.

use globset::{Glob, GlobSet, GlobSetBuilder};

use super::{Firehose, FirehoseRecords, Location, OnMissing, S3Prefix, Setting};
use crate::encode::{Compression, FileFormat};
use crate::ingest::{OnCorrupt, PartitionBy};
use crate::schema::mapping::Schema;

const BOOLEAN: &str = "true, false";
const S3: &str = "s3://BUCKET/PREFIX";
const ACCOUNT: &str = "12 digits";

/// The one required setting.
pub(super) const DESTINATION: Setting = Setting {
    name: "DESTINATION",
    flag: "to",
    allowed: "a directory, file:///DIR, s3://BUCKET/PREFIX, firehose://STREAM, or - (stdout, JSON lines)",
    default: "none; required",
    doc: "The destination of events.",
    apply: |raw, value| {
        raw.destination = Some(Location::parse(value)?);
        Some(())
    },
};

/// Every setting, in the order of the documentation.
pub static SETTINGS: [Setting; 19] = [
    DESTINATION,
    Setting {
        name: "FORMAT",
        flag: "format",
        allowed: "parquet, json",
        default: "parquet; json on stdout and for firehose",
        doc: "The format of event files.",
        apply: |raw, value| {
            raw.format = Some(match value {
                "parquet" => FileFormat::Parquet,
                "json" => FileFormat::Json,
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
        doc: "The compression of the pages inside Parquet files, or of whole JSON files.",
        apply: |raw, value| {
            raw.compression = Some(match value {
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
        doc: "The folders that events are partitioned into, by their own UTC time; a Firehose stream has none. security-lake is the layout of a custom source of Amazon Security Lake and requires SCHEMA=ocsf.",
        apply: |raw, value| {
            raw.partition_by = Some(match value {
                "day" => PartitionBy::Day,
                "hour" => PartitionBy::Hour,
                "none" => PartitionBy::None,
                "security-lake" => PartitionBy::SecurityLake,
                _ => return None,
            });
            Some(())
        },
    },
    Setting {
        name: "SCHEMA",
        flag: "schema",
        allowed: "native, panther, ecs, ocsf",
        default: "native",
        doc: "The names and nesting of the events' values: the table's own columns, or those of another product or standard.",
        apply: |raw, value| {
            raw.schema = Some(Schema::parse(value)?);
            Some(())
        },
    },
    Setting {
        name: "QUARANTINE",
        flag: "quarantine",
        allowed: "a directory, file:///DIR, or s3://BUCKET/PREFIX",
        default: "_quarantine/ under the destination; ./_quarantine for stdout; required for firehose",
        doc: "The destination of malformed lines, each with its raw bytes, line number, byte offset and reason.",
        apply: |raw, value| {
            raw.quarantine = Some(Location::parse(value).filter(holds_files)?);
            Some(())
        },
    },
    Setting {
        name: "FIREHOSE_RECORDS",
        flag: "firehose-records",
        allowed: "packed, single",
        default: "packed",
        doc: "Firehose only: packed puts many events into each record, at a fraction of the cost; single puts one, for destinations that treat each record as a document.",
        apply: |raw, value| {
            raw.firehose_records = Some(match value {
                "packed" => FirehoseRecords::Packed,
                "single" => FirehoseRecords::Single,
                _ => return None,
            });
            Some(())
        },
    },
    Setting {
        name: "FIREHOSE_DYNAMIC_PARTITIONING",
        flag: "firehose-dynamic-partitioning",
        allowed: BOOLEAN,
        default: "false",
        doc: "Firehose only: whether the stream de-aggregates records for dynamic partitioning, which is limited to 500 events per record.",
        apply: |raw, value| {
            raw.firehose_dynamic_partitioning = Some(boolean(value)?);
            Some(())
        },
    },
    Setting {
        name: "FIREHOSE_BYTES_PER_SECOND",
        flag: "firehose-bytes-per-second",
        allowed: "an integer, 100000 or more",
        default: "no limit",
        doc: "Firehose only: the maximum number of record bytes that one process sends per second, so a backfill leaves room in the stream's quota.",
        apply: |raw, value| {
            raw.firehose_bytes_per_second = Some(Firehose::parse_pace(value)?);
            Some(())
        },
    },
    Setting {
        name: "ON_CORRUPT",
        flag: "on-corrupt",
        allowed: "salvage, strict",
        default: "salvage",
        doc: "The treatment of truncated or corrupt objects: salvage keeps the rows before the fault and reports the object as corrupt; strict writes nothing and fails the object.",
        apply: |raw, value| {
            raw.on_corrupt = Some(match value {
                "salvage" => OnCorrupt::Salvage,
                "strict" => OnCorrupt::Strict,
                _ => return None,
            });
            Some(())
        },
    },
    Setting {
        name: "ON_MISSING",
        flag: "on-missing",
        allowed: "fail, skip",
        default: "fail",
        doc: "The treatment of objects that no longer exist: fail fails the message, so it is kept for inspection; skip only counts it.",
        apply: |raw, value| {
            raw.on_missing = Some(match value {
                "fail" => OnMissing::Fail,
                "skip" => OnMissing::Skip,
                _ => return None,
            });
            Some(())
        },
    },
    Setting {
        name: "PARTIAL_BATCH",
        flag: "partial-batch",
        allowed: BOOLEAN,
        default: "false",
        doc: "Function only: whether the queue's event source mapping has ReportBatchItemFailures, so only failed messages are retried; without it, one failure retries the whole batch.",
        apply: |raw, value| {
            raw.partial_batch = Some(boolean(value)?);
            Some(())
        },
    },
    Setting {
        name: "OVERWRITE",
        flag: "overwrite",
        allowed: BOOLEAN,
        default: "false",
        doc: "S3 only: whether existing outputs are replaced, for deliberate reprocessing; by default they are left unchanged.",
        apply: |raw, value| {
            raw.overwrite = Some(boolean(value)?);
            Some(())
        },
    },
    Setting {
        name: "SOURCE",
        flag: "source",
        allowed: S3,
        default: "not checked",
        doc: "Function only: the location of its source objects; a destination inside it is rejected, because the function would ingest its own output.",
        apply: |raw, value| {
            raw.source = Some(S3Prefix::parse(value.strip_prefix("s3://")?)?);
            Some(())
        },
    },
    Setting {
        name: "REQUESTER_PAYS",
        flag: "requester-pays",
        allowed: BOOLEAN,
        default: "false",
        doc: "S3 only: whether this account pays for reads, as Requester Pays buckets require.",
        apply: |raw, value| {
            raw.requester_pays = Some(boolean(value)?);
            Some(())
        },
    },
    Setting {
        name: "SOURCE_OWNER",
        flag: "source-owner",
        allowed: ACCOUNT,
        default: "not checked",
        doc: "S3 only: the account that must own the source buckets; reads from any other bucket fail.",
        apply: |raw, value| {
            raw.source_owner = Some(account(value)?);
            Some(())
        },
    },
    Setting {
        name: "DESTINATION_OWNER",
        flag: "destination-owner",
        allowed: ACCOUNT,
        default: "not checked",
        doc: "S3 only: the account that must own the destination buckets; writes to any other bucket fail.",
        apply: |raw, value| {
            raw.destination_owner = Some(account(value)?);
            Some(())
        },
    },
    Setting {
        name: "INCLUDE",
        flag: "include",
        allowed: "comma-separated key patterns such as **/us-east-1/**",
        default: "every key",
        doc: "Ingest only objects whose key matches one of these patterns.",
        apply: |raw, value| {
            raw.include = Some(globs(value)?);
            Some(())
        },
    },
    Setting {
        name: "EXCLUDE",
        flag: "exclude",
        allowed: "comma-separated key patterns such as **/us-east-1/**",
        default: "no key",
        doc: "Skip objects whose key matches one of these patterns.",
        apply: |raw, value| {
            raw.exclude = Some(globs(value)?);
            Some(())
        },
    },
];

/// Returns whether the location can hold files.
fn holds_files(location: &Location) -> bool {
    !matches!(location, Location::Stdout | Location::Firehose { .. })
}

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
