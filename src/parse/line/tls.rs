//! The versions of TLS and SSL, as AWS writes them: `TLSv1.2`, `tlsv12`, `SSLv3`.

/// The known versions: the digits that AWS writes after the name, and those of the version.
const VERSIONS: &[(&[u8], &str)] = &[
    (b"1.3", "1.3"),
    (b"13", "1.3"),
    (b"1.2", "1.2"),
    (b"12", "1.2"),
    (b"1.1", "1.1"),
    (b"11", "1.1"),
    (b"1.0", "1.0"),
    (b"10", "1.0"),
    (b"1", "1.0"),
    (b"3.0", "3.0"),
    (b"3", "3.0"),
    (b"2.0", "2.0"),
    (b"2", "2.0"),
];

/// The names of the versions: protocol, version, and the name in OpenSSL's style.
const NAMES: [(&str, &str, &str); 6] = [
    ("tls", "1.3", "TLSv1.3"),
    ("tls", "1.2", "TLSv1.2"),
    ("tls", "1.1", "TLSv1.1"),
    ("tls", "1.0", "TLSv1.0"),
    ("ssl", "3.0", "SSLv3"),
    ("ssl", "2.0", "SSLv2"),
];

/// Splits a version into its protocol, `tls` or `ssl`, and the digits after `v`.
fn parts(text: &[u8]) -> Option<(&'static str, &[u8])> {
    let (name, digits) = text.split_at_checked(4)?;
    let name = match name.to_ascii_lowercase().as_slice() {
        b"tlsv" => "tls",
        b"sslv" => "ssl",
        _ => return None,
    };
    Some((name, digits))
}

fn known(digits: &[u8]) -> Option<&'static str> {
    let known = VERSIONS.iter().find(|(written, _)| *written == digits);
    known.map(|(_, version)| *version)
}

/// Returns the version in digits, such as `1.2`; none for unknown versions.
pub fn version(text: &[u8]) -> Option<&'static str> {
    known(parts(text)?.1)
}

/// Returns `tls` or `ssl`.
pub fn protocol(text: &[u8]) -> Option<&'static str> {
    parts(text).map(|(name, _)| name)
}

/// Returns the version in one spelling, such as `TLSv1.2`, whether or not the text has the `v`; none for unknown versions.
pub fn name(text: &[u8]) -> Option<&'static str> {
    let (protocol, digits) = parts(text).or_else(|| {
        let (name, digits) = text.split_at_checked(3)?;
        let names = ["tls", "ssl"].into_iter();
        let mut found = names.filter(|known| name.eq_ignore_ascii_case(known.as_bytes()));
        found.next().map(|name| (name, digits))
    })?;
    let version = known(digits)?;
    let mut names = NAMES.into_iter();
    names
        .find(|(of, digits, _)| (*of, *digits) == (protocol, version))
        .map(|(_, _, name)| name)
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn every_spelling_of_a_version_has_one_name() {
        for (texts, wanted) in [
            (&["TLSv1.3", "tlsv13", "tls13", "TLS1.3"][..], "TLSv1.3"),
            (&["TLSv1.2", "tlsv12", "tls12", "TLSV1.2"], "TLSv1.2"),
            (&["TLSv1.1", "tlsv11"], "TLSv1.1"),
            (&["TLSv1", "TLSv1.0", "tlsv1", "tlsv10"], "TLSv1.0"),
            (&["SSLv3", "sslv3", "SSLv3.0"], "SSLv3"),
            (&["SSLv2"], "SSLv2"),
        ] {
            for text in texts {
                assert_eq!(name(text.as_bytes()), Some(wanted), "{text}");
            }
        }
        for text in [
            "", "-", "TLS", "TLSv", "TLSv9.9", "TLSv3", "SSLv1.2", "DTLSv1.2", "tls 1.2", "é1.2",
        ] {
            assert_eq!(name(text.as_bytes()), None, "{text}");
        }
    }
}
