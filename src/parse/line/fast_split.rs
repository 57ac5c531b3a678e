//! Splits regular lines, nearly all of them, in one pass with SIMD.
//!
//! Sixteen bytes at a time are compared with a quote and a space, which gives bit masks with one bit per byte. A prefix XOR
//! of the quote mask marks the bytes between quotes, and the spaces outside them separate the fields. This is correct only
//! if every quote opens or closes a field. All other lines are left to [`split_line`](super::split_line), which reads byte
//! by byte and reports the fault.

use wide::u8x16;

use crate::formats::{Escapes, Plan, PlannedField, Quoting, Split};

use super::Span;
use super::second::is_time;
use super::split::split_token;

/// The number of bytes whose mask fills a register.
const CHUNK: u32 = u64::BITS;

/// What the bytes of a line have in common: each is a disjunction over all of them.
#[derive(Default)]
struct Seen {
    /// The high bit is set if a byte is not ASCII or is a backslash.
    unusual: u8x16,
    /// The high bit is set if a byte of a whole chunk is a control character. Bytes that are not ASCII may count.
    control: u8x16,
    /// The control characters of the last chunk.
    last_control: u64,
}

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
    /// Whether the line is ASCII without a backslash. May be false although it is.
    pub plain: bool,
    /// Whether it also is without a control character. Its values then have no byte that JSON escapes: quotes are only at
    /// the ends of fields.
    pub clean: bool,
}

/// Splits the line at `line` in `base` as [`split_line`](super::split_line) does, with a null span for each part that is
/// `-`. On entry, `parts` is [`Span::NULL`] for each part of the plan.
///
/// Returns `None` if a quote is not at an end of a field, a quoted field is not closed, or a field is empty, unknown,
/// missing or not written as the format specifies, or is a time without quotes in place of a quoted text; `parts` is then
/// unspecified.
#[inline]
pub fn split_regular(plan: &Plan, base: &[u8], line: Span, parts: &mut [Span]) -> Option<Regular> {
    let mut chunk = line;
    let mut seen = Seen::default();
    let mut carry = Carry {
        inside: 0,
        separator: 1,
        closed: 0,
    };
    let mut fields = plan.fields.iter();
    let mut begin = line.start;
    while chunk.start < chunk.end {
        let left = chunk.end - chunk.start;
        let masks = chunk_masks(base, chunk.start(), left, &mut seen);
        let on_line = if left < CHUNK { (1_u64 << left) - 1 } else { u64::MAX };
        let (mut separators, fits) = carry.separators(masks.0 & on_line, masks.1 & on_line, on_line);
        if !fits {
            return None;
        }
        while separators != 0 {
            let end = chunk.start + separators.trailing_zeros();
            split_field(base, Span { start: begin, end }, fields.next()?, parts)?;
            begin = end + 1;
            separators &= separators - 1;
        }
        chunk.start = chunk.start.saturating_add(CHUNK);
    }
    // A space at the end of the line begins a missing field.
    if carry.inside != 0 || begin == line.end {
        return None;
    }
    let last = Span {
        start: begin,
        end: line.end,
    };
    split_field(base, last, fields.next()?, parts)?;
    let plain = seen.unusual.to_bitmask() == 0;
    let clean = plain && seen.last_control | u64::from(seen.control.to_bitmask()) == 0;
    // A quote after a backslash does not end a field if the log type escapes quotes this way.
    let readable = plain || plan.format.escapes == Escapes::Hex;
    let enough = plan.fields.len() - fields.len() >= plan.format.min_fields;
    (readable && enough).then_some(Regular { plain, clean })
}

