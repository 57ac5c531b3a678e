//! Parses short tokens, a register at a time.
//!
//! Each function returns what its namesake in [`value`] or [`time`](super::time) returns. The usual form of a value is read
//! from the eight bytes of the text that begin with it, whatever follows the value there; every other form is left to the
//! namesake.

use super::time::{MINUTE, timestamp_micros};
use super::{Reason, Span, swar, value};

/// Parses a non-negative integer.
#[inline]
pub fn count(base: &[u8], span: Span) -> Result<i64, Reason> {
    match word(base, span).and_then(|(word, len)| swar::number(word, len)) {
        Some(number) => Ok(i64::from(number)),
        None => value::count(span.bytes(base)),
    }
}

/// Parses a port, 0 to 65535.
#[inline]
pub fn port(base: &[u8], span: Span) -> Result<i32, Reason> {
    let port = count(base, span)?;
    u16::try_from(port).map(i32::from).map_err(|_| Reason::OutOfRange)
}

/// Parses a signed 32-bit integer.
#[inline]
pub fn int32(base: &[u8], span: Span) -> Result<i32, Reason> {
    match word(base, span).and_then(|(word, len)| swar::number(word, len)) {
        // At most eight digits.
        Some(number) => Ok(number.cast_signed()),
        None => value::int32(span.bytes(base)),
    }
}

/// Parses a signed 64-bit integer.
#[inline]
pub fn int64(base: &[u8], span: Span) -> Result<i64, Reason> {
    match word(base, span).and_then(|(word, len)| swar::number(word, len)) {
        Some(number) => Ok(i64::from(number)),
        None => value::int64(span.bytes(base)),
    }
}

/// Parses seconds, a decimal number.
#[inline]
pub fn seconds(base: &[u8], span: Span) -> Result<f64, Reason> {
    match word(base, span).and_then(|(word, len)| fixed(word, len).or_else(|| decimal(word, len))) {
        Some(seconds) => Ok(seconds),
        None => value::seconds(span.bytes(base)),
    }
}

/// Parses `d.ddd`, as load balancers write nearly all times that they measure.
#[inline]
fn fixed(word: u64, len: u32) -> Option<f64> {
    /// What makes the high bit of a byte above a digit's, and above zero for the point, one.
    const ABOVE: u64 = u64::from_le_bytes([0x76, 0x7f, 0x76, 0x76, 0x76, 0, 0, 0]);
    let digits = (word ^ u64::from_le_bytes(*b"0.000\0\0\0")) & 0xff_ffff_ffff;
    if len != 5 || (digits.wrapping_add(ABOVE) | digits) & swar::HIGH != 0 {
        return None;
    }
    let [ones, _, tenths, hundredths, thousandths, ..] = digits.to_le_bytes().map(u32::from);
    let number = ones * 1000 + tenths * 100 + hundredths * 10 + thousandths;
    Some(f64::from(number) / value::POWERS[3])
}

/// Parses `digits.digits` of at most eight bytes: removes the point and divides by the power of ten, which rounds as strtod
/// does because both are exact.
#[inline]
fn decimal(word: u64, len: u32) -> Option<f64> {
    let on_token = u64::MAX >> (64 - 8 * len);
    let point = swar::equal(word, b'.') & on_token;
    if point == 0 {
        return None;
    }
    let point = point.trailing_zeros() / 8;
    let decimals = len - point - 1;
    let before = word & !(u64::MAX << (8 * point));
    let digits = before | (word >> 8 & (u64::MAX << (8 * point)));
    let number = swar::number(digits, len - 1)?;
    Some(f64::from(number) / value::POWERS[decimals as usize])
}

/// A parser of times, most of which are in the same minute as the previous one.
#[derive(Debug, Default)]
pub struct Times {
    /// The bytes `YYYY-MM-DDTHH:MM` of the previous time, and that minute in microseconds.
    minute: Option<(u128, i64)>,
}

