//! The options of a storage.

use crate::schema::mapping::Schema;

/// The options of every kind of storage.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Options for reading and listing S3 objects.
    pub s3_read: S3ReadOptions,
    /// Options for writing S3 objects.
    pub s3_write: S3WriteOptions,
    /// Options for a Firehose stream.
    pub firehose: FirehoseOptions,
}

/// Options for reading and listing S3 objects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct S3ReadOptions {
    /// Whether this account pays for the requests.
    pub requester_pays: bool,
    /// The account that must own the buckets that are read.
    pub owner: Option<String>,
}

/// Options for writing S3 objects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct S3WriteOptions {
    /// Whether existing outputs are replaced.
    pub overwrite: bool,
    /// The account that must own the buckets that are written.
    pub owner: Option<String>,
    /// The schema of the events, which each output's metadata names.
    pub schema: Schema,
    /// What identifies the redaction of the events, if there is one: each output's metadata names it, too.
    pub redact: Option<String>,
}

/// Options for a Firehose stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FirehoseOptions {
    /// How events are put into records.
    pub records: FirehoseRecords,
    /// Whether the stream de-aggregates records to partition by the events' contents.
    pub dynamic_partitioning: bool,
    /// The maximum number of record bytes sent per second; at least [`MIN_FIREHOSE_BYTES_PER_SECOND`]. `None` is no
    /// limit.
    pub bytes_per_second: Option<u64>,
}

/// How events are put into Firehose records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FirehoseRecords {
    /// Many events per record.
    #[default]
    Packed,
    /// One event per record.
    Single,
}

/// The minimum limit of bytes per second. Records are never larger than what may be sent in one second, and much
/// smaller records cost more: Firehose bills each record in steps of 5 KB.
pub const MIN_FIREHOSE_BYTES_PER_SECOND: u64 = 100_000;
