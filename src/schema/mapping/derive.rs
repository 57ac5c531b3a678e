//! The rules that schemas share: pure functions of a row's columns.

#![expect(clippy::unnecessary_wraps, reason = "rules have a fixed signature")]

use std::net::IpAddr;
use std::ops::Range;

use super::Input;
pub(super) use crate::parse::line::query;
use crate::parse::line::tls;

/// The columns that distinguish a Classic entry of an HTTP listener from one of a TCP listener, which has none of them.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/access-log-collection.html>
pub(super) const CLASSIC_REQUEST: [&str; 6] = [
    "elb_status_code",
    "backend_status_code",
    "request_verb",
    "request_url",
    "request_proto",
    "user_agent",
];

/// The position of the method among [`CLASSIC_REQUEST`].
pub(super) const CLASSIC_VERB: usize = 2;

/// Returns a column followed by [`CLASSIC_REQUEST`].
pub(super) const fn classic_with(column: &'static str) -> [&'static str; 7] {
    let [status, backend, verb, url, protocol, agent] = CLASSIC_REQUEST;
    [column, status, backend, verb, url, protocol, agent]
}

/// Returns whether a Classic entry is a request, given [`CLASSIC_REQUEST`].
pub(super) fn is_request(inputs: &[Input<'_>]) -> bool {
    inputs.iter().any(|input| !input.is_null())
}

/// Returns the whole text if it is an IPv4 or IPv6 address without brackets, zone and port.
pub(super) fn ip(text: &[u8]) -> Option<Range<usize>> {
    version_of_ip(text).map(|_| 0..text.len())
}

/// Returns the version of an IP address without brackets, zone and port: 4 or 6.
pub(super) fn version_of_ip(text: &[u8]) -> Option<i32> {
    if is_ipv4(text) {
        return Some(4);
    }
    let address: IpAddr = str::from_utf8(text).ok()?.parse().ok()?;
    Some(if address.is_ipv4() { 4 } else { 6 })
}

/// Returns whether a text is an IPv4 address, in fewer instructions than the standard library, which is the reference in tests.
fn is_ipv4(text: &[u8]) -> bool {
    let (mut dots, mut has_digit, mut number) = (0, false, 0);
    for byte in text {
        match byte {
            b'0'..=b'9' if !has_digit || number > 0 => {
                number = number * 10 + u32::from(byte - b'0');
                has_digit = true;
                if number > 255 {
                    return false;
                }
            }
            b'.' if has_digit => (dots, has_digit, number) = (dots + 1, false, 0),
            _ => return false,
        }
    }
    dots == 3 && has_digit
}

/// Returns the version in a request line without `HTTP/`; any other text unchanged.
pub(super) fn http_version(protocol: &[u8]) -> Option<Range<usize>> {
    let start = if protocol.starts_with(b"HTTP/") { 5 } else { 0 };
    Some(start..protocol.len())
}

/// Appends a text in lowercase.
pub(super) fn lowercase(inputs: &[Input<'_>], out: &mut Vec<u8>) -> bool {
    let Some(text) = inputs.first().and_then(|input| input.text()) else {
        return false;
    };
    out.extend(text.iter().map(u8::to_ascii_lowercase));
    true
}

/// Returns the version of TLS or SSL in digits, such as `1.2`; none for unknown versions.
pub(super) fn tls_version(inputs: &[Input<'_>]) -> Option<&'static str> {
    tls::version(inputs.first()?.text()?)
}

/// Returns `tls` or `ssl`.
pub(super) fn tls_protocol(inputs: &[Input<'_>]) -> Option<&'static str> {
    tls::protocol(inputs.first()?.text()?)
}

/// Appends the 32 hexadecimal digits of the `Root` in an `X-Amzn-Trace-Id` header, in lowercase.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-request-tracing.html>
pub(super) fn trace_root(inputs: &[Input<'_>], out: &mut Vec<u8>) -> bool {
    let header = inputs.first().and_then(|input| input.text()).unwrap_or_default();
    let parts = std::iter::once(0).chain(memchr::memchr_iter(b';', header).map(|semicolon| semicolon + 1));
    for part in parts.filter_map(|start| header.get(start..)) {
        // The time, a hyphen, and 24 digits.
        let root = part.strip_prefix(b"Root=1-").and_then(<[u8]>::split_first_chunk::<33>);
        let Some((root, None | Some(b';'))) = root.map(|(root, after)| (root, after.first())) else {
            continue;
        };
        let (Some(time), Some(b'-'), Some(rest)) = (root.first_chunk::<8>(), root.get(8), root.last_chunk::<24>())
        else {
            continue;
        };
        // Every digit is looked at, which vectorizes.
        let digits = time.iter().chain(rest).map(u8::is_ascii_hexdigit);
        if digits.fold(true, |all, is_digit| all & is_digit) {
            let start = out.len();
            out.extend_from_slice(time);
            out.extend_from_slice(rest);
            out.get_mut(start..).unwrap_or_default().make_ascii_lowercase();
            return true;
        }
    }
    false
}

/// Returns the text before the first colon, or all of it: `Failed` of `Failed:ClientCertExpired`.
pub(super) fn before_colon(text: &[u8]) -> Option<Range<usize>> {
    let end = text.iter().position(|byte| *byte == b':').unwrap_or(text.len());
    Some(0..end)
}

/// Returns the text after the first colon: `ClientCertExpired` of `Failed:ClientCertExpired`.
pub(super) fn after_colon(text: &[u8]) -> Option<Range<usize>> {
    let colon = text.iter().position(|byte| *byte == b':')?;
    Some(colon + 1..text.len())
}

/// Returns the status of a check that uses HTTP. A gRPC code is not an HTTP status.
pub(super) fn http_status_of_check(inputs: &[Input<'_>]) -> Option<i32> {
    let [status, Input::Text(b"http" | b"https" | b"h2")] = inputs else {
        return None;
    };
    i32::try_from(status.integer()?).ok()
}

/// Parses an integer that is written as text.
pub(super) fn number(inputs: &[Input<'_>]) -> Option<i64> {
    str::from_utf8(inputs.first()?.text()?).ok()?.parse().ok()
}

/// Appends an integer in decimal digits.
pub(super) fn decimal(inputs: &[Input<'_>], out: &mut Vec<u8>) -> bool {
    let Some(number) = inputs.first().and_then(|input| input.integer()) else {
        return false;
    };
    out.extend_from_slice(number.to_string().as_bytes());
    true
}

/// Converts milliseconds to nanoseconds.
pub(super) fn nanos_of_millis(inputs: &[Input<'_>]) -> Option<i64> {
    let millis = inputs.first()?.integer()?;
    millis.checked_mul(1_000_000).filter(|nanos| *nanos >= 0)
}

/// Converts seconds to nanoseconds, rounded.
pub(super) fn nanos_of_seconds(inputs: &[Input<'_>]) -> Option<i64> {
    rounded(inputs.first()?.float()? * 1e9)
}

/// Converts seconds to milliseconds, rounded.
pub(super) fn millis_of_seconds(inputs: &[Input<'_>]) -> Option<i64> {
    rounded(inputs.first()?.float()? * 1e3)
}

/// Rounds a number, if it is not negative and fits.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn rounded(value: f64) -> Option<i64> {
    let rounded = value.round();
    (0.0..9.2e18).contains(&rounded).then_some(rounded as i64)
}

/// Returns the nanoseconds from the second input to the first; none if they are negative.
pub(super) fn nanos_between(inputs: &[Input<'_>]) -> Option<i64> {
    micros_between(inputs)?.checked_mul(1_000)
}

/// Returns the milliseconds from the second input to the first, truncated; none if they are negative.
pub(super) fn millis_between(inputs: &[Input<'_>]) -> Option<i64> {
    Some(micros_between(inputs)? / 1_000)
}

fn micros_between(inputs: &[Input<'_>]) -> Option<i64> {
    let [end, start, ..] = inputs else { return None };
    end.time()?.checked_sub(start.time()?).filter(|micros| *micros >= 0)
}

/// Returns a time in milliseconds since 1970, truncated.
pub(super) fn epoch_millis(inputs: &[Input<'_>]) -> Option<i64> {
    Some(inputs.first()?.time()?.div_euclid(1_000))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn piece(rule: fn(&[u8]) -> Option<Range<usize>>, text: &str) -> Option<&str> {
        rule(text.as_bytes()).and_then(|range| text.get(range))
    }

    #[test]
    fn only_whole_texts_are_addresses() {
        for text in ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"] {
            assert_eq!(piece(ip, text), Some(text));
        }
        for text in [
            "",
            "-",
            "192.0.2.1:80",
            "[2001:db8::1]",
            "fe80::1%eth0",
            "app.example.com",
            "192.0.2",
        ] {
            assert_eq!(piece(ip, text), None, "{text}");
        }
    }

    #[test]
    fn a_query_string_ends_at_a_fragment() {
        assert_eq!(piece(query, "https://a:443/b?c=d?e#f?g"), Some("c=d?e"));
        assert_eq!(piece(query, "https://a:443/b?"), Some(""));
        assert_eq!(piece(query, "https://a:443/b#f?g"), None);
        assert_eq!(piece(query, ""), None);
    }

    #[test]
    fn versions_are_separated_from_their_protocol() {
        assert_eq!(piece(http_version, "HTTP/1.1"), Some("1.1"));
        assert_eq!(piece(http_version, "h2"), Some("h2"));
        let tls = |text: &str| {
            let inputs = [Input::Text(text.as_bytes())];
            (tls_protocol(&inputs), tls_version(&inputs))
        };
        assert_eq!(tls("TLSv1.3"), (Some("tls"), Some("1.3")));
        assert_eq!(tls("tlsv12"), (Some("tls"), Some("1.2")));
        assert_eq!(tls("TLSv1"), (Some("tls"), Some("1.0")));
        assert_eq!(tls("SSLv3"), (Some("ssl"), Some("3.0")));
        assert_eq!(tls("TLSv9.9"), (Some("tls"), None));
        assert_eq!(tls("DTLSv1.2"), (None, None));
        assert_eq!(tls("é"), (None, None));
    }

    proptest! {
        #[test]
        fn ipv4_addresses_are_those_of_the_standard_library(text in "[0-9]{0,3}(\\.[0-9]{0,3}){2,4}|[0-9.]{0,16}|.{0,4}") {
            prop_assert_eq!(is_ipv4(text.as_bytes()), text.parse::<std::net::Ipv4Addr>().is_ok());
        }
    }

    #[test]
    fn the_root_of_a_trace_id_is_extracted() {
        let root = |text: &str| {
            let mut out = Vec::new();
            trace_root(&[Input::Text(text.as_bytes())], &mut out).then(|| String::from_utf8(out).unwrap())
        };
        let found = Some("58337364 23ed4f5a3b6a9b6d7c8e9f01".replace(' ', ""));
        assert_eq!(root("Root=1-58337364-23ED4f5a3b6a9b6d7c8e9f01"), found);
        assert_eq!(
            root("Self=1-0-0;Root=1-58337364-23ed4f5a3b6a9b6d7c8e9f01;Parent=1"),
            found
        );
        for text in [
            "",
            "-",
            "Root=1-58337364",
            "Root=1-58337364-23ed",
            "Root=1-5833736423ed4f5a3b6a9b6d7c8e9f01",
            "Root=1-5833736g-23ed4f5a3b6a9b6d7c8e9f01",
            "Root=1-58337364-23ed4f5a3b6a9b6d7c8e9f012",
            "Root=1-58337364-23ed4f5a3b6a9b6d7c8e9f01-1",
            "Root=1-58337364023ed4f5a3b6a9b6d7c8e9f01",
        ] {
            assert_eq!(root(text), None, "{text}");
        }
    }

    #[test]
    fn grpc_codes_are_not_http_statuses() {
        assert_eq!(
            http_status_of_check(&[Input::Integer(200), Input::Text(b"https")]),
            Some(200)
        );
        assert_eq!(http_status_of_check(&[Input::Integer(12), Input::Text(b"grpc")]), None);
    }

    #[test]
    fn durations_are_integers_and_never_negative() {
        assert_eq!(nanos_of_millis(&[Input::Integer(25)]), Some(25_000_000));
        assert_eq!(nanos_of_millis(&[Input::Integer(i64::MAX)]), None);
        assert_eq!(nanos_of_seconds(&[Input::Float(0.001)]), Some(1_000_000));
        assert_eq!(millis_of_seconds(&[Input::Float(1.2346)]), Some(1_235));
        assert_eq!(millis_of_seconds(&[Input::Float(-0.6)]), None);
        assert_eq!(millis_of_seconds(&[Input::Float(f64::MAX)]), None);
        assert_eq!(nanos_between(&[Input::Time(5), Input::Time(3)]), Some(2_000));
        assert_eq!(nanos_between(&[Input::Time(3), Input::Time(5)]), None);
        assert_eq!(millis_between(&[Input::Time(5_999), Input::Time(0)]), Some(5));
        assert_eq!(millis_between(&[Input::Time(5_999), Input::Null]), None);
        assert_eq!(epoch_millis(&[Input::Time(-1)]), Some(-1));
    }
}
