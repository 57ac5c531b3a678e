"""The tables of the template equal those that the program prints, and match the files that the function writes."""

import json
import subprocess

import pytest
from stack import ROOT, TABLES, Stack, template

OBJECTS = ROOT / "events/objects"


def resource(table: str) -> str:
    return "".join(part.capitalize() for part in table.split("_"))


def glue(program, table: str, *arguments: str) -> dict:
    """The table that `alb-ingest schema` prints."""
    command = [program, "schema", table, "--as", "glue", *arguments]
    return json.loads(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)


def test_there_is_a_table_for_every_log_type():
    pages = {path.stem for path in (ROOT / "docs/reference/tables").glob("*.md")}
    assert pages == set(TABLES)
    assert set(TABLES) == {
        body["Properties"]["TableInput"]["Name"]
        for body in template()["Resources"].values()
        if body["Type"] == "AWS::Glue::Table"
    }


@pytest.mark.parametrize("table", TABLES)
def test_defaults_give_the_default_table(program, stacks, table):
    printed = glue(program, table, "--location", "s3://elb-events")
    assert stacks["defaults"].properties(resource(table))["TableInput"] == printed


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("kind", ["parquet", "json"])
@pytest.mark.parametrize("partition", ["day", "hour"])
def test_a_table_equals_the_one_that_the_program_prints(program, table, kind, partition):
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
    # The saved queries use native columns.
    assert bool(stack.of_type("AWS::Athena::NamedQuery")) == (schema == "native")


@pytest.mark.parametrize("delivery", ["Json", "Parquet"])
@pytest.mark.parametrize("table", TABLES)
def test_a_stream_writes_to_the_folders_of_its_table(program, table, delivery):
    stack = Stack(Destination="NewStream", StreamDelivery=delivery, StreamTable=table, EventPrefix="elb/", PartitionBy="hour")
    tables = stack.of_type("AWS::Glue::Table")
    assert set(tables) == {resource(table)}
    found = tables[resource(table)]["TableInput"]
    assert found == glue(program, table, "--format", delivery.lower(), "--location", "s3://elb-events/elb")
    files = stack.properties("EventStream")["ExtendedS3DestinationConfiguration"]
    place = found["Parameters"]["storage.location.template"].replace("${date}", "!{timestamp:yyyy-MM-dd}")
    assert f"s3://elb-events/{files['Prefix']}" == place
    conversion = files.get("DataFormatConversionConfiguration")
    assert bool(conversion) == (delivery == "Parquet")
    if conversion:
        schema = conversion["SchemaConfiguration"]
        assert (schema["DatabaseName"], schema["TableName"]) == ({"Ref": "Database"}, {"Ref": resource(table)})
        # Firehose requires at least 64 MiB for Parquet, without compression around it.
        assert files["BufferingHints"]["SizeInMBs"] >= 64 and files["CompressionFormat"] == "UNCOMPRESSED"


@pytest.mark.parametrize("table", TABLES)
def test_an_iceberg_table_has_the_same_columns(program, table):
    stack = Stack(Destination="NewStream", StreamDelivery="Iceberg", StreamTable=table)
    (found,) = stack.of_type("AWS::Glue::Table").values()
    assert found["OpenTableFormatInput"]["IcebergInput"]["MetadataOperation"] == "CREATE"
    printed = glue(program, table)["StorageDescriptor"]["Columns"]
    # Firehose takes times of an Iceberg table as numbers; as text they lose nothing.
    times = {column["Name"] for column in printed if column["Type"] == "timestamp"}
    columns = [column | {"Type": "string"} if column["Name"] in times else column for column in printed]
    assert "timestamp" in times
    assert found["TableInput"]["StorageDescriptor"]["Columns"] == columns
    assert set(found["TableInput"]["StorageDescriptor"]) == {"Columns", "Location"}
    (end,) = stack.properties("EventStream")["IcebergDestinationConfiguration"]["DestinationTableConfigurationList"]
    assert end["DestinationTableName"] == {"Ref": resource(table)}
    # For Iceberg, Firehose reads one row per record.
    assert stack.variables()["FIREHOSE_RECORDS"] == "single"


@pytest.mark.parametrize("table", TABLES)
def test_a_stream_receives_the_objects_of_its_table(program, table):
    """The key patterns select all sample objects of the log type, and no others."""
    variables = Stack(Destination="NewStream", StreamTable=table).variables()

    def events(**settings: str) -> dict[str, int]:
        command = [program, "run", OBJECTS, "--to", "-", "--report", "json"]
        done = subprocess.run(command, env=settings, check=True, capture_output=True, timeout=120)
        report = json.loads(done.stderr.splitlines()[-1])
        return {name: ledger["events"] for name, ledger in report["tables"].items() if ledger["events"]}

    chosen = events(INCLUDE=variables["INCLUDE"], EXCLUDE=variables["EXCLUDE"])
    assert chosen == {table: events()[table]}


def test_every_table_has_a_saved_query(stacks):
    queried = {query["QueryString"].split("from ")[1].split()[0] for query in stacks["defaults"].of_type("AWS::Athena::NamedQuery").values()}
    assert queried == set(TABLES)
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
