//! Writes the events of one batch, step by step.
//!
//! The steps of a table are the same for every event; which buffer a step reads is determined once per batch, so the loop
//! over the events chooses neither a column nor its type again.

use crate::encode::computed::Computed;
use crate::formats::{ColumnSource, Extra, Kind};
use crate::parse::batch::{Batch, Lists, Numbers, Texts, Values};
use crate::parse::line::Span;

use super::line_buffer::{Constant, LineBuffer};
use super::values::{Times, put_date, put_event_id, put_float, put_integer};

/// The events of one batch, which can be written.
#[derive(Debug)]
pub struct Events<'a> {
    pub(super) cells: Vec<Cell<'a>>,
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
    TextList(&'a Constant, TextColumn<'a, Lists>),
    Open(&'a Constant),
    Close,
}

/// A column of texts or of lists of texts.
#[derive(Debug, Clone, Copy)]
pub(super) struct TextColumn<'a, T> {
    values: &'a T,
    /// The text that its spans point into.
    text: &'a [u8],
    /// Whether the texts are those of fields in the text of the batch, so [`Batch::clean`] applies.
    of_batch: bool,
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

impl<'a> Cell<'a> {
    pub(super) fn of(step: &'a mut Step, computed: &'a Computed, batch: &'a Batch) -> Self {
        match step {
            Step::Same(constant) => Self::Same(constant),
            Step::EventId(constant) => Self::EventId(constant),
            Step::Open(constant) => Self::Open(constant),
            Step::Close => Self::Close,
            Step::Value(From::Column(column), writer) => {
                // A raw line has quotes even if no text of its fields has a byte that JSON escapes.
                let of_fields = batch.plan.columns[*column].source != ColumnSource::Extra(Extra::RawLine);
                Self::of_values(writer, &batch.columns()[*column], (batch.text(), of_fields))
            }
            Step::Value(From::Computed(number), writer) => {
                let (values, text) = computed.values(*number, batch);
                Self::of_values(writer, values, (text, std::ptr::eq(text, batch.text())))
            }
        }
    }

    fn of_values(writer: &'a mut Writer, values: &'a Values, (text, of_batch): (&'a [u8], bool)) -> Self {
        let Writer { key, kind, times } = writer;
        match values {
            Values::Text(values) => Self::Text(key, TextColumn { values, text, of_batch }),
            Values::TextList(values) => Self::TextList(key, TextColumn { values, text, of_batch }),
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

    /// Returns the length of one event as a JSON line, its newline included.
    pub fn line_len(&mut self, row: usize) -> usize {
        let mut line = LineBuffer::default();
        self.write(row, &mut line);
        line.len() + 1
    }
}

impl<T> TextColumn<'_, T> {
    #[inline]
    fn put(&self, key: &Constant, view: Span, clean: bool, out: &mut LineBuffer) {
        if clean && self.of_batch {
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
