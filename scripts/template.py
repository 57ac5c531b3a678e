#!/usr/bin/env python3
"""Writes the generated parts of template.yaml: the tables from docs/schema, the saved queries from saved-queries.

Without an argument it writes them; with --check it says whether they are up to date, and exits 1 if not. Only the
standard library is needed.
"""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "template.yaml"
TABLES = ("alb_access_log", "alb_connection_log", "alb_health_check_log", "nlb_access_log", "clb_access_log")
# The schemas beside the native one, each with a condition of its name in the template.
SCHEMAS = ("panther", "ecs", "ocsf")
# How JSON files are read, and text as a partition by the hour: what `alb-ingest schema TABLE --as glue --format json
# --partition-by hour` prints. tests/template holds the two equal.
JSON_INPUT = "org.apache.hadoop.mapred.TextInputFormat"
JSON_OUTPUT = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
JSON_SERDE = "org.apache.hive.hcatalog.data.JsonSerDe"
JSON_TIMES = "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'"
HOUR_DOC = "Hour of the event, UTC, 0 to 23; from the folder."
# A stream makes the folders itself: https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html
DELIVERY_DOC = "Day on which Firehose received the oldest record of the file, UTC, YYYY-MM-DD; from the folder."


def quoted(text: str) -> str:
    """A text as YAML; JSON's quotes are YAML's, too."""
    return json.dumps(text, ensure_ascii=False)


def resource_name(name: str) -> str:
    """`alb_access_log` or `who-made-the-5xx` as a logical id."""
    return "".join(part.capitalize() for part in name.replace("-", "_").split("_"))


def table(name: str) -> str:
    """A table as a resource. There are no Iceberg tables: an update by CloudFormation removes their `metadata_location`."""
    glue = json.loads((ROOT / f"docs/schema/{name}.glue.json").read_text())
    storage = glue["StorageDescriptor"]
    parameters = glue["Parameters"]
    folder = "s3://${EventBucketName}/${EventPrefix}" + name + "/"
    (date,) = glue["PartitionKeys"]
    lines = [
        f"{resource_name(name)}:",
        "  Type: AWS::Glue::Table",
        f"  Condition: Has{resource_name(name)}",
        "  Properties:",
        "    CatalogId: !Ref AWS::AccountId",
        "    DatabaseName: !Ref Database",
        "    TableInput:",
        f"      Name: {glue['Name']}",
        f"      Description: {quoted(glue['Description'])}",
        f"      TableType: {glue['TableType']}",
        "      Parameters:",
        f"        EXTERNAL: {quoted(parameters['EXTERNAL'])}",
        "        classification: !If [FilesAreJson, json, parquet]",
    ]
    for key, value in parameters.items():
        if key == "projection.date.range":
            lines.append(f'        {key}: !Sub "${{FirstDay}},NOW"')
        elif key.startswith("projection."):
            lines.append(f"        {key}: {quoted(value)}")
    for key, value in (("type", "integer"), ("range", "0,23"), ("digits", "2")):
        lines.append(f"        projection.hour.{key}: !If [ByHour, {quoted(value)}, !Ref AWS::NoValue]")
    by_day = folder + "date=${!date}/"
    lines += [
        "        storage.location.template: !If",
        "          - ByHour",
        f'          - !Sub "{by_day}hour=${{!hour}}/"',
        f'          - !Sub "{by_day}"',
        "      PartitionKeys:",
        f"        - Name: {date['Name']}",
        f"          Type: {date['Type']}",
        "          Comment: !If",
        "            - StreamToFiles",
        f"            - {quoted(DELIVERY_DOC)}",
        f"            - {quoted(date['Comment'])}",
        f"        - !If [ByHour, {{Name: hour, Type: int, Comment: {quoted(HOUR_DOC)}}}, !Ref AWS::NoValue]",
        "      StorageDescriptor:",
        f'        Location: !Sub "{folder}"',
    ]
    for key, json_class in (("InputFormat", JSON_INPUT), ("OutputFormat", JSON_OUTPUT)):
        lines.append(f"        {key}: !If [FilesAreJson, {json_class}, {storage[key]}]")
    serde = storage["SerdeInfo"]
    (parquet_parameter,) = serde["Parameters"].items()
    lines += [
        "        SerdeInfo:",
        f"          SerializationLibrary: !If [FilesAreJson, {JSON_SERDE}, {serde['SerializationLibrary']}]",
        "          Parameters: !If",
        "            - FilesAreJson",
        f"            - timestamp.formats: {quoted(JSON_TIMES)}",
        f"            - {parquet_parameter[0]}: {quoted(parquet_parameter[1])}",
    ]
    lines += columns(name, storage["Columns"])
    return "\n".join(lines) + "\n"


