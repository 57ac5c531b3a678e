//! Lines whose values are separated by a delimiter, and the headers that name them.

use std::ops::Range;

use crate::formats::{Escapes, Plan, Quoting, vended_type};
use crate::parse::line::time::timestamp_micros;
use crate::parse::line::{Fault, Reason, Span, closing_quote};

use super::names::Names;
use super::{Values, at};

/// The beginning of the directive that names the fields.
pub(super) const FIELDS: &[u8] = b"#Fields:";

/// The other directives of the W3C Extended Log File Format.
const DIRECTIVES: [&[u8]; 6] = [b"Version", b"Software", b"Start-Date", b"End-Date", b"Date", b"Remark"];

/// A line that is not an event.
pub(super) enum Header<'a> {
    /// The names of the values on the lines after it.
    Names(Vec<&'a [u8]>),
    /// A directive of another kind.
    Other,
}

/// Returns whether a line is a directive of the W3C Extended Log File Format.
pub fn is_directive(line: &[u8]) -> bool {
    directive(line).is_some()
}

/// Returns what a directive says.
pub(super) fn directive(line: &[u8]) -> Option<Header<'_>> {
    if let Some(names) = line.strip_prefix(FIELDS) {
        return Some(Header::Names(directive_names(names)));
    }
    let line = line.strip_prefix(b"#")?;
    let is_other = |name: &&[u8]| line.strip_prefix(*name).is_some_and(|rest| rest.starts_with(b":"));
    DIRECTIVES.iter().any(is_other).then_some(Header::Other)
}

/// Returns the names in the directive of fields, which may be separated by spaces although the values are not.
pub(super) fn directive_names(names: &[u8]) -> Vec<&[u8]> {
    let pieces = names.split(|byte| byte.is_ascii_whitespace() || *byte == b',');
    pieces.filter(|name| !name.is_empty()).collect()
}

/// Returns the names in a plain header: at least three. Each event has a time, and no header does.
pub(super) fn header(line: &[u8], delimiter: u8) -> Option<Header<'_>> {
    if !line.first().is_some_and(u8::is_ascii_lowercase) || has_time(line, delimiter) {
        return None;
    }
    let names: Vec<_> = line.split(|byte| *byte == delimiter).map(<[u8]>::trim_ascii).collect();
    let are_names = names.len() >= 3 && (names.iter().all(|name| is_name(name)) || vended_type(&names).is_some());
    are_names.then_some(Header::Names(names))
}

/// Returns whether one of the values on a line is a time.
pub(super) fn has_time(line: &[u8], delimiter: u8) -> bool {
    line.split(|byte| *byte == delimiter)
        .any(|value| timestamp_micros(value).is_ok())
}

fn is_name(text: &[u8]) -> bool {
    let of_name = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b':');
    text.first().is_some_and(u8::is_ascii_lowercase) && text.iter().all(of_name)
}

/// Reads a line. The number of values must be that of the names: no delimiter is documented to be escaped in a value.
pub(super) fn read(
    plan: &Plan,
    line: &[u8],
    delimiter: u8,
    names: &Names,
    values: &mut Values,
    parts: &mut [Span],
) -> Result<(), Fault> {
    let quoting = |number: usize| {
        let field = names.iter().nth(number).and_then(|(_, field)| field);
        field
            .and_then(|field| plan.fields.get(field))
            .map(|planned| planned.quoting)
    };
    let pieces = pieces(line, delimiter, quoting)?;
    if pieces.len() != names.len() {
        return Err(at(Reason::AmbiguousDelimiter, line.len()));
    }
    for (piece, (name, field)) in pieces.into_iter().zip(names.iter()) {
        let place = piece.start;
        let value = line.get(piece).unwrap_or_default();
        match field {
            Some(field) => values.field(plan, field, value, place, parts)?,
            None => values.unknown(name, value),
        }
    }
    Ok(())
}

/// Returns the positions of the values on a line. Only between spaces, values may be in quotes, as on legacy lines.
pub(super) fn pieces(
    line: &[u8],
    delimiter: u8,
    quoting: impl Fn(usize) -> Option<Quoting>,
) -> Result<Vec<Range<usize>>, Fault> {
    let (mut pieces, mut start) = (Vec::new(), 0);
    loop {
        let rest = line.get(start..).unwrap_or_default();
        let in_quotes = delimiter == b' '
            && rest.first() == Some(&b'"')
            && !matches!(quoting(pieces.len()), Some(Quoting::Bare | Quoting::QuotedParts));
        let end = if in_quotes {
            let mut inner = false;
            let close = closing_quote(line, start + 1, Escapes::Hex, &mut inner);
            let close = close.ok_or(at(Reason::UnterminatedQuote, start))?;
            if inner {
                return Err(at(Reason::StrayQuote, start));
            }
            pieces.push(start + 1..close);
            close + 1
        } else {
            let len = memchr::memchr(delimiter, rest).unwrap_or(rest.len());
            if delimiter == b' ' && len == 0 {
                return Err(at(Reason::EmptyField, start));
            }
            pieces.push(start..start + len);
            start + len
        };
        if end >= line.len() {
            return Ok(pieces);
        }
        start = end + 1;
    }
}
