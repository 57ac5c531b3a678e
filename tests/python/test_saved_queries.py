"""The queries that the template saves in Athena, over the sample objects in DuckDB.

Athena functions that DuckDB does not have are macros. The current date is the day after the last one of the table.
"""

from pathlib import Path

import duckdb
import pytest
from output import ROOT
from tables import saved

QUERIES = sorted((ROOT / "saved-queries").glob("*.sql"))


def last_day(parquet, table: str) -> str:
    """Returns the last day of a table."""
    return max(file.date for file in parquet.files(table))


def rows(parquet, path: Path) -> list[dict]:
    """Returns the rows of a saved query on the samples."""
    text = path.read_text()
    (table,) = (line.removeprefix("-- table: ") for line in text.splitlines() if line.startswith("-- table: "))
    folders = f"{parquet.folder}/{table}/**/*.parquet"
    # In Athena the partition column is text.
    source = f"read_parquet('{folders}', hive_partitioning = true, hive_types_autocast = false)"
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute(f"create view {table} as select * from {source}")
        return saved(connection, text, last_day(parquet, table))


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_a_saved_query_returns_rows(parquet, path):
    found = rows(parquet, path)
    assert found
    for column in found[0]:
        assert any(row[column] is not None for row in found), f"{column} is always null"


def test_the_queries_count_the_requests_of_the_day(parquet, rows_of_the_day):
    minutes = rows(parquet, ROOT / "saved-queries/traffic-by-minute.sql")
    assert sum(row["requests"] for row in minutes) == len(rows_of_the_day)
    errors = [row for row in rows_of_the_day if row.get("elb_status_code", 0) >= 500]
    assert errors and sum(row["errors"] for row in minutes) == len(errors)
    groups = rows(parquet, ROOT / "saved-queries/server-errors-by-target-group.sql")
    assert sum(row["errors"] for row in groups) == len(errors)
    assert sum(row["requests"] for row in groups) == len(rows_of_the_day)
    made = rows(parquet, ROOT / "saved-queries/who-made-the-5xx.sql")
    assert sum(row["requests"] for row in made) == len(errors)


@pytest.fixture(scope="module")
def rows_of_the_day(parquet) -> list[dict]:
    """The requests of the day that the queries cover."""
    found = []
    for file in parquet.files("alb_access_log"):
        if file.date == last_day(parquet, "alb_access_log"):
            with duckdb.connect() as connection:
                found += connection.sql(f"select * from '{file.path}'").to_arrow_table().to_pylist()
    return found
