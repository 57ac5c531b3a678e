//! Splits a line into the parts that its format names.

use std::ops::Range;

use memchr::memchr;

use crate::formats::{Escapes, Plan, Quoting, Split};

use super::request::split_request;
use super::{Fault, Reason, swar};

/// A piece of a text: first byte and the byte behind the last, or nothing at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub(super) start: u32,
    pub(super) end: u32,
}

/// What stands behind the last field the format knows, and what the split noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tail {
    /// The unknown trailing fields, without the space before and behind them; [`Span::NULL`] where there are none.
    pub extra: Span,
    /// The number of fields found, the unknown ones excluded.
    pub fields: usize,
    /// Whether a quoted field holds a quote that is not escaped, but does not end it either.
    pub inner_quote: bool,
    /// Whether a quote stands where the unknown trailing fields have none: a sign that a quoted field ended too early.
    pub stray_quote: bool,
}

impl Span {
    /// No piece at all: the field is not on the line.
    pub const NULL: Self = Self {
        start: u32::MAX,
        end: u32::MAX,
    };

    /// The same piece, or no piece where it is the dash that stands for no value. The position is kept.
    #[inline]
    #[must_use]
    pub fn without_dash(self, base: &[u8]) -> Self {
        if self.end.wrapping_sub(self.start) == 1 && base.get(self.start()) == Some(&b'-') {
            return Self {
                start: u32::MAX,
                end: self.start,
            };
        }
        self
    }

    /// The first byte of the piece, or of the dash that stands for no value.
    pub const fn position(self) -> usize {
        if self.is_null() { self.end() } else { self.start() }
    }

    /// The piece from `start` to before `end`. Texts are blocks of a few megabytes at most; a position that does not
    /// fit is no position.
    pub fn new(start: usize, end: usize) -> Self {
        match (u32::try_from(start), u32::try_from(end)) {
            (Ok(start), Ok(end)) => Self { start, end },
            _ => Self::NULL,
        }
    }

    /// The same piece where the text stands `base` bytes further on.
    #[must_use]
    pub const fn shifted(self, base: u32) -> Self {
        Self {
            start: self.start.wrapping_add(base),
            end: self.end.wrapping_add(base),
        }
    }

    /// The first byte.
    pub const fn start(self) -> usize {
        self.start as usize
    }

    /// The byte behind the last.
    pub const fn end(self) -> usize {
        self.end as usize
    }

    /// Whether the field is not on the line.
    pub const fn is_null(self) -> bool {
        self.start == u32::MAX
    }

    /// The bytes of the piece; empty where there is none.
    pub fn bytes(self, base: &[u8]) -> &[u8] {
        base.get(self.start()..self.end()).unwrap_or_default()
    }

    /// The bytes of a value; nothing where the field is not on the line or is `-`.
    pub fn value(self, base: &[u8]) -> Option<&[u8]> {
        match base.get(self.start()..self.end()) {
            None | Some(b"-") => None,
            some => some,
        }
    }
}

/// Splits the line that `line` spans in `base` and writes its parts, one for each part of the plan.
///
/// A field that the line is too short for is [`Span::NULL`]. Fields behind the known ones are left in [`Tail::extra`].
pub fn split_line(plan: &Plan, base: &[u8], line: Span, parts: &mut [Span]) -> Result<Tail, Fault> {
    parts.fill(Span::NULL);
    let text = base.get(..line.end()).unwrap_or_default();
    let mut cursor = Cursor {
        at: line.start(),
        inner_quote: false,
    };
    let fields = cursor.fields(plan, text, 0..plan.fields.len(), parts)?;
    cursor.tail(plan, text, fields)
}

/// A position on a line that is being split.
pub(super) struct Cursor {
    /// The byte at which the next field begins.
    pub(super) at: usize,
    /// Whether a quoted field held a quote that is not escaped, but did not end it either.
    pub(super) inner_quote: bool,
}

