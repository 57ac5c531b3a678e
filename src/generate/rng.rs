//! A small random number generator with a fixed sequence.

/// `SplitMix64`. It is implemented here so that no release of a crate changes the bytes of the samples.
#[derive(Debug, Clone)]
pub(super) struct Rng(u64);

/// The purpose of a stream of random numbers. Streams of different purposes are independent, so hostile lines do not change
/// the ordinary lines between them.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stream {
    Line = 1,
    Class = 2,
    Hostile = 3,
    Connection = 4,
    Client = 5,
    Target = 6,
    Name = 7,
    Fallback = 8,
    Token = 9,
    Agent = 10,
}

impl Rng {
    /// Returns the stream of one line, connection, client and so on, for a seed.
    pub(super) const fn of(seed: u64, stream: Stream, number: u64) -> Self {
        Self(mix(seed ^ mix(number ^ mix(stream as u64))))
    }

    /// Returns the next 64 random bits.
    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// Returns a number below `end`, which is less than 2^32; 0 if `end` is 0.
    pub(super) const fn below(&mut self, end: u64) -> u64 {
        ((self.next() >> 32) * end) >> 32
    }

    /// Returns a number from `first` to `last`.
    pub(super) const fn range(&mut self, first: u64, last: u64) -> u64 {
        first + self.below(last - first + 1)
    }

    /// Returns a number below `end`, which is less than 2^32; small numbers are far more frequent, like popular pages and busy
    /// clients.
    pub(super) const fn skewed(&mut self, end: u64) -> u64 {
        let part = self.next() >> 48;
        let square = (part * part) >> 16;
        (((square * part) >> 16) * end) >> 16
    }

    /// Returns true in `of_thousand` of a thousand cases.
    pub(super) const fn chance(&mut self, of_thousand: u64) -> bool {
        self.below(1000) < of_thousand
    }

    /// Returns one of the items, with equal probability.
    pub(super) fn pick<T: Copy + Default>(&mut self, items: &[T]) -> T {
        let at = self.below(items.len().try_into().unwrap_or(0));
        items.get(usize::try_from(at).unwrap_or(0)).copied().unwrap_or_default()
    }

    /// Returns one of the items, with a probability proportional to its weight.
    pub(super) fn weighted<T: Copy + Default>(&mut self, items: &[(u64, T)]) -> T {
        let mut at = self.below(items.iter().map(|(weight, _)| weight).sum());
        for (weight, item) in items {
            if at < *weight {
                return *item;
            }
            at -= weight;
        }
        T::default()
    }
}

const fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sequence that the authors of the algorithm publish for the seed 1234567.
    #[test]
    fn the_sequence_is_that_of_splitmix64() {
        let mut rng = Rng(1_234_567);
        assert_eq!(
            [rng.next(), rng.next()],
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]
        );
    }

    #[test]
    fn numbers_are_within_their_bounds() {
        let mut rng = Rng::of(1, Stream::Line, 0);
        for end in 1..1000 {
            assert!(rng.below(end) < end && rng.skewed(end) < end);
            assert!((end..=end + 3).contains(&rng.range(end, end + 3)));
        }
        assert_eq!(rng.below(0), 0);
    }
}
