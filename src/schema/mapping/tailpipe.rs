//! Tailpipe's schema: the columns of the AWS plugin's tables of load balancer logs, and those that all its tables share.
//! <https://hub.tailpipe.io/plugins/turbot/aws/tables>
//!
//! A column that Tailpipe does not have keeps its own name.

use super::build::{Draft, Entry, column, computed, constant};
use super::{Input, Literal, Rule};
use crate::formats::{Escapes, Kind, LogType, Plan, PlannedColumn};
use crate::parse::line::time::DAY;

/// Columns that have another name in Tailpipe.
const RENAMED: [(&str, &str); 4] = [
    ("request_verb", "request_http_method"),
    ("request_proto", "request_http_version"),
    ("target_port_list", "target_list"),
    ("target_status_code_list", "target_status_list"),
];

/// Lists that are text in Tailpipe, as the line has them.
const JOINED: [&str; 2] = ["target_port_list", "target_status_code_list"];

/// Texts that a client chose and Tailpipe keeps as the line has them: its detections look for escaped quotes.
const ESCAPED: [&str; 3] = ["request_url", "redirect_url", "user_agent"];

const PARTITION: &str = "Partition of Tailpipe's collection, always the same.";
const TABLE: &str = "Name of the table in Tailpipe.";
const NO_VALUE: &str = "Not in this table: null.";
const DATE: &str = "Day of the event, UTC.";
const IPS: &str = "IP addresses of the event: those of both sides, if the line has them.";
const DOMAINS: &str = "Domains of the event: the server name that the client requested.";
const AKAS: &str = "ARNs of the event: that of the target group or of the certificate.";
const NO_VALUES: &str = "Not in this table: an empty list.";
const PRIORITY: &str =
    "Priority of the matching rule as logged; matched_rule_priority has it as a number, as Tailpipe does.";

/// The columns of every table.
#[rustfmt::skip]
static COMMON: &[Entry] = &[
    column("tp_id", "event_id"),
    column("tp_timestamp", "timestamp"),
    computed("tp_date", &["timestamp"], Rule::Date(day), DATE).required(),
    column("tp_index", "account_id"),
    constant("tp_partition", Literal::Text("default"), PARTITION),
];

#[rustfmt::skip]
static ALB_ACCESS: &[Entry] = &[
    constant("tp_table", Literal::Text("aws_alb_access_log"), TABLE),
    column("tp_source_ip", "client_ip"),
    column("tp_destination_ip", "target_ip"),
    computed("tp_ips", &["client_ip", "target_ip"], Rule::Gather, IPS),
    computed("tp_domains", &["domain_name"], Rule::Gather, DOMAINS),
    computed("tp_akas", &["target_group_arn"], Rule::Gather, AKAS),
    column("matched_rule_priority_logged", "matched_rule_priority").described(PRIORITY),
];

#[rustfmt::skip]
static ALB_CONNECTION: &[Entry] = &[
    constant("tp_table", Literal::Text("aws_alb_connection_log"), TABLE),
    column("tp_source_ip", "client_ip"),
    computed("tp_destination_ip", &[], Rule::Word(nothing), NO_VALUE),
    computed("tp_ips", &["client_ip"], Rule::Gather, IPS),
    computed("tp_domains", &[], Rule::Gather, NO_VALUES),
    computed("tp_akas", &[], Rule::Gather, NO_VALUES),
];

#[rustfmt::skip]
static ALB_HEALTH_CHECK: &[Entry] = &[
    constant("tp_table", Literal::Text("aws_alb_health_check_log"), TABLE),
    column("tp_source_ip", "ip_address"),
    column("tp_destination_ip", "target_ip"),
    computed("tp_ips", &["ip_address", "target_ip"], Rule::Gather, IPS),
    computed("tp_domains", &[], Rule::Gather, NO_VALUES),
    computed("tp_akas", &[], Rule::Gather, NO_VALUES),
];

#[rustfmt::skip]
static NLB_ACCESS: &[Entry] = &[
    constant("tp_table", Literal::Text("aws_nlb_access_log"), TABLE),
    column("tp_source_ip", "client_ip"),
    column("tp_destination_ip", "destination_ip"),
    computed("tp_ips", &["client_ip", "destination_ip"], Rule::Gather, IPS),
    computed("tp_domains", &["domain_name"], Rule::Gather, DOMAINS),
    computed("tp_akas", &["chosen_cert_arn"], Rule::Gather, AKAS),
];

