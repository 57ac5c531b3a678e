//! Why a line is malformed.

use std::fmt;

use crate::formats::Plan;

use super::Span;

/// Why a line is malformed, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong.
    pub reason: Reason,
    /// The field in which it is wrong, as AWS's page names it.
    pub field: Option<&'static str>,
    /// The byte at which it is wrong, counted in the text that was read.
    pub at: usize,
}

/// What is wrong with a line. The quarantine and the report carry [`Reason::name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The line ends before the shortest form this type has ever had.
    TooFewFields,
    /// Two spaces in a row, or a space at the start: there is no field between them.
    EmptyField,
    /// A quoted field has no closing quote.
    UnterminatedQuote,
    /// A field that is always in quotes is not.
    QuoteExpected,
    /// A quote stands inside a field that never has one.
    StrayQuote,
    /// A value that every line has is absent.
    Missing,
    /// Not a whole number.
    NotAnInteger,
    /// Not a decimal number.
    NotANumber,
    /// A number that does not fit its column.
    OutOfRange,
    /// Not a time of the form `YYYY-MM-DDTHH:MM:SS`, or one that no calendar has.
    NotATime,
    /// Not of the form `address:port`.
    NotAnAddress,
    /// The line is longer than the limit.
    TooLong,
    /// The object is corrupt: the line was cut by the fault.
    CutByCorruption,
    /// The event is larger than a record of the destination can be.
    EventTooLarge,
}

impl Reason {
    /// The reason as a short identifier.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TooFewFields => "too_few_fields",
            Self::EmptyField => "empty_field",
            Self::UnterminatedQuote => "unterminated_quote",
            Self::QuoteExpected => "quote_expected",
            Self::StrayQuote => "stray_quote",
            Self::Missing => "missing_value",
            Self::NotAnInteger => "not_an_integer",
            Self::NotANumber => "not_a_number",
            Self::OutOfRange => "out_of_range",
            Self::NotATime => "not_a_time",
            Self::NotAnAddress => "not_an_address",
            Self::TooLong => "line_too_long",
            Self::CutByCorruption => "cut_by_corruption",
            Self::EventTooLarge => "event_too_large",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::TooFewFields => "the line has fewer fields than any line of this type has had",
            Self::EmptyField => "there is no field between two spaces",
            Self::UnterminatedQuote => "a quoted field has no closing quote",
            Self::QuoteExpected => "a field that is always in quotes is not",
            Self::StrayQuote => "a quote stands inside a field that has none",
            Self::Missing => "a value that every line has is absent",
            Self::NotAnInteger => "not a whole number",
            Self::NotANumber => "not a decimal number",
            Self::OutOfRange => "the number does not fit its column",
            Self::NotATime => "not a time of the form YYYY-MM-DDTHH:MM:SS, or one that no calendar has",
            Self::NotAnAddress => "not of the form address:port",
            Self::TooLong => "the line is longer than 1 MiB",
            Self::CutByCorruption => "the object is corrupt behind this point",
            Self::EventTooLarge => "the event is larger than a record of the destination can be",
        })
    }
}

impl Fault {
    /// A fault in a field of the format.
    pub fn in_field(reason: Reason, plan: &Plan, field: usize, span: Span) -> Self {
        Self {
            reason,
            field: plan.fields.get(field).map(|planned| planned.field.name),
            at: span.position(),
        }
    }

    /// A fault of the whole line.
    pub const fn of_line(reason: Reason, at: usize) -> Self {
        Self {
            reason,
            field: None,
            at,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field {
            Some(field) => write!(out, "field {field}, byte {}: {}", self.at, self.reason),
            None => write!(out, "byte {}: {}", self.at, self.reason),
        }
    }
}
