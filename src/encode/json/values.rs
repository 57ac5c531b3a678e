//! Writes numbers and times as JSON text.

use crate::parse::line::time::{MINUTE, SECOND, write_timestamp};

use super::line_buffer::LineBuffer;

/// Appends a float in the fewest digits that read back as the same number.
#[inline]
pub(super) fn put_float(value: f64, out: &mut LineBuffer) {
    if let Some(millis) = whole_millis(value) {
        put_millis(millis, out);
    } else {
        out.put(ryu::Buffer::new().format_finite(value).as_bytes());
    }
}

/// Returns a number in thousandths, if that is exact, as it is for nearly all times of a load balancer. Decimals of so few
/// digits are distinct doubles, so the division returns the number only if the decimal is its shortest form.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    reason = "verified by the division"
)]
fn whole_millis(value: f64) -> Option<u32> {
    let millis = (value * 1000.0).round_ties_even();
    if !(0.0..1e9).contains(&millis) || value.is_sign_negative() {
        return None;
    }
    let whole = millis as u32;
    (f64::from(whole) / 1000.0 == value).then_some(whole)
}

/// Appends thousandths as a decimal number, with at least one digit after the point.
#[inline]
fn put_millis(millis: u32, out: &mut LineBuffer) {
    put_integer(i64::from(millis / 1000), out);
    let [hundreds, tens, ones] = [millis / 100 % 10, millis / 10 % 10, millis % 10].map(digit);
    let len = match (tens, ones) {
        (b'0', b'0') => 2,
        (_, b'0') => 3,
        _ => 4,
    };
    out.put_part(&[b'.', hundreds, tens, ones], len);
}

/// Appends an integer.
#[inline]
pub(super) fn put_integer(value: i64, out: &mut LineBuffer) {
    match u32::try_from(value) {
        Ok(value @ 0..=9) => out.put_byte(digit(value)),
        Ok(value @ 10..=99) => out.put_part(&[digit(value / 10), digit(value % 10)], 2),
        Ok(value @ 100..=999) => {
            out.put_part(&[value / 100, value / 10 % 10, value % 10].map(digit), 3);
        }
        _ => out.put(itoa::Buffer::new().format(value).as_bytes()),
    }
}

#[inline]
fn digit(value: u32) -> u8 {
    b'0'.wrapping_add(value.to_le_bytes()[0])
}

/// A writer of times, most of which are in the same minute as the previous one.
#[derive(Debug)]
pub(super) struct Times {
    minute: i64,
    /// The previous time in quotes, and padding.
    text: [u8; 32],
}

/// The length of a time in quotes.
const TIME_LEN: usize = 29;

impl Times {
    pub(super) const fn new() -> Self {
        Self {
            minute: i64::MIN,
            text: [0; 32],
        }
    }

    /// Appends a time as `"YYYY-MM-DDTHH:MM:SS.ffffffZ"`.
    #[inline]
    pub(super) fn put(&mut self, micros: i64, out: &mut LineBuffer) {
        let minute = micros.div_euclid(MINUTE);
        if minute != self.minute {
            self.begin(minute);
        }
        let within = micros.rem_euclid(MINUTE).unsigned_abs();
        let (second, fraction) = (within / SECOND.unsigned_abs(), within % SECOND.unsigned_abs());
        let digits = [
            second / 10,
            second % 10,
            fraction / 100_000,
            fraction / 10_000 % 10,
            fraction / 1_000 % 10,
            fraction / 100 % 10,
            fraction / 10 % 10,
            fraction % 10,
        ];
        let [s0, s1, f @ ..] = digits.map(|value| b'0'.wrapping_add(value.to_le_bytes()[0]));
        let [.., t0, t1, _, g0, g1, g2, g3, g4, g5, _, _, _, _, _] = &mut self.text;
        (*t0, *t1) = (s0, s1);
        [*g0, *g1, *g2, *g3, *g4, *g5] = f;
        out.put_part(&self.text, TIME_LEN);
    }

    #[cold]
    fn begin(&mut self, minute: i64) {
        let mut text = vec![b'"'];
        write_timestamp(minute * MINUTE, &mut text);
        text.push(b'"');
        self.text[..TIME_LEN].copy_from_slice(&text);
        self.minute = minute;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut LineBuffer)) -> String {
        let mut buffer = LineBuffer::default();
        write(&mut buffer);
        String::from_utf8(buffer.text().to_vec()).unwrap()
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
            999_999.999,
            1e9,
            1e300,
            f64::MIN_POSITIVE,
        ];
        for value in millis.chain(others) {
            assert_eq!(
                written(|out| put_float(value, out)),
                ryu::Buffer::new().format_finite(value)
            );
        }
    }

    #[test]
    fn integers_match_the_standard_library() {
        for value in (0..20_000).chain([-1, i64::MIN, i64::MAX, 4_294_967_296]) {
            assert_eq!(written(|out| put_integer(value, out)), value.to_string());
        }
    }

    #[test]
    fn times_match_write_timestamp() {
        let mut times = Times::new();
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
            assert_eq!(written(|out| times.put(micros, out)), expected);
        }
    }
}
