//! A buffer that text is written into sixteen bytes at a time.
//!
//! Most of what a JSON line consists of is short: keys of twenty bytes, values of ten. Copying a whole register and
//! counting only the bytes that belong to the text is quicker than a call that copies exactly those.

use std::borrow::Cow;

use wide::u8x16;

/// The bytes of a register.
const STEP: usize = 16;
/// What stays free behind the text, so that a register can always be written.
const SLACK: usize = 4 * STEP;

/// Text that grows. Bytes behind its end are of no meaning.
#[derive(Debug, Default)]
pub struct Sink {
    buffer: Vec<u8>,
    len: usize,
}

/// A text that is written often, with what is needed to write it in registers.
#[derive(Debug, Default)]
pub(super) struct Constant {
    /// Its beginning, which is mostly all of it.
    head: [u8; HEAD],
    /// What stands behind that.
    rest: Vec<u8>,
    len: usize,
}

/// The bytes of a constant that are written without a look at its length.
const HEAD: usize = 2 * STEP;

impl Constant {
    pub(super) fn new(text: &[u8]) -> Self {
        let (head, rest) = text.split_at_checked(HEAD).unwrap_or((text, &[]));
        let mut padded = [0; HEAD];
        for (into, byte) in padded.iter_mut().zip(head) {
            *into = *byte;
        }
        Self {
            head: padded,
            rest: rest.to_vec(),
            len: text.len(),
        }
    }
}

impl Sink {
    /// The text so far.
    pub fn text(&self) -> &[u8] {
        self.buffer.get(..self.len).unwrap_or_default()
    }

    /// The length of the text in bytes.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing was written.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes that are held, used or not.
    pub const fn capacity(&self) -> usize {
        self.buffer.len()
    }

    /// Cuts the text to its first `len` bytes; keeps the buffer.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Puts another byte in the place of one of the text.
    pub(super) fn set_byte(&mut self, at: usize, byte: u8) {
        if let Some(into) = self.buffer.get_mut(at).filter(|_| at < self.len) {
            *into = byte;
        }
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
        if let Some(into) = self.buffer.get_mut(self.len..end) {
            into.copy_from_slice(text);
        }
        self.len = end;
    }

    /// Appends the first `len` bytes of a text of known size.
    #[inline]
    pub(super) fn put_part<const N: usize>(&mut self, text: &[u8; N], len: usize) {
        self.reserve(N);
        let rest = self.buffer.get_mut(self.len..).unwrap_or_default();
        if let Some(into) = rest.first_chunk_mut() {
            *into = *text;
        }
        self.len += len.min(N);
    }

    /// Appends a byte.
    #[inline]
    pub(super) fn put_byte(&mut self, byte: u8) {
        self.reserve(1);
        if let Some(into) = self.buffer.get_mut(self.len) {
            *into = byte;
        }
        self.len += 1;
    }

    /// Appends a JSON string without its opening quote: the text from `start` to before `end` of `base`, which is
    /// UTF-8.
    #[inline]
    pub(super) fn put_rest_of_string(&mut self, base: &[u8], start: usize, end: usize) {
        let len = end.saturating_sub(start);
        // An escape takes six bytes at most, the closing quote one.
        self.reserve(6 * len + 1);
        let from = base.get(start..).unwrap_or_default().as_chunks::<STEP>().0;
        let rest = self.buffer.get_mut(self.len..).unwrap_or_default();
        let mut left = len;
        for (from, into) in from.iter().zip(rest.as_chunks_mut::<STEP>().0) {
            *into = *from;
            let escapes = escapes(u8x16::new(*from));
            if left <= STEP {
                if escapes & ((1 << left) - 1) == 0 {
                    if let Some(quote) = rest.get_mut(len) {
                        *quote = b'"';
                    }
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
        // What was written so far has no escape; the rest has one, or stands at the end of the base.
        self.len += len - left;
        self.put_slowly(base.get(end - left..end).unwrap_or_default());
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

/// How JSON writes a byte that it escapes.
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

/// A mask of the bytes that JSON escapes.
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
    fn strings_are_what_serde_json_reads() {
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
            // In front of other text, and as the last of all.
            for behind in ["", "\" behind the text \\ stands more than a register"] {
                let base = format!("before{text}{behind}");
                let mut sink = Sink::default();
                sink.put_byte(b'"');
                sink.put_rest_of_string(base.as_bytes(), 6, 6 + text.len());
                assert_eq!(serde_json::from_slice::<String>(sink.text()).unwrap(), text);
            }
        }
    }

    #[test]
    fn constants_and_parts_keep_their_length() {
        let mut sink = Sink::default();
        let text: Vec<u8> = (b'a'..=b'z').cycle().take(100).collect();
        let mut expected = Vec::new();
        for len in 0..100 {
            sink.put_constant(&Constant::new(&text[..len]));
            sink.put_part(b"0123456789", len % 11);
            expected.extend_from_slice(&text[..len]);
            expected.extend_from_slice(&b"0123456789"[..len % 11]);
        }
        assert_eq!(sink.text(), expected);
        sink.truncate(3);
        assert_eq!((sink.text(), sink.len()), (&expected[..3], 3));
    }
}
