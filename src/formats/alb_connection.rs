//! The connection log of an Application Load Balancer.

use super::{
    BalancerKind, Decode, Escapes, Field, Format, LakeSources, LogType, Look, ObjectNaming, Quoting, Split, Vended,
    bare, column, event_time, parts, quoted,
};

/// The connection log of an Application Load Balancer: one line per connection.
pub static ALB_CONNECTION: Format = Format {
    log_type: LogType::AlbConnection,
    name: "alb_connection_log",
    title: "Application Load Balancer connection log",
    page: "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-connection-logs.html",
    event_time: "timestamp",
    min_fields: 11,
    lengths: &[11, 12, 13, 15],
    elidable: &[],
    start: &[
        "client_ip",
        "client_port",
        "listener_port",
        "tls_protocol",
        "tls_handshake_latency",
    ],
    escapes: Escapes::Hex,
    fields: FIELDS,
    vended: Some(Vended {
        aliases: &[("timestamp", &["time"])],
        signs: &[
            "tls_verify_status",
            "tls_handshake_latency",
            "listener_port",
            "leaf_client_cert_subject",
            "leaf_client_cert_validity",
            "leaf_client_cert_serial_number",
        ],
    }),
    objects: ObjectNaming {
        prefix: "conn_log",
        balancer: BalancerKind::Application,
        node_address: true,
        gzip: true,
    },
    lake: LakeSources::One("alb_connection_log"),
};

#[rustfmt::skip] // One field per line, for comparison with AWS's page.
static FIELDS: &[Field] = &[
    event_time("timestamp"),
    bare("client_ip", Decode::Text, "IP address of the client, as logged.").look(Look::Address),
    bare("client_port", Decode::Port, "Port of the client."),
    bare("listener_port", Decode::Port, "Port of the listener."),
    bare("tls_protocol", Decode::Text, "TLS protocol of the connection; null for plain HTTP.").look(Look::TlsVersion),
    bare("tls_cipher", Decode::Text, "TLS cipher of the connection; null for plain HTTP."),
    bare("tls_handshake_latency", Decode::Seconds, "Duration of the TLS handshake in seconds; null if it did not succeed."),
    quoted("leaf_client_cert_subject", Decode::Text, "Subject of the client's leaf certificate; null without mutual TLS.").free_text(),
    parts("leaf_client_cert_validity", Quoting::Bare, Split::Validity, &[
        column("leaf_client_cert_validity", Decode::Text, "Validity of the client's leaf certificate, as logged: NotBefore=...;NotAfter=...."),
        column("leaf_client_cert_not_before", Decode::Time, "Start of the validity of the client's leaf certificate, UTC."),
        column("leaf_client_cert_not_after", Decode::Time, "End of the validity of the client's leaf certificate, UTC."),
    ]),
    bare("leaf_client_cert_serial_number", Decode::Text, "Serial number of the client's leaf certificate, in hexadecimal; it may exceed every integer type."),
    bare("tls_verify_status", Decode::Text, "Result of the connection: Success, or Failed:code with the reason; null for plain HTTP."),
    bare("conn_trace_id", Decode::Text, "Identifier of the connection; joins with conn_trace_id of the access log."),
    bare("tls_keyexchange", Decode::Text, "Key exchange of the TLS handshake."),
    bare("elb", Decode::LoadBalancer, "Resource ID of the load balancer, in the form app/name/id; taken from the object key if the line has none.").after(""),
    bare("ip_address", Decode::Text, "IP address of the load balancer node that accepted the connection."),
];
