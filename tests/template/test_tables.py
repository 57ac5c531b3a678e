"""The tables of the template equal those that the program prints, and match the files that the function writes."""

import json
import re
import subprocess

import pytest
import sqlglot
from choices import COLUMNS
from sqlglot import exp
from stack import ROOT, TABLES, Refused, Stack, template

OBJECTS = ROOT / "events/objects"
# The schemas whose events are rows of a table.
TABULAR = [schema for schema in template()["Parameters"]["Schema"]["AllowedValues"] if schema != "otel"]


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
@pytest.mark.parametrize("schema", TABULAR)
def test_a_table_follows_the_schema(program, table, schema):
    stack = Stack(Schema=schema, EventFormat="json", EventPrefix="elb/")
    assert stack.variables()["SCHEMA"] == schema
    where = ("--format", "json", "--location", "s3://elb-events/elb", "--since", template()["Parameters"]["FirstDay"]["Default"])
    assert stack.properties(resource(table))["TableInput"] == glue(program, table, "--schema", schema, *where)
    # The saved queries use native columns.
    assert bool(stack.of_type("AWS::Athena::NamedQuery")) == (schema == "native")


@pytest.mark.parametrize(
    "choice",
    [
        {"EventFormat": "json"},
        {"Destination": "NewStream", "StreamDelivery": "Json"},
        {"Destination": "NewStream", "StreamDelivery": "Json", "StreamTable": "nlb_access_log"},
        {"Destination": "ExistingStream", "StreamName": "elb-events"},
    ],
)
def test_batches_of_log_records_have_no_tables(choice):
    stack = Stack(Schema="otel", **choice)
    assert (stack.variables()["SCHEMA"], stack.variables()["FORMAT"]) == ("otel", "json")
    for kind in ("AWS::Glue::Table", "AWS::Glue::Database", "AWS::Athena::NamedQuery", "AWS::Athena::WorkGroup"):
        assert not stack.of_type(kind), kind


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("schema", TABULAR)
def test_a_table_of_a_sample_has_the_weight(program, table, schema):
    found = Stack(Schema=schema, Sample="keep 1/10").properties(resource(table))["TableInput"]
    # A group is a single column, which has all values on request as well.
    names = ("--keep-raw", "--enrich", COLUMNS) if schema in ("ecs", "ocsf") else ()
    assert found == glue(program, table, "--sample", *names, "--location", "s3://elb-events", "--schema", schema)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("schema", TABULAR)
def test_a_table_has_the_columns_on_request(program, table, schema):
    def columns(names: str) -> list[dict]:
        choice = {"Enrich": names} | ({"GeoDatabase": "s3://geo-data/all.mmdb"} if "client" in names else {})
        stack = Stack(Schema=schema, **choice)
        assert stack.variables()["ENRICH"] == names
        return stack.properties(resource(table))["TableInput"]["StorageDescriptor"]["Columns"]

    # A group is a single column, which has all values on request. Those that are not written are null.
    groups = schema in ("ecs", "ocsf")

    def printed(names: str) -> list[dict]:
        more = ("--enrich", names, *(("--sample", "--keep-raw") if groups else ()))
        return glue(program, table, "--schema", schema, *more)["StorageDescriptor"]["Columns"]

    everything = printed(COLUMNS)
    assert columns(COLUMNS) == everything
    # Each column is in one half and not in the other.
    for half in (COLUMNS.split(",")[::2], COLUMNS.split(",")[1::2]):
        expected = everything if groups else printed(",".join(half))
        assert columns(",".join(half)) == expected


def test_the_parameter_accepts_the_columns_of_the_setting():
    page = (ROOT / "docs/reference/settings.md").read_text()
    (listed,) = re.findall(r"\| `ENRICH` \| comma-separated names: ([^|]+) \|", page)
    assert listed.split(", ") == COLUMNS.split(",")
    pattern = template()["Parameters"]["Enrich"]["AllowedPattern"]
    assert pattern == "|({0})(,({0}))*".format(COLUMNS.replace(",", "|"))


@pytest.mark.parametrize("table", TABLES)
def test_a_table_has_the_fields_that_panther_adds(program, table):
    stack = Stack(Schema="panther", PantherFields="Yes", KeepRaw="Yes", EventPrefix="elb/")
    assert (stack.variables()["PANTHER_FIELDS"], stack.variables()["KEEP_RAW"]) == ("true", "true")
    where = ("--keep-raw", "--location", "s3://elb-events/elb", "--since", template()["Parameters"]["FirstDay"]["Default"])
    printed = glue(program, table, "--schema", "panther", "--panther-fields", *where)
    assert stack.properties(resource(table))["TableInput"] == printed
    names = [column["Name"] for column in printed["StorageDescriptor"]["Columns"] if column["Name"].startswith("p_")]
    assert names[:4] == ["p_log_type", "p_event_time", "p_row_id", "p_any_ip_addresses"]
    assert "rawline" in [column["Name"] for column in printed["StorageDescriptor"]["Columns"]]
    assert not {"PANTHER_FIELDS", "KEEP_RAW"} & set(Stack(Schema="panther").variables())


@pytest.mark.parametrize("delivery", ["Json", "Parquet"])
@pytest.mark.parametrize("table", TABLES)
def test_a_stream_writes_to_the_folders_of_its_table(program, table, delivery):
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
        # Firehose requires at least 64 MiB for Parquet, without compression around it.
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


@pytest.mark.parametrize("table", TABLES)
def test_the_statement_for_an_iceberg_table_has_the_columns_of_the_events(program, table):
    where = ("--location", "s3://elb-events/elb", "--database", "elb")
    command = [program, "schema", table, "--as", "iceberg", *where]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    tree = sqlglot.parse_one(printed, dialect="athena")
    name = tree.find(exp.Table)
    assert isinstance(tree, exp.Create) and (name.db, name.name) == ("elb", table)
    found = [(column.name, column.kind.sql(dialect="hive").lower()) for column in tree.find_all(exp.ColumnDef)]
    # Firehose takes times of an Iceberg table as numbers; as text they lose nothing.
    expected = glue(program, table)["StorageDescriptor"]["Columns"]
    assert found == [(column["Name"], column["Type"].replace("timestamp", "string")) for column in expected]
    # The only folder that the stream of this table may write to.
    location = re.search(r"^LOCATION '(.+)'$", printed, re.MULTILINE)[1]
    stack = Stack(
        Destination="NewStream", StreamDelivery="Iceberg", StreamRecords="single", StreamTable=table,
        EventBucket="Existing", EventPrefix="elb/", IcebergTable=f"elb.{table}",
    )  # fmt: skip
    (objects,) = [statement for statement in stack.statements("StreamRole") if statement["Sid"] == "Objects"]
    assert location.replace("s3://", "arn:aws:s3:::") + "*" in objects["Resource"]
    refused = subprocess.run([*command, "--schema", "ecs"], capture_output=True, text=True, timeout=60)
    assert refused.returncode == 2 and "--schema native" in refused.stderr


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
