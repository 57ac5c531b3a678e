//! The Open Cybersecurity Schema Framework: HTTP Activity for requests, Network Activity for connections and health checks.
//! <https://schema.ocsf.io/1.3.0>
//!
//! Version 1.3.0 is the newest that Amazon Security Lake accepts from custom sources.
//! <https://docs.aws.amazon.com/security-lake/latest/userguide/custom-sources.html>
//!
//! `dst_endpoint` is the load balancer, which responds to the client; the target is `load_balancer.dst_endpoint`. A value
//! that does not have the form OCSF requires, and every column without a place in OCSF, is below `unmapped` under its own
//! name.

mod lake;
mod rules;

use super::build::{Entry, column, column_if, computed, constant};
use super::derive::{self, CLASSIC_REQUEST};
use super::{Literal, Rule};
use crate::formats::{Layout, LogType};
pub use lake::security_lake_source;
use rules::{HTTP_ACTIVITY, NETWORK_ACTIVITY, check, classic, connection, request, session};

/// The version of OCSF in events.
pub(super) const VERSION: &str = "1.3.0";

/// The name below which columns go that no line of the mapping takes unchanged.
pub(super) const CATCH_ALL: &str = "unmapped";

const PROFILES: &[&str] = &["cloud", "datetime", "load_balancer"];
/// The profiles of events with decisions of WAF and authentication.
const PROFILES_WITH_CONTROL: &[&str] = &["cloud", "datetime", "load_balancer", "security_control"];

const PROFILES_DOC: &str = "OCSF profiles that the event uses.";
const FEATURE: &str = "Kind of load balancer.";
const CLASS: &str = "Number of the event's class: 4002 for requests, 4001 for connections and health checks.";
const CLASS_NAME: &str = "Name of the event's class.";
const ACTIVITY: &str = "Number of the activity within the class.";
const ACTIVITY_NAME: &str = "Name of the activity; for a method that OCSF does not define, the method.";
const TYPE: &str = "Number of class and activity: class_uid * 100 + activity_id.";
const TYPE_NAME: &str = "Names of class and activity.";
const STATUS: &str = "Number of the result: 1 success, 2 failure, 0 unknown, 99 another one that the log names.";
const STATUS_NAME: &str = "Name of the result; null if it is 99.";
const DIRECTION: &str = "Number of the connection's direction: 1 inbound, 3 lateral.";
const DIRECTION_NAME: &str = "Direction of the connection.";
const IP_VERSION: &str = "Version of IP: 4 or 6.";
const ALERT: &str = "Number of the TLS alert.";
const HANDSHAKE: &str = "Milliseconds of the TLS handshake.";
const REQUEST_LENGTH: &str = "Bytes of the request; null if they exceed 32 bits.";
const RESPONSE_LENGTH: &str = "Bytes of the response; null if they exceed 32 bits.";
const CODE: &str = "HTTP status code that the load balancer sent to the client; 0 if the line has none.";
const LATENCY: &str = "Milliseconds until the target's first response header, rounded.";
const LOG_NAME: &str = "Name of the table.";
const BALANCER_IP: &str = "IP address of the load balancer node, if it is a valid address.";

/// The entries of all events.
#[rustfmt::skip]
static COMMON: &[Entry] = &[
    constant("metadata.version", Literal::Text(VERSION), "Version of OCSF."),
    column("metadata.uid", "event_id"),
    constant("metadata.product.name", Literal::Text("Elastic Load Balancing"), "Product that wrote the log."),
    constant("metadata.product.vendor_name", Literal::Text("AWS"), "Vendor of the product."),
    constant("metadata.log_provider", Literal::Text("elasticloadbalancing"), "Service that wrote the log."),
    computed("time", &["timestamp"], Rule::Int64(derive::epoch_millis), "Time of the event in milliseconds since 1970; time_dt has the full precision.").required().layout(Layout::Near),
    column("time_dt", "timestamp"),
    constant("category_uid", Literal::Int32(4), "Number of the category: 4, network activity."),
    constant("category_name", Literal::Text("Network Activity"), "Name of the category."),
    // A log has no severity. Failures and refusals are visible in status and disposition.
    constant("severity_id", Literal::Int32(1), "Number of the severity: 1, informational."),
    constant("severity", Literal::Text("Informational"), "Name of the severity."),
    constant("cloud.provider", Literal::Text("AWS"), "Cloud provider."),
    column("cloud.account.uid", "account_id"),
    column("cloud.region", "region"),
    column("load_balancer.uid", "elb"),
    computed("load_balancer.name", &["elb"], Rule::Text(rules::balancer_name), "Name of the load balancer.").required(),
    // The instance of the product, and the application that the event is about.
    column("metadata.product.uid", "elb"),
    column("app_name", "elb"),
];

