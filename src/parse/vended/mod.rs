//! Reads the lines of vended logs, whose values have names: JSON objects, W3C Extended Log File Format, or plain text with or
//! without a header.
//!
//! A line's values are decoded one after the other into a text of their own, in which [`Span`]s mark the parts of the format's
//! fields, as on a legacy line. From there on both are decoded alike.

mod delimited;
mod detect;
mod json;
mod names;

use crate::formats::{FieldOrder, Plan};
use crate::parse::line::{Fault, Reason, Span, split_token, text};

pub use delimited::is_directive;
pub use detect::{detect, detect_after_others, detect_order, detect_usual, unnamed_values};

use delimited::Header;
use names::Names;

/// How the values of a vended log are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// One JSON object on each line.
    Json,
    /// W3C Extended Log File Format: directives, and values between these delimiters.
    W3c(u8),
    /// A header with the names, and values between these delimiters.
    Plain(u8),
    /// Values between these delimiters in a known order.
    Bare(u8, FieldOrder),
}

impl Form {
    /// Returns the form in a few words.
    pub const fn title(&self) -> &'static str {
        match self {
            Self::Json => "vended log, JSON lines",
            Self::W3c(_) => "vended log, w3c",
            Self::Plain(_) => "vended log, plain with a header",
            Self::Bare(..) => "vended log, plain without a header",
        }
    }
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    /// The values of an event.
    Values,
    /// A directive or a header.
    Header,
}

/// A reader of lines in one form.
#[derive(Debug)]
pub struct VendedReader {
    plan: &'static Plan,
    form: Form,
    /// The names on the last JSON line, or in the last header.
    names: Names,
    values: Values,
}

/// The values of a line.
#[derive(Debug, Default)]
pub struct Values {
    /// The decoded values, one after the other.
    pub text: Vec<u8>,
    /// The values that no field of the table has, as `name=value`.
    pub extra: Vec<Span>,
    /// The position of the value of each field on the line.
    pub places: Vec<usize>,
    /// Whether a text had half a surrogate pair, which became U+FFFD.
    pub lone_surrogate: bool,
}

impl VendedReader {
    /// Returns a reader of lines in this form.
    pub fn new(plan: &'static Plan, form: Form) -> Self {
        let names = match &form {
            Form::Bare(_, order) => Names::of(plan, order.names.iter().map(String::as_bytes)),
            Form::Json | Form::W3c(_) | Form::Plain(_) => Names::default(),
        };
        Self {
            plan,
            form,
            names,
            values: Values::default(),
        }
    }

    /// Returns the form of the lines.
    pub const fn form(&self) -> &Form {
        &self.form
    }

    /// Returns the values of the last line.
    pub const fn values(&self) -> &Values {
        &self.values
    }

    /// Reads a line without its end, and writes the parts of its fields: spans of [`Values::text`].
    pub fn read(&mut self, line: &[u8], parts: &mut [Span]) -> Result<LineKind, Fault> {
        parts.fill(Span::NULL);
        self.values.clear(self.plan.fields.len());
        match self.form {
            Form::Json => {
                json::read(self.plan, line, &mut self.names, &mut self.values, parts)?;
                self.names.check()?;
                return Ok(LineKind::Values);
            }
            Form::W3c(delimiter) => {
                if let Some(header) = delimited::directive(line)
                    && !self.is_event(line, delimiter)
                {
                    return self.header(header);
                }
            }
            Form::Plain(delimiter) => {
                if let Some(header) = delimited::header(line, delimiter) {
                    return self.header(header);
                }
            }
            Form::Bare(..) => {}
        }
        self.names.check()?;
        let (Form::W3c(delimiter) | Form::Plain(delimiter) | Form::Bare(delimiter, _)) = self.form else {
            return Ok(LineKind::Values);
        };
        delimited::read(self.plan, line, delimiter, &self.names, &mut self.values, parts)?;
        Ok(LineKind::Values)
    }

    /// Returns whether a line that begins like a directive has the values of an event, the first of which a client wrote: as
    /// many as there are names, and a time among them.
    fn is_event(&self, line: &[u8], delimiter: u8) -> bool {
        let values = line.split(|byte| *byte == delimiter).count();
        self.names.check().is_ok() && values == self.names.len() && delimited::has_time(line, delimiter)
    }

    /// Notes a line that is not read, or the beginning of one. If it may be a header, the names of the values on the lines after
    /// it are unknown.
    pub fn skip(&mut self, line: &[u8]) {
        let may_name = match self.form {
            Form::W3c(_) => line.starts_with(delimited::FIELDS),
            Form::Plain(delimiter) => !delimited::has_time(line, delimiter),
            Form::Json | Form::Bare(..) => false,
        };
        if may_name {
            self.names = Names::default();
        }
    }

    /// Takes the names of a header. Those of another log type, or two of one field, are a fault, and the lines after it are
    /// then malformed, too.
    fn header(&mut self, header: Header<'_>) -> Result<LineKind, Fault> {
        match header {
            Header::Names(names) => {
                self.names = Names::of(self.plan, names.into_iter());
                self.names.check()?;
            }
            Header::Other => {}
        }
        Ok(LineKind::Header)
    }
}

impl Values {
    fn clear(&mut self, fields: usize) {
        self.text.clear();
        self.extra.clear();
        self.places.clear();
        self.places.resize(fields, 0);
        self.lone_surrogate = false;
    }

    /// Appends the value of a field, which is at `place` of the line.
    fn field(
        &mut self,
        plan: &Plan,
        field: usize,
        value: &[u8],
        place: usize,
        parts: &mut [Span],
    ) -> Result<(), Fault> {
        let start = self.text.len();
        self.text.extend_from_slice(value);
        let span = Span::new(start, self.text.len());
        // Parsers of numbers read beyond the end of a value, so no other value follows immediately.
        self.text.push(b' ');
        let fault = |reason| Fault {
            reason,
            field: plan.fields.get(field).map(|planned| planned.field.name),
            at: place,
        };
        let Some(planned) = plan.fields.get(field) else {
            return Ok(());
        };
        if let Some(known) = self.places.get_mut(field) {
            *known = place;
        }
        let into = parts.get_mut(planned.first_part..planned.end_part).unwrap_or_default();
        split_token(&self.text, span, planned.split, into).map_err(fault)
    }

    /// Appends a value that no field has.
    fn unknown(&mut self, name: &[u8], value: &[u8]) {
        let start = self.text.len();
        text::append(name, None, &mut self.text);
        self.text.push(b'=');
        text::append(value, None, &mut self.text);
        self.extra.push(Span::new(start, self.text.len()));
        self.text.push(b' ');
    }
}

const fn at(reason: Reason, place: usize) -> Fault {
    Fault::of_line(reason, place)
}
