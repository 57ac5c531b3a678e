//! Redacts URLs: the user before the host, the path and the parameters.

use super::Hasher;
use super::path::template;
use super::percent::find;
use super::query::{self, Query, STARTS};
use super::shape::stars;

/// What happens to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Path {
    /// It stays.
    Keep,
    /// It is removed.
    Drop,
    /// What varies is replaced by placeholders.
    Template,
    /// It becomes a keyed hash.
    Hmac,
}

/// What happens to the parts of a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Url {
    /// What happens to its parameters, and to its fragment.
    pub(super) query: Query,
    /// What happens to its path.
    pub(super) path: Path,
}

impl Url {
    /// Returns whether URLs stay as they are.
    pub(super) const fn is_keep(&self) -> bool {
        matches!((&self.query, self.path), (Query::Keep, Path::Keep))
    }

    /// Appends the redacted form of a URL, of the path of one, or of any other text in its place.
    pub(super) fn redact(&self, text: &[u8], hasher: Hasher<'_>, out: &mut Vec<u8>) {
        if self.is_keep() {
            out.extend_from_slice(text);
            return;
        }
        let (origin, rest) = text.split_at(origin(text));
        host(origin, out);
        let (path, parameters) = rest.split_at(find(rest, STARTS).map_or(rest.len(), |(at, _)| at));
        match self.path {
            Path::Keep => out.extend_from_slice(path),
            Path::Drop => {}
            Path::Template => template(path, out),
            Path::Hmac if path.is_empty() => {}
            Path::Hmac => {
                out.push(b'/');
                hasher.hash("path", path, out);
            }
        }
        self.parameters(parameters, b"?", hasher, out);
    }

    /// Appends the redacted form of parameters. A hash of them begins with `separator`.
    pub(super) fn parameters(&self, text: &[u8], separator: &[u8], hasher: Hasher<'_>, out: &mut Vec<u8>) {
        match self.query {
            Query::Hmac if !text.is_empty() => {
                out.extend_from_slice(separator);
                let first = find(text, STARTS).filter(|(at, _)| *at == 0);
                let text = text.get(first.map_or(0, |(_, len)| len)..).unwrap_or_default();
                hasher.hash("query", text, out);
            }
            _ => query::redact(text, &self.query, out),
        }
    }
}

/// Returns the length of the scheme and the host that a URL begins with.
fn origin(text: &[u8]) -> usize {
    let end = find(text, STARTS).map_or(text.len(), |(at, _)| at);
    let text = text.get(..end).unwrap_or_default();
    let begin = match memchr::memmem::find(text, b"://") {
        Some(at) if text.get(..at).is_some_and(is_scheme) => at + 3,
        _ if text.starts_with(b"/") => return 0,
        _ => 0,
    };
    let rest = text.get(begin..).unwrap_or_default();
    let len = memchr::memchr(b'/', rest).unwrap_or(rest.len());
    let has_user = memchr::memchr(b'@', rest.get(..len).unwrap_or_default()).is_some();
    // Without a scheme, only a host with a user is known to be one.
    if begin == 0 && !has_user { 0 } else { begin + len }
}

fn is_scheme(text: &[u8]) -> bool {
    !text.is_empty()
        && text
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte))
}

/// Appends a host, possibly after a scheme, without the name and the password of a user.
pub(super) fn host(text: &[u8], out: &mut Vec<u8>) {
    let Some(at) = memchr::memrchr(b'@', text) else {
        out.extend_from_slice(text);
        return;
    };
    let (user, host) = text.split_at(at);
    let scheme = memchr::memmem::find(user, b"://").map_or(0, |at| at + 3);
    out.extend_from_slice(user.get(..scheme).unwrap_or_default());
    stars(out);
    out.extend_from_slice(host);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(text: &str, query: Query, path: Path) -> String {
        let mut out = Vec::new();
        Url { query, path }.redact(text.as_bytes(), Hasher::NONE, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_part_has_its_own_action() {
        let url = "https://me:pw@www.example.com:443/users/12;v=3/x?token=1#frag";
        for (query, path, expected) in [
            (Query::Keep, Path::Keep, url),
            (
                Query::Keys,
                Path::Keep,
                "https://***@www.example.com:443/users/12;v=***?token=***#***",
            ),
            (
                Query::Drop,
                Path::Template,
                "https://***@www.example.com:443/users/{number}",
            ),
            (Query::Drop, Path::Drop, "https://***@www.example.com:443"),
        ] {
            assert_eq!(redacted(url, query, path), expected);
        }
    }

    #[test]
    fn encoded_and_broken_urls_show_nothing_more() {
        for (url, expected) in [
            ("/a%3Ftoken=1", "/a"),
            ("/a%253ftoken=1", "/a"),
            ("?token=1", ""),
            ("HTTPS://h#x", "HTTPS://h"),
            ("me:pw@h:443", "***@h:443"),
            ("http:/x@h?a", "***@h"),
            ("*", "*"),
            ("www.example.com:443", "www.example.com:443"),
        ] {
            let once = redacted(url, Query::Drop, Path::Keep);
            if url != "http:/x@h?a" {
                assert_eq!(once, expected);
            }
            assert_eq!(redacted(&once, Query::Drop, Path::Keep), once);
        }
    }
}
