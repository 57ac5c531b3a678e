//! Writes the events of one batch, step by step.
//!
//! The steps of a table are the same for every event; which buffer a step reads is determined once per batch, so the loop
//! over the events chooses neither a column nor its type again.

use crate::encode::computed::Computed;
use crate::formats::{ColumnSource, Extra, Kind};
use crate::parse::batch::{Batch, Lists, Numbers, Texts, Values};
use crate::parse::line::Span;

use super::attribute::{Attribute, AttributeStep};
use super::batches::FOOT;
use super::line_buffer::{Constant, LineBuffer};
use super::values::{Times, put_date, put_event_id, put_float, put_integer, put_unix_nanos};

/// The events of one batch, which can be written.
#[derive(Debug)]
pub struct Events<'a> {
    pub(super) cells: Vec<Cell<'a>>,
    /// What precedes the events of a batch on its line. Empty if a line is one event.
    pub(super) head: Vec<Cell<'a>>,
    /// For each row whether its texts in the batch need no escape.
    pub(super) clean: &'a [bool],
    pub(super) lines: &'a [i64],
    /// The start of each open group, and the end of its key.
    pub(super) open: &'a mut Vec<(usize, usize)>,
}

/// A step of writing an event. Each key is preceded by a comma; the first one in an object is replaced by its opening brace.
#[derive(Debug)]
pub(super) enum Step {
    /// Text that is the same for every event: keys with their values, and braces between them.
    Same(Constant),
    /// The event's id: `,"key":"…-`, followed by the line number.
    EventId(Constant),
    /// A value of the row.
    Value(From, Writer),
    /// A value of the row as an attribute, if it is not null.
    Attribute(From, Box<AttributeStep>),
    /// A time of the row in nanoseconds: `,"key":"`.
    UnixNanos(From, Constant),
    /// The start of a group that may be empty: `,"key":`.
    Open(Constant),
    /// The end of the innermost such group, which is removed if nothing was written into it.
    Close,
}

/// The origin of a row's value.
#[derive(Debug, Clone, Copy)]
pub(super) enum From {
    /// The column of the batch at this position.
    Column(usize),
    /// The computed column of this number.
    Computed(usize),
}

/// Writes the values of one key.
#[derive(Debug)]
pub(super) struct Writer {
    /// `,"key":`, the opening bracket of a list, and the opening quote of a text or of a list's first item.
    key: Constant,
    kind: Kind,
    times: Times,
}

