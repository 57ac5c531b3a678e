//! OpenTelemetry: log records with its semantic conventions, and below `aws.elb` the names of the collector's
//! `awslogsencodingextension`.
//! <https://github.com/open-telemetry/semantic-conventions/tree/v1.44.0/docs/registry/attributes>
//! <https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/extension/encoding/awslogsencodingextension>
//!
//! The first name of a path is a part of the record: its resource, its instrumentation scope, its attributes, or one of its own
//! fields. The others are the name of an attribute. A column without a name there has its own below `aws.elb`.

use std::ops::Range;

use super::build::{Entry, column, column_if, computed, constant};
use super::derive;
use super::{Input, Literal, Rule};
use crate::formats::{Layout, LogType};

/// The version of the semantic conventions that the names are compared with. The collector's extension uses 1.38.0, in which those
/// that both have are the same.
pub(super) const VERSION: &str = "1.44.0";

/// The name below which columns go that no line of the mapping takes unchanged.
pub(super) const CATCH_ALL: &str = "attributes.aws.elb";

/// The last time that a 64-bit number of nanoseconds since 1970 can express, in microseconds.
#[expect(
    clippy::cast_possible_wrap,
    reason = "a thousandth of the maximum is less than half of it"
)]
const LAST_TIME: i64 = (u64::MAX / 1_000) as i64;

const FORMAT: &str =
    "Format of the log, as the collector names it; a name in its style for logs that it does not read.";
const LOG_TYPE: &str = "Log type that the event comes from.";
const TRACE_ID: &str = "The 32 hex digits of Root in aws.elb.aws_trace_id.";
const PROTOCOL_VERSION: &str = "Version of HTTP, without HTTP/.";
const PROTOCOL_NAME: &str = "Protocol of the request line, in lowercase.";
const QUERY: &str = "Query string of the URL, without the question mark.";
const TLS_VERSION: &str = "Protocol and version of TLS in lowercase, as in the collector.";
const TLS_NAME: &str = "Protocol of the connection: tls or ssl.";
const CHECK_STATUS: &str = "HTTP status code of the target's response, if the check uses HTTP.";

/// The entries of all records.
#[rustfmt::skip]
static COMMON: &[Entry] = &[
    constant("resource.cloud.provider", Literal::Text("aws"), "Cloud provider."),
    column("resource.cloud.resource_id", "elb"),
    column("resource.cloud.account.id", "account_id"),
    column("resource.cloud.region", "region"),
    column_if("timeUnixNano", "timestamp", &["timestamp"], is_unix_time),
    // The first attribute of a record has a value in every event.
    column("attributes.log.record.uid", "event_id"),
    column("attributes.aws.s3.bucket", "source_bucket"),
    column("attributes.aws.s3.key", "source_key"),
];

#[rustfmt::skip]
static CLIENT: &[Entry] = &[
    column("attributes.client.address", "client_ip"),
    column("attributes.client.port", "client_port"),
];

/// The collector has these names for the bytes of requests and connections.
#[rustfmt::skip]
static BYTES: &[Entry] = &[
    column("attributes.http.request.size", "received_bytes"),
    column("attributes.http.response.size", "sent_bytes"),
];

/// The node of an Application Load Balancer, to which its clients connect.
#[rustfmt::skip]
static NODE: &[Entry] = &[
    column("attributes.network.local.address", "ip_address"),
];

/// A request and its response, in the columns that ALB and Classic access logs share.
#[rustfmt::skip]
static REQUEST: &[Entry] = &[
    column("attributes.http.request.method", "request_verb"),
    column("attributes.http.response.status_code", "elb_status_code"),
    column("attributes.aws.elb.status.code", "elb_status_code"),
    column("attributes.url.full", "request_url"),
    column("attributes.url.scheme", "request_scheme"),
    column("attributes.url.path", "request_path"),
    computed("attributes.url.query", &["request_url"], Rule::Piece(derive::query), QUERY).layout(Layout::Distinct),
    column("attributes.server.address", "request_host"),
    column("attributes.server.port", "request_port"),
    computed("attributes.network.protocol.version", &["request_proto"], Rule::Piece(derive::http_version), PROTOCOL_VERSION),
    column("attributes.user_agent.original", "user_agent"),
    column("attributes.tls.cipher", "ssl_cipher"),
    computed("attributes.tls.protocol.version", &["ssl_protocol"], Rule::Text(derive::lowercase), TLS_VERSION),
    computed("attributes.tls.protocol.name", &["ssl_protocol"], Rule::Word(derive::tls_protocol), TLS_NAME),
];

