//! The separators of a line, found in one pass over its bytes.
//!
//! Sixteen bytes at a time are compared with a quote and a space; what is left are bit masks, one bit a byte. A running
//! exclusive or over the quotes tells which bytes lie between quotes, and the spaces outside them separate the fields.
//! That is right only where every quote opens or closes a field. Lines of which that is not true are left to
//! [`split_line`](super::split_line), which reads byte by byte and says what is wrong.

use wide::u8x16;

use crate::format::{Escapes, Plan, PlannedField, Quoting, Split};

use super::Span;
use super::split::split_token;

/// The bytes whose masks fill a register.
const CHUNK: usize = 64;
/// The most fields that are marked. A line with more is left to the exact splitter.
const MOST: usize = 48;

/// The separators of one line. Kept from line to line, so that nothing is allocated.
#[derive(Debug)]
pub struct Marks {
    /// The position behind each field: of a space, or of the end of the line.
    ends: [u32; MOST],
    fields: usize,
    begin: u32,
    /// Whether the line is ASCII without a backslash. May be wrongly false.
    pub plain: bool,
}

/// What one chunk leaves for the next.
struct Carry {
    /// All ones where the chunk ended between quotes.
    inside: u64,
    /// One where the chunk's last byte was a separator, or the line begins.
    separator: u64,
    /// One where the chunk's last byte closed a field.
    closed: u64,
}

impl Default for Marks {
    fn default() -> Self {
        Self {
            ends: [0; MOST],
            fields: 0,
            begin: 0,
            plain: false,
        }
    }
}

impl Marks {
    /// Marks the fields of the line that `line` spans in `base`. False where a quote stands elsewhere than at the ends
    /// of a field, a quoted field is not closed, a field is empty, or there are too many.
    #[inline]
    pub fn mark(&mut self, base: &[u8], line: Span, escapes: Escapes) -> bool {
        let (begin, len) = (line.start(), line.end() - line.start());
        (self.begin, self.fields) = (line.start, 0);
        let mut unusual = u8x16::default();
        let mut carry = Carry {
            inside: 0,
            separator: 1,
            closed: 0,
        };
        let mut at = 0;
        let mut regular = true;
        while at < len {
            let masks = chunk_masks(base, begin + at, &mut unusual);
            let left = len - at;
            let on_line = if left < CHUNK { (1_u64 << left) - 1 } else { u64::MAX };
            let (separators, fits) = carry.separators(masks.0 & on_line, masks.1 & on_line, on_line);
            regular &= fits && self.extend(begin + at, separators);
            at += CHUNK;
        }
        self.plain = !unusual_byte(unusual);
        // A quote behind a backslash ends no field where the log type writes quotes so.
        let readable = escapes == Escapes::Hex || self.plain;
        regular && len > 0 && carry.inside == 0 && readable && self.end(base, line)
    }

    /// Writes the positions of the separators in the mask.
    #[inline]
    fn extend(&mut self, begin: usize, mut separators: u64) -> bool {
        let Ok(begin) = u32::try_from(begin) else { return false };
        let behind = self.fields + separators.count_ones() as usize;
        // One place is left for the end of the line.
        if behind >= MOST {
            return false;
        }
        let places = self.ends.get_mut(self.fields..behind).unwrap_or_default();
        for end in places {
            *end = begin + separators.trailing_zeros();
            separators &= separators.wrapping_sub(1);
        }
        self.fields = behind;
        true
    }

    /// Ends the last field with the line.
    #[inline]
    fn end(&mut self, base: &[u8], line: Span) -> bool {
        let Some(end) = self.ends.get_mut(self.fields) else {
            return false;
        };
        *end = line.end;
        self.fields += 1;
        // A space at the end of the line begins a field that is not there.
        base.get(line.end().wrapping_sub(1)) != Some(&b' ')
    }

