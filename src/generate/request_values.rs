//! The lines of requests to an Application or a Classic Load Balancer.

use super::pools::Reach;
use super::record::{Record, Write};
use super::request::HttpRequest;
use super::rng::Rng;
use super::text;
use super::world::World;

/// A request to an Application Load Balancer.
#[derive(Debug)]
pub(super) struct Alb(HttpRequest);

fn put(out: &mut Vec<u8>, value: &str) {
    out.extend_from_slice(value.as_bytes());
}

fn number_or_dash(out: &mut Vec<u8>, value: Option<u64>) {
    match value {
        Some(value) => text::number(out, value),
        None => out.push(b'-'),
    }
}

fn client(request: &HttpRequest, out: &mut Vec<u8>) {
    request.connection.client.address(out);
    out.push(b':');
    text::number(out, request.connection.port);
}

impl Alb {
    const fn unread(&self) -> bool {
        matches!(self.0.outcome.reach, Reach::Unread)
    }

    fn rewritten(&self) -> bool {
        self.0.outcome.actions.starts_with("rewrite")
    }

    fn trace(&self, out: &mut Vec<u8>) {
        let received = (self.0.time - self.0.lasted) / text::SECOND;
        if self.0.trace.0.is_multiple_of(50) {
            // The client sent its own trace: the load balancer puts its part before it.
            put(out, "Self=1-");
            text::hex(out, received, 8);
            out.push(b'-');
            text::hex(out, self.0.trace.1.rotate_left(7), 16);
            text::hex(out, self.0.trace.0 >> 8, 8);
            out.push(b';');
        }
        put(out, "Root=1-");
        text::hex(out, received, 8);
        out.push(b'-');
        text::hex(out, self.0.trace.0, 16);
        text::hex(out, self.0.trace.1, 8);
        if self.0.trace.0.is_multiple_of(150) {
            put(out, ";Parent=");
            text::hex(out, self.0.trace.1, 16);
            put(out, ";Sampled=1");
        }
    }

    fn certificate<'a>(&self, world: &'a World) -> &'a str {
        let connection = &self.0.connection;
        if connection.tls.is_none() {
            "-"
        } else if connection.habit.is_multiple_of(2) {
            "session-reused"
        } else {
            world
                .certificates
                .get(usize::from(self.0.route.host.starts_with("assets")))
                .map_or("-", String::as_str)
        }
    }

    fn server_name(&self, out: &mut Vec<u8>) {
        put(out, self.0.connection.tls.map_or("-", |_| self.0.route.host));
    }

    fn redirect(&self, out: &mut Vec<u8>) {
        let request = &self.0;
        if request.outcome.actions.ends_with("redirect") {
            put(out, "https://shop.example.com:443");
            out.extend_from_slice(&request.path);
        } else {
            out.push(b'-');
        }
    }
}

impl Record for Alb {
    const VALUES: &'static [(&'static str, Write<Self>)] = &[
        ("type", |alb, _, out| put(out, alb.0.kind)),
        ("time", |alb, _, out| text::time(out, alb.0.time)),
        ("elb", |_, world, out| put(out, &world.elb)),
        ("client:port", |alb, _, out| client(&alb.0, out)),
        ("target:port", |alb, _, out| alb.0.target(out)),
        ("request_processing_time", |alb, _, out| {
            alb.0.time_taken(0, out, text::millis);
        }),
        ("target_processing_time", |alb, _, out| {
            alb.0.time_taken(1, out, text::millis);
        }),
        ("response_processing_time", |alb, _, out| {
            alb.0.time_taken(2, out, text::millis);
        }),
        ("elb_status_code", |alb, _, out| text::number(out, alb.0.outcome.status)),
        ("target_status_code", |alb, _, out| {
            number_or_dash(out, alb.0.target_status());
        }),
        ("received_bytes", |alb, _, out| {
            text::number(out, if alb.unread() { 0 } else { alb.0.received });
        }),
        ("sent_bytes", |alb, _, out| text::number(out, alb.0.sent)),
        ("request_line", |alb, _, out| alb.0.line(out)),
        ("user_agent", |alb, _, out| {
            put(out, if alb.unread() { "-" } else { alb.0.agent });
        }),
        ("ssl_cipher", |alb, _, out| {
            alb.0.connection.negotiated(|tls| tls.cipher, out);
        }),
        ("ssl_protocol", |alb, _, out| {
            alb.0.connection.negotiated(|tls| tls.protocol, out);
        }),
        ("target_group_arn", |alb, world, out| {
            put(
                out,
                alb.0
                    .group()
                    .and_then(|group| world.groups.get(group))
                    .map_or("-", String::as_str),
            );
        }),
        (
            "trace_id",
            |alb, _, out| if alb.unread() { out.push(b'-') } else { alb.trace(out) },
        ),
        ("domain_name", |alb, _, out| alb.server_name(out)),
        ("chosen_cert_arn", |alb, world, out| put(out, alb.certificate(world))),
        ("matched_rule_priority", |alb, _, out| match alb.0.outcome.reach {
            Reach::Unread => out.push(b'-'),
            _ if alb.0.rule_failed => put(out, "-1"),
            _ => text::number(out, alb.0.route.rule),
        }),
        ("request_creation_time", |alb, _, out| {
            text::time(out, (alb.0.time - alb.0.lasted) / 1000 * 1000);
        }),
        ("actions_executed", |alb, _, out| put(out, alb.0.outcome.actions)),
        ("redirect_url", |alb, _, out| alb.redirect(out)),
        ("error_reason", |alb, _, out| put(out, alb.0.outcome.error)),
        ("target:port_list", |alb, _, out| alb.0.target(out)),
        ("target_status_code_list", |alb, _, out| {
            number_or_dash(out, alb.0.target_status());
        }),
        ("classification", |alb, _, out| put(out, alb.0.outcome.class.0)),
        ("classification_reason", |alb, _, out| put(out, alb.0.outcome.class.1)),
        ("conn_trace_id", |alb, _, out| alb.0.connection.trace_id(out)),
        ("transformed_host", |alb, _, out| {
            put(out, if alb.rewritten() { "internal.example.com" } else { "-" });
        }),
        ("transformed_uri", |alb, _, out| {
            if alb.rewritten() {
                put(out, "/2026");
                out.extend_from_slice(&alb.0.path);
            } else {
                out.push(b'-');
            }
        }),
        ("request_transform_status", |alb, _, out| {
            put(out, if alb.rewritten() { "TransformSuccess" } else { "-" });
        }),
        ("ip_address", |_, world, out| put(out, &world.node)),
    ];

    fn draw(world: &World, number: u64, rng: &mut Rng) -> Self {
        Self(HttpRequest::of(world, number, rng))
    }

    fn time(&self) -> u64 {
        self.0.time
    }
}

