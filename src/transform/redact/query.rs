//! Redacts the parameters of a query string.

use super::percent::{decoded, find};
use super::secrets::{is_secret_name, looks_secret};
use super::shape::stars;

/// What happens to the parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Query {
    /// They stay.
    Keep,
    /// They are removed.
    Drop,
    /// Their names stay.
    Keys,
    /// Those that are secrets lose their values.
    Secrets,
    /// Those with other names are removed.
    Only(Vec<String>),
    /// Together they become a keyed hash.
    Hmac,
}

/// The bytes that end the path: what follows is redacted as parameters, fragments and parameters of paths included.
pub(super) const STARTS: &[u8] = b"?#;";
/// The bytes that separate parameters. A URL that is the value of a parameter has parameters of its own.
const SEPARATORS: &[u8] = b"?#;& \t\r\n\"";
const EQUALS: &[u8] = b"=";
/// The maximum length of a name that is kept.
const MAX_NAME: usize = 64;

/// Appends the parameters in `text`, which begins with a separator or with the first of them. [`Query::Hmac`] needs a key
/// and is not handled here: it removes all.
pub(super) fn redact(text: &[u8], query: &Query, out: &mut Vec<u8>) {
    match query {
        Query::Keep => out.extend_from_slice(text),
        Query::Drop | Query::Hmac => {}
        Query::Keys => each(text, out, keys),
        Query::Secrets => each(text, out, secrets),
        Query::Only(names) => only(text, names, out),
    }
}

/// Splits off what is before the next separator, and the separator.
fn next_piece(text: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let Some((at, len)) = find(text, SEPARATORS) else {
        return (text, &[], &[]);
    };
    let (piece, rest) = text.split_at(at);
    let (separator, rest) = rest.split_at(len);
    (piece, separator, rest)
}

fn each(mut text: &[u8], out: &mut Vec<u8>, redact: fn(&[u8], &mut Vec<u8>)) {
    while !text.is_empty() {
        let (piece, separator, rest) = next_piece(text);
        if !piece.is_empty() {
            redact(piece, out);
        }
        out.extend_from_slice(separator);
        text = rest;
    }
}

/// Splits `name=value`; the equals sign goes with the name.
fn name_and_value(piece: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (at, len) = find(piece, EQUALS)?;
    let (name, rest) = piece.split_at(at);
    let (equals, value) = rest.split_at(len);
    Some((name, equals, value))
}

/// A name that is long, encoded or looks like a secret is not a name, and neither is text without an equals sign.
fn is_name(name: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.[]$:".contains(byte);
    name.len() <= MAX_NAME && decoded(name).iter().all(plain) && !looks_secret(name)
}

fn keys(piece: &[u8], out: &mut Vec<u8>) {
    match name_and_value(piece) {
        Some((name, equals, _)) if is_name(name) => {
            out.extend_from_slice(name);
            out.extend_from_slice(equals);
        }
        _ => {}
    }
    stars(out);
}

fn secrets(mut piece: &[u8], out: &mut Vec<u8>) {
    // A value may be a parameter itself: `next=token=…`.
    while let Some((name, equals, value)) = name_and_value(piece) {
        if looks_secret(name) {
            break;
        }
        out.extend_from_slice(name);
        out.extend_from_slice(equals);
        piece = value;
        if !value.is_empty() && is_secret_name(name) {
            return stars(out);
        }
    }
    if looks_secret(piece) {
        stars(out);
    } else {
        out.extend_from_slice(piece);
    }
}

fn only(mut text: &[u8], names: &[String], out: &mut Vec<u8>) {
    let in_url = find(text, STARTS).is_some_and(|(at, _)| at == 0);
    let mut separator: &[u8] = if in_url { b"?" } else { b"" };
    while !text.is_empty() {
        let (piece, _, rest) = next_piece(text);
        let name = name_and_value(piece).map_or(piece, |(name, ..)| name);
        let name = decoded(name);
        if !piece.is_empty() && names.iter().any(|kept| kept.as_bytes() == &*name) {
            out.extend_from_slice(separator);
            out.extend_from_slice(piece);
            separator = b"&";
        }
        text = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(text: &str, query: &Query) -> String {
        let mut out = Vec::new();
        redact(text.as_bytes(), query, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn names_stay_and_values_do_not() {
        for (text, expected) in [
            ("?a=1&b=2", "?a=***&b=***"),
            ("a=1;b=2#c=3", "a=***;b=***#c=***"),
            ("?secret", "?***"),
            ("?a%3Dsecret%26b=2", "?a%3D***%26b=***"),
            ("?a=x%253Ftoken%253Dsecret", "?a=***%253Ftoken%253D***"),
            ("?me@example.com=1&&", "?***&&"),
            ("?", "?"),
        ] {
            let once = redacted(text, &Query::Keys);
            assert_eq!(once, expected);
            assert_eq!(redacted(&once, &Query::Keys), expected);
        }
    }

    #[test]
    fn secrets_lose_their_values() {
        for (text, expected) in [
            ("?q=shoes&ACCESS_TOKEN=abc", "?q=shoes&ACCESS_TOKEN=***"),
            ("?next=%2Fa%3FtoKen%3Dabc%26p%3D1", "?next=%2Fa%3FtoKen%3D***%26p%3D1"),
            ("?next=token=abc=d", "?next=token=***"),
            ("?u=me%40example.com", "?u=***"),
            ("?me@example.com", "?***"),
            ("?%70assword=x", "?%70assword=***"),
            ("#id_token=x", "#id_token=***"),
            ("?token=", "?token="),
        ] {
            let once = redacted(text, &Query::Secrets);
            assert_eq!(once, expected);
            assert_eq!(redacted(&once, &Query::Secrets), expected);
        }
    }

    #[test]
    fn only_named_parameters_stay() {
        let only = Query::Only(vec!["page".into(), "q".into()]);
        for (text, expected) in [
            ("?page=2&token=x&q=a", "?page=2&q=a"),
            ("page=2&token=x", "page=2"),
            ("?token=x", ""),
            ("#q=1", "?q=1"),
            ("?Page=2&p%61ge=3", "?p%61ge=3"),
        ] {
            let once = redacted(text, &only);
            assert_eq!(once, expected);
            assert_eq!(redacted(&once, &only), expected);
        }
    }
}
