//! Writes numbers and times as JSON text.

use crate::parse::line::swar;
use crate::parse::line::time::{MINUTE, date_text, write_timestamp};

use super::line_buffer::{Constant, LineBuffer};
use super::write_line_number;

/// The ASCII digit zero in each byte.
const ZEROS: u64 = u64::from_le_bytes([b'0'; 8]);
/// The lowest number of more digits than a register has.
const TOO_LONG: u32 = 100_000_000;

/// Appends a key and a float in the fewest digits that read back as the same number.
#[inline]
pub(super) fn put_float(key: &Constant, value: f64, out: &mut LineBuffer) {
    if let Some(millis) = whole_millis(value) {
        put_millis(key, millis, out);
    } else {
        out.put_constant(key);
        out.put(ryu::Buffer::new().format_finite(value).as_bytes());
    }
}

/// Returns a number in thousandths, if that is exact and has at most eight digits, as it is for nearly all times of a load
/// balancer. Decimals of so few digits are distinct doubles, so the division returns the number only if the decimal is its
/// shortest form.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    reason = "verified by the division"
)]
fn whole_millis(value: f64) -> Option<u32> {
    // The bits of a negative number, minus zero included, are larger than those of any other.
    if value.to_bits() >= 99_999.0_f64.to_bits() {
        return None;
    }
    let whole = (value * 1000.0 + 0.5) as u32;
    (f64::from(whole) / 1000.0 == value).then_some(whole)
}

/// Appends a key and thousandths below [`TOO_LONG`] as a decimal number, with at least one digit after the point.
#[inline]
fn put_millis(key: &Constant, millis: u32, out: &mut LineBuffer) {
    let digits = swar::digits(millis);
    // Five digits before the point, of which at least one is written, and three after it, of which at least one is.
    let skipped = (digits.trailing_zeros() / 8).min(4);
    let cut = (digits.leading_zeros() / 8).min(2);
    let text = u128::from(digits | ZEROS);
    let text = text & 0xff_ffff_ffff | u128::from(b'.') << 40 | text >> 40 << 48;
    let text = (text >> (8 * skipped)).to_le_bytes();
    out.put_after(key, &text, (9 - skipped - cut) as usize);
}

/// Appends a key and an integer.
#[inline]
pub(super) fn put_integer(key: &Constant, value: i64, out: &mut LineBuffer) {
    if let Ok(value @ ..TOO_LONG) = u32::try_from(value) {
        let digits = swar::digits(value);
        // A zero keeps its last digit.
        let skipped = (digits | 1 << 56).trailing_zeros() / 8;
        let text = ((digits | ZEROS) >> (8 * skipped)).to_le_bytes();
        out.put_after(key, &text, 8 - skipped as usize);
    } else {
        out.put_constant(key);
        out.put(itoa::Buffer::new().format(value).as_bytes());
    }
}

/// Appends a key that ends in `"…-`, and the rest of an event's id: the line number in at least ten digits, and a quote.
#[inline]
pub(super) fn put_event_id(key: &Constant, line: i64, out: &mut LineBuffer) {
    if let Ok(line @ ..TOO_LONG) = u32::try_from(line) {
        let text = u128::from(swar::digits(line) | ZEROS) << 16;
        let text = text | u128::from(u16::from_le_bytes(*b"00")) | u128::from(b'"') << 80;
        out.put_after(key, &text.to_le_bytes(), 11);
    } else {
        let mut id = Vec::new();
        write_line_number(line, &mut id);
        out.put_constant(key);
        out.put(&id);
        out.put_byte(b'"');
    }
}

/// Appends a key and a day as `"YYYY-MM-DD"`.
pub(super) fn put_date(key: &Constant, days: i32, out: &mut LineBuffer) {
    out.put_constant(key);
    out.put_byte(b'"');
    out.put(date_text(i64::from(days)).as_bytes());
    out.put_byte(b'"');
}

/// Appends a key that ends in a quote, a time in nanoseconds since 1970, which is after it, and a quote.
pub(super) fn put_unix_nanos(key: &Constant, micros: i64, out: &mut LineBuffer) {
    let nanos = u64::try_from(micros).ok().and_then(|micros| micros.checked_mul(1_000));
    let nanos = nanos.expect("the mapping has only times that fit");
    out.put_constant(key);
    out.put(itoa::Buffer::new().format(nanos).as_bytes());
    out.put_byte(b'"');
}

