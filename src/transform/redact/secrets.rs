//! Recognizes secrets by the name of their parameter and by what they look like.

use super::percent::decoded;

/// A parameter whose name has one of these words is a secret: `access_token`, `X-Amz-Signature`, `user[password]`.
/// Names are compared in lower case, and without any character that is neither a letter nor a digit.
pub const SECRET_WORDS: [&str; 24] = [
    "apikey",
    "assertion",
    "auth",
    "bearer",
    "card",
    "challenge",
    "cookie",
    "credential",
    "csrf",
    "email",
    "jwt",
    "nonce",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "phone",
    "privatekey",
    "samlre",
    "secret",
    "session",
    "signature",
    "ticket",
    "token",
];

/// A parameter with exactly one of these names is a secret.
pub const SECRET_NAMES: [&str; 18] = [
    "accesskey",
    "awsaccesskeyid",
    "code",
    "cvc",
    "cvv",
    "hash",
    "hmac",
    "iban",
    "key",
    "mail",
    "otp",
    "pass",
    "pin",
    "pwd",
    "sid",
    "sig",
    "ssn",
    "state",
];

/// Returns whether a parameter of that name is a secret.
pub(super) fn is_secret_name(name: &[u8]) -> bool {
    let name = decoded(name);
    let letters = name.iter().filter(|byte| byte.is_ascii_alphanumeric());
    let name: Vec<_> = letters.map(u8::to_ascii_lowercase).collect();
    SECRET_NAMES.iter().any(|secret| secret.as_bytes() == name)
        || SECRET_WORDS
            .iter()
            .any(|word| memchr::memmem::find(&name, word.as_bytes()).is_some())
}

/// Returns whether text looks like a secret: an e-mail address, a JWT, a card number, or a JSON object that names a secret.
pub(super) fn looks_secret(text: &[u8]) -> bool {
    let text = decoded(text);
    has_email(&text)
        || has_jwt(&text)
        || has_card(&text)
        || memchr::memchr(b'{', &text).is_some() && is_secret_name(&text)
}

/// Returns whether decoded text has an at sign between two letters or digits.
pub(super) fn has_email(text: &[u8]) -> bool {
    let around =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'+' | b'-' | b'"') || *byte >= 0x80;
    text.windows(3)
        .any(|three| matches!(three, [before, b'@', after] if around(before) && around(after)))
}

/// Returns whether decoded text has the base64 of `{"`, with which the header of every JWT begins, and enough after it.
pub(super) fn has_jwt(text: &[u8]) -> bool {
    memchr::memmem::find_iter(text, b"eyJ").any(|at| {
        let rest = text.get(at..).unwrap_or_default();
        let base64 = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        rest.iter().take_while(base64).count() >= 16
    })
}

/// Returns whether decoded text has 13 to 19 digits, possibly in groups, whose last is the Luhn check digit of the others.
fn has_card(text: &[u8]) -> bool {
    let mut digits = Vec::new();
    for byte in text.iter().chain(b"!") {
        match byte {
            b'0'..=b'9' => digits.push(byte - b'0'),
            b' ' | b'-' | b'+' | b'.' => {}
            _ => {
                if (13..=19).contains(&digits.len()) && luhn(&digits) {
                    return true;
                }
                digits.clear();
            }
        }
    }
    false
}

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(number, digit)| match (number % 2, u32::from(*digit)) {
            (0, digit) => digit,
            (_, digit) => digit * 2 / 10 + digit * 2 % 10,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_case_encoding_and_punctuation() {
        for name in [
            "token",
            "X-Amz-Signature",
            "user%5Bpass%77ord%5D",
            "ACCESS_TOKEN",
            "key",
            "%74oken",
            "%2574oken",
        ] {
            assert!(is_secret_name(name.as_bytes()), "{name}");
        }
        for name in ["q", "page", "keyword", "postcode", ""] {
            assert!(!is_secret_name(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn values_are_recognized() {
        for value in [
            "a.b@example.com",
            "a%40example.com",
            "a%2540example.com",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
            "4111-1111-1111-1111",
            "4111111111111111",
            "4111%201111%201111%201111",
            "%7B%22password%22:1%7D",
        ] {
            assert!(looks_secret(value.as_bytes()), "{value}");
        }
        for value in ["4111111111111112", "shoes", "@", "a@", "eyJ", "2026-10-07", ""] {
            assert!(!looks_secret(value.as_bytes()), "{value}");
        }
    }
}
