//! The Elastic Common Schema, with the names below `aws.elb` of Elastic's own integration for load balancers.
//! <https://www.elastic.co/guide/en/ecs/current/ecs-field-reference.html>
//! <https://github.com/elastic/integrations/tree/main/packages/aws/data_stream/elb_logs>
//!
//! A column for which Elastic has no name keeps its own name below `aws.elb`.

#![expect(clippy::unnecessary_wraps, reason = "rules have a fixed signature")]

use super::build::{Entry, column, computed, constant, derived};
use super::derive::{self, CLASSIC_REQUEST, classic_with, is_request};
use super::{Input, Literal, Rule};
use crate::formats::{Layout, LogType};

/// The version of ECS in events: that of Elastic's integration. The types used here are unchanged up to version 9.4.
pub(super) const VERSION: &str = "8.11.0";

/// The name below which columns go that no line of the mapping takes unchanged.
pub(super) const CATCH_ALL: &str = "aws.elb";

/// The `event.category` and `event.type` of a table's events.
type Categories = (&'static [&'static str], &'static [&'static str]);

const WEB: Categories = (&["web"], &["access"]);
const NETWORK: Categories = (&["network"], &["connection"]);

const CATEGORY: &str = "Category of the event in ECS.";
const TYPE: &str = "Type of the event in ECS.";
const OUTCOME: &str = "Outcome of the event: success or failure; null if unknown.";
const PROTOCOL: &str = "Protocol of the listener: http or tcp.";
const LOG_TYPE: &str = "Log type that the event comes from.";
const DURATION: &str = "Nanoseconds from start to end; null if one of them is null.";
const SOURCE_IP: &str = "source.address, if it is an IP address.";
const DESTINATION_IP: &str = "destination.address, if it is an IP address.";
const TLS_VERSION: &str = "Version of TLS in digits, such as 1.2; null for unknown versions.";
const TLS_PROTOCOL: &str = "Protocol of the connection: tls or ssl.";

/// The entries of all events.
#[rustfmt::skip]
static COMMON: &[Entry] = &[
    column("@timestamp", "timestamp"),
    constant("ecs.version", Literal::Text(VERSION), "Version of ECS that the names comply with."),
    constant("event.kind", Literal::Text("event"), "Kind of the document in ECS."),
    constant("event.module", Literal::Text("aws"), "Elastic's module for these logs."),
    constant("event.dataset", Literal::Text("aws.elb_logs"), "Elastic's data set for load balancer logs of all types."),
    column("event.id", "event_id"),
    constant("cloud.provider", Literal::Text("aws"), "Cloud provider."),
    column("cloud.account.id", "account_id"),
    column("cloud.region", "region"),
];

/// The origin of the line.
#[rustfmt::skip]
static ORIGIN: &[Entry] = &[
    column("aws.elb.name", "elb"),
    column("aws.s3.bucket.name", "source_bucket"),
    column("aws.s3.object.key", "source_key"),
    column("aws.elb.source_line", "source_line"),
];

#[rustfmt::skip]
static CLIENT: &[Entry] = &[
    column("source.address", "client_ip"),
    computed("source.ip", &["client_ip"], Rule::Piece(derive::ip), SOURCE_IP),
    column("source.port", "client_port"),
    column("source.bytes", "received_bytes"),
    column("destination.bytes", "sent_bytes"),
];

/// The node of an Application Load Balancer, to which its clients connect.
#[rustfmt::skip]
static NODE: &[Entry] = &[
    column("destination.address", "ip_address"),
    computed("destination.ip", &["ip_address"], Rule::Piece(derive::ip), DESTINATION_IP),
];

#[rustfmt::skip]
static SERVER_NAME: &[Entry] = &[
    column("destination.domain", "domain_name"),
    column("tls.client.server_name", "domain_name"),
];

