"""What a peer's output says, to be compared: `facts.py parquet|json FILE...` prints one JSON object. DuckDB reads."""

import json
import sys

import duckdb

FACTS = {
    "rows": "count(*)",
    "first time": "min(epoch_us(timestamp::TIMESTAMPTZ))",
    "last time": "max(epoch_us(timestamp::TIMESTAMPTZ))",
    "received_bytes": "sum(received_bytes)::BIGINT",
    "sent_bytes": "sum(sent_bytes)::BIGINT",
    "client_port": "sum(client_port)::BIGINT",
    "clients": "count(DISTINCT client_ip)",
    "targets": "count(target_ip)",
    "target_port": "sum(target_port)::BIGINT",
    "processing times": "count(request_processing_time)",
    "target_processing_time": "round(sum(target_processing_time) * 1000)::BIGINT",
    "distinct URLs": "count(DISTINCT request_url)",
    "redirects": "count(redirect_url)",
    "distinct trace ids": "count(DISTINCT trace_id)",
    "connections": "count(DISTINCT conn_trace_id)",
}

JSON_TYPES = {
    "timestamp": "VARCHAR",
    "received_bytes": "BIGINT",
    "sent_bytes": "BIGINT",
    "client_port": "INTEGER",
    "client_ip": "VARCHAR",
    "target_ip": "VARCHAR",
    "target_port": "INTEGER",
    "request_processing_time": "DOUBLE",
    "target_processing_time": "DOUBLE",
    "request_url": "VARCHAR",
    "redirect_url": "VARCHAR",
    "trace_id": "VARCHAR",
    "conn_trace_id": "VARCHAR",
    "elb_status_code": "INTEGER",
}


def main() -> None:
    form, *files = sys.argv[1:]
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    if form == "parquet":
        table = f"read_parquet({files})"
    else:
        table = f"read_json({files}, format = 'newline_delimited', columns = {JSON_TYPES})"
    columns = ", ".join(f'{expression} AS "{name}"' for name, expression in FACTS.items())
    values = connection.execute(f"SELECT {columns} FROM {table}").fetchone()
    facts = dict(zip(FACTS, values, strict=True))
    counts = connection.execute(f"SELECT elb_status_code, count(*) FROM {table} GROUP BY 1 ORDER BY 1").fetchall()
    facts["events by elb_status_code"] = [list(row) for row in counts]
    print(json.dumps(facts))


main()