/// The load balancer as the endpoint that responds.
#[rustfmt::skip]
static RESPONDER: &[Entry] = &[
    constant("dst_endpoint.svc_name", Literal::Text("elasticloadbalancing"), "Service that responded to the client."),
    constant("dst_endpoint.type_id", Literal::Int32(15), "Number of the endpoint type: 15, load balancer."),
    constant("dst_endpoint.type", Literal::Text("Load Balancer"), "Type of the endpoint."),
    column("dst_endpoint.uid", "elb"),
    column_if("src_endpoint.ip", "client_ip", &["client_ip"], rules::is_ip),
    column_if("src_endpoint.port", "client_port", &["client_ip"], rules::is_ip),
    computed("connection_info.protocol_ver_id", &["client_ip"], Rule::Int32(rules::ip_version), IP_VERSION),
];

#[rustfmt::skip]
static INBOUND: &[Entry] = &[
    constant("connection_info.direction_id", Literal::Int32(1), DIRECTION),
    constant("connection_info.direction", Literal::Text("Inbound"), DIRECTION_NAME),
];

#[rustfmt::skip]
static TCP: &[Entry] = &[
    constant("connection_info.protocol_num", Literal::Int32(6), "Number of the protocol: 6, TCP."),
    constant("connection_info.protocol_name", Literal::Text("tcp"), "Name of the protocol."),
];

/// Outgoing bytes are those that the client, which is the source, sent.
#[rustfmt::skip]
static BYTES: &[Entry] = &[
    column("traffic.bytes_out", "received_bytes"),
    column("traffic.bytes_in", "sent_bytes"),
];

/// The node of an Application Load Balancer to which the client connected.
#[rustfmt::skip]
static NODE: &[Entry] = &[
    column_if("load_balancer.ip", "ip_address", &["ip_address"], rules::is_ip),
    computed("dst_endpoint.ip", &["ip_address"], Rule::Piece(rules::ip), BALANCER_IP),
];

/// A request, in the columns that ALB and Classic access logs share.
#[rustfmt::skip]
static REQUEST: &[Entry] = &[
    column_if("http_request.http_method", "request_verb", &["request_verb"], rules::is_method),
    column("http_request.version", "request_proto"),
    column("http_request.user_agent", "user_agent"),
    column("http_request.url.url_string", "request_url"),
    column("http_request.url.scheme", "request_scheme"),
    column_if("http_request.url.hostname", "request_host", &["request_host"], rules::is_hostname),
    column("http_request.url.port", "request_port"),
    column("http_request.url.path", "request_path"),
    computed("http_request.url.query_string", &["request_url"], Rule::Piece(derive::query), "Query string of the URL, without the question mark.").layout(Layout::Distinct),
    column("tls.version", "ssl_protocol"),
    // OCSF requires a version in a TLS object.
    column_if("tls.cipher", "ssl_cipher", &["ssl_protocol"], rules::is_present),
];

#[rustfmt::skip]
static HTTP_CLASS: &[Entry] = &[
    constant("class_uid", Literal::Int32(HTTP_ACTIVITY), CLASS),
    constant("class_name", Literal::Text("HTTP Activity"), CLASS_NAME),
];

#[rustfmt::skip]
static NETWORK_CLASS: &[Entry] = &[
    constant("class_uid", Literal::Int32(NETWORK_ACTIVITY), CLASS),
    constant("class_name", Literal::Text("Network Activity"), CLASS_NAME),
];

