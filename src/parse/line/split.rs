//! Splits a line into the parts that its format names, byte by byte, and reports the fault of a line that it cannot split.

use std::ops::Range;

use memchr::memchr;

use crate::formats::{Escapes, Plan, Quoting, Split};

use super::request::split_request;
use super::{Fault, Reason, swar};

/// A range of bytes in a text, or null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub(super) start: u32,
    pub(super) end: u32,
}

/// The rest of a line after the last known field, and findings of the split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tail {
    /// The unknown trailing fields, without the spaces around them; [`Span::NULL`] if there are none.
    pub extra: Span,
    /// The number of known fields found.
    pub fields: usize,
    /// Whether a quoted field contains a quote that neither is escaped nor ends the field.
    pub inner_quote: bool,
    /// Whether an unknown trailing field has a misplaced quote: a sign that a quoted field ended too early.
    pub stray_quote: bool,
    /// Whether an unknown trailing field is long enough to contain a time.
    pub long_extra: bool,
}

impl Span {
    /// The null span: the field is not on the line.
    pub const NULL: Self = Self {
        start: u32::MAX,
        end: u32::MAX,
    };

    /// Returns a null span if this span is the dash that means "no value", and itself otherwise. A null span made this way
    /// keeps the position of the dash.
    #[inline]
    #[must_use]
    pub fn without_dash(self, base: &[u8]) -> Self {
        if self.is_null() {
            self
        } else {
            self.present_without_dash(base)
        }
    }

    /// Like [`Span::without_dash`], for a span that is not null.
    #[inline]
    pub(super) fn present_without_dash(self, base: &[u8]) -> Self {
        if self.end.wrapping_sub(self.start) == 1 && base[self.start()] == b'-' {
            return Self {
                start: u32::MAX,
                end: self.start,
            };
        }
        self
    }

    /// Returns the position of the first byte, or of the dash that means "no value".
    pub const fn position(self) -> usize {
        if self.is_null() { self.end() } else { self.start() }
    }

    /// Returns the span from `start` up to `end`.
    ///
    /// # Panics
    /// The positions do not fit in 32 bits. Texts are blocks of a few megabytes.
    pub fn new(start: usize, end: usize) -> Self {
        let position = |at| u32::try_from(at).expect("texts are shorter than 4 GiB");
        Self {
            start: position(start),
            end: position(end),
        }
    }

    /// Returns this span, which is not null, in a text that contains its own from byte `base` on.
    #[must_use]
    pub const fn shifted(self, base: u32) -> Self {
        Self {
            start: self.start + base,
            end: self.end + base,
        }
    }

    /// Returns the position of the first byte.
    pub const fn start(self) -> usize {
        self.start as usize
    }

    /// Returns the position after the last byte.
    pub const fn end(self) -> usize {
        self.end as usize
    }

    /// Returns whether the field is not on the line, or has no value.
    pub const fn is_null(self) -> bool {
        self.start == u32::MAX
    }

    /// Returns the bytes of the span, or `None` if it is null.
    #[inline]
    pub fn get(self, base: &[u8]) -> Option<&[u8]> {
        (!self.is_null()).then(|| &base[self.start()..self.end()])
    }

    /// Returns the bytes of the span, empty if it is null.
    pub fn bytes(self, base: &[u8]) -> &[u8] {
        self.get(base).unwrap_or_default()
    }

    /// Returns the bytes of a value, or `None` if the field is not on the line or is `-`.
    pub fn value(self, base: &[u8]) -> Option<&[u8]> {
        self.get(base).filter(|bytes| *bytes != b"-")
    }
}

/// Splits the line at `line` in `base` and writes its parts, one for each part of the plan.
///
/// Fields missing at the end of a line are [`Span::NULL`]. Fields after the known ones are left in [`Tail::extra`].
pub fn split_line(plan: &Plan, base: &[u8], line: Span, parts: &mut [Span]) -> Result<Tail, Fault> {
    parts.fill(Span::NULL);
    let text = &base[..line.end()];
    let mut cursor = Cursor {
        at: line.start(),
        inner_quote: false,
    };
    let fields = cursor.fields(plan, text, 0..plan.fields.len(), parts)?;
    cursor.tail(plan, text, fields)
}

/// A position on a line that is being split.
pub(super) struct Cursor {
    /// The position at which the next field begins.
    pub(super) at: usize,
    /// Whether a quoted field contained a quote that neither was escaped nor ended the field.
    pub(super) inner_quote: bool,
}

