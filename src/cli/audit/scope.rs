//! What an audit covers: a source, a range of time, and the objects that are old enough.

use clap::ArgMatches;

use crate::ingest::Options;
use crate::object::{KeyFacts, interval_end};
use crate::storage::{Entry, Location, Origin, S3Prefix};

use super::super::Stop;
use super::super::input::canonical;
use super::super::selection::{Selection, duration};

/// The grace period of objects in S3, in microseconds.
const GRACE: i64 = 15 * 60 * 1_000_000;

pub(super) struct Scope {
    pub(super) origin: Origin,
    pub(super) selection: Selection,
    /// The end of an interval from which on an object is young, in microseconds since 1970.
    young: Option<i64>,
}

/// What an audit expects of a listed object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// It has to be delivered.
    Due,
    /// It may not have been delivered yet.
    Young,
    /// It has no lines.
    Empty,
    /// The settings exclude it.
    Excluded,
}

impl Scope {
    pub(super) fn of(matches: &ArgMatches, now: i64) -> Result<Self, Stop> {
        let source = matches.get_one::<String>("logs").map_or("", String::as_str);
        let origin = Origin::parse(source).filter(|origin| !matches!(origin, Origin::Stdin));
        let origin = origin.ok_or_else(|| {
            Stop::Usage(format!(
                "invalid source {source}: expected s3://BUCKET/PREFIX or a directory"
            ))
        })?;
        let grace = match matches.get_one::<String>("grace") {
            Some(text) => duration(text).ok_or_else(|| {
                Stop::Usage(format!(
                    "--grace is {text:?}; allowed: a duration such as 15m, 6h or 2d"
                ))
            })?,
            None if matches!(origin, Origin::S3 { .. }) => GRACE,
            None => 0,
        };
        Ok(Self {
            origin,
            selection: Selection::of(matches, now)?,
            young: (grace > 0).then(|| now.saturating_sub(grace)),
        })
    }

    /// Returns what is expected of a listed object.
    pub(super) fn class(&self, entry: &Entry, options: &Options) -> Class {
        let key = &entry.object.key;
        if !options.keys.selects(key) {
            Class::Excluded
        } else if entry.object.size == Some(0) || options.skip_unread(key).is_some() {
            Class::Empty
        } else if self.is_young(KeyFacts::of(key).end) {
            Class::Young
        } else {
            Class::Due
        }
    }

    /// Returns whether something that ended then, in microseconds since 1970, is within the grace period.
    pub(super) fn is_young(&self, end: Option<i64>) -> bool {
        self.young.zip(end).is_some_and(|(young, end)| end > young)
    }

    /// Returns whether the source would list an object.
    pub(super) fn covers(&self, bucket: &str, key: &str) -> bool {
        let is_below = match &self.origin {
            Origin::S3 { bucket: own, key: root } => {
                let below = key.strip_prefix(root.as_str());
                own == bucket
                    && below.is_some_and(|below| {
                        root.is_empty() || root.ends_with('/') || below.is_empty() || below.starts_with('/')
                    })
            }
            // Files have one bucket, and keys below the directory.
            Origin::Path(_) | Origin::Stdin => true,
        };
        is_below && self.selection.selects(key)
    }

    /// Returns whether an output with this name would belong to an object in the range of time. Its name repeats the end of the
    /// interval.
    pub(super) fn covers_output(&self, name: &str) -> bool {
        let file = name.rsplit('/').next().unwrap_or_default();
        let end = file.split(['_', '-']).find_map(interval_end);
        self.selection.selects_end(end)
    }

    /// Returns the source as a location.
    pub(super) fn location(&self) -> Option<Location> {
        match &self.origin {
            Origin::S3 { bucket, key } => Some(Location::S3(S3Prefix {
                bucket: bucket.clone(),
                prefix: key.clone(),
            })),
            Origin::Path(path) => Some(Location::Directory(path.clone())),
            Origin::Stdin => None,
        }
    }
}

/// Returns the name of a location in another that it is below, with a slash at its end.
pub(super) fn below(outer: &Location, inner: &Location) -> Option<String> {
    let name = match (outer, inner) {
        (Location::S3(outer), Location::S3(inner)) => {
            let is_same = outer.bucket == inner.bucket;
            inner.prefix.strip_prefix(&outer.prefix).filter(|_| is_same)?.to_owned()
        }
        (Location::Directory(outer), Location::Directory(inner)) => {
            let (outer, inner) = (canonical(outer), canonical(inner));
            inner.strip_prefix(&outer).ok()?.to_str()?.to_owned()
        }
        _ => return None,
    };
    let name = name.trim_end_matches('/');
    (!name.is_empty()).then(|| format!("{name}/"))
}
