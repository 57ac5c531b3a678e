"""The Grafana dashboard is the query pack, and its SQL gives the pack's results if the time range covers all events.

Grafana and Athena are not part of the tests: the macros are replaced by what the plugin's documentation says that they expand to.
"""

import importlib.util
import json
import re
import subprocess
import sys

import duckdb
import pytest
import sqlglot
from output import ROOT
from schemas import glue
from tables import answer, connect

SCRIPT = ROOT / "scripts/grafana_dashboard.py"
spec = importlib.util.spec_from_file_location("grafana_dashboard", SCRIPT)
grafana_dashboard = importlib.util.module_from_spec(spec)
spec.loader.exec_module(grafana_dashboard)
QUERIES = sorted((ROOT / "queries").glob("*/*.sql"))


def expanded(sql: str, first: str, last: str) -> str:
    """Returns the query as Athena receives it."""
    for macro, moment in (("$__timeFrom()", first), ("$__timeTo()", last)):
        sql = sql.replace(macro, f"TIMESTAMP '{moment}'")
    assert "$" not in re.sub(r"'[^']*'", "", sql), sql
    return sql


@pytest.fixture(scope="module")
def panels() -> dict[str, dict]:
    """The panels by the names of their queries, in the order of the dashboard."""
    rows = json.loads(grafana_dashboard.DASHBOARD.read_text())["panels"]
    found = [panel for row in rows for panel in (row, *row.get("panels", [])) if panel["type"] != "row"]
    names = [name for names in grafana_dashboard.ROWS.values() for name in names]
    return dict(zip(names, found, strict=True))


@pytest.fixture(scope="module")
def samples(parquet) -> duckdb.DuckDBPyConnection:
    connection = connect(parquet)
    # In Athena the partition column is text, and times have no zone.
    for (table,) in connection.execute("show tables").fetchall():
        kept = f"select * replace (cast(\"date\" as varchar) as \"date\") from {table}"
        connection.execute(f"create or replace table {table} as {kept}")
    return connection


def test_the_dashboard_is_what_the_script_writes():
    done = subprocess.run([sys.executable, SCRIPT, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_query_has_one_panel_with_its_question(panels):
    assert sorted(panels) == [path.relative_to(ROOT / "queries").with_suffix("").as_posix() for path in QUERIES]
    for name, panel in panels.items():
        assert (ROOT / f"queries/{name}.sql").read_text().startswith(f"-- {panel['title']}"), name
    assert len({panel["id"] for panel in panels.values()}) == len(panels)


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.relative_to(ROOT / "queries").as_posix())
def test_a_panel_gives_the_result_of_its_query(samples, panels, path):
    name = path.relative_to(ROOT / "queries").with_suffix("").as_posix()
    (target,) = panels[name]["targets"]
    sql = expanded(target["rawSQL"], "2000-01-01 00:00:00", "2100-01-01 00:00:00")
    own = grafana_dashboard.OWN_DAY.sub("", path.read_text())
    assert answer(samples, sql) == answer(samples, own)
    # An empty range has no events; a query without them has no rows.
    assert answer(samples, expanded(target["rawSQL"], "2000-01-01 00:00:00", "2000-01-02 00:00:00")) == ""
    for table in sqlglot.parse_one(sql, dialect="athena").find_all(sqlglot.exp.Table):
        where = table.find_ancestor(sqlglot.exp.Select).args.get("where")
        if not table.name.endswith("_log"):
            continue
        named = {column.name for column in where.find_all(sqlglot.exp.Column)}
        assert named == {"date", "timestamp"}, f"{table.name} is read without the time range"
        assert {"date", "timestamp"} <= set(columns(table.name))


def columns(table: str) -> list[str]:
    """Returns the columns of a table in Athena."""
    entry = glue("native", table)
    return [column["Name"] for column in entry["StorageDescriptor"]["Columns"] + entry["PartitionKeys"]]
