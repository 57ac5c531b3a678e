//! A table as its readers see it: named and typed columns, wherever they come from.

use crate::format::{Kind, Plan, Presence, SCHEMA_VERSION};

/// A table's name, what it holds, and its columns.
#[derive(Debug)]
pub struct Table {
    /// The table's name, which is also its folder's.
    pub name: &'static str,
    /// What the table holds, in a few words.
    pub title: &'static str,
    /// The shape of the columns, as `--schema` names it.
    pub shape: &'static str,
    /// The version of the columns.
    pub version: u32,
    /// The columns in output order, without those that folders stand for.
    pub columns: Vec<Column>,
}

/// A column as its readers see it.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// The column's name.
    pub name: &'static str,
    /// The type of its values.
    pub kind: Kind,
    /// Whether every row has a value.
    pub presence: Presence,
    /// One sentence of documentation, at most 255 bytes.
    pub doc: &'static str,
}

impl Table {
    /// The table with the columns that the format itself declares.
    pub fn native(plan: &Plan) -> Self {
        let columns = plan.columns.iter().map(|column| Column {
            name: column.name,
            kind: column.kind,
            presence: column.presence,
            doc: column.doc,
        });
        Self {
            name: plan.format.name,
            title: plan.format.title,
            shape: "native",
            version: SCHEMA_VERSION,
            columns: columns.collect(),
        }
    }
}