#[rustfmt::skip]
static CLB_ACCESS: &[Entry] = &[
    constant("tp_table", Literal::Text("aws_clb_access_log"), TABLE),
    column("tp_source_ip", "client_ip"),
    column("tp_destination_ip", "backend_ip"),
    computed("tp_ips", &["client_ip", "backend_ip"], Rule::Gather, IPS),
    computed("tp_domains", &[], Rule::Gather, NO_VALUES),
    computed("tp_akas", &[], Rule::Gather, NO_VALUES),
];

/// Returns the entries of a log type besides its columns.
pub(super) fn added(log_type: LogType) -> [&'static [Entry]; 2] {
    let own = match log_type {
        LogType::AlbAccess => ALB_ACCESS,
        LogType::AlbConnection => ALB_CONNECTION,
        LogType::AlbHealthCheck => ALB_HEALTH_CHECK,
        LogType::NlbAccess => NLB_ACCESS,
        LogType::ClbAccess => CLB_ACCESS,
    };
    [COMMON, own]
}

/// Returns each column under Tailpipe's name and with its type, and the columns that all of Tailpipe's tables have.
pub(super) fn drafts(plan: &Plan) -> Vec<Draft> {
    let columns = plan.columns.iter().enumerate();
    let columns = columns.map(|(number, column)| of_column(plan, number, column));
    let added = added(plan.format.log_type).into_iter().flatten();
    let added = added.filter_map(|entry| Draft::of(entry, plan));
    columns.chain(added).map(Draft::without_zone).collect()
}

fn of_column(plan: &Plan, number: usize, column: &PlannedColumn) -> Draft {
    let renamed = RENAMED.iter().find(|(name, _)| *name == column.name);
    let mut path = renamed.map_or(column.name, |(_, tailpipe)| *tailpipe);
    if column.name == "tls_keyexchange" && plan.format.log_type == LogType::NlbAccess {
        path = "tls_named_group";
    }
    let rule = match column.name {
        "matched_rule_priority" => Rule::Int64(super::derive::number),
        name if JOINED.contains(&name) => Rule::Text(joined),
        name if ESCAPED.contains(&name) => match plan.format.escapes {
            Escapes::Hex => Rule::Text(escaped_in_hex),
            Escapes::BackslashQuote => Rule::Text(escaped_with_backslash),
        },
        _ if column.kind == Kind::Int32 => Rule::Int64(integer),
        _ => return Draft::column(path.to_owned(), number, column),
    };
    Draft::derived(path.to_owned(), number, column, rule)
}

/// Returns the number of the day since 1970.
fn day(inputs: &[Input<'_>]) -> Option<i32> {
    i32::try_from(inputs.first()?.time()?.div_euclid(DAY)).ok()
}

fn nothing(_: &[Input<'_>]) -> Option<&'static str> {
    None
}

fn integer(inputs: &[Input<'_>]) -> Option<i64> {
    inputs.first()?.integer()
}

/// Appends the items of a list, separated by spaces.
fn joined(inputs: &[Input<'_>], out: &mut Vec<u8>) -> bool {
    let Some(list @ Input::List(_)) = inputs.first() else {
        return false;
    };
    for (number, item) in list.items().iter().enumerate() {
        if number > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(item);
    }
    true
}

fn escaped_in_hex(inputs: &[Input<'_>], out: &mut Vec<u8>) -> bool {
    escaped(inputs, br"\x22", out)
}

fn escaped_with_backslash(inputs: &[Input<'_>], out: &mut Vec<u8>) -> bool {
    escaped(inputs, br#"\""#, out)
}

/// Appends a text as load balancers write it: quotes, backslashes, control characters and bytes outside of ASCII are escaped.
fn escaped(inputs: &[Input<'_>], quote: &[u8], out: &mut Vec<u8>) -> bool {
    let Some(text) = inputs.first().and_then(|input| input.text()) else {
        return false;
    };
    for byte in text {
        match byte {
            b'"' => out.extend_from_slice(quote),
            b'\\' | ..=0x1f | 0x7f.. => {
                let digit = |value: u8| b"0123456789ABCDEF".get(usize::from(value)).copied().unwrap_or_default();
                out.extend_from_slice(&[b'\\', b'x', digit(byte >> 4), digit(byte & 0xf)]);
            }
            _ => out.push(*byte),
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_as_on_the_line() {
        let text = Input::Text("a\"b\\c\u{1}é~\u{7f} d".as_bytes());
        let mut out = Vec::new();
        assert!(escaped_in_hex(&[text], &mut out));
        assert_eq!(out, br"a\x22b\x5Cc\x01\xC3\xA9~\x7F d");
        out.clear();
        assert!(escaped_with_backslash(&[text], &mut out));
        assert_eq!(out, br#"a\"b\x5Cc\x01\xC3\xA9~\x7F d"#);
        assert!(!escaped_in_hex(&[Input::Null], &mut out));
    }
}
