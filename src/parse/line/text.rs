//! Unescapes text, once, into UTF-8.

use crate::formats::Escapes;

/// Appends the text of a field to `out` as UTF-8.
///
/// With `escapes`, `\xHH` and the eight-digit `\x000000HH` become the byte they encode and, if the log type writes it,
/// `\"` becomes a quote. Text is unescaped once: a client's own `\x41`, which is logged as `\x5Cx41`, becomes `\x41` again.
/// Bytes that are not UTF-8 afterwards keep their `\xHH` form.
pub fn append(raw: &[u8], escapes: Option<Escapes>, out: &mut Vec<u8>) {
    if is_plain(raw, escapes) {
        out.extend_from_slice(raw);
    } else {
        append_unusual(raw, escapes, out);
    }
}

/// Returns whether the text needs no change: ASCII and, if escapes are undone, without any.
#[inline]
pub fn is_plain(raw: &[u8], escapes: Option<Escapes>) -> bool {
    raw.is_ascii() && (escapes.is_none() || memchr::memchr(b'\\', raw).is_none())
}

/// Returns whether a byte is a printable ASCII character other than a quote and a backslash, which JSON does not escape.
pub const fn is_clean(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\'
}

#[cold]
fn append_unusual(raw: &[u8], escapes: Option<Escapes>, out: &mut Vec<u8>) {
    let mut bytes = Vec::with_capacity(raw.len());
    // The number of raw bytes that each byte was written with.
    let mut widths = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(first) = rest.first() {
        let (byte, width) = escapes
            .and_then(|escapes| unescape(rest, escapes))
            .unwrap_or((*first, 1));
        bytes.push(byte);
        widths.push(width);
        rest = &rest[width..];
    }
    let mut widths = widths.into_iter();
    let mut at = 0;
    for chunk in bytes.utf8_chunks() {
        out.extend_from_slice(chunk.valid().as_bytes());
        at += widths.by_ref().take(chunk.valid().len()).sum::<usize>();
        for byte in chunk.invalid() {
            match widths.next() {
                Some(width) if width > 1 => {
                    out.extend_from_slice(&raw[at..at + width]);
                    at += width;
                }
                _ => {
                    out.extend_from_slice(format!("\\x{byte:02X}").as_bytes());
                    at += 1;
                }
            }
        }
    }
}

/// Returns the byte that an escape at the start of `raw` encodes, and the length of the escape.
fn unescape(raw: &[u8], escapes: Escapes) -> Option<(u8, usize)> {
    match raw {
        [b'\\', b'"', ..] if escapes == Escapes::BackslashQuote => Some((b'"', 2)),
        [b'\\', b'x', b'0', b'0', b'0', b'0', b'0', b'0', high, low, ..] if hex_byte(*high, *low).is_some() => {
            Some((hex_byte(*high, *low)?, 10))
        }
        [b'\\', b'x', high, low, ..] => Some((hex_byte(*high, *low)?, 4)),
        _ => None,
    }
}

/// Returns the byte that two hexadecimal digits in either case stand for.
pub(crate) fn hex_byte(high: u8, low: u8) -> Option<u8> {
    let digit = |byte| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? * 16 + digit(low)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(raw: &[u8], escapes: Option<Escapes>) -> String {
        let mut out = Vec::new();
        append(raw, escapes, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn text_is_unescaped_once() {
        let hex = Some(Escapes::Hex);
        assert_eq!(text(br"a\x22b\x22", hex), r#"a"b""#);
        assert_eq!(text(br"\x5Cx41", hex), r"\x41");
        assert_eq!(text(br"\x00000022", hex), "\"");
        assert_eq!(text(br"\xC3\xA9t\xC3\xA9", hex), "été");
        assert_eq!(text(br"\x0A\x1B[31m", hex), "\n\u{1b}[31m");
        assert_eq!(text(br"\q \x \x4 \", hex), r"\q \x \x4 \");
        assert_eq!(
            text(br#"say \"hi\" \x22"#, Some(Escapes::BackslashQuote)),
            r#"say "hi" ""#
        );
        assert_eq!(text(br#"say \"hi\""#, hex), r#"say \"hi\""#);
        assert_eq!(text(br"\x22", None), r"\x22");
    }

    #[test]
    fn bytes_that_are_not_utf8_stay_escaped() {
        let hex = Some(Escapes::Hex);
        assert_eq!(text(br"\xff\xC3\x28", hex), r"\xff\xC3(");
        assert_eq!(text(b"caf\xE9", hex), r"caf\xE9");
        assert_eq!(text(b"caf\xE9", None), r"caf\xE9");
        assert_eq!(text("café".as_bytes(), None), "café");
        // One character, half raw and half escaped.
        assert_eq!(text(b"\xC3\\xA9", hex), "é");
        assert_eq!(text(b"\\xE2\\x82 \xE2", hex), r"\xE2\x82 \xE2");
    }
}
