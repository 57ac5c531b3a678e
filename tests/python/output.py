"""What a run writes, read without any of the project's own code."""

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

# The order of the columns of every table, as committed.
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

# Columns in which every row has a value.
REQUIRED = ["event_id", "timestamp", "source_bucket", "source_key", "source_line"]

EPOCH = datetime(1970, 1, 1)
DAY = timedelta(days=1)

FILE = re.compile(
    r"(?P<table>\w+)(?:/date=(?P<date>\d{4}-\d\d-\d\d))?(?:/hour=(?P<hour>\d\d))?"
    r"/(?P<stem>[^/]+)-(?P<object_id>[0-9a-f]{16})\.(?P<suffix>parquet|json|json\.zst|json\.gz)"
)
END_STAMP = re.compile(r"_(\d{8}T\d{4})Z(?:_|\.|$)")

# Which table an object's lines belong to, from the name that AWS gives it.
NAMES = [
    ("alb_connection_log", re.compile(r"/conn_log[._]\d+_elasticloadbalancing_[^/]+$")),
    ("alb_health_check_log", re.compile(r"/health_check_log[._]\d+_elasticloadbalancing_[^/]+$")),
    ("alb_access_log", re.compile(r"/\d+_elasticloadbalancing_[^/_]+_app\.[^/]+$")),
    ("nlb_access_log", re.compile(r"/\d+_elasticloadbalancing_[^/_]+_net\.[^/]+$")),
    ("clb_access_log", re.compile(r"/\d+_elasticloadbalancing_[^/]+$")),
]


def column_type(column: str) -> pa.DataType:
    """The type a column has in every table; text unless it stands in one of the sets above."""
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
    """One file of a run's output and what its path says."""

    path: Path
    table: str
    date: str | None
    hour: str | None
    stem: str
    object_id: str
    suffix: str

    @property
    def place(self) -> tuple[str, str | None, str | None, str, str]:
        """The path without the part that depends on the format."""
        return (self.table, self.date, self.hour, self.stem, self.object_id)


@dataclass
class Output:
    """What one run left behind: its folder and its report."""

    folder: Path
    report: dict

    def relative_files(self) -> list[str]:
        """Every file below the folder, hidden ones included."""
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())

    def files(self, table: str | None = None) -> list[OutputFile]:
        """The files of the tables, or of one table."""
        found = []
        for name in self.relative_files():
            if name.startswith("_quarantine/"):
                continue
            match = FILE.fullmatch(name)
            assert match, f"{name} does not fit <table>/date=YYYY-MM-DD[/hour=HH]/<stem>-<object id>.<suffix>"
            if table in (None, match["table"]):
                found.append(OutputFile(self.folder / name, **match.groupdict()))
        return found

    def quarantine_files(self) -> list[OutputFile]:
        """The files of the quarantine; `table` is the folder below `_quarantine`."""
        found = []
        for name in self.relative_files():
            if name.startswith("_quarantine/"):
                match = FILE.fullmatch(name.removeprefix("_quarantine/"))
                assert match, f"{name} does not fit _quarantine/<table>/date=YYYY-MM-DD/<stem>-<object id>.json"
                assert match["suffix"] == "json", name
                found.append(OutputFile(self.folder / name, **match.groupdict()))
        return found

    def snapshot(self) -> dict[str, tuple[int, bytes]]:
        """Every file's time of change and bytes."""
        return {
            name: ((self.folder / name).stat().st_mtime_ns, (self.folder / name).read_bytes())
            for name in self.relative_files()
        }

    def contents(self) -> dict[str, bytes]:
        """Every file's bytes."""
        return {name: data for name, (_, data) in self.snapshot().items()}

    def events(self, table: str) -> list[dict]:
        """The events of a table in JSON, as they stand in its files."""
        return [row for file in self.files(table) for row in json_lines(read_text(file.path))]

    def rows(self, table: str) -> list[dict]:
        """The rows of a table in Parquet, as JSON would hold them."""
        return [row for file in self.files(table) for row in parquet_rows(read_parquet(file.path))]

    def arrow(self, table: str) -> pa.Table:
        """All rows of a table in Parquet, by event_id."""
        tables = [read_parquet(file.path) for file in self.files(table)]
        assert tables, f"no file of {table}"
        return pa.concat_tables(tables).sort_by("event_id")


