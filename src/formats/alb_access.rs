//! The access log of an Application Load Balancer.

use super::{
    BalancerKind, Decode, Escapes, Field, Format, LakeSources, Layout, LogType, ObjectNaming, Quoting, Split, bare,
    column, event_time, parts, quoted,
};

/// One line for each request that reached an Application Load Balancer.
pub static ALB_ACCESS: Format = Format {
    log_type: LogType::AlbAccess,
    name: "alb_access_log",
    title: "Application Load Balancer access log",
    page: "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html",
    event_time: "time",
    min_fields: 17,
    lengths: &[17, 18, 20, 22, 23, 24, 25, 27, 29, 30, 33, 34],
    elidable: &[],
    escapes: Escapes::Hex,
    fields: FIELDS,
    objects: ObjectNaming {
        prefix: "",
        balancer: BalancerKind::Application,
        node_address: true,
        gzip: true,
    },
    lake: LakeSources::One("alb_access_log"),
};

#[rustfmt::skip] // One field a line, so that the table can be read beside AWS's page.
static FIELDS: &[Field] = &[
    bare("type", Decode::Text, "Type of request: http, https, h2, grpcs, ws, wss, or a newer one.").required().known(&["http", "https", "h2", "grpcs", "ws", "wss"]),
    event_time("time"),
    bare("elb", Decode::LoadBalancer, "Resource id of the load balancer, in the form app/name/id."),
    // IPv6 is written without brackets: the port stands behind the last colon.
    parts("client:port", Quoting::Bare, Split::HostPort, &[
        column("client_ip", Decode::Text, "Address of the client, or of the proxy in front of the load balancer, as logged."),
        column("client_port", Decode::Port, "Port of the client.").layout(Layout::Distinct),
    ]),
    parts("target:port", Quoting::Bare, Split::HostPort, &[
        column("target_ip", Decode::Text, "Address of the target; null for Lambda targets, WAF blocks and requests that never reached one."),
        column("target_port", Decode::Port, "Port of the target; null where there is no target address."),
    ]),
    bare("request_processing_time", Decode::ProcessingSeconds, "Seconds from receiving the request to sending it to a target; null when not measured (-1)."),
    bare("target_processing_time", Decode::ProcessingSeconds, "Seconds from sending the request to a target to its first response header; null when not measured (-1)."),
    bare("response_processing_time", Decode::ProcessingSeconds, "Seconds from the target's response header to sending the response to the client; null when not measured (-1)."),
    bare("elb_status_code", Decode::Int32, "HTTP status code that the load balancer sent to the client."),
    bare("target_status_code", Decode::Int32, "HTTP status code that the target sent; null where no target answered."),
    bare("received_bytes", Decode::Count, "Bytes received from the client, headers included; for WebSockets the whole connection."),
    bare("sent_bytes", Decode::Count, "Bytes sent to the client, headers included; for WebSockets the whole connection."),
    // Seen: no method, no version, no path, a dash glued to the port, spaces in the URL, a space before the quote.
    parts("request_line", Quoting::Quoted, Split::Request, REQUEST).free_text(),
    quoted("user_agent", Decode::Text, "User agent as the client sent it, truncated by AWS at 8 KB.").free_text(),
    bare("ssl_cipher", Decode::Text, "TLS cipher of an HTTPS listener; null for others."),
    bare("ssl_protocol", Decode::Text, "TLS protocol of an HTTPS listener; null for others."),
    bare("target_group_arn", Decode::Text, "ARN of the target group."),
    quoted("trace_id", Decode::Text, "Contents of the X-Amzn-Trace-Id header.").layout(Layout::Prefixed),
    // Lines of 2017 and 2018 carry 19 and 20 without quotes, lines of 2019 and 2020 26 and 27.
    quoted("domain_name", Decode::Text, "Server name that the client asked for in the TLS handshake (SNI).").or_bare(),
    quoted("chosen_cert_arn", Decode::Text, "ARN of the certificate presented to the client, or session-reused.").or_bare(),
    bare("matched_rule_priority", Decode::Text, "Priority of the matching rule: 1 to 50000, 0 for the default rule, -1 for an error while evaluating rules."),
    bare("request_creation_time", Decode::Time, "Time when the load balancer received the request, UTC, microseconds."),
    quoted("actions_executed", Decode::CommaList, "Actions taken for the request, in order, such as waf, authenticate, forward, redirect, fixed-response."),
    quoted("redirect_url", Decode::Text, "URL of the redirect that was sent; null where there was none.").layout(Layout::Distinct),
    quoted("error_reason", Decode::Text, "Reason code of a failed authentication, Lambda target, WAF check and the like.").or_bare(),
    quoted("target:port_list", Decode::SpaceList, "Addresses and ports of the targets that handled the request, each address:port.").named("target_port_list").or_bare(),
    quoted("target_status_code_list", Decode::SpaceList, "HTTP status codes of the targets that handled the request.").or_bare(),
    quoted("classification", Decode::Text, "Desync classification: Acceptable, Ambiguous or Severe; null where the request complies with the RFC.").or_bare().known(&["Acceptable", "Ambiguous", "Severe"]),
    quoted("classification_reason", Decode::Text, "Reason code of the desync classification.").or_bare(),
    bare("conn_trace_id", Decode::Text, "Identifier of the connection; joins to conn_trace_id of the connection log."),
    quoted("transformed_host", Decode::Text, "Host after a rewrite by a rule; null where nothing was rewritten.").or_bare(),
    quoted("transformed_uri", Decode::Text, "URI after a rewrite by a rule; null where nothing was rewritten.").or_bare(),
    quoted("request_transform_status", Decode::Text, "Outcome of the rewrite; null where there was none.").or_bare(),
    bare("ip_address", Decode::Text, "Address of the load balancer node that handled the request."),
];

#[rustfmt::skip]
pub(super) static REQUEST: &[super::Column] = &[
    column("request_verb", Decode::Text, "HTTP method of the request line; null where it has none."),
    column("request_url", Decode::Text, "URL of the request line, whole, query string included.").layout(Layout::Distinct),
    column("request_proto", Decode::Text, "HTTP version of the request line; null where it has none."),
    column("request_scheme", Decode::Text, "Scheme of the URL; null where the URL does not split."),
    column("request_host", Decode::Text, "Host of the URL, as logged; null where the URL does not split."),
    column("request_port", Decode::Port, "Port of the URL; null where it has none or the URL does not split."),
    column("request_path", Decode::Text, "Path of the URL, without query string and fragment; null where it has none."),
];
