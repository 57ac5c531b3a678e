//! What happens to events between the parser and the encoders, if the settings ask for it.
//!
//! The order is fixed: columns are derived from the raw values, events are filtered and sampled by raw and derived values, and
//! what is left is redacted. Without settings, none of this runs.

mod enrich;
mod filter;
mod memo;
mod pointer;
pub mod redact;
mod sample;

use std::sync::Arc;

use crate::formats::{Extra, Extras, LogType, Plan};
use crate::object::ObjectFacts;
use crate::parse::batch::Batch;

use enrich::Enricher;
pub use enrich::{Geo, GeoError, needs_geo};
pub use filter::{Filter, FilterError, TableFilter};
pub use pointer::Pointer;
use redact::{Redact, Redactor};
pub use sample::{Sample, SampleError, TableSample};

/// The settings of the transformation. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Transform {
    /// The columns to append to each table. With a sample, [`Extra::SampleWeight`] is one of them.
    pub extras: Extras,
    /// The databases of addresses, for the columns that need them.
    pub geo: Option<Arc<Geo>>,
    /// The events to deliver.
    pub filter: Option<Filter>,
    /// The part of these events to deliver.
    pub sample: Option<Sample>,
    /// What of the values of clients is delivered; everything, if there is none.
    pub redact: Option<Redact>,
}

impl Transform {
    /// Returns whether events are delivered as they were parsed.
    pub const fn is_none(&self) -> bool {
        self.extras.is_empty() && !self.removes_events() && self.redact.is_none()
    }

    /// Returns whether events may be left out.
    pub const fn removes_events(&self) -> bool {
        self.filter.is_some() || self.sample.is_some()
    }

    /// Returns the tables whose events are not filtered although there is a filter, because they lack a column that it names.
    pub fn unfiltered(&self) -> Vec<&'static str> {
        let applies = |filter: &Filter, table: LogType| filter.applies_to(table.plan_with(self.extras));
        self.filter.as_ref().map_or_else(Vec::new, |filter| {
            let tables = LogType::ALL.into_iter().filter(|table| !applies(filter, *table));
            tables.map(LogType::table).collect()
        })
    }

    /// Returns whether events have their lines.
    pub const fn keeps_raw(&self) -> bool {
        self.extras.contains(Extra::RawLine)
    }

    /// Returns what identifies the redaction, if there is one.
    pub fn redact_fingerprint(&self) -> Option<String> {
        self.redact.as_ref().map(Redact::fingerprint)
    }

    /// Returns the names of the columns on request, if there are any.
    pub fn enrich(&self) -> Option<String> {
        let columns: Extras = self
            .extras
            .iter()
            .filter(|extra| Extras::ENRICHMENT.contains(*extra))
            .collect();
        (!columns.is_empty()).then(|| columns.to_string())
    }

    /// Returns the transformation of a table's events, unless there is nothing to do.
    pub fn of(&self, plan: &'static Plan) -> Option<Transformer> {
        (!self.is_none()).then(|| Transformer::new(self, plan))
    }
}

/// Transforms the events of one table. It keeps buffers and caches from batch to batch, which never affect the result.
#[derive(Debug)]
pub struct Transformer {
    enricher: Enricher,
    /// The events to keep.
    filter: Option<TableFilter>,
    /// The part of these events to keep.
    sample: Option<TableSample>,
    redactor: Option<Redactor>,
}

/// What became of the events of a batch.
#[derive(Debug, Default)]
pub struct Transformed {
    /// The number of events that were removed.
    pub filtered: u64,
    /// Whether each of the events before is still in the batch, unless all are.
    pub kept: Option<Vec<bool>>,
}

impl Transformed {
    /// Removes the events whose flag is false.
    fn retain(batch: &mut Batch, keep: Vec<bool>) -> Self {
        let removed = keep.iter().filter(|keep| !**keep).count();
        if removed == 0 {
            return Self::default();
        }
        batch.retain(&keep);
        Self {
            filtered: removed as u64,
            kept: Some(keep),
        }
    }
}

impl Transformer {
    fn new(transform: &Transform, plan: &'static Plan) -> Self {
        Self {
            enricher: Enricher::new(plan, transform.geo.as_ref()),
            filter: transform.filter.as_ref().and_then(|filter| filter.of(plan)),
            sample: transform.sample.as_ref().map(|sample| sample.of(plan)),
            redactor: transform.redact.as_ref().map(|redact| redact.of(plan)),
        }
    }

    /// Transforms the events of a batch that the parser has filled.
    pub fn apply(&mut self, batch: &mut Batch, facts: &ObjectFacts) -> Transformed {
        self.enricher.fill(batch);
        let transformed = self.select(batch, facts);
        if let Some(redactor) = &mut self.redactor {
            redactor.apply(batch);
        }
        transformed
    }

    /// Removes the events that are filtered or sampled out.
    fn select(&mut self, batch: &mut Batch, facts: &ObjectFacts) -> Transformed {
        let Self { filter, sample, .. } = self;
        if filter.is_none() && sample.is_none() {
            return Transformed::default();
        }
        let mut keep = match filter {
            Some(filter) => filter.matches(batch, facts),
            None => vec![true; batch.rows()],
        };
        // Before any event is removed, so its column has a value for each.
        if let Some(sample) = sample {
            sample.apply(batch, facts, &mut keep);
        }
        Transformed::retain(batch, keep)
    }
}