/// A request to a Classic Load Balancer, or a connection to a TCP listener of one.
#[derive(Debug)]
pub(super) struct Clb {
    request: HttpRequest,
    tcp: bool,
}

impl Clb {
    fn status(&self, out: &mut Vec<u8>, status: Option<u64>) {
        number_or_dash(out, status.filter(|_| !self.tcp));
    }

    /// Returns the bytes without the headers: the body of a request, which most requests lack.
    const fn received(&self) -> u64 {
        match self.request.route.method.as_bytes() {
            _ if self.tcp => self.request.received,
            b"POST" | b"PUT" | b"PATCH" => self.request.received - 380,
            _ => 0,
        }
    }

    fn line(&self, out: &mut Vec<u8>) {
        if self.tcp {
            put(out, "- - - ");
        } else {
            self.request.line(out);
        }
    }

    fn negotiated(&self, out: &mut Vec<u8>, cipher: bool) {
        let connection = &self.request.connection;
        connection.negotiated(|tls| if cipher { tls.cipher } else { tls.protocol }, out);
    }
}

impl Record for Clb {
    const VALUES: &'static [(&'static str, Write<Self>)] = &[
        ("timestamp", |clb, _, out| text::time(out, clb.request.time)),
        ("elb", |_, world, out| put(out, &world.elb)),
        ("client:port", |clb, _, out| client(&clb.request, out)),
        ("backend:port", |clb, _, out| clb.request.target(out)),
        ("request_processing_time", |clb, _, out| {
            clb.request.time_taken(0, out, text::micros);
        }),
        ("backend_processing_time", |clb, _, out| {
            clb.request.time_taken(1, out, text::micros);
        }),
        ("response_processing_time", |clb, _, out| {
            clb.request.time_taken(2, out, text::micros);
        }),
        ("elb_status_code", |clb, _, out| {
            clb.status(out, Some(clb.request.outcome.status));
        }),
        ("backend_status_code", |clb, _, out| match clb.request.target_status() {
            // The Classic log writes 0 where the newer one writes a dash.
            None if !clb.tcp => out.push(b'0'),
            status => clb.status(out, status),
        }),
        ("received_bytes", |clb, _, out| text::number(out, clb.received())),
        ("sent_bytes", |clb, _, out| text::number(out, clb.request.sent)),
        ("request", |clb, _, out| clb.line(out)),
        ("user_agent", |clb, _, out| {
            put(out, if clb.tcp { "-" } else { clb.request.agent });
        }),
        ("ssl_cipher", |clb, _, out| clb.negotiated(out, true)),
        ("ssl_protocol", |clb, _, out| clb.negotiated(out, false)),
    ];

    fn draw(world: &World, number: u64, rng: &mut Rng) -> Self {
        let mut request = HttpRequest::of(world, number, rng);
        // A Classic Load Balancer supports no functions, no HTTP/2, no WebSockets and no client certificates.
        request.route.group = request.route.group.min(2);
        request.kind = if request.connection.tls.is_some() {
            "https"
        } else {
            "http"
        };
        if request.connection.listener != 80 {
            request.connection.listener = 443;
        }
        request.outcome.reach = match request.outcome.reach {
            Reach::Stopped => Reach::Nowhere,
            reach => reach,
        };
        request.outcome.status = match (request.outcome.reach, request.outcome.status) {
            (Reach::Nowhere, _) => 503,
            (Reach::Silent, _) => 504,
            (_, 101) => 200,
            (_, status) => status,
        };
        Self {
            request,
            tcp: rng.chance(120),
        }
    }

    fn time(&self) -> u64 {
        self.request.time
    }
}
