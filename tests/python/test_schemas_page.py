"""The events and queries in docs/reference/schemas.md and the README are what the commands there produce."""

import json
import re

import duckdb
import pytest
import sqlglot
from output import ROOT, Output
from schemas import EVENT_ID, SCHEMAS, at
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
    else:
        assert shown == event, path


def assert_shown(shown: dict, schema: str, output: Output) -> None:
    """Asserts that the output has an event with the id of `shown`, and all of its values."""
    events = output.events("alb_access_log")
    (event,) = [event for event in events if at(event, EVENT_ID[schema]) == at(shown, EVENT_ID[schema])]
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
    (statement,) = sqlglot.parse(sql, dialect="trino")
    assert isinstance(statement, exp.Select)
    with duckdb.connect() as connection:
        files = f"{tmp_path}/out/alb_access_log/**/*.parquet"
        connection.execute(f"create view alb_access_log as select * from read_parquet('{files}', hive_partitioning = true)")
        assert len(connection.execute(sql).fetchall()) > 1


def test_the_readme_shows_real_events(command, tmp_path):
    shown = dict(re.findall(r"^`(\w+)`[^\n]*:\n\n```json\n(.*?)```", README, re.MULTILINE | re.DOTALL))
    assert list(shown) == SCHEMAS
    for schema, event in shown.items():
        command("run", "events/objects", "--to", tmp_path / schema, "--schema", schema, "--format", "json")
        assert_shown(json.loads(event), schema, Output(tmp_path / schema, {}))
