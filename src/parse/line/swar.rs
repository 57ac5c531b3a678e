//! SIMD within a register (SWAR): eight bytes at a time, without a branch per byte.

/// The highest bit of each byte.
pub(crate) const HIGH: u64 = u64::from_le_bytes([0x80; 8]);

/// Returns the byte, repeated eight times.
const fn repeat(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// Returns a mask whose lowest set bit is in the first byte below `bound` (at most 128); 0 if there is none.
pub(crate) const fn below(word: u64, bound: u8) -> u64 {
    word.wrapping_sub(repeat(bound)) & !word & HIGH
}

/// Like [`below`], for the first byte that equals `byte`.
pub(crate) const fn equal(word: u64, byte: u8) -> u64 {
    below(word ^ repeat(byte), 1)
}

/// Returns a mask of the highest bit of each byte that equals `byte`.
pub(crate) const fn every_equal(word: u64, byte: u8) -> u64 {
    let other = word ^ repeat(byte);
    !((other & !HIGH).wrapping_add(!HIGH) | other | !HIGH)
}

/// Returns the position of the first byte that a mask marks.
pub(crate) const fn first(mask: u64) -> usize {
    mask.trailing_zeros() as usize / 8
}

/// Returns the eight decimal digits of a number below 100,000,000, zeros before them, the first in the lowest byte.
#[inline]
pub(crate) const fn digits(number: u32) -> u64 {
    // Split eight digits into fours, fours into pairs, pairs into digits: the divisions are multiplications.
    let fours = (number / 10_000) as u64 | ((number % 10_000) as u64) << 32;
    let high = (fours * 10_486) >> 20 & 0x0000_007f_0000_007f;
    let pairs = high | (fours - 100 * high) << 16;
    let tens = (pairs * 103) >> 10 & 0x000f_000f_000f_000f;
    tens | (pairs - 10 * tens) << 8
}

/// Returns the decimal number in the first `len` bytes, one to eight; `None` if one of them is not a digit.
#[inline]
pub(crate) fn number(word: u64, len: u32) -> Option<u32> {
    // The digits are the highest bytes of the register, with zeros before them.
    let digits = (word ^ repeat(b'0')).checked_shl(64 - 8 * len)?;
    if (digits | digits.wrapping_add(repeat(0x80 - 10))) & HIGH != 0 {
        return None;
    }
    // Join neighbours: digits into pairs, pairs into fours, fours into eight.
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let odd = (pairs & 0x0000_00ff_0000_00ff).wrapping_mul(0x000f_4240_0000_0064);
    let even = (pairs >> 16 & 0x0000_00ff_0000_00ff).wrapping_mul(0x0000_2710_0000_0001);
    u32::try_from(odd.wrapping_add(even) >> 32).ok()
}
