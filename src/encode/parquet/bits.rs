//! The RLE and bit-packing hybrid encoding of Parquet, for levels and dictionary indices, and bit packing of numbers.

/// The number of values of a group, the unit of bit packing.
const GROUP: usize = 8;

/// Appends the values, each of `width` bits, as runs of equal values and packed groups of eight. Runs begin at the borders
/// of groups: finding other starts would take longer than the few bytes saved are worth.
pub(super) fn write_hybrid(values: &[u32], width: u32, out: &mut Vec<u8>) {
    let (groups, tail) = values.as_chunks::<GROUP>();
    let flat = |group: &[u32; GROUP]| {
        let differ = group.iter().fold(0, |differ, value| differ | (*value ^ group[0]));
        (differ == 0).then_some(group[0])
    };
    write_groups(groups, width, out, flat, |group, out| pack_group(group, width, out));
    write_tail(tail, width, out);
}

/// Appends the levels of a flat column: one bit per row, set if the row has a value.
pub(super) fn write_flags(flags: &[bool], out: &mut Vec<u8>) {
    let (groups, tail) = flags.as_chunks::<GROUP>();
    let bits = |group: &[bool; GROUP]| {
        // Moves the lowest bit of each byte into the highest byte, in order.
        let bytes = u64::from_le_bytes(group.map(u8::from));
        bytes.wrapping_mul(0x0102_0408_1020_4080).to_be_bytes()[0]
    };
    let flat = |group: &[bool; GROUP]| match bits(group) {
        0 => Some(0),
        0xff => Some(1),
        _ => None,
    };
    write_groups(groups, 1, out, flat, |group, out| out.push(bits(group)));
    let mut levels = [0; GROUP];
    for (level, flag) in levels.iter_mut().zip(tail) {
        *level = u32::from(*flag);
    }
    write_tail(&levels[..tail.len()], 1, out);
}

/// Appends whole groups: `flat` returns the value of a group whose values are all equal, `pack` appends the bits of a group.
fn write_groups<T: PartialEq>(
    groups: &[T],
    width: u32,
    out: &mut Vec<u8>,
    flat: impl Fn(&T) -> Option<u32>,
    pack: impl Fn(&T, &mut Vec<u8>),
) {
    let packed = |groups: &[T], out: &mut Vec<u8>| {
        if !groups.is_empty() {
            write_varint((groups.len() as u64) << 1 | 1, out);
            for group in groups {
                pack(group, out);
            }
        }
    };
    // A run splits packed groups in two, which costs some bytes.
    let min_run = if width < 4 { 4 } else { 1 };
    let mut rest = groups;
    // The number of groups at the beginning of `rest` that wait to be packed.
    let mut waiting = 0;
    while let Some(group) = rest.get(waiting) {
        let Some(value) = flat(group) else {
            waiting += 1;
            continue;
        };
        let (before, from) = rest.split_at(waiting);
        let run = from.iter().take_while(|other| *other == group).count();
        if run < min_run {
            waiting += run;
            continue;
        }
        packed(before, out);
        write_run(value, run * GROUP, width, out);
        rest = &from[run..];
        waiting = 0;
    }
    packed(rest, out);
}

/// Appends the values after the last whole group.
fn write_tail(values: &[u32], width: u32, out: &mut Vec<u8>) {
    let Some(first) = values.first() else {
        return;
    };
    if values.iter().all(|value| value == first) {
        write_run(*first, values.len(), width, out);
        return;
    }
    let mut group = [0; GROUP];
    group[..values.len()].copy_from_slice(values);
    write_varint(1 << 1 | 1, out);
    pack_group(&group, width, out);
}

/// Appends a run of equal values.
pub(super) fn write_run(value: u32, count: usize, width: u32, out: &mut Vec<u8>) {
    if count == 0 {
        return;
    }
    write_varint((count as u64) << 1, out);
    let bytes = width.div_ceil(8) as usize;
    out.extend_from_slice(&value.to_le_bytes()[..bytes]);
}

