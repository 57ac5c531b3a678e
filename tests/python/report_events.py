"""The events of all tables as one view in DuckDB, with what a report counts of each."""

import math

# What a report knows of an event. `failure` is the reason of a failed handshake.
EVENTS = """
create or replace view every_event as
select 'alb_access_log' as source, "timestamp" as t, elb, target_group_arn as target_group, client_ip, user_agent,
  request_host as host, request_path as path, true as is_request, false as is_connection, false as is_check,
  false as check_failed, elb_status_code as status, target_status_code is not null as by_target, received_bytes, sent_bytes,
  case when type not in ('ws', 'wss') then target_processing_time end as latency, error_reason as reason,
  actions_executed[-1] as last_action, ssl_protocol as protocol, ssl_cipher as cipher, null::double as handshake,
  null as key_exchange, false as failed, null as failure
from alb_access_log
union all
select 'clb_access_log', "timestamp", elb, null, client_ip, user_agent, request_host, request_path,
  elb_status_code is not null or request_verb is not null, elb_status_code is null and request_verb is null, false, false,
  elb_status_code, coalesce(backend_status_code, 0) <> 0, received_bytes, sent_bytes,
  case when elb_status_code is not null then backend_processing_time end, null, null, ssl_protocol, ssl_cipher, null,
  null, false, null
from clb_access_log
union all
select 'nlb_access_log', "timestamp", elb, null, client_ip, null, null, null, false, true, false, false, null, false,
  received_bytes, sent_bytes, null, null, null, tls_protocol_version, tls_cipher, tls_handshake_time / 1e3,
  tls_keyexchange, tls_handshake_time is null and tls_cipher is null, incoming_tls_alert
from nlb_access_log
union all
select 'alb_connection_log', "timestamp", elb, null, client_ip, null, null, null, false, true, false, false, null, false, null,
  null, null, null, null, tls_protocol, tls_cipher, tls_handshake_latency, tls_keyexchange,
  coalesce(tls_verify_status like 'Failed:%', false), split_part(tls_verify_status, ':', 2)
from alb_connection_log
union all
select 'alb_health_check_log', "timestamp", elb, null, null, null, null, null, false, false, true,
  coalesce(status = 'FAIL', false), null, false, null, null, null, null, null, null, null, null, null, false, null
from alb_health_check_log
"""

CLASSES = [
    "status between 100 and 199",
    "status between 200 and 299",
    "status between 300 and 399",
    "status between 400 and 499",
    "status >= 500 and by_target",
    "status >= 500 and not by_target",
    "status is null or status < 100",
]


def status_counts() -> str:
    """Returns the counts of requests by class, as the fields of a select list."""
    return ", ".join(f"count(*) filter (is_request and ({condition}))" for condition in CLASSES)


def percentiles(values: list[float]) -> dict[str, float]:
    """Returns percentiles by nearest rank."""
    ordered = sorted(values)
    return {f"p{percent}": ordered[math.ceil(percent * len(ordered) / 100) - 1] for percent in (50, 90, 95, 99)}


def cut(text: str | None, length: int = 256) -> str | None:
    """Returns the part of a text that a ranking has."""
    return text if text is None else text.encode()[:length].decode(errors="ignore")