def columns(table_name: str, native: list[dict]) -> list[str]:
    """The columns, as the schema has them that the stack's user chose; it has a condition of its name."""
    lines, indent = [], 8 * " "
    head = "Columns: "
    for schema in SCHEMAS:
        glue = json.loads((ROOT / f"docs/schema/{schema}/{table_name}.glue.json").read_text())
        lines += [f"{indent}{head}!If", f"{indent}  - {schema.capitalize()}"]
        others = [column_line(column) for column in glue["StorageDescriptor"]["Columns"]]
        lines += [f"{indent}  {'- -' if not number else '  -'} {line}" for number, line in enumerate(others)]
        indent, head = indent + "  ", "- "
    own = [column_line(column) for column in native]
    return lines + [f"{indent}{'- -' if not number else '  -'} {line}" for number, line in enumerate(own)]


def column_line(column: dict) -> str:
    """A column in braces."""
    kind = quoted(column["Type"]) if "<" in column["Type"] else column["Type"]
    # A group of values has no comment.
    comment = f", Comment: {quoted(column['Comment'])}" if "Comment" in column else ""
    name = column["Name"] if column["Name"].isidentifier() else quoted(column["Name"])
    return f"{{Name: {name}, Type: {kind}{comment}}}"


def query(path: Path) -> str:
    """A saved query as a resource. Its file begins with comments: what it asks, and `table: NAME`."""
    text = path.read_text()
    comments = [line.removeprefix("-- ") for line in text.splitlines() if line.startswith("-- ")]
    (name,) = (line.removeprefix("table: ") for line in comments if line.startswith("table: "))
    title = " ".join(line for line in comments if not line.startswith("table: "))
    if name not in TABLES:
        raise SystemExit(f"{path}: {name} is no table")
    sql = "".join(f"      {line}\n" if line else "\n" for line in text.splitlines() if not line.startswith("-- "))
    return (
        f"Query{resource_name(path.stem)}:\n"
        "  Type: AWS::Athena::NamedQuery\n"
        f"  Condition: Query{resource_name(name)}\n"
        # The tables first: a query that is there before them is of no use.
        f"  DependsOn: {resource_name(name)}\n"
        "  Properties:\n"
        f"    Name: {path.stem}\n"
        f"    Description: {quoted(title)}\n"
        "    Database: !Ref Database\n"
        "    WorkGroup: !Ref Workgroup\n"
        "    QueryString: |\n" + sql
    )


def generated() -> dict[str, str]:
    """The generated parts by their names."""
    queries = sorted((ROOT / "saved-queries").glob("*.sql"))
    return {
        "tables": "\n".join(table(name) for name in TABLES),
        "queries": "\n".join(query(path) for path in queries),
    }


def fill(text: str) -> str:
    """The template with its generated parts as they have to be."""
    for name, part in generated().items():
        begin, end = (f"  # {edge} generated: {name}\n" for edge in ("BEGIN", "END"))
        if text.count(begin) != 1 or text.count(end) != 1:
            raise SystemExit(f"template.yaml: the marks of {name} are not there once")
        head, rest = text.split(begin)
        tail = rest.split(end)[1]
        indented = "".join(f"  {line}" if line.strip() else line for line in part.splitlines(keepends=True))
        text = f"{head}{begin}{indented}{end}{tail}"
    return text


def main() -> None:
    text = TEMPLATE.read_text()
    filled = fill(text)
    if sys.argv[1:] == ["--check"]:
        if filled != text:
            raise SystemExit("template.yaml is not what docs/schema and saved-queries make: run `make generated`")
    elif sys.argv[1:]:
        raise SystemExit("usage: scripts/template.py [--check]")
    else:
        TEMPLATE.write_text(filled)


if __name__ == "__main__":
    main()
