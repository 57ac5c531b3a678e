//! Attributes of OpenTelemetry: `{"key":"name","value":{"stringValue":"text"}}`, in which 64-bit integers are texts.
//! <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>

use crate::formats::Kind;
use crate::parse::batch::{Lists, Numbers, Texts, Values};

use super::cells::{Found, TextColumn};
use super::line_buffer::{Constant, LineBuffer};
use super::values::{Times, put_date, put_float, put_integer};
use super::write_text;

/// A step of writing an event: an attribute, which is left out if its value is null.
#[derive(Debug)]
pub(super) struct AttributeStep {
    /// What precedes the value.
    key: Constant,
    /// What precedes an item of a list: the first one, and any other.
    items: [Constant; 2],
    /// What follows the value.
    end: Constant,
    kind: Kind,
    times: Times,
}

/// An attribute of the events of a batch.
#[derive(Debug)]
pub(super) struct Attribute<'a> {
    key: &'a Constant,
    items: &'a [Constant; 2],
    end: &'a Constant,
    value: AttributeValue<'a>,
}

#[derive(Debug)]
enum AttributeValue<'a> {
    Text(TextColumn<'a, Texts>),
    Int32(&'a Numbers<i32>),
    Date(&'a Numbers<i32>),
    Int64(&'a Numbers<i64>),
    Float64(&'a Numbers<f64>),
    Timestamp(&'a Numbers<i64>, &'a mut Times),
    TextList(TextColumn<'a, Lists>),
}

/// Returns what precedes and follows a value of this kind. A text is written with its closing quote, a time with both.
const fn marks(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Text => ("\"stringValue\":\"", "}}"),
        Kind::Timestamp | Kind::NaiveTimestamp | Kind::Date => ("\"stringValue\":", "}}"),
        Kind::Int32 | Kind::Int64 => ("\"intValue\":\"", "\"}}"),
        Kind::Float64 => ("\"doubleValue\":", "}}"),
        Kind::TextList => ("\"arrayValue\":{\"values\":[", "]}}}"),
    }
}

/// Returns what precedes the value of an attribute, a text included. The first attribute of a list has no comma before it.
pub(super) fn key_of(is_first: bool, name: &str, kind: Kind) -> Vec<u8> {
    let mut key = if is_first { Vec::new() } else { b",".to_vec() };
    key.extend_from_slice(b"{\"key\":");
    write_text(name.as_bytes(), &mut key);
    key.extend_from_slice(b",\"value\":{");
    key.extend_from_slice(marks(kind).0.as_bytes());
    key
}

/// Returns what follows the value of an attribute.
pub(super) const fn end_of(kind: Kind) -> &'static [u8] {
    marks(kind).1.as_bytes()
}

impl AttributeStep {
    pub(super) fn new(name: &str, kind: Kind) -> Self {
        Self {
            key: Constant::new(&key_of(false, name, kind)),
            items: [b"{\"stringValue\":\"".as_slice(), b",{\"stringValue\":\""].map(Constant::new),
            end: Constant::new(end_of(kind)),
            kind,
            times: Times::new(kind != Kind::NaiveTimestamp),
        }
    }

    pub(super) fn of_values<'a>(&'a mut self, found: Found<'a>) -> Attribute<'a> {
        let value = match found.values {
            Values::Text(values) => AttributeValue::Text(found.column(values)),
            Values::TextList(values) => AttributeValue::TextList(found.column(values)),
            Values::Int32(numbers) if self.kind == Kind::Date => AttributeValue::Date(numbers),
            Values::Int32(numbers) => AttributeValue::Int32(numbers),
            Values::Int64(numbers) => AttributeValue::Int64(numbers),
            Values::Float64(numbers) => AttributeValue::Float64(numbers),
            Values::Timestamp(numbers) => AttributeValue::Timestamp(numbers, &mut self.times),
            Values::OfObject => unreachable!("values of the object are written by other steps"),
        };
        Attribute {
            key: &self.key,
            items: &self.items,
            end: &self.end,
            value,
        }
    }
}

impl Attribute<'_> {
    /// Appends the attribute of an event, unless its value is null. `clean` is [`Batch::clean`] of the row.
    ///
    /// [`Batch::clean`]: crate::parse::batch::Batch::clean
    pub(super) fn put(&mut self, row: usize, clean: bool, out: &mut LineBuffer) {
        let start = out.len();
        match &mut self.value {
            AttributeValue::Text(column) => {
                if let Some(view) = column.values.view(row) {
                    column.put(self.key, view, clean, out);
                }
            }
            AttributeValue::Int32(numbers) => {
                if let Some(value) = numbers.get(row) {
                    put_integer(self.key, i64::from(value), out);
                }
            }
            AttributeValue::Date(numbers) => {
                if let Some(days) = numbers.get(row) {
                    put_date(self.key, days, out);
                }
            }
            AttributeValue::Int64(numbers) => {
                if let Some(value) = numbers.get(row) {
                    put_integer(self.key, value, out);
                }
            }
            AttributeValue::Float64(numbers) => {
                if let Some(value) = numbers.get(row) {
                    put_float(self.key, value, out);
                }
            }
            AttributeValue::Timestamp(numbers, times) => {
                if let Some(micros) = numbers.get(row) {
                    times.put(self.key, micros, out);
                }
            }
            AttributeValue::TextList(column) => {
                if let Some(views) = column.values.views(row) {
                    out.put_constant(self.key);
                    for (number, view) in views.iter().enumerate() {
                        column.put(&self.items[number.min(1)], *view, clean, out);
                        out.put_byte(b'}');
                    }
                }
            }
        }
        if out.len() > start {
            out.put_constant(self.end);
        }
    }

    /// Returns whether a text is the same as in the previous row; false for values of other kinds.
    pub(super) fn is_repeated(&self, row: usize) -> bool {
        match &self.value {
            AttributeValue::Text(column) => {
                column.values.get(row, column.text) == column.values.get(row - 1, column.text)
            }
            _ => false,
        }
    }
}
