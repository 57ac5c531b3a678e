"""DuckDB: the log as a CSV of typed columns, split further in SQL."""

import duckdb
import peer
from fields import BIG, FIELDS, INT, PROCESSING_TIMES, SECONDS, TEXT, TIME, rest

SQL_TYPES = {TEXT: "VARCHAR", TIME: "TIMESTAMP", INT: "INTEGER", BIG: "BIGINT", SECONDS: "DOUBLE"}


def host_and_port(name: str, to: str) -> str:
    # The port stands behind the last colon: IPv6 is written without brackets. Quicker than two regular expressions.
    port = f"split_part({name}, ':', -1)"
    return f"left({name}, length({name}) - length({port}) - 1) AS {to}_ip, {port}::INTEGER AS {to}_port"


def query(source: str) -> str:
    columns = ", ".join(f"'{name}': '{SQL_TYPES[kind]}'" for name, kind in FIELDS.items())
    times = ", ".join(f"nullif({name}, -1) AS {name}" for name in PROCESSING_TIMES)
    return f"""
        SELECT time AS timestamp, {host_and_port("client", "client")}, {host_and_port("target", "target")}, {times},
               split_part(request, ' ', 1) AS request_verb,
               split_part(request, ' ', 2) AS request_url,
               split_part(request, ' ', 3) AS request_proto,
               {", ".join(rest("time", "client", "target", "request", *PROCESSING_TIMES))}
        FROM read_csv('{source}', delim = ' ', quote = '"', escape = '"', header = false, auto_detect = false,
                      nullstr = '-', columns = {{{columns}}})"""


connection = duckdb.connect()
connection.execute("SET threads = 1")


def convert(source: str, to: str, form: str) -> None:
    options = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1" if form == "parquet" else "FORMAT json"
    connection.execute(f"COPY ({query(source)}) TO '{to}' ({options})")


peer.main(convert)
