//! Keys, decoded as each envelope encodes them.

use percent_encoding::percent_decode_str;

use super::error::KeyFault;

/// A key of an S3 notification: form encoding, where `+` is a space and `%2B` a plus.
pub(super) fn form_decoded(key: &str) -> Result<String, KeyFault> {
    percent_decoded(&key.replace('+', " "))
}

/// A key of S3 Batch Operations: percent sequences alone. A percent sign that begins none is a fault, not itself: nobody
/// could tell whether the rest of such a key is encoded.
pub(super) fn percent_decoded(key: &str) -> Result<String, KeyFault> {
    let bytes = key.as_bytes();
    for at in memchr::memchr_iter(b'%', bytes) {
        let digits = bytes.get(at + 1..at + 3);
        if !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
            return Err(KeyFault::Percent(at));
        }
    }
    let decoded = percent_decode_str(key).decode_utf8().map_err(|_| KeyFault::NotUtf8)?;
    Ok(decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_differ_in_the_plus_alone() {
        assert_eq!(form_decoded("a+b%2Bc%20d/%C3%A9").unwrap(), "a b+c d/é");
        assert_eq!(percent_decoded("a+b%2Bc%20d/%c3%a9").unwrap(), "a+b+c d/é");
        // Once, and not again.
        assert_eq!(form_decoded("a%252Fb").unwrap(), "a%2Fb");
    }

    #[test]
    fn faults_are_told_and_not_passed_over() {
        for (key, at) in [("100%", 3), ("a%2", 1), ("a%zzb", 1), ("%41%+1", 3), ("é%é", 2)] {
            assert_eq!(percent_decoded(key), Err(KeyFault::Percent(at)), "{key}");
            assert_eq!(form_decoded(key), Err(KeyFault::Percent(at)), "{key}");
        }
        assert_eq!(form_decoded("a%FFb"), Err(KeyFault::NotUtf8));
        // A surrogate, and an overlong slash.
        assert_eq!(percent_decoded("%ED%A0%80"), Err(KeyFault::NotUtf8));
        assert_eq!(percent_decoded("%C0%AF"), Err(KeyFault::NotUtf8));
    }
}