/// A request and its response, in the columns that ALB and Classic access logs share.
#[rustfmt::skip]
static REQUEST: &[Entry] = &[
    column("http.request.method", "request_verb"),
    computed("http.version", &["request_proto"], Rule::Piece(derive::http_version), "Version of HTTP, without HTTP/."),
    column("http.response.status_code", "elb_status_code"),
    column("url.original", "request_url"),
    column("url.scheme", "request_scheme"),
    column("url.domain", "request_host"),
    column("url.port", "request_port"),
    column("url.path", "request_path"),
    computed("url.query", &["request_url"], Rule::Piece(derive::query), "Query string of the URL, without the question mark.").layout(Layout::Distinct),
    column("user_agent.original", "user_agent"),
    computed("event.outcome", &["elb_status_code"], Rule::Word(outcome_of_status), OUTCOME),
    column("aws.elb.request_processing_time.sec", "request_processing_time"),
    column("aws.elb.response_processing_time.sec", "response_processing_time"),
    column("aws.elb.ssl_cipher", "ssl_cipher"),
    column("aws.elb.ssl_protocol", "ssl_protocol"),
    column("tls.cipher", "ssl_cipher"),
    computed("tls.version", &["ssl_protocol"], Rule::Word(derive::tls_version), TLS_VERSION),
    computed("tls.version_protocol", &["ssl_protocol"], Rule::Word(derive::tls_protocol), TLS_PROTOCOL),
];

#[rustfmt::skip]
static ALB_ACCESS: &[Entry] = &[
    constant("event.category", Literal::Words(WEB.0), CATEGORY),
    constant("event.type", Literal::Words(WEB.1), TYPE),
    column("event.start", "request_creation_time"),
    column("event.end", "timestamp"),
    computed("event.duration", &["timestamp", "request_creation_time"], Rule::Int64(derive::nanos_between), DURATION).layout(Layout::Distinct),
    column("http.request.bytes", "received_bytes"),
    column("http.response.bytes", "sent_bytes"),
    constant("aws.elb.log_type", Literal::Text("alb_access"), LOG_TYPE),
    constant("aws.elb.protocol", Literal::Text("http"), PROTOCOL),
    column("aws.elb.type", "type"),
    column("aws.elb.backend.ip", "target_ip"),
    derived("aws.elb.backend.port", "target_port", Rule::Text(derive::decimal)),
    column("aws.elb.backend.http.response.status_code", "target_status_code"),
    column("aws.elb.backend_processing_time.sec", "target_processing_time"),
    column("aws.elb.target_group.arn", "target_group_arn"),
    column("aws.elb.trace_id", "trace_id"),
    computed("trace.id", &["trace_id"], Rule::Text(derive::trace_root), "The 32 hex digits of Root in aws.elb.trace_id.").layout(Layout::Prefixed),
    column("aws.elb.chosen_cert.arn", "chosen_cert_arn"),
    column("aws.elb.action_executed", "actions_executed"),
    column("aws.elb.error.reason", "error_reason"),
    // Elastic uses these names for lists; the columns with a single value are below backend.
    column("aws.elb.target_port", "target_port_list"),
    column("aws.elb.target_status_code", "target_status_code_list"),
];

