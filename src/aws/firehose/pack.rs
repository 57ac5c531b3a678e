//! Lines into records, records into calls. Nothing here knows AWS but for its limits.

use std::mem;

use crate::config::{Firehose, FirehoseRecords};

/// The most bytes that a record is given, and an event with its newline may have. The API takes 1,024,000; the
/// documentation says 1,000 KB here and 1,000 KiB there.
pub const MAX_RECORD_BYTES: usize = 1_000_000;
/// The most records of a call (API reference of `PutRecordBatch`).
pub const MAX_RECORDS: usize = 500;
/// The most bytes of a call's records, before base64. The documentation says 4 MB here and 4 MiB there.
pub const MAX_CALL_BYTES: usize = 4_000_000;
/// The most events that dynamic partitioning takes out of a record; with more the call succeeds and the record is not
/// taken apart (API reference of `PutRecordBatch`).
pub const MAX_DEAGGREGATED: usize = 500;

/// How lines are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The most bytes of a record that holds several events.
    record_bytes: usize,
    /// The most events of a record.
    record_events: usize,
    /// The most bytes of a call that holds several records.
    call_bytes: usize,
}

/// The records of one call, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Call {
    /// The bytes of each record: whole lines.
    pub records: Vec<Vec<u8>>,
    /// The bytes of all of them.
    pub bytes: usize,
}

/// A line that no record can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event of {0} bytes does not fit a record of {MAX_RECORD_BYTES}, and was not sent; please report this")]
pub struct TooLarge(pub usize);

/// Packs lines. What comes out depends on the lines and the rule alone.
#[derive(Debug)]
pub struct Packer {
    rule: Rule,
    record: Vec<u8>,
    events: usize,
    call: Call,
}

impl Rule {
    /// The rule of the settings. Where there is a limit of bytes a second, neither a record nor a call is larger, so that
    /// bytes flow evenly.
    pub fn new(settings: &Firehose) -> Self {
        let pace = settings
            .bytes_per_second
            .map_or(usize::MAX, |pace| usize::try_from(pace).unwrap_or(usize::MAX));
        Self {
            record_bytes: MAX_RECORD_BYTES.min(pace),
            record_events: match settings.records {
                FirehoseRecords::Single => 1,
                FirehoseRecords::Packed if settings.dynamic_partitioning => MAX_DEAGGREGATED,
                FirehoseRecords::Packed => usize::MAX,
            },
            call_bytes: MAX_CALL_BYTES.min(pace),
        }
    }
}

impl Packer {
    /// A packer without lines.
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

    /// Adds a line with its newline; returns the call that is full with what came before, if one is.
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

    /// Ends the packing: what is left, in one call or two.
    pub fn finish(mut self) -> impl Iterator<Item = Call> {
        let full = self.end_record();
        let rest = mem::take(&mut self.call);
        full.into_iter()
            .chain(Some(rest).filter(|call| !call.records.is_empty()))
    }

    /// Ends the record, if it holds anything; returns the call that it has no room in, if there is one.
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

    fn pack(settings: &Firehose, lines: &[usize]) -> Vec<Call> {
        let mut packer = Packer::new(Rule::new(settings));
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
    fn records_and_calls_are_filled_to_their_limits_and_no_further() {
        let many = Firehose::default();
        assert_eq!(sizes(&pack(&many, &[])), Vec::<Vec<usize>>::new());
        assert_eq!(
            sizes(&pack(&many, &[400_000, 600_000, 1])),
            [vec![1_000_000, 1]],
            "a record takes exactly its limit"
        );
        assert_eq!(
            sizes(&pack(&many, &[1_000_000; 5])),
            [vec![1_000_000; 4], vec![1_000_000]],
            "and so does a call"
        );
        let single = Firehose {
            records: FirehoseRecords::Single,
            ..many
        };
        assert_eq!(sizes(&pack(&single, &[7; 1001])), [vec![7; 500], vec![7; 500], vec![7]]);
        assert_eq!(sizes(&pack(&single, &[9_000; 445])), [vec![9_000; 444], vec![9_000]]);
        let partitioned = Firehose {
            dynamic_partitioning: true,
            ..many
        };
        assert_eq!(sizes(&pack(&partitioned, &[10; 1_200])), [vec![5_000, 5_000, 2_000]]);
        let slow = Firehose {
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
