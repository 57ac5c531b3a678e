//! Decides how a line is read: as it was split, repaired, or not at all.

use crate::formats::Plan;

use super::second::{Quotes, may_have_second, second_entry, time_in_late_field};
use super::{Fault, Reason, Repair, Span, Tail, check, first_fault, repair, split_line};

/// How a line was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The rest of the line after the last known field.
    pub tail: Tail,
    /// The rule by which the line was repaired, if any.
    pub repair: Option<Repair>,
    /// Whether the fields are those of the repair and not those of the split.
    pub realigned: bool,
}

/// Reads the line at `line` in `base` and writes its parts. Fails if the line is not an event.
pub fn read_line(plan: &Plan, base: &[u8], line: Span, parts: &mut [Span]) -> Result<Reading, Fault> {
    let split = split_line(plan, base, line, parts);
    let reading = accept(plan, base, line, split, parts)?;
    match check(plan, base, parts) {
        Err(fault) if !reading.realigned => realign(plan, base, line, fault, parts),
        checked => checked.map(|()| reading),
    }
}

/// Reads a line, given the result of [`split_line`] and the parts that it wrote. Its values are not checked, except those of
/// a repaired line.
pub fn accept(
    plan: &Plan,
    base: &[u8],
    line: Span,
    split: Result<Tail, Fault>,
    parts: &mut [Span],
) -> Result<Reading, Fault> {
    match split {
        Ok(tail) if !tail.stray_quote => {
            let quotes = if tail.inner_quote {
                Quotes::Broken
            } else {
                Quotes::Intact
            };
            if tail.inner_quote || may_have_second(plan, base, parts, tail) {
                let second = second_entry(plan, base, line, quotes);
                if let Some(at) = second.or_else(|| time_in_late_field(plan, base, parts)) {
                    return Err(two_entries(at));
                }
            }
            Ok(Reading {
                tail,
                repair: tail.inner_quote.then_some(Repair::UnescapedQuote),
                realigned: false,
            })
        }
        // A quote after the known fields: a quoted field ended too early, or AWS wrote it.
        Ok(tail) => {
            if let Some(at) = second_entry(plan, base, line, Quotes::Broken) {
                return Err(two_entries(at));
            }
            if let Some((tail, rule)) = repair(plan, base, line, parts) {
                return Ok(Reading::realigned(tail, rule));
            }
            split_line(plan, base, line, parts)?;
            Ok(Reading {
                tail,
                repair: None,
                realigned: false,
            })
        }
        Err(fault) => {
            let fault = first_fault(plan, base, parts, fault);
            realign(plan, base, line, fault, parts)
        }
    }
}

/// Reads a line that has a fault by repairing it.
pub fn realign(plan: &Plan, base: &[u8], line: Span, fault: Fault, parts: &mut [Span]) -> Result<Reading, Fault> {
    let second = |quotes| second_entry(plan, base, line, quotes).map(two_entries);
    let Some((tail, rule)) = repair(plan, base, line, parts) else {
        // An entry without its closing quote may continue on the next physical line.
        let open = fault.reason == Reason::UnterminatedQuote;
        let second = if open { None } else { second(Quotes::Intact) };
        return Err(second.unwrap_or(fault));
    };
    // Text in quotes may be another entry only if the repair found that the quotes are broken.
    let quotes = match rule {
        Repair::UnescapedQuote => Quotes::Broken,
        Repair::JoinedLines | Repair::AddressesMissing | Repair::TrailingBackslash | Repair::LoneSurrogate => {
            Quotes::Intact
        }
    };
    second(quotes).map_or(Ok(Reading::realigned(tail, rule)), Err)
}

impl Reading {
    const fn realigned(tail: Tail, rule: Repair) -> Self {
        Self {
            tail,
            repair: Some(rule),
            realigned: true,
        }
    }
}

const fn two_entries(at: usize) -> Fault {
    Fault::of_line(Reason::TwoEntries, at)
}
