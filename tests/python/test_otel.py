"""Lines of the schema `otel` are requests that OpenTelemetry accepts, with the events of the native schema."""

import base64
import json
import subprocess
from collections.abc import Iterator

import duckdb
import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from output import OBJECTS, TABLES, Output, json_lines, read_text, text_time

UID = "log.record.uid"
MAX_RECORDS = 128
MAX_BYTES = 256 * 1024
EPOCH = text_time("1970-01-01T00:00:00.000000Z")

# For each table columns of native and the attributes with their values.
SAME = {
    "alb_access_log": {
        "source_key": "aws.s3.key", "source_line": "aws.elb.source_line", "client_ip": "client.address", "client_port": "client.port",
        "received_bytes": "http.request.size", "elb_status_code": "aws.elb.status.code", "request_url": "url.full",
        "user_agent": "user_agent.original", "target_processing_time": "aws.elb.target_processing_time",
        "actions_executed": "aws.elb.actions_executed", "request_creation_time": "aws.elb.request_creation_time",
        "extra_fields": "aws.elb.extra_fields", "trace_id": "aws.elb.aws_trace_id", "domain_name": "url.domain",
    },
    "alb_connection_log": {
        "client_ip": "client.address", "listener_port": "network.local.port", "leaf_client_cert_subject": "tls.client.subject",
        "leaf_client_cert_not_after": "tls.client.not_after", "tls_handshake_latency": "aws.elb.tls_handshake_latency",
    },
    "alb_health_check_log": {
        "target_ip": "destination.address", "status": "aws.elb.health_check.status", "latency": "aws.elb.health_check.latency",
        "status_code": "aws.elb.health_check.status_code", "target_addr": "aws.elb.target_addr",
    },
    "nlb_access_log": {
        "listener": "aws.elb.tls.listener.resource_id", "connection_time": "aws.elb.connection_time",
        "alpn_client_preference_list": "aws.elb.alpn_client_preference_list", "destination_port": "destination.port",
    },
    "clb_access_log": {
        "backend_ip": "destination.address", "backend_status_code": "aws.elb.backend.status.code", "request_verb": "http.request.method",
        "backend_processing_time": "aws.elb.backend_processing_time", "user_agent": "user_agent.original",
    },
}  # fmt: skip


def records(line: dict) -> list[dict]:
    """Returns the log records of a line."""
    (resource,) = line["resourceLogs"]
    (scope,) = resource["scopeLogs"]
    return scope["logRecords"]


def any_value(value: dict) -> object:
    """Returns an `AnyValue` as Python has it."""
    ((kind, content),) = value.items()
    if kind == "arrayValue":
        return [any_value(item) for item in content["values"]]
    assert isinstance(content, float | int if kind == "doubleValue" else str), value
    return int(content) if kind == "intValue" else content


def attributes(part: dict) -> dict[str, object]:
    """Returns the attributes of a record, a resource or a scope."""
    found = [(attribute["key"], any_value(attribute["value"])) for attribute in part["attributes"]]
    assert len(dict(found)) == len(found), "repeated attribute"
    return dict(found)


def lines(output: Output, table: str) -> Iterator[str]:
    for file in output.files(table):
        yield from read_text(file.path).decode().split("\n")[:-1]


@pytest.mark.parametrize("table", TABLES)
def test_opentelemetry_parses_every_line_as_a_request(shaped, table):
    for run in shaped("otel", "json"):
        parsed = 0
        for line in lines(run, table):
            # Unknown names and wrong types are errors. Ids are bytes for the parser of Protocol Buffers, hex digits in OTLP.
            request = json_format.Parse(line, ExportLogsServiceRequest(), ignore_unknown_fields=False)
            (event,) = json_lines(line.encode() + b"\n")
            (resource,) = request.resource_logs
            (scope,) = resource.scope_logs
            assert len(scope.log_records) == len(records(event)) <= MAX_RECORDS
            assert len(line) < MAX_BYTES or len(scope.log_records) == 1
            for record, own in zip(scope.log_records, records(event), strict=True):
                assert str(record.time_unix_nano or "") == own.get("timeUnixNano", "")
                assert base64.b64encode(record.trace_id).decode() == own.get("traceId", "")
                assert [attribute.key for attribute in record.attributes] == list(attributes(own))
                assert own.get("traceId") is None or len(bytes.fromhex(own["traceId"])) == 16
            parsed += len(scope.log_records)
        assert parsed == run.report["tables"][table]["events"] > 0