#[rustfmt::skip]
static ALB_ACCESS: &[Entry] = &[
    constant("metadata.profiles", Literal::Words(PROFILES_WITH_CONTROL), PROFILES_DOC),
    constant("metadata.product.feature.name", Literal::Text("Application Load Balancer"), FEATURE),
    constant("metadata.log_name", Literal::Text("alb_access_log"), LOG_NAME),
    computed("activity_id", &["request_verb"], Rule::Int32(request::activity_id), ACTIVITY).required(),
    computed("activity_name", &["request_verb"], Rule::Text(request::activity_name), ACTIVITY_NAME).required(),
    computed("type_uid", &["request_verb"], Rule::Int64(request::type_uid), TYPE).required(),
    computed("type_name", &["request_verb"], Rule::Word(request::type_name), TYPE_NAME).required(),
    computed("status_id", &["elb_status_code"], Rule::Int32(request::status_id), STATUS).required(),
    computed("status", &["elb_status_code"], Rule::Word(request::status), STATUS_NAME),
    computed("action_id", CONTROLS, Rule::Int32(request::action_id), "Number of the action on the request: 1 allowed, 2 denied, 0 unknown.").required(),
    computed("action", CONTROLS, Rule::Word(request::action), "Action on the request.").required(),
    computed("disposition_id", CONTROLS, Rule::Int32(request::disposition_id), "Number of the decision of WAF or authentication.").required(),
    computed("disposition", CONTROLS, Rule::Word(request::disposition), "Decision of WAF or authentication.").required(),
    computed("start_time", &["request_creation_time"], Rule::Int64(derive::epoch_millis), "Time of the request in milliseconds since 1970; start_time_dt has the full precision.").layout(Layout::Near),
    column("start_time_dt", "request_creation_time"),
    computed("duration", &["timestamp", "request_creation_time"], Rule::Int64(derive::millis_between), "Milliseconds from the request to the event."),
    column("connection_info.uid", "conn_trace_id"),
    computed("http_request.length", &["received_bytes"], Rule::Int32(rules::small), REQUEST_LENGTH).layout(Layout::Near),
    // AWS WAF calls this the ID of a request.
    column("http_request.uid", "trace_id"),
    computed("http_response.code", &["elb_status_code"], Rule::Int32(request::code), CODE).required(),
    computed("http_response.length", &["sent_bytes"], Rule::Int32(rules::small), RESPONSE_LENGTH).layout(Layout::Near),
    computed("http_response.latency", &["target_processing_time"], Rule::Int32(rules::small_millis), LATENCY),
    column_if("tls.sni", "domain_name", &["ssl_protocol"], rules::is_present),
    column_if("load_balancer.dst_endpoint.ip", "target_ip", &["target_ip"], rules::is_ip),
    column_if("load_balancer.dst_endpoint.port", "target_port", &["target_ip"], rules::is_ip),
    column("load_balancer.code", "target_status_code"),
    column("load_balancer.classification", "classification"),
    column("load_balancer.status_detail", "classification_reason"),
    column("load_balancer.error_message", "error_reason"),
];

/// The columns that show the decisions of WAF and authentication.
const CONTROLS: &[&str] = &["actions_executed", "error_reason"];

#[rustfmt::skip]
static ALB_CONNECTION: &[Entry] = &[
    constant("metadata.profiles", Literal::Words(PROFILES), PROFILES_DOC),
    constant("metadata.product.feature.name", Literal::Text("Application Load Balancer"), FEATURE),
    constant("metadata.log_name", Literal::Text("alb_connection_log"), LOG_NAME),
    computed("activity_id", &["tls_verify_status"], Rule::Int32(connection::activity_id), ACTIVITY).required(),
    computed("activity_name", &["tls_verify_status"], Rule::Word(connection::activity_name), ACTIVITY_NAME).required(),
    computed("type_uid", &["tls_verify_status"], Rule::Int64(connection::type_uid), TYPE).required(),
    computed("type_name", &["tls_verify_status"], Rule::Word(connection::type_name), TYPE_NAME).required(),
    computed("status_id", &["tls_verify_status"], Rule::Int32(connection::status_id), STATUS).required(),
    computed("status", &["tls_verify_status"], Rule::Word(connection::status), STATUS_NAME),
    computed("status_code", &["tls_verify_status"], Rule::Piece(derive::after_colon), "Reason why the client's certificate was rejected."),
    column("connection_info.uid", "conn_trace_id"),
    column("dst_endpoint.port", "listener_port"),
    column("tls.version", "tls_protocol"),
    column_if("tls.cipher", "tls_cipher", &["tls_protocol"], rules::is_present),
    computed("tls.handshake_dur", &["tls_handshake_latency", "tls_protocol"], Rule::Int32(rules::handshake), HANDSHAKE),
];

