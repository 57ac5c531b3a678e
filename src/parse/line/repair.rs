//! Repairs lines whose only fault is in free text, if the rest still aligns.
//!
//! A line is repaired only if exactly one reading of it gives every field after the fault a value of its type; otherwise it
//! stays malformed. Each repair is counted under its name.

use memchr::memmem;

use crate::formats::{Escapes, Format, Plan};

use super::second::looks_like;
use super::split::{Cursor, is_escaped, split_token};
use super::{Span, Tail, check};

/// The rules by which a line is repaired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Repair {
    /// Client text contains an unescaped quote; its end was found by aligning the fields after it.
    UnescapedQuote,
    /// An entry that raw newlines spread over several physical lines was joined.
    JoinedLines,
    /// A line of a Classic Load Balancer without its two address fields, as copies on web pages have it; the addresses are
    /// null.
    AddressesMissing,
    /// Client text ends with a backslash, which reads like an escaped quote; its end was found by the fields after it.
    TrailingBackslash,
    /// A text of a JSON line has half a surrogate pair; it became U+FFFD.
    LoneSurrogate,
}

impl Repair {
    /// Every rule.
    pub const ALL: [Self; 5] = [
        Self::UnescapedQuote,
        Self::JoinedLines,
        Self::AddressesMissing,
        Self::TrailingBackslash,
        Self::LoneSurrogate,
    ];

    /// Returns the rule as a short identifier.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnescapedQuote => "unescaped_quote",
            Self::JoinedLines => "joined_lines",
            Self::AddressesMissing => "addresses_missing",
            Self::TrailingBackslash => "trailing_backslash",
            Self::LoneSurrogate => "lone_surrogate",
        }
    }
}

/// Tries every rule on a malformed line; on success `parts` are those of the repaired line.
pub fn repair(plan: &Plan, base: &[u8], line: Span, parts: &mut [Span]) -> Option<(Tail, Repair)> {
    let text = &base[..line.end()];
    if let Some(free) = FreeText::of(plan, text, line.start(), parts) {
        if let Some(tail) = free.unescaped_quote(parts) {
            return Some((tail, Repair::UnescapedQuote));
        }
        if let Some(tail) = free.trailing_backslash(parts) {
            return Some((tail, Repair::TrailingBackslash));
        }
    }
    addresses_missing(plan, text, line.start(), parts).map(|tail| (tail, Repair::AddressesMissing))
}

/// A line whose fields up to the client's text were split.
struct FreeText<'a> {
    plan: &'a Plan,
    text: &'a [u8],
    /// The number of the first free-text field.
    first: usize,
    /// The number of free-text fields.
    count: usize,
    /// The position after the first quote.
    begin: usize,
    /// The parts of the fields before.
    prefix: Vec<Span>,
}

impl<'a> FreeText<'a> {
    fn of(plan: &'a Plan, text: &'a [u8], start: usize, parts: &mut [Span]) -> Option<Self> {
        let first = plan.fields.iter().position(|planned| planned.field.free_text)?;
        let free = plan.fields.iter().skip(first);
        let count = free.take_while(|planned| planned.field.free_text).count();
        parts.fill(Span::NULL);
        let mut cursor = Cursor {
            at: start,
            inner_quote: false,
        };
        if cursor.fields(plan, text, 0..first, parts).ok()? < first || text.get(cursor.at) != Some(&b'"') {
            return None;
        }
        Some(Self {
            plan,
            text,
            first,
            count,
            begin: cursor.at + 1,
            prefix: parts.to_vec(),
        })
    }

    /// Returns whether a backslash escapes the quote.
    fn is_escaped(&self, quote: usize) -> bool {
        self.plan.format.escapes == Escapes::BackslashQuote && is_escaped(self.text, self.begin, quote)
    }

    /// Finds the end of the client's text: the only quote after which every field has a value of its type.
    fn unescaped_quote(&self, parts: &mut [Span]) -> Option<Tail> {
        self.only_reading(parts, |quote| !self.is_escaped(quote), |_, _, _| true)
    }

    /// Finds the end of a client's text that ends with a backslash. Whether a Classic Load Balancer escapes that backslash
    /// is not documented. The quote after it is the end of the text if a whole entry ends on the same line, as long as no
    /// quote within the texts is unescaped and the version of TLS is one, or absent.
    fn trailing_backslash(&self, parts: &mut [Span]) -> Option<Tail> {
        if self.plan.format.escapes != Escapes::BackslashQuote {
            return None;
        }
        let plausible = |tail: &Tail, texts: &[Span], parts: &[Span]| {
            let all_escaped = |span: &Span| {
                let mut quotes = memchr::memchr_iter(b'"', span.bytes(self.text));
                quotes.all(|quote| self.is_escaped(span.start() + quote))
            };
            tail.extra.is_null()
                && texts.iter().all(all_escaped)
                && texts.iter().any(|span| self.is_escaped(span.end()))
                && look_right(self.plan, self.text, self.first + self.count, parts)
        };
        self.only_reading(parts, |_| true, plausible)
    }

