//! Percent-encoding, which a client may repeat and write in either case.

use std::borrow::Cow;

use percent_encoding::percent_decode;

use crate::parse::line::text::hex_byte;

/// The maximum number of times that text is decoded. Text that is encoded more often is not what a server reads.
const MAX_ROUNDS: usize = 4;

/// Returns text with its percent-encoding undone, however often it was encoded.
pub(super) fn decoded(text: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'%', text).is_none() {
        return Cow::Borrowed(text);
    }
    let mut text = Cow::Borrowed(text);
    for _ in 0..MAX_ROUNDS {
        let next: Vec<u8> = percent_decode(&text).collect();
        if next == *text {
            break;
        }
        text = Cow::Owned(next);
    }
    text
}

/// Returns the byte that text begins with, if necessary decoded, and the length of its form.
pub(super) fn first(text: &[u8]) -> Option<(u8, usize)> {
    let (first, mut rest) = text.split_first()?;
    if *first != b'%' {
        return Some((*first, 1));
    }
    while let Some(next) = rest.strip_prefix(b"25") {
        rest = next;
    }
    let [high, low, ..] = rest else { return Some((b'%', 1)) };
    match hex_byte(*high, *low) {
        Some(byte) => Some((byte, text.len() - rest.len() + 2)),
        None => Some((b'%', 1)),
    }
}

/// Returns the position and the length of the first byte, encoded or not, that is one of `bytes`.
pub(super) fn find(text: &[u8], bytes: &[u8]) -> Option<(usize, usize)> {
    let mut at = 0;
    while let Some(rest) = text.get(at..) {
        let (byte, len) = first(rest)?;
        if bytes.contains(&byte) {
            return Some((at, len));
        }
        // An encoded percent sign may begin another form, so no form is skipped as a whole.
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_encoding_is_undone() {
        assert_eq!(*decoded(b"a%2540%62"), *b"a@b");
        assert_eq!(*decoded(b"%zz%"), *b"%zz%");
        assert_eq!(find(b"a%3fb?", b"?"), Some((1, 3)));
        assert_eq!(find(b"a%25253Fb", b"?"), Some((1, 7)));
        assert_eq!(find(b"a%2", b"?"), None);
        assert_eq!(find(b"%%3F", b"?"), Some((1, 3)));
    }
}
