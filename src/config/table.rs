//! The table of settings.

use std::time::Duration;

use globset::{Glob, GlobSet, GlobSetBuilder};

use super::{OnMissing, Section, Setting};
use crate::encode::{Compression, FileFormat};
use crate::formats::{Extras, FieldOrder};
use crate::ingest::{OnCorrupt, PartitionBy};
use crate::schema::mapping::Schema;
use crate::storage::{
    FirehoseRecords, Location, MIN_FIREHOSE_BYTES_PER_SECOND, Origin, QueueUrl, S3Prefix, SecretLocation,
    is_bucket_name,
};
use crate::transform::redact::Key;

const BOOLEAN: &str = "true, false";
const S3: &str = "s3://BUCKET/PREFIX";
const ACCOUNT: &str = "12 digits";
const GLOBS: &str = "comma-separated key patterns such as **/us-east-1/**, none of them empty";

const TIMES: &str = "an integer and a unit such as 90s, 10m, 6h or 14d";

/// The one required setting.
pub(super) const DESTINATION: Setting = Setting {
    name: "DESTINATION",
    flag: "to",
    value_name: "DEST",
    section: Section::Output,
    allowed: "a directory, file:///DIR, s3://BUCKET/PREFIX, firehose://STREAM, or - (stdout, JSON lines)",
    default: "none; required",
    doc: "Where to write events: a directory, S3, Firehose, or - for stdout.",
    apply: |raw, value| {
        raw.destination = Some(Location::parse(value)?);
        Some(())
    },
};

/// The one setting whose value is never shown: whoever confuses it with the key itself must not find the key in a log.
pub(super) const REDACT_KEY: Setting = Setting {
    name: "REDACT_KEY",
    flag: "redact-key",
    value_name: "PLACE",
    section: Section::Events,
    allowed: "secretsmanager:NAME, ssm:NAME, the ARN of a secret or a parameter, file:///PATH, or a path that begins with /, ./ or ../",
    default: "none; required by the actions hmac and pseudonym of REDACT",
    doc: "Place of the key of REDACT. The key is 32 bytes, as 64 hexadecimal digits or in base64. It is read once, when the command or the function starts.",
    apply: |raw, value| {
        let place = SecretLocation::parse(value).filter(|_| Key::parse(value).is_err());
        raw.redact_key = Some(place?);
        Some(())
    },
};

