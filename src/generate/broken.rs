//! Defects of lines: those that make a line malformed, and the one that can be repaired.

use super::rng::Rng;
use super::text;
use crate::formats::{Decode, Escapes, Field, Format, Quoting, Split};

/// Writes an invalid value of a field.
type Write = fn(&mut Rng, u64, &mut Vec<u8>);

/// A defect of a line.
#[derive(Debug, Clone, Copy)]
pub(super) enum Defect {
    /// The field of that number has an invalid value.
    Value(usize, Write),
    /// The line ends after that number of fields.
    TooFew(usize),
    /// The line ends inside the quotes of the field of that number.
    Cut(usize),
    /// A client's text contains an unescaped quote, which can be repaired.
    Quote,
}

impl Defect {
    /// Draws one of the defects that a line of this format can have.
    pub(super) fn draw(format: &'static Format, fields: usize, rng: &mut Rng) -> Self {
        let mut defects = vec![Self::TooFew(format.min_fields - 1), Self::TooFew(format.min_fields / 2)];
        for (number, field) in format.fields.iter().enumerate().take(fields) {
            defects.extend(
                wrong_values(format, field)
                    .iter()
                    .map(|write| Self::Value(number, *write)),
            );
            // If an entry may span lines, an open quote would swallow the lines after it.
            let cut = field.quoting == Quoting::Quoted && format.escapes == Escapes::Hex && number < format.min_fields;
            if cut {
                defects.push(Self::Cut(number));
            }
        }
        let at = rng.below(u64::try_from(defects.len()).unwrap_or(0));
        usize::try_from(at)
            .ok()
            .and_then(|at| defects.get(at))
            .copied()
            .unwrap_or(Self::TooFew(1))
    }
}

/// Returns writers of values that are invalid for the field.
fn wrong_values(format: &Format, field: &Field) -> &'static [Write] {
    const TEXT: &[Write] =
        &[|rng, _, out| out.extend_from_slice(rng.pick(&["many", "0x1F", "NaN%", "12;3"]).as_bytes())];
    if field.quoting != Quoting::Bare {
        return &[];
    }
    let time = field.name == format.event_time;
    match field.split {
        Split::HostPort => &[|rng, _, out| {
            out.extend_from_slice(b"192.0.2.");
            text::number(out, rng.range(1, 254));
            out.extend_from_slice(b":99999");
        }],
        Split::Whole => match field.columns().first().map(|column| column.decode) {
            Some(Decode::Port) => &[|_, _, out| out.extend_from_slice(b"99999")],
            Some(Decode::Int32 | Decode::Int64 | Decode::Count | Decode::Seconds | Decode::ProcessingSeconds) => TEXT,
            Some(Decode::Time) => TIMES,
            None if time => TIMES,
            _ => &[],
        },
        _ => &[],
    }
}

/// Writers of invalid times.
const TIMES: &[Write] = &[
    |_, time, out| altered(out, time, 5, *b"13"),
    |_, time, out| altered(out, time, 8, *b"32"),
    |_, time, out| altered(out, time, 11, *b"99"),
    |_, time, out| altered(out, time, 17, *b"7x"),
];

/// Writes a time with two bytes replaced.
fn altered(out: &mut Vec<u8>, time: u64, at: usize, with: [u8; 2]) {
    let start = out.len() + at;
    text::time(out, time);
    if let Some(place) = out.get_mut(start..start + 2) {
        place.copy_from_slice(&with);
    }
}
