//! The delta encodings of Parquet: numbers by their differences, texts by their lengths or by what they share.

use super::bits::{Packer, width_of, write_varint};

/// Values of a block, and of each of the four miniblocks in it.
const BLOCK: usize = 128;
const MINIBLOCK: usize = 32;

/// The width of the numbers that a column stores. Differences wrap around at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    W32,
    W64,
}

impl Width {
    /// The number as it is with only the low bits of this width, sign kept.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "wrapping around is what the encoding asks for"
    )]
    const fn wrap(self, value: i64) -> i64 {
        match self {
            Self::W32 => value as i32 as i64,
            Self::W64 => value,
        }
    }

    /// The distance of two numbers, as an unsigned one of this width.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "wrapping around, as above"
    )]
    const fn distance(self, value: i64, from: i64) -> u64 {
        let distance = value.wrapping_sub(from);
        match self {
            Self::W32 => distance as u32 as u64,
            Self::W64 => distance as u64,
        }
    }
}

/// Appends numbers as `DELTA_BINARY_PACKED`.
pub(super) fn write_numbers(numbers: &[i64], width: Width, out: &mut Vec<u8>) {
    write_varint(BLOCK as u64, out);
    write_varint((BLOCK / MINIBLOCK) as u64, out);
    write_varint(numbers.len() as u64, out);
    let Some((first, mut rest)) = numbers.split_first() else {
        write_zigzag(0, out);
        return;
    };
    write_zigzag(*first, out);
    let mut last = *first;
    let mut deltas = [0_i64; BLOCK];
    while !rest.is_empty() {
        let (block, behind) = rest.split_at(rest.len().min(BLOCK));
        rest = behind;
        for (delta, number) in deltas.iter_mut().zip(block) {
            *delta = width.wrap(number.wrapping_sub(last));
            last = *number;
        }
        write_block(deltas.get(..block.len()).unwrap_or_default(), width, out);
    }
}

fn write_block(deltas: &[i64], width: Width, out: &mut Vec<u8>) {
    let smallest = deltas.iter().copied().min().unwrap_or(0);
    write_zigzag(smallest, out);
    let mut widths = [0_u8; BLOCK / MINIBLOCK];
    for (bits, miniblock) in widths.iter_mut().zip(deltas.chunks(MINIBLOCK)) {
        let widest = miniblock
            .iter()
            .fold(0, |widest, delta| widest | width.distance(*delta, smallest));
        *bits = u8::try_from(width_of(widest)).unwrap_or(64);
    }
    out.extend_from_slice(&widths);
    for (bits, miniblock) in widths.iter().zip(deltas.chunks(MINIBLOCK)) {
        let bits = u32::from(*bits);
        if bits == 0 {
            continue;
        }
        let mut packer = Packer::default();
        for delta in miniblock {
            packer.push(width.distance(*delta, smallest), bits, out);
        }
        for _ in miniblock.len()..MINIBLOCK {
            packer.push(0, bits, out);
        }
        packer.finish(out);
    }
}

fn write_zigzag(value: i64, out: &mut Vec<u8>) {
    write_varint(((value << 1) ^ (value >> 63)).cast_unsigned(), out);
}

/// Texts taken apart: what each shares with the one before, and the rest.
#[derive(Debug, Default)]
pub(super) struct TextParts {
    prefixes: Vec<i64>,
    lengths: Vec<i64>,
    bytes: Vec<u8>,
    last: Vec<u8>,
}

impl TextParts {
    /// Adds a whole text.
    #[inline]
    pub(super) fn push(&mut self, text: &[u8]) {
        self.lengths.push(i64::try_from(text.len()).unwrap_or(0));
        self.bytes.extend_from_slice(text);
    }

    /// Adds a text by what it shares with the one before.
    #[inline]
    pub(super) fn push_prefixed(&mut self, text: &[u8]) {
        let shared = shared_prefix(&self.last, text);
        self.prefixes.push(i64::try_from(shared).unwrap_or(0));
        let rest = text.get(shared..).unwrap_or_default();
        self.push(rest);
        self.last.truncate(shared);
        self.last.extend_from_slice(rest);
    }

    /// The bytes held.
    pub(super) const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Appends the texts as `DELTA_LENGTH_BYTE_ARRAY`, and forgets them.
    pub(super) fn write_lengths(&mut self, out: &mut Vec<u8>) {
        write_numbers(&self.lengths, Width::W32, out);
        out.extend_from_slice(&self.bytes);
        self.prefixes.clear();
        self.lengths.clear();
        self.bytes.clear();
        self.last.clear();
    }

    /// Appends the texts as `DELTA_BYTE_ARRAY`, and forgets them.
    pub(super) fn write_prefixes(&mut self, out: &mut Vec<u8>) {
        write_numbers(&self.prefixes, Width::W32, out);
        self.write_lengths(out);
    }
}

fn shared_prefix(one: &[u8], other: &[u8]) -> usize {
    let (eights, others) = (one.as_chunks::<8>().0, other.as_chunks::<8>().0);
    let mut shared = 0;
    for (one, other) in eights.iter().zip(others) {
        let differ = u64::from_le_bytes(*one) ^ u64::from_le_bytes(*other);
        if differ != 0 {
            return shared + usize::try_from(differ.trailing_zeros() / 8).unwrap_or(0);
        }
        shared += 8;
    }
    let tails = one.iter().zip(other).skip(shared);
    shared + tails.take_while(|(one, other)| one == other).count()
}
