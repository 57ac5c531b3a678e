//! Splits regular lines, nearly all of them, in one pass with SIMD.
//!
//! A chunk of 64 bytes at a time is compared with a quote and a space, with the widest vectors that the processor has, which
//! gives bit masks with one bit per byte. A prefix XOR of the quote mask marks the bytes between quotes, and the spaces outside them separate the fields. This is correct only
//! if every quote opens or closes a field. All other lines are left to [`split_line`](super::split_line), which reads byte
//! by byte and reports the fault.

#![expect(
    clippy::inline_always,
    reason = "the instructions selected at run time are used only in what is inlined into the loop over the lines"
)]

use fearless_simd::prelude::*;
use fearless_simd::{i8x64, u8x64};

use crate::formats::{Escapes, Plan, PlannedField, Quoting, Split};

use super::second::is_time;
use super::split::split_token;
use super::{Parts, Span, usual};

/// The number of bytes whose mask fills a register.
const CHUNK: u32 = u64::BITS;

/// The state carried from one chunk to the next.
struct Carry {
    /// All ones if the chunk ended between quotes, otherwise 0.
    inside: u64,
    /// 1 if the chunk's last byte was a separator, or at the start of the line.
    separator: u64,
    /// 1 if the chunk's last byte closed a field.
    closed: u64,
}

/// A regular line that was split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Regular {
    /// Whether the line is ASCII without a backslash and without a control character. Its values then have no byte that JSON
    /// escapes: quotes are only at the ends of fields.
    pub plain: bool,
}

/// The ends of the fields of a line.
#[derive(Debug)]
pub struct Ends([u32; 2 * MAX_FIELDS]);

/// The number of fields of a line that are found, more than every format has.
const MAX_FIELDS: usize = CHUNK as usize;

impl Default for Ends {
    fn default() -> Self {
        Self([0; 2 * MAX_FIELDS])
    }
}

/// Splits the line at `line` in `base` as [`split_line`](super::split_line) does, with a null span for each part that is
/// `-` or missing.
///
/// Returns `None` if a quote is not at an end of a field, a quoted field is not closed, or a field is empty, unknown,
/// missing or not written as the format specifies, or is a time without quotes in place of a quoted text; `parts` is then
/// unspecified.
#[inline(always)]
pub fn split_regular<S: Simd>(
    simd: S,
    plan: &Plan,
    base: &[u8],
    line: Span,
    ends: &mut Ends,
    parts: &mut Parts<'_>,
) -> Option<Regular> {
    let (fields, is_plain) = ends.find(simd, base, line)?;
    // A quote after a backslash does not end a field if the log type escapes quotes this way.
    let readable = is_plain || plan.format.escapes == Escapes::Hex;
    if !readable || !(plan.format.min_fields..=plan.fields.len()).contains(&fields) {
        return None;
    }
    let (found, missing) = plan.fields.split_at_checked(fields)?;
    let mut start = line.start;
    for (planned, end) in found.iter().zip(&ends.0) {
        split_field(base, Span { start, end: *end }, planned, parts)?;
        start = end + 1;
    }
    for part in missing.first().map_or(plan.parts, |planned| planned.first_part)..plan.parts {
        parts.set(part, Span::NULL);
    }
    Some(Regular { plain: is_plain })
}

impl Ends {
    /// Finds the ends of the fields; returns their number, at most [`MAX_FIELDS`], and [`Regular::plain`].
    #[inline(always)]
    fn find<S: Simd>(&mut self, simd: S, base: &[u8], line: Span) -> Option<(usize, bool)> {
        let mut odd = 0;
        let mut carry = Carry {
            inside: 0,
            separator: 1,
            closed: 0,
        };
        let (mut count, mut at) = (0, line.start);
        while line.end - at >= CHUNK {
            let masks = Masks::of(simd, base[at as usize..].first_chunk()?);
            odd |= masks.odd;
            count = self.add(count, at, carry.separators(masks, u64::MAX)?)?;
            at += CHUNK;
        }
        if at < line.end {
            // At the end of the text, zeros fill the chunk.
            let mut padded = [0; CHUNK as usize];
            let rest = &base[at as usize..];
            let chunk = rest.first_chunk().unwrap_or_else(|| {
                padded[..rest.len()].copy_from_slice(rest);
                &padded
            });
            let on_line = (1 << (line.end - at)) - 1;
            let masks = Masks::of(simd, chunk);
            // The bytes after the line begin with its newline.
            odd |= masks.odd & on_line;
            count = self.add(count, at, carry.separators(masks, on_line)?)?;
        }
        // A space at the end of the line begins a missing field.
        let last = count.checked_sub(1).map_or(line.start, |last| self.0[last] + 1);
        if carry.inside != 0 || last == line.end {
            return None;
        }
        self.0[count] = line.end;
        Some((count + 1, odd == 0))
    }