#[rustfmt::skip]
static NLB_ACCESS: &[Entry] = &[
    constant("metadata.profiles", Literal::Words(PROFILES), PROFILES_DOC),
    constant("metadata.product.feature.name", Literal::Text("Network Load Balancer"), FEATURE),
    constant("metadata.log_name", Literal::Text("nlb_access_log"), LOG_NAME),
    column("metadata.log_version", "version"),
    computed("activity_id", NEGOTIATED, Rule::Int32(session::activity_id), ACTIVITY).required(),
    computed("activity_name", NEGOTIATED, Rule::Word(session::activity_name), ACTIVITY_NAME).required(),
    computed("type_uid", NEGOTIATED, Rule::Int64(session::type_uid), TYPE).required(),
    computed("type_name", NEGOTIATED, Rule::Word(session::type_name), TYPE_NAME).required(),
    computed("status_id", NEGOTIATED, Rule::Int32(session::status_id), STATUS).required(),
    computed("status", NEGOTIATED, Rule::Word(session::status), STATUS_NAME),
    computed("start_time", &["tls_connection_creation_time"], Rule::Int64(derive::epoch_millis), "Time at which the connection was created, in milliseconds since 1970.").layout(Layout::Near),
    column("start_time_dt", "tls_connection_creation_time"),
    column("duration", "connection_time"),
    column_if("dst_endpoint.ip", "destination_ip", &["destination_ip"], rules::is_ip),
    column("dst_endpoint.port", "destination_port"),
    column("tls.version", "tls_protocol_version"),
    column_if("tls.cipher", "tls_cipher", &["tls_protocol_version"], rules::is_present),
    column_if("tls.sni", "domain_name", &["tls_protocol_version"], rules::is_present),
    computed("tls.alert", &["incoming_tls_alert", "tls_protocol_version"], Rule::Int32(rules::alert), ALERT),
    computed("tls.handshake_dur", &["tls_handshake_time", "tls_protocol_version"], Rule::Int32(rules::handshake), HANDSHAKE),
];

/// The columns that are null if a handshake failed.
const NEGOTIATED: &[&str] = &["tls_protocol_version", "tls_handshake_time"];

#[rustfmt::skip]
static CLB_ACCESS: &[Entry] = &[
    constant("metadata.profiles", Literal::Words(PROFILES), PROFILES_DOC),
    constant("metadata.product.feature.name", Literal::Text("Classic Load Balancer"), FEATURE),
    constant("metadata.log_name", Literal::Text("clb_access_log"), LOG_NAME),
    computed("class_uid", &CLASSIC_REQUEST, Rule::Int32(classic::class_uid), CLASS).required(),
    computed("class_name", &CLASSIC_REQUEST, Rule::Word(classic::class_name), CLASS_NAME).required(),
    computed("activity_id", &CLASSIC_REQUEST, Rule::Int32(classic::activity_id), ACTIVITY).required(),
    computed("activity_name", &CLASSIC_REQUEST, Rule::Text(classic::activity_name), ACTIVITY_NAME).required(),
    computed("type_uid", &CLASSIC_REQUEST, Rule::Int64(classic::type_uid), TYPE).required(),
    computed("type_name", &CLASSIC_REQUEST, Rule::Word(classic::type_name), TYPE_NAME).required(),
    computed("status_id", &derive::classic_with("backend_ip"), Rule::Int32(classic::status_id), STATUS).required(),
    computed("status", &derive::classic_with("backend_ip"), Rule::Word(classic::status), STATUS_NAME),
    computed("http_request.length", &derive::classic_with("received_bytes"), Rule::Int32(classic::length), REQUEST_LENGTH).layout(Layout::Distinct),
    computed("http_response.code", &CLASSIC_REQUEST, Rule::Int32(classic::code), CODE),
    computed("http_response.length", &derive::classic_with("sent_bytes"), Rule::Int32(classic::length), RESPONSE_LENGTH).layout(Layout::Near),
    computed("http_response.latency", &derive::classic_with("backend_processing_time"), Rule::Int32(classic::latency), LATENCY),
    column_if("load_balancer.dst_endpoint.ip", "backend_ip", &["backend_ip"], rules::is_ip),
    column_if("load_balancer.dst_endpoint.port", "backend_port", &["backend_ip"], rules::is_ip),
    column("load_balancer.code", "backend_status_code"),
];

