//! Replaces what varies in paths by placeholders.

use std::ops::Range;

use percent_encoding::{AsciiSet, CONTROLS, percent_encode};

use super::percent::decoded;
use super::secrets::{has_email, has_jwt};

/// The minimum number of hexadecimal digits of a hash.
const MIN_HASH: usize = 16;
/// The minimum length of other text with letters and digits that is taken for an identifier.
const MIN_IDENTIFIER: usize = 20;
/// The lengths of the groups of a UUID.
const UUID: [usize; 5] = [8, 4, 4, 4, 12];

/// What is encoded in a segment that was decoded.
const ENCODED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'%')
    .add(b'/')
    .add(b'?')
    .add(b'#')
    .add(b';')
    .add(b'\\');

/// Appends a path with placeholders in place of numbers, UUIDs, hashes and e-mail addresses.
pub(super) fn template(path: &[u8], out: &mut Vec<u8>) {
    for (number, segment) in path.split(|byte| *byte == b'/').enumerate() {
        if number > 0 {
            out.push(b'/');
        }
        let text = decoded(segment);
        let mut replaced = Vec::with_capacity(text.len());
        template_segment(&text, &mut replaced);
        if replaced == *text {
            out.extend_from_slice(segment);
        } else if text.len() == segment.len() {
            out.extend_from_slice(&replaced);
        } else {
            for part in percent_encode(&replaced, ENCODED) {
                out.extend_from_slice(part.as_bytes());
            }
        }
    }
}

fn template_segment(text: &[u8], out: &mut Vec<u8>) {
    if has_email(text) {
        out.extend_from_slice(b"{email}");
        return;
    }
    if has_jwt(text) {
        out.extend_from_slice(b"{token}");
        return;
    }
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        if !byte.is_ascii_alphanumeric() {
            out.push(*byte);
            at += 1;
            continue;
        }
        let word = word_at(text, at);
        if let Some(end) = uuid_at(text, &word) {
            out.extend_from_slice(b"{uuid}");
            at = end;
        } else {
            let bytes = text.get(word.clone()).unwrap_or_default();
            out.extend_from_slice(placeholder(bytes).unwrap_or(bytes));
            at = word.end;
        }
    }
}

/// Returns the letters and digits from `at` on.
fn word_at(text: &[u8], at: usize) -> Range<usize> {
    let rest = text.get(at..).unwrap_or_default();
    let len = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    at..at + len
}

/// Returns the end of the UUID that begins with a word.
fn uuid_at(text: &[u8], word: &Range<usize>) -> Option<usize> {
    let mut at = word.start;
    for (number, len) in UUID.into_iter().enumerate() {
        if number > 0 {
            at = (text.get(at) == Some(&b'-')).then_some(at + 1)?;
        }
        let group = word_at(text, at);
        let hex = text.get(group.clone())?.iter().all(u8::is_ascii_hexdigit);
        at = (hex && group.len() == len).then_some(group.end)?;
    }
    Some(at)
}

fn placeholder(word: &[u8]) -> Option<&'static [u8]> {
    let digits = word.iter().filter(|byte| byte.is_ascii_digit()).count();
    let hex = word.iter().all(u8::is_ascii_hexdigit);
    if digits == word.len() {
        Some(b"{number}")
    } else if digits > 0 && hex && word.len() == UUID.iter().sum::<usize>() {
        Some(b"{uuid}")
    } else if digits > 0 && (hex && word.len() >= MIN_HASH || word.len() >= MIN_IDENTIFIER) {
        Some(b"{hash}")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_varies_becomes_a_placeholder() {
        for (path, expected) in [
            ("/users/123/orders/9", "/users/{number}/orders/{number}"),
            ("/i/6ba7b810-9dad-11d1-80b4-00c04fd430c8.png", "/i/{uuid}.png"),
            ("/i/6BA7B8109DAD11D180B400C04FD430C8", "/i/{uuid}"),
            ("/c/da39a3ee5e6b4b0d3255bfef95601890afd80709", "/c/{hash}"),
            ("/u/me%40example.com/x", "/u/{email}/x"),
            ("/v2/static/app.js", "/v2/static/app.js"),
            ("/a%20b/%31%32", "/a%20b/{number}"),
            ("/a%20b%2F7", "/a%20b%2F{number}"),
            ("", ""),
            ("//", "//"),
        ] {
            let (mut once, mut twice) = (Vec::new(), Vec::new());
            template(path.as_bytes(), &mut once);
            assert_eq!(str::from_utf8(&once).unwrap(), expected);
            template(&once, &mut twice);
            assert_eq!(once, twice);
        }
    }
}
