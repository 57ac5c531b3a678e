//! Samples: rules that keep a part of the events, and the weight of each event that is kept.
//!
//! Whether an event is kept depends on its values and on the settings only, so a retry, a merge and any number of threads keep
//! the same events.

mod parse;
mod rate;

use std::fmt;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::formats::{Extra, Plan};
use crate::object::ObjectFacts;
use crate::parse::batch::{Batch, Texts, Values};

use super::filter::{Filter, TableFilter};
pub use parse::SampleError;
use rate::Rate;

/// The rules of a sample. Cheap to clone.
#[derive(Clone)]
pub struct Sample(Arc<Rules>);

struct Rules {
    rules: Vec<Rule>,
    /// The column whose hash decides; the event's id, if none is named.
    by: Option<&'static str>,
}

struct Rule {
    rate: Rate,
    condition: Option<Filter>,
}

impl Sample {
    /// Returns the rules in a spelling that does not depend on spaces or the case of keywords.
    pub fn canonical(&self) -> String {
        let rules = self.0.rules.iter().map(Rule::to_string);
        let by = self.0.by.map(|column| format!("by {column}"));
        rules.chain(by).collect::<Vec<_>>().join("; ")
    }

    /// Returns the sample of a table. Rules whose columns the table lacks do not apply to it.
    pub fn of(&self, plan: &'static Plan) -> TableSample {
        let rules = self.0.rules.iter().filter_map(|rule| match &rule.condition {
            Some(condition) => Some((rule.rate, Some(condition.of(plan)?))),
            None => Some((rule.rate, None)),
        });
        TableSample {
            rules: rules.collect(),
            by: self.0.by.and_then(|column| plan.column(column)),
            weight: plan.column(Extra::SampleWeight.name()),
        }
    }
}

/// Shows the rule as it is written.
impl fmt::Display for Rule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "keep {}", self.rate)?;
        match &self.condition {
            Some(condition) => write!(out, " where {}", condition.canonical()),
            None => Ok(()),
        }
    }
}

/// Shows the rules.
impl fmt::Debug for Sample {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Sample").field(&self.canonical()).finish()
    }
}

/// The sample of one table.
#[derive(Debug)]
pub struct TableSample {
    rules: Vec<(Rate, Option<TableFilter>)>,
    /// The position of the column whose hash decides, if it is not the event's id.
    by: Option<usize>,
    /// The position of `sample_weight`.
    weight: Option<usize>,
}

impl TableSample {
    /// Fills `sample_weight`, and clears the flags of the events that are not part of the sample.
    pub fn apply(&self, batch: &mut Batch, facts: &ObjectFacts, keep: &mut [bool]) {
        let rates = self.rates(batch, facts);
        let mut draw = Draw::default();
        let by = self.by.and_then(|position| batch.columns().get(position));
        for ((row, keep), rate) in keep.iter_mut().enumerate().zip(&rates) {
            if *keep && !rate.is_all() {
                *keep = rate.keeps(match text(by, row, batch.text()) {
                    Some(text) => draw.of(text),
                    None => hash(
                        facts
                            .event_id(batch.line_numbers().get(row).copied().unwrap_or_default())
                            .as_bytes(),
                    ),
                });
            }
        }
        let (columns, _) = batch.columns_mut();
        if let Some(Values::Float64(weights)) = self.weight.and_then(|position| columns.get_mut(position)) {
            for rate in rates {
                weights.push(Some(rate.weight()));
            }
        }
    }

    /// Returns the rate of each event: that of the first rule whose condition is true. Events that no rule is for are all kept.
    fn rates(&self, batch: &Batch, facts: &ObjectFacts) -> Vec<Rate> {
        let mut rates = vec![None; batch.rows()];
        for (rate, condition) in &self.rules {
            let matches = condition.as_ref().map(|condition| condition.matches(batch, facts));
            for (row, found) in rates.iter_mut().enumerate() {
                let is_true = matches.as_ref().is_none_or(|matches| matches.get(row) == Some(&true));
                if found.is_none() && is_true {
                    *found = Some(*rate);
                }
            }
        }
        rates.into_iter().map(|rate| rate.unwrap_or(Rate::ALL)).collect()
    }
}

/// Returns the text of a row, unless it is null.
fn text<'a>(values: Option<&Values>, row: usize, text: &'a [u8]) -> Option<&'a [u8]> {
    let texts: &Texts = match values? {
        Values::Text(texts) => texts,
        _ => return None,
    };
    texts.get(row, text)
}

/// The hash of a text that events in a row share, computed once.
#[derive(Default)]
struct Draw {
    text: Vec<u8>,
    hash: Option<u64>,
}

impl Draw {
    fn of(&mut self, text: &[u8]) -> u64 {
        match self.hash {
            Some(hash) if self.text == text => hash,
            _ => {
                self.text.clear();
                self.text.extend_from_slice(text);
                *self.hash.insert(hash(text))
            }
        }
    }
}

/// Returns the first eight bytes of SHA-256 as a number. Databases can compute it, too.
fn hash(text: &[u8]) -> u64 {
    let digest = Sha256::digest(text);
    let first = digest.iter().take(8);
    first.fold(0, |number, byte| number << 8 | u64::from(*byte))
}
