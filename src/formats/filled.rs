//! The columns that every table begins and ends with.

use super::{Column, Decode, Fill, Layout, Position, Presence, column};

/// The columns that every table begins with.
pub static LEADING: [Column; 4] = [
    required(
        "event_id",
        Fill::EventId,
        "Identifier of the event: 16 hex digits of SHA-256 over bucket, key and version or etag, a dash, and the line number in ten digits. The same in every replay.",
    ),
    required(
        "timestamp",
        Fill::EventTime,
        "Time of the event, UTC, in microseconds: the field that AWS calls time or timestamp.",
    ),
    filled(
        "account_id",
        Fill::AccountId,
        "AWS account that owns the load balancer, from the object key; null if the key does not contain it.",
    ),
    filled(
        "region",
        Fill::Region,
        "AWS region of the load balancer, from the object key; null if the key does not contain it.",
    ),
];

/// The columns that every table ends with.
pub static TRAILING: [Column; 4] = [
    filled(
        "extra_fields",
        Fill::ExtraFields,
        "Fields after the last one that this version knows, as verbatim tokens in line order; null if there are none.",
    ),
    required(
        "source_bucket",
        Fill::SourceBucket,
        "Bucket of the log object; local for files.",
    ),
    required("source_key", Fill::SourceKey, "Key of the log object."),
    required(
        "source_line",
        Fill::SourceLine,
        "Number of the line in the log object, counted from 1; the first line if an entry spans several.",
    ),
];

const fn filled(name: &'static str, fill: Fill, doc: &'static str) -> Column {
    column(name, Decode::Filled(fill), doc)
}

const fn required(name: &'static str, fill: Fill, doc: &'static str) -> Column {
    let layout = match fill {
        Fill::EventId => Layout::Prefixed,
        Fill::EventTime | Fill::SourceLine => Layout::Near,
        _ => Layout::Repeating,
    };
    Column {
        name,
        decode: Decode::Filled(fill),
        presence: Presence::Required,
        position: Position::LineOrder,
        layout,
        known: &[],
        doc,
    }
}