    /// Returns the only acceptable reading in which each text ends with a quote that `ends` accepts.
    fn only_reading(
        &self,
        parts: &mut [Span],
        ends: impl Fn(usize) -> bool,
        acceptable: impl Fn(&Tail, &[Span], &[Span]) -> bool,
    ) -> Option<Tail> {
        let mut found = None;
        for close in closing_candidates(self.text, self.begin, &ends) {
            for texts in cut_free_text(self.text, self.begin, close, self.count, &ends) {
                parts.copy_from_slice(&self.prefix);
                let Some(tail) = aligned(self.plan, self.text, self.first, &texts, close, parts) else {
                    continue;
                };
                if !acceptable(&tail, &texts, parts) {
                    continue;
                }
                // Two readings: it is undecidable which one is right.
                if found.as_ref().is_some_and(|(_, other)| *other != *parts) {
                    return None;
                }
                found = Some((tail, parts.to_vec()));
            }
        }
        let (tail, repaired) = found?;
        parts.copy_from_slice(&repaired);
        Some(tail)
    }
}

/// Returns whether the values from a field on look like those of their fields.
fn look_right(plan: &Plan, text: &[u8], from: usize, parts: &[Span]) -> bool {
    plan.fields.iter().skip(from).all(|planned| {
        let value = parts.get(planned.first_part).and_then(|span| span.value(text));
        value.is_none_or(|value| looks_like(planned.field.look, value))
    })
}

/// Returns the last quotes that are followed by a space or the end of the line. A client's text is followed by a few dozen
/// quotes at most; the bound keeps a hostile line of a megabyte of quotes from costing more than reading it.
fn closing_candidates(text: &[u8], begin: usize, ends: impl Fn(usize) -> bool) -> Vec<usize> {
    memchr::memrchr_iter(b'"', &text[begin..])
        .map(|quote| begin + quote)
        .filter(|quote| matches!(text.get(quote + 1), None | Some(b' ')) && ends(*quote))
        .take(64)
        .collect()
}

/// Returns the ways to cut the region between the first quote and the last into the texts of the free-text fields.
fn cut_free_text(text: &[u8], begin: usize, close: usize, free: usize, ends: impl Fn(usize) -> bool) -> Vec<Vec<Span>> {
    if free < 2 {
        return vec![vec![Span::new(begin, close)]];
    }
    let region = &text[begin..close];
    let cuts: Vec<usize> = memmem::find_iter(region, b"\" \"")
        .filter(|cut| ends(begin + cut))
        .take(64)
        .collect();
    let spans = |cut: &usize| vec![Span::new(begin, begin + cut), Span::new(begin + cut + 3, close)];
    match cuts.as_slice() {
        // The shortest lines end with the first free-text field.
        [] => vec![vec![Span::new(begin, close)]],
        [cut] => vec![spans(cut)],
        // A request line ends with its version, or a dash in place of it.
        several => several
            .iter()
            .filter(|cut| {
                let request = region[..**cut].trim_ascii_end();
                let version = request.rsplit(|byte| *byte == b' ').next().unwrap_or_default();
                version == b"-" || version.starts_with(b"HTTP/")
            })
            .map(spans)
            .collect(),
    }
}

/// Reads the line with these free texts. Succeeds if every field has a value of its type, and their number is one that
/// lines of this type have had.
fn aligned(plan: &Plan, text: &[u8], first: usize, texts: &[Span], close: usize, parts: &mut [Span]) -> Option<Tail> {
    for (planned, span) in plan.fields.iter().skip(first).zip(texts) {
        let into = &mut parts[planned.first_part..planned.end_part];
        split_token(text, *span, planned.split, into).ok()?;
    }
    let next = first + texts.len();
    let mut cursor = Cursor {
        at: close + 2,
        inner_quote: false,
    };
    let fields = cursor.fields(plan, text, next..plan.fields.len(), parts).ok()?;
    let tail = cursor.tail(plan, text, fields).ok()?;
    let known_length = plan.format.lengths.contains(&fields);
    (known_length && !tail.stray_quote && check(plan, text, parts).is_ok()).then_some(tail)
}

/// Reads a line as if it lacked the fields that [`Format::elidable`] names.
fn addresses_missing(plan: &Plan, text: &[u8], start: usize, parts: &mut [Span]) -> Option<Tail> {
    let Format { elidable, .. } = plan.format;
    let first = plan
        .fields
        .iter()
        .position(|planned| elidable.contains(&planned.field.name))?;
    parts.fill(Span::NULL);
    let mut cursor = Cursor {
        at: start,
        inner_quote: false,
    };
    cursor.fields(plan, text, 0..first, parts).ok()?;
    let fields = cursor
        .fields(plan, text, first + elidable.len()..plan.fields.len(), parts)
        .ok()?;
    let tail = cursor.tail(plan, text, fields).ok()?;
    // A line that also lacks trailing fields is too short for certainty.
    (fields == plan.fields.len() && tail.extra.is_null() && check(plan, text, parts).is_ok()).then_some(tail)
}
