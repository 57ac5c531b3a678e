//! Counts, sizes, durations and shares as people read them, in integer arithmetic.

use std::fmt::{self, Display};

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Count,
    Bytes,
    /// Microseconds.
    Time,
}

/// The units of each kind with their sizes, the largest first. Each has a number of up to three digits before the point, except
/// for the largest.
const COUNTS: [(u64, &str); 4] = [(1_000_000_000, " G"), (1_000_000, " M"), (1_000, " k"), (1, "")];
const BYTES: [(u64, &str); 5] = [
    (1_000_000_000_000, " TB"),
    (1_000_000_000, " GB"),
    (1_000_000, " MB"),
    (1_000, " kB"),
    (1, " B"),
];
const TIMES: [(u64, &str); 4] = [(60_000_000, " min"), (1_000_000, " s"), (1_000, " ms"), (1, " µs")];
/// Below this, a time is written in seconds: `90 s`, not `1.5 min`.
const SHORTEST_IN_MINUTES: u64 = 600_000_000;

impl Unit {
    /// Returns a number in about three digits, with its unit.
    pub(super) fn short(self, value: u64) -> String {
        if value == 0 && self == Self::Time {
            return "0 s".to_owned();
        }
        let units: &[(u64, &str)] = match self {
            Self::Count => &COUNTS,
            Self::Bytes => &BYTES,
            Self::Time if value < SHORTEST_IN_MINUTES => TIMES.get(1..).unwrap_or(&TIMES),
            Self::Time => &TIMES,
        };
        let (size, name) = units
            .iter()
            .copied()
            .find(|(size, _)| value >= *size)
            .unwrap_or((1, units.last().map_or("", |unit| unit.1)));
        let (whole, rest) = (value / size, value % size);
        // One digit after the point for two digits before it, two for one.
        let digits = match whole {
            0..10 => 2,
            10..100 => 1,
            _ => 0,
        };
        let scale = 10_u64.pow(digits);
        let fraction = u64::try_from(u128::from(rest) * u128::from(scale) / u128::from(size)).unwrap_or(0);
        let text = if fraction == 0 {
            grouped(whole)
        } else {
            let padded = format!("{fraction:0width$}", width = digits as usize);
            format!("{}.{}", grouped(whole), padded.trim_end_matches('0'))
        };
        text + name
    }

    /// Returns the number as tables show it: counts in full.
    pub(super) fn full(self, value: u64) -> String {
        match self {
            Self::Count => grouped(value),
            Self::Bytes | Self::Time => self.short(value),
        }
    }
}

/// Returns a count with commas between groups of three digits.
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share in percent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Percent {
    pub(super) part: u64,
    pub(super) whole: u64,
}

impl Display for Percent {
    /// Writes two digits after the point; a part that is not zero is never `0 %`, and one that is not the whole never `100 %`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { part, whole } = *self;
        if whole == 0 {
            return out.write_str("–");
        }
        let of_ten_thousand = (u128::from(part) * 10_000 + u128::from(whole) / 2) / u128::from(whole);
        match of_ten_thousand {
            0 if part > 0 => out.write_str("< 0.01 %"),
            10_000 if part < whole => out.write_str("> 99.99 %"),
            share if share.is_multiple_of(100) => write!(out, "{} %", share / 100),
            share if share.is_multiple_of(10) => write!(out, "{}.{} %", share / 100, share % 100 / 10),
            share => write!(out, "{}.{:02} %", share / 100, share % 100),
        }
    }
}

/// Returns the largest of 1, 2 or 5 times a power of ten that gives at most `most` steps up to `value`, at least 1.
pub(super) fn round_step(value: u64, most: u64) -> u64 {
    let wanted = value.div_ceil(most.max(1)).max(1);
    let mut power = 1_u64;
    loop {
        for factor in [1, 2, 5] {
            let step = power.saturating_mul(factor);
            if step >= wanted {
                return step;
            }
        }
        power = power.saturating_mul(10);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_about_three_digits() {
        for (unit, value, text) in [
            (Unit::Count, 0, "0"),
            (Unit::Count, 999, "999"),
            (Unit::Count, 1_000, "1 k"),
            (Unit::Count, 1_250, "1.25 k"),
            (Unit::Count, 1_050_000, "1.05 M"),
            (Unit::Count, 12_345_678, "12.3 M"),
            (Unit::Count, u64::MAX, "18,446,744,073 G"),
            (Unit::Bytes, 0, "0 B"),
            (Unit::Bytes, 1_500, "1.5 kB"),
            (Unit::Bytes, 7_000_000_000_000, "7 TB"),
            (Unit::Time, 0, "0 s"),
            (Unit::Time, 850, "850 µs"),
            (Unit::Time, 12_345, "12.3 ms"),
            (Unit::Time, 1_667_000, "1.66 s"),
            (Unit::Time, 90_000_000, "90 s"),
            (Unit::Time, 5_400_000_000, "90 min"),
        ] {
            assert_eq!(unit.short(value), text);
        }
        assert_eq!(Unit::Count.full(1_234_567), "1,234,567");
        assert_eq!(Unit::Bytes.full(1_234_567), "1.23 MB");
        assert_eq!(
            [0, 12, 123, 1_234, 123_456].map(grouped),
            ["0", "12", "123", "1,234", "123,456"]
        );
    }

    #[test]
    fn a_share_is_0_or_100_percent_only_if_it_is() {
        for (part, whole, text) in [
            (0, 0, "–"),
            (0, 7, "0 %"),
            (7, 7, "100 %"),
            (1, 2, "50 %"),
            (1, 8, "12.5 %"),
            (1, 3, "33.33 %"),
            (1, 1_000_000, "< 0.01 %"),
            (999_999, 1_000_000, "> 99.99 %"),
            (u64::MAX - 1, u64::MAX, "> 99.99 %"),
        ] {
            assert_eq!(Percent { part, whole }.to_string(), text);
        }
    }

    #[test]
    fn steps_are_round() {
        for (value, step) in [
            (0, 1),
            (3, 1),
            (4, 1),
            (5, 2),
            (9, 5),
            (30, 10),
            (81, 50),
            (400, 100),
            (1_234_567, 500_000),
        ] {
            assert_eq!(round_step(value, 4), step, "{value}");
        }
        assert!(round_step(u64::MAX, 4) > u64::MAX / 5);
    }
}
