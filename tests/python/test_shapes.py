"""Every output schema has the same values in Parquet and JSON, and gives the same answers as the native columns."""

from typing import NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from output import TABLES, Output, Runs, json_lines, parquet_rows, read_parquet, read_text
from schemas import EVERY, NESTED, event_id

# Infers types from every row, because texts may look like numbers in many rows.
READERS = {
    "parquet": "read_parquet({files}, hive_partitioning = true)",
    "json": "read_json({files}, hive_partitioning = true, sample_size = -1, maximum_sample_files = 1000, union_by_name = true)",
}


class Question(NamedTuple):
    """The same question for a table's own columns and for those of a schema."""

    table: str
    native: str
    shaped: str


QUESTIONS = {
    "panther": {
        "top talkers": Question(
            "alb_access_log",
            "select client_ip, count(*) as requests, sum(sent_bytes) from events group by 1 order by 2 desc, 1 limit 10",
            "select clientIp, count(*) as requests, sum(sentBytes) from events group by 1 order by 2 desc, 1 limit 10",
        ),
        "requests by method and version": Question(
            "alb_access_log",
            "select request_verb, request_proto, count(*) from events group by all order by all",
            "select requestHttpMethod, requestHttpVersion, count(*) from events group by all order by all",
        ),
        "priorities of rules": Question(
            "alb_access_log",
            "select try_cast(matched_rule_priority as bigint), count(*) from events group by all order by all",
            "select matchedRulePriority, count(*) from events group by all order by all",
        ),
        "ciphers": Question(
            "nlb_access_log",
            "select tls_protocol_version, tls_cipher, count(*) from events group by all order by all",
            "select tlsProtocolVersion, tlsCipher, count(*) from events group by all order by all",
        ),
    },
    "ecs": {
        "requests by status": Question(
            "alb_access_log",
            "select elb_status_code, count(*), sum(received_bytes) from events group by all order by all",
            "select http.response.status_code, count(*), sum(http.request.bytes) from events group by all order by all",
        ),
        "failed requests by host": Question(
            "alb_access_log",
            "select request_host, count(*) from events where elb_status_code >= 400 group by all order by all",
            "select url.domain, count(*) from events where event.outcome = 'failure' group by all order by all",
        ),
        "how long requests took": Question(
            "alb_access_log",
            "select date, sum(epoch_us(timestamp) - epoch_us(request_creation_time)) * 1000 from events "
            "where timestamp >= request_creation_time group by all order by all",
            'select date, sum(event.duration) from events where event."end" >= event."start" group by all order by all',
        ),
        "versions of TLS": Question(
            "alb_connection_log",
            "select tls_protocol, count(*) from events where tls_protocol in ('TLSv1.2', 'TLSv1.3') group by all order by all",
            "select upper(tls.version_protocol) || 'v' || tls.version, count(*) from events "
            "where tls.version in ('1.2', '1.3') group by all order by all",
        ),
        "checks by outcome": Question(
            "alb_health_check_log",
            "select target_ip, case status when 'PASS' then 'success' when 'FAIL' then 'failure' end, count(*) from events "
            "group by all order by all",
            "select destination.address, event.outcome, count(*) from events group by all order by all",
        ),
        "bytes of a day": Question(
            "nlb_access_log",
            "select strftime(timestamp, '%Y-%m-%d'), sum(sent_bytes), sum(connection_time) * 1000000 from events "
            "group by all order by all",
            "select strftime(\"@timestamp\", '%Y-%m-%d'), sum(destination.bytes), sum(event.duration) from events "
            "group by all order by all",
        ),
        "requests and connections": Question(
            "clb_access_log",
            "select if(coalesce(elb_status_code::varchar, backend_status_code::varchar, request_verb, request_url, "
            "request_proto, user_agent) is null, 'network', 'web'), count(*) from events group by all order by all",
            "select event.category[1], count(*) from events group by all order by all",
        ),
    },
    "tailpipe": {
        "top talkers by account": Question(
            "alb_access_log",
            "select account_id, client_ip, client_port, count(*) from events group by all order by all",
            "select tp_index, tp_source_ip, client_port, count(*) from events group by all order by all",
        ),
        "urls as on the line": Question(
            "alb_access_log",
            "select request_url, user_agent from events where not regexp_matches(request_url || user_agent, '[^ -~]') order by all",
            "select replace(replace(request_url, '\\x22', '\"'), '\\x5C', '\\'), "
            "replace(replace(user_agent, '\\x22', '\"'), '\\x5C', '\\') from events "
            "where not regexp_matches(request_url || user_agent, '\\\\x([018-9A-F]|7F)') order by all",
        ),
        "targets of a request": Question(
            "alb_access_log",
            "select array_to_string(target_port_list, ' '), array_to_string(target_status_code_list, ' ') from events order by all",
            "select target_list, target_status_list from events order by all",
        ),
        "days and addresses": Question(
            "nlb_access_log",
            "select timestamp::date, list_filter([client_ip, destination_ip], lambda ip: ip is not null) from events order by all",
            "select tp_date, tp_ips from events order by all",
        ),
    },
    "ocsf": {
        "denied requests": Question(
            "alb_access_log",
            "select case when actions_executed[-1] = 'waf' then 'Blocked' "
            "when regexp_matches(error_reason, '^(Auth|JWT|JWKS)') then 'Unauthorized' "
            "when actions_executed[-1] = 'waf-failed' then 'Error' end as why, client_ip, count(*) from events "
            "where why is not null group by all order by all",
            "select disposition, coalesce(src_endpoint.ip, unmapped.client_ip), count(*) from events where action_id = 2 "
            "group by all order by all",
        ),
        "failed requests": Question(
            "alb_access_log",
            "select request_verb, count(*) from events where elb_status_code between 400 and 599 group by all order by all",
            "select coalesce(http_request.http_method, unmapped.request_verb), count(*) from events where status_id = 2 "
            "group by all order by all",
        ),
        "when requests began and ended": Question(
            "alb_access_log",
            "select epoch_us(request_creation_time) // 1000, epoch_us(timestamp) // 1000, timestamp from events order by all",
            "select start_time, time, time_dt from events order by all",
        ),
        "why certificates were refused": Question(
            "alb_connection_log",
            "select substr(tls_verify_status, 8), count(*) from events where tls_verify_status like 'Failed:%' "
            "group by all order by all",
            "select status_code, count(*) from events where status_id = 2 and activity_name = 'Fail' group by all order by all",
        ),
        "failed checks by target": Question(
            "alb_health_check_log",
            "select target_ip, reason_code, count(*) from events where status = 'FAIL' group by all order by all",
            "select dst_endpoint.ip, status_detail, count(*) from events where status_id = 2 "
            "group by all order by all",
        ),
        "bytes of failed handshakes": Question(
            "nlb_access_log",
            "select tls_protocol_version is null and tls_handshake_time is null as failed, count(*), sum(received_bytes), "
            "sum(sent_bytes) from events group by all order by all",
            "select type_uid = 400104 as failed, count(*), sum(traffic.bytes_out), sum(traffic.bytes_in) from events "
            "group by all order by all",
        ),
        "classes": Question(
            "clb_access_log",
            "select if(coalesce(elb_status_code::varchar, backend_status_code::varchar, request_verb, request_url, "
            "request_proto, user_agent) is null, 4001, 4002), count(*) from events group by all order by all",
            "select class_uid, count(*) from events group by all order by all",
        ),
    },
}
ASKED = [(schema, question) for schema, questions in QUESTIONS.items() for question in questions]


