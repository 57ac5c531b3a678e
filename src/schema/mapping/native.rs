//! The native schema: the table's columns as they are.

use super::build::Draft;
use crate::formats::Plan;

/// Each column under its own name.
pub(super) fn drafts(plan: &Plan) -> Vec<Draft> {
    let columns = plan.columns.iter().enumerate();
    columns
        .map(|(number, column)| Draft::column(column.name.to_owned(), number, column))
        .collect()
}
