//! Parses the bytes of a part into a typed value. A value that does not fit is a [`Reason`], never a silent null.

use std::ops::Range;

use crate::formats::Decode;

use super::Reason;
use super::time::timestamp_micros;

/// Checks that the bytes are a value of the decoding.
pub fn check(decode: Decode, bytes: &[u8]) -> Result<(), Reason> {
    match decode {
        Decode::Text
        | Decode::LoadBalancer
        | Decode::CommaList
        | Decode::SpaceList
        | Decode::QuotedList
        | Decode::Filled(_)
        | Decode::Derived(_) => Ok(()),
        Decode::Int32 => int32(bytes).map(drop),
        Decode::Port => port(bytes).map(drop),
        Decode::Int64 => int64(bytes).map(drop),
        Decode::Count => count(bytes).map(drop),
        Decode::Seconds | Decode::ProcessingSeconds => seconds(bytes).map(drop),
        Decode::Time => timestamp_micros(bytes).map(drop),
    }
}

/// Parses a signed 32-bit integer.
pub fn int32(bytes: &[u8]) -> Result<i32, Reason> {
    i32::try_from(int64(bytes)?).map_err(|_| Reason::OutOfRange)
}

/// Parses a port, 0 to 65535.
pub fn port(bytes: &[u8]) -> Result<i32, Reason> {
    let port = count(bytes)?;
    u16::try_from(port).map(i32::from).map_err(|_| Reason::OutOfRange)
}

/// Parses a signed 64-bit integer.
pub fn int64(bytes: &[u8]) -> Result<i64, Reason> {
    match bytes.strip_prefix(b"-") {
        Some(digits) => count(digits).map(|value| -value),
        None => count(bytes),
    }
}

/// Parses a non-negative integer.
pub fn count(bytes: &[u8]) -> Result<i64, Reason> {
    if bytes.is_empty() || !bytes.iter().all(u8::is_ascii_digit) {
        return Err(Reason::NotAnInteger);
    }
    // 18 digits always fit.
    if bytes.len() <= 18 {
        return Ok(bytes
            .iter()
            .fold(0, |value, digit| value * 10 + i64::from(digit - b'0')));
    }
    bytes
        .iter()
        .try_fold(0_i64, |value, digit| {
            value.checked_mul(10)?.checked_add(i64::from(digit - b'0'))
        })
        .ok_or(Reason::OutOfRange)
}

/// The powers of ten that a double represents exactly.
pub(super) const POWERS: [f64; 16] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
];

/// Parses seconds, a finite decimal number.
#[expect(clippy::cast_precision_loss, reason = "at most 15 digits: exact in a double")]
pub fn seconds(bytes: &[u8]) -> Result<f64, Reason> {
    let (negative, digits) = bytes.strip_prefix(b"-").map_or((false, bytes), |digits| (true, digits));
    // With up to 15 digits, the mantissa and the power of ten are exact, so one division rounds as strtod does.
    if digits.len() <= 16 {
        let mut mantissa = 0_i64;
        let mut seen = 0_usize;
        let mut point = None;
        for byte in digits {
            match byte {
                b'0'..=b'9' => {
                    mantissa = mantissa * 10 + i64::from(byte - b'0');
                    seen += 1;
                }
                b'.' if point.is_none() => point = Some(seen),
                _ => return slow_seconds(bytes),
            }
        }
        if (1..=15).contains(&seen) {
            let value = mantissa as f64 / POWERS[point.map_or(0, |point| seen - point)];
            return Ok(if negative { -value } else { value });
        }
    }
    slow_seconds(bytes)
}

#[cold]
fn slow_seconds(bytes: &[u8]) -> Result<f64, Reason> {
    let decimal = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e' | b'E');
    if !bytes.iter().all(decimal) {
        return Err(Reason::NotANumber);
    }
    let value = str::from_utf8(bytes)
        .ok()
        .and_then(|text| text.parse::<f64>().ok())
        .ok_or(Reason::NotANumber)?;
    if value.is_finite() {
        Ok(value)
    } else {
        Err(Reason::OutOfRange)
    }
}