    /// Adds the separators of the chunk at `at` to the first `count` ends; returns the number of ends, below [`MAX_FIELDS`].
    #[inline(always)]
    fn add(&mut self, mut count: usize, at: u32, mut separators: u64) -> Option<usize> {
        while separators != 0 {
            // A chunk has no more separators than there is room for.
            self.0[count % (2 * MAX_FIELDS)] = at + separators.trailing_zeros();
            count += 1;
            separators &= separators - 1;
        }
        (count < MAX_FIELDS).then_some(count)
    }
}

/// Splits the token of a field, quotes included, into the field's parts.
#[inline(always)]
fn split_field(base: &[u8], mut value: Span, planned: &PlannedField, parts: &mut Parts<'_>) -> Option<()> {
    let quoted = base[value.start()] == b'"';
    let usual = if quoted { Quoting::Quoted } else { Quoting::Bare };
    if planned.quoting != usual && !(quoted && planned.quoting == Quoting::QuotedOrBare) {
        other_quoting(base, value, planned.quoting)?;
    }
    if quoted && planned.quoting != Quoting::QuotedParts {
        value.start += 1;
        value.end -= 1;
    }
    // Most fields are not split: that is not worth a call.
    if planned.split == Split::Whole {
        parts.set(planned.first_part, value.present_without_dash(base));
        return Some(());
    }
    split_parts(base, value, planned, parts)
}

/// Accepts the token of a field that is not written as most are: bare fields without quotes, others in quotes. A time without
/// quotes belongs to a second entry.
#[cold]
fn other_quoting(base: &[u8], value: Span, quoting: Quoting) -> Option<()> {
    let bytes = value.bytes(base);
    let fits = match (quoting, bytes.starts_with(b"\"")) {
        (Quoting::QuotedOrBare, true) => true,
        (Quoting::QuotedOrBare, false) => !is_time(bytes),
        // Ends at the next space, quoted or not: a value that contains a space is left to the exact splitter.
        (Quoting::QuotedParts, quoted) => !quoted || !bytes.contains(&b' '),
        (Quoting::Quoted, quoted) => quoted,
        (Quoting::Bare, quoted) => !quoted,
    };
    fits.then_some(())
}

#[inline(never)]
fn split_parts(base: &[u8], value: Span, planned: &PlannedField, parts: &mut Parts<'_>) -> Option<()> {
    let found = if let Some(found) = usual::parts(base, value, planned.split) {
        found
    } else {
        let mut found = [Span::NULL; 7];
        let into = found.get_mut(..planned.end_part - planned.first_part)?;
        split_token(base, value, planned.split, into).ok()?;
        found
    };
    for (part, span) in (planned.first_part..planned.end_part).zip(found) {
        parts.set(part, span.without_dash(base));
    }
    Some(())
}

impl Carry {
    /// Returns the separators of a chunk, if each of its quotes opens or closes a field and no field is empty.
    #[inline(always)]
    fn separators(&mut self, masks: Masks, on_line: u64) -> Option<u64> {
        let (quotes, spaces) = (masks.quotes & on_line, masks.spaces & on_line);
        let inside = prefix_xor(quotes) ^ self.inside;
        let separators = spaces & !inside;
        let after_separator = separators << 1 | self.separator;
        let (opens, closes) = (quotes & inside, quotes & !inside);
        let after_close = closes << 1 | self.closed;
        // A field begins after a separator, and a separator or the end of the line follows its last quote.
        let stray = opens & !after_separator;
        let glued = after_close & !separators & on_line;
        let empty = separators & after_separator;
        self.inside = (inside.cast_signed() >> 63).cast_unsigned();
        self.separator = separators >> 63;
        self.closed = closes >> 63;
        (stray | glued | empty == 0).then_some(separators)
    }
}

/// Returns the prefix XOR of the bits: ones from each opening quote up to its closing quote.
#[inline(always)]
const fn prefix_xor(mut bits: u64) -> u64 {
    bits ^= bits << 1;
    bits ^= bits << 2;
    bits ^= bits << 4;
    bits ^= bits << 8;
    bits ^= bits << 16;
    bits ^ bits << 32
}

/// A bit for each byte of a chunk.
#[derive(Clone, Copy)]
struct Masks {
    quotes: u64,
    spaces: u64,
    /// Bytes that are not ASCII, are a backslash or a control character.
    odd: u64,
}

impl Masks {
    #[inline(always)]
    fn of<S: Simd>(simd: S, chunk: &[u8; CHUNK as usize]) -> Self {
        let bytes = u8x64::load_array_ref(simd, chunk);
        // As signed numbers, bytes that are not ASCII are below the space, too.
        let low = bytes.bitcast::<i8x64<S>>().simd_lt(32);
        Self {
            quotes: bytes.simd_eq(b'"').to_bitmask(),
            spaces: bytes.simd_eq(b' ').to_bitmask(),
            odd: (low | bytes.simd_eq(b'\\')).to_bitmask(),
        }
    }
}