impl Cursor {
    /// Splits the fields of that range, as far as the line goes; returns the number of the field behind the last.
    pub(super) fn fields(
        &mut self,
        plan: &Plan,
        text: &[u8],
        range: Range<usize>,
        parts: &mut [Span],
    ) -> Result<usize, Fault> {
        let mut behind = range.start;
        for (number, planned) in plan.fields.iter().enumerate().take(range.end).skip(range.start) {
            if self.at >= text.len() {
                break;
            }
            let token = token(
                text,
                self.at,
                planned.quoting,
                plan.format.escapes,
                &mut self.inner_quote,
            )
            .map_err(|(reason, at)| Fault {
                reason,
                field: Some(planned.field.name),
                at,
            })?;
            let into = parts
                .get_mut(planned.first_part..planned.behind_parts)
                .unwrap_or_default();
            split_token(text, token.value, planned.split, into)
                .map_err(|reason| Fault::in_field(reason, plan, number, token.value))?;
            self.at = token.next;
            behind = number + 1;
        }
        Ok(behind)
    }

    /// What stands behind the known fields, of which `fields` were found.
    pub(super) fn tail(self, plan: &Plan, text: &[u8], fields: usize) -> Result<Tail, Fault> {
        if fields < plan.format.min_fields {
            return Err(Fault::of_line(Reason::TooFewFields, text.len()));
        }
        let rest = text.get(self.at..).unwrap_or_default().trim_ascii_end();
        let extra = if rest.is_empty() {
            Span::NULL
        } else {
            Span::new(self.at, self.at + rest.len())
        };
        let stray_quote = extra_tokens(text, extra).any(|token| !well_formed(token));
        Ok(Tail {
            extra,
            fields,
            inner_quote: self.inner_quote,
            stray_quote,
        })
    }
}

/// Whether a token is in quotes or has none.
fn well_formed(token: &[u8]) -> bool {
    match token {
        [b'"', .., b'"'] => true,
        _ => !token.contains(&b'"'),
    }
}

/// The tokens of the unknown trailing fields, verbatim, quotes included. Never fails: what does not look like a token
/// any more is the last one.
pub fn extra_tokens(base: &[u8], extra: Span) -> impl Iterator<Item = &[u8]> {
    let mut rest = extra.bytes(base);
    std::iter::from_fn(move || {
        rest = rest.trim_ascii_start();
        if rest.is_empty() {
            return None;
        }
        let mut ignored = false;
        let end = match rest.first() {
            Some(b'"') => closing_quote(rest, 1, Escapes::Hex, &mut ignored).map(|quote| quote + 1),
            _ => memchr(b' ', rest),
        };
        let (token, behind) = rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or((rest, &[]));
        rest = behind;
        Some(token)
    })
}

struct Token {
    /// The value, without the quotes.
    value: Span,
    /// Where the next field begins.
    next: usize,
}

/// Reads the token that begins at `at`.
#[inline]
fn token(
    text: &[u8],
    at: usize,
    quoting: Quoting,
    escapes: Escapes,
    inner_quote: &mut bool,
) -> Result<Token, (Reason, usize)> {
    let opens = text.get(at) == Some(&b'"');
    match (quoting, opens) {
        (Quoting::Quoted | Quoting::QuotedOrBare, true) => {
            let close = closing_quote(text, at + 1, escapes, inner_quote).ok_or((Reason::UnterminatedQuote, at))?;
            Ok(Token {
                value: Span::new(at + 1, close),
                next: close + 2,
            })
        }
        (Quoting::Quoted, false) => Err((Reason::QuoteExpected, at)),
        (Quoting::QuotedParts, _) => {
            let end = at + find_either(text.get(at..).unwrap_or_default(), b' ', b' ');
            bare_token(at, end)
        }
        (Quoting::Bare | Quoting::QuotedOrBare, _) => {
            let end = at + find_either(text.get(at..).unwrap_or_default(), b' ', b'"');
            if text.get(end) == Some(&b'"') {
                return Err((Reason::StrayQuote, end));
            }
            bare_token(at, end)
        }
    }
}

