//! What columns say about people: every column of every table is classified here, once.

use std::fmt::Write as _;

use super::{Extra, LogType};

/// What a column says about the person behind a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Personal {
    /// It identifies a person or a device, with or without the help of others.
    Identifies,
    /// The client writes it, so it may contain anything: names, e-mail addresses, tokens.
    Free,
    /// It connects events of one client, or an event with its line in the source.
    Links,
    /// It describes the client or the request. Alone it says little, but several of them may single out one person.
    Describes,
    /// It describes the infrastructure.
    No,
}

/// The classes with the names of their columns, in the order of the documentation.
static CLASSES: [(Personal, &[&str]); 5] = [
    (
        Personal::Identifies,
        &[
            "client_ip",
            "leaf_client_cert_subject",
            "leaf_client_cert_serial_number",
            "leaf_client_cert_validity",
            "leaf_client_cert_not_before",
            "leaf_client_cert_not_after",
        ],
    ),
    (
        Personal::Free,
        &[
            "raw_line",
            "request_verb",
            "request_url",
            "request_proto",
            "request_scheme",
            "request_host",
            "request_port",
            "request_path",
            "request_query",
            "user_agent",
            "domain_name",
            "trace_id",
            "redirect_url",
            "transformed_host",
            "transformed_uri",
            "alpn_client_preference_list",
            "extra_fields",
        ],
    ),
    (
        Personal::Links,
        &[
            "event_id",
            "client_port",
            "conn_trace_id",
            "source_bucket",
            "source_key",
            "source_line",
        ],
    ),
    (
        Personal::Describes,
        &[
            "timestamp",
            "request_creation_time",
            "tls_connection_creation_time",
            "received_bytes",
            "sent_bytes",
            "classification",
            "classification_reason",
            "matched_rule_priority",
            "error_reason",
            "ssl_cipher",
            "ssl_protocol",
            "tls_protocol",
            "tls_cipher",
            "tls_keyexchange",
            "tls_protocol_version",
            "tls_version",
            "tls_verify_status",
            "tls_handshake_latency",
            "tls_handshake_time",
            "connection_time",
            "incoming_tls_alert",
            "alpn_fe_protocol",
            "request_processing_time",
            "total_time",
            "user_agent_family",
            "user_agent_os",
            "bot_name",
            "bot_kind",
            "client_country",
            "client_asn",
        ],
    ),
    (
        Personal::No,
        &[
            "account_id",
            "region",
            "type",
            "version",
            "elb",
            "listener",
            "listener_port",
            "target_ip",
            "target_port",
            "target_addr",
            "target_group_arn",
            "target_group_id",
            "target_port_list",
            "target_status_code",
            "target_status_code_list",
            "target_processing_time",
            "response_processing_time",
            "backend_ip",
            "backend_port",
            "backend_status_code",
            "backend_processing_time",
            "destination_ip",
            "destination_port",
            "ip_address",
            "elb_status_code",
            "status_class",
            "status",
            "status_code",
            "reason_code",
            "latency",
            "actions_executed",
            "request_transform_status",
            "chosen_cert_arn",
            "chosen_cert_serial",
            "alpn_be_protocol",
            "sample_weight",
        ],
    ),
];

impl Personal {
    /// Returns the class of a column; `None` if it is not classified, which a test rules out.
    pub fn of(column: &str) -> Option<Self> {
        let found = CLASSES.iter().find(|(_, columns)| columns.contains(&column));
        found.map(|(class, _)| *class)
    }

    /// Returns what the documentation says about a class.
    const fn doc(self) -> &'static str {
        match self {
            Self::Identifies => "identify a person or a device",
            Self::Free => "are written by the client, and may contain anything",
            Self::Links => "connect events of a client, or an event with its line in the source",
            Self::Describes => "describe the client; several of them may single out one person",
            Self::No => "describe the infrastructure",
        }
    }
}

/// Returns the page of the classification, for `docs/`.
pub fn markdown() -> String {
    let mut page = "# Personal data\n\n\
        What each column says about the person behind a request, by table and with every column that `--enrich`, `--sample` and \
        `--keep-raw` append. Columns of client software can be personal, too: a path or a host may name a user. \
        [Privacy](../guide/privacy.md) recommends what to redact.\n"
        .to_owned();
    let extras = Extra::ALL.into_iter().collect();
    for log_type in LogType::ALL {
        let plan = log_type.plan_with(extras);
        // Writing to a String cannot fail.
        let _ = write!(page, "\n## {}\n\n| columns that … | |\n|---|---|\n", log_type.table());
        for (class, _) in &CLASSES {
            let columns = plan
                .columns
                .iter()
                .filter(|column| Personal::of(column.name) == Some(*class));
            let names: Vec<_> = columns.map(|column| format!("`{}`", column.name)).collect();
            if !names.is_empty() {
                let _ = writeln!(page, "| {} | {} |", class.doc(), names.join(", "));
            }
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_column_of_every_table_is_classified_once() {
        let mut seen = BTreeSet::new();
        for name in CLASSES.iter().flat_map(|(_, columns)| *columns) {
            assert!(seen.insert(*name), "{name} is classified twice");
        }
        let extras = Extra::ALL.into_iter().collect();
        for log_type in LogType::ALL {
            for column in &log_type.plan_with(extras).columns {
                assert!(
                    Personal::of(column.name).is_some(),
                    "{}: {}",
                    log_type.table(),
                    column.name
                );
            }
        }
    }
}
