//! Numbers and times in the notation of load balancers.

use super::rng::{Rng, Stream};

/// Microseconds in a second.
pub(super) const SECOND: u64 = 1_000_000;
/// Microseconds in a day.
pub(super) const DAY: u64 = 86_400 * SECOND;

/// A year, a month and a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Date {
    pub(super) year: u64,
    pub(super) month: u64,
    pub(super) day: u64,
}

impl Date {
    /// Returns the day of a time in microseconds since 1970, with Howard Hinnant's algorithm for days since 1970.
    pub(super) const fn of(micros: u64) -> Self {
        let days = micros / DAY + 719_468;
        let era_day = days % 146_097;
        let era_year = (era_day - era_day / 1460 + era_day / 36_524 - era_day / 146_096) / 365;
        let year_day = era_day - (365 * era_year + era_year / 4 - era_year / 100);
        let shifted = (5 * year_day + 2) / 153;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let year = days / 146_097 * 400 + era_year + if month <= 2 { 1 } else { 0 };
        Self {
            year,
            month,
            day: year_day - (153 * shifted + 2) / 5 + 1,
        }
    }

    /// Returns the start of the day in microseconds since 1970.
    const fn start(self) -> u64 {
        let year = if self.month <= 2 { self.year - 1 } else { self.year };
        let shifted = if self.month > 2 { self.month - 3 } else { self.month + 9 };
        let era_year = year % 400;
        let era_day = era_year * 365 + era_year / 4 - era_year / 100 + (153 * shifted + 2) / 5 + self.day - 1;
        (year / 400 * 146_097 + era_day - 719_468) * DAY
    }
}

/// Returns a time of day on a date, in microseconds since 1970.
pub(super) const fn at(date: (u64, u64, u64), time: (u64, u64, u64)) -> u64 {
    let date = Date {
        year: date.0,
        month: date.1,
        day: date.2,
    };
    date.start() + (time.0 * 3600 + time.1 * 60 + time.2) * SECOND
}

/// Writes a number without leading zeros.
pub(super) fn number(out: &mut Vec<u8>, value: u64) {
    if value >= 10 {
        number(out, value / 10);
    }
    digit(out, value % 10);
}

/// Writes a number with `width` digits.
pub(super) fn padded(out: &mut Vec<u8>, value: u64, width: u32) {
    if width > 1 {
        padded(out, value / 10, width - 1);
    }
    digit(out, value % 10);
}

/// Writes a number with `width` hex digits.
pub(super) fn hex(out: &mut Vec<u8>, value: u64, width: u32) {
    for place in (0..width).rev() {
        digit(out, (value >> (4 * place)) & 15);
    }
}

fn digit(out: &mut Vec<u8>, value: u64) {
    let from = if value < 10 { b'0' } else { b'a' - 10 };
    out.push(from.wrapping_add(u8::try_from(value).unwrap_or(0)));
}

/// Writes a time with six decimals and a `Z`.
pub(super) fn time(out: &mut Vec<u8>, micros: u64) {
    time_of_seconds(out, micros);
    out.push(b'.');
    padded(out, micros % SECOND, 6);
    out.push(b'Z');
}

/// Writes a time without decimals and without a zone.
pub(super) fn time_of_seconds(out: &mut Vec<u8>, micros: u64) {
    let date = Date::of(micros);
    padded(out, date.year, 4);
    out.push(b'-');
    padded(out, date.month, 2);
    out.push(b'-');
    padded(out, date.day, 2);
    out.push(b'T');
    let seconds = micros % DAY / SECOND;
    padded(out, seconds / 3600, 2);
    out.push(b':');
    padded(out, seconds / 60 % 60, 2);
    out.push(b':');
    padded(out, seconds % 60, 2);
}

/// Writes seconds with three decimals.
pub(super) fn millis(out: &mut Vec<u8>, micros: u64) {
    number(out, micros / SECOND);
    out.push(b'.');
    padded(out, micros % SECOND / 1000, 3);
}

/// Writes seconds with up to six decimals, without trailing zeros, but at least one decimal.
pub(super) fn micros(out: &mut Vec<u8>, micros: u64) {
    number(out, micros / SECOND);
    out.push(b'.');
    let start = out.len();
    padded(out, micros % SECOND, 6);
    while out.len() > start + 1 && out.last() == Some(&b'0') {
        out.pop();
    }
}

/// Fills in a template: `#` becomes the number of an item, `^` a page, `$` a search word, `~` the hash of a file (all of
/// them from small pools), and `*` a unique token.
pub(super) fn fill(out: &mut Vec<u8>, template: &str, rng: &mut Rng) {
    const WORDS: [&str; 12] = [
        "lamp",
        "desk+lamp",
        "oak%20table",
        "chair",
        "rug",
        "caf%C3%A9+set",
        "mirror",
        "shelf",
        "sofa",
        "bed+frame",
        "curtains",
        "vase",
    ];
    for byte in template.bytes() {
        match byte {
            b'#' => number(out, 10_000 + 37 * rng.skewed(160)),
            b'^' => number(out, 1 + rng.skewed(12)),
            b'$' => out.extend_from_slice(rng.pick(&WORDS).as_bytes()),
            b'~' => hex(out, Rng::of(0, Stream::Token, rng.skewed(90)).next(), 8),
            b'*' => hex(out, rng.next(), 16),
            _ => out.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn dates_round_trip() {
        let leap = at((2024, 2, 29), (23, 59, 58));
        assert_eq!(text(|out| time(out, leap + 7)), "2024-02-29T23:59:58.000007Z");
        assert_eq!(at((1970, 1, 1), (0, 0, 0)), 0);
        assert_eq!(at((2000, 3, 1), (0, 0, 0)), 951_868_800 * SECOND);
        for day in 0..40_000 {
            let date = Date::of(day * DAY + 5);
            assert_eq!(at((date.year, date.month, date.day), (0, 0, 0)), day * DAY);
        }
    }

    #[test]
    fn numbers_have_the_notation_of_the_line() {
        assert_eq!(text(|out| number(out, 1_234_567_890)), "1234567890");
        assert_eq!(text(|out| number(out, 0)), "0");
        assert_eq!(text(|out| hex(out, 0xBEEF, 8)), "0000beef");
        assert_eq!(text(|out| millis(out, 1_086_900)), "1.086");
        assert_eq!(text(|out| micros(out, 4_910)), "0.00491");
        assert_eq!(text(|out| micros(out, 2 * SECOND)), "2.0");
    }
}
