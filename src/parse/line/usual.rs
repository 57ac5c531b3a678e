//! Splits tokens of the usual form, a register at a time.
//!
//! [`parts`] returns what [`split_token`] writes, or nothing if a token has another form, which is left to it.
//!
//! [`split_token`]: super::split::split_token

use wide::u8x16;

use crate::formats::Split;

use super::{Span, swar};

/// The parts of a token; those that it has not are null.
pub(super) type Found = [Span; 7];

/// Splits a token of the usual form.
#[inline]
pub(super) fn parts(base: &[u8], value: Span, split: Split) -> Option<Found> {
    let mut found = [Span::NULL; 7];
    match split {
        Split::HostPort => (found[0], found[1]) = host_port(base, value)?,
        Split::Target => {
            if base[value.start()..].starts_with(b"arn:") {
                return None;
            }
            found[0] = value;
            (found[1], found[2]) = host_port(base, value)?;
        }
        Split::Request => return request(base, value),
        Split::Whole | Split::Validity => return None,
    }
    Some(found)
}

/// Splits `address:port` without brackets.
#[inline]
fn host_port(base: &[u8], value: Span) -> Option<(Span, Span)> {
    let colon = last_colon(base, value)?;
    if base[value.start()] == b'[' {
        return None;
    }
    let host = Span { end: colon, ..value };
    let port = Span {
        start: colon + 1,
        ..value
    };
    Some((host, port))
}

/// Returns the position of the last colon, if it is among the last eight bytes and is neither the first byte nor the last.
#[inline]
fn last_colon(base: &[u8], value: Span) -> Option<u32> {
    let last = value.bytes(base).last_chunk::<8>()?;
    let colons = swar::every_equal(u64::from_le_bytes(*last), b':');
    let after = colons.leading_zeros() / 8;
    let colon = value.end - 1 - after;
    (colons != 0 && after > 0 && colon > value.start).then_some(colon)
}

/// Splits `METHOD scheme://host:port/path HTTP/1.1`, with any other version, query or fragment.
#[inline]
fn request(base: &[u8], value: Span) -> Option<Found> {
    let bytes = value.bytes(base);
    let (before, version) = bytes.split_last_chunk::<8>()?;
    let version_at = u64::from_le_bytes(*version);
    let is_version = version.starts_with(b"HTTP/") && swar::equal(version_at, b' ') == 0;
    let spaces = swar::equal(u64::from_le_bytes(*bytes.first_chunk::<8>()?), b' ');
    if !is_version || before.last() != Some(&b' ') || spaces == 0 {
        return None;
    }
    let verb = Span {
        end: value.start + spaces.trailing_zeros() / 8,
        ..value
    };
    let url = Span {
        start: verb.end + 1,
        end: value.end - 9,
    };
    if url.start >= url.end {
        return None;
    }
    let scheme_len = match url.bytes(base) {
        [b'h', b't', b't', b'p', b's', b':', b'/', b'/', ..] => 5,
        [b'h', b't', b't', b'p', b':', b'/', b'/', ..] => 4,
        _ => return None,
    };
    let authority = Span {
        start: url.start + scheme_len + 3,
        ..url
    };
    let authority = Span {
        end: find(base, authority, |bytes| {
            bytes.simd_eq(u8x16::splat(b'/')) | end_of_path(bytes)
        })?,
        ..authority
    };
    let (host, port) = host_port(base, authority)?;
    let digits = base[port.start()..].first_chunk::<8>()?;
    let number = swar::number(u64::from_le_bytes(*digits), port.end - port.start)?;
    if port.end - port.start > 5 || number > 65_535 {
        return None;
    }
    let rest = Span {
        start: authority.end,
        ..url
    };
    let path = if rest.start < rest.end && base[rest.start()] == b'/' {
        Span {
            end: find(base, rest, end_of_path)?,
            ..rest
        }
    } else {
        Span::NULL
    };
    let scheme = Span {
        end: url.start + scheme_len,
        ..url
    };
    let version = Span {
        start: url.end + 1,
        ..value
    };
    Some([verb, url, version, scheme, host, port, path])
}

/// Returns whether the span contains a byte; nothing near the end of the text.
#[inline]
pub fn contains(base: &[u8], within: Span, byte: u8) -> Option<bool> {
    let found = find(base, within, |bytes| bytes.simd_eq(u8x16::splat(byte)))?;
    Some(found < within.end)
}

/// Marks the bytes that end a path.
#[inline]
fn end_of_path(bytes: u8x16) -> u8x16 {
    bytes.simd_eq(u8x16::splat(b'?')) | bytes.simd_eq(u8x16::splat(b'#'))
}

/// Returns the position of the first byte that `marks` marks, or the end of the span; nothing near the end of the text.
#[inline]
fn find(base: &[u8], within: Span, marks: impl Fn(u8x16) -> u8x16) -> Option<u32> {
    let mut at = within.start;
    while at < within.end {
        let bytes = base[at as usize..].first_chunk::<16>()?;
        let found = marks(u8x16::new(*bytes)).to_bitmask();
        if found != 0 {
            return Some((at + found.trailing_zeros()).min(within.end));
        }
        at += 16;
    }
    Some(within.end)
}
