//! The delta encodings of Parquet: numbers by their differences, texts by the prefix shared with the previous text.

use super::bits::{pack, width_of, write_varint, write_zigzag};
use super::file::count;

/// The number of values of a block, and of each of its four miniblocks.
const BLOCK: usize = 128;
const MINIBLOCK: usize = 32;
/// The common factor of the differences between times in whole milliseconds.
const STEP: i64 = 1_000;

/// Appends numbers as `DELTA_BINARY_PACKED`. Differences are 64-bit numbers that wrap around; readers of 32-bit numbers take
/// the low half of their sums.
///
/// Each miniblock is packed in as few bits as it needs, unless all differences are multiples of 1,000: then as by
/// [`write_aligned`].
pub(super) fn write_numbers(numbers: &[i64], out: &mut Vec<u8>) {
    let stepped = numbers.len() > MINIBLOCK
        && numbers
            .windows(2)
            .all(|pair| matches!(pair, [last, number] if number.wrapping_sub(*last) % STEP == 0));
    if stepped {
        write_aligned(numbers, out);
    } else {
        write_blocks(numbers, None, out);
    }
}

/// Like [`write_numbers`], with all differences in whole bytes and of one width: a compressor then finds repeated bytes,
/// which makes them smaller than packing them in fewer bits would.
pub(super) fn write_aligned(numbers: &[i64], out: &mut Vec<u8>) {
    let deltas = || {
        let followers = numbers.iter().skip(1);
        numbers
            .iter()
            .zip(followers)
            .map(|(last, number)| number.wrapping_sub(*last))
    };
    let smallest = deltas().min().unwrap_or(0);
    let widest = deltas().fold(0, |widest, delta| widest | delta.wrapping_sub(smallest).cast_unsigned());
    write_blocks(numbers, Some((smallest, width_of(widest).next_multiple_of(8))), out);
}

/// Appends the blocks, with a smallest difference and a width common to all, or with those of each block.
fn write_blocks(numbers: &[i64], common: Option<(i64, u32)>, out: &mut Vec<u8>) {
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
        let block;
        (block, rest) = rest.split_at(rest.len().min(BLOCK));
        for (delta, number) in deltas.iter_mut().zip(block) {
            *delta = number.wrapping_sub(last);
            last = *number;
        }
        write_block(&deltas[..block.len()], common, out);
    }
}

fn write_block(deltas: &[i64], common: Option<(i64, u32)>, out: &mut Vec<u8>) {
    let smallest = common.map_or_else(|| deltas.iter().copied().min().unwrap_or(0), |(smallest, _)| smallest);
    write_zigzag(smallest, out);
    let distance = |delta: &i64| delta.wrapping_sub(smallest).cast_unsigned();
    let mut widths = [0_u8; BLOCK / MINIBLOCK];
    for (bits, miniblock) in widths.iter_mut().zip(deltas.chunks(MINIBLOCK)) {
        let width = common.map_or_else(
            || width_of(miniblock.iter().fold(0, |widest, delta| widest | distance(delta))),
            |(_, width)| width,
        );
        *bits = u8::try_from(width).expect("numbers are 64 bits");
    }
    out.extend_from_slice(&widths);
    for (bits, miniblock) in widths.iter().zip(deltas.chunks(MINIBLOCK)) {
        let lacking = MINIBLOCK - miniblock.len();
        let values = miniblock.iter().map(distance).chain(std::iter::repeat_n(0, lacking));
        match bits {
            0 => {}
            8 => out.extend(values.map(|value| value.to_le_bytes()[0])),
            _ => pack(values, u32::from(*bits), out),
        }
    }
}

/// Texts split into the prefix that each shares with the previous text, and the rest.
#[derive(Debug, Default)]
pub(super) struct TextParts {
    prefixes: Vec<i64>,
    lengths: Vec<i64>,
    bytes: Vec<u8>,
    last: Vec<u8>,
}

impl TextParts {
    /// Returns the number of bytes held for the texts.
    pub(super) const fn memory(&self) -> usize {
        (self.prefixes.len() + self.lengths.len()) * size_of::<i64>() + self.bytes.len()
    }

    /// Adds a text.
    #[inline]
    pub(super) fn push(&mut self, text: &[u8]) {
        let shared = shared_prefix(&self.last, text);
        let rest = &text[shared..];
        self.prefixes.push(count(shared));
        self.lengths.push(count(rest.len()));
        self.bytes.extend_from_slice(rest);
        self.last.truncate(shared);
        self.last.extend_from_slice(rest);
    }

    /// Adds the previous text with the number at its end incremented. Returns false, and adds nothing, if that number would
    /// have more digits.
    #[inline]
    pub(super) fn push_counted(&mut self) -> bool {
        let nines = self.last.iter().rev().take_while(|byte| **byte == b'9').count();
        let Some(at) = self.last.len().checked_sub(nines + 1) else {
            return false;
        };
        let Some((digit @ b'0'..=b'8', nines)) = self.last[at..].split_first_mut() else {
            return false;
        };
        *digit += 1;
        nines.fill(b'0');
        self.prefixes.push(count(at));
        self.lengths.push(count(nines.len() + 1));
        self.bytes.push(*digit);
        self.bytes.extend_from_slice(nines);
        true
    }

    /// Returns the previous text.
    pub(super) fn last(&self) -> &[u8] {
        &self.last
    }

    /// Returns the number of bytes held.
    pub(super) const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Appends the texts as `DELTA_BYTE_ARRAY` and removes them.
    pub(super) fn write(&mut self, out: &mut Vec<u8>) {
        write_aligned(&self.prefixes, out);
        write_aligned(&self.lengths, out);
        out.extend_from_slice(&self.bytes);
        self.clear();
    }

    pub(super) fn clear(&mut self) {
        self.prefixes.clear();
        self.lengths.clear();
        self.bytes.clear();
        self.last.clear();
    }
}

fn shared_prefix(one: &[u8], other: &[u8]) -> usize {
    let (eights, others) = (one.as_chunks::<8>().0, other.as_chunks::<8>().0);
    let mut shared = 0;
    for (one, other) in eights.iter().zip(others) {
        let differ = u64::from_le_bytes(*one) ^ u64::from_le_bytes(*other);
        if differ != 0 {
            return shared + differ.trailing_zeros() as usize / 8;
        }
        shared += 8;
    }
    let tails = one.iter().zip(other).skip(shared);
    shared + tails.take_while(|(one, other)| one == other).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incremented_text_is_written_like_a_whole_one() {
        let (mut counted, mut whole) = (TextParts::default(), TextParts::default());
        for start in [1, 98, 9_999_998_u64] {
            let id = |number| format!("k-{number:010}");
            counted.push(id(start).as_bytes());
            whole.push(id(start).as_bytes());
            for number in start + 1..start + 5 {
                assert!(counted.push_counted());
                whole.push(id(number).as_bytes());
                assert_eq!(counted.last(), whole.last());
            }
        }
        let mut pages = [Vec::new(), Vec::new()];
        counted.write(&mut pages[0]);
        whole.write(&mut pages[1]);
        assert_eq!(pages[0], pages[1]);
        counted.push(b"k-9999999999");
        assert!(!counted.push_counted(), "one more digit is another text");
        assert_eq!(counted.last(), b"k-9999999999");
    }
}
