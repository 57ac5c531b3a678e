//! A format resolved for the loops: parts numbered, columns in output order.

use std::sync::LazyLock;

use super::{
    Column, Decode, FORMATS, Field, Fill, Format, Kind, LEADING, Layout, Place, Presence, Quoting, Split, TRAILING,
};

/// A [`Format`] with every name resolved to a position. Built once for each format.
#[derive(Debug)]
pub struct Plan {
    /// The format this plan was made from.
    pub format: &'static Format,
    /// The fields in wire order.
    pub fields: Vec<PlannedField>,
    /// How many parts a line of this format has, over all fields.
    pub parts: usize,
    /// The columns in output order, the common ones included.
    pub columns: Vec<PlannedColumn>,
}

/// A field and the numbers of its parts.
#[derive(Debug)]
pub struct PlannedField {
    /// The field.
    pub field: &'static Field,
    /// How the field is written on the line.
    pub quoting: Quoting,
    /// How its token falls into parts.
    pub split: Split,
    /// The number of its first part; its further parts follow.
    pub first_part: usize,
    /// The number behind that of its last part.
    pub behind_parts: usize,
}

/// A column and where its values come from.
#[derive(Debug)]
pub struct PlannedColumn {
    /// The column's name.
    pub name: &'static str,
    /// The column's sentence of documentation.
    pub doc: &'static str,
    /// The type of its values.
    pub kind: Kind,
    /// Whether every row has a value.
    pub presence: Presence,
    /// How the values relate to each other.
    pub layout: Layout,
    /// Every value that AWS's page names, where there are few.
    pub known: &'static [&'static str],
    /// Where its values come from.
    pub source: Source,
}

/// Where the values of a column come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// From a part of a field on the line.
    Part {
        /// The number of the part.
        part: usize,
        /// The number of the field.
        field: usize,
        /// How the part's bytes become a value.
        decode: Decode,
        /// Whether escapes are undone: the field is written in quotes.
        escaped: bool,
    },
    /// From the object, its key or the line's position.
    Filled(Fill),
}

static PLANS: LazyLock<Vec<Plan>> = LazyLock::new(|| FORMATS.into_iter().map(Plan::new).collect());

impl Format {
    /// The format with every name resolved.
    pub fn plan(&'static self) -> &'static Plan {
        // Every format stands in FORMATS (held by a test), so that the fallback is never taken.
        PLANS
            .iter()
            .find(|plan| std::ptr::eq(plan.format, self))
            .unwrap_or_else(|| Box::leak(Box::new(Plan::new(self))))
    }
}

impl Plan {
    fn new(format: &'static Format) -> Self {
        let mut parts = 0;
        let mut fields = Vec::new();
        let mut middle: Vec<PlannedColumn> = Vec::new();
        let mut time = Source::Filled(Fill::EventTime);
        for (number, field) in format.fields.iter().enumerate() {
            if field.name == format.event_time {
                time = Source::Part {
                    part: parts,
                    field: number,
                    decode: Decode::Time,
                    escaped: false,
                };
            }
            for (offset, column) in field.columns().iter().enumerate() {
                let source = Source::Part {
                    part: parts + offset,
                    field: number,
                    decode: column.decode,
                    escaped: field.quoting != Quoting::Bare,
                };
                let at = match column.place {
                    Place::OnLine => middle.len(),
                    Place::Behind(name) => middle
                        .iter()
                        .position(|other| other.name == name)
                        .map_or(0, |at| at + 1),
                };
                middle.insert(at, PlannedColumn::new(column, source));
            }
            let first_part = parts;
            parts += field.split.parts();
            fields.push(PlannedField {
                field,
                quoting: field.quoting,
                split: field.split,
                first_part,
                behind_parts: parts,
            });
        }
        let filled = |column: &'static Column| {
            let source = match column.decode {
                Decode::Filled(Fill::EventTime) => time,
                Decode::Filled(fill) => Source::Filled(fill),
                // Only filled columns stand here (held by a test).
                _ => Source::Filled(Fill::ExtraFields),
            };
            PlannedColumn::new(column, source)
        };
        let columns = LEADING
            .iter()
            .map(filled)
            .chain(middle)
            .chain(TRAILING.iter().map(filled))
            .collect();
        Self {
            format,
            fields,
            parts,
            columns,
        }
    }

    /// The position of a column in output order.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }
}

impl PlannedColumn {
    const fn new(column: &'static Column, source: Source) -> Self {
        Self {
            name: column.name,
            doc: column.doc,
            kind: column.decode.kind(),
            presence: column.presence,
            layout: column.layout,
            known: column.known,
            source,
        }
    }
}