/// Returns the positions of the items of a comma-separated list. Empty bytes are the empty list.
pub fn comma_items(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> {
    items(bytes, b',')
}

/// Returns the positions of the items of a space-separated list. Empty bytes are the empty list.
pub fn space_items(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> {
    items(bytes, b' ').filter(|item| !item.is_empty())
}

/// Returns the positions of the items of a list such as `"a","b"` or `\"a\",\"b\"`, whose last quote may be missing. `""` is
/// the empty list.
pub fn quoted_items(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let empty = matches!(bytes, br#""""# | br#"\"\""#);
    let list = if empty { &[] } else { bytes };
    items(list, b',').map(|item| {
        let bytes = list.get(item.clone()).unwrap_or_default();
        let (quote, text) = match bytes {
            [b'\\', b'"', text @ ..] => (2, text),
            [b'"', text @ ..] => (1, text),
            _ => (0, bytes),
        };
        let text = text.strip_suffix(b"\"").unwrap_or(text);
        // A list may be truncated between the backslash and the quote.
        let text = if quote == 2 {
            text.strip_suffix(b"\\").unwrap_or(text)
        } else {
            text
        };
        item.start + quote..item.start + quote + text.len()
    })
}

fn items(bytes: &[u8], separator: u8) -> impl Iterator<Item = Range<usize>> {
    let mut next = (!bytes.is_empty()).then_some(0);
    std::iter::from_fn(move || {
        let start = next?;
        let rest = &bytes[start..];
        let len = rest.iter().position(|byte| *byte == separator);
        next = len.map(|len| start + len + 1);
        Some(start..start + len.unwrap_or(rest.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_parse_or_return_a_reason() {
        assert_eq!(port(b"65535"), Ok(65_535));
        assert_eq!(port(b"99999"), Err(Reason::OutOfRange));
        assert_eq!(port(b""), Err(Reason::NotAnInteger));
        assert_eq!(count(b"9223372036854775807"), Ok(i64::MAX));
        assert_eq!(count(b"9223372036854775808"), Err(Reason::OutOfRange));
        assert_eq!(count(b"000000000000000000000000000001"), Ok(1));
        assert_eq!(count(b"-1"), Err(Reason::NotAnInteger));
        assert_eq!(int32(b"-1"), Ok(-1));
        assert_eq!(int32(b"2147483648"), Err(Reason::OutOfRange));
        assert_eq!(int64(b"--1"), Err(Reason::NotAnInteger));
        assert_eq!(int64(b"+1"), Err(Reason::NotAnInteger));
    }

    #[test]
    fn seconds_round_as_the_standard_library_does() {
        for text in [
            "0.000",
            "0.001048",
            "-1",
            "1.5414835421835185",
            "12.",
            ".5",
            "1e-5",
            "0.00001",
            "123456789012345.6",
        ] {
            let expected: f64 = text.parse().unwrap();
            assert_eq!(
                seconds(text.as_bytes()).unwrap().to_bits(),
                expected.to_bits(),
                "{text}"
            );
        }
        for text in ["", ".", "-", "1.2.3", "nan", "inf", "0x1", "1e999", "1,5"] {
            assert!(seconds(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn lists_are_split_into_items() {
        fn all<I: Iterator<Item = Range<usize>>>(
            items: impl Fn(&'static [u8]) -> I,
            list: &'static str,
        ) -> Vec<&'static str> {
            items(list.as_bytes()).map(|item| list.get(item).unwrap()).collect()
        }
        assert_eq!(all(comma_items, "waf,forward"), ["waf", "forward"]);
        assert_eq!(all(comma_items, "waf,,"), ["waf", "", ""]);
        assert!(all(comma_items, "").is_empty());
        assert_eq!(
            all(space_items, "10.0.0.1:80 10.0.0.2:80"),
            ["10.0.0.1:80", "10.0.0.2:80"]
        );
        assert_eq!(all(quoted_items, "\"h2\",\"http/1.1\""), ["h2", "http/1.1"]);
        assert_eq!(all(quoted_items, "\"h2\",\"http/1."), ["h2", "http/1."]);
        assert_eq!(all(quoted_items, "\",\"\",x"), ["", "", "x"]);
        assert!(all(quoted_items, "\"\"").is_empty());
        assert_eq!(all(quoted_items, r#"\"h2\",\"http/1.1\""#), ["h2", "http/1.1"]);
        assert_eq!(all(quoted_items, r#"\"h2\",\"http/1."#), ["h2", "http/1."]);
        assert_eq!(all(quoted_items, r#"\"h2\",\"http/1.1\"#), ["h2", "http/1.1"]);
        assert_eq!(all(quoted_items, r#"\"a,"\"#), ["a", r"\"]);
        assert!(all(quoted_items, r#"\"\""#).is_empty());
    }
}
