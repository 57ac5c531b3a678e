//! A buffer for JSON lines that is written in whole registers.
//!
//! The parts of a JSON line are short: keys of 20 bytes, values of 10. Copying a whole register and counting only the bytes
//! that belong to the text is faster than a call that copies exactly those.

use std::borrow::Cow;

use wide::u8x16;

/// The number of bytes of a register.
const STEP: usize = 16;
/// The number of bytes kept free after the text, so whole registers can always be written.
const SLACK: usize = 6 * STEP;
/// The number of bytes of the longest text that is written after a constant at once.
const LONGEST: usize = 3 * STEP;

/// A growing text. Bytes after its end are unspecified.
#[derive(Debug, Default)]
pub struct LineBuffer {
    buffer: Vec<u8>,
    len: usize,
}

/// A text that is written often, prepared to be written in registers.
#[derive(Debug)]
pub(super) struct Constant {
    /// Its beginning, empty for nearly all.
    begin: Vec<u8>,
    /// Its last bytes, fewer than a register pair has.
    tail: [u8; TAIL],
    tail_len: usize,
}

/// The number of bytes of a constant's tail that are written whatever its length; a power of two.
const TAIL: usize = 2 * STEP;
/// The number of bytes that are written at once: a constant's tail, then a value.
const WINDOW: usize = SLACK;

impl Constant {
    /// The text between two items of a list.
    pub(super) const NEXT_ITEM: Self = {
        let mut tail = [0; TAIL];
        (tail[0], tail[1]) = (b',', b'"');
        Self {
            begin: Vec::new(),
            tail,
            tail_len: 2,
        }
    };

    pub(super) fn new(text: &[u8]) -> Self {
        let (begin, end) = text.split_at(text.len().saturating_sub(TAIL - 1));
        let mut tail = [0; TAIL];
        tail[..end.len()].copy_from_slice(end);
        Self {
            begin: begin.to_vec(),
            tail,
            tail_len: end.len(),
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
        self.put_after(constant, &[], 0);
    }

    /// Appends a constant and the first `len` bytes of a text of known size, at most [`LONGEST`].
    #[expect(
        clippy::inline_always,
        reason = "each value of each event is written by a call: saving registers would cost as much as the copy"
    )]
    #[inline(always)]
    pub(super) fn put_after<const N: usize>(&mut self, constant: &Constant, text: &[u8; N], len: usize) {
        self.put_begin(constant);
        // The compiler knows that everything fits: the only check is that of the window.
        let window = self.window();
        let at = constant.tail_len % TAIL;
        window[..TAIL].copy_from_slice(&constant.tail);
        window[at..at + N].copy_from_slice(text);
        self.len += at + len.min(N);
    }

    /// Appends a constant that ends in a quote, and the rest of the JSON string: the bytes of `base` from `start` up to `end`,
    /// none of which needs an escape, and a quote.
    #[expect(
        clippy::inline_always,
        reason = "each text of each event is written by a call: saving registers would cost as much as the copy"
    )]
    #[inline(always)]
    pub(super) fn put_clean(&mut self, constant: &Constant, base: &[u8], start: usize, end: usize) {
        let len = end - start;
        if len <= LONGEST
            && let Some(text) = base
                .get(start..start + LONGEST)
                .and_then(|text| text.first_chunk::<LONGEST>())
        {
            self.put_begin(constant);
            let window = self.window();
            let at = constant.tail_len % TAIL;
            window[..TAIL].copy_from_slice(&constant.tail);
            window[at..at + LONGEST].copy_from_slice(text);
            window[at + len] = b'"';
            self.len += at + len + 1;
        } else {
            self.put_long(constant, base, start, end);
        }
    }

    /// Appends the beginning of a constant, which nearly all do not have.
    #[inline]
    fn put_begin(&mut self, constant: &Constant) {
        if !constant.begin.is_empty() {
            self.put(&constant.begin);
        }
    }

    /// Like [`Self::put_clean`], for a long text.
    #[inline(never)]
    fn put_long(&mut self, constant: &Constant, base: &[u8], start: usize, end: usize) {
        self.put_constant(constant);
        let len = end - start;
        self.reserve(len + 1);
        let steps = len.div_ceil(TAIL);
        let from = base[start..].as_chunks::<TAIL>().0.get(..steps);
        let rest = &mut self.buffer[self.len..];
        match (from, rest.as_chunks_mut::<TAIL>().0.get_mut(..steps)) {
            (Some(from), Some(into)) => {
                for (from, into) in from.iter().zip(into) {
                    *into = *from;
                }
            }
            // At the end of the base.
            _ => rest[..len].copy_from_slice(&base[start..end]),
        }
        rest[len] = b'"';
        self.len += len + 1;
    }

    /// Returns the room after the text.
    #[inline]
    fn window(&mut self) -> &mut [u8; WINDOW] {
        if self.buffer.len().saturating_sub(self.len) < WINDOW {
            self.grow(self.len + WINDOW);
        }
        let room = self.buffer.get_mut(self.len..self.len + WINDOW);
        room.and_then(|room| room.first_chunk_mut()).expect("there is room")
    }

    /// Appends a text.
    #[inline(never)]
    pub(super) fn put(&mut self, text: &[u8]) {
        self.reserve(text.len());
        let end = self.len + text.len();
        self.buffer[self.len..end].copy_from_slice(text);
        self.len = end;
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
            buffer.put_after(&Constant::new(&text[..len / 2]), b"0123456789", len % 11);
            expected.extend_from_slice(&text[..len]);
            expected.extend_from_slice(&text[..len / 2]);
            expected.extend_from_slice(&b"0123456789"[..len % 11]);
            let (start, end) = (len / 3, len);
            buffer.put_clean(&Constant::NEXT_ITEM, &text, start, end);
            expected.extend_from_slice(b",\"");
            expected.extend_from_slice(&text[start..end]);
            expected.push(b'"');
        }
        assert_eq!(buffer.text(), expected);
        buffer.truncate(3);
        assert_eq!((buffer.text(), buffer.len()), (&expected[..3], 3));
    }
}