impl Times {
    /// Parses a time into microseconds since 1970-01-01T00:00:00Z.
    #[inline]
    pub fn timestamp(&mut self, base: &[u8], span: Span) -> Result<i64, Reason> {
        let bytes = span.bytes(base);
        let Some((minute, micros)) = usual(bytes) else {
            return timestamp_micros(bytes);
        };
        if let Some((known, start)) = self.minute
            && known == minute
        {
            return Ok(start + micros);
        }
        let time = timestamp_micros(bytes)?;
        self.minute = Some((minute, time - micros));
        Ok(time)
    }
}

/// Returns the bytes of the minute, and the microseconds after it, of `YYYY-MM-DDTHH:MM:SS.ffffffZ`.
#[inline]
fn usual(bytes: &[u8]) -> Option<(u128, i64)> {
    let (minute, rest) = bytes.split_first_chunk::<16>()?;
    let [b':', tens, ones, rest @ ..] = rest else {
        return None;
    };
    let (fraction, []) = rest.split_first_chunk::<8>()? else {
        return None;
    };
    let word = u64::from_le_bytes(*fraction);
    if word & 0xff == u64::from(b'.') && word >> 56 == u64::from(b'Z') {
        // The seconds and their fraction are one number of eight digits. Second 60 is left to the namesake.
        let digits = u64::from(u16::from_le_bytes([*tens, *ones])) | word >> 8 << 16;
        let micros = i64::from(swar::number(digits, 8)?);
        return (micros < MINUTE).then_some((u128::from_le_bytes(*minute), micros));
    }
    None
}

/// Returns the bytes of a token of at most eight, and their number. Two tokens for which it returns the same are equal.
#[inline]
pub fn short_word(base: &[u8], span: Span) -> Option<(u64, u32)> {
    word(base, span).map(|(word, len)| (word & u64::MAX >> (64 - 8 * len), len))
}

/// Returns the eight bytes from the first of the token on, and the length of the token, if it is at most eight.
#[inline]
fn word(base: &[u8], span: Span) -> Option<(u64, u32)> {
    let len = span.end.wrapping_sub(span.start);
    if !(1..=8).contains(&len) {
        return None;
    }
    // A null span may look short, but is out of range.
    let bytes = base.get(span.start()..)?.first_chunk::<8>()?;
    Some((u64::from_le_bytes(*bytes), len))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A token of a value's form, or nearly so, with other text around it.
    fn token() -> impl Strategy<Value = (String, Span)> {
        let forms = prop_oneof![
            "[0-9]{0,20}",
            "-?[0-9]{0,12}[.]?[0-9]{0,9}",
            "[-0-9.:+eTZx]{0,30}",
            "20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9][.][0-9]{6}Z",
            "2026-11-21T12:3[01]:[0-6][0-9][.][0-9]{5,7}Z?",
        ];
        (forms, "[0-9. ]{0,3}", "( .{0,12})?").prop_map(|(token, before, after)| {
            let span = Span::new(before.len(), before.len() + token.len());
            (format!("{before}{token}{after}"), span)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4_000) })]

        #[test]
        fn values_are_those_of_their_namesakes(tokens in prop::collection::vec(token(), 1..4)) {
            let mut times = Times::default();
            for (text, span) in &tokens {
                let (base, span) = (text.as_bytes(), *span);
                let bytes = span.bytes(base);
                prop_assert_eq!(count(base, span), value::count(bytes));
                prop_assert_eq!(port(base, span), value::port(bytes));
                prop_assert_eq!(int32(base, span), value::int32(bytes));
                prop_assert_eq!(int64(base, span), value::int64(bytes));
                prop_assert_eq!(seconds(base, span).map(f64::to_bits), value::seconds(bytes).map(f64::to_bits));
                prop_assert_eq!(times.timestamp(base, span), timestamp_micros(bytes));
            }
        }
    }
}
