"""The fields of an access log line, for the peers that read it as a table: names, and types by what they hold."""

TEXT, TIME, INT, BIG, SECONDS = "text", "time", "int", "big", "seconds"

# Fields that stand in quotes, so that a reader may take their `-` as text.
QUOTED = (
    "request user_agent trace_id domain_name chosen_cert_arn actions_executed redirect_url error_reason"
    " target_port_list target_status_code_list classification classification_reason"
    " transformed_host transformed_uri request_transform_status"
).split()

TYPES = {
    "time": TIME,
    "request_creation_time": TIME,
    "request_processing_time": SECONDS,
    "target_processing_time": SECONDS,
    "response_processing_time": SECONDS,
    "elb_status_code": INT,
    "target_status_code": INT,
    "received_bytes": BIG,
    "sent_bytes": BIG,
}

FIELDS = {
    name: TYPES.get(name, TEXT)
    for name in (
        "type time elb client target request_processing_time target_processing_time response_processing_time"
        " elb_status_code target_status_code received_bytes sent_bytes request user_agent ssl_cipher ssl_protocol"
        " target_group_arn trace_id domain_name chosen_cert_arn matched_rule_priority request_creation_time"
        " actions_executed redirect_url error_reason target_port_list target_status_code_list classification"
        " classification_reason conn_trace_id transformed_host transformed_uri request_transform_status ip_address"
    ).split()
}

PROCESSING_TIMES = [name for name, kind in FIELDS.items() if kind == SECONDS]


def rest(*taken: str) -> list[str]:
    """The fields that become a column as they are."""
    return [name for name in FIELDS if name not in taken]
