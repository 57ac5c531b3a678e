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
