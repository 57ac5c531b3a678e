//! Partitions events into folders by their own UTC day or hour.

use crate::encode::computed_numbers;
use crate::formats::LogType;
use crate::object::ObjectFacts;
use crate::parse::batch::Batch;
use crate::parse::line::time::{DAY, SECOND, date_text};
use crate::schema::mapping::{OutputTable, security_lake_source};

use super::PartitionBy;

/// A partition: the number of its day (or hour) since 1970, or 0 if there is only one; and the class of its events, if the
/// layout separates classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Partition {
    number: i64,
    class: i32,
}

/// What the outputs of an object have in common besides their partition: its table; and its region and account, if the
/// layout separates them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scope {
    log_type: LogType,
    place: Option<(String, String)>,
}

const HOUR: i64 = 3_600 * SECOND;

/// The name of an unknown account or region. AWS recommends it for accounts outside AWS.
const EXTERNAL: &str = "external";

/// Determines the partitions of the events of one object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Partitioner<'a> {
    by: PartitionBy,
    facts: &'a ObjectFacts,
}

impl<'a> Partitioner<'a> {
    pub(super) const fn new(by: PartitionBy, facts: &'a ObjectFacts) -> Self {
        Self { by, facts }
    }

    /// Returns the scope of the object's outputs.
    pub(super) fn scope(self, log_type: LogType) -> Scope {
        let place = match self.by {
            PartitionBy::SecurityLake => {
                let (region, account) = self.place();
                Some((region.to_owned(), account.to_owned()))
            }
            PartitionBy::Day | PartitionBy::Hour | PartitionBy::None => None,
        };
        Scope { log_type, place }
    }

    /// Returns the object's region and account.
    fn place(self) -> (&'a str, &'a str) {
        let key = &self.facts.key;
        let known = |name: &'a Option<String>| name.as_deref().unwrap_or(EXTERNAL);
        (known(&key.region), known(&key.account))
    }

    /// Returns the partition of each event of the batch.
    pub(super) fn of_rows(self, batch: &Batch, table: &OutputTable) -> impl Iterator<Item = Partition> {
        let classes = match self.by {
            // Empty if every event of the table has the same class.
            PartitionBy::SecurityLake => computed_numbers(table, "class_uid", batch),
            PartitionBy::Day | PartitionBy::Hour | PartitionBy::None => Vec::new(),
        };
        let times = batch.timestamps().iter().enumerate();
        times.map(move |(row, time)| Partition {
            number: self.number(*time),
            class: classes.get(row).copied().unwrap_or_default(),
        })
    }

    /// Returns the number of the partition of an event with this time. An event more than a day from the end of the interval
    /// in the key is put into the partition of that end.
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

    /// Returns the folders of a partition of a table, each followed by a slash.
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
                let (region, account) = self.place();
                format!(
                    "{}/region={region}/accountId={account}/eventDay={}/",
                    security_lake_source(log_type, class),
                    date_text(number).replace('-', "")
                )
            }
        }
    }
}