#[rustfmt::skip]
static ALB_CONNECTION: &[Entry] = &[
    constant("event.category", Literal::Words(NETWORK.0), CATEGORY),
    constant("event.type", Literal::Words(NETWORK.1), TYPE),
    column("event.end", "timestamp"),
    computed("event.outcome", &["tls_verify_status"], Rule::Word(outcome_of_verification), OUTCOME),
    column("source.address", "client_ip"),
    computed("source.ip", &["client_ip"], Rule::Piece(derive::ip), SOURCE_IP),
    column("source.port", "client_port"),
    // Elastic uses these names instead of source in the connection log.
    computed("client.ip", &["client_ip"], Rule::Piece(derive::ip), SOURCE_IP),
    column("client.port", "client_port"),
    column("destination.port", "listener_port"),
    constant("aws.elb.log_type", Literal::Text("alb_connection"), LOG_TYPE),
    constant("aws.elb.protocol", Literal::Text("tcp"), PROTOCOL),
    computed("aws.elb.listener", &["listener_port"], Rule::Text(derive::decimal), "Port of the listener."),
    column("aws.elb.ssl_protocol", "tls_protocol"),
    column("aws.elb.ssl_cipher", "tls_cipher"),
    computed("tls.version", &["tls_protocol"], Rule::Word(derive::tls_version), TLS_VERSION),
    computed("tls.version_protocol", &["tls_protocol"], Rule::Word(derive::tls_protocol), TLS_PROTOCOL),
    column("tls.cipher", "tls_cipher"),
    column("tls.curve", "tls_keyexchange"),
    column("tls.client.subject", "leaf_client_cert_subject"),
    column("tls.client.not_before", "leaf_client_cert_not_before"),
    column("tls.client.not_after", "leaf_client_cert_not_after"),
    column("tls.client.x509.serial_number", "leaf_client_cert_serial_number"),
    column("aws.elb.leaf_client_cert_subject", "leaf_client_cert_subject"),
    column("aws.elb.leaf_client_cert_not_before", "leaf_client_cert_not_before"),
    column("aws.elb.leaf_client_cert_not_after", "leaf_client_cert_not_after"),
    column("aws.elb.leaf_client_cert_serial_number", "leaf_client_cert_serial_number"),
    // Elastic splits the status in two.
    computed("aws.elb.tls_verify_status", &["tls_verify_status"], Rule::Piece(derive::before_colon), "Result of the connection: Success or Failed."),
    computed("aws.elb.tls_error_code", &["tls_verify_status"], Rule::Piece(derive::after_colon), "Reason of a failed connection."),
    column("aws.elb.tls_verify_status_logged", "tls_verify_status"),
    column("aws.elb.tls_named_group", "tls_keyexchange"),
];

#[rustfmt::skip]
static ALB_HEALTH_CHECK: &[Entry] = &[
    constant("event.category", Literal::Words(&["network"]), CATEGORY),
    constant("event.type", Literal::Words(&["info"]), TYPE),
    computed("event.duration", &["latency"], Rule::Int64(derive::nanos_of_seconds), "Duration of the check in nanoseconds.").layout(Layout::Distinct),
    computed("event.outcome", &["status"], Rule::Word(outcome_of_check), OUTCOME),
    column("event.reason", "reason_code"),
    // The load balancer sends the request, the target responds.
    column("source.address", "ip_address"),
    computed("source.ip", &["ip_address"], Rule::Piece(derive::ip), SOURCE_IP),
    column("destination.address", "target_ip"),
    computed("destination.ip", &["target_ip"], Rule::Piece(derive::ip), DESTINATION_IP),
    column("destination.port", "target_port"),
    computed("http.response.status_code", &["status_code", "type"], Rule::Int32(derive::http_status_of_check), "HTTP status code of the target's response, if the check uses HTTP."),
    constant("aws.elb.log_type", Literal::Text("alb_health_check"), LOG_TYPE),
    column("aws.elb.type", "type"),
    column("aws.elb.backend.ip", "target_ip"),
    derived("aws.elb.backend.port", "target_port", Rule::Text(derive::decimal)),
];

