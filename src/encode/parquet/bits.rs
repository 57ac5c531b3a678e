//! The RLE and bit-packing hybrid of Parquet, for levels and dictionary indices.

/// Appends the values, each of `width` bits, as runs of equal values and packed groups of eight.
pub(super) fn write_hybrid(values: &[u32], width: u32, out: &mut Vec<u8>) {
    let mut rest = values;
    // Values that wait to be packed; always before `rest`.
    let mut literals: &[u32] = &[];
    while let Some(first) = rest.first() {
        let run = rest.iter().take_while(|value| *value == first).count();
        let start = values.len() - rest.len() - literals.len();
        // A packed group holds eight: what it lacks is taken from the run.
        let lacking = (8 - literals.len() % 8) % 8;
        if run >= 8 + lacking {
            literals = values.get(start..start + literals.len() + lacking).unwrap_or_default();
            write_packed(literals, width, out);
            literals = &[];
            write_run(*first, run - lacking, width, out);
        } else {
            literals = values.get(start..start + literals.len() + run).unwrap_or_default();
        }
        rest = rest.get(run..).unwrap_or_default();
    }
    write_packed(literals, width, out);
}

/// Appends a run of equal values.
pub(super) fn write_run(value: u32, count: usize, width: u32, out: &mut Vec<u8>) {
    if count == 0 {
        return;
    }
    write_varint((count as u64) << 1, out);
    let bytes = usize::try_from(width.div_ceil(8)).unwrap_or(4);
    out.extend_from_slice(value.to_le_bytes().get(..bytes).unwrap_or_default());
}

/// Appends values in groups of eight; the last group is filled up with zeros.
fn write_packed(values: &[u32], width: u32, out: &mut Vec<u8>) {
    if values.is_empty() {
        return;
    }
    let groups = values.len().div_ceil(8);
    write_varint(((groups as u64) << 1) | 1, out);
    let mut packer = Packer::default();
    for value in values {
        packer.push(u64::from(*value), width, out);
    }
    for _ in values.len()..groups * 8 {
        packer.push(0, width, out);
    }
    packer.finish(out);
}

/// Packs values bit by bit, the lowest first.
#[derive(Debug, Default)]
pub(super) struct Packer {
    bits: u128,
    filled: u32,
}

impl Packer {
    #[inline]
    pub(super) fn push(&mut self, value: u64, width: u32, out: &mut Vec<u8>) {
        self.bits |= u128::from(value) << self.filled;
        self.filled += width;
        if self.filled >= 64 {
            let [low, _] = halves(self.bits);
            out.extend_from_slice(&low.to_le_bytes());
            self.bits >>= 64;
            self.filled -= 64;
        }
    }

    pub(super) fn finish(self, out: &mut Vec<u8>) {
        let bytes = usize::try_from(self.filled.div_ceil(8)).unwrap_or(16);
        out.extend_from_slice(self.bits.to_le_bytes().get(..bytes).unwrap_or_default());
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the two halves of the number")]
const fn halves(bits: u128) -> [u64; 2] {
    [bits as u64, (bits >> 64) as u64]
}

/// Appends an unsigned number, seven bits a byte.
pub(super) fn write_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// The fewest bits that hold the value.
pub(super) const fn width_of(value: u64) -> u32 {
    64 - value.leading_zeros()
}
