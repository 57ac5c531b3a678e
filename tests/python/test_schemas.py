"""The committed schemas hold for what a run writes."""

import copy
import json
from itertools import islice

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlglot
from jsonschema import Draft202012Validator
from output import COLUMNS, REQUIRED, ROOT, TABLES, json_lines, read_text
from sqlglot import exp

SCHEMAS = ROOT / "docs" / "schema"
# Glue's limit for a comment, in bytes.
COMMENT_BYTES = 255


def glue(table: str) -> dict:
    return json.loads((SCHEMAS / f"{table}.glue.json").read_text())


def json_schema(table: str) -> dict:
    return json.loads((SCHEMAS / f"{table}.schema.json").read_text())


def hive_type(kind: pa.DataType) -> str:
    """The type that Hive, Athena and Glue have for what pyarrow read."""
    if pa.types.is_list(kind):
        return f"array<{hive_type(kind.value_type)}>"
    if pa.types.is_timestamp(kind):
        assert kind.unit == "us" and kind.tz == "UTC", kind
        return "timestamp"
    return {pa.string(): "string", pa.int32(): "int", pa.int64(): "bigint", pa.float64(): "double"}[kind]


# Glue and Athena


@pytest.mark.parametrize("table", TABLES)
def test_glue_has_the_columns_of_the_parquet_files(parquet, table):
    storage = glue(table)["StorageDescriptor"]
    columns = [(column["Name"], column["Type"]) for column in storage["Columns"]]
    for file in parquet.files(table):
        assert columns == [(field.name, hive_type(field.type)) for field in pq.read_schema(file.path)]
    for column in storage["Columns"] + glue(table)["PartitionKeys"]:
        assert 0 < len(column["Comment"].encode()) <= COMMENT_BYTES and "\n" not in column["Comment"], column


@pytest.mark.parametrize(("layout", "keys"), [("day", ["date"]), ("hour", ["date", "hour"]), ("none", [])])
def test_projected_folders_are_those_that_a_run_writes(command, ingest, layout, keys):
    output = ingest("--partition-by", layout)
    for table in TABLES:
        flags = ("--location", "s3://events-bucket/a/b/", "--partition-by", layout, "--since", "2015-06-01")
        made = json.loads(command("schema", table, "--as", "glue", *flags).stdout)
        properties = made["Parameters"]
        assert [key["Name"] for key in made["PartitionKeys"]] == keys
        assert made["StorageDescriptor"]["Location"] == f"s3://events-bucket/a/b/{table}/"
        if not keys:
            assert not [name for name in properties if name.startswith(("projection", "storage"))]
            continue
        assert properties["projection.enabled"] == "true"
        assert properties["projection.date.range"] == "2015-06-01,NOW"
        assert properties["projection.date.format"] == "yyyy-MM-dd"
        template = properties["storage.location.template"]
        for file in output.files(table):
            if file.hour:
                first, last = map(int, properties["projection.hour.range"].split(","))
                assert first <= int(file.hour) <= last
                assert len(file.hour) == int(properties["projection.hour.digits"])
            folder = template.replace("${date}", file.date).replace("${hour}", file.hour or "")
            assert folder == f"s3://events-bucket/a/b/{file.path.parent.relative_to(output.folder)}/"


def ddl_columns(part: exp.Expression) -> list[tuple[str, str, str]]:
    """Name, type and comment of every column in a part of a statement."""
    return [
        (column.name, column.kind.sql(dialect="hive").lower(), column.find(exp.CommentColumnConstraint).this.name)
        for column in part.find_all(exp.ColumnDef)
    ]


