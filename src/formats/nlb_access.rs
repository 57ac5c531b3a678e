//! The access log of a Network Load Balancer with TLS listeners.

use super::{
    BalancerKind, Decode, Escapes, Field, Format, LakeSources, Layout, LogType, ObjectNaming, Quoting, Split, Vended,
    bare, column, event_time, parts,
};

/// The access log of a Network Load Balancer: one line per TLS connection.
pub static NLB_ACCESS: Format = Format {
    log_type: LogType::NlbAccess,
    name: "nlb_access_log",
    title: "Network Load Balancer TLS access log",
    page: "https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-access-logs.html",
    event_time: "time",
    min_fields: 18,
    lengths: &[18, 21, 22],
    elidable: &[],
    start: &["elb", "type", "client:port", "destination:port", "connection_time"],
    escapes: Escapes::Hex,
    fields: FIELDS,
    vended: Some(Vended {
        aliases: &[
            ("client:port", &["client_port"]),
            ("destination:port", &["destination_port"]),
            ("tls_keyexchange", &["tls_keyexchange", "tls_named_group"]),
        ],
        signs: &[
            "listener",
            "alpn_fe_protocol",
            "alpn_be_protocol",
            "alpn_client_preference_list",
            "incoming_tls_alert",
            "tls_connection_creation_time",
        ],
    }),
    objects: ObjectNaming {
        prefix: "",
        balancer: BalancerKind::Network,
        node_address: false,
        gzip: true,
    },
    lake: LakeSources::One("nlb_access_log"),
};

#[rustfmt::skip] // One field per line, for comparison with AWS's page.
static FIELDS: &[Field] = &[
    bare("type", Decode::Text, "Type of the listener: tls; new types are possible.").required().known(&["tls"]),
    bare("version", Decode::Text, "Version of the log entry: 2.0 since 2019."),
    event_time("time"),
    bare("elb", Decode::LoadBalancer, "Resource ID of the load balancer, in the form net/name/id."),
    bare("listener", Decode::Text, "Resource ID of the TLS listener."),
    parts("client:port", Quoting::Bare, Split::HostPort, &[
        column("client_ip", Decode::Text, "IP address of the client, as logged."),
        column("client_port", Decode::Port, "Port of the client.").layout(Layout::Near),
    ]),
    parts("destination:port", Quoting::Bare, Split::HostPort, &[
        column("destination_ip", Decode::Text, "IP address of the destination: that of the load balancer for direct connections, otherwise that of the VPC endpoint."),
        column("destination_port", Decode::Port, "Port of the destination."),
    ]),
    bare("connection_time", Decode::Int64, "Duration of the connection in milliseconds."),
    bare("tls_handshake_time", Decode::Int64, "Duration of the TLS handshake in milliseconds; null if it failed."),
    bare("received_bytes", Decode::Count, "Bytes received from the client, after decryption."),
    bare("sent_bytes", Decode::Count, "Bytes sent to the client, before encryption."),
    bare("incoming_tls_alert", Decode::Text, "TLS alert that the client sent; null if it sent none."),
    bare("chosen_cert_arn", Decode::Text, "ARN of the certificate served to the client."),
    bare("chosen_cert_serial", Decode::Text, "Reserved by AWS; always null so far."),
    bare("tls_cipher", Decode::Text, "TLS cipher of the connection; null if the handshake failed."),
    bare("tls_protocol_version", Decode::Text, "TLS protocol of the connection, such as tlsv12; null if the handshake failed."),
    bare("tls_keyexchange", Decode::Text, "Key exchange of the TLS handshake; formerly called tls_named_group by AWS."),
    bare("domain_name", Decode::Text, "Server name that the client requested (SNI), URL-encoded as logged."),
    bare("alpn_fe_protocol", Decode::Text, "Application protocol negotiated with the client."),
    bare("alpn_be_protocol", Decode::Text, "Application protocol negotiated with the target."),
    // AWS truncates the list to 256 bytes, so the last quote may be missing.
    parts("alpn_client_preference_list", Quoting::QuotedParts, Split::Whole, &[
        column("alpn_client_preference_list", Decode::QuotedList, "Application protocols that the client offered, in order of preference; truncated by AWS to 256 bytes."),
    ]),
    bare("tls_connection_creation_time", Decode::Time, "Time at which the TLS connection was created, UTC."),
];
