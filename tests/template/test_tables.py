"""The tables of the template are those that the program prints, for the files that the function writes."""

import json
import subprocess

import pytest
from stack import ROOT, TABLES, Refused, Stack, template

OBJECTS = ROOT / "events/objects"


def resource(table: str) -> str:
    return "".join(part.capitalize() for part in table.split("_"))


def glue(program, table: str, *arguments: str) -> dict:
    """The table as `alb-ingest schema` prints it."""
    command = [program, "schema", table, "--as", "glue", *arguments]
    return json.loads(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)


def test_the_generated_parts_are_up_to_date():
    subprocess.run([ROOT / "scripts/template.py", "--check"], check=True, timeout=60)


def test_there_is_a_table_for_every_log_type():
    pages = {path.name.removesuffix(".glue.json") for path in (ROOT / "docs/schema").glob("*.glue.json")}
    assert pages == set(TABLES)
    assert set(TABLES) == {
        body["Properties"]["TableInput"]["Name"]
        for body in template()["Resources"].values()
        if body["Type"] == "AWS::Glue::Table"
    }


@pytest.mark.parametrize("table", TABLES)
def test_defaults_are_the_committed_table(stacks, table):
    committed = (ROOT / f"docs/schema/{table}.glue.json").read_text().replace("BUCKET/PREFIX", "elb-events")
    assert stacks["defaults"].properties(resource(table))["TableInput"] == json.loads(committed)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("kind", ["parquet", "json"])
@pytest.mark.parametrize("partition", ["day", "hour"])
def test_a_table_is_what_the_program_prints(program, table, kind, partition):
    stack = Stack(EventFormat=kind, PartitionBy=partition, EventPrefix="elb/", FirstDay="2020-05-01")
    printed = glue(
        program, table, "--format", kind, "--partition-by", partition, "--location", "s3://elb-events/elb", "--since", "2020-05-01"
    )
    assert stack.properties(resource(table))["TableInput"] == printed


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("schema", template()["Parameters"]["Schema"]["AllowedValues"])
def test_a_table_follows_the_schema(program, table, schema):
    stack = Stack(Schema=schema, EventFormat="json", EventPrefix="elb/")
    assert stack.variables()["SCHEMA"] == schema
    where = ("--format", "json", "--location", "s3://elb-events/elb", "--since", template()["Parameters"]["FirstDay"]["Default"])
    assert stack.properties(resource(table))["TableInput"] == glue(program, table, "--schema", schema, *where)
    # The saved queries name native columns.
    assert bool(stack.of_type("AWS::Athena::NamedQuery")) == (schema == "native")


@pytest.mark.parametrize("delivery", ["Json", "Parquet"])
@pytest.mark.parametrize("table", TABLES)
def test_a_stream_writes_where_its_table_looks(program, table, delivery):
    stack = Stack(Destination="NewStream", StreamDelivery=delivery, StreamTable=table, EventPrefix="elb/", PartitionBy="hour")
    tables = stack.of_type("AWS::Glue::Table")
    assert set(tables) == {resource(table)}
    found = tables[resource(table)]["TableInput"]
    printed = glue(program, table, "--format", delivery.lower(), "--location", "s3://elb-events/elb")
    # A folder of Firehose is named after the day of the delivery; the program's after the day of the event.
    (date,) = found["PartitionKeys"]
    assert "Firehose received" in date.pop("Comment") and "Day of the event" in printed["PartitionKeys"][0].pop("Comment")
    assert found == printed
    files = stack.properties("EventStream")["ExtendedS3DestinationConfiguration"]
    place = found["Parameters"]["storage.location.template"].replace("${date}", "!{timestamp:yyyy-MM-dd}")
    assert f"s3://elb-events/{files['Prefix']}" == place
    conversion = files.get("DataFormatConversionConfiguration")
    assert bool(conversion) == (delivery == "Parquet")
    if conversion:
        schema = conversion["SchemaConfiguration"]
        assert (schema["DatabaseName"], schema["TableName"]) == ({"Ref": "Database"}, {"Ref": resource(table)})
        # Firehose wants 64 MiB and more for Parquet, and no compression around it.
        assert files["BufferingHints"]["SizeInMBs"] >= 64 and files["CompressionFormat"] == "UNCOMPRESSED"


def test_no_table_is_an_iceberg_table(stack):
    """CloudFormation's update of such a table removes its `metadata_location`, and a release updates every table.

    https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1919
    """
    for table in stack.of_type("AWS::Glue::Table").values():
        assert "OpenTableFormatInput" not in table
        assert table["TableInput"]["Parameters"].get("table_type") is None


@pytest.mark.parametrize("table", TABLES)
def test_an_iceberg_stream_fills_the_table_that_exists(table):
    choice = {"StreamDelivery": "Iceberg", "StreamRecords": "single", "EventBucket": "Existing"}
    stack = Stack(Destination="NewStream", StreamTable=table, IcebergTable="elb.rows", **choice)
    assert not stack.of_type("AWS::Glue::Table") and not stack.of_type("AWS::Glue::Database")
    (end,) = stack.properties("EventStream")["IcebergDestinationConfiguration"]["DestinationTableConfigurationList"]
    assert (end["DestinationDatabaseName"], end["DestinationTableName"]) == ("elb", "rows")
    (statement,) = [statement for statement in stack.statements("StreamRole") if statement["Sid"] == "Table"]
    assert [arn.split(":")[-1] for arn in statement["Resource"]] == ["catalog", "database/elb", "table/elb/rows"]


@pytest.mark.parametrize("records", ["packed", "single"])
@pytest.mark.parametrize("delivery", template()["Parameters"]["StreamDelivery"]["AllowedValues"])
def test_no_stream_gets_records_that_it_cannot_split(delivery, records):
    choice = {"StreamTable": "alb_access_log", "StreamDelivery": delivery, "EventBucket": "Existing", "IcebergTable": "elb.rows"}
    try:
        variables = Stack(Destination="NewStream", StreamRecords=records, **choice).variables()
    except Refused as refused:
        assert (delivery, records) == ("Iceberg", "packed") and "single" in str(refused)
    else:
        assert variables["FIREHOSE_RECORDS"] == records


def test_every_table_has_a_first_question(stacks):
    asked = {query["QueryString"].split("from ")[1].split()[0] for query in stacks["defaults"].of_type("AWS::Athena::NamedQuery").values()}
    assert asked == set(TABLES)
    for name in ("stream-iceberg", "stream-json", "existing-stream"):
        assert not stacks[name].of_type("AWS::Athena::NamedQuery")
    for query in stacks["stream-json-one-table"].of_type("AWS::Athena::NamedQuery").values():
        assert "from clb_access_log" in query["QueryString"]


def test_athena_answers_at_once(stacks):
    """Folders are worked out, results have a place: neither a crawler nor a bucket comes before the first query."""
    for table in stacks["defaults"].of_type("AWS::Glue::Table").values():
        assert table["TableInput"]["Parameters"]["projection.enabled"] == "true"
    configuration = stacks["defaults"].properties("Workgroup")["WorkGroupConfiguration"]
    assert configuration["ManagedQueryResultsConfiguration"] == {"Enabled": True}
    for query in stacks["defaults"].of_type("AWS::Athena::NamedQuery").values():
        assert "where date >= " in query["QueryString"], "a query that reads every day"
        assert query["WorkGroup"] == {"Ref": "Workgroup"}
