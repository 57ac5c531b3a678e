"""Readers of the output of a run, independent of the project's own code."""

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[2]
OBJECTS = ROOT / "events" / "objects"

# The columns of every table, in the committed order.
COLUMNS = {
    name: columns.split()
    for name, columns in (
        line.split(":", 1) for line in (ROOT / "tests/golden/columns.txt").read_text().splitlines() if line.strip()
    )
}
TABLES = sorted(COLUMNS)

INT32 = {
    "client_port", "target_port", "request_port", "listener_port", "destination_port", "backend_port",
    "elb_status_code", "target_status_code", "backend_status_code", "status_code",
}  # fmt: skip
INT64 = {"received_bytes", "sent_bytes", "connection_time", "tls_handshake_time", "source_line"}
FLOAT64 = {
    "request_processing_time", "target_processing_time", "backend_processing_time", "response_processing_time",
    "tls_handshake_latency", "latency",
}  # fmt: skip
TIMESTAMP = {
    "timestamp", "request_creation_time", "tls_connection_creation_time",
    "leaf_client_cert_not_before", "leaf_client_cert_not_after",
}  # fmt: skip
TEXT_LIST = {
    "actions_executed", "target_port_list", "target_status_code_list", "alpn_client_preference_list", "extra_fields",
}  # fmt: skip

# Columns without nulls.
REQUIRED = ["event_id", "timestamp", "source_bucket", "source_key", "source_line"]

EPOCH = datetime(1970, 1, 1)
DAY = timedelta(days=1)

FILE = re.compile(
    r"(?P<table>\w+)(?:/date=(?P<date>\d{4}-\d\d-\d\d))?(?:/hour=(?P<hour>\d\d))?"
    r"/(?P<stem>[^/]+)-(?P<object_id>[0-9a-f]{16})\.(?P<suffix>parquet|json|json\.zst|json\.gz)"
)
END_STAMP = re.compile(r"_(\d{8}T\d{4})Z(?:_|\.|$)")

# The table of an object, by the name that AWS gives it.
NAMES = [
    ("alb_connection_log", re.compile(r"/conn_log[._]\d+_elasticloadbalancing_[^/]+$")),
    ("alb_health_check_log", re.compile(r"/health_check_log[._]\d+_elasticloadbalancing_[^/]+$")),
    ("alb_access_log", re.compile(r"/\d+_elasticloadbalancing_[^/_]+_app\.[^/]+$")),
    ("nlb_access_log", re.compile(r"/\d+_elasticloadbalancing_[^/_]+_net\.[^/]+$")),
    ("clb_access_log", re.compile(r"/\d+_elasticloadbalancing_[^/]+$")),
]


def column_type(column: str) -> pa.DataType:
    """Returns the type of a column, which is the same in every table; text unless it is in one of the sets above."""
    if column in INT32:
        return pa.int32()
    if column in INT64:
        return pa.int64()
    if column in FLOAT64:
        return pa.float64()
    if column in TIMESTAMP:
        return pa.timestamp("us", tz="UTC")
    if column in TEXT_LIST:
        return pa.list_(pa.string())
    return pa.string()


@dataclass
class OutputFile:
    """An output file and the parts of its path."""

    path: Path
    table: str
    date: str | None
    hour: str | None
    stem: str
    object_id: str
    suffix: str

    @property
    def base_path(self) -> tuple[str, str | None, str | None, str, str]:
        """The path without the part that depends on the format."""
        return (self.table, self.date, self.hour, self.stem, self.object_id)


# The file with the settings that all outputs of a destination share.
LAYOUT = "_alb-ingest.json"


@dataclass
class Output:
    """The output folder and the report of a run."""

    folder: Path
    report: dict

    def relative_files(self) -> list[str]:
        """Returns all files in the folder, including hidden ones, except for the file of its layout."""
        names = (str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())
        return sorted(name for name in names if name != LAYOUT)

    def files(self, table: str | None = None) -> list[OutputFile]:
        """Returns the files of all tables, or of one table."""
        found = []
        for name in self.relative_files():
            if name.startswith("_quarantine/"):
                continue
            match = FILE.fullmatch(name)
            assert match, f"{name} does not match <table>/date=YYYY-MM-DD[/hour=HH]/<stem>-<object id>.<suffix>"
            if table in (None, match["table"]):
                found.append(OutputFile(self.folder / name, **match.groupdict()))
        return found

    def quarantine_files(self) -> list[OutputFile]:
        """Returns the quarantine files; their `table` is the folder below `_quarantine`."""
        found = []
        for name in self.relative_files():
            if name.startswith("_quarantine/"):
                match = FILE.fullmatch(name.removeprefix("_quarantine/"))
                assert match, f"{name} does not match _quarantine/<table>/date=YYYY-MM-DD/<stem>-<object id>.json"
                assert match["suffix"] == "json", name
                found.append(OutputFile(self.folder / name, **match.groupdict()))
        return found

    def snapshot(self) -> dict[str, tuple[int, bytes]]:
        """Returns the modification time and the bytes of every file."""
        return {
            name: ((self.folder / name).stat().st_mtime_ns, (self.folder / name).read_bytes())
            for name in self.relative_files()
        }

    def contents(self) -> dict[str, bytes]:
        """Returns the bytes of every file."""
        return {name: data for name, (_, data) in self.snapshot().items()}

    def events(self, table: str) -> list[dict]:
        """Returns the events of a table in JSON, in the order of its files."""
        return [row for file in self.files(table) for row in json_lines(read_text(file.path))]

    def rows(self, table: str) -> list[dict]:
        """Returns the rows of a table in Parquet, in their JSON form."""
        return [row for file in self.files(table) for row in parquet_rows(read_parquet(file.path))]

    def arrow(self, table: str) -> pa.Table:
        """Returns all rows of a table in Parquet, sorted by event_id."""
        tables = [read_parquet(file.path) for file in self.files(table)]
        assert tables, f"no file for {table}"
        return pa.concat_tables(tables).sort_by("event_id")


