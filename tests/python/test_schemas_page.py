"""The events and queries in docs/reference/schemas.md and the README are what the commands there produce."""

import json
import re

import duckdb
import pytest
import sqlglot
from output import ROOT, Output
from schemas import EVENT_ID, SCHEMAS, TABULAR, at
from test_otel import UID, attributes, records
from sqlglot import exp

PAGE = (ROOT / "docs/reference/schemas.md").read_text()
SECTIONS = {part.split("\n", 1)[0]: part for part in PAGE.split("\n## ")[1:]}
README = (ROOT / "README.md").read_text().split("\n## Output\n")[1].split("\n## ")[0]


def block(section: str, language: str) -> str:
    """Returns the only block of this language in a section."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", SECTIONS[section], re.DOTALL)
    return found


def assert_part_of(shown: object, event: object, path: str = "") -> None:
    """Asserts that every value of `shown` is in the event."""
    if isinstance(shown, dict):
        for name, value in shown.items():
            assert name in event, f"{path}.{name}"
            assert_part_of(value, event[name], f"{path}.{name}")
    elif path.endswith((".attributes", ".resourceLogs", ".scopeLogs", ".logRecords")):
        # Lists of OpenTelemetry, shown in part.
        for item in shown:
            assert any(is_part_of(item, found) for found in event), f"{path}: {item}"
    else:
        assert shown == event, path


def is_part_of(shown: object, event: object) -> bool:
    try:
        assert_part_of(shown, event)
    except AssertionError:
        return False
    return True


def event_ids(schema: str, event: dict) -> list[str]:
    """The ids of an event, or of the log records on a line."""
    if schema == "otel":
        return [attributes(record)[UID] for record in records(event)]
    return [at(event, EVENT_ID[schema])]


def assert_shown(shown: dict, schema: str, output: Output) -> None:
    """Asserts that the output has an event with the id of `shown`, and all of its values."""
    events = output.events("alb_access_log")
    (shown_id,) = event_ids(schema, shown)
    (event,) = [event for event in events if shown_id in event_ids(schema, event)]
    assert_part_of(shown, event)


def test_every_schema_has_a_section():
    assert list(SECTIONS) == SCHEMAS[1:]


@pytest.mark.parametrize("schema", SECTIONS)
def test_the_page_shows_a_real_event_and_a_query_that_runs(command, tmp_path, schema):
    (tmp_path / "events").symlink_to(ROOT / "events")
    program, *arguments = block(schema, "sh").split()
    assert program == "alb-ingest" and arguments[-2:] == ["--schema", schema]
    command(*arguments, cwd=tmp_path)
    command(*("json" if word == "out" else word for word in arguments), "--format", "json", cwd=tmp_path)

    assert_shown(json.loads(block(schema, "json")), schema, Output(tmp_path / "json", {}))

    sql = block(schema, "sql")
    # Nested lists have no syntax that both engines share.
    (statement,) = sqlglot.parse(sql, dialect="duckdb" if schema == "otel" else "trino")
    assert isinstance(statement, exp.Select)
    with duckdb.connect() as connection:
        reader = "json" if schema == "otel" else "parquet"
        files = f"{tmp_path}/out/alb_access_log/**/*.{reader}*"
        connection.execute(f"create view alb_access_log as select * from read_{reader}('{files}', hive_partitioning = true)")
        assert len(connection.execute(sql).fetchall()) > 1


def test_the_readme_shows_real_events(command, tmp_path):
    shown = dict(re.findall(r"^`(\w+)`[^\n]*:\n\n```json\n(.*?)```", README, re.MULTILINE | re.DOTALL))
    # Batches are on the page of the schemas only.
    assert list(shown) == TABULAR
    for schema, event in shown.items():
        command("run", "events/objects", "--to", tmp_path / schema, "--schema", schema, "--format", "json")
        assert_shown(json.loads(event), schema, Output(tmp_path / schema, {}))
