//! The columns that an expression may name.

use std::collections::BTreeMap;

use crate::formats::{Extra, Extras, Kind, LogType};

/// The minimum length of the beginning of a name by which a column is suggested.
const MIN_START: usize = 4;

/// The columns of all tables that have a value when events are filtered.
pub(super) struct Names {
    extras: Extras,
    known: BTreeMap<&'static str, Named>,
}

/// A column, of one or of several tables.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) tables: Vec<LogType>,
}

impl Names {
    pub(super) fn new(extras: Extras) -> Self {
        let filled: Extras = extras.iter().filter(|extra| *extra != Extra::SampleWeight).collect();
        let mut known: BTreeMap<_, Named> = BTreeMap::new();
        for log_type in LogType::ALL {
            for column in &log_type.plan_with(filled).columns {
                let named = known.entry(column.name).or_insert_with(|| Named {
                    name: column.name,
                    kind: column.kind,
                    tables: Vec::new(),
                });
                named.tables.push(log_type);
            }
        }
        Self { extras, known }
    }

    /// Returns the column of a name in any letter case.
    pub(super) fn get(&self, name: &str) -> Option<&Named> {
        self.known.get(name.to_ascii_lowercase().as_str())
    }

    /// Returns why a column cannot be named, if it cannot.
    pub(super) fn check(&self, name: &str) -> Result<(), String> {
        if self.get(name).is_some() {
            return Ok(());
        }
        let extra = Extra::ALL
            .into_iter()
            .find(|extra| extra.name().eq_ignore_ascii_case(name));
        Err(match extra {
            Some(Extra::SampleWeight) => {
                format!("{name} has no value yet: events are filtered before they are sampled")
            }
            Some(Extra::RawLine) => format!("the column {name} has to be asked for: set KEEP_RAW to true"),
            Some(extra) => {
                let extras = Extras::ENRICHMENT
                    .iter()
                    .filter(|other| *other == extra || self.extras.contains(*other));
                let extras: Extras = extras.collect();
                format!("the column {name} has to be asked for: set ENRICH to {extras}")
            }
            None => match self.nearest(name) {
                Some(nearest) => format!("there is no column {name}; the nearest name is {nearest}"),
                None => format!("there is no column {name}; docs/reference/tables has the columns of each table"),
            },
        })
    }

    /// Returns the column whose name is the most similar or begins in this way, if there is one.
    pub(super) fn nearest(&self, name: &str) -> Option<&'static str> {
        // A longer name is no column's, and not worth the time.
        let lower = name.get(..name.len().min(64))?.to_ascii_lowercase();
        let distances = self.known.keys().map(|known| (distance(&lower, known), *known));
        let similar = distances.min().filter(|(distance, _)| *distance <= lower.len() / 3);
        let longer = self.known.keys().copied().filter(|known| known.starts_with(&lower));
        let longer = longer.filter(|_| lower.len() >= MIN_START);
        similar
            .map(|(_, name)| name)
            .or_else(|| longer.min_by_key(|name| name.len()))
    }
}

/// Returns the number of bytes to insert, remove or replace to get from one name to the other.
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (number, byte) in from.bytes().enumerate() {
        let mut diagonal = number;
        let mut left = number + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (above, other) in row.iter_mut().skip(1).zip(to.bytes()) {
            let replaced = diagonal + usize::from(byte != other);
            diagonal = *above;
            left = replaced.min(diagonal + 1).min(left + 1);
            *above = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Names, distance};
    use crate::formats::{Extra, Extras, LogType};

    #[test]
    fn distances_count_edits() {
        for (from, to, wanted) in [
            ("", "", 0),
            ("abc", "", 3),
            ("abc", "abd", 1),
            ("abc", "ac", 1),
            ("ac", "abc", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(from, to), wanted, "{from} {to}");
        }
    }

    #[test]
    fn a_name_has_one_kind_in_all_tables() {
        let all: Extras = Extra::ALL.into_iter().collect();
        let names = Names::new(all);
        for log_type in LogType::ALL {
            for column in &log_type.plan().columns {
                assert_eq!(names.get(column.name).unwrap().kind, column.kind, "{}", column.name);
            }
        }
    }
}