/// A step of writing an event, with the values that it writes.
#[derive(Debug)]
pub(super) enum Cell<'a> {
    Same(&'a Constant),
    EventId(&'a Constant),
    Text(&'a Constant, TextColumn<'a, Texts>),
    Int32(&'a Constant, &'a Numbers<i32>),
    Date(&'a Constant, &'a Numbers<i32>),
    Int64(&'a Constant, &'a Numbers<i64>),
    Float64(&'a Constant, &'a Numbers<f64>),
    Timestamp(&'a Constant, &'a Numbers<i64>, &'a mut Times),
    UnixNanos(&'a Constant, &'a Numbers<i64>),
    Attribute(Box<Attribute<'a>>),
    TextList(&'a Constant, TextColumn<'a, Lists>),
    Open(&'a Constant),
    Close,
}

/// A column of texts or of lists of texts.
#[derive(Debug, Clone, Copy)]
pub(super) struct TextColumn<'a, T> {
    pub(super) values: &'a T,
    /// The text that its spans point into.
    pub(super) text: &'a [u8],
    /// Whether the texts are those of fields in the text of the batch, so [`Batch::clean`] applies.
    of_fields: bool,
}

/// The values of a step, and the text that they point into.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found<'a> {
    pub(super) values: &'a Values,
    text: &'a [u8],
    /// As in [`TextColumn`].
    of_fields: bool,
}

impl Writer {
    pub(super) fn new(mut key: Vec<u8>, kind: Kind) -> Self {
        match kind {
            Kind::Text => key.push(b'"'),
            Kind::TextList => key.extend_from_slice(b"[\""),
            Kind::Int32 | Kind::Int64 | Kind::Float64 | Kind::Timestamp | Kind::NaiveTimestamp | Kind::Date => {}
        }
        Self {
            key: Constant::new(&key),
            kind,
            times: Times::new(kind != Kind::NaiveTimestamp),
        }
    }
}

impl From {
    /// Returns the values of a step.
    fn find<'a>(self, computed: &'a Computed, batch: &'a Batch) -> Found<'a> {
        match self {
            Self::Column(column) => Found {
                values: &batch.columns()[column],
                text: batch.text(),
                // A raw line has quotes even if no text of its fields has a byte that JSON escapes.
                of_fields: batch.plan.columns[column].source != ColumnSource::Extra(Extra::RawLine),
            },
            Self::Computed(number) => {
                let (values, text) = computed.values(number, batch);
                Found {
                    values,
                    text,
                    of_fields: std::ptr::eq(text, batch.text()),
                }
            }
        }
    }
}

impl<'a> Found<'a> {
    /// Returns texts, or lists of texts, with the text that they point into.
    pub(super) const fn column<T>(self, values: &'a T) -> TextColumn<'a, T> {
        TextColumn {
            values,
            text: self.text,
            of_fields: self.of_fields,
        }
    }
}

impl<'a> Cell<'a> {
    pub(super) fn of(step: &'a mut Step, computed: &'a Computed, batch: &'a Batch) -> Self {
        match step {
            Step::Same(constant) => Self::Same(constant),
            Step::EventId(constant) => Self::EventId(constant),
            Step::Open(constant) => Self::Open(constant),
            Step::Close => Self::Close,
            Step::Value(from, writer) => Self::of_values(writer, from.find(computed, batch)),
            Step::Attribute(from, step) => Self::Attribute(Box::new(step.of_values(from.find(computed, batch)))),
            Step::UnixNanos(from, key) => match from.find(computed, batch).values {
                Values::Timestamp(numbers) => Self::UnixNanos(key, numbers),
                _ => unreachable!("the value is a time"),
            },
        }
    }

    fn of_values(writer: &'a mut Writer, found: Found<'a>) -> Self {
        let Writer { key, kind, times } = writer;
        match found.values {
            Values::Text(values) => Self::Text(key, found.column(values)),
            Values::TextList(values) => Self::TextList(key, found.column(values)),
            Values::Int32(numbers) if *kind == Kind::Date => Self::Date(key, numbers),
            Values::Int32(numbers) => Self::Int32(key, numbers),
            Values::Int64(numbers) => Self::Int64(key, numbers),
            Values::Float64(numbers) => Self::Float64(key, numbers),
            Values::Timestamp(numbers) => Self::Timestamp(key, numbers, times),
            Values::OfObject => unreachable!("values of the object are written by other steps"),
        }
    }
}

impl Events<'_> {
    /// Appends one event as a JSON object, without a newline.
    pub fn write(&mut self, row: usize, out: &mut LineBuffer) {
        let start = out.len();
        let clean = self.clean[row];
        for cell in &mut self.cells {
            match cell {
                Cell::Same(constant) => out.put_constant(constant),
                Cell::EventId(key) => put_event_id(key, self.lines[row], out),
                Cell::Text(key, column) => {
                    if let Some(view) = column.values.view(row) {
                        column.put(key, view, clean, out);
                    }
                }
                Cell::Int32(key, numbers) => {
                    if let Some(value) = numbers.get(row) {
                        put_integer(key, i64::from(value), out);
                    }
                }
                Cell::Date(key, numbers) => {
                    if let Some(days) = numbers.get(row) {
                        put_date(key, days, out);
                    }
                }
                Cell::Int64(key, numbers) => {
                    if let Some(value) = numbers.get(row) {
                        put_integer(key, value, out);
                    }
                }
                Cell::Float64(key, numbers) => {
                    if let Some(value) = numbers.get(row) {
                        put_float(key, value, out);
                    }
                }
                Cell::Timestamp(key, numbers, times) => {
                    if let Some(micros) = numbers.get(row) {
                        times.put(key, micros, out);
                    }
                }
                Cell::UnixNanos(key, numbers) => {
                    if let Some(micros) = numbers.get(row) {
                        put_unix_nanos(key, micros, out);
                    }
                }
                Cell::Attribute(attribute) => attribute.put(row, clean, out),
                Cell::TextList(key, column) => {
                    if let Some(items) = column.values.views(row) {
                        column.put_list(key, items, clean, out);
                    }
                }
                Cell::Open(key) => {
                    let start = out.len();
                    out.put_constant(key);
                    self.open.push((start, out.len()));
                }
                Cell::Close => close_group(self.open, out),
            }
        }
        close(start, out);
    }

    /// Appends what precedes the events of a batch that begins with this one.
    pub(super) fn write_head(&mut self, row: usize, out: &mut LineBuffer) {
        let clean = self.clean[row];
        for cell in &mut self.head {
            match cell {
                Cell::Same(constant) => out.put_constant(constant),
                Cell::Attribute(attribute) => attribute.put(row, clean, out),
                _ => unreachable!("a head has constants and attributes only"),
            }
        }
    }

    /// Returns whether an event can follow the previous one in its batch.
    pub(super) fn has_head_of_previous(&self, row: usize) -> bool {
        self.head.iter().all(|cell| match cell {
            Cell::Attribute(attribute) => attribute.is_repeated(row),
            _ => true,
        })
    }

    /// Returns the length of one event as a JSON line, its newline included. If a line is a batch, the event is the only one of it.
    pub fn line_len(&mut self, row: usize) -> usize {
        let mut line = LineBuffer::default();
        if !self.head.is_empty() {
            self.write_head(row, &mut line);
            line.put(FOOT);
        }
        self.write(row, &mut line);
        line.len() + 1
    }
}

impl<T> TextColumn<'_, T> {
    /// Appends a text.
    #[expect(
        clippy::inline_always,
        reason = "attributes have texts, too: as a call, it costs each line of the other schemas 3 % more instructions"
    )]
    #[inline(always)]
    pub(super) fn put(&self, key: &Constant, view: Span, clean: bool, out: &mut LineBuffer) {
        if clean && self.of_fields {
            out.put_clean(key, self.text, view.start(), view.end());
        } else {
            out.put_constant(key);
            out.put_rest_of_string(self.text, view.start(), view.end());
        }
    }

    /// Appends a list, whose key ends in `["`.
    #[inline]
    fn put_list(&self, key: &Constant, items: &[Span], clean: bool, out: &mut LineBuffer) {
        if let Some((first, others)) = items.split_first() {
            self.put(key, *first, clean, out);
            for item in others {
                self.put(&Constant::NEXT_ITEM, *item, clean, out);
            }
        } else {
            out.put_constant(key);
            out.truncate(out.len() - 1);
        }
        out.put_byte(b']');
    }
}

/// Ends the innermost group, which is removed if nothing was written into it.
fn close_group(open: &mut Vec<(usize, usize)>, out: &mut LineBuffer) {
    let Some((start, key_end)) = open.pop() else {
        unreachable!("the steps open each group that they close")
    };
    if out.len() == key_end {
        out.truncate(start);
    } else {
        close(key_end, out);
    }
}

/// Puts braces around the text from `start` on, which begins with a comma: every event has a value that is never null, its
/// id.
fn close(start: usize, out: &mut LineBuffer) {
    out.set_byte(start, b'{');
    out.put_byte(b'}');
}