/// OCSF has no class for health checks. They are network activity from the load balancer to the target, with the outcome
/// of the check as result: HTTP Activity requires a method and a code, which a check that timed out lacks.
#[rustfmt::skip]
static ALB_HEALTH_CHECK: &[Entry] = &[
    constant("metadata.profiles", Literal::Words(PROFILES), PROFILES_DOC),
    constant("metadata.product.feature.name", Literal::Text("Application Load Balancer"), FEATURE),
    constant("metadata.log_name", Literal::Text("alb_health_check_log"), LOG_NAME),
    constant("activity_id", Literal::Int32(99), ACTIVITY),
    constant("activity_name", Literal::Text("Health Check"), ACTIVITY_NAME),
    constant("type_uid", Literal::Int64(400_199), TYPE),
    constant("type_name", Literal::Text("Network Activity: Other"), TYPE_NAME),
    computed("status_id", &["status"], Rule::Int32(check::status_id), STATUS).required(),
    computed("status", &["status"], Rule::Word(check::status), STATUS_NAME),
    computed("status_code", &["status_code"], Rule::Text(derive::decimal), "Status code of the target's response."),
    column("status_detail", "reason_code"),
    computed("duration", &["latency"], Rule::Int64(derive::millis_of_seconds), "Duration of the check in milliseconds, rounded."),
    constant("connection_info.direction_id", Literal::Int32(3), DIRECTION),
    constant("connection_info.direction", Literal::Text("Lateral"), DIRECTION_NAME),
    constant("src_endpoint.svc_name", Literal::Text("elasticloadbalancing"), "Service that sent the request."),
    constant("src_endpoint.type_id", Literal::Int32(15), "Number of the endpoint type: 15, load balancer."),
    constant("src_endpoint.type", Literal::Text("Load Balancer"), "Type of the endpoint."),
    column("src_endpoint.uid", "elb"),
    column_if("src_endpoint.ip", "ip_address", &["ip_address"], rules::is_ip),
    computed("load_balancer.ip", &["ip_address"], Rule::Piece(rules::ip), BALANCER_IP),
    column("dst_endpoint.uid", "target_addr"),
    column_if("dst_endpoint.ip", "target_ip", &["target_ip"], rules::is_ip),
    column_if("dst_endpoint.port", "target_port", &["target_ip"], rules::is_ip),
];

/// The columns on request that OCSF has a place for.
#[rustfmt::skip]
pub(super) static EXTRAS: &[Entry] = &[
    column("http_request.url.query_string", "request_query"),
    column("src_endpoint.location.country", "client_country"),
    computed("src_endpoint.autonomous_system.number", &["client_asn"], Rule::Int32(rules::small), "Number of the autonomous system of the client's address; null if it exceeds 31 bits."),
];

/// Returns the parts of the mapping of a log type. Constants come first in a group, because adjacent constants are written
/// in one step.
pub(super) fn mapping(log_type: LogType) -> Vec<&'static [Entry]> {
    match log_type {
        LogType::AlbAccess => vec![
            COMMON, HTTP_CLASS, ALB_ACCESS, INBOUND, TCP, RESPONDER, NODE, BYTES, REQUEST,
        ],
        LogType::AlbConnection => vec![COMMON, NETWORK_CLASS, INBOUND, TCP, RESPONDER, ALB_CONNECTION, NODE],
        LogType::AlbHealthCheck => vec![COMMON, NETWORK_CLASS, ALB_HEALTH_CHECK],
        LogType::NlbAccess => vec![COMMON, NETWORK_CLASS, INBOUND, TCP, RESPONDER, NLB_ACCESS, BYTES],
        LogType::ClbAccess => vec![COMMON, INBOUND, TCP, RESPONDER, CLB_ACCESS, BYTES, REQUEST],
    }
}
