//! Values that AWS's page does not name, in columns that have few: AWS announces new ones so.

use std::collections::BTreeSet;

use crate::formats::{ColumnSource, PlannedColumn};
use crate::parse::batch::{Batch, Values};

/// So many unknown values of an object are remembered: a column full of other text shall not fill the memory.
const MOST: usize = 16;
/// A longer value is no name.
const LONGEST: usize = 40;

/// A value that AWS's page does not name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnknownValue {
    /// The column.
    pub column: &'static str,
    /// The position of its field on the line, from 1.
    pub position: usize,
    /// The value where it looks like a name, else a description of it.
    pub value: String,
}

/// Looks through the columns of a batch whose values the format table lists.
pub(super) fn note_unknown_values(batch: &Batch, found: &mut BTreeSet<UnknownValue>) {
    for (column, values) in batch.plan.columns.iter().zip(batch.columns()) {
        let (ColumnSource::Part { field, .. }, Values::Text(texts)) = (column.source, values) else {
            continue;
        };
        if column.known.is_empty() {
            continue;
        }
        // Most rows have the value of the row before.
        let mut last: &[u8] = &[];
        for text in texts.present(batch.text()) {
            if text != last {
                last = text;
                if !column.known.iter().any(|known| known.as_bytes() == text) && found.len() < MOST {
                    found.insert(unknown(column, field, text));
                }
            }
        }
    }
}

fn unknown(column: &PlannedColumn, field: usize, text: &[u8]) -> UnknownValue {
    let name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let value = match str::from_utf8(text) {
        Ok(text) if text.len() <= LONGEST && text.bytes().all(|byte| name(&byte)) => text.to_owned(),
        _ => "that is no name".to_owned(),
    };
    UnknownValue {
        column: column.name,
        position: field + 1,
        value,
    }
}
