"""The query pack runs on the sample objects, gives the committed results, and has the same meaning in Athena."""

import os
import re
from pathlib import Path

import duckdb
import pytest
import sqlglot
from output import ROOT, TABLES
from schemas import glue
from sqlglot import exp
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from tables import answer, connect

QUERIES = ROOT / "queries"
ANSWERS = ROOT / "tests" / "golden" / "queries"
PATHS = sorted(QUERIES.glob("*/*.sql"))
UPDATE = "UPDATE_GOLDEN" in os.environ

# Functions with the same arguments and the same meaning in Trino and DuckDB. Queries may use no others, so they run
# unchanged in both.
SHARED = {
    "count", "sum", "avg", "min", "max", "round", "coalesce", "lower", "strpos", "split_part",
    "date_trunc", "date_diff", "cume_dist", "lag", "array_agg", "max_by", "cast", "unnest",
}  # fmt: skip


def name(path: Path) -> str:
    return path.relative_to(QUERIES).with_suffix("").as_posix()


every_query = pytest.mark.parametrize("path", PATHS, ids=name)


@pytest.fixture(scope="module")
def samples(parquet) -> duckdb.DuckDBPyConnection:
    return connect(parquet)


@pytest.fixture(scope="module")
def shuffled(parquet) -> duckdb.DuckDBPyConnection:
    return connect(parquet, threads=4, shuffled=True)


@pytest.fixture(scope="module")
def catalog() -> dict[str, dict[str, str]]:
    """The columns of every table with their types in Athena."""
    found = {}
    for table in TABLES:
        entry = glue("native", table)
        columns = entry["StorageDescriptor"]["Columns"] + entry["PartitionKeys"]
        # Trino's names of Hive's types.
        found[table] = {
            column["Name"]: column["Type"].replace("string", "varchar").replace("array<varchar>", "array(varchar)")
            for column in columns
        }
    return found


def test_every_table_has_queries():
    assert {path.parent.name for path in PATHS} == set(TABLES)
    assert {path.parent.name for path in QUERIES.glob("*/*")} == set(TABLES), "a query is outside of the tables' folders"


@every_query
def test_a_query_gives_the_committed_result(samples, path):
    found = answer(samples, path.read_text())
    assert found, "the query finds nothing in the samples"
    committed = (ANSWERS / name(path)).with_suffix(".jsonl")
    if UPDATE:
        committed.parent.mkdir(parents=True, exist_ok=True)
        committed.write_text(found)
    assert found == committed.read_text(), f"to update {committed.relative_to(ROOT)}, set UPDATE_GOLDEN=1"


@every_query
def test_the_result_does_not_depend_on_the_order_of_rows(samples, shuffled, path):
    assert answer(shuffled, path.read_text()) == answer(samples, path.read_text())


def test_the_readme_shows_the_result_of_a_query(samples, capsys):
    readme = (ROOT / "README.md").read_text()
    path, shown = re.search(r"< (queries/\S+\.sql)\n```\n\n```text\n(.*?)\n```", readme, re.DOTALL).groups()
    samples.sql((ROOT / path).read_text()).show(max_rows=100)
    assert capsys.readouterr().out.strip("\n") == shown


def test_every_result_has_a_query():
    answers = {path.relative_to(ANSWERS).with_suffix("").as_posix() for path in ANSWERS.glob("*/*")}
    assert answers == set(map(name, PATHS))


@every_query
def test_a_query_starts_with_its_question(path):
    lines = path.read_text().splitlines()
    assert re.fullmatch(r"-- [A-Z].*\?( .*)?", lines[0]), lines[0]
    guide = (ROOT / "docs/guide/queries.md").read_text()
    link = f"[`{path.stem}`](../../queries/{name(path)}.sql)"
    assert link in guide, f"docs/guide/queries.md has no link {link}"
    question = lines[0].removeprefix("-- ").split("? ")[0].rstrip("?") + "?"
    assert f"{link} | {question} |" in guide, f"docs/guide/queries.md does not have the question {question!r}"


