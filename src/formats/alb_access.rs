//! The access log of an Application Load Balancer.

use super::{
    BalancerKind, Decode, Escapes, Field, Format, LakeSources, Layout, LogType, ObjectNaming, Quoting, Split, Vended,
    bare, column, event_time, parts, quoted,
};

/// The access log of an Application Load Balancer: one line per request.
pub static ALB_ACCESS: Format = Format {
    log_type: LogType::AlbAccess,
    name: "alb_access_log",
    title: "Application Load Balancer access log",
    page: "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html",
    event_time: "time",
    min_fields: 17,
    lengths: &[17, 18, 20, 22, 23, 24, 25, 27, 29, 30, 33, 34],
    elidable: &[],
    start: &["elb", "type", "client:port", "target:port", "request_processing_time"],
    escapes: Escapes::Hex,
    fields: FIELDS,
    vended: Some(Vended {
        aliases: &[
            ("client:port", &["client_port"]),
            ("target:port", &["target_port"]),
            ("request_line", &["request_line", "request"]),
            ("target:port_list", &["target_port_list"]),
        ],
        signs: &[
            "request_line",
            "request",
            "elb_status_code",
            "target_processing_time",
            "actions_executed",
        ],
    }),
    objects: ObjectNaming {
        prefix: "",
        balancer: BalancerKind::Application,
        node_address: true,
        gzip: true,
    },
    lake: LakeSources::One("alb_access_log"),
};

#[rustfmt::skip] // One field per line, for comparison with AWS's page.
static FIELDS: &[Field] = &[
    bare("type", Decode::Text, "Type of the request: http, https, h2, grpcs, ws or wss; new types are possible.").required().known(&["http", "https", "h2", "grpcs", "ws", "wss"]),
    event_time("time"),
    bare("elb", Decode::LoadBalancer, "Resource ID of the load balancer, in the form app/name/id."),
    // IPv6 addresses have no brackets: the port follows the last colon.
    parts("client:port", Quoting::Bare, Split::HostPort, &[
        column("client_ip", Decode::Text, "IP address of the client, or of a proxy between the client and the load balancer, as logged."),
        column("client_port", Decode::Port, "Port of the client.").layout(Layout::Near),
    ]),
    parts("target:port", Quoting::Bare, Split::HostPort, &[
        column("target_ip", Decode::Text, "IP address of the target; null for Lambda targets, requests that AWS WAF blocked, and requests that reached no target."),
        column("target_port", Decode::Port, "Port of the target; null if there is no target address."),
    ]),
    bare("request_processing_time", Decode::ProcessingSeconds, "Seconds from receiving the request to sending it to a target; null if not measured (-1)."),
    bare("target_processing_time", Decode::ProcessingSeconds, "Seconds from sending the request to a target to its first response header; null if not measured (-1)."),
    bare("response_processing_time", Decode::ProcessingSeconds, "Seconds from the target's response header to sending the response to the client; null if not measured (-1)."),
    bare("elb_status_code", Decode::Int32, "HTTP status code that the load balancer sent to the client."),
    bare("target_status_code", Decode::Int32, "HTTP status code that the target sent; null if no target responded."),
    bare("received_bytes", Decode::Count, "Bytes received from the client, including headers; for WebSockets, over the whole connection."),
    bare("sent_bytes", Decode::Count, "Bytes sent to the client, including headers; for WebSockets, over the whole connection."),
    // Observed: no method, no version, no path, a dash after the port, spaces in the URL, a space before the quote.
    parts("request_line", Quoting::Quoted, Split::Request, REQUEST).free_text(),
    quoted("user_agent", Decode::Text, "User agent that the client sent, truncated by AWS to 8 KB.").free_text(),
    bare("ssl_cipher", Decode::Text, "TLS cipher of the connection; null without TLS."),
    bare("ssl_protocol", Decode::Text, "TLS protocol of the connection; null without TLS."),
    bare("target_group_arn", Decode::Text, "ARN of the target group."),
    quoted("trace_id", Decode::Text, "Value of the X-Amzn-Trace-Id header.").layout(Layout::Prefixed),
    // Fields 19 and 20 are unquoted on lines of 2017 and 2018, fields 26 and 27 on lines of 2019 and 2020.
    quoted("domain_name", Decode::Text, "Server name that the client requested in the TLS handshake (SNI).").or_bare(),
    quoted("chosen_cert_arn", Decode::Text, "ARN of the certificate presented to the client, or session-reused.").or_bare(),
    bare("matched_rule_priority", Decode::Text, "Priority of the matching rule: 1 to 50000, 0 for the default rule, -1 for an error during rule evaluation."),
    bare("request_creation_time", Decode::Time, "Time at which the load balancer received the request, UTC, in microseconds."),
    quoted("actions_executed", Decode::CommaList, "Actions taken for the request, in order, such as waf, authenticate, forward, redirect or fixed-response."),
    quoted("redirect_url", Decode::Text, "URL of the redirect; null if the response was not a redirect.").layout(Layout::Distinct),
    quoted("error_reason", Decode::Text, "Reason code of an error, such as a failed authentication, Lambda invocation or WAF check.").or_bare(),
    quoted("target:port_list", Decode::SpaceList, "Targets that handled the request, each in the form address:port.").named("target_port_list").or_bare(),
    quoted("target_status_code_list", Decode::SpaceList, "HTTP status codes of the targets that handled the request.").or_bare(),
    quoted("classification", Decode::Text, "Desync classification: Acceptable, Ambiguous or Severe; null if the request complies with the RFC.").or_bare().known(&["Acceptable", "Ambiguous", "Severe"]),
    quoted("classification_reason", Decode::Text, "Reason code of the desync classification.").or_bare(),
    bare("conn_trace_id", Decode::Text, "Identifier of the connection; joins with conn_trace_id of the connection log."),
    quoted("transformed_host", Decode::Text, "Host after a rewrite by a rule; null if it was not rewritten.").or_bare(),
    quoted("transformed_uri", Decode::Text, "URI after a rewrite by a rule; null if it was not rewritten.").or_bare(),
    quoted("request_transform_status", Decode::Text, "Outcome of the rewrite; null if there was none.").or_bare(),
    bare("ip_address", Decode::Text, "IP address of the load balancer node that handled the request."),
];

#[rustfmt::skip]
pub(super) static REQUEST: &[super::Column] = &[
    column("request_verb", Decode::Text, "HTTP method of the request line; null if it has none."),
    column("request_url", Decode::Text, "Complete URL of the request line, including the query string.").layout(Layout::Distinct),
    column("request_proto", Decode::Text, "HTTP version of the request line; null if it has none."),
    column("request_scheme", Decode::Text, "Scheme of the URL; null if the URL cannot be split."),
    column("request_host", Decode::Text, "Host of the URL, as logged; null if the URL cannot be split."),
    column("request_port", Decode::Port, "Port of the URL; null if it has none or cannot be split."),
    column("request_path", Decode::Text, "Path of the URL, without query string and fragment; null if it has none."),
];