#[rustfmt::skip]
static NLB_ACCESS: &[Entry] = &[
    constant("event.category", Literal::Words(NETWORK.0), CATEGORY),
    constant("event.type", Literal::Words(NETWORK.1), TYPE),
    column("event.start", "tls_connection_creation_time"),
    column("event.end", "timestamp"),
    computed("event.duration", &["connection_time"], Rule::Int64(derive::nanos_of_millis), "Duration of the connection in nanoseconds.").layout(Layout::Distinct),
    column("destination.address", "destination_ip"),
    computed("destination.ip", &["destination_ip"], Rule::Piece(derive::ip), DESTINATION_IP),
    column("destination.port", "destination_port"),
    column("tls.cipher", "tls_cipher"),
    computed("tls.version", &["tls_protocol_version"], Rule::Word(derive::tls_version), TLS_VERSION),
    computed("tls.version_protocol", &["tls_protocol_version"], Rule::Word(derive::tls_protocol), TLS_PROTOCOL),
    column("tls.curve", "tls_keyexchange"),
    column("tls.next_protocol", "alpn_fe_protocol"),
    constant("aws.elb.log_type", Literal::Text("nlb_access"), LOG_TYPE),
    constant("aws.elb.protocol", Literal::Text("tcp"), PROTOCOL),
    column("aws.elb.type", "type"),
    // As in Elastic's integration, although it is the listener according to AWS.
    column("aws.elb.backend.ip", "destination_ip"),
    derived("aws.elb.backend.port", "destination_port", Rule::Text(derive::decimal)),
    column("aws.elb.connection_time.ms", "connection_time"),
    column("aws.elb.tls_handshake_time.ms", "tls_handshake_time"),
    column("aws.elb.chosen_cert.arn", "chosen_cert_arn"),
    column("aws.elb.chosen_cert.serial", "chosen_cert_serial"),
    column("aws.elb.ssl_cipher", "tls_cipher"),
    column("aws.elb.ssl_protocol", "tls_protocol_version"),
    column("aws.elb.tls_named_group", "tls_keyexchange"),
    column("aws.elb.alpn_fe_protocol", "alpn_fe_protocol"),
    column("aws.elb.tls_connection_creation_time", "tls_connection_creation_time"),
];

#[rustfmt::skip]
static CLB_ACCESS: &[Entry] = &[
    computed("event.category", &CLASSIC_REQUEST, Rule::Words(category_of_classic), CATEGORY).required(),
    computed("event.type", &CLASSIC_REQUEST, Rule::Words(type_of_classic), TYPE).required(),
    column("event.start", "timestamp"),
    // Unlike the other logs, the Classic one counts bytes without headers.
    computed("http.request.body.bytes", &classic_with("received_bytes"), Rule::Int64(bytes_of_http), "Bytes of the request's body; null for TCP.").layout(Layout::Distinct),
    computed("http.response.body.bytes", &classic_with("sent_bytes"), Rule::Int64(bytes_of_http), "Bytes of the response's body; null for TCP.").layout(Layout::Near),
    constant("aws.elb.log_type", Literal::Text("clb_access"), LOG_TYPE),
    computed("aws.elb.protocol", &CLASSIC_REQUEST, Rule::Word(protocol_of_classic), PROTOCOL).required(),
    column("aws.elb.backend.ip", "backend_ip"),
    derived("aws.elb.backend.port", "backend_port", Rule::Text(derive::decimal)),
    column("aws.elb.backend.http.response.status_code", "backend_status_code"),
    column("aws.elb.backend_processing_time.sec", "backend_processing_time"),
];