@every_query
@pytest.mark.parametrize("dialect", ["trino", "athena"])
def test_a_query_is_valid_in_athena(catalog, path, dialect):
    """It parses, and its tables and columns are in the catalog."""
    tree = sqlglot.parse_one(path.read_text(), dialect=dialect)
    assert isinstance(tree, exp.Select)
    # Fails on names that no table has.
    qualify(tree, schema=catalog, dialect=dialect, quote_identifiers=False)


@every_query
def test_a_query_uses_only_shared_functions(path):
    # The words before a parenthesis, except in comments and strings; `as x (y)` names the columns of an unnested list.
    text = re.sub(r"--.*|'(?:[^']|'')*'|\"[^\"]*\"|\bas \w+ \([^)]*\)", "", path.read_text())
    called = set(re.findall(r"\b(\w+)\s*\(", text)) - {"in", "as", "over", "filter", "and", "or"}
    assert called <= SHARED, called - SHARED


@every_query
def test_aliases_are_not_used_in_group_by_and_having(path):
    """Only DuckDB resolves aliases of the select list there."""
    for select in sqlglot.parse_one(path.read_text(), dialect="trino").find_all(exp.Select):
        made = {column.alias for column in select.expressions if isinstance(column, exp.Alias)}
        for part in filter(None, (select.args.get("group"), select.args.get("having"))):
            assert not made & {column.name for column in part.find_all(exp.Column)}, part.sql()


@every_query
def test_athena_and_duckdb_give_the_same_result(samples, catalog, path):
    """The query as parsed by Trino, translated to DuckDB, gives the same rows; this includes integer division."""
    tree = sqlglot.parse_one(path.read_text(), dialect="trino")
    named = qualify(tree, schema=catalog, dialect="trino", quote_identifiers=False)
    typed = annotate_types(named, schema=catalog, dialect="trino")
    assert answer(samples, typed.sql(dialect="duckdb", identify=True)) == answer(samples, path.read_text())


def test_the_guide_shows_the_output_of_its_example(samples, capsys):
    guide = (ROOT / "docs/guide/queries.md").read_text()
    example = re.search(r"out/logs\.duckdb < queries/(\S+)\n```\n\n```text\n(.*?)\n```", guide, re.DOTALL)
    command, shown = example.groups()
    samples.sql((QUERIES / command).read_text()).show(max_width=200)
    assert capsys.readouterr().out.strip("\n") == shown


# Queries written for the connection log tables of other tools; only the name of the table differs.
ELSEWHERE = {
    "failed handshakes": (
        """
        select timestamp, conn_trace_id, client_ip, client_port, tls_protocol, tls_cipher, tls_verify_status
        from aws_alb_connection_log
        where tls_verify_status like 'Failed:%'
        order by timestamp desc;
        """,
        lambda row: (row["tls_verify_status"] or "").startswith("Failed:"),
    ),
    "slow handshakes": (
        """
        select timestamp, conn_trace_id, client_ip, client_port, tls_protocol, tls_cipher, tls_handshake_latency
        from aws_alb_connection_log
        where tls_handshake_latency > 1 -- seconds
        order by tls_handshake_latency desc;
        """,
        lambda row: (row["tls_handshake_latency"] or 0) > 1,
    ),
    "deprecated protocols": (
        """
        select timestamp, conn_trace_id, client_ip, client_port, tls_protocol, tls_cipher
        from aws_alb_connection_log
        where tls_protocol in ('TLSv1.1', 'TLSv1', 'SSLv3', 'SSLv2')
        order by timestamp desc;
        """,
        lambda row: row["tls_protocol"] in ("TLSv1.1", "TLSv1", "SSLv3", "SSLv2"),
    ),
}


@pytest.mark.parametrize("question", ELSEWHERE)
def test_queries_for_other_tools_run_after_renaming_the_table(parquet, samples, catalog, question):
    sql, belongs = ELSEWHERE[question]
    sql = sql.replace("aws_alb_connection_log", "alb_connection_log")
    found = samples.execute(sql).fetchall()
    rows = parquet.arrow("alb_connection_log").to_pylist()
    expected = [row["conn_trace_id"] for row in rows if belongs(row)]
    assert expected, "the samples have no such row"
    assert sorted(row[1] or "" for row in found) == sorted(trace or "" for trace in expected)
    qualify(sqlglot.parse_one(sql, dialect="athena"), schema=catalog, dialect="athena")
