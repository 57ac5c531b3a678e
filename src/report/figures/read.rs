//! What was read, and what was not.

use serde::{Deserialize, Serialize};

use super::Period;

/// What was read, and what was not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// The number of objects that were read to their ends.
    pub objects: u64,
    /// The number of bytes of these objects, as they are stored.
    pub bytes: u64,
    /// The number of lines: `events + quarantined + blank`.
    pub lines: u64,
    /// The number of events.
    pub events: u64,
    /// The number of malformed lines, which no other figure contains.
    pub quarantined: u64,
    /// The number of blank lines.
    pub blank: u64,
    /// The same by table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<TableRead>,
    /// The malformed lines by reason, the most frequent first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub malformed: Vec<Malformed>,
    /// The lines that were repaired by an unambiguous rule; they are events.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repaired: Vec<Repaired>,
    /// The objects that were not read on purpose, by reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<Skipped>,
    /// The number of objects that could not be read. No figure contains any of their lines.
    pub failed: u64,
    /// The first of these objects, with the reasons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<Failure>,
    /// The number of corrupt objects, of which only the lines before the fault are events.
    pub corrupt: u64,
    /// The first of these objects, with the faults.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub corruptions: Vec<Failure>,
    /// What could not be listed: the errors. Objects may be missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unlisted: Vec<String>,
}

/// What was read of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableRead {
    /// The table, such as `alb_access_log`; `unknown` if no line shows it.
    pub table: String,
    /// The number of objects.
    pub objects: u64,
    /// The number of bytes of the objects, as they are stored.
    pub bytes: u64,
    /// The number of lines.
    pub lines: u64,
    /// The number of events.
    pub events: u64,
    /// The number of malformed lines.
    pub quarantined: u64,
    /// The number of blank lines.
    pub blank: u64,
    /// The number of events with fields that no column knows.
    pub with_extra_fields: u64,
    /// The times of the first and the last event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<Period>,
}

/// Malformed lines with the same reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Malformed {
    /// The table.
    pub table: String,
    /// The reason, as in the quarantine: `not_an_integer`.
    pub reason: String,
    /// The field at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The number of lines.
    pub lines: u64,
}

/// Lines that were repaired by the same rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repaired {
    /// The table.
    pub table: String,
    /// The rule, such as `unescaped_quote`.
    pub rule: String,
    /// The number of lines.
    pub lines: u64,
}

/// Objects that were not read on purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// The reason, such as `empty` or `outside of the time range`.
    pub reason: String,
    /// The number of objects.
    pub objects: u64,
}

/// An object that could not be read, or not completely.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The object's key, or the path of a file.
    pub object: String,
    /// What is wrong, and what to do.
    pub error: String,
}
