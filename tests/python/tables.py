"""The output of a run as DuckDB tables, with the names used in Athena."""

import json
from datetime import date, datetime

import duckdb
import pytz
from output import TABLES, Output


# Athena functions that DuckDB does not have.
MACROS = """
create or replace macro date_format(moment, pattern) as strftime(moment, pattern);
create or replace macro approx_percentile(value, share) as quantile_cont(value, share);
"""


def saved(connection: duckdb.DuckDBPyConnection, sql: str, day: str) -> list[dict]:
    """Returns the rows of a saved query of the template, run on the day after `day`."""
    connection.execute(MACROS)
    return connection.sql(sql.replace("current_date", f"date '{day}' + 1")).to_arrow_table().to_pylist()


def connect(output: Output, threads: int = 1, shuffled: bool = False) -> duckdb.DuckDBPyConnection:
    """Returns a database with the output of a run as tables; `shuffled` changes the order of the rows."""
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    connection.execute(f"set threads = {threads}")
    for table in TABLES:
        # The path comes from pytest and has no quotes.
        rows = f"select * from read_parquet('{output.folder}/{table}/**/*.parquet', hive_partitioning = true)"
        order = "order by md5(event_id)" if shuffled else ""
        connection.execute(f"create table {table} as {rows} {order}")
    return connection


def answer(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    """Returns the rows of a query as JSON lines, with the columns in order."""
    cursor = connection.execute(sql)
    columns = [column[0] for column in cursor.description]
    return "".join(
        json.dumps(dict(zip(columns, map(plain, row), strict=True))) + "\n" for row in cursor.fetchall()
    )


def plain(value: object) -> object:
    """Returns a value in its JSON form, with times in UTC."""
    if isinstance(value, datetime):
        return value.astimezone(pytz.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, date):
        return value.isoformat()
    return value
