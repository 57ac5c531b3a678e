//! The fault of a malformed line.

use std::fmt;

use crate::formats::Plan;

use super::Span;

/// A fault of a line: the reason and its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// The reason.
    pub reason: Reason,
    /// The field at fault, by its name in the AWS documentation.
    pub field: Option<&'static str>,
    /// The position of the fault, in bytes of the text that was read.
    pub at: usize,
}

/// A reason why a line is malformed. The quarantine and the report contain [`Reason::name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The line has fewer fields than any line of its type has had.
    TooFewFields,
    /// Two consecutive spaces, or a space at the start, with no field between.
    EmptyField,
    /// A quoted field has no closing quote.
    UnterminatedQuote,
    /// A field that must be quoted is not.
    QuoteExpected,
    /// A field that must not contain a quote does.
    StrayQuote,
    /// A required value is absent.
    Missing,
    /// Not an integer.
    NotAnInteger,
    /// Not a decimal number.
    NotANumber,
    /// A number that does not fit its column.
    OutOfRange,
    /// Not of the form `YYYY-MM-DDTHH:MM:SS`, or an invalid date or time.
    NotATime,
    /// Not of the form `address:port`.
    NotAnAddress,
    /// The type follows text that is not part of the entry.
    NotAType,
    /// A second entry begins on the line.
    TwoEntries,
    /// The line of a vended log is not one whole JSON object.
    NotJson,
    /// Bytes follow the JSON object.
    TrailingBytes,
    /// Two values of a vended log have the same name, or names of the same field.
    DuplicateField,
    /// A value of a vended log is an object, an array, or a truth value in a field that has none.
    NotAScalar,
    /// The names of the values are not those of the log type.
    OtherLogType,
    /// The line has another number of values than there are names.
    AmbiguousDelimiter,
    /// The line, or the entry that spans several, is longer than the limit.
    TooLong,
    /// The object is corrupt, and the fault cuts this line.
    CutByCorruption,
    /// The line is from a gzip member whose checksum does not match.
    Unverified,
    /// The event is larger than the largest record of the destination.
    EventTooLarge,
    /// A value is absent that the schema of the output requires, and the table does not.
    RequiredBySchema,
    /// Several malformed lines in a row, in one row of the quarantine.
    Run,
}

impl Reason {
    /// Returns the reason as a short identifier.
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
            Self::NotAType => "not_a_type",
            Self::TwoEntries => "two_entries",
            Self::NotJson => "not_json",
            Self::TrailingBytes => "trailing_bytes",
            Self::DuplicateField => "duplicate_field",
            Self::NotAScalar => "not_a_scalar",
            Self::OtherLogType => "other_log_type",
            Self::AmbiguousDelimiter => "ambiguous_delimiter",
            Self::TooLong => "line_too_long",
            Self::CutByCorruption => "cut_by_corruption",
            Self::Unverified => "unverified",
            Self::EventTooLarge => "event_too_large",
            Self::RequiredBySchema => "required_by_schema",
            Self::Run => "malformed_lines",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::TooFewFields => "the line has fewer fields than any line of this type has had",
            Self::EmptyField => "a field between two spaces is empty",
            Self::UnterminatedQuote => "a quoted field has no closing quote",
            Self::QuoteExpected => "a field that must be quoted is not",
            Self::StrayQuote => "an unexpected quote inside a field",
            Self::Missing => "a required value is absent",
            Self::NotAnInteger => "not an integer",
            Self::NotANumber => "not a decimal number",
            Self::OutOfRange => "the number does not fit its column",
            Self::NotATime => "not of the form YYYY-MM-DDTHH:MM:SS, or an invalid date or time",
            Self::NotAnAddress => "not of the form address:port",
            Self::NotAType => "the type follows text that is not part of the entry",
            Self::TwoEntries => "a second entry begins here",
            Self::NotJson => "not one whole JSON object",
            Self::TrailingBytes => "bytes follow the JSON object",
            Self::DuplicateField => "two values have the same name, or names of the same field",
            Self::NotAScalar => "neither text nor a number nor null",
            Self::OtherLogType => "the names of the values are not those of this log type",
            Self::AmbiguousDelimiter => "the line has another number of values than there are names",
            Self::TooLong => "the line is longer than 1 MiB",
            Self::CutByCorruption => "the object is corrupt after this point",
            Self::Unverified => {
                "the checksum of the gzip member that has this line does not match, so the line may be wrong"
            }
            Self::EventTooLarge => "the event is larger than the largest record of the destination",
            Self::RequiredBySchema => "a value is absent that the schema of the output requires",
            Self::Run => "several malformed lines in a row",
        })
    }
}

impl Fault {
    /// Returns a fault in a field of the format.
    pub fn in_field(reason: Reason, plan: &Plan, field: usize, span: Span) -> Self {
        Self {
            reason,
            field: Some(plan.fields[field].field.name),
            at: span.position(),
        }
    }

    /// Returns a fault of the whole line.
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