/// Splits the token of a field, quotes included, into the field's parts.
#[expect(
    clippy::inline_always,
    reason = "a call for each field costs 5 % of a run's instructions, and the compiler does not always see it"
)]
#[inline(always)]
fn split_field(base: &[u8], mut value: Span, planned: &PlannedField, parts: &mut [Span]) -> Option<()> {
    if base[value.start()] == b'"' {
        match planned.quoting {
            Quoting::Quoted | Quoting::QuotedOrBare => {
                value.start += 1;
                value.end -= 1;
            }
            // Ends at the next space, quoted or not: a value that contains a space is left to the exact splitter.
            Quoting::QuotedParts => {
                if base[value.start()..value.end()].contains(&b' ') {
                    return None;
                }
            }
            Quoting::Bare => return None,
        }
    } else if planned.quoting != Quoting::Bare {
        without_quotes(base, value, planned.quoting)?;
    }
    // Most fields are not split: that is not worth a call.
    if planned.split == Split::Whole {
        parts[planned.first_part] = value.without_dash(base);
        return Some(());
    }
    split_parts(base, value, planned, parts)
}

/// Accepts the token of a field that may be without quotes, unless it is a time, which belongs to a second entry.
#[cold]
fn without_quotes(base: &[u8], value: Span, quoting: Quoting) -> Option<()> {
    match quoting {
        Quoting::Quoted => None,
        Quoting::QuotedOrBare => (!is_time(value.bytes(base))).then_some(()),
        Quoting::Bare | Quoting::QuotedParts => Some(()),
    }
}

#[inline(never)]
fn split_parts(base: &[u8], value: Span, planned: &PlannedField, parts: &mut [Span]) -> Option<()> {
    let into = &mut parts[planned.first_part..planned.end_part];
    split_token(base, value, planned.split, into).ok()?;
    for part in into {
        *part = part.without_dash(base);
    }
    Some(())
}

impl Carry {
    /// Returns the separators of a chunk, and whether each of its quotes opens or closes a field and no field is empty.
    #[inline]
    const fn separators(&mut self, quotes: u64, spaces: u64, on_line: u64) -> (u64, bool) {
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
        (separators, stray | glued | empty == 0)
    }
}

/// Returns the prefix XOR of the bits: ones from each opening quote up to its closing quote.
#[inline]
const fn prefix_xor(mut bits: u64) -> u64 {
    bits ^= bits << 1;
    bits ^= bits << 2;
    bits ^= bits << 4;
    bits ^= bits << 8;
    bits ^= bits << 16;
    bits ^ bits << 32
}

/// Returns the masks of quotes and spaces in the bytes from `at` on, of which the next `left` are on the line.
#[inline]
fn chunk_masks(base: &[u8], at: usize, left: u32, seen: &mut Seen) -> (u64, u64) {
    let rest = &base[at..];
    if let Some(chunk) = rest.first_chunk() {
        return masks(chunk, left, seen);
    }
    // At the end of the text, zeros fill the chunk.
    let mut padded = [0; CHUNK as usize];
    padded[..rest.len()].copy_from_slice(rest);
    masks(&padded, left, seen)
}

#[inline]
fn masks(chunk: &[u8; CHUNK as usize], left: u32, seen: &mut Seen) -> (u64, u64) {
    let (mut quotes, mut spaces) = (0, 0);
    let mut control = u8x16::default();
    for (number, bytes) in chunk.as_chunks::<16>().0.iter().enumerate() {
        let bytes = u8x16::new(*bytes);
        let shift = number * 16;
        quotes |= u64::from(bytes.simd_eq(u8x16::splat(b'"')).to_bitmask()) << shift;
        spaces |= u64::from(bytes.simd_eq(u8x16::splat(b' ')).to_bitmask()) << shift;
        seen.unusual |= bytes | bytes.simd_eq(u8x16::splat(b'\\'));
        control |= bytes - u8x16::splat(b' ');
    }
    if left >= CHUNK {
        seen.control |= control;
    } else {
        // The bytes after the line begin with its newline, so only those on the line count.
        for (number, bytes) in chunk.as_chunks::<16>().0.iter().enumerate() {
            let control = (u8x16::new(*bytes) - u8x16::splat(b' ')).to_bitmask();
            seen.last_control |= u64::from(control) << (number * 16);
        }
        seen.last_control &= (1 << left) - 1;
    }
    (quotes, spaces)
}
