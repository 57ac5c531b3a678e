//! The selection of objects by the facts in their keys: the time of the interval, the account, the region, the table.

use std::collections::BTreeSet;

use clap::ArgMatches;

use crate::formats::LogType;
use crate::object::KeyFacts;
use crate::parse::line::time::{DAY, SECOND, timestamp_micros};

use super::Stop;

/// Which objects a command works on.
#[derive(Debug, Clone, Default)]
pub(super) struct Selection {
    /// The first end of an interval, in microseconds since 1970.
    from: Option<i64>,
    /// The first end of an interval that is not selected any more.
    until: Option<i64>,
    accounts: BTreeSet<String>,
    regions: BTreeSet<String>,
    tables: BTreeSet<String>,
}

impl Selection {
    /// Reads the arguments of a command. Relative times are relative to `now`.
    pub(super) fn of(matches: &ArgMatches, now: i64) -> Result<Self, Stop> {
        let time = |name: &str| {
            match matches.try_get_one::<String>(name) {
            Ok(Some(text)) => time(text, now).map(Some).ok_or_else(|| {
                Stop::Usage(format!(
                    "--{name} is {text:?}; allowed: a day such as 2026-11-29, a time such as 2026-11-29T12:00Z, or a time before now such as -45d or -6h"
                ))
            }),
            _ => Ok(None),
        }
        };
        let names = |name: &str| match matches.try_get_many::<String>(name) {
            Ok(Some(values)) => values.cloned().collect(),
            _ => BTreeSet::new(),
        };
        Ok(Self {
            from: time("from")?,
            until: time("to-time")?,
            accounts: names("accounts"),
            regions: names("regions"),
            tables: names("tables"),
        })
    }

    /// Returns whether an object is selected. If a fact is asked for that the key does not contain, it is not.
    pub(super) fn selects(&self, key: &str) -> bool {
        if self.is_everything() {
            return true;
        }
        let facts = KeyFacts::of(key);
        let named = |names: &BTreeSet<String>, name: Option<&str>| {
            names.is_empty() || name.is_some_and(|name| names.contains(name))
        };
        self.selects_end(facts.end)
            && named(&self.accounts, facts.account.as_deref())
            && named(&self.regions, facts.region.as_deref())
            && named(&self.tables, facts.log_type.map(LogType::table))
    }

    /// Returns whether an interval with this end is selected.
    pub(super) fn selects_end(&self, end: Option<i64>) -> bool {
        self.from.is_none_or(|from| end.is_some_and(|end| end >= from))
            && self.until.is_none_or(|until| end.is_some_and(|end| end < until))
    }

    fn is_everything(&self) -> bool {
        let Self {
            from,
            until,
            accounts,
            regions,
            tables,
        } = self;
        from.is_none() && until.is_none() && accounts.is_empty() && regions.is_empty() && tables.is_empty()
    }
}

/// Reads a duration such as `45d`, `6h` or `15m`, in microseconds.
pub(super) fn duration(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit = match unit {
        "d" => DAY,
        "h" => 3_600 * SECOND,
        "m" => 60 * SECOND,
        _ => return None,
    };
    number
        .parse::<i64>()
        .ok()
        .filter(|number| *number >= 0)?
        .checked_mul(unit)
}

/// Reads a time: a day, a time in UTC, or a time before now.
fn time(text: &str, now: i64) -> Option<i64> {
    if let Some(before) = text.strip_prefix('-') {
        return now.checked_sub(duration(before)?);
    }
    let (date, clock) = text.split_once('T').unwrap_or((text, "00:00Z"));
    let clock = clock.strip_suffix('Z')?;
    let seconds = if clock.len() == 5 { ":00" } else { "" };
    timestamp_micros(format!("{date}T{clock}{seconds}.000000Z").as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AWSLogs/123456789012/elasticloadbalancing/us-east-1/2026/11/29/123456789012_elasticloadbalancing_us-east-1_app.a.0123456789abcdef_20261129T1205Z_192.0.2.1_abcdefgh.log.gz";

    #[test]
    fn times_are_absolute_or_relative() {
        let noon = time("2026-11-29T12:00Z", 0).unwrap();
        assert_eq!(time("2026-11-29T12:00:00Z", 0), Some(noon));
        assert_eq!(time("2026-11-29", 0), Some(noon - 12 * 3_600 * SECOND));
        assert_eq!(time("-1d", noon), Some(noon - DAY));
        assert_eq!(time("-90m", noon), Some(noon - 5_400 * SECOND));
        for wrong in [
            "",
            "-",
            "-d",
            "-1",
            "-1w",
            "--1d",
            "2026-13-01",
            "2026-11-29T12:00",
            "yesterday",
            "2026-11-29T1:00Z",
        ] {
            assert_eq!(time(wrong, noon), None, "{wrong}");
        }
    }

    #[test]
    fn objects_are_selected_by_the_facts_in_their_keys() {
        let end = time("2026-11-29T12:05Z", 0);
        let all = Selection::default();
        assert!(all.selects(KEY) && all.selects("x"));
        let from = Selection {
            from: end,
            ..Selection::default()
        };
        assert!(from.selects(KEY) && !from.selects("x"));
        let until = Selection {
            until: end,
            ..Selection::default()
        };
        assert!(!until.selects(KEY));
        let names = |name: &str| BTreeSet::from([name.to_owned()]);
        for (selection, selected) in [
            (
                Selection {
                    accounts: names("123456789012"),
                    ..all.clone()
                },
                true,
            ),
            (
                Selection {
                    accounts: names("111122223333"),
                    ..all.clone()
                },
                false,
            ),
            (
                Selection {
                    regions: names("us-east-1"),
                    ..all.clone()
                },
                true,
            ),
            (
                Selection {
                    regions: names("eu-west-1"),
                    ..all.clone()
                },
                false,
            ),
            (
                Selection {
                    tables: names("alb_access_log"),
                    ..all.clone()
                },
                true,
            ),
            (
                Selection {
                    tables: names("nlb_access_log"),
                    ..all.clone()
                },
                false,
            ),
        ] {
            assert_eq!(selection.selects(KEY), selected, "{selection:?}");
        }
    }
}
