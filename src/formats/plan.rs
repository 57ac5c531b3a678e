//! A format with its names resolved to positions: parts numbered, columns in output order.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use super::{
    Column, Decode, Extra, Extras, Field, Fill, Format, Kind, LEADING, Layout, LogType, Position, Presence, Quoting,
    Split, TRAILING,
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
    /// The position of the last column that the parser fills. The columns of [`Extras`] follow.
    pub source_line: usize,
    /// The number of the field that contains the time of the event.
    pub time_field: usize,
    /// The numbers of the fields that [`Format::start`] names.
    pub start: Vec<usize>,
    /// The parts that accept any text, so a misplaced time may be in them.
    pub any_text: Vec<usize>,
    /// Those of the parts in [`Plan::any_text`] that the shortest lines do not have.
    pub late_text: Vec<usize>,
    /// Those of the parts in [`Plan::late_text`] that are never in quotes.
    pub late_bare: Vec<usize>,
    /// Whether a field of the line is written in quotes.
    pub has_quotes: bool,
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
    /// Whether the line begins with the value, one of few words.
    pub first_word: bool,
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
    /// Other columns, after the lines were read.
    Extra(Extra),
}

impl LogType {
    /// Returns the format with every name resolved.
    #[expect(
        clippy::indexing_slicing,
        reason = "there is a plan for each variant, in order of declaration"
    )]
    pub fn plan(self) -> &'static Plan {
        static PLANS: LazyLock<[Plan; LogType::ALL.len()]> =
            LazyLock::new(|| LogType::ALL.map(|log_type| Plan::new(log_type.format(), Extras::NONE)));
        &PLANS[self as usize]
    }

    /// Returns the format with every name resolved, and further columns. Each plan is built once and kept: a process has one
    /// set of columns, that of its settings.
    pub fn plan_with(self, extras: Extras) -> &'static Plan {
        static PLANS: Mutex<BTreeMap<(usize, Extras), &'static Plan>> = Mutex::new(BTreeMap::new());
        let extras: Extras = extras.of(self).collect();
        if extras.is_empty() {
            return self.plan();
        }
        let mut plans = PLANS.lock().unwrap_or_else(PoisonError::into_inner);
        plans
            .entry((self as usize, extras))
            .or_insert_with(|| Box::leak(Box::new(Plan::new(self.format(), extras))))
    }
}

impl Format {
    /// Returns the format with every name resolved.
    pub fn plan(&self) -> &'static Plan {
        self.log_type.plan()
    }
}

impl Plan {
    fn new(format: &'static Format, extras: Extras) -> Self {
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
        let mut columns: Vec<_> = LEADING
            .iter()
            .map(filled)
            .chain(middle)
            .chain(TRAILING.iter().map(filled))
            .collect();
        let source_line = columns.len() - 1;
        columns.extend(
            extras
                .iter()
                .map(|extra| PlannedColumn::new(extra.column(), ColumnSource::Extra(extra))),
        );
        let numbers = || fields.iter().enumerate();
        let number = |name: &str| numbers().find(|(_, planned)| planned.field.name == name);
        let time_field = number(format.event_time).map_or(0, |(number, _)| number);
        let start = format.start.iter().filter_map(|name| number(name));
        let start = start.map(|(number, _)| number).collect();
        let any_text = |from: usize| {
            let fields = fields.iter().skip(from);
            fields.filter(|planned| planned.field.takes_any_text())
        };
        let first_part = |planned: &PlannedField| planned.first_part;
        let late_bare = any_text(format.min_fields).filter(|planned| planned.quoting == Quoting::Bare);
        let in_quotes = |planned: &PlannedField| matches!(planned.quoting, Quoting::Quoted | Quoting::QuotedOrBare);
        Self {
            time_field,
            start,
            any_text: any_text(0).map(first_part).collect(),
            late_text: any_text(format.min_fields).map(first_part).collect(),
            late_bare: late_bare.map(first_part).collect(),
            has_quotes: fields.iter().any(in_quotes),
            format,
            fields,
            parts,
            columns,
            source_line,
        }
    }

    /// Returns whether the table has columns of [`Extras`].
    pub const fn has_extras(&self) -> bool {
        self.columns.len() > self.source_line + 1
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
            first_word: matches!(source, ColumnSource::Part { field: 0, .. }) && !column.known.is_empty(),
            source,
        }
    }
}