@pytest.mark.parametrize("form", ["parquet", "json"])
@pytest.mark.parametrize("layout", ["day", "hour", "none"])
@pytest.mark.parametrize("table", TABLES)
def test_athena_and_glue_make_the_same_table(command, table, layout, form):
    flags = ("--location", "s3://events-bucket/parquet", "--partition-by", layout, "--format", form)
    text = command("schema", table, "--as", "athena", "--database", "elb", *flags).stdout.decode()
    made = json.loads(command("schema", table, "--as", "glue", *flags).stdout)
    (statement,) = sqlglot.parse(text, dialect="athena")
    assert isinstance(statement, exp.Create), "the statement was not understood"
    named = statement.find(exp.Table)
    assert (named.db, named.name) == ("elb", table)
    columns = ddl_columns(statement.this)
    keys = ddl_columns(statement.find(exp.PartitionedByProperty) or exp.Tuple())
    for found, entries in [(columns, made["StorageDescriptor"]["Columns"]), (keys, made["PartitionKeys"])]:
        assert found == [(entry["Name"], entry["Type"], entry["Comment"]) for entry in entries]
    said = statement.args["properties"].expressions
    properties = {pair.name: pair.args["value"].name for pair in said if type(pair) is exp.Property}
    assert {"EXTERNAL": "TRUE", **properties} == made["Parameters"]
    storage = made["StorageDescriptor"]
    assert statement.find(exp.LocationProperty).this.name == storage["Location"]
    serde = statement.find(exp.RowFormatSerdeProperty)
    assert serde.this.name == storage["SerdeInfo"]["SerializationLibrary"]
    parameters = {pair.name: pair.args["value"].name for pair in serde.find_all(exp.Property) if type(pair) is exp.Property}
    assert parameters == storage["SerdeInfo"]["Parameters"]
    classes = statement.find(exp.InputOutputFormat)
    assert classes.args["input_format"].name == storage["InputFormat"]
    assert classes.args["output_format"].name == storage["OutputFormat"]
    # Every name stands in backticks, because `date` and `timestamp` are reserved words in DDL.
    assert all(f"\n  `{name}` " in text for name, *_ in columns + keys)


# JSON Schema


@pytest.fixture(scope="module", params=TABLES)
def table(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def hostile(command, ingest, tmp_path_factory, table) -> list[dict]:
    """Events of lines that attackers, broken clients and earlier years wrote."""
    logs = tmp_path_factory.mktemp("logs")
    lines = ("--lines", 400, "--hostile", 0.5, "--repairable", 0.1, "--broken", 0.05)
    command("generate", table, "--seed", 11, *lines, "--to", logs)
    output = ingest("--format", "json", "--compression", "none", objects=logs)
    events = [row for file in output.files(table) for row in json_lines(read_text(file.path))]
    assert output.report["quarantined"] > 0 and len(events) > 200
    return events


def test_every_event_keeps_the_json_schema(jsonl, hostile, table):
    Draft202012Validator.check_schema(json_schema(table))
    validator = Draft202012Validator(json_schema(table), format_checker=Draft202012Validator.FORMAT_CHECKER)
    samples = [row for file in jsonl.files(table) for row in json_lines(read_text(file.path))]
    assert len(samples) == jsonl.report["tables"][table]["events"]
    for row in samples + hostile:
        problems = [error.message for error in islice(validator.iter_errors(row), 3)]
        assert not problems, (row["event_id"], problems)


def test_what_is_no_event_breaks_the_json_schema(hostile, table):
    validator = Draft202012Validator(json_schema(table))
    good = next(row for row in hostile if "client_port" in row or "target_port" in row)
    assert validator.is_valid(good)
    port = "client_port" if "client_port" in good else "target_port"
    changes = [
        *[(name, None) for name in REQUIRED],
        ("some_column", "text"),
        ("timestamp", "2026-10-07 11:42:13"),
        ("timestamp", "2026-10-07T11:42:13.123Z"),
        (port, str(good[port])),
        (port, 2**31),
        (port, 0.5),
        ("source_key", 7),
        ("extra_fields", "-"),
        ("extra_fields", [1]),
        ("account_id", ...),
    ]
    for name, value in changes:
        row = copy.deepcopy(good)
        if value is None:
            del row[name]
        else:
            # Null is never written: what is null is left out.
            row[name] = None if value is ... else value
        assert not validator.is_valid(row), (name, value)


def test_the_json_schema_names_the_columns(table):
    schema = json_schema(table)
    assert list(schema["properties"]) == COLUMNS[table]
    assert set(REQUIRED) <= set(schema["required"]) <= set(COLUMNS[table])
    assert schema["additionalProperties"] is False
    assert table in schema["$id"]
