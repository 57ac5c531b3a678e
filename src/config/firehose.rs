//! The options of a Firehose stream.

/// The options of a Firehose stream as destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Firehose {
    /// The number of events per record.
    pub records: FirehoseRecords,
    /// Whether the stream de-aggregates records to partition by the values of events.
    pub dynamic_partitioning: bool,
    /// The maximum number of record bytes sent per second; `None` for no limit.
    pub bytes_per_second: Option<u64>,
}

/// The number of events per record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirehoseRecords {
    /// Many events per record.
    Packed,
    /// One event per record.
    Single,
}

/// The minimum rate limit. Records are no larger than the bytes allowed per second, and much smaller records would cost
/// more: Firehose bills each record as a multiple of 5 KB.
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
    /// Parses a rate limit.
    pub(super) fn parse_pace(value: &str) -> Option<u64> {
        value.parse().ok().filter(|pace| *pace >= MIN_BYTES_PER_SECOND)
    }
}
