//! The dispatcher: finds the folders that are due, and sends a message for each to the queue.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::deadline::Deadline;
use crate::ingest::{Pool, Unfinished};
use crate::merge::Folder;
use crate::parse::line::time::write_timestamp;
use crate::storage::{ErrorKind, Operation, QueueUrl, S3Prefix, Storage, StorageError};
use crate::trigger::FolderRequest;

use super::merge::micros;

const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;
/// How long after the end of a day its folders are due again, in hours.
const RECHECKS: [i64; 3] = [6, 24, 48];
/// The hour of the day at which the folders of the last [`SWEPT_DAYS`] are due: one with little traffic in most regions.
const SWEEP: i64 = 3;
const SWEPT_DAYS: i64 = 14;
/// The number of lists and calls that are made at the same time.
const THREADS: usize = 16;
/// The number of messages that one thread sends.
const MESSAGES: usize = 50;
/// The maximum number of folders above `AWSLogs/` that are looked into.
const MAX_DEPTH: usize = 3;
const LOGS: &str = "AWSLogs";
const SERVICE: &str = "elasticloadbalancing";

/// Finds folders and sends messages.
pub(super) struct Dispatcher<'a> {
    pub(super) storage: &'a dyn Storage,
    /// Where the logs are.
    pub(super) source: &'a S3Prefix,
    pub(super) queue: &'a QueueUrl,
    /// The time between two invocations.
    pub(super) window: Duration,
    pub(super) deadline: Deadline,
}

impl Dispatcher<'_> {
    /// Sends a message for each folder that is due at a time, and returns their number. A folder of a day without logs
    /// need not exist.
    pub(super) fn run(&self, at: i64) -> Result<u64, StorageError> {
        let days: Vec<_> = days(at, micros(self.window)).into_iter().map(folder_of_day).collect();
        let regions = self.regions()?;
        let message = |region: &String, day: &String| {
            let request = FolderRequest {
                folder: Folder {
                    bucket: self.source.bucket.clone(),
                    prefix: format!("{region}{day}"),
                },
                all: false,
                receives: 1,
            };
            request.message()
        };
        let messages: Vec<_> = regions
            .iter()
            .flat_map(|region| days.iter().map(move |day| message(region, day)))
            .collect();
        let queue = self.storage.queue(self.queue, self.deadline)?;
        let batches: Vec<_> = messages.chunks(MESSAGES).collect();
        let sent = self.pool().run(
            &batches,
            |batch| queue.send(batch),
            |_, unfinished| Err(self.unfinished(Operation::Send, unfinished)),
        );
        sent.into_iter().collect::<Result<(), _>>()?;
        Ok(messages.len() as u64)
    }

    fn pool(&self) -> Pool {
        Pool {
            threads: THREADS,
            deadline: self.deadline,
        }
    }

    fn unfinished(&self, operation: Operation, unfinished: Unfinished) -> StorageError {
        let message = match unfinished {
            Unfinished::Expired => "out of time: the deadline has passed; give the function more time",
            Unfinished::Panicked => "internal error; please report this",
        };
        let place = match operation {
            Operation::Send => self.queue.to_string(),
            Operation::Read | Operation::List | Operation::Write | Operation::Inspect => self.source.to_string(),
        };
        StorageError::new(operation, place, ErrorKind::Unavailable, message)
    }

    /// Returns the prefixes `…AWSLogs/[o-…/]ACCOUNT/elasticloadbalancing/REGION/` in or around the source.
    fn regions(&self) -> Result<Vec<String>, StorageError> {
        let mut found = Vec::new();
        let mut open = vec![(self.source.prefix.clone(), 0)];
        while !open.is_empty() {
            let (here, further): (Vec<_>, Vec<_>) = open
                .into_iter()
                .partition(|(prefix, _)| Level::of(prefix) == Level::Region);
            found.extend(here.into_iter().map(|(prefix, _)| prefix));
            let below = self.pool().run(
                &further,
                |(prefix, depth)| self.below(prefix, *depth),
                |_, unfinished| Err(self.unfinished(Operation::List, unfinished)),
            );
            open = below
                .into_iter()
                .collect::<Result<Vec<_>, _>>()?
                .into_iter()
                .flatten()
                .collect();
        }
        Ok(found)
    }

    /// Returns the folders below a prefix that can lead to logs, each with the number of folders above `AWSLogs/`.
    fn below(&self, prefix: &str, depth: usize) -> Result<Vec<(String, usize)>, StorageError> {
        let level = Level::of(prefix);
        if level == Level::Account {
            return Ok(vec![(format!("{prefix}{SERVICE}/"), depth)]);
        }
        let place = S3Prefix {
            bucket: self.source.bucket.clone(),
            prefix: prefix.to_owned(),
        };
        let names = self.storage.folders(&place, self.deadline)?;
        let wanted = names.into_iter().filter(|name| level.leads_to(name, depth));
        Ok(wanted.map(|name| (format!("{prefix}{name}/"), depth + 1)).collect())
    }
}

/// How far a prefix leads to the folders of a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Above,
    Logs,
    Organization,
    Account,
    Service,
    Region,
}

