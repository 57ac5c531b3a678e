//! The literals of an expression.

use crate::parse::line::time::timestamp_micros;

use super::node::{Op, Within};

/// A number as it was written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Number {
    /// The greatest integer that is not greater than the number.
    floor: i128,
    /// Whether the number is this integer.
    is_integer: bool,
    /// The nearest float.
    pub(super) float: f64,
}

impl Number {
    /// Parses digits with an optional fraction and exponent; returns `None` for a number beyond the range of floats.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::float_cmp,
        reason = "the cast saturates, beyond every value of a column; a float without a fraction equals its floor"
    )]
    pub(super) fn parse(text: &str, negative: bool) -> Option<Self> {
        let float: f64 = text.parse().ok().filter(|float: &f64| float.is_finite())?;
        let float = if negative { -float } else { float };
        let decimal = || {
            let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
            let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            if !digits(whole) || !digits(fraction) || whole.len() > 38 {
                return None;
            }
            let whole = if whole.is_empty() {
                0
            } else {
                whole.parse::<i128>().ok()?
            };
            let is_integer = fraction.bytes().all(|byte| byte == b'0');
            let floor = if negative {
                -whole - i128::from(!is_integer)
            } else {
                whole
            };
            Some((floor, is_integer))
        };
        // With an exponent, or with more digits than an integer column can have.
        let (floor, is_integer) = decimal().unwrap_or((float.floor() as i128, float.floor() == float));
        Some(Self {
            floor,
            is_integer,
            float,
        })
    }

    /// Returns an integer.
    pub(super) const fn integer(value: i64) -> Self {
        Self {
            floor: value as i128,
            is_integer: true,
            float: 0.0,
        }
    }

    /// Returns the number if it is an integer that a column may have.
    pub(super) fn as_integer(self) -> Option<i64> {
        i64::try_from(self.floor).ok().filter(|_| self.is_integer)
    }

    /// Returns the integers that compare with the number in this way.
    pub(super) fn within(self, op: Op) -> Within {
        // The floor of a number far beyond the range of integers is that of the wider type.
        let after = self.floor.saturating_add(1);
        let before = self.floor.saturating_sub(1);
        let at_least = if self.is_integer { self.floor } else { after };
        let at_most = if self.is_integer { before } else { self.floor };
        let (low, high) = match op {
            Op::Less => (i128::MIN, at_most),
            Op::LessOrEqual => (i128::MIN, self.floor),
            Op::Greater => (after, i128::MAX),
            Op::GreaterOrEqual => (at_least, i128::MAX),
            Op::Equal | Op::NotEqual => (at_least, self.floor),
        };
        Within::new(low, high, op == Op::NotEqual)
    }
}

/// Parses `YYYY-MM-DD`, optionally followed by a space or `T`, `HH:MM`, `:SS`, a fraction of up to six digits, and `Z`, into
/// microseconds since 1970.
pub(super) fn time(text: &str) -> Option<i64> {
    let text = text.strip_suffix('Z').filter(|text| text.len() > 10).unwrap_or(text);
    let (date, time) = match text.split_at_checked(10)? {
        (date, "") => (date, "00:00"),
        (date, rest) => (date, rest.strip_prefix([' ', 'T'])?),
    };
    let seconds = if time.len() == 5 { ":00" } else { "" };
    let fraction = time.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    if fraction > 6 || time.ends_with('Z') {
        return None;
    }
    timestamp_micros(format!("{date}T{time}{seconds}").as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::super::node::Op;
    use super::{Number, time};

    #[test]
    fn integers_compare_with_any_number() {
        let ops = [
            Op::Less,
            Op::LessOrEqual,
            Op::Greater,
            Op::GreaterOrEqual,
            Op::Equal,
            Op::NotEqual,
        ];
        // Whether the integer is less than, equal to or greater than the number.
        for (integer, text, negative, order) in [
            (5, "5", false, 0),
            (5, "5.0", false, 0),
            (5, "5.5", false, -1),
            (5, "4.5", false, 1),
            (-5, "5", true, 0),
            (-5, "5.5", true, 1),
            (-5, "4.5", true, -1),
            (500, "5e2", false, 0),
            (0, ".5", false, -1),
            (0, "1e-9", true, 1),
            (i64::MAX, "9223372036854775807", false, 0),
            (i64::MAX, "9223372036854775808", false, -1),
            (i64::MIN, "9223372036854775808", true, 0),
            (i64::MIN, "99999999999999999999999999999999999999999999", true, 1),
            (i64::MAX, "1e300", false, -1),
        ] {
            let number = Number::parse(text, negative).unwrap();
            let wanted = [order < 0, order <= 0, order > 0, order >= 0, order == 0, order != 0];
            assert_eq!(
                ops.map(|op| number.within(op).holds(integer)),
                wanted,
                "{integer} {text}"
            );
        }
        assert_eq!(Number::parse("1e999", false), None);
    }

    #[test]
    fn times_are_utc() {
        let noon = Some(1_791_374_400_000_000);
        for text in [
            "2026-10-07 12:00:00",
            "2026-10-07T12:00:00Z",
            "2026-10-07 12:00",
            "2026-10-07 12:00:00.000",
        ] {
            assert_eq!(time(text), noon, "{text}");
        }
        assert_eq!(time("2026-10-07"), noon.map(|noon| noon - 43_200_000_000));
        assert_eq!(time("2026-10-07 12:00:00.000001"), noon.map(|noon| noon + 1));
        for wrong in [
            "",
            "now",
            "2026-10-7",
            "2026-13-01",
            "2026-10-07Z",
            "2026-10-07 ",
            "2026-10-07 12",
            "2026-10-07 12:00:00+02:00",
            "2026-10-07 12:00:00ZZ",
            "2026-10-07 12:00:00.0000001",
            "2026-10-ä7",
        ] {
            assert_eq!(time(wrong), None, "{wrong}");
        }
    }
}