def connect(runs: Runs, table: str, form: str) -> duckdb.DuckDBPyConnection:
    """A database with a table's files of both runs as `events`."""
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    # The paths come from pytest and contain no quotes.
    files = [f"{run.folder}/{table}/**/*.{form}*" for run in runs]
    connection.execute(f"create view events as select * from {READERS[form].format(files=files)}")
    return connection


@pytest.mark.parametrize(("schema", "table"), EVERY)
def test_parquet_and_json_have_the_same_events(shaped, schema, table):
    in_parquet, in_json = shaped(schema, "parquet"), shaped(schema, "json")
    files = list(zip(in_parquet.files(table), in_json.files(table), strict=True))
    assert len(files) > 1
    for parquet, jsonl in files:
        assert parquet.base_path == jsonl.base_path
        events = json_lines(read_text(jsonl.path))
        rows = list(parquet_rows(read_parquet(parquet.path)))
        assert events and len(rows) == len(events)
        for row, event in zip(rows, events, strict=True):
            assert row == event, event_id(schema, event)


@pytest.mark.parametrize(("schema", "table"), EVERY)
def test_every_schema_has_the_events_of_native(shaped, schema, table):
    native, other = (run.events(table) for run in (shaped("native", "json"), shaped(schema, "json")))
    assert [event["event_id"] for event in native] == [event_id(schema, event) for event in other]


def groups(kind: pa.DataType | pa.Schema) -> list[pa.Field]:
    """The groups among the columns of a file, at every depth."""
    found = [member for member in kind if pa.types.is_struct(member.type)]
    return found + [group for member in found for group in groups(member.type)]


@pytest.mark.parametrize("schema", NESTED)
@pytest.mark.parametrize("table", TABLES)
def test_a_group_is_never_null_itself(shaped, schema, table):
    for file in shaped(schema, "parquet").files(table):
        found = groups(pq.read_schema(file.path))
        assert len(found) > 5 and not any(group.nullable for group in found), found


@pytest.mark.parametrize("schema", NESTED)
@pytest.mark.parametrize("table", TABLES)
def test_duckdb_reads_nested_columns_as_pyarrow_does(shaped, schema, table):
    output: Output = shaped(schema, "parquet").samples
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        for file in output.files(table):
            found = connection.sql(f"select * from read_parquet('{file.path}', hive_partitioning = false)")
            assert list(parquet_rows(found.to_arrow_table())) == list(parquet_rows(read_parquet(file.path)))


@pytest.mark.parametrize(("schema", "name"), ASKED)
def test_a_question_has_the_same_answer_in_every_schema(shaped, schema, name):
    question = QUESTIONS[schema][name]
    with connect(shaped("native", "parquet"), question.table, "parquet") as native:
        expected = native.execute(question.native).fetchall()
    assert len(expected) > 1, "an answer that says little"
    for form in READERS:
        with connect(shaped(schema, form), question.table, form) as other:
            assert other.execute(question.shaped).fetchall() == expected, form
