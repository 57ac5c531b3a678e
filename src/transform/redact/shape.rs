//! Masks text by its shape.

/// Appends text with every letter as `x` and every digit as `9`. A byte that is not ASCII becomes `x`, too. Punctuation and
/// white space stay, so the text keeps its length and its structure.
pub fn mask(text: &[u8], out: &mut Vec<u8>) {
    out.extend(text.iter().map(|byte| match byte {
        b'0'..=b'9' => b'9',
        b'a'..=b'z' | b'A'..=b'Z' | 0x80.. => b'x',
        other => *other,
    }));
}

/// Appends the mask of a value that was removed but whose name is kept.
pub(super) fn stars(out: &mut Vec<u8>) {
    out.extend_from_slice(b"***");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structure_and_length_are_kept() {
        let mut out = Vec::new();
        mask("GET /a-1?é=\"Zz09\"\t\n".as_bytes(), &mut out);
        assert_eq!(out, b"xxx /x-9?xx=\"xx99\"\t\n");
        let masked = std::mem::take(&mut out);
        mask(&masked, &mut out);
        assert_eq!(out, masked);
    }
}
