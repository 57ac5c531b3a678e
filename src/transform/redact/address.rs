//! Redacts IP addresses.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Splits an address off its port, and off the brackets of an IPv6 address; returns what precedes it, it and what follows.
pub(super) fn parse(text: &[u8]) -> Option<(&str, IpAddr, &str)> {
    let text = str::from_utf8(text).ok()?;
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(("", address.to_canonical(), ""));
    }
    let (host, port) = text.rsplit_once(':')?;
    if port.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let at = text.len() - port.len() - 1;
    let port = text.get(at..)?;
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    match bracketed {
        Some(host) => Some(("[", host.parse::<IpAddr>().ok()?.to_canonical(), text.get(at - 1..)?)),
        None => Some(("", host.parse::<IpAddr>().ok()?.to_canonical(), port)),
    }
}

/// Returns the first bits of an address; the others are zero.
pub(super) fn truncate(address: IpAddr, (v4, v6): (u8, u8)) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(v4.min(32))).unwrap_or(0);
            Ipv4Addr::from_bits(address.to_bits() & mask).into()
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(v6.min(128))).unwrap_or(0);
            Ipv6Addr::from_bits(address.to_bits() & mask).into()
        }
    }
}

/// Appends an address between what preceded and what followed the one that it replaces.
pub(super) fn write((before, after): (&str, &str), address: impl std::fmt::Display, out: &mut Vec<u8>) {
    // Writing to a vector does not fail.
    let _ = write!(out, "{before}{address}{after}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_bits_are_removed() {
        for (text, bits, expected) in [
            ("198.51.100.77", (24, 48), "198.51.100.0"),
            ("198.51.100.77", (0, 0), "0.0.0.0"),
            ("198.51.100.77", (32, 128), "198.51.100.77"),
            ("198.51.100.77", (16, 32), "198.51.0.0"),
            ("2001:db8:1:2::3", (24, 48), "2001:db8:1::"),
            ("2001:db8:1:2::3", (24, 0), "::"),
            ("::ffff:198.51.100.77", (24, 48), "198.51.100.0"),
            ("198.51.100.77:8080", (24, 48), "198.51.100.0:8080"),
            ("[2001:db8:1:2::3]:80", (24, 48), "[2001:db8:1::]:80"),
        ] {
            let (before, address, after) = parse(text.as_bytes()).unwrap();
            let mut out = Vec::new();
            write((before, after), truncate(address, bits), &mut out);
            assert_eq!(str::from_utf8(&out).unwrap(), expected);
        }
        for text in [
            "",
            "-",
            "192.0.2",
            "example.com:80",
            "192.0.2.1:",
            "[::1]",
            "192.0.2.1:x",
            ":80",
        ] {
            assert!(parse(text.as_bytes()).is_none(), "{text}");
        }
    }
}