#[rustfmt::skip]
static ALB_ACCESS: &[Entry] = &[
    constant("scope.encoding.format", Literal::Text("aws.elbaccess"), FORMAT),
    constant("scope.aws.elb.log_type", Literal::Text("alb_access"), LOG_TYPE),
    computed("traceId", &["trace_id"], Rule::Text(trace_id), TRACE_ID).layout(Layout::Prefixed),
    column("attributes.network.protocol.name", "type"),
    column("attributes.destination.address", "target_ip"),
    column("attributes.destination.port", "target_port"),
    column("attributes.url.domain", "domain_name"),
    column("attributes.aws.elb.backend.status.code", "target_status_code"),
    column("attributes.aws.elb.aws_trace_id", "trace_id"),
    column("attributes.aws.elb.connection_trace_id", "conn_trace_id"),
];

#[rustfmt::skip]
static ALB_CONNECTION: &[Entry] = &[
    constant("scope.encoding.format", Literal::Text("aws.elbconnection"), FORMAT),
    constant("scope.aws.elb.log_type", Literal::Text("alb_connection"), LOG_TYPE),
    column("attributes.network.local.port", "listener_port"),
    column("attributes.tls.cipher", "tls_cipher"),
    computed("attributes.tls.protocol.version", &["tls_protocol"], Rule::Text(derive::lowercase), TLS_VERSION),
    computed("attributes.tls.protocol.name", &["tls_protocol"], Rule::Word(derive::tls_protocol), TLS_NAME),
    column("attributes.tls.client.subject", "leaf_client_cert_subject"),
    column("attributes.tls.client.not_before", "leaf_client_cert_not_before"),
    column("attributes.tls.client.not_after", "leaf_client_cert_not_after"),
    column("attributes.aws.elb.tls_named_group", "tls_keyexchange"),
    column("attributes.aws.elb.connection_trace_id", "conn_trace_id"),
];

/// The load balancer is the client of a check, the target its destination.
#[rustfmt::skip]
static ALB_HEALTH_CHECK: &[Entry] = &[
    constant("scope.encoding.format", Literal::Text("aws.elbhealthcheck"), FORMAT),
    constant("scope.aws.elb.log_type", Literal::Text("alb_health_check"), LOG_TYPE),
    column("attributes.client.address", "ip_address"),
    column("attributes.destination.address", "target_ip"),
    column("attributes.destination.port", "target_port"),
    computed("attributes.http.response.status_code", &["status_code", "type"], Rule::Int32(derive::http_status_of_check), CHECK_STATUS),
    // Below a name of their own, because aws.elb.status is a prefix of the collector's names.
    column("attributes.aws.elb.health_check.type", "type"),
    column("attributes.aws.elb.health_check.status", "status"),
    column("attributes.aws.elb.health_check.status_code", "status_code"),
    column("attributes.aws.elb.health_check.reason_code", "reason_code"),
    column("attributes.aws.elb.health_check.latency", "latency"),
];

#[rustfmt::skip]
static NLB_ACCESS: &[Entry] = &[
    constant("scope.encoding.format", Literal::Text("aws.elbaccess"), FORMAT),
    constant("scope.aws.elb.log_type", Literal::Text("nlb_access"), LOG_TYPE),
    column("attributes.network.protocol.name", "type"),
    // The collector has the version of the log entry here.
    column("attributes.network.protocol.version", "version"),
    column("attributes.destination.address", "destination_ip"),
    column("attributes.destination.port", "destination_port"),
    column("attributes.url.domain", "domain_name"),
    column("attributes.tls.cipher", "tls_cipher"),
    column("attributes.tls.protocol.version", "tls_protocol_version"),
    computed("attributes.tls.protocol.name", &["tls_protocol_version"], Rule::Word(derive::tls_protocol), TLS_NAME),
    column("attributes.aws.elb.tls.listener.resource_id", "listener"),
    column("attributes.aws.elb.tls_named_group", "tls_keyexchange"),
];

