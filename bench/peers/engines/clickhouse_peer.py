"""ClickHouse local (chdb): the log in the format CustomSeparated, split further in SQL."""

import chdb
import peer
from fields import BIG, FIELDS, INT, PROCESSING_TIMES, QUOTED, SECONDS, TEXT, TIME, rest

# A time is read as text: the reader takes the space behind an ISO time for a part of it.
SQL_TYPES = {
    TEXT: "Nullable(String)",
    TIME: "String",
    INT: "Nullable(Int32)",
    BIG: "Nullable(Int64)",
    SECONDS: "Nullable(Float64)",
}


def host_and_port(name: str) -> str:
    # The port stands behind the last colon: IPv6 is written without brackets. Quicker than two regular expressions.
    parts = f"splitByChar(':', assumeNotNull(log.{name}))"
    host = f"if(log.{name} IS NULL, NULL, arrayStringConcat(arrayPopBack({parts}), ':'))"
    return f"{host} AS {name}_ip, toInt32OrNull({parts}[-1]) AS {name}_port"


def time(name: str, to: str) -> str:
    return f"parseDateTime64BestEffort(log.{name}, 6, 'UTC') AS {to}"


def column(name: str) -> str:
    # What stands in quotes is not taken for a null.
    return f"nullIf(log.{name}, '-') AS {name}" if name in QUOTED else f"log.{name} AS {name}"


def query(source: str) -> str:
    columns = ", ".join(f"{name} {SQL_TYPES[kind]}" for name, kind in FIELDS.items())
    times = ", ".join(f"nullIf(log.{name}, -1) AS {name}" for name in PROCESSING_TIMES)
    others = rest("time", "client", "target", "request", "request_creation_time", *PROCESSING_TIMES)
    request = "splitByChar(' ', assumeNotNull(log.request))"
    return f"""
        SELECT {time("time", "timestamp")}, {host_and_port("client")}, {host_and_port("target")}, {times},
               {request}[1] AS request_verb, {request}[2] AS request_url, {request}[3] AS request_proto,
               {time("request_creation_time", "request_creation_time")},
               {", ".join(column(name) for name in others)}
        FROM file('{source}', CustomSeparated, '{columns}', 'gz') AS log"""


SETTINGS = """
    max_threads = 1, max_insert_threads = 1, engine_file_truncate_on_insert = 1,
    format_custom_escaping_rule = 'CSV', format_custom_field_delimiter = ' ', format_csv_null_representation = '-',
    output_format_parquet_compression_method = 'zstd', output_format_compression_level = 1,
    output_format_json_quote_64bit_integers = 0, output_format_json_escape_forward_slashes = 0"""


def convert(source: str, to: str, form: str) -> None:
    target = {"parquet": "Parquet", "json": "JSONEachRow"}[form]
    chdb.query(f"INSERT INTO FUNCTION file('{to}', {target}, 'auto', 'none') {query(source)} SETTINGS {SETTINGS}")


# The engine starts with its first query.
chdb.query("SELECT 1")
peer.main(convert)
