//! Panther's schema: the field names of `AWS.ALB`, and names of the same style if it has none.
//! <https://docs.panther.com/data-onboarding/supported-logs/aws/alb>

use std::ops::Range;

use super::build::{Draft, Entry, column as entry_of_column, computed as entry};
use super::camel::camel_case;
use super::{Pieces, Rule, derive};
use crate::formats::{ColumnSource, Decode, LogType, Plan, PlannedColumn};

/// Names in Panther's schema that are not the column's own name in camel case.
type Renamed = &'static [(&'static str, &'static str)];

const ALB_ACCESS: Renamed = &[
    ("request_verb", "requestHttpMethod"),
    ("request_proto", "requestHttpVersion"),
    ("target_status_code_list", "targetStatusList"),
    // A number in Panther's schema; the logged text gets a name of its own.
    ("matched_rule_priority", "matchedRulePriorityLogged"),
];

const CLB_ACCESS: Renamed = &[
    ("request_verb", "requestHttpMethod"),
    ("request_proto", "requestHttpVersion"),
];

/// Values that have another type in Panther's schema than in the column.
static ALB_ACCESS_COMPUTED: &[Entry] = &[entry(
    "matchedRulePriority",
    &["matched_rule_priority"],
    Rule::Int64(derive::number),
    "Priority of the matching rule: 1 to 50000, 0 for the default rule, -1 for an error during rule evaluation.",
)];

/// The documentation of processing times, which are as logged.
const PROCESSING_TIMES: [(&str, &str); 4] = [
    (
        "request_processing_time",
        "Seconds from receiving the request to sending it to a target; -1 if not measured.",
    ),
    (
        "target_processing_time",
        "Seconds from sending the request to a target to its first response header; -1 if not measured.",
    ),
    (
        "backend_processing_time",
        "Seconds from sending the request to an instance to its first response header; -1 if not measured.",
    ),
    (
        "response_processing_time",
        "Seconds from the response header to sending the response to the client; -1 if not measured.",
    ),
];

/// The fields that Panther adds to every event and that are columns, besides the log type.
/// <https://docs.panther.com/search/panther-fields>
pub(super) static STANDARD_FIELDS: &[Entry] = &[
    entry_of_column("p_event_time", "timestamp"),
    entry_of_column("p_row_id", "event_id"),
];

/// The kind of values that Panther collects from a field into one of its standard fields.
/// <https://docs.panther.com/data-onboarding/custom-log-types/reference>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Indicator {
    /// An IP address.
    Ip,
    /// An address, followed by a port.
    NetAddr,
    /// A domain name.
    Domain,
    /// The ARN of an AWS resource.
    AwsArn,
}

/// The standard fields that collect indicators.
type Collected = (&'static str, &'static [Indicator], Pieces, &'static str);

const COLLECTED: [Collected; 3] = [
    (
        "p_any_ip_addresses",
        &[Indicator::Ip, Indicator::NetAddr],
        Pieces {
            of_text: derive::ip,
            of_item: host,
        },
        "IP addresses of the event: those of the client and its targets.",
    ),
    (
        "p_any_domain_names",
        &[Indicator::Domain],
        Pieces {
            of_text: domain,
            of_item: domain,
        },
        "Domain names of the event: the server name that the client requested.",
    ),
    (
        "p_any_aws_arns",
        &[Indicator::AwsArn],
        Pieces {
            of_text: arn,
            of_item: arn,
        },
        "ARNs of the event: those of the target group and of the certificate.",
    ),
];

impl Indicator {
    /// Returns the name in a schema of Panther.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::NetAddr => "net_addr",
            Self::Domain => "domain",
            Self::AwsArn => "aws_arn",
        }
    }
}

/// Returns the kind of values that Panther collects from a column. In `AWS.ALB`, it does so from the same fields.
pub fn indicator(log_type: LogType, column: &str) -> Option<Indicator> {
    match column {
        "client_ip" | "target_ip" | "backend_ip" | "destination_ip" => Some(Indicator::Ip),
        // A health check is sent by the load balancer's node.
        "ip_address" if log_type == LogType::AlbHealthCheck => Some(Indicator::Ip),
        "target_port_list" => Some(Indicator::NetAddr),
        "domain_name" => Some(Indicator::Domain),
        "target_group_arn" | "chosen_cert_arn" | "target_addr" => Some(Indicator::AwsArn),
        _ => None,
    }
}

/// Returns the name of a log type's custom schema in Panther.
pub const fn custom_log_type(log_type: LogType) -> &'static str {
    match log_type {
        LogType::AlbAccess => "Custom.AlbAccessLog",
        LogType::AlbConnection => "Custom.AlbConnectionLog",
        LogType::AlbHealthCheck => "Custom.AlbHealthCheckLog",
        LogType::NlbAccess => "Custom.NlbAccessLog",
        LogType::ClbAccess => "Custom.ClbAccessLog",
    }
}

/// Returns the log type that Panther's detections name: its own if it has one.
const fn log_type_of_detections(log_type: LogType) -> &'static str {
    match log_type {
        LogType::AlbAccess => "AWS.ALB",
        other => custom_log_type(other),
    }
}

