//! Which folder an event belongs to: its own UTC day, or hour.

use crate::encode::computed_numbers;
use crate::formats::LogType;
use crate::object::ObjectFacts;
use crate::parse::batch::Batch;
use crate::parse::line::time::{DAY, SECOND, date_text};
use crate::schema::mapping::{OutputTable, security_lake_source};

use super::PartitionBy;

/// A partition: the number of its day (or hour) since 1970, or the only one; and the class of its events, where the
/// layout keeps classes apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Partition {
    number: i64,
    class: i32,
}

const HOUR: i64 = 3_600 * SECOND;

/// Where an account or a region is not known. AWS's page recommends the word for accounts outside of AWS.
const EXTERNAL: &str = "external";

/// Tells partitions for the events of one object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Partitioner<'a> {
    by: PartitionBy,
    facts: &'a ObjectFacts,
}

impl<'a> Partitioner<'a> {
    pub(super) const fn new(by: PartitionBy, facts: &'a ObjectFacts) -> Self {
        Self { by, facts }
    }

    /// The partition of each event of the batch.
    pub(super) fn of_rows(self, batch: &Batch, shape: &OutputTable) -> impl Iterator<Item = Partition> {
        let classes = match self.by {
            PartitionBy::SecurityLake => computed_numbers(shape, "class_uid", batch),
            PartitionBy::Day | PartitionBy::Hour | PartitionBy::None => Vec::new(),
        };
        let times = batch.timestamps().iter().enumerate();
        times.map(move |(row, time)| Partition {
            number: self.number(*time),
            class: classes.get(row).copied().unwrap_or_default(),
        })
    }

    /// The number of the partition of an event with that time. Events more than a day away from the end of the interval in
    /// the key are laid there.
    #[inline]
    fn number(self, time: i64) -> i64 {
        let time = match self.facts.key.end {
            Some(end) if time.abs_diff(end) > DAY.unsigned_abs() => end,
            _ => time,
        };
        match self.by {
            PartitionBy::Day | PartitionBy::SecurityLake => time.div_euclid(DAY),
            PartitionBy::Hour => time.div_euclid(HOUR),
            PartitionBy::None => 0,
        }
    }

    /// The folders of a partition of a table, with a slash behind each.
    pub(super) fn folders(self, log_type: LogType, partition: Partition) -> String {
        let Partition { number, class } = partition;
        let table = log_type.table();
        match self.by {
            PartitionBy::Day => format!("{table}/date={}/", date_text(number)),
            PartitionBy::Hour => {
                format!(
                    "{table}/date={}/hour={:02}/",
                    date_text(number.div_euclid(24)),
                    number.rem_euclid(24)
                )
            }
            PartitionBy::None => format!("{table}/"),
            PartitionBy::SecurityLake => {
                let key = &self.facts.key;
                format!(
                    "{}/region={}/accountId={}/eventDay={}/",
                    security_lake_source(log_type, class),
                    key.region.as_deref().unwrap_or(EXTERNAL),
                    key.account.as_deref().unwrap_or(EXTERNAL),
                    date_text(number).replace('-', "")
                )
            }
        }
    }
}
