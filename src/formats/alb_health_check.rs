//! The health check log of an Application Load Balancer.

use super::{
    BalancerKind, Decode, Escapes, Field, Format, LakeSources, LogType, ObjectNaming, Quoting, Split, Vended, bare,
    column, event_time, parts,
};

/// The health check log of an Application Load Balancer: one line per health check.
pub static ALB_HEALTH_CHECK: Format = Format {
    log_type: LogType::AlbHealthCheck,
    name: "alb_health_check_log",
    title: "Application Load Balancer health check log",
    page: "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-health-check-logs.html",
    event_time: "time",
    min_fields: 8,
    lengths: &[8, 10],
    elidable: &[],
    start: &["target_addr", "type", "latency", "status", "status_code"],
    escapes: Escapes::Hex,
    fields: FIELDS,
    vended: Some(Vended {
        aliases: &[],
        signs: &["target_addr", "target_group_id", "reason_code"],
    }),
    objects: ObjectNaming {
        prefix: "health_check_log",
        balancer: BalancerKind::Application,
        node_address: true,
        gzip: true,
    },
    lake: LakeSources::One("alb_health_check_log"),
};

#[rustfmt::skip] // One field per line, for comparison with AWS's page.
static FIELDS: &[Field] = &[
    bare("type", Decode::Text, "Protocol of the health check: http, https, h2, grpc or lambda; new protocols are possible.").required().known(&["http", "https", "h2", "grpc", "lambda"]),
    event_time("time"),
    bare("latency", Decode::Seconds, "Duration of the health check in seconds."),
    // The ARN of a Lambda function contains colons, but neither address nor port.
    parts("target_addr", Quoting::Bare, Split::Target, &[
        column("target_addr", Decode::Text, "Target, as logged: address:port, or the ARN of a Lambda function."),
        column("target_ip", Decode::Text, "IP address of the target; null for a Lambda function."),
        column("target_port", Decode::Port, "Port of the target; null for a Lambda function."),
    ]),
    bare("target_group_id", Decode::Text, "Name of the target group."),
    bare("status", Decode::Text, "Outcome of the health check: PASS or FAIL.").known(&["PASS", "FAIL"]),
    bare("status_code", Decode::Int32, "Status code of the target's response; null if it did not respond."),
    bare("reason_code", Decode::Text, "Reason of a failure; null on success."),
    bare("elb", Decode::LoadBalancer, "Resource ID of the load balancer, in the form app/name/id; taken from the object key if the line has none.").after("type"),
    bare("ip_address", Decode::Text, "IP address of the load balancer node that made the health check."),
];