class Runs(NamedTuple):
    """Two runs with the same settings, over the sample objects and over hostile lines."""

    samples: Output
    hostile: Output

    def files(self, table: str) -> list[OutputFile]:
        """The files of a table."""
        return [file for run in self for file in run.files(table)]

    def events(self, table: str) -> list[dict]:
        """The events of a table in JSON."""
        return [event for run in self for event in run.events(table)]

    def rows(self, table: str) -> list[dict]:
        """The rows of a table in Parquet."""
        return [row for run in self for row in run.rows(table)]


def read_parquet(path: Path) -> pa.Table:
    """The columns that stand in the file, without those that its path adds."""
    with pq.ParquetFile(path) as file:
        return file.read()


def parquet_rows(table: pa.Table) -> Iterator[dict]:
    """Rows as JSON would hold them: nulls and groups without a value left out, times as text."""
    columns = {name: json_values(table.column(name)) for name in table.column_names}
    for number in range(table.num_rows):
        yield {name: values[number] for name, values in columns.items() if values[number] is not None}


def json_values(column: pa.ChunkedArray) -> list:
    """The values of a column as JSON would hold them; None where it would hold none."""
    if pa.types.is_timestamp(column.type):
        return [time_text(value) for value in column.cast(pa.int64()).to_pylist()]
    if not pa.types.is_struct(column.type):
        return column.to_pylist()
    members = [(member.name, json_values(pc.struct_field(column, [n]))) for n, member in enumerate(column.type)]
    rows = range(len(column))
    return [{name: values[n] for name, values in members if values[n] is not None} or None for n in rows]


def time_text(microseconds: int | None) -> str | None:
    """`YYYY-MM-DDTHH:MM:SS.ffffffZ` of microseconds since 1970."""
    if microseconds is None:
        return None
    return (EPOCH + timedelta(microseconds=microseconds)).isoformat(timespec="microseconds") + "Z"


def text_time(text: str) -> datetime:
    """The UTC time that a timestamp's text says."""
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", text), text
    return datetime.fromisoformat(text)


def end_stamp(key: str) -> datetime | None:
    """The end of the interval that a log object's key names."""
    match = END_STAMP.search(key.rsplit("/", 1)[-1])
    return datetime.strptime(match[1], "%Y%m%dT%H%M").replace(tzinfo=UTC) if match else None


def read_text(path: Path) -> bytes:
    """The bytes of a JSON file, decompressed as its suffix says."""
    if path.suffix == ".zst":
        with pa.input_stream(str(path), compression="zstd") as stream:
            return stream.read()
    if path.suffix == ".gz":
        return gzip.decompress(path.read_bytes())
    return path.read_bytes()


def json_lines(data: bytes) -> list[dict]:
    """One object a line, each line ended, no key twice."""
    assert data == b"" or data.endswith(b"\n")
    return [json.loads(line, object_pairs_hook=without_repeats) for line in data.decode("utf-8").split("\n")[:-1]]


def without_repeats(pairs: list[tuple[str, object]]) -> dict:
    """The object, if none of its keys stands twice."""
    found = dict(pairs)
    assert len(found) == len(pairs), f"a key stands twice: {[key for key, _ in pairs]}"
    return found


def object_bytes(key: str) -> bytes:
    """The text of a sample object, all gzip members of it."""
    data = (OBJECTS / key).read_bytes()
    return gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data


def object_tables() -> dict[str, str]:
    """The table of every sample object that carries one of AWS's log names."""
    found = {}
    for path in sorted(OBJECTS.rglob("*")):
        if path.is_file():
            key = path.relative_to(OBJECTS).as_posix()
            table = next((table for table, name in NAMES if name.search("/" + key)), None)
            if table:
                found[key] = table
    return found
