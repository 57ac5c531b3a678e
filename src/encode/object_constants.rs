//! Columns that a batch does not store because the object determines them.

use crate::formats::{ColumnSource, Fill};
use crate::object::ObjectFacts;
use crate::schema::mapping::OutputTable;

/// The values that the object determines for a column.
pub(super) enum OfObject<'a> {
    /// Every event has this text.
    Text(&'a str),
    /// No event has a value.
    Null,
    /// The value is the event's id: the object's id and the line number.
    EventId,
    /// None: the values are in the batch.
    No,
}

/// Returns the values that the object determines for the column at a position of the plan.
pub(super) fn object_constants<'a>(table: &OutputTable, column: usize, facts: &'a ObjectFacts) -> OfObject<'a> {
    let ColumnSource::Filled(fill) = table.plan.columns[column].source else {
        return OfObject::No;
    };
    let value = match fill {
        Fill::EventId => return OfObject::EventId,
        Fill::AccountId => facts.key.account.as_deref(),
        Fill::Region => facts.key.region.as_deref(),
        Fill::SourceBucket => Some(facts.object.bucket.as_str()),
        Fill::SourceKey => Some(facts.object.key.as_str()),
        Fill::EventTime | Fill::ExtraFields | Fill::SourceLine => return OfObject::No,
    };
    value.map_or(OfObject::Null, OfObject::Text)
}
