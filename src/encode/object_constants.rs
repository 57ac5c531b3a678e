//! The columns that a batch does not store, because the object tells them.

use crate::formats::{Fill, Source};
use crate::object::ObjectFacts;
use crate::schema::mapping::OutputTable;

/// What the object tells of a column.
pub(super) enum OfObject<'a> {
    /// Every event has this text.
    Text(&'a str),
    /// No event has a value.
    Null,
    /// It is the event's id: the object's, and the line number.
    EventId,
    /// Nothing: the values are those of the batch.
    No,
}

/// What the object tells of the column at a position of the plan.
pub(super) fn object_constants<'a>(shape: &OutputTable, column: usize, facts: &'a ObjectFacts) -> OfObject<'a> {
    let Some(Source::Filled(fill)) = shape.plan.columns.get(column).map(|column| column.source) else {
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
