//! Parses and formats the times that load balancers write, always in UTC.

use super::Reason;

/// The microseconds in a second.
pub const SECOND: i64 = 1_000_000;
/// The microseconds in a minute.
pub const MINUTE: i64 = 60 * SECOND;
/// The microseconds in a day.
pub const DAY: i64 = 86_400 * SECOND;

/// Parses `YYYY-MM-DDTHH:MM:SS`, with an optional fraction of up to nine digits and an optional `Z`, into microseconds since
/// 1970-01-01T00:00:00Z. Digits after the microseconds are cut off. Second 60 is the leap second at the end of a day and
/// counts as the first second of the next, as in POSIX time. The day after 9999-12-31 has no such form, so that day has no
/// leap second.
#[inline]
pub fn timestamp_micros(bytes: &[u8]) -> Result<i64, Reason> {
    parse(bytes).ok_or(Reason::NotATime)
}

#[inline]
fn parse(bytes: &[u8]) -> Option<i64> {
    let (head, tail) = bytes.split_first_chunk::<19>()?;
    let [
        y0,
        y1,
        y2,
        y3,
        b'-',
        m0,
        m1,
        b'-',
        d0,
        d1,
        b'T',
        h0,
        h1,
        b':',
        n0,
        n1,
        b':',
        s0,
        s1,
    ] = *head
    else {
        return None;
    };
    let digits = [y0, y1, y2, y3, m0, m1, d0, d1, h0, h1, n0, n1, s0, s1].map(|byte| byte.wrapping_sub(b'0'));
    if digits.iter().any(|digit| *digit > 9) {
        return None;
    }
    let [y0, y1, y2, y3, m0, m1, d0, d1, h0, h1, n0, n1, s0, s1] = digits.map(i64::from);
    let (year, month, day) = (y0 * 1000 + y1 * 100 + y2 * 10 + y3, m0 * 10 + m1, d0 * 10 + d1);
    let (hour, minute, second) = (h0 * 10 + h1, n0 * 10 + n1, s0 * 10 + s1);
    let last_day = (year, month, day) == (9999, 12, 31);
    let leap_second = second == 60 && hour == 23 && minute == 59 && !last_day;
    if !(1..=12).contains(&month)
        || day < 1
        || day > days_in_month(year, month)
        || hour > 23
        || minute > 59
        || (second > 59 && !leap_second)
    {
        return None;
    }
    let micros = fraction_micros(tail.strip_suffix(b"Z").unwrap_or(tail))?;
    let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    Some(seconds * SECOND + micros)
}

/// Parses a fraction such as `.ffffff`, with up to nine digits, into microseconds.
#[inline]
fn fraction_micros(bytes: &[u8]) -> Option<i64> {
    let Some(digits) = bytes.strip_prefix(b".") else {
        return bytes.is_empty().then_some(0);
    };
    if digits.len() > 9 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let padded = digits.iter().copied().chain(std::iter::repeat(b'0')).take(6);
    Some(padded.fold(0, |micros, digit| micros * 10 + i64::from(digit - b'0')))
}

const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Returns the days since 1970-01-01 of a date in the Gregorian calendar, by eras of 400 years that begin in March.
pub const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Returns year, month and day of a number of days since 1970-01-01.
pub const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400;
    (if month <= 2 { year + 1 } else { year }, month, day)
}

/// Formats a number of days since 1970-01-01 as `YYYY-MM-DD`.
pub fn date_text(days: i64) -> String {
    let (year, month, day) = civil_from_days(days);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Appends a time as `YYYY-MM-DDTHH:MM:SS.ffffffZ`, 27 bytes.
///
/// # Panics
/// The time is before the year 0.
pub fn write_timestamp(micros: i64, out: &mut Vec<u8>) {
    let (year, month, day) = civil_from_days(micros.div_euclid(DAY));
    let of_day = micros.rem_euclid(DAY);
    let (second, fraction) = (of_day / SECOND, of_day % SECOND);
    let mut text = *b"0000-00-00T00:00:00.000000Z";
    let mut put = |at: usize, digits: usize, mut value: i64| {
        for byte in text[at..at + digits].iter_mut().rev() {
            *byte = b'0' + u8::try_from(value % 10).expect("the year is not negative");
            value /= 10;
        }
    };
    put(0, 4, year);
    put(5, 2, month);
    put(8, 2, day);
    put(11, 2, second / 3_600);
    put(14, 2, second / 60 % 60);
    put(17, 2, second % 60);
    put(20, 6, fraction);
    out.extend_from_slice(&text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_and_zones_are_optional() {
        let base = 1_700_000_000 * SECOND;
        for (text, micros) in [
            ("2023-11-14T22:13:20Z", 0),
            ("2023-11-14T22:13:20", 0),
            ("2023-11-14T22:13:20.5Z", 500_000),
            ("2023-11-14T22:13:20.123456", 123_456),
            ("2023-11-14T22:13:20.123456789Z", 123_456),
            ("2023-11-14T22:13:20.Z", 0),
        ] {
            assert_eq!(timestamp_micros(text.as_bytes()), Ok(base + micros), "{text}");
        }
        assert_eq!(
            timestamp_micros(b"2016-12-31T23:59:60Z"),
            timestamp_micros(b"2017-01-01T00:00:00Z")
        );
        let mut last = Vec::new();
        write_timestamp(timestamp_micros(b"9999-12-31T23:59:59.999999Z").unwrap(), &mut last);
        assert_eq!(last, b"9999-12-31T23:59:59.999999Z");
    }

    #[test]
    fn invalid_dates_and_times_are_rejected() {
        for text in [
            "2023-13-01T00:00:00Z",
            "2023-00-01T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "2023-01-32T00:00:00Z",
            "2023-01-01T24:00:00Z",
            "2023-01-01T99:00:00Z",
            "2023-01-01T00:60:00Z",
            "2023-01-01T00:00:60Z",
            "9999-12-31T23:59:60Z",
            "9999-12-31T23:59:60.999999",
            "2023-01-01 00:00:00Z",
            "2023-01-01T00:00:00.1234567890Z",
            "2023-01-01T00:00:00+00:00",
            "2023-01-01",
            "",
            "x023-01-01T00:00:00Z",
            "2023-01-01T00:00:00ZZ",
            "2023-01-01T00:00:00.12x",
        ] {
            assert_eq!(timestamp_micros(text.as_bytes()), Err(Reason::NotATime), "{text}");
        }
    }

    #[test]
    fn the_calendar_agrees_with_jiff_and_text_round_trips() {
        for days in (-719_162..2_932_896).step_by(97) {
            let date = jiff::civil::date(1970, 1, 1) + jiff::Span::new().days(days);
            let (year, month, day) = (i64::from(date.year()), i64::from(date.month()), i64::from(date.day()));
            assert_eq!(civil_from_days(days), (year, month, day));
            assert_eq!(days_from_civil(year, month, day), days);
            let mut text = Vec::new();
            write_timestamp(days * DAY + 86_399_999_999, &mut text);
            assert_eq!(timestamp_micros(&text), Ok(days * DAY + 86_399_999_999));
        }
    }
}
