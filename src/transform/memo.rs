//! A bounded memory of results by text.

use foldhash::fast::RandomState;
use hashbrown::HashMap;

/// What one entry takes up besides its text.
const ENTRY: usize = 64;

/// Results by the text that they were computed from. If they take up too much, all are forgotten: texts that are frequent are soon
/// back, and a client that sends ever new ones only costs time.
#[derive(Debug)]
pub(in crate::transform) struct Memo<V> {
    entries: HashMap<Vec<u8>, V, RandomState>,
    bytes: usize,
    max_bytes: usize,
}

impl<V> Memo<V> {
    pub(in crate::transform) fn new(max_bytes: usize) -> Self {
        Self {
            entries: HashMap::with_hasher(RandomState::default()),
            bytes: 0,
            max_bytes,
        }
    }

    /// Returns the result for a text, which is computed unless it is known.
    #[inline]
    pub(in crate::transform) fn get(&mut self, text: &[u8], compute: impl FnOnce() -> V) -> &mut V {
        if self.bytes > self.max_bytes && !self.entries.contains_key(text) {
            self.entries.clear();
            self.bytes = 0;
        }
        let bytes = &mut self.bytes;
        self.entries.entry_ref(text).or_insert_with(|| {
            *bytes += ENTRY + text.len();
            compute()
        })
    }

    #[cfg(test)]
    pub(in crate::transform) fn len(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::{ENTRY, Memo};

    #[test]
    fn results_are_computed_once_while_they_fit() {
        let mut memo = Memo::new(10 * (ENTRY + 1));
        let mut computed = 0;
        for text in [b"a", b"b", b"a", b"b"] {
            let result = *memo.get(text, || {
                computed += 1;
                text[0]
            });
            assert_eq!(result, text[0]);
        }
        assert_eq!(computed, 2);
        for byte in 0..=255_u8 {
            assert_eq!(*memo.get(&[byte], || byte), byte);
            assert!(memo.len() <= 12, "{}", memo.len());
        }
    }
}