fn outcome_of_status(inputs: &[Input<'_>]) -> Option<&'static str> {
    match inputs.first()?.integer()? {
        100..400 => Some("success"),
        400..600 => Some("failure"),
        _ => None,
    }
}

fn outcome_of_verification(inputs: &[Input<'_>]) -> Option<&'static str> {
    match inputs.first()?.text()? {
        b"Success" => Some("success"),
        status if status.starts_with(b"Failed") => Some("failure"),
        _ => None,
    }
}

fn outcome_of_check(inputs: &[Input<'_>]) -> Option<&'static str> {
    match inputs.first()?.text()? {
        b"PASS" => Some("success"),
        b"FAIL" => Some("failure"),
        _ => None,
    }
}

const fn categories_of_classic(http: bool) -> Categories {
    if http { WEB } else { NETWORK }
}

fn category_of_classic(inputs: &[Input<'_>]) -> Option<&'static [&'static str]> {
    Some(categories_of_classic(is_request(inputs)).0)
}

fn type_of_classic(inputs: &[Input<'_>]) -> Option<&'static [&'static str]> {
    Some(categories_of_classic(is_request(inputs)).1)
}

fn protocol_of_classic(inputs: &[Input<'_>]) -> Option<&'static str> {
    Some(if is_request(inputs) { "http" } else { "tcp" })
}

fn bytes_of_http(inputs: &[Input<'_>]) -> Option<i64> {
    let (bytes, http_row) = inputs.split_first()?;
    bytes.integer().filter(|_| is_request(http_row))
}

/// The columns on request that ECS has a place for. As in Elastic's integration, the client is the source.
#[rustfmt::skip]
pub(super) static EXTRAS: &[Entry] = &[
    column("event.original", "raw_line"),
    column("url.query", "request_query"),
    column("user_agent.name", "user_agent_family"),
    column("user_agent.os.name", "user_agent_os"),
    column("source.geo.country_iso_code", "client_country"),
    column("source.as.number", "client_asn"),
    column("client.geo.country_iso_code", "client_country"),
    column("client.as.number", "client_asn"),
];

/// Returns the parts of the mapping of a log type.
pub(super) fn mapping(log_type: LogType) -> Vec<&'static [Entry]> {
    match log_type {
        LogType::AlbAccess => vec![COMMON, ALB_ACCESS, CLIENT, NODE, SERVER_NAME, REQUEST, ORIGIN],
        LogType::AlbConnection => vec![COMMON, ALB_CONNECTION, NODE, ORIGIN],
        LogType::AlbHealthCheck => vec![COMMON, ALB_HEALTH_CHECK, ORIGIN],
        LogType::NlbAccess => vec![COMMON, NLB_ACCESS, CLIENT, SERVER_NAME, ORIGIN],
        LogType::ClbAccess => vec![COMMON, CLB_ACCESS, CLIENT, REQUEST, ORIGIN],
    }
}

#[cfg(test)]
mod tests {
    use super::Input::Text;
    use super::*;

    #[test]
    fn outcomes_follow_the_log() {
        assert_eq!(outcome_of_status(&[Input::Integer(399)]), Some("success"));
        assert_eq!(outcome_of_status(&[Input::Integer(100)]), Some("success"));
        assert_eq!(outcome_of_status(&[Input::Integer(400)]), Some("failure"));
        assert_eq!(outcome_of_status(&[Input::Integer(599)]), Some("failure"));
        for other in [-1, 0, 99, 600] {
            assert_eq!(outcome_of_status(&[Input::Integer(other)]), None, "{other}");
        }
        assert_eq!(outcome_of_status(&[Input::Null]), None);
        assert_eq!(
            outcome_of_verification(&[Text(b"Failed:ClientCertExpired")]),
            Some("failure")
        );
        assert_eq!(outcome_of_verification(&[Text(b"Success")]), Some("success"));
        assert_eq!(outcome_of_verification(&[Text(b"Other")]), None);
        assert_eq!(outcome_of_check(&[Text(b"FAIL")]), Some("failure"));
    }

    #[test]
    fn classic_entries_with_a_status_or_a_request_are_http() {
        let status = Input::Integer(200);
        assert_eq!(protocol_of_classic(&[status, Input::Null]), Some("http"));
        assert_eq!(protocol_of_classic(&[Input::Null, Text(b"-")]), Some("http"));
        assert_eq!(protocol_of_classic(&[Input::Null, Input::Null]), Some("tcp"));
        assert_eq!(bytes_of_http(&[Input::Integer(7), status, Input::Null]), Some(7));
        assert_eq!(bytes_of_http(&[Input::Integer(7), Input::Null, Input::Null]), None);
    }
}