/// Every setting, in the order of the documentation.
pub static SETTINGS: [Setting; 36] = [
    DESTINATION,
    Setting {
        name: "FORMAT",
        flag: "format",
        value_name: "FORMAT",
        section: Section::Output,
        allowed: "parquet, json",
        default: "parquet; json on stdout, for firehose and with SCHEMA=otel",
        doc: "Output format.",
        apply: |raw, value| {
            raw.format = Some(named(&FileFormat::ALL, FileFormat::name, value)?);
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
        doc: "Compression codec. It applies to the pages inside Parquet files, or to whole JSON files.",
        apply: |raw, value| {
            raw.compression = Some(named(&Compression::ALL, Compression::name, value)?);
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
        doc: "Folder layout. Events are partitioned into folders by their own UTC time; a Firehose stream has no folders. security-lake is the layout of a custom source of Amazon Security Lake and requires SCHEMA=ocsf.",
        apply: |raw, value| {
            raw.partition_by = Some(named(&PartitionBy::ALL, PartitionBy::name, value)?);
            Some(())
        },
    },
    Setting {
        name: "SCHEMA",
        flag: "schema",
        value_name: "SCHEMA",
        section: Section::Output,
        allowed: "native, panther, ecs, ocsf, tailpipe, otel",
        default: "native",
        doc: "Schema. It determines the names and nesting of the values of events: the table's own columns, or those of another product or standard. otel writes batches of log records as OTLP/JSON and requires FORMAT=json.",
        apply: |raw, value| {
            raw.schema = Some(Schema::parse(value)?);
            Some(())
        },
    },
    Setting {
        name: "QUARANTINE",
        flag: "quarantine",
        value_name: "DEST",
        section: Section::Output,
        allowed: "a directory, file:///DIR, or s3://BUCKET/PREFIX",
        default: "_quarantine/ under the destination; ./_quarantine for stdout; required for firehose",
        doc: "Where to write malformed lines: a directory or S3. Each line is written with its raw bytes, line number, byte offset and reason.",
        apply: |raw, value| {
            raw.quarantine = Some(Location::parse(value).filter(Location::holds_files)?);
            Some(())
        },
    },
    Setting {
        name: "MERGE",
        flag: "merge",
        value_name: "BOOL",
        section: Section::Merge,
        allowed: BOOLEAN,
        default: "false",
        doc: "Merge the objects of each source folder into few large outputs. Each object is merged exactly once, whatever is interrupted or repeated. The destination must be empty or merged into before; it needs PARTITION_BY day, hour or none.",
        apply: |raw, value| {
            raw.merge = Some(boolean(value)?);
            Some(())
        },
    },
    Setting {
        name: "MERGE_OBJECTS",
        flag: "merge-objects",
        value_name: "N",
        section: Section::Merge,
        allowed: "an integer, 1 to 10000",
        default: "5000",
        doc: "Maximum objects merged into one output per partition.",
        apply: |raw, value| {
            raw.merge_objects = value.parse().ok().filter(|objects| (1..=10_000).contains(objects));
            raw.merge_objects.map(|_| ())
        },
    },
    Setting {
        name: "MERGE_BYTES",
        flag: "merge-bytes",
        value_name: "BYTES",
        section: Section::Merge,
        allowed: "an integer, 1000000 or more",
        default: "268435456",
        doc: "Maximum bytes of objects merged into one output per partition. A larger object is merged alone.",
        apply: |raw, value| {
            raw.merge_bytes = value.parse().ok().filter(|bytes| *bytes >= 1_000_000);
            raw.merge_bytes.map(|_| ())
        },
    },
    Setting {
        name: "MERGE_GRACE",
        flag: "merge-grace",
        value_name: "TIME",
        section: Section::Function,
        allowed: TIMES,
        default: "10m",
        doc: "Time after an object's interval before the function merges it. Objects of one interval that arrive late are then merged together.",
        apply: |raw, value| {
            raw.merge_grace = Some(duration(value)?);
            Some(())
        },
    },
    Setting {
        name: "MERGE_WINDOW",
        flag: "merge-window",
        value_name: "TIME",
        section: Section::Function,
        allowed: TIMES,
        default: "1h",
        doc: "Time between two invocations by the schedule. Earlier days are checked again in the windows that begin 6, 24 and 48 hours after their end.",
        apply: |raw, value| {
            raw.merge_window = Some(duration(value)?);
            Some(())
        },
    },
    Setting {
        name: "MERGE_MAX_WAIT",
        flag: "merge-max-wait",
        value_name: "TIME",
        section: Section::Function,
        allowed: TIMES,
        default: "2h",
        doc: "Maximum time that an object waits for others. The function merges a folder once 100 objects or 16 MiB are ready, or the oldest of them is this old.",
        apply: |raw, value| {
            raw.merge_max_wait = Some(duration(value)?);
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
        doc: "Events per record. packed puts many events into each record, at a fraction of the cost; single puts one, for destinations that treat each record as a document.",
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
        value_name: "BOOL",
        section: Section::Firehose,
        allowed: BOOLEAN,
        default: "false",
        doc: "Limit each record to 500 events. Required if the stream de-aggregates records for dynamic partitioning.",
        apply: |raw, value| {
            raw.firehose_dynamic_partitioning = Some(boolean(value)?);
            Some(())
        },
    },
    Setting {
        name: "FIREHOSE_BYTES_PER_SECOND",
        flag: "firehose-bytes-per-second",
        value_name: "BYTES",
        section: Section::Firehose,
        allowed: "an integer, 100000 or more",
        default: "no limit",
        doc: "Maximum bytes of records sent per second. The limit applies to each process, so a backfill leaves room in the stream's quota.",
        apply: |raw, value| {
            raw.firehose_bytes_per_second = Some(rate(value)?);
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
        doc: "Handling of corrupt objects. salvage keeps the whole lines of a truncated object, and those before the damaged gzip member of a corrupt one, whose own lines go to the quarantine as unverified; the object is reported. strict writes nothing and fails the object.",
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
        value_name: "ACTION",
        section: Section::Function,
        allowed: "fail, skip",
        default: "fail",
        doc: "Handling of deleted objects. fail fails the message, so it is kept for inspection; skip only counts the object.",
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
        value_name: "BOOL",
        section: Section::Function,
        allowed: BOOLEAN,
        default: "false",
        doc: "Report failed messages one by one. Set it if the queue's event source mapping has ReportBatchItemFailures, so only failed messages are retried; without it, one failure retries the whole batch.",
        apply: |raw, value| {
            raw.partial_batch = Some(boolean(value)?);
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
        doc: "Replace outputs that already exist. Meant for deliberate reprocessing in S3; by default, existing outputs are left unchanged.",
        apply: |raw, value| {
            raw.overwrite = Some(boolean(value)?);
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
        doc: "Prefix that the function reads from. A destination inside it is rejected, because the function would ingest its own output. Merged delivery looks for the folders that are due below it.",
        apply: |raw, value| {
            raw.source = Some(S3Prefix::parse(value.strip_prefix("s3://")?)?);
            Some(())
        },
    },
    Setting {
        name: "QUEUE_URL",
        flag: "queue-url",
        value_name: "URL",
        section: Section::Function,
        allowed: "the URL of an SQS queue, or file:///DIR",
        default: "none; required by the schedule of merged delivery",
        doc: "Queue that invokes the function. Merged delivery sends a message to it for each folder that is due, and one to continue with a folder. A directory gets a file for each message.",
        apply: |raw, value| {
            raw.queue_url = Some(QueueUrl::parse(value)?);
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
        apply: |raw, value| {
            raw.requester_pays = Some(boolean(value)?);
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
        doc: "Account that must own the buckets that are read. Reads from any other bucket fail.",
        apply: |raw, value| {
            raw.source_owner = Some(account(value)?);
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
        doc: "Account that must own the buckets that are written. Writes to any other bucket fail.",
        apply: |raw, value| {
            raw.destination_owner = Some(account(value)?);
            Some(())
        },
    },
    Setting {
        name: "INCLUDE",
        flag: "include",
        value_name: "GLOBS",
        section: Section::Input,
        allowed: GLOBS,
        default: "every key",
        doc: "Ingest only objects whose key matches a pattern.",
        apply: |raw, value| {
            raw.include = Some(globs(value)?);
            Some(())
        },
    },
    Setting {
        name: "EXCLUDE",
        flag: "exclude",
        value_name: "GLOBS",
        section: Section::Input,
        allowed: GLOBS,
        default: "no key",
        doc: "Skip objects whose key matches a pattern.",
        apply: |raw, value| {
            raw.exclude = Some(globs(value)?);
            Some(())
        },
    },
    Setting {
        name: "FIELDS",
        flag: "fields",
        value_name: "NAMES",
        section: Section::Input,
        allowed: "comma-separated names of fields, those of one log type, in the order of the delivery",
        default: "the order of the legacy log",
        doc: "Order of the fields in vended logs that do not name them. It is the delivery's recordFields, for plain text without a header. Other vended logs name their fields, and legacy logs have one order.",
        apply: |raw, value| {
            raw.fields = Some(FieldOrder::parse(value)?);
            Some(())
        },
    },
    Setting {
        name: "ENRICH",
        flag: "enrich",
        value_name: "COLUMNS",
        section: Section::Events,
        allowed: "comma-separated names: status_class, total_time, tls_version, request_query, user_agent_family, user_agent_os, bot_name, bot_kind, client_country, client_asn",
        default: "no column",
        doc: "Columns to append to each table that has their inputs. client_country and client_asn require GEO_DATABASE.",
        apply: |raw, value| {
            raw.enrich = Some(Extras::enrichment(value)?);
            Some(())
        },
    },
    Setting {
        name: "GEO_DATABASE",
        flag: "geo-database",
        value_name: "FILES",
        section: Section::Events,
        allowed: "comma-separated files, each a path or s3://BUCKET/KEY",
        default: "none",
        doc: "MaxMind databases (.mmdb) for client_country and client_asn. Read once per start; of several, the first that has a value counts.",
        apply: |raw, value| {
            let files = value.split(',').map(|file| database(file.trim()));
            raw.geo_database = Some(files.collect::<Option<_>>()?);
            Some(())
        },
    },
    Setting {
        name: "FILTER",
        flag: "filter",
        value_name: "CONDITION",
        section: Section::Events,
        allowed: "a condition as in SQL's WHERE, over the native columns and those of ENRICH",
        default: "every event",
        doc: "Deliver only events for which a condition is true. Other events are counted as filtered. Tables that lack a column of the condition are not filtered. An example is `elb_status_code >= 500`.",
        apply: |raw, value| {
            raw.filter = Some(value.to_owned());
            Some(())
        },
    },
    Setting {
        name: "SAMPLE",
        flag: "sample",
        value_name: "RULES",
        section: Section::Events,
        allowed: "rules such as `keep all where elb_status_code >= 500; keep 1/100; by trace_id`",
        default: "every event",
        doc: "Deliver a part of the events, each with its weight. The first rule whose condition is true decides, and the column sample_weight is 1 over its rate. Other events are counted as filtered.",
        apply: |raw, value| {
            raw.sample = Some(value.to_owned());
            Some(())
        },
    },
    Setting {
        name: "PANTHER_FIELDS",
        flag: "panther-fields",
        value_name: "BOOL",
        section: Section::Events,
        allowed: BOOLEAN,
        default: "false",
        doc: "Add the fields that Panther adds on ingestion. p_log_type, p_event_time, p_row_id and p_any_*, for Panther's detections outside of Panther; requires SCHEMA=panther.",
        apply: |raw, value| {
            raw.panther_fields = Some(boolean(value)?);
            Some(())
        },
    },
    Setting {
        name: "KEEP_RAW",
        flag: "keep-raw",
        value_name: "BOOL",
        section: Section::Events,
        allowed: BOOLEAN,
        default: "false",
        doc: "Keep the line of each event. The column raw_line is appended to each table; it is event.original in ECS and log.record.original in OpenTelemetry.",
        apply: |raw, value| {
            raw.keep_raw = Some(boolean(value)?);
            Some(())
        },
    },
    Setting {
        name: "REDACT",
        flag: "redact",
        value_name: "RULES",
        section: Section::Events,
        allowed: "comma-separated field=action such as client_ip=truncate,query=keys,path=template,user_agent=drop",
        default: "nothing is redacted",
        doc: "Redact values by field before they are written. docs/reference/redaction.md lists the fields and actions. Applies to malformed lines, too.",
        apply: |raw, value| {
            raw.redact = Some(value.to_owned());
            Some(())
        },
    },
    REDACT_KEY,
    Setting {
        name: "QUARANTINE_RAW",
        flag: "quarantine-raw",
        value_name: "MODE",
        section: Section::Events,
        allowed: "redact, keep",
        default: "redact",
        doc: "Raw text of malformed lines. redact masks it if REDACT is set; keep writes it as it is.",
        apply: |raw, value| {
            raw.quarantine_raw = Some(match value {
                "redact" => false,
                "keep" => true,
                _ => return None,
            });
            Some(())
        },
    },
];

/// Returns the option with a name.
fn named<T: Copy>(all: &[T], name: fn(T) -> &'static str, value: &str) -> Option<T> {
    all.iter().copied().find(|option| name(*option) == value)
}

/// Returns the place of a database: a file, or an object of S3.
fn database(value: &str) -> Option<Origin> {
    match Origin::parse(value).filter(|_| !value.is_empty())? {
        Origin::Path(path) => Location::parse(path.to_str()?)
            .is_some_and(|place| matches!(place, Location::Directory(_)))
            .then_some(Origin::Path(path)),
        Origin::S3 { bucket, key } => {
            (is_bucket_name(&bucket) && !key.is_empty() && !key.ends_with('/')).then_some(Origin::S3 { bucket, key })
        }
        Origin::Stdin => None,
    }
}

fn boolean(value: &str) -> Option<bool> {
    match value {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// Parses a time such as `10m`.
fn duration(value: &str) -> Option<Duration> {
    let (number, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    let number: u64 = number.parse().ok().filter(|number| *number > 0)?;
    // A century is longer than any wait, and the sum of two fits into every type of time.
    number
        .checked_mul(seconds)
        .filter(|seconds| *seconds < 100 * 366 * 86_400)
        .map(Duration::from_secs)
}

fn rate(value: &str) -> Option<u64> {
    let rate = value.parse().ok();
    rate.filter(|rate| *rate >= MIN_FIREHOSE_BYTES_PER_SECOND)
}

fn account(value: &str) -> Option<String> {
    (value.len() == 12 && value.bytes().all(|byte| byte.is_ascii_digit())).then(|| value.to_owned())
}

/// Parses a list of patterns. An empty one is an error: it matches no key, so it would leave out every object.
fn globs(value: &str) -> Option<GlobSet> {
    let mut builder = GlobSetBuilder::new();
    for pattern in value.split(',').map(str::trim) {
        if pattern.is_empty() {
            return None;
        }
        builder.add(Glob::new(pattern).ok()?);
    }
    builder.build().ok()
}
