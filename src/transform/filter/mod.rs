//! Filters: an SQL expression that decides which events are delivered.
//!
//! [`Filter::parse`] parses and checks an expression once. A [`TableFilter`] evaluates it on the columns of a batch. Truth values
//! are those of SQL; an event is kept if the expression is true.

mod check;
mod evaluate;
mod like;
mod literal;
mod names;
mod node;
mod parse;
#[cfg(test)]
mod tests;
mod truth;

use std::fmt;
use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;

use crate::formats::{Extras, LogType, Plan};
use crate::object::ObjectFacts;
use crate::parse::batch::Batch;

use super::pointer::Pointer;
use check::Checker;
use evaluate::Columns;
use names::{Named, Names};
use node::Node;
use parse::Source;
use truth::Truth;

/// The stack for the parser's tree, which may be as deep as the expression has words, and is read and freed by recursion.
/// Only what is used of it takes up memory.
const STACK_BYTES: usize = 64 * 1024 * 1024;

/// A checked expression. Cheap to clone.
#[derive(Clone)]
pub struct Filter(Arc<Parsed>);

struct Parsed {
    canonical: String,
    condition: Node,
    /// The columns that the condition names by their numbers.
    columns: Vec<&'static str>,
}

/// Why an expression is refused, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}\n{place}")]
pub struct FilterError {
    message: String,
    place: Pointer,
}

impl FilterError {
    fn new(message: impl Into<String>, text: &str, at: Range<usize>) -> Self {
        Self {
            message: message.into(),
            place: Pointer::to(text, at),
        }
    }
}

impl Filter {
    /// Parses an expression over the columns of the tables and these further columns.
    ///
    /// # Errors
    /// The expression is not part of the language, its types do not fit, or no table has all of its columns.
    pub fn parse(text: &str, extras: Extras) -> Result<Self, FilterError> {
        thread::scope(|scope| {
            let parser = thread::Builder::new().stack_size(STACK_BYTES);
            match parser.spawn_scoped(scope, || Self::parse_here(text, extras)) {
                Ok(parser) => parser.join().unwrap_or_else(|panic| resume_unwind(panic)),
                Err(error) => Err(FilterError::new(format!("it cannot be parsed: {error}"), text, 0..0)),
            }
        })
    }

    /// Parses on this thread, which needs a large stack.
    fn parse_here(text: &str, extras: Extras) -> Result<Self, FilterError> {
        let names = Names::new(extras);
        let expr = parse::parse(text, &names)?;
        let mut checker = Checker {
            source: Source(text),
            names: &names,
            columns: Vec::new(),
            depth: 0,
        };
        let condition = checker.condition(&expr)?;
        check_tables(text, &checker.columns)?;
        Ok(Self(Arc::new(Parsed {
            canonical: expr.to_string(),
            condition,
            columns: checker.columns.iter().map(|(column, _)| column.name).collect(),
        })))
    }

    /// Returns the expression in a spelling that does not depend on spaces, comments or the letter case of keywords and names.
    pub fn canonical(&self) -> &str {
        &self.0.canonical
    }

    /// Returns whether a table has all columns that the expression names. The events of other tables are not filtered.
    pub fn applies_to(&self, plan: &Plan) -> bool {
        self.0.columns.iter().all(|name| plan.column(name).is_some())
    }

    /// Returns the filter of a table, if the table has all columns that the expression names.
    pub fn of(&self, plan: &'static Plan) -> Option<TableFilter> {
        let positions = self.0.columns.iter().map(|name| plan.column(name));
        Some(TableFilter {
            positions: positions.collect::<Option<_>>()?,
            filter: self.clone(),
        })
    }
}

/// Shows the expression.
impl fmt::Debug for Filter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Filter").field(&self.0.canonical).finish()
    }
}

/// A filter of the events of one table.
#[derive(Debug)]
pub struct TableFilter {
    filter: Filter,
    /// The positions of the filter's columns.
    positions: Vec<usize>,
}

impl TableFilter {
    /// Returns for each event of a batch whether the expression is true. It is not if it is false or null.
    pub fn matches(&self, batch: &Batch, facts: &ObjectFacts) -> Vec<bool> {
        let columns = Columns {
            batch,
            facts,
            positions: &self.positions,
        };
        let truths = columns.evaluate(&self.filter.0.condition);
        truths.into_iter().map(|truth| truth == Truth::True).collect()
    }
}

/// Refuses columns of which no table has all.
fn check_tables(text: &str, columns: &[(Named, Range<usize>)]) -> Result<(), FilterError> {
    let mut common = LogType::ALL.to_vec();
    for (number, (column, place)) in columns.iter().enumerate() {
        common.retain(|table| column.tables.contains(table));
        if common.is_empty() {
            let tables = |column: &Named| {
                let tables: Vec<_> = column.tables.iter().map(|table| table.table()).collect();
                format!("{} is in {}", column.name, tables.join(", "))
            };
            // Those that every table has say nothing.
            let before = columns.iter().take(number).map(|(column, _)| column);
            let before: Vec<_> = before
                .filter(|column| column.tables.len() < LogType::ALL.len())
                .map(tables)
                .collect();
            let message = format!("no table has all columns: {}; {}", before.join("; "), tables(column));
            return Err(FilterError::new(message, text, place.clone()));
        }
    }
    Ok(())
}