impl Level {
    fn of(prefix: &str) -> Self {
        let mut names = prefix.split_terminator('/').rev();
        match [names.next(), names.next(), names.next()] {
            [Some(LOGS), ..] => Self::Logs,
            [Some(name), Some(LOGS), _] if is_organization(name) => Self::Organization,
            [Some(name), ..] if is_account(name) => Self::Account,
            [Some(SERVICE), Some(account), _] if is_account(account) => Self::Service,
            [Some(_), Some(SERVICE), Some(account)] if is_account(account) => Self::Region,
            _ => Self::Above,
        }
    }

    /// Returns whether a folder with this name can lead to logs.
    fn leads_to(self, name: &str, depth: usize) -> bool {
        match self {
            Self::Above => name == LOGS || depth < MAX_DEPTH,
            Self::Logs => is_account(name) || is_organization(name),
            Self::Organization => is_account(name),
            Self::Account => name == SERVICE,
            // Deliveries in Hive's layout, such as region=us-east-1, have other folders of days.
            Self::Service => name.contains('-') && !name.contains('='),
            Self::Region => false,
        }
    }
}

fn is_account(name: &str) -> bool {
    name.len() == 12 && name.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_organization(name: &str) -> bool {
    name.starts_with("o-")
}

/// Returns the days, counted from 1970, whose folders are due in the window that begins at this time.
fn days(at: i64, window: i64) -> BTreeSet<i64> {
    let today = at.div_euclid(DAY);
    // The first invocation at or after a moment.
    let is_now = |moment: i64| moment <= at && at - moment < window;
    let mut days = BTreeSet::from([today - 1, today]);
    // A window may be longer than a day.
    let past = today - SWEPT_DAYS..today;
    days.extend(
        past.clone()
            .filter(|day| RECHECKS.iter().any(|hours| is_now((day + 1) * DAY + hours * HOUR))),
    );
    if [today, today - 1].iter().any(|day| is_now(day * DAY + SWEEP * HOUR)) {
        days.extend(past);
    }
    days
}

/// Returns the folder of a day below its region, such as `2026/11/29/`.
fn folder_of_day(day: i64) -> String {
    let mut text = Vec::new();
    write_timestamp(day * DAY, &mut text);
    text.truncate("2026-11-29".len());
    let mut folder = String::from_utf8(text).unwrap_or_default().replace('-', "/");
    folder.push('/');
    folder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn today_and_yesterday_are_always_due_and_earlier_days_are_checked_again() {
        const MINUTE: i64 = HOUR / 60;
        for (window, offset) in [
            (HOUR, 0),
            (HOUR, 7 * MINUTE),
            (15 * MINUTE, 3 * MINUTE),
            (DAY, 5 * HOUR),
        ] {
            // How often each day is due after it was yesterday.
            let first = 20_000;
            let mut counts = std::collections::BTreeMap::new();
            let mut at = first * DAY + offset;
            while at < (first + 40) * DAY {
                let today = at.div_euclid(DAY);
                let due = days(at, window);
                assert!(due.contains(&today) && due.contains(&(today - 1)));
                for day in due.into_iter().filter(|day| *day < today - 1) {
                    *counts.entry(day).or_insert(0) += 1;
                }
                at += window;
            }
            for day in first + 2..first + 20 {
                // Twice after 24 and 48 hours, and by the sweeps of 12 or 13 days; with a window of a day, together.
                assert!((12..=15).contains(&counts[&day]), "{window} {offset}: {}", counts[&day]);
            }
        }
    }

    #[test]
    fn a_recheck_is_due_in_one_window_only() {
        let at = |hours: i64| 20_000 * DAY + hours * HOUR;
        assert_eq!(days(at(1), HOUR).len(), 2);
        // 24 hours after the end of the day before yesterday, 48 after that of the day before it.
        assert_eq!(days(at(0), HOUR), BTreeSet::from([19_997, 19_998, 19_999, 20_000]));
        assert_eq!(days(at(0) + 1, HOUR).len(), 4);
        assert_eq!(days(at(3), HOUR).len(), 15);
        assert_eq!(days(at(4), HOUR).len(), 2);
    }

    #[test]
    fn days_have_folders() {
        assert_eq!(folder_of_day(20_786), "2026/11/29/");
        assert_eq!(folder_of_day(0), "1970/01/01/");
    }

    #[test]
    fn prefixes_are_known_by_their_last_folders() {
        for (prefix, level) in [
            ("", Level::Above),
            ("web/", Level::Above),
            ("web/AWSLogs/", Level::Logs),
            ("AWSLogs/o-abc123/", Level::Organization),
            ("AWSLogs/123456789012/", Level::Account),
            ("AWSLogs/o-abc123/123456789012/", Level::Account),
            ("AWSLogs/123456789012/elasticloadbalancing/", Level::Service),
            ("AWSLogs/123456789012/elasticloadbalancing/us-east-1/", Level::Region),
        ] {
            assert_eq!(Level::of(prefix), level, "{prefix}");
        }
    }
}
