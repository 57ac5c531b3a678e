//! A buffer for JSON lines that is written in whole registers.
//!
//! The parts of a JSON line are short: keys of 20 bytes, values of 10. Copying a whole register and counting only the bytes
//! that belong to the text is faster than a call that copies exactly those.

use std::borrow::Cow;

use wide::u8x16;

/// The number of bytes of a register.
const STEP: usize = 16;
/// The number of bytes kept free after the text, so whole registers can always be written.
const SLACK: usize = 4 * STEP;

/// A growing text. Bytes after its end are unspecified.
#[derive(Debug, Default)]
pub struct LineBuffer {
    buffer: Vec<u8>,
    len: usize,
}

/// A text that is written often, prepared to be written in registers.
#[derive(Debug, Default)]
pub(super) struct Constant {
    /// Its first bytes, usually all of them.
    head: [u8; HEAD],
    /// The remaining bytes.
    rest: Vec<u8>,
    len: usize,
}

/// The number of bytes of a constant that are written whatever its length.
const HEAD: usize = 2 * STEP;

impl Constant {
    pub(super) fn new(text: &[u8]) -> Self {
        let (head, rest) = text.split_at_checked(HEAD).unwrap_or((text, &[]));
        let mut padded = [0; HEAD];
        padded[..head.len()].copy_from_slice(head);
        Self {
            head: padded,
            rest: rest.to_vec(),
            len: text.len(),
        }
    }
}

impl LineBuffer {
    /// Returns the text.
    pub fn text(&self) -> &[u8] {
        &self.buffer[..self.len]
    }

    /// Returns the length of the text in bytes.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Returns whether the text is empty.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the size of the buffer in bytes.
    pub const fn capacity(&self) -> usize {
        self.buffer.len()
    }

    /// Shortens the text to its first `len` bytes but keeps the buffer.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Replaces a byte of the text.
    pub(super) fn set_byte(&mut self, at: usize, byte: u8) {
        self.buffer[..self.len][at] = byte;
    }

    /// Makes room for `more` bytes.
    #[inline]
    fn reserve(&mut self, more: usize) {
        let needed = self.len + more + SLACK;
        if self.buffer.len() < needed {
            self.grow(needed);
        }
    }

    #[cold]
    fn grow(&mut self, needed: usize) {
        self.buffer.resize(needed.max(2 * self.buffer.len()), 0);
    }

    /// Appends a constant.
    #[inline]
    pub(super) fn put_constant(&mut self, constant: &Constant) {
        self.put_part(&constant.head, constant.len);
        if constant.len > HEAD {
            self.put(&constant.rest);
        }
    }

    /// Appends a short text.
    #[inline]
    pub(super) fn put(&mut self, text: &[u8]) {
        self.reserve(text.len());
        let end = self.len + text.len();
        self.buffer[self.len..end].copy_from_slice(text);
        self.len = end;
    }

    /// Appends the first `len` bytes of a text of known size; all of them if `len` is larger.
    #[inline]
    pub(super) fn put_part<const N: usize>(&mut self, text: &[u8; N], len: usize) {
        self.reserve(N);
        self.buffer[self.len..self.len + N].copy_from_slice(text);
        self.len += len.min(N);
    }

    /// Appends a byte.
    #[inline]
    pub(super) fn put_byte(&mut self, byte: u8) {
        self.reserve(1);
        self.buffer[self.len] = byte;
        self.len += 1;
    }

    /// Appends a JSON string without its opening quote: the bytes of `base` from `start` up to `end`, which are UTF-8.
    #[inline]
    pub(super) fn put_rest_of_string(&mut self, base: &[u8], start: usize, end: usize) {
        let len = end - start;
        // An escape has at most six bytes, the closing quote one.
        self.reserve(6 * len + 1);
        let from = base[start..].as_chunks::<STEP>().0;
        let rest = &mut self.buffer[self.len..];
        let mut left = len;
        for (from, into) in from.iter().zip(rest.as_chunks_mut::<STEP>().0) {
            *into = *from;
            let escapes = escapes(u8x16::new(*from));
            if left <= STEP {
                if escapes & ((1 << left) - 1) == 0 {
                    rest[len] = b'"';
                    self.len += len + 1;
                    return;
                }
                break;
            }
            if escapes != 0 {
                break;
            }
            left -= STEP;
        }
        // The bytes written so far need no escape; the rest has one, or is at the end of the base.
        self.len += len - left;
        self.put_slowly(&base[end - left..end]);
        self.put_byte(b'"');
    }

    #[cold]
    fn put_slowly(&mut self, text: &[u8]) {
        for byte in text {
            match byte {
                b'"' | b'\\' | ..b' ' => self.put_escape(*byte),
                _ => self.put_byte(*byte),
            }
        }
    }

    #[cold]
    fn put_escape(&mut self, byte: u8) {
        self.put(&escape(byte));
    }
}

/// Returns the JSON escape of a byte.
pub(super) fn escape(byte: u8) -> Cow<'static, [u8]> {
    Cow::Borrowed(match byte {
        b'"' => b"\\\"",
        b'\\' => b"\\\\",
        b'\n' => b"\\n",
        b'\r' => b"\\r",
        b'\t' => b"\\t",
        _ => return Cow::Owned(format!("\\u{byte:04x}").into_bytes()),
    })
}

/// Returns a mask of the bytes that JSON escapes.
#[inline]
fn escapes(bytes: u8x16) -> u32 {
    let control = bytes.min(u8x16::splat(b' ' - 1)).simd_eq(bytes);
    let marks = bytes.simd_eq(u8x16::splat(b'"')) | bytes.simd_eq(u8x16::splat(b'\\'));
    (control | marks).to_bitmask()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serde_json_reads_the_strings_back() {
        let texts = [
            "",
            "plain",
            "q\"b\\s/",
            "\u{0}\u{1f}\n\r\t\u{7f}\u{2028}é\u{1F600}",
            "=cmd|' /C calc'!A0",
            "longer than a register, with \"quotes\" and \u{1} in more than one of them",
        ];
        let every_byte = (0..=0x7f_u8).flat_map(|byte| {
            (0..40).map(move |at| {
                let mut text = [b'x'; 40];
                text[at] = byte;
                String::from_utf8(text.to_vec()).unwrap()
            })
        });
        for text in texts.map(str::to_owned).into_iter().chain(every_byte) {
            // At the end of the base, and before other text.
            for after in ["", "\" after the text \\ is more than a register"] {
                let base = format!("before{text}{after}");
                let mut buffer = LineBuffer::default();
                buffer.put_byte(b'"');
                buffer.put_rest_of_string(base.as_bytes(), 6, 6 + text.len());
                assert_eq!(serde_json::from_slice::<String>(buffer.text()).unwrap(), text);
            }
        }
    }

    #[test]
    fn constants_and_parts_keep_their_length() {
        let mut buffer = LineBuffer::default();
        let text: Vec<u8> = (b'a'..=b'z').cycle().take(100).collect();
        let mut expected = Vec::new();
        for len in 0..100 {
            buffer.put_constant(&Constant::new(&text[..len]));
            buffer.put_part(b"0123456789", len % 11);
            expected.extend_from_slice(&text[..len]);
            expected.extend_from_slice(&b"0123456789"[..len % 11]);
        }
        assert_eq!(buffer.text(), expected);
        buffer.truncate(3);
        assert_eq!((buffer.text(), buffer.len()), (&expected[..3], 3));
    }
}
