//! Splits a request line into method, URL, version, and the parts of the URL.
//!
//! The split never fails a row: parts that cannot be found are null, and `request_url` keeps the whole text.

use std::ops::Range;

use memchr::{memchr, memchr3};

use super::Span;

/// Splits `METHOD SP URL SP VERSION` and the URL into method, URL, version, scheme, host, port, path.
///
/// The method ends at the first space, the version begins after the last, and the URL is everything between, spaces
/// included. Real logs also have: a space before the closing quote, no version, no URL, and `- - - ` for no request at all.
pub(super) fn split_request(text: &[u8], value: Span, into: &mut [Span]) {
    let [verb, url, version, url_parts @ ..] = into else {
        unreachable!("a request has seven parts")
    };
    let Some(bytes) = value.value(text) else { return };
    let begin = value.start();
    // Methods, versions, schemes and ports have a few bytes: vector code would take longer to set up.
    let Some(first) = bytes.iter().position(|byte| *byte == b' ') else {
        *url = value;
        split_url(text, value, url_parts);
        return;
    };
    *verb = Span::new(begin, begin + first);
    let rest = &bytes[first + 1..];
    let trimmed = rest.strip_suffix(b" ").unwrap_or(rest);
    let last = trimmed.iter().rposition(|byte| *byte == b' ');
    let tail = &trimmed[last.map_or(0, |at| at + 1)..];
    // A space before the closing quote either follows the version or replaces it.
    let has_version = tail.starts_with(b"HTTP/") || tail == b"-" || (last.is_some() && trimmed.len() == rest.len());
    let from = begin + first + 1;
    let url_end = if has_version {
        *version = Span::new(from + trimmed.len() - tail.len(), from + trimmed.len());
        last.unwrap_or(0)
    } else {
        trimmed.len()
    };
    if url_end > 0 {
        *url = Span::new(from, from + url_end);
        split_url(text, *url, url_parts);
    }
}

/// Splits `scheme://host:port/path?query` into scheme, host, port, path.
fn split_url(text: &[u8], url: Span, into: &mut [Span]) {
    let [scheme, host, port, path] = into else {
        unreachable!("a URL has four parts")
    };
    let Some(bytes) = url.value(text) else { return };
    let begin = url.start();
    let authority_at = match bytes.iter().position(|byte| *byte == b':') {
        Some(colon) if bytes[colon..].starts_with(b"://") && is_scheme(&bytes[..colon]) => {
            *scheme = Span::new(begin, begin + colon);
            colon + 3
        }
        // An origin-form target is only a path.
        _ if bytes.first() == Some(&b'/') => 0,
        _ => return,
    };
    let authority = &bytes[authority_at..];
    let authority_len = memchr3(b'/', b'?', b'#', authority).unwrap_or(authority.len());
    split_authority(
        text,
        Span::new(begin + authority_at, begin + authority_at + authority_len),
        host,
        port,
    );
    let path_at = authority_at + authority_len;
    let tail = &bytes[path_at..];
    if tail.first() == Some(&b'/') {
        let len = memchr::memchr2(b'?', b'#', tail).unwrap_or(tail.len());
        *path = Span::new(begin + path_at, begin + path_at + len);
    }
}

/// Returns the query string of a URL: the text between the first `?` and a `#`, which may be empty.
pub fn query(url: &[u8]) -> Option<Range<usize>> {
    let end = memchr(b'#', url).unwrap_or(url.len());
    let mark = memchr(b'?', &url[..end])?;
    Some(mark + 1..end)
}

fn is_scheme(bytes: &[u8]) -> bool {
    !bytes.is_empty()
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

/// Splits `host:port`. If the path is absent, load balancers append its dash to the port: `host:80-`.
fn split_authority(text: &[u8], authority: Span, host: &mut Span, port: &mut Span) {
    let bytes = authority.bytes(text);
    if bytes.is_empty() {
        return;
    }
    let (begin, end) = (authority.start(), authority.end());
    // A colon inside the brackets of an IPv6 address does not begin a port.
    let colon = bytes
        .iter()
        .rposition(|byte| *byte == b':')
        .filter(|colon| !bytes[*colon..].contains(&b']'));
    let Some(colon) = colon else {
        *host = authority;
        return;
    };
    if colon > 0 {
        *host = Span::new(begin, begin + colon);
    }
    let digits = &bytes[colon + 1..];
    let glued = digits.strip_suffix(b"-").unwrap_or(digits);
    let fits = !glued.is_empty()
        && glued.len() <= 5
        && glued.iter().all(u8::is_ascii_digit)
        && glued.iter().fold(0, |port, digit| port * 10 + u32::from(digit - b'0')) <= 65_535;
    if fits {
        *port = Span::new(begin + colon + 1, end - (digits.len() - glued.len()));
    }
}