    /// Splits the marked line as [`split_line`](super::split_line) does, with no piece for a part that is `-`. False where it is not one of those that have
    /// only fields the format knows, each written as the format says; `parts` then hold nothing of meaning.
    #[inline]
    pub fn split(&self, plan: &Plan, base: &[u8], parts: &mut [Span]) -> bool {
        if self.fields < plan.format.min_fields || self.fields > plan.fields.len() {
            return false;
        }
        let mut begin = self.begin;
        for (planned, end) in plan.fields.iter().zip(self.ends.iter().take(self.fields)) {
            let mut value = Span {
                start: begin,
                end: *end,
            };
            begin = *end + 1;
            if base.get(value.start()) == Some(&b'"') {
                match planned.quoting {
                    Quoting::Quoted | Quoting::QuotedOrBare => {
                        value.start += 1;
                        value.end -= 1;
                    }
                    Quoting::QuotedParts => {}
                    Quoting::Bare => return false,
                }
            } else if planned.quoting == Quoting::Quoted {
                return false;
            }
            // Most fields are whole, which is not worth a call.
            if planned.split == Split::Whole {
                if let Some(part) = parts.get_mut(planned.first_part) {
                    *part = value.without_dash(base);
                }
            } else if !split_parts(base, value, planned, parts) {
                return false;
            }
        }
        true
    }
}

/// Splits a token into its parts. False where it does not fit.
#[inline(never)]
fn split_parts(base: &[u8], value: Span, planned: &PlannedField, parts: &mut [Span]) -> bool {
    let Some(into) = parts.get_mut(planned.first_part..planned.behind_parts) else {
        return false;
    };
    let fits = split_token(base, value, planned.split, into).is_ok();
    for part in into {
        *part = part.without_dash(base);
    }
    fits
}

impl Carry {
    /// The separators of a chunk, and whether each of its quotes opens or closes a field and no field is empty.
    #[inline]
    const fn separators(&mut self, quotes: u64, spaces: u64, on_line: u64) -> (u64, bool) {
        let inside = prefix_xor(quotes) ^ self.inside;
        let separators = spaces & !inside;
        let behind_separator = separators << 1 | self.separator;
        let (opens, closes) = (quotes & inside, quotes & !inside);
        let behind_close = closes << 1 | self.closed;
        // A field begins behind a separator, and a separator or the end of the line stands behind its last quote.
        let stray = opens & !behind_separator;
        let glued = behind_close & !separators & on_line;
        let empty = separators & behind_separator;
        self.inside = (inside.cast_signed() >> 63).cast_unsigned();
        self.separator = separators >> 63;
        self.closed = closes >> 63;
        (separators, stray | glued | empty == 0)
    }
}

/// Each bit the exclusive or of those up to it: the bits between quotes, the opening quote included.
#[inline]
const fn prefix_xor(mut bits: u64) -> u64 {
    bits ^= bits << 1;
    bits ^= bits << 2;
    bits ^= bits << 4;
    bits ^= bits << 8;
    bits ^= bits << 16;
    bits ^ bits << 32
}

/// The masks of quotes and spaces in the bytes from `at` on. Gathers in `unusual` what is not plain.
#[inline]
fn chunk_masks(base: &[u8], at: usize, unusual: &mut u8x16) -> (u64, u64) {
    let rest = base.get(at..).unwrap_or_default();
    if let Some(chunk) = rest.first_chunk::<CHUNK>() {
        return masks(chunk, unusual);
    }
    // The end of the text: the same bytes, and nothing behind them.
    let mut padded = [0; CHUNK];
    for (into, byte) in padded.iter_mut().zip(rest) {
        *into = *byte;
    }
    masks(&padded, unusual)
}

#[inline]
fn masks(chunk: &[u8; CHUNK], unusual: &mut u8x16) -> (u64, u64) {
    let (mut quotes, mut spaces) = (0, 0);
    for (number, bytes) in chunk.as_chunks::<16>().0.iter().enumerate() {
        let bytes = u8x16::new(*bytes);
        let shift = number * 16;
        quotes |= u64::from(bytes.simd_eq(u8x16::splat(b'"')).to_bitmask()) << shift;
        spaces |= u64::from(bytes.simd_eq(u8x16::splat(b' ')).to_bitmask()) << shift;
        *unusual |= bytes | bytes.simd_eq(u8x16::splat(b'\\'));
    }
    (quotes, spaces)
}

/// Whether a byte was a backslash or not ASCII: the highest bit is set in what was gathered.
#[inline]
fn unusual_byte(gathered: u8x16) -> bool {
    gathered.to_bitmask() != 0
}
