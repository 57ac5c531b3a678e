//! The access log of a Classic Load Balancer.

use super::alb_access::REQUEST;
use super::{
    BalancerKind, Decode, Escapes, Field, Format, LakeSources, Layout, LogType, Look, ObjectNaming, Quoting, Split,
    bare, column, event_time, parts, quoted,
};

/// The access log of a Classic Load Balancer: one line per request or TCP connection.
pub static CLB_ACCESS: Format = Format {
    log_type: LogType::ClbAccess,
    name: "clb_access_log",
    title: "Classic Load Balancer access log",
    page: "https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/access-log-collection.html",
    event_time: "timestamp",
    min_fields: 12,
    lengths: &[12, 15],
    elidable: &["client:port", "backend:port"],
    start: &[
        "client:port",
        "backend:port",
        "request_processing_time",
        "backend_processing_time",
        "response_processing_time",
    ],
    escapes: Escapes::BackslashQuote,
    fields: FIELDS,
    vended: None,
    objects: ObjectNaming {
        prefix: "",
        balancer: BalancerKind::Classic,
        node_address: true,
        gzip: false,
    },
    lake: LakeSources::ByClass {
        requests: "clb_http_log",
        connections: "clb_tcp_log",
    },
};

#[rustfmt::skip] // One field per line, for comparison with AWS's page.
static FIELDS: &[Field] = &[
    event_time("timestamp"),
    bare("elb", Decode::LoadBalancer, "Name of the load balancer."),
    parts("client:port", Quoting::Bare, Split::HostPort, &[
        column("client_ip", Decode::Text, "IP address of the client, as logged."),
        column("client_port", Decode::Port, "Port of the client.").layout(Layout::Near),
    ]),
    parts("backend:port", Quoting::Bare, Split::HostPort, &[
        column("backend_ip", Decode::Text, "IP address of the instance; null if the request reached none."),
        column("backend_port", Decode::Port, "Port of the instance; null if there is no instance address."),
    ]),
    bare("request_processing_time", Decode::ProcessingSeconds, "Seconds from receiving the request to sending it to an instance; null if not measured (-1)."),
    bare("backend_processing_time", Decode::ProcessingSeconds, "Seconds from sending the request to an instance to its first response header; null if not measured (-1)."),
    bare("response_processing_time", Decode::ProcessingSeconds, "Seconds from the instance's response header to sending the response to the client; null if not measured (-1)."),
    bare("elb_status_code", Decode::Int32, "HTTP status code that the load balancer sent; null for TCP and SSL listeners."),
    bare("backend_status_code", Decode::Int32, "HTTP status code that the instance sent; null for TCP and SSL listeners."),
    bare("received_bytes", Decode::Count, "Bytes of the request, without headers.").layout(Layout::Distinct),
    bare("sent_bytes", Decode::Count, "Bytes of the response, without headers."),
    parts("request", Quoting::Quoted, Split::Request, REQUEST).free_text(),
    quoted("user_agent", Decode::Text, "User agent that the client sent; it may contain line breaks.").free_text(),
    bare("ssl_cipher", Decode::Text, "TLS cipher of an HTTPS or SSL listener; null for other listeners."),
    bare("ssl_protocol", Decode::Text, "TLS protocol of an HTTPS or SSL listener; null for other listeners.").look(Look::TlsVersion),
];
