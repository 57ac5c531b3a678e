"""The table definitions that `alb-ingest schema` prints for every output schema, and how to compare them with events."""

import copy
import json
import re
import subprocess
from collections.abc import Iterator
from functools import cache

import pyarrow as pa
from output import TABLES
from sqlglot import exp
from stand_ins import TIMEOUT_SECONDS, built

SCHEMAS = ["native", "panther", "ecs", "ocsf", "tailpipe", "otel"]
# The schemas whose events are rows of a table. A line of the other one is a batch of log records (test_otel.py).
TABULAR = [schema for schema in SCHEMAS if schema != "otel"]
# The schemas with nested names.
NESTED = ["ecs", "ocsf"]
EVERY = [(schema, table) for schema in TABULAR for table in TABLES]

# The path of the event id.
EVENT_ID = {"native": "event_id", "panther": "eventId", "ecs": "event.id", "ocsf": "metadata.uid", "tailpipe": "event_id"}


@cache
def text(schema: str, table: str, form: str) -> str:
    """The definition of a table in one of the forms of `alb-ingest schema`."""
    command = [program(), "schema", table, "--schema", schema, "--as", form]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=TIMEOUT_SECONDS).stdout


@cache
def program() -> str:
    return str(built("alb-ingest", "ALB_INGEST_BIN"))


def glue(schema: str, table: str) -> dict:
    """The `TableInput` of the Glue catalog for a table."""
    return json.loads(text(schema, table, "glue"))


def json_schema(schema: str, table: str) -> dict:
    """The JSON Schema of a table's events."""
    return json.loads(text(schema, table, "json-schema"))


def at(event: dict, path: str) -> object:
    """The value at a path whose names are separated by dots, or None."""
    for name in path.split("."):
        event = event.get(name) if isinstance(event, dict) else None
    return event


def event_id(schema: str, event: dict) -> str:
    """Returns the ID of an event."""
    return at(event, EVENT_ID[schema])


def hive_type(kind: pa.DataType) -> str:
    """The type in Hive, Athena and Glue of a type that pyarrow read. Names in it are in lowercase."""
    if pa.types.is_struct(kind):
        return f"struct<{','.join(f'{member.name.lower()}:{hive_type(member.type)}' for member in kind)}>"
    if pa.types.is_list(kind):
        return f"array<{hive_type(kind.value_type)}>"
    if pa.types.is_timestamp(kind):
        assert kind.unit == "us" and kind.tz in ("UTC", None), kind
        return "timestamp"
    return {pa.string(): "string", pa.int32(): "int", pa.int64(): "bigint", pa.float64(): "double", pa.date32(): "date"}[kind]


def ddl_type(kind: exp.DataType) -> str:
    """A type in a statement as Glue writes it: without spaces and backticks. In the statement, names must have backticks."""
    if not kind.is_type("struct"):
        return kind.sql(dialect="hive").lower()
    members = []
    for member in kind.expressions:
        assert isinstance(member, exp.ColumnDef) and member.this.quoted, member.sql(dialect="hive")
        members.append(f"{member.name}:{ddl_type(member.kind)}")
    return f"struct<{','.join(members)}>"


def ddl_columns(columns: list[exp.ColumnDef]) -> list[tuple[str, str, str | None]]:
    """Name, type and comment of columns in a statement; every name must have backticks."""
    found = []
    for column in columns:
        assert column.this.quoted, column.name
        comments = [part.kind for part in column.constraints if isinstance(part.kind, exp.CommentColumnConstraint)]
        found.append((column.name, ddl_type(column.kind), comments[0].this.name if comments else None))
    return found


def names_in(kind: str) -> set[str]:
    """Returns the names of the members of a struct, at every depth."""
    return set(re.findall(r"[<,]([^<>:,]*):", kind))


def spoiled(event: dict, schema: dict) -> Iterator[tuple[str, dict]]:
    """Copies of an event with one error each, and the error, for every name in the event."""

    def changed(path: list[str], value: object) -> tuple[str, dict]:
        copied = copy.deepcopy(event)
        group = copied
        for name in path[:-1]:
            group = group[name]
        if value is ...:
            del group[path[-1]]
        else:
            group[path[-1]] = value
        return f"{'.'.join(path)}: {'missing' if value is ... else value!r}", copied

    def walk(group: dict, schema: dict, path: list[str]) -> Iterator[tuple[str, dict]]:
        yield changed([*path, "some_column"], "text")
        for name, value in group.items():
            place, rule = [*path, name], schema["properties"][name]
            yield changed(place, None)
            if name in schema["required"]:
                yield changed(place, ...)
            if isinstance(value, dict):
                yield changed(place, "text")
                yield changed(place, [])
                yield from walk(value, rule, place)
                continue
            yield changed(place, {"text": "text"})
            yield changed(place, "" if isinstance(value, int | float) else [7])
            if "const" in rule:
                yield changed(place, [] if isinstance(value, list) else "other" if isinstance(value, str) else value + 1)
            if "maximum" in rule:
                yield changed(place, rule["maximum"] + 1)
                yield changed(place, 0.5)
            if rule.get("format") == "date-time":
                yield changed(place, value.replace("T", " "))
                yield changed(place, value[:-4] + "Z")

    yield from walk(event, schema, [])
