"""The table definitions match the files that a run writes, in every output schema."""

import json
import re
from itertools import islice

import pyarrow.parquet as pq
import pytest
import sqlglot
from jsonschema import Draft202012Validator
from output import COLUMNS, REQUIRED, TABLES
from schemas import EVERY, ddl_columns, event_id, glue, hive_type, json_schema, names_in, spoiled, text
from sqlglot import exp

# Glue's limits for a column, in bytes: https://docs.aws.amazon.com/glue/latest/webapi/API_Column.html
COMMENT_BYTES = 255
NAME_BYTES = 255
TYPE_BYTES = 131_072
# The maximum length of a statement in Athena: https://docs.aws.amazon.com/athena/latest/ug/service-limits.html
STATEMENT_BYTES = 262_144
# The layout of the folders and the format do not affect the columns, so one schema represents all.
LAYOUTS = [("native", layout, form) for layout in ("day", "hour", "none") for form in ("parquet", "json")]
LAYOUTS += [(schema, "day", form) for schema in ("panther", "ecs", "ocsf", "tailpipe") for form in ("parquet", "json")]


# Glue and Athena


@pytest.mark.parametrize(("schema", "table"), EVERY)
def test_glue_has_the_columns_of_the_parquet_files(shaped, schema, table):
    columns = glue(schema, table)["StorageDescriptor"]["Columns"]
    expected = [(column["Name"], column["Type"]) for column in columns]
    files = shaped(schema, "parquet").files(table)
    assert files
    for file in files:
        assert expected == [(field.name.lower(), hive_type(field.type)) for field in pq.read_schema(file.path)]


@pytest.mark.parametrize(("schema", "table"), EVERY)
def test_names_and_lengths_are_within_the_limits_of_glue_and_athena(schema, table):
    for column in glue(schema, table)["StorageDescriptor"]["Columns"] + glue(schema, table)["PartitionKeys"]:
        assert 0 < len(column["Name"].encode()) <= NAME_BYTES and len(column["Type"].encode()) <= TYPE_BYTES, column
        # Athena allows letters, digits and underscores in a struct, and advises against others in a column's name.
        # https://docs.aws.amazon.com/athena/latest/ug/tables-databases-columns-names.html
        assert all(re.fullmatch(r"[a-z0-9_]+", name) for name in names_in(column["Type"])), column
        assert re.fullmatch(r"[a-z0-9_]+", column["Name"]) or column["Name"] == "@timestamp"
        if column["Type"].startswith("struct<"):
            assert "Comment" not in column
        else:
            assert 0 < len(column["Comment"].encode()) <= COMMENT_BYTES and "\n" not in column["Comment"], column
    assert len(text(schema, table, "athena").encode()) <= STATEMENT_BYTES


@pytest.mark.parametrize(("layout", "keys"), [("day", ["date"]), ("hour", ["date", "hour"]), ("none", [])])
def test_partition_projection_matches_the_folders_of_a_run(command, ingest, layout, keys):
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


@pytest.mark.parametrize(("schema", "layout", "form"), LAYOUTS)
@pytest.mark.parametrize("table", TABLES)
def test_athena_and_glue_define_the_same_table(command, table, schema, layout, form):
    store = ("--location", "s3://events-bucket/parquet", "--partition-by", layout, "--format", form)
    flags = ("--schema", schema, *store)
    sql = command("schema", table, "--as", "athena", "--database", "elb", *flags).stdout.decode()
    made = json.loads(command("schema", table, "--as", "glue", *flags).stdout)
    (statement,) = sqlglot.parse(sql, dialect="athena")
    assert isinstance(statement, exp.Create), "the statement was not parsed"
    named = statement.find(exp.Table)
    assert (named.db, named.name) == ("elb", table)
    # Every name is quoted, because `date`, `timestamp`, and `end` in a struct are reserved words in DDL.
    columns = ddl_columns(statement.this.expressions)
    partitioned = statement.find(exp.PartitionedByProperty)
    keys = ddl_columns(partitioned.this.expressions if partitioned else [])
    for found, entries in [(columns, made["StorageDescriptor"]["Columns"]), (keys, made["PartitionKeys"])]:
        assert found == [(entry["Name"], entry["Type"], entry.get("Comment")) for entry in entries]
    options = statement.args["properties"].expressions
    properties = {pair.name: pair.args["value"].name for pair in options if type(pair) is exp.Property}
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


# JSON Schema


@pytest.mark.parametrize(("schema", "table"), EVERY)
def test_every_event_is_valid_against_the_json_schema(shaped, schema, table):
    rules = json_schema(schema, table)
    Draft202012Validator.check_schema(rules)
    validator = Draft202012Validator(rules, format_checker=Draft202012Validator.FORMAT_CHECKER)
    samples, hostile = shaped(schema, "json")
    assert hostile.report["tables"][table]["quarantined"] > 0 and len(hostile.events(table)) > 200
    assert len(samples.events(table)) == samples.report["tables"][table]["events"]
    for event in samples.events(table) + hostile.events(table):
        problems = [error.message for error in islice(validator.iter_errors(event), 3)]
        assert not problems, (event_id(schema, event), problems)


@pytest.mark.parametrize(("schema", "table"), EVERY)
def test_changed_events_are_invalid_against_the_json_schema(shaped, schema, table):
    rules = json_schema(schema, table)
    validator = Draft202012Validator(rules)
    # The event with the most content.
    good = max(shaped(schema, "json").hostile.events(table), key=lambda event: len(json.dumps(event)))
    assert validator.is_valid(good)
    changes = list(spoiled(good, rules))
    assert len(changes) > 60
    for change, event in changes:
        assert not validator.is_valid(event), change


@pytest.mark.parametrize("table", TABLES)
def test_the_json_schema_has_the_columns_of_the_table(table):
    schema = json_schema("native", table)
    assert list(schema["properties"]) == COLUMNS[table]
    assert set(REQUIRED) <= set(schema["required"]) <= set(COLUMNS[table])
    assert schema["additionalProperties"] is False
    assert table in schema["$id"]
