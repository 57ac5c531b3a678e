//! Keys of what is counted: texts, some of them null, as bytes.

use crate::escape::escaped;

/// The maximum length of a text in a key, in bytes. Longer texts are cut.
pub(in crate::report) const MAX_TEXT: usize = 256;

// Bytes that no UTF-8 text contains.
const SEPARATOR: u8 = 0xfe;
const NULL: &[u8] = &[0xff];

/// Returns the key of one text.
#[inline]
pub(in crate::report) fn single(text: Option<&[u8]>) -> &[u8] {
    match text {
        Some(text) if text.len() <= MAX_TEXT => text,
        Some(text) => cut(text),
        None => NULL,
    }
}

/// Returns the first bytes of a long text, without part of a character at the end.
#[cold]
fn cut(text: &[u8]) -> &[u8] {
    let is_inside = |at: &usize| text.get(*at).is_some_and(|byte| byte & 0xc0 == 0x80);
    let end = (0..=MAX_TEXT).rev().find(|at| !is_inside(at)).unwrap_or(MAX_TEXT);
    text.get(..end).unwrap_or(text)
}

/// Returns the text of a key of one text.
pub(in crate::report) fn text_of(key: &[u8]) -> Option<String> {
    // Texts of events are UTF-8.
    (key != NULL).then(|| str::from_utf8(key).map_or_else(|_| escaped(key).to_string(), str::to_owned))
}

/// Returns the texts of a key.
pub(in crate::report) fn texts_of<const N: usize>(key: &[u8]) -> [Option<String>; N] {
    let mut parts = key.split(|byte| *byte == SEPARATOR);
    std::array::from_fn(|_| parts.next().and_then(text_of))
}

/// A buffer to make keys of several texts in.
#[derive(Debug, Default)]
pub(in crate::report) struct KeyBuffer(Vec<u8>);

impl KeyBuffer {
    pub(in crate::report) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Returns the key of texts.
    #[inline]
    pub(in crate::report) fn key(&mut self, texts: &[Option<&[u8]>]) -> &[u8] {
        self.0.clear();
        for (number, text) in texts.iter().enumerate() {
            if number > 0 {
                self.0.push(SEPARATOR);
            }
            self.0.extend_from_slice(single(*text));
        }
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_back() {
        let mut buffer = KeyBuffer::default();
        let key = buffer.key(&[Some(b"a"), None, Some(b""), Some("é".as_bytes())]);
        let texts = texts_of::<5>(key);
        assert_eq!(
            texts,
            [
                Some("a".to_owned()),
                None,
                Some(String::new()),
                Some("é".to_owned()),
                None
            ]
        );
        assert_eq!(text_of(single(None)), None);
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        for (text, len) in [
            ("x".repeat(256), 256),
            ("x".repeat(300), 256),
            ("é".repeat(200), 256),
            ("€".repeat(99), 255),
        ] {
            assert_eq!(single(Some(text.as_bytes())).len(), len, "{}", text.len());
        }
    }
}
