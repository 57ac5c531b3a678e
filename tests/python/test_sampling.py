"""A sample keeps the events that the reference page computes in DuckDB, and its files have the columns of the definitions."""

import json
import re

import duckdb
import pyarrow.parquet as pq
import pytest
from output import COLUMNS, ROOT, TABLES, Output
from schemas import TABULAR, hive_type
from tables import connect

PAGE = (ROOT / "docs/reference/sampling.md").read_text()
RATE = 5


def threshold(rate: int) -> int:
    """The hashes below it are those of the kept events."""
    return -(-(1 << 64) // rate)


def ids(connection: duckdb.DuckDBPyConnection, table: str, condition: str = "true") -> set[str]:
    return {row[0] for row in connection.sql(f"select event_id from {table} where {condition}").fetchall()}


@pytest.fixture(scope="module")
def everything(ingest, hostile_objects) -> duckdb.DuckDBPyConnection:
    with connect(ingest(objects=hostile_objects)) as connection:
        yield connection


def sampled(ingest, hostile_objects, *settings: str) -> Output:
    return ingest(*settings, objects=hostile_objects)


@pytest.mark.parametrize("by", ["event_id", "trace_id", "conn_trace_id"])
def test_the_page_computes_which_events_are_kept(ingest, hostile_objects, everything, by):
    (expression,) = re.findall(r"SELECT (.+?) AS kept FROM events;", PAGE)
    assert str(threshold(100)) in expression, "the page has the threshold of 1/100"
    expression = expression.replace(str(threshold(100)), str(threshold(RATE)))
    output = sampled(ingest, hostile_objects, "--sample", f"keep 1/{RATE}; by {by}")
    with connect(output) as kept:
        for table in TABLES:
            has_column = by in COLUMNS[table]
            value = f"coalesce({by}, event_id)" if has_column else "event_id"
            wanted = ids(everything, table, expression.replace("event_id", value))
            assert ids(kept, table) == wanted, table
            assert 0 < len(wanted) < len(ids(everything, table))
            weights = kept.sql(f"select distinct sample_weight from {table}").fetchall()
            assert weights == [(RATE,)]
    assert output.report["filtered"] == sum(len(ids(everything, table)) for table in TABLES) - output.report["events"]


def test_the_first_rule_that_holds_decides(ingest, hostile_objects, everything):
    rules = "keep all where elb_status_code >= 500; keep 1/2 where elb_status_code >= 400; keep 1/4"
    with connect(sampled(ingest, hostile_objects, "--sample", rules)) as kept:
        found = kept.sql("select elb_status_code, sample_weight from alb_access_log").fetchall()
    assert {weight for status, weight in found if status is not None and status >= 500} == {1}
    assert {weight for status, weight in found if status is not None and 400 <= status < 500} == {2}
    assert {weight for status, weight in found if status is None or status < 400} == {4}
    condition = "elb_status_code >= 500"
    ((errors,),) = everything.sql(f"select count(*) from alb_access_log where {condition}").fetchall()
    assert errors == sum(weight == 1 for _, weight in found) > 0


@pytest.mark.parametrize("schema", TABULAR)
def test_definitions_have_the_weight(command, ingest, hostile_objects, schema):
    output = sampled(ingest, hostile_objects, "--sample", "keep 1/2", "--schema", schema, "--format", "parquet")
    for table in TABLES:
        made = json.loads(command("schema", table, "--schema", schema, "--sample", "--as", "glue").stdout)
        expected = [(column["Name"], column["Type"]) for column in made["StorageDescriptor"]["Columns"]]
        files = output.files(table)
        assert files
        for file in files:
            assert expected == [(field.name.lower(), hive_type(field.type)) for field in pq.read_schema(file.path)]
