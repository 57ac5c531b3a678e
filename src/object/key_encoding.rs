//! The encodings of object keys in events, manifests and listings.

use percent_encoding::percent_decode_str;

/// The fault of an encoded key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// A `%` is not followed by two hex digits.
    #[error("has a percent sign without two hex digits after it, at byte {0}")]
    Percent(usize),
    /// The decoded bytes are not UTF-8.
    #[error("is not UTF-8 after decoding")]
    NotUtf8,
}

/// Decodes the key of an S3 notification or listing: form encoding, in which `+` is a space and `%2B` a plus.
pub fn form_decoded(key: &str) -> Result<String, KeyFault> {
    percent_decoded(&key.replace('+', " "))
}

/// Decodes the key of an S3 Batch Operations task: percent sequences only. A percent sign outside a sequence is an error
/// and not a literal, because the key gives no evidence whether its remaining characters are encoded.
fn percent_decoded(key: &str) -> Result<String, KeyFault> {
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

/// Decodes the key of a manifest of S3 Batch Operations; returns the key, and another one if it can be meant as well.
///
/// AWS's example decodes only percent sequences, but other manifests write a space as `+`. The bucket decides which of the two
/// keys exists.
pub fn manifest_key(key: &str) -> Result<(String, Option<String>), KeyFault> {
    let alternative = key.contains('+').then(|| form_decoded(key)).transpose()?;
    Ok((percent_decoded(key)?, alternative))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encodings_differ_only_in_the_plus_sign() {
        assert_eq!(form_decoded("a+b%2Bc%20d/%C3%A9").unwrap(), "a b+c d/é");
        assert_eq!(percent_decoded("a+b%2Bc%20d/%c3%a9").unwrap(), "a+b+c d/é");
        // Keys are decoded exactly once.
        assert_eq!(form_decoded("a%252Fb").unwrap(), "a%2Fb");
    }

    #[test]
    fn invalid_encodings_are_errors() {
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
