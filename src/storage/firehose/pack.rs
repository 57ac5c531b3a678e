//! Packing lines into records, and records into calls.

use std::mem;

use crate::storage::{FirehoseOptions, FirehoseRecords};

/// The maximum bytes of a record, and of an event with its newline. The API accepts 1,024,000; its documentation says
/// 1,000 KB in one place and 1,000 KiB in another.
pub const MAX_RECORD_BYTES: usize = 1_000_000;
/// The maximum records of a call (API reference of `PutRecordBatch`).
pub const MAX_RECORDS: usize = 500;
/// The maximum bytes of a call's records before base64. The documentation says 4 MB in one place and 4 MiB in another.
pub const MAX_CALL_BYTES: usize = 4_000_000;
/// The maximum events that dynamic partitioning de-aggregates from a record; with more the call succeeds, but the
/// record stays whole (API reference of `PutRecordBatch`).
pub const MAX_DEAGGREGATED: usize = 500;

/// The limits by which lines are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The maximum bytes of a record with several events.
    record_bytes: usize,
    /// The maximum events of a record.
    record_events: usize,
    /// The maximum bytes of a call with several records.
    call_bytes: usize,
}

/// The records of one call, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Call {
    /// The records: whole lines.
    pub records: Vec<Vec<u8>>,
    /// The bytes of all records.
    pub bytes: usize,
}

/// A line that is longer than a record may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event of {0} bytes exceeds the record limit of {MAX_RECORD_BYTES} and was not sent; please report this")]
pub struct TooLarge(pub usize);

/// Packs lines. The result depends on the lines and the rule alone.
#[derive(Debug)]
pub struct Packer {
    rule: Rule,
    record: Vec<u8>,
    events: usize,
    call: Call,
}

impl Rule {
    /// Creates the rule of the options. If there is a limit of bytes per second, neither a record nor a call is larger,
    /// so bytes flow evenly.
    pub fn new(options: &FirehoseOptions) -> Self {
        let rate = options
            .bytes_per_second
            .map_or(usize::MAX, |rate| usize::try_from(rate).unwrap_or(usize::MAX));
        Self {
            record_bytes: MAX_RECORD_BYTES.min(rate),
            record_events: match options.records {
                FirehoseRecords::Single => 1,
                FirehoseRecords::Packed if options.dynamic_partitioning => MAX_DEAGGREGATED,
                FirehoseRecords::Packed => usize::MAX,
            },
            call_bytes: MAX_CALL_BYTES.min(rate),
        }
    }
}

impl Packer {
    /// Creates an empty packer.
    pub const fn new(rule: Rule) -> Self {
        Self {
            rule,
            record: Vec::new(),
            events: 0,
            call: Call {
                records: Vec::new(),
                bytes: 0,
            },
        }
    }

    /// Adds a line with its newline; returns the call that the lines before it have filled, if there is one.
    ///
    /// # Errors
    /// The line is longer than [`MAX_RECORD_BYTES`].
    pub fn push(&mut self, line: &[u8]) -> Result<Option<Call>, TooLarge> {
        if line.len() > MAX_RECORD_BYTES {
            return Err(TooLarge(line.len()));
        }
        let full = self.events >= self.rule.record_events || self.record.len() + line.len() > self.rule.record_bytes;
        let call = if full { self.end_record() } else { None };
        self.record.extend_from_slice(line);
        self.events += 1;
        Ok(call)
    }

    /// Finishes packing; returns the remaining lines in at most two calls.
    pub fn finish(mut self) -> impl Iterator<Item = Call> {
        let full = self.end_record();
        let rest = mem::take(&mut self.call);
        full.into_iter()
            .chain(Some(rest).filter(|call| !call.records.is_empty()))
    }

    /// Finishes the record, if it is not empty; returns the call that has no room for it, if there is one.
    fn end_record(&mut self) -> Option<Call> {
        if self.record.is_empty() {
            return None;
        }
        let record = mem::take(&mut self.record);
        self.events = 0;
        let crowded = self.call.records.len() >= MAX_RECORDS
            || !self.call.records.is_empty() && self.call.bytes + record.len() > self.rule.call_bytes;
        let full = crowded.then(|| mem::take(&mut self.call));
        self.call.bytes += record.len();
        self.call.records.push(record);
        full
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pack(options: &FirehoseOptions, lines: &[usize]) -> Vec<Call> {
        let mut packer = Packer::new(Rule::new(options));
        let mut calls = Vec::new();
        for (number, len) in lines.iter().enumerate() {
            let mut line = vec![b'a' + u8::try_from(number % 26).unwrap(); *len];
            line[len - 1] = b'\n';
            calls.extend(packer.push(&line).unwrap());
        }
        calls.extend(packer.finish());
        calls
    }

    fn sizes(calls: &[Call]) -> Vec<Vec<usize>> {
        calls
            .iter()
            .map(|call| call.records.iter().map(Vec::len).collect())
            .collect()
    }

    #[test]
    fn records_and_calls_are_filled_up_to_their_limits() {
        let many = FirehoseOptions::default();
        assert_eq!(sizes(&pack(&many, &[])), Vec::<Vec<usize>>::new());
        assert_eq!(
            sizes(&pack(&many, &[400_000, 600_000, 1])),
            [vec![1_000_000, 1]],
            "a record may reach its limit"
        );
        assert_eq!(
            sizes(&pack(&many, &[1_000_000; 5])),
            [vec![1_000_000; 4], vec![1_000_000]],
            "and so may a call"
        );
        let single = FirehoseOptions {
            records: FirehoseRecords::Single,
            ..many
        };
        assert_eq!(sizes(&pack(&single, &[7; 1001])), [vec![7; 500], vec![7; 500], vec![7]]);
        assert_eq!(sizes(&pack(&single, &[9_000; 445])), [vec![9_000; 444], vec![9_000]]);
        let partitioned = FirehoseOptions {
            dynamic_partitioning: true,
            ..many
        };
        assert_eq!(sizes(&pack(&partitioned, &[10; 1_200])), [vec![5_000, 5_000, 2_000]]);
        let slow = FirehoseOptions {
            bytes_per_second: Some(100_000),
            ..many
        };
        assert_eq!(
            sizes(&pack(&slow, &[60_000, 40_000, 1, 150_000, 1])),
            [vec![100_000], vec![1], vec![150_000], vec![1]]
        );
        let mut packer = Packer::new(Rule::new(&many));
        assert_eq!(packer.push(&vec![b'x'; 1_000_001]), Err(TooLarge(1_000_001)));
    }
}