class Runs(NamedTuple):
    """Two runs with the same settings: on the sample objects and on hostile lines."""

    samples: Output
    hostile: Output

    def files(self, table: str) -> list[OutputFile]:
        """Returns the files of a table."""
        return [file for run in self for file in run.files(table)]

    def events(self, table: str) -> list[dict]:
        """Returns the events of a table in JSON."""
        return [event for run in self for event in run.events(table)]

    def rows(self, table: str) -> list[dict]:
        """Returns the rows of a table in Parquet."""
        return [row for run in self for row in run.rows(table)]


def read_parquet(path: Path) -> pa.Table:
    """Reads the columns of a file, without the partition columns of its path."""
    with pq.ParquetFile(path) as file:
        return file.read()


def parquet_rows(table: pa.Table) -> Iterator[dict]:
    """Yields rows in their JSON form: without nulls and empty groups, and with times as text."""
    columns = {name: json_values(table.column(name)) for name in table.column_names}
    for number in range(table.num_rows):
        yield {name: values[number] for name, values in columns.items() if values[number] is not None}


def json_values(column: pa.ChunkedArray) -> list:
    """Returns the values of a column in their JSON form; None if JSON has no value."""
    if pa.types.is_timestamp(column.type):
        zone = "Z" if column.type.tz else ""
        return [time_text(value, zone) for value in column.cast(pa.int64()).to_pylist()]
    if pa.types.is_date(column.type):
        return [day and day.isoformat() for day in column.to_pylist()]
    if not pa.types.is_struct(column.type):
        return column.to_pylist()
    members = [(member.name, json_values(pc.struct_field(column, [n]))) for n, member in enumerate(column.type)]
    rows = range(len(column))
    return [{name: values[n] for name, values in members if values[n] is not None} or None for n in rows]


def time_text(microseconds: int | None, zone: str = "Z") -> str | None:
    """Formats microseconds since 1970 as `YYYY-MM-DDTHH:MM:SS.ffffffZ`, or without the `Z`."""
    if microseconds is None:
        return None
    return (EPOCH + timedelta(microseconds=microseconds)).isoformat(timespec="microseconds") + zone


def text_time(text: str) -> datetime:
    """Parses a timestamp."""
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", text), text
    return datetime.fromisoformat(text)


def end_stamp(key: str) -> datetime | None:
    """Returns the end of the interval in the key of a log object."""
    match = END_STAMP.search(key.rsplit("/", 1)[-1])
    return datetime.strptime(match[1], "%Y%m%dT%H%M").replace(tzinfo=UTC) if match else None


def read_text(path: Path) -> bytes:
    """Returns the content of a JSON file, decompressed according to its suffix."""
    if path.suffix == ".zst":
        with pa.input_stream(str(path), compression="zstd") as stream:
            return stream.read()
    if path.suffix == ".gz":
        return gzip.decompress(path.read_bytes())
    return path.read_bytes()


def json_lines(data: bytes) -> list[dict]:
    """Parses JSON lines; fails if the last line is not terminated or a key is repeated."""
    assert data == b"" or data.endswith(b"\n")
    return [json.loads(line, object_pairs_hook=without_repeats) for line in data.decode("utf-8").split("\n")[:-1]]


def without_repeats(pairs: list[tuple[str, object]]) -> dict:
    """Returns the object; fails if a key is repeated."""
    found = dict(pairs)
    assert len(found) == len(pairs), f"repeated key: {[key for key, _ in pairs]}"
    return found


def object_bytes(key: str) -> bytes:
    """Returns the content of a sample object, from all gzip members."""
    data = (OBJECTS / key).read_bytes()
    return gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data


def object_tables() -> dict[str, str]:
    """Returns the table of every sample object whose name is one that AWS gives to logs."""
    found = {}
    for path in sorted(OBJECTS.rglob("*")):
        if path.is_file():
            key = path.relative_to(OBJECTS).as_posix()
            table = next((table for table, name in NAMES if name.search("/" + key)), None)
            if table:
                found[key] = table
    return found