@pytest.mark.parametrize("table", TABLES)
def test_records_have_the_events_of_native(shaped, table):
    native = shaped("native", "json").events(table)
    batches = shaped("otel", "json").events(table)
    assert 1 < len(batches) < len(native) / 4
    found = [(line, record) for line in batches for record in records(line)]
    assert len(found) == len(native)
    for event, (line, record) in zip(native, found, strict=True):
        values = attributes(record)
        resource = attributes(line["resourceLogs"][0]["resource"])
        assert values[UID] == event["event_id"]
        for column, name in SAME[table].items():
            assert values.get(name) == event.get(column), (event["event_id"], name)
        for column, name in (("elb", "cloud.resource_id"), ("account_id", "cloud.account.id"), ("region", "cloud.region")):
            assert resource.get(name) == event.get(column), (event["event_id"], name)
        if "timeUnixNano" in record:
            micros = (text_time(event["timestamp"]) - EPOCH) // (EPOCH.resolution)
            assert int(record["timeUnixNano"]) == micros * 1000
        else:
            assert values["aws.elb.timestamp"] == event["timestamp"]


def test_duckdb_gives_the_answer_of_native(shaped):
    with duckdb.connect() as connection:
        answers = []
        for schema in ("native", "otel"):
            files = [f"{run.folder}/alb_access_log/**/*.json*" for run in shaped(schema, "json")]
            # The types of the columns are inferred from every line.
            reader = f"read_json({files}, sample_size = -1, maximum_sample_files = 1000, union_by_name = true)"
            if schema == "native":
                query = f"select elb_status_code, client_ip, count(*) from {reader} group by all order by all"
            else:
                query = f"""
                    with records as (
                        select unnest(resourceLogs[1].scopeLogs[1].logRecords).attributes as attributes from {reader}
                    ), flat as (
                        select map_from_entries([(pair.key, pair.value) for pair in attributes]) as attribute from records
                    )
                    select attribute['aws.elb.status.code'].intValue::int, attribute['client.address'].stringValue, count(*)
                    from flat group by all order by all"""
            answers.append(connection.execute(query).fetchall())
    assert answers[0] == answers[1] and len(answers[0]) > 100


def test_parquet_is_refused_before_anything_is_written(program, tmp_path):
    out = tmp_path / "out"
    command = [program, "run", "events/objects", "--to", out, "--schema", "otel", "--format", "parquet"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and not out.exists()
    assert "a line of OTLP/JSON is a batch of log records" in done.stderr and "set FORMAT to json" in done.stderr


def test_without_a_format_files_are_json(ingest):
    output = ingest("--schema", "otel")
    assert {file.suffix for file in output.files()} == {"json.zst"}
    layout = json.loads((output.folder / "_alb-ingest.json").read_text())
    assert (layout["schema"], layout["format"]) == ("otel", "json")


@pytest.mark.parametrize("merge", [False, True])
def test_an_audit_counts_events_and_not_lines(command, program, ingest, tmp_path, merge):
    output = ingest("--schema", "otel", "--compression", "none", *(["--merge"] if merge else []), into=tmp_path / "out")
    assert sum(table["events"] for table in output.report["tables"].values()) == 2995
    files = [path for path in output.folder.rglob("*.json") if path.parts[-3].endswith("_log") and "_quarantine" not in path.parts]
    parsed = [record for path in files for line in json_lines(path.read_bytes()) for record in records(line)]
    assert len(parsed) == 2995 > 4 * sum(len(path.read_bytes().splitlines()) for path in files)
    command("audit", "--deep", OBJECTS, output.folder)
    # A line less is found, although each line that is left is whole.
    largest = max(files, key=lambda path: path.stat().st_size)
    largest.write_bytes(b"".join(largest.read_bytes().splitlines(keepends=True)[:-1]))
    done = subprocess.run([program, "audit", "--deep", OBJECTS, output.folder], capture_output=True, timeout=60)
    assert done.returncode == 1, done.stdout
