"""What docs/schemas.md shows is what the commands on it make."""

import json
import re

import duckdb
import pytest
import sqlglot
from output import ROOT, Output
from schemas import EVENT_ID, SCHEMAS, at
from sqlglot import exp

PAGE = (ROOT / "docs" / "schemas.md").read_text()
SECTIONS = {part.split("\n", 1)[0]: part for part in PAGE.split("\n## ")[1:]}


def block(section: str, language: str) -> str:
    """The one text in a section in this language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", SECTIONS[section], re.DOTALL)
    return found


def shows(shown: object, event: object, path: str = "") -> None:
    """Asserts that everything which is shown stands in the event."""
    if isinstance(shown, dict):
        for name, value in shown.items():
            assert name in event, f"{path}.{name}"
            shows(value, event[name], f"{path}.{name}")
    else:
        assert shown == event, path


def test_every_schema_has_a_section():
    assert list(SECTIONS) == SCHEMAS[1:]


@pytest.mark.parametrize("schema", SECTIONS)
def test_the_event_and_the_question_are_true(command, tmp_path, schema):
    (tmp_path / "events").symlink_to(ROOT / "events")
    program, *arguments = block(schema, "sh").split()
    assert program == "alb-ingest" and arguments[-2:] == ["--schema", schema]
    command(*arguments, cwd=tmp_path)
    command(*("json" if word == "out" else word for word in arguments), "--format", "json", cwd=tmp_path)

    shown = json.loads(block(schema, "json"))
    events = Output(tmp_path / "json", {}).events("alb_access_log")
    (event,) = [event for event in events if at(event, EVENT_ID[schema]) == at(shown, EVENT_ID[schema])]
    shows(shown, event)

    sql = block(schema, "sql")
    (statement,) = sqlglot.parse(sql, dialect="trino")
    assert isinstance(statement, exp.Select)
    with duckdb.connect() as connection:
        files = f"{tmp_path}/out/alb_access_log/**/*.parquet"
        connection.execute(f"create view alb_access_log as select * from read_parquet('{files}', hive_partitioning = true)")
        assert len(connection.execute(sql).fetchall()) > 1
