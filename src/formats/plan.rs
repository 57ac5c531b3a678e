//! A format with its names resolved to positions: parts numbered, columns in output order.

use std::sync::LazyLock;

use super::{
    Column, Decode, Field, Fill, Format, Kind, LEADING, Layout, LogType, Position, Presence, Quoting, Split, TRAILING,
};

/// A [`Format`] with every name resolved to a position. It is built once per log type.
#[derive(Debug)]
pub struct Plan {
    /// The format that the plan describes.
    pub format: &'static Format,
    /// The fields in wire order.
    pub fields: Vec<PlannedField>,
    /// The number of parts of a line, over all fields.
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
    /// How its token splits into parts.
    pub split: Split,
    /// The number of its first part; its other parts follow.
    pub first_part: usize,
    /// The number after that of its last part.
    pub end_part: usize,
}

/// A column and the source of its values.
#[derive(Debug)]
pub struct PlannedColumn {
    /// The column's name.
    pub name: &'static str,
    /// One sentence of documentation.
    pub doc: &'static str,
    /// The type of its values.
    pub kind: Kind,
    /// Whether every row has a value.
    pub presence: Presence,
    /// How the values relate to each other.
    pub layout: Layout,
    /// Every value that AWS's page lists, if there are few.
    pub known: &'static [&'static str],
    /// The source of its values.
    pub source: ColumnSource,
}

/// The source of a column's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnSource {
    /// A part of a field on the line.
    Part {
        /// The number of the part.
        part: usize,
        /// The number of the field.
        field: usize,
        /// How the part's bytes become a value.
        decode: Decode,
        /// Whether escapes are decoded, because the field is written in quotes.
        escaped: bool,
    },
    /// The object, its key or the line's position.
    Filled(Fill),
}

impl LogType {
    /// Returns the format with every name resolved.
    #[expect(
        clippy::indexing_slicing,
        reason = "there is a plan for each variant, in order of declaration"
    )]
    pub fn plan(self) -> &'static Plan {
        static PLANS: LazyLock<[Plan; LogType::ALL.len()]> =
            LazyLock::new(|| LogType::ALL.map(|log_type| Plan::new(log_type.format())));
        &PLANS[self as usize]
    }
}

impl Format {
    /// Returns the format with every name resolved.
    pub fn plan(&self) -> &'static Plan {
        self.log_type.plan()
    }
}

impl Plan {
    fn new(format: &'static Format) -> Self {
        let mut parts = 0;
        let mut fields = Vec::new();
        let mut middle: Vec<PlannedColumn> = Vec::new();
        let mut time = ColumnSource::Filled(Fill::EventTime);
        for (number, field) in format.fields.iter().enumerate() {
            if field.name == format.event_time {
                time = ColumnSource::Part {
                    part: parts,
                    field: number,
                    decode: Decode::Time,
                    escaped: false,
                };
            }
            for (offset, column) in field.columns().iter().enumerate() {
                let source = ColumnSource::Part {
                    part: parts + offset,
                    field: number,
                    decode: column.decode,
                    escaped: field.quoting != Quoting::Bare,
                };
                let at = match column.position {
                    Position::LineOrder => middle.len(),
                    Position::After(name) => middle
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
                end_part: parts,
            });
        }
        let filled = |column: &'static Column| {
            let source = match column.decode {
                Decode::Filled(Fill::EventTime) => time,
                Decode::Filled(fill) => ColumnSource::Filled(fill),
                // LEADING and TRAILING contain only filled columns, which a test verifies.
                _ => ColumnSource::Filled(Fill::ExtraFields),
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

    /// Returns the position of a column in output order.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }
}

impl PlannedColumn {
    const fn new(column: &'static Column, source: ColumnSource) -> Self {
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
