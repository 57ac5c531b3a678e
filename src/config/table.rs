//! The table of the settings.

use globset::{Glob, GlobSet, GlobSetBuilder};

use super::{
    Compression, Firehose, FirehoseRecords, Format, Location, OnCorrupt, OnMissing, PartitionBy, S3Prefix, Section,
    Setting,
};
use crate::schema::mapping::Schema;

const BOOLEAN: &str = "true, false";
const S3: &str = "s3://BUCKET/PREFIX";
const ACCOUNT: &str = "twelve digits";

/// Every setting, in the order in which the documentation lists them.
pub static SETTINGS: [Setting; 19] = [
    Setting {
        name: "DESTINATION",
        flag: "to",
        value_name: "DEST",
        section: Section::Output,
        allowed: "a directory, file:///DIR, s3://BUCKET/PREFIX, firehose://STREAM, or - (stdout, JSON lines)",
        default: "none (required)",
        doc: "Where to write events: a directory, S3, Firehose, or - for stdout.",
        apply: |settings, value| {
            settings.destination = Some(Location::parse(value)?);
            Some(())
        },
    },
    Setting {
        name: "FORMAT",
        flag: "format",
        value_name: "FORMAT",
        section: Section::Output,
        allowed: "parquet, json",
        default: "parquet; json on stdout and for firehose",
        doc: "Output format.",
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
        value_name: "CODEC",
        section: Section::Output,
        allowed: "zstd, snappy (Parquet only), gzip, none",
        default: "zstd; none on stdout and for firehose",
        doc: "Compression codec. It applies inside Parquet files, or to whole JSON files.",
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
        value_name: "LAYOUT",
        section: Section::Output,
        allowed: "day, hour, none, security-lake",
        default: "day",
        doc: "Folder layout. Files are partitioned by the UTC time of their events; a Firehose stream has no folders. security-lake is the layout of a custom source of Amazon Security Lake and requires SCHEMA=ocsf.",
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
        value_name: "SCHEMA",
        section: Section::Output,
        allowed: "native, panther, ecs, ocsf",
        default: "native",
        doc: "Schema of the events. It sets the names and the nesting of the values: the table's own columns, or those of another product or standard.",
        apply: |settings, value| {
            settings.schema = Schema::parse(value)?;
            Some(())
        },
    },
    Setting {
        name: "QUARANTINE",
        flag: "quarantine",
        value_name: "DEST",
        section: Section::Output,
        allowed: "a directory, file:///DIR, or s3://BUCKET/PREFIX",
        default: "_quarantine/ under the destination; ./_quarantine with stdout; required for firehose",
        doc: "Where to write malformed lines: a directory or S3. Each line is written with its raw bytes, line number, offset and reason.",
        apply: |settings, value| {
            settings.quarantine = Some(Location::parse(value).filter(holds_files)?);
            Some(())
        },
    },
    Setting {
        name: "FIREHOSE_RECORDS",
        flag: "firehose-records",
        value_name: "MODE",
        section: Section::Firehose,
        allowed: "packed, single",
        default: "packed",
        doc: "Events per record. packed puts many events into a record, which costs a fraction; single puts one event into each, for destinations that treat a record as a document.",
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
        value_name: "BOOL",
        section: Section::Firehose,
        allowed: BOOLEAN,
        default: "false",
        doc: "Limit each record to 500 events. Required if the stream de-aggregates records for dynamic partitioning.",
        apply: |settings, value| {
            settings.firehose.dynamic_partitioning = boolean(value)?;
            Some(())
        },
    },
    Setting {
        name: "FIREHOSE_BYTES_PER_SECOND",
        flag: "firehose-bytes-per-second",
        value_name: "BYTES",
        section: Section::Firehose,
        allowed: "a whole number, 100000 or more",
        default: "no limit",
        doc: "Maximum bytes of records sent per second. The limit applies to one process and leaves room in the stream's quota during a backfill.",
        apply: |settings, value| {
            settings.firehose.bytes_per_second = Some(Firehose::parse_pace(value)?);
            Some(())
        },
    },
    Setting {
        name: "ON_CORRUPT",
        flag: "on-corrupt",
        value_name: "ACTION",
        section: Section::Input,
        allowed: "salvage, strict",
        default: "salvage",
        doc: "Handling of corrupt objects. salvage keeps the rows before the fault and reports the truncated or corrupt object; strict writes nothing and fails the object.",
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
        value_name: "ACTION",
        section: Section::Function,
        allowed: "fail, skip",
        default: "fail",
        doc: "Handling of deleted objects. fail keeps the message for inspection; skip counts the object.",
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
        value_name: "BOOL",
        section: Section::Function,
        allowed: BOOLEAN,
        default: "false",
        doc: "Report failed messages one by one. Set it if the event source mapping of the queue has ReportBatchItemFailures, so only the failed messages are retried; without it, one failure retries the whole batch.",
        apply: |settings, value| {
            settings.partial_batch = boolean(value)?;
            Some(())
        },
    },
    Setting {
        name: "OVERWRITE",
        flag: "overwrite",
        value_name: "BOOL",
        section: Section::S3,
        allowed: BOOLEAN,
        default: "false",
        doc: "Replace outputs that already exist. Meant for deliberate reprocessing; without it, existing outputs are kept. S3 only.",
        apply: |settings, value| {
            settings.overwrite = boolean(value)?;
            Some(())
        },
    },
    Setting {
        name: "SOURCE",
        flag: "source",
        value_name: "PREFIX",
        section: Section::Function,
        allowed: S3,
        default: "not checked",
        doc: "Prefix that the function reads from. A destination inside it is rejected, because the function would ingest its own output.",
        apply: |settings, value| {
            settings.source = Some(S3Prefix::parse(value.strip_prefix("s3://")?)?);
            Some(())
        },
    },
    Setting {
        name: "REQUESTER_PAYS",
        flag: "requester-pays",
        value_name: "BOOL",
        section: Section::S3,
        allowed: BOOLEAN,
        default: "false",
        doc: "Pay for reading from Requester Pays buckets. Such buckets reject requests that do not accept the charge.",
        apply: |settings, value| {
            settings.requester_pays = boolean(value)?;
            Some(())
        },
    },
    Setting {
        name: "SOURCE_OWNER",
        flag: "source-owner",
        value_name: "ACCOUNT",
        section: Section::S3,
        allowed: ACCOUNT,
        default: "not checked",
        doc: "Account that must own the buckets that are read. Reading from any other bucket fails.",
        apply: |settings, value| {
            settings.source_owner = Some(account(value)?);
            Some(())
        },
    },
    Setting {
        name: "DESTINATION_OWNER",
        flag: "destination-owner",
        value_name: "ACCOUNT",
        section: Section::S3,
        allowed: ACCOUNT,
        default: "not checked",
        doc: "Account that must own the buckets that are written. Writing to any other bucket fails.",
        apply: |settings, value| {
            settings.destination_owner = Some(account(value)?);
            Some(())
        },
    },
    Setting {
        name: "INCLUDE",
        flag: "include",
        value_name: "GLOBS",
        section: Section::Input,
        allowed: "key patterns such as **/us-east-1/**, separated by commas",
        default: "every key",
        doc: "Ingest only objects whose key matches a pattern.",
        apply: |settings, value| {
            settings.include = globs(value)?;
            Some(())
        },
    },
    Setting {
        name: "EXCLUDE",
        flag: "exclude",
        value_name: "GLOBS",
        section: Section::Input,
        allowed: "key patterns such as **/us-east-1/**, separated by commas",
        default: "no key",
        doc: "Skip objects whose key matches a pattern.",
        apply: |settings, value| {
            settings.exclude = globs(value)?;
            Some(())
        },
    },
];

/// Whether files can lie there.
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
