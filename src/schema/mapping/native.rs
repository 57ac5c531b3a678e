//! The native schema: the table's columns unchanged.

use super::build::Draft;
use crate::formats::Plan;

/// Returns each column under its own name.
pub(super) fn drafts(plan: &Plan) -> Vec<Draft> {
    let columns = plan.columns.iter().enumerate();
    columns
        .map(|(number, column)| Draft::column(column.name.to_owned(), number, column))
        .collect()
}
