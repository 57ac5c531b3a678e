"""The output of a run as tables of DuckDB, named as in Athena."""

import json
from datetime import date, datetime

import duckdb
import pytz
from output import TABLES, Output


# Athena's words that DuckDB does not have.
MACROS = """
create or replace macro date_format(moment, pattern) as strftime(moment, pattern);
create or replace macro approx_percentile(value, share) as quantile_cont(value, share);
"""


def saved(connection: duckdb.DuckDBPyConnection, sql: str, day: str) -> list[dict]:
    """What one of the template's saved queries finds on the day after `day`."""
    connection.execute(MACROS)
    return connection.sql(sql.replace("current_date", f"date '{day}' + 1")).to_arrow_table().to_pylist()


def connect(output: Output, threads: int = 1, shuffled: bool = False) -> duckdb.DuckDBPyConnection:
    """A database whose tables are the files of a run; `shuffled` gives the rows in an order that means nothing."""
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    connection.execute(f"set threads = {threads}")
    for table in TABLES:
        # The path comes from pytest and holds no quote.
        rows = f"select * from read_parquet('{output.folder}/{table}/**/*.parquet', hive_partitioning = true)"
        order = "order by md5(event_id)" if shuffled else ""
        connection.execute(f"create table {table} as {rows} {order}")
    return connection


def answer(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    """The rows of a query as lines of JSON, columns in their order."""
    cursor = connection.execute(sql)
    columns = [column[0] for column in cursor.description]
    return "".join(
        json.dumps(dict(zip(columns, map(plain, row), strict=True))) + "\n" for row in cursor.fetchall()
    )


def plain(value: object) -> object:
    """A value as JSON has it; times in UTC."""
    if isinstance(value, datetime):
        return value.astimezone(pytz.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, date):
        return value.isoformat()
    return value