/// The position of the first byte that is one or the other, or the length. Fields are short: eight bytes at a time in
/// one register beat the set-up of wider ones; what is longer is left to those.
#[inline]
fn find_either(text: &[u8], one: u8, other: u8) -> usize {
    /// Fields longer than this are searched by `memchr`.
    const SHORT: usize = 48;
    let mut at = 0;
    for eight in text.as_chunks::<8>().0.iter().take(SHORT / 8) {
        let word = u64::from_le_bytes(*eight);
        let found = swar::equal(word, one) | swar::equal(word, other);
        if found != 0 {
            return at + swar::first(found);
        }
        at += 8;
    }
    let rest = text.get(at..).unwrap_or_default();
    at + memchr::memchr2(one, other, rest).unwrap_or(rest.len())
}

fn bare_token(at: usize, end: usize) -> Result<Token, (Reason, usize)> {
    if end == at {
        return Err((Reason::EmptyField, at));
    }
    Ok(Token {
        value: Span::new(at, end),
        next: end + 1,
    })
}

/// The quote that ends a quoted field whose text begins at `at`: the first that a space or the end of the line
/// follows and, where quotes are escaped by a backslash, that is not escaped.
pub(super) fn closing_quote(text: &[u8], mut at: usize, escapes: Escapes, inner_quote: &mut bool) -> Option<usize> {
    let begin = at;
    loop {
        let quote = at + find_either(text.get(at..)?, b'"', b'"');
        if quote >= text.len() {
            return None;
        }
        let continues = escapes == Escapes::BackslashQuote && is_escaped(text, begin, quote);
        if !continues {
            match text.get(quote + 1) {
                None | Some(b' ') => return Some(quote),
                Some(_) => *inner_quote = true,
            }
        }
        at = quote + 1;
    }
}

/// Whether an odd number of backslashes stands before the quote.
pub(super) fn is_escaped(text: &[u8], begin: usize, quote: usize) -> bool {
    let before = text.get(begin..quote).unwrap_or_default();
    before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// Splits a token into the parts that its field names.
#[inline]
pub(super) fn split_token(text: &[u8], value: Span, split: Split, into: &mut [Span]) -> Result<(), Reason> {
    match split {
        Split::Whole => {
            if let Some(part) = into.first_mut() {
                *part = value;
            }
            Ok(())
        }
        Split::HostPort => split_host_port(text, value, into),
        Split::Target => {
            let Some((whole, address)) = into.split_first_mut() else {
                return Ok(());
            };
            *whole = value;
            let bytes = value.bytes(text);
            if bytes.starts_with(b"arn:") || memchr(b':', bytes).is_none() {
                return Ok(());
            }
            split_host_port(text, value, address)
        }
        Split::Request => {
            split_request(text, value, into);
            Ok(())
        }
        Split::Validity => {
            split_validity(text, value, into);
            Ok(())
        }
    }
}

/// `address:port` at the last colon: IPv6 stands on the wire without brackets. Brackets are accepted and removed.
fn split_host_port(text: &[u8], value: Span, into: &mut [Span]) -> Result<(), Reason> {
    let Some(bytes) = value.value(text) else { return Ok(()) };
    let [host, port] = into else { return Ok(()) };
    // A port has five digits at most: a search for a vector of bytes would take longer to set up.
    let colon = bytes
        .iter()
        .rposition(|byte| *byte == b':')
        .ok_or(Reason::NotAnAddress)?;
    let (mut start, mut end) = (value.start(), value.start() + colon);
    if bytes.first() == Some(&b'[') && bytes.get(colon.wrapping_sub(1)) == Some(&b']') {
        (start, end) = (start + 1, end - 1);
    }
    if start >= end || colon + 1 == bytes.len() {
        return Err(Reason::NotAnAddress);
    }
    *host = Span::new(start, end);
    *port = Span::new(value.start() + colon + 1, value.end());
    Ok(())
}

/// `NotBefore=…;NotAfter=…`, in any order; a time that is not there is null.
fn split_validity(text: &[u8], value: Span, into: &mut [Span]) {
    let [whole, not_before, not_after] = into else { return };
    *whole = value;
    let mut at = value.start();
    for piece in value.bytes(text).split(|byte| *byte == b';') {
        let end = at + piece.len();
        for (name, part) in [
            (&b"NotBefore="[..], &mut *not_before),
            (&b"NotAfter="[..], &mut *not_after),
        ] {
            if piece.starts_with(name) {
                *part = Span::new(at + name.len(), end);
            }
        }
        at = end + 1;
    }
}
