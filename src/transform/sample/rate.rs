//! The rate at which events are kept.

use std::fmt;

/// A fraction in lowest terms, greater than zero and at most one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rate {
    kept: u32,
    of: u32,
}

impl Rate {
    /// Every event.
    pub(super) const ALL: Self = Self { kept: 1, of: 1 };

    /// Parses `all` or a fraction such as `1/100`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("all") {
            return Some(Self::ALL);
        }
        // Signs would parse as well.
        let number = |digits: &str| {
            let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse::<u32>().ok().filter(|number| is_number && *number > 0)
        };
        let (kept, of) = text.split_once('/')?;
        let (kept, of) = (number(kept)?, number(of)?);
        let divisor = greatest_common_divisor(kept, of);
        (kept <= of).then(|| Self {
            kept: kept / divisor,
            of: of / divisor,
        })
    }

    pub(super) fn is_all(self) -> bool {
        self == Self::ALL
    }

    /// Returns whether the events with a hash are kept: hashes below the fraction of 2^64 are.
    pub(super) fn keeps(self, hash: u64) -> bool {
        u128::from(hash) * u128::from(self.of) < u128::from(self.kept) << 64
    }

    /// Returns the number of events that a kept one represents.
    pub(super) fn weight(self) -> f64 {
        f64::from(self.of) / f64::from(self.kept)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kept, of } = self;
        if self.is_all() {
            out.write_str("all")
        } else {
            write!(out, "{kept}/{of}")
        }
    }
}

const fn greatest_common_divisor(mut left: u32, mut right: u32) -> u32 {
    while right > 0 {
        (left, right) = (right, left % right);
    }
    left
}

#[cfg(test)]
mod tests {
    use super::Rate;

    #[test]
    fn fractions_are_exact_at_their_borders() {
        let rate = |text| Rate::parse(text).unwrap();
        // The greatest hash below a hundredth of 2^64, and the next.
        let border = u64::try_from((1_u128 << 64) / 100).unwrap();
        assert!(rate("1/100").keeps(border) && !rate("1/100").keeps(border + 1));
        assert!(rate("1/2").keeps(u64::MAX / 2) && !rate("1/2").keeps(u64::MAX / 2 + 1));
        assert!(rate("all").keeps(u64::MAX) && rate("3/3").is_all());
        assert!(rate("1/4294967295").keeps(0) && !rate("4294967294/4294967295").keeps(u64::MAX));
        assert_eq!(rate("20/100").to_string(), "1/5");
        assert_eq!(rate("2/5").weight().to_bits(), 2.5_f64.to_bits());
        for wrong in [
            "",
            "1",
            "0/5",
            "1/0",
            "6/5",
            "+1/5",
            "1/-5",
            "0.5",
            "1/4294967296",
            "1//2",
            "/2",
        ] {
            assert_eq!(Rate::parse(wrong), None, "{wrong}");
        }
    }
}
