//! Which folder an event belongs to: its own UTC day, or hour.

use crate::line::time::{DAY, SECOND, date_text};
use crate::object::ObjectFacts;
use crate::settings::{PartitionBy, Settings};

/// A partition: the number of its day (or hour) since 1970, or the only one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Partition(i64);

const HOUR: i64 = 3_600 * SECOND;

/// Tells partitions for the events of one object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Partitioner {
    by: PartitionBy,
    /// The end of the interval in the key: events more than a day away from it are laid there.
    end: Option<i64>,
}

impl Partitioner {
    pub(super) fn new(settings: &Settings, facts: &ObjectFacts) -> Self {
        Self {
            by: settings.partition_by,
            end: facts.key.end,
        }
    }

    /// The partition of an event with that time.
    #[inline]
    pub(super) fn of(self, time: i64) -> Partition {
        let time = match self.end {
            Some(end) if time.abs_diff(end) > DAY.unsigned_abs() => end,
            _ => time,
        };
        Partition(match self.by {
            PartitionBy::Day => time.div_euclid(DAY),
            PartitionBy::Hour => time.div_euclid(HOUR),
            PartitionBy::None => 0,
        })
    }

    /// The folders of a partition, with a slash behind each.
    pub(super) fn folders(self, partition: Partition) -> String {
        let Partition(number) = partition;
        match self.by {
            PartitionBy::Day => format!("date={}/", date_text(number)),
            PartitionBy::Hour => {
                format!(
                    "date={}/hour={:02}/",
                    date_text(number.div_euclid(24)),
                    number.rem_euclid(24)
                )
            }
            PartitionBy::None => String::new(),
        }
    }
}