/// A writer of times, most of which are in the same minute as the previous one.
#[derive(Debug)]
pub(super) struct Times {
    /// The minute of the previous time, in microseconds.
    minute: i64,
    /// The previous time in quotes, and padding.
    text: [u8; 34],
    /// Whether `Z` follows the time.
    zone: bool,
}

/// The length of a time in quotes.
const TIME_LEN: usize = 29;
/// The position of the seconds in it.
const SECONDS_AT: usize = 18;

impl Times {
    pub(super) const fn new(zone: bool) -> Self {
        Self {
            minute: i64::MIN,
            text: [0; 34],
            zone,
        }
    }

    /// Appends a key and a time as `"YYYY-MM-DDTHH:MM:SS.ffffffZ"`.
    #[inline]
    pub(super) fn put(&mut self, key: &Constant, micros: i64, out: &mut LineBuffer) {
        let mut within = micros.wrapping_sub(self.minute).cast_unsigned();
        if within >= MINUTE.cast_unsigned() {
            self.begin(micros.div_euclid(MINUTE) * MINUTE);
            within = micros.rem_euclid(MINUTE).cast_unsigned();
        }
        let within = u32::try_from(within).expect("a minute has fewer microseconds");
        // Two digits of seconds, then six of microseconds.
        let digits = u128::from(swar::digits(within) | ZEROS);
        let end = if self.zone {
            u128::from(b'Z') << 72 | u128::from(b'"') << 80
        } else {
            u128::from(b'"') << 72
        };
        let rest = digits & 0xffff | u128::from(b'.') << 16 | digits >> 16 << 24 | end;
        self.text[SECONDS_AT..].copy_from_slice(&rest.to_le_bytes());
        out.put_after(key, &self.text, TIME_LEN - usize::from(!self.zone));
    }

    #[cold]
    fn begin(&mut self, minute: i64) {
        let mut text = vec![b'"'];
        write_timestamp(minute, &mut text);
        text.push(b'"');
        self.text[..TIME_LEN].copy_from_slice(&text);
        self.minute = minute;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns what is written after a key, of which nothing may be lost.
    fn written(write: impl FnOnce(&Constant, &mut LineBuffer)) -> String {
        let mut buffer = LineBuffer::default();
        write(&Constant::new(b",\"key\":"), &mut buffer);
        let text = String::from_utf8(buffer.text().to_vec()).unwrap();
        text.strip_prefix(",\"key\":").unwrap().to_owned()
    }

    #[test]
    fn event_ids_end_in_ten_digits_or_more() {
        for line in [1, 42, 99_999_999, 100_000_000, 12_345_678_901] {
            let mut expected = Vec::new();
            write_line_number(line, &mut expected);
            let expected = String::from_utf8(expected).unwrap();
            assert_eq!(
                written(|key, out| put_event_id(key, line, out)),
                format!("{expected}\"")
            );
        }
    }

    #[test]
    fn floats_have_the_fewest_digits() {
        let millis = (0..2_000_000_u32).step_by(7).map(|millis| f64::from(millis) / 1000.0);
        let others = [
            0.0,
            -0.0,
            -0.001,
            0.000_3,
            1e-7,
            0.1 + 0.2,
            1e6 + 0.001,
            99_998.999,
            99_999.0,
            999_999.999,
            1e9,
            1e300,
            f64::MIN_POSITIVE,
        ];
        for value in millis.chain(others) {
            assert_eq!(
                written(|key, out| put_float(key, value, out)),
                ryu::Buffer::new().format_finite(value)
            );
        }
    }

    #[test]
    fn integers_match_the_standard_library() {
        for value in (0..20_000)
            .chain((0..200_000_000).step_by(9_973))
            .chain([-1, i64::MIN, i64::MAX, 4_294_967_296])
        {
            assert_eq!(written(|key, out| put_integer(key, value, out)), value.to_string());
        }
    }

    #[test]
    fn times_match_write_timestamp() {
        let mut times = Times::new(true);
        for micros in [
            0,
            1,
            -1,
            59_999_999,
            60_000_000,
            1_700_000_000_123_456,
            253_402_300_799_999_999,
        ] {
            let mut expected = Vec::new();
            write_timestamp(micros, &mut expected);
            let expected = format!("\"{}\"", String::from_utf8(expected).unwrap());
            assert_eq!(written(|key, out| times.put(key, micros, out)), expected);
        }
    }
}
