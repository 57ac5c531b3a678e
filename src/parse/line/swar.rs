//! Eight bytes at a time: what a register tells of them without a branch for each.

/// The highest bit of each byte.
const HIGH: u64 = u64::from_le_bytes([0x80; 8]);

/// Eight times the byte.
const fn repeat(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// A mask whose lowest bit that is set lies in the first byte below `bound` (at most 128); nought where there is none.
pub(crate) const fn below(word: u64, bound: u8) -> u64 {
    word.wrapping_sub(repeat(bound)) & !word & HIGH
}

/// As [`below`], for the first byte that equals `byte`.
pub(crate) const fn equal(word: u64, byte: u8) -> u64 {
    below(word ^ repeat(byte), 1)
}

/// The position of the byte that a mask marks first.
pub(crate) fn first(mask: u64) -> usize {
    usize::try_from(mask.trailing_zeros() / 8).unwrap_or(0)
}

/// The decimal number in the first `len` bytes, one to eight; nothing where one of them is no digit.
#[inline]
pub(crate) fn number(word: u64, len: u32) -> Option<u32> {
    // The digits stand highest in the register and noughts in front of them.
    let digits = (word ^ repeat(b'0')).checked_shl(64 - 8 * len)?;
    if (digits | digits.wrapping_add(repeat(0x80 - 10))) & HIGH != 0 {
        return None;
    }
    // Neighbours are joined: digits to pairs, pairs to fours, fours to eight.
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let odd = (pairs & 0x0000_00ff_0000_00ff).wrapping_mul(0x000f_4240_0000_0064);
    let even = (pairs >> 16 & 0x0000_00ff_0000_00ff).wrapping_mul(0x0000_2710_0000_0001);
    u32::try_from(odd.wrapping_add(even) >> 32).ok()
}