/// Returns the fields of Panther's unified data model that a log type has, each with the column of its values.
/// <https://docs.panther.com/detections/rules/python/data-models>
pub const fn data_model(log_type: LogType) -> &'static [(&'static str, &'static str)] {
    match log_type {
        LogType::AlbAccess => &[
            ("destination_ip", "target_ip"),
            ("destination_port", "target_port"),
            ("http_status", "elb_status_code"),
            ("source_ip", "client_ip"),
            ("source_port", "client_port"),
            ("user_agent", "user_agent"),
        ],
        LogType::AlbConnection => &[
            ("destination_ip", "ip_address"),
            ("destination_port", "listener_port"),
            ("source_ip", "client_ip"),
            ("source_port", "client_port"),
        ],
        LogType::AlbHealthCheck => &[
            ("destination_ip", "target_ip"),
            ("destination_port", "target_port"),
            ("source_ip", "ip_address"),
        ],
        LogType::NlbAccess => &[
            ("destination_ip", "destination_ip"),
            ("destination_port", "destination_port"),
            ("source_ip", "client_ip"),
            ("source_port", "client_port"),
        ],
        LogType::ClbAccess => &[
            ("destination_ip", "backend_ip"),
            ("destination_port", "backend_port"),
            ("http_status", "elb_status_code"),
            ("source_ip", "client_ip"),
            ("source_port", "client_port"),
            ("user_agent", "user_agent"),
        ],
    }
}

const fn renamed(log_type: LogType) -> Renamed {
    match log_type {
        LogType::AlbAccess => ALB_ACCESS,
        LogType::ClbAccess => CLB_ACCESS,
        LogType::AlbConnection | LogType::AlbHealthCheck | LogType::NlbAccess => &[],
    }
}

/// Returns the computed values of a log type.
pub(super) fn computed(log_type: LogType) -> &'static [Entry] {
    match log_type {
        LogType::AlbAccess => ALB_ACCESS_COMPUTED,
        LogType::AlbConnection | LogType::AlbHealthCheck | LogType::NlbAccess | LogType::ClbAccess => &[],
    }
}

/// Returns each column under Panther's name, and the computed values.
pub(super) fn drafts(plan: &Plan) -> Vec<Draft> {
    let log_type = plan.format.log_type;
    let columns = plan.columns.iter().enumerate();
    let columns = columns.map(|(number, column)| of_column(log_type, number, column));
    let computed = computed(log_type).iter().filter_map(|entry| Draft::of(entry, plan));
    columns.chain(computed).collect()
}

fn of_column(log_type: LogType, number: usize, column: &PlannedColumn) -> Draft {
    let renamed = renamed(log_type).iter().find(|(name, _)| *name == column.name);
    let path = renamed.map_or_else(|| camel_case(column.name), |(_, panther)| (*panther).to_owned());
    let may_be_unmeasured = matches!(
        column.source,
        ColumnSource::Part {
            decode: Decode::ProcessingSeconds,
            ..
        }
    );
    if may_be_unmeasured {
        let doc = PROCESSING_TIMES.iter().find(|(name, _)| *name == column.name);
        let draft = Draft::derived(path, number, column, Rule::Logged);
        return draft.described(doc.map_or("", |(_, doc)| doc));
    }
    let draft = Draft::column(path, number, column);
    if (log_type, column.name) == (LogType::AlbAccess, "elb_status_code") {
        return draft.required();
    }
    draft
}

/// Returns the fields that Panther adds to events when it ingests them, as far as the line determines them.
pub(super) fn standard_fields(plan: &Plan) -> Vec<Draft> {
    let log_type = plan.format.log_type;
    let log_type_name = Draft::constant(
        "p_log_type",
        log_type_of_detections(log_type),
        "Log type in Panther: AWS.ALB, or the name of the custom schema.",
    );
    let columns = STANDARD_FIELDS.iter().filter_map(|entry| Draft::of(entry, plan));
    let collected = COLLECTED.iter().filter_map(|(path, indicators, rule, doc)| {
        let columns = plan.columns.iter().enumerate();
        let columns = columns.filter(|(_, column)| {
            let indicator = indicator(log_type, column.name);
            indicator.is_some_and(|indicator| indicators.contains(&indicator))
        });
        let inputs: Vec<_> = columns.map(|(number, _)| number).collect();
        (!inputs.is_empty()).then(|| Draft::computed(path, inputs, Rule::Collect(*rule), doc))
    });
    [log_type_name].into_iter().chain(columns).chain(collected).collect()
}

/// Returns the IP address before a port. Load balancers do not put IPv6 addresses in brackets.
fn host(text: &[u8]) -> Option<Range<usize>> {
    let host = text.get(..memchr::memrchr(b':', text)?)?;
    match host.strip_prefix(b"[").and_then(|host| host.strip_suffix(b"]")) {
        Some(host) => derive::ip(host).map(|host| host.start + 1..host.end + 1),
        None => derive::ip(host),
    }
}

/// Returns a domain name: a text that is not an IP address.
fn domain(text: &[u8]) -> Option<Range<usize>> {
    (!text.is_empty() && derive::ip(text).is_none()).then_some(0..text.len())
}

/// Returns an ARN.
fn arn(text: &[u8]) -> Option<Range<usize>> {
    text.starts_with(b"arn:").then_some(0..text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indicators_are_pieces_of_their_kind() {
        let piece = |rule: fn(&[u8]) -> Option<Range<usize>>, text: &'static str| {
            rule(text.as_bytes()).and_then(|range| text.get(range))
        };
        for (text, found) in [
            ("192.0.2.1:80", Some("192.0.2.1")),
            ("2001:db8::1:80", Some("2001:db8::1")),
            ("[2001:db8::1]:443", Some("2001:db8::1")),
            ("app.example.com:80", None),
            ("192.0.2.1", None),
            ("-", None),
            ("", None),
        ] {
            assert_eq!(piece(host, text), found, "{text}");
        }
        assert_eq!(piece(domain, "app.example.com"), Some("app.example.com"));
        assert_eq!(piece(domain, "192.0.2.1"), None);
        assert_eq!(piece(domain, ""), None);
        assert_eq!(piece(arn, "session-reused"), None);
        assert!(piece(arn, "arn:aws:acm:us-east-1:123456789012:certificate/a").is_some());
    }
}