#[rustfmt::skip]
static CLB_ACCESS: &[Entry] = &[
    constant("scope.encoding.format", Literal::Text("aws.elbaccess"), FORMAT),
    constant("scope.aws.elb.log_type", Literal::Text("clb_access"), LOG_TYPE),
    computed("attributes.network.protocol.name", &["request_proto"], Rule::Text(protocol_name), PROTOCOL_NAME),
    column("attributes.destination.address", "backend_ip"),
    column("attributes.destination.port", "backend_port"),
    column("attributes.aws.elb.backend.status.code", "backend_status_code"),
];

/// Returns whether a time is one that a record can have: a number of nanoseconds since 1970 in 64 bits, not 0, which is no time.
fn is_unix_time(inputs: &[Input<'_>]) -> bool {
    let time = inputs.first().and_then(|input| input.time());
    time.is_some_and(|micros| (1..=LAST_TIME).contains(&micros))
}

/// Appends the trace id, unless all its digits are 0, which is not valid.
/// <https://opentelemetry.io/docs/specs/otel/trace/api/#spancontext>
fn trace_id(inputs: &[Input<'_>], out: &mut Vec<u8>) -> bool {
    let start = out.len();
    let is_valid = derive::trace_root(inputs, out)
        && out
            .get(start..)
            .is_some_and(|digits| digits.iter().any(|digit| *digit != b'0'));
    if !is_valid {
        out.truncate(start);
    }
    is_valid
}

/// Appends the protocol of `HTTP/1.1` in lowercase.
fn protocol_name(inputs: &[Input<'_>], out: &mut Vec<u8>) -> bool {
    let Some(protocol) = inputs.first().and_then(|input| input.text()) else {
        return false;
    };
    let name = protocol.get(before_slash(protocol)).unwrap_or_default();
    derive::lowercase(&[Input::Text(name)], out)
}

fn before_slash(text: &[u8]) -> Range<usize> {
    0..memchr::memchr(b'/', text).unwrap_or(text.len())
}

/// The columns on request that the conventions have a place for.
#[rustfmt::skip]
pub(super) static EXTRAS: &[Entry] = &[
    column("attributes.log.record.original", "raw_line"),
    column("attributes.url.query", "request_query"),
    column("attributes.user_agent.name", "user_agent_family"),
    column("attributes.user_agent.os.name", "user_agent_os"),
];

/// Returns the parts of the mapping of a log type.
pub(super) fn mapping(log_type: LogType) -> Vec<&'static [Entry]> {
    match log_type {
        LogType::AlbAccess => vec![COMMON, ALB_ACCESS, CLIENT, REQUEST, BYTES, NODE],
        LogType::AlbConnection => vec![COMMON, ALB_CONNECTION, CLIENT, NODE],
        LogType::AlbHealthCheck => vec![COMMON, ALB_HEALTH_CHECK],
        LogType::NlbAccess => vec![COMMON, NLB_ACCESS, CLIENT, BYTES],
        LogType::ClbAccess => vec![COMMON, CLB_ACCESS, CLIENT, REQUEST, BYTES],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(rule: fn(&[Input<'_>], &mut Vec<u8>) -> bool, value: &str) -> Option<String> {
        let mut out = Vec::new();
        rule(&[Input::Text(value.as_bytes())], &mut out).then(|| String::from_utf8(out).unwrap())
    }

    #[test]
    fn only_times_of_64_bits_are_times_of_records() {
        let last = i64::try_from(u64::MAX / 1_000).unwrap();
        for (micros, is_time) in [
            (i64::MIN, false),
            (-1, false),
            (0, false),
            (1, true),
            (last, true),
            (last + 1, false),
        ] {
            assert_eq!(is_unix_time(&[Input::Time(micros)]), is_time, "{micros}");
        }
        assert!(!is_unix_time(&[Input::Null]));
    }

    #[test]
    fn a_trace_id_of_zeros_is_not_valid() {
        assert_eq!(
            text(trace_id, "Root=1-58337364-23ed4f5a3b6a9b6d7c8e9f01"),
            Some("5833736423ed4f5a3b6a9b6d7c8e9f01".to_owned())
        );
        assert_eq!(text(trace_id, "Root=1-00000000-000000000000000000000000"), None);
        assert_eq!(text(trace_id, "-"), None);
    }

    #[test]
    fn the_name_of_a_protocol_precedes_its_version() {
        assert_eq!(text(protocol_name, "HTTP/1.1").as_deref(), Some("http"));
        assert_eq!(text(protocol_name, "-").as_deref(), Some("-"));
        let mut out = Vec::new();
        assert!(!protocol_name(&[Input::Null], &mut out) && out.is_empty());
    }
}