/// Appends eight values of `width` bits, which take `width` bytes.
#[inline]
fn pack_group(group: &[u32; GROUP], width: u32, out: &mut Vec<u8>) {
    let end = out.len() + width as usize;
    let fours = group.as_chunks::<4>().0;
    // The bits of four values, those of the first are the lowest.
    let four = |at: usize| {
        fours[at]
            .iter()
            .rev()
            .fold(0, |bits, value| bits << width | u64::from(*value))
    };
    if width <= 8 {
        out.extend_from_slice(&(four(0) | four(1) << (4 * width)).to_le_bytes());
    } else if width <= 16 {
        let bits = u128::from(four(0)) | u128::from(four(1)) << (4 * width);
        out.extend_from_slice(&bits.to_le_bytes());
    } else {
        pack(group.iter().map(|value| u64::from(*value)), width, out);
    }
    out.truncate(end);
}

/// Appends values of `width` bits, the lowest bit first; the last byte is padded with zeros.
#[inline]
pub(super) fn pack(values: impl Iterator<Item = u64>, width: u32, out: &mut Vec<u8>) {
    let mut bits = 0_u128;
    let mut filled = 0;
    for value in values {
        bits |= u128::from(value) << filled;
        filled += width;
        if filled >= 64 {
            let [low, high] = halves(bits);
            out.extend_from_slice(&low.to_le_bytes());
            bits = u128::from(high);
            filled -= 64;
        }
    }
    let bytes = filled.div_ceil(8) as usize;
    out.extend_from_slice(&bits.to_le_bytes()[..bytes]);
}

#[expect(clippy::cast_possible_truncation, reason = "the two halves of the number")]
const fn halves(bits: u128) -> [u64; 2] {
    [bits as u64, (bits >> 64) as u64]
}

/// Appends an unsigned number as a varint: seven bits per byte.
#[inline]
pub(super) fn write_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// Appends a signed number as a zigzag varint: small numbers of either sign take few bytes.
pub(super) fn write_zigzag(value: i64, out: &mut Vec<u8>) {
    write_varint(((value << 1) ^ (value >> 63)).cast_unsigned(), out);
}

/// Returns the minimum number of bits that represent the value.
pub(super) const fn width_of(value: u64) -> u32 {
    64 - value.leading_zeros()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `count` values as the format specifies, bit by bit.
    fn read(mut bytes: &[u8], width: u32, count: usize) -> Vec<u32> {
        let mut values = Vec::new();
        while values.len() < count {
            let (mut head, mut shift) = (0_usize, 0);
            loop {
                let byte = bytes.split_off_first().unwrap();
                head |= usize::from(byte & 0x7f) << shift;
                shift += 7;
                if byte & 0x80 == 0 {
                    break;
                }
            }
            let packed = head & 1 == 1;
            let (numbers, repeated) = if packed { (head >> 1 << 3, 1) } else { (1, head >> 1) };
            let len = if packed {
                (head >> 1) * width as usize
            } else {
                width.div_ceil(8) as usize
            };
            let piece = bytes.split_off(..len).unwrap();
            for number in 0..numbers {
                let bit = |bit: usize| u32::from(piece[bit / 8] >> (bit % 8)) & 1;
                let bits = (0..width as usize).map(|at| bit(number * width as usize + at) << at);
                values.extend(std::iter::repeat_n(bits.sum::<u32>(), repeated));
            }
        }
        assert!(bytes.is_empty());
        values.truncate(count);
        values
    }

    #[test]
    fn runs_and_packed_values_of_every_width_round_trip() {
        for width in 0..=32_u32 {
            let most = u32::try_from((1_u64 << width) - 1).unwrap();
            // Runs of lengths below, between and above the borders of groups.
            for stretch in [1_u32, 3, 7, 8, 9, 31, 64, 200] {
                let value = |at: u32| (at / stretch % 5).wrapping_mul(0x9e37_79b9) & most;
                let values: Vec<u32> = (0..517).map(value).collect();
                let mut out = Vec::new();
                write_hybrid(&values, width, &mut out);
                assert_eq!(read(&out, width, values.len()), values, "{width} {stretch}");
            }
        }
        for stretch in [1, 2, 5, 8, 40, 1_000] {
            let flags: Vec<bool> = (0..523).map(|at| at / stretch % 3 == 0).collect();
            let mut out = Vec::new();
            write_flags(&flags, &mut out);
            let expected: Vec<u32> = flags.iter().map(|flag| u32::from(*flag)).collect();
            assert_eq!(read(&out, 1, flags.len()), expected, "{stretch}");
        }
    }
}