impl Cursor {
    /// Splits the fields of the range, as far as the line goes; returns the number of the field after the last one found.
    pub(super) fn fields(
        &mut self,
        plan: &Plan,
        text: &[u8],
        range: Range<usize>,
        parts: &mut [Span],
    ) -> Result<usize, Fault> {
        let mut next = range.start;
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
            let into = &mut parts[planned.first_part..planned.end_part];
            split_token(text, token.value, planned.split, into)
                .map_err(|reason| Fault::in_field(reason, plan, number, token.value))?;
            self.at = token.next;
            next = number + 1;
        }
        Ok(next)
    }

    /// Reads the rest of the line after the known fields, of which `fields` were found.
    pub(super) fn tail(self, plan: &Plan, text: &[u8], fields: usize) -> Result<Tail, Fault> {
        if fields < plan.format.min_fields {
            return Err(Fault::of_line(Reason::TooFewFields, text.len()));
        }
        // The position is one past the end if no space follows the last field.
        let rest = text.get(self.at..).unwrap_or_default().trim_ascii_end();
        let extra = if rest.is_empty() {
            Span::NULL
        } else {
            Span::new(self.at, self.at + rest.len())
        };
        let (mut stray_quote, mut long_extra) = (false, false);
        for token in extra_tokens(text, extra) {
            stray_quote |= !well_formed(token);
            long_extra |= token.len() >= LONG;
        }
        Ok(Tail {
            extra,
            fields,
            inner_quote: self.inner_quote,
            stray_quote,
            long_extra,
        })
    }
}

/// The length of the shortest token that may contain a time, the day and the minute of it at least.
const LONG: usize = 16;

/// Returns whether a token is in quotes or contains none.
fn well_formed(token: &[u8]) -> bool {
    match token {
        [b'"', .., b'"'] => true,
        _ => !token.contains(&b'"'),
    }
}

/// Returns the tokens of the unknown trailing fields, verbatim, quotes included. Never fails: the rest of a text that no
/// longer looks like a token is the last one.
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
        let token;
        (token, rest) = rest.split_at(end.unwrap_or(rest.len()));
        Some(token)
    })
}

struct Token {
    /// The value, without the quotes.
    value: Span,
    /// The position at which the next field begins.
    next: usize,
}

/// Reads the token that begins at `at`, inside the text.
#[inline]
fn token(
    text: &[u8],
    at: usize,
    quoting: Quoting,
    escapes: Escapes,
    inner_quote: &mut bool,
) -> Result<Token, (Reason, usize)> {
    let opens = text[at] == b'"';
    match (quoting, opens) {
        (Quoting::Quoted | Quoting::QuotedOrBare, true) => {
            let close = closing_quote(text, at + 1, escapes, inner_quote).ok_or((Reason::UnterminatedQuote, at))?;
            Ok(Token {
                value: Span::new(at + 1, close),
                next: close + 2,
            })
        }
        (Quoting::Quoted, false) if text[at] == b' ' => Err((Reason::EmptyField, at)),
        (Quoting::Quoted, false) => Err((Reason::QuoteExpected, at)),
        (Quoting::QuotedParts, _) => {
            let end = at + find_either(&text[at..], b' ', b' ');
            bare_token(at, end)
        }
        (Quoting::Bare | Quoting::QuotedOrBare, _) => {
            let end = at + find_either(&text[at..], b' ', b'"');
            if text.get(end) == Some(&b'"') {
                return Err((Reason::StrayQuote, end));
            }
            bare_token(at, end)
        }
    }
}

/// Returns the position of the first byte that equals either, or the length. Fields are short: eight bytes at a time in a
/// general-purpose register beat the set-up of vector code, which handles long fields.
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
    let rest = &text[at..];
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

/// Returns the quote that ends a quoted field whose text begins at `at`: the first one that is followed by a space or the
/// end of the line and is not escaped (if the log type escapes quotes with a backslash).
pub(in crate::parse) fn closing_quote(
    text: &[u8],
    mut at: usize,
    escapes: Escapes,
    inner_quote: &mut bool,
) -> Option<usize> {
    let begin = at;
    loop {
        let quote = at + find_either(&text[at..], b'"', b'"');
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

/// Returns whether an odd number of backslashes precedes the quote.
pub(super) fn is_escaped(text: &[u8], begin: usize, quote: usize) -> bool {
    text[begin..quote]
        .iter()
        .rev()
        .take_while(|byte| **byte == b'\\')
        .count()
        % 2
        == 1
}

/// Splits a token into the parts that its field names.
#[inline]
pub(in crate::parse) fn split_token(text: &[u8], value: Span, split: Split, into: &mut [Span]) -> Result<(), Reason> {
    match split {
        Split::Whole => {
            into[0] = value;
            Ok(())
        }
        Split::HostPort => split_host_port(text, value, into),
        Split::Target => {
            let (whole, address) = into.split_first_mut().expect("a target has parts");
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

/// Splits `address:port` at the last colon: AWS writes IPv6 addresses without brackets. Brackets are accepted and removed.
fn split_host_port(text: &[u8], value: Span, into: &mut [Span]) -> Result<(), Reason> {
    let Some(bytes) = value.value(text) else { return Ok(()) };
    let [host, port] = into else {
        unreachable!("an address has two parts")
    };
    // A port has at most five digits: vector code would take longer to set up.
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

/// Splits `NotBefore=…;NotAfter=…`, in any order; a missing time is null.
fn split_validity(text: &[u8], value: Span, into: &mut [Span]) {
    let [whole, not_before, not_after] = into else {
        unreachable!("a validity has three parts")
    };
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
