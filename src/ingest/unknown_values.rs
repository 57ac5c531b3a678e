//! Finds values that the AWS documentation does not list, in columns with few values: a sign of new ones.

use std::collections::BTreeSet;

use crate::formats::{ColumnSource, PlannedColumn};
use crate::parse::batch::{Batch, Values};

/// The maximum number of unknown values recorded per object, so a column full of other text does not fill the memory.
const MAX_VALUES: usize = 16;
/// The maximum length of a value that is recorded as it is. A longer value is not a name.
const MAX_NAME: usize = 40;

/// A value that the AWS documentation does not list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnknownValue {
    /// The column.
    pub column: &'static str,
    /// The position of its field on the line, from 1.
    pub position: usize,
    /// The value if it looks like a name, otherwise a description.
    pub value: String,
}

/// Searches the columns of a batch whose values the format table lists. The values of redacted events are not shown.
pub(super) fn note_unknown_values(batch: &Batch, redacted: bool, found: &mut BTreeSet<UnknownValue>) {
    for (column, values) in batch.plan.columns.iter().zip(batch.columns()) {
        let (ColumnSource::Part { field, .. }, Values::Text(texts)) = (column.source, values) else {
            continue;
        };
        if column.known.is_empty() {
            continue;
        }
        // Most rows have the value of the previous row.
        let mut last: &[u8] = &[];
        for text in texts.present(batch.text()) {
            if text != last {
                last = text;
                if !column.known.iter().any(|known| known.as_bytes() == text) && found.len() < MAX_VALUES {
                    found.insert(unknown(column, field, if redacted { &[] } else { text }));
                }
            }
        }
    }
}

fn unknown(column: &PlannedColumn, field: usize, text: &[u8]) -> UnknownValue {
    let name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let value = match str::from_utf8(text) {
        Ok(text) if (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(|byte| name(&byte)) => text.to_owned(),
        _ => "(not a name)".to_owned(),
    };
    UnknownValue {
        column: column.name,
        position: field + 1,
        value,
    }
}
