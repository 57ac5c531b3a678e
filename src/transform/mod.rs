//! What happens to events between the parser and the encoders, if the settings ask for it.
//!
//! The order is fixed: columns are derived from the raw values, events are filtered and sampled by raw and derived values, and
//! what is left is redacted. Without settings, none of this runs.

mod enrich;

use std::sync::Arc;

use crate::formats::{Extra, Extras, Plan};
use crate::parse::batch::Batch;

use enrich::Enricher;
pub use enrich::{Geo, GeoError, needs_geo};

/// The settings of the transformation. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Transform {
    /// The columns to append to each table.
    pub extras: Extras,
    /// The databases of addresses, for the columns that need them.
    pub geo: Option<Arc<Geo>>,
}

impl Transform {
    /// Returns whether events are delivered as they were parsed.
    pub const fn is_none(&self) -> bool {
        self.extras.is_empty()
    }

    /// Returns the names of the columns on request, if there are any.
    pub fn enrich(&self) -> Option<String> {
        let columns = self.extras.iter().filter(|extra| *extra != Extra::SampleWeight);
        let columns: Extras = columns.collect();
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
}

/// What became of the events of a batch.
#[derive(Debug, Default)]
pub struct Transformed {
    /// The number of events that were removed.
    pub filtered: u64,
    /// Whether each of the events before is still in the batch, unless all are.
    pub kept: Option<Vec<bool>>,
}

impl Transformer {
    fn new(transform: &Transform, plan: &'static Plan) -> Self {
        Self {
            enricher: Enricher::new(plan, transform.geo.as_ref()),
        }
    }

    /// Transforms the events of a batch that the parser has filled.
    pub fn apply(&mut self, batch: &mut Batch) -> Transformed {
        self.enricher.fill(batch);
        Transformed::default()
    }
}
