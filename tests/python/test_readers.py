"""pyarrow and DuckDB read the output of a run, and both formats have the same content."""

import base64
import re
import shutil
from collections import Counter
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
from output import (
    COLUMNS,
    DAY,
    FLOAT64,
    INT32,
    INT64,
    OBJECTS,
    REQUIRED,
    TABLES,
    Output,
    column_type,
    end_stamp,
    json_lines,
    object_bytes,
    object_tables,
    parquet_rows,
    read_parquet,
    read_text,
    text_time,
)

LEDGER = ["lines", "events", "quarantined", "skipped_lines"]
TABLE_KEYS = {"objects", *LEDGER, "bytes_in", "bytes_out"}


def glob(output: Output, table: str, suffix: str) -> str:
    return f"{output.folder}/{table}/**/*.{suffix}"


def duck(sql: str, *parameters: object) -> list[tuple]:
    with duckdb.connect() as connection:
        return connection.execute(sql, parameters).fetchall()


@pytest.fixture(scope="session")
def rows(jsonl) -> dict[str, list[dict]]:
    """The rows of every table from the JSON lines, sorted by event_id."""
    return {
        table: sorted(
            (row for file in jsonl.files(table) for row in json_lines(read_text(file.path))),
            key=lambda row: row["event_id"],
        )
        for table in TABLES
    }


@pytest.fixture(scope="session")
def quarantine(parquet) -> list[tuple[str, dict]]:
    """The rows of the quarantine, each with the table of its folder."""
    return [
        (file.table, row) for file in parquet.quarantine_files() for row in json_lines(file.path.read_bytes())
    ]


# The report


def test_the_ledger_balances(parquet, jsonl):
    for output in (parquet, jsonl):
        report = output.report
        assert report["objects"]["failed"] == 0
        assert report["objects"]["ingested"] == sum(table["objects"] for table in report["tables"].values())
        assert set(TABLES) <= set(report["tables"])
        for ledger in (report, *report["tables"].values()):
            assert ledger["lines"] == ledger["events"] + ledger["quarantined"] + ledger["skipped_lines"]
        for table in report["tables"].values():
            assert set(table) >= TABLE_KEYS
        for key in [*LEDGER, "bytes_in", "bytes_out"]:
            assert report[key] == sum(table[key] for table in report["tables"].values()), key


def test_the_samples_have_events_of_every_table(parquet):
    for table in TABLES:
        assert parquet.report["tables"][table]["events"] >= 100, f"{table}: too few events"
    assert parquet.report["quarantined"] > 0, "the samples have no malformed line"


def test_both_formats_report_the_same_lines(parquet, jsonl):
    for key in LEDGER:
        assert parquet.report[key] == jsonl.report[key], key
        for table in TABLES:
            assert parquet.report["tables"][table][key] == jsonl.report["tables"][table][key], (table, key)
    assert parquet.report["objects"] == jsonl.report["objects"]


def test_every_line_of_the_objects_is_counted(parquet):
    found = Counter()
    for key, table in object_tables().items():
        data = object_bytes(key)
        found[table] += data.count(b"\n") + (not data.endswith(b"\n") and data != b"")
    for table in TABLES:
        counted = parquet.report["tables"][table]["lines"]
        if table == "clb_access_log":
            # An entry of this type may span several lines.
            assert 0 < counted <= found[table]
        else:
            assert counted == found[table], table


def test_the_text_report_names_every_table(command, tmp_path):
    done = command("run", OBJECTS, "--to", tmp_path / "out")
    text = done.stdout.decode()
    for table in TABLES:
        assert table in text


# Files and paths


def test_the_output_has_only_complete_files_in_the_documented_layout(parquet, jsonl):
    assert {file.suffix for file in parquet.files()} == {"parquet"}
    assert {file.suffix for file in jsonl.files()} == {"json.zst"}
    for output in (parquet, jsonl):
        assert {file.table for file in output.files()} == set(TABLES)
        assert {file.table for file in output.quarantine_files()} <= {*TABLES, "unknown"}
        for file in output.files() + output.quarantine_files():
            assert file.date and not file.hour, file.path


def test_both_formats_write_the_same_paths(parquet, jsonl):
    assert [file.base_path for file in parquet.files()] == [file.base_path for file in jsonl.files()]
    assert [file.base_path for file in parquet.quarantine_files()] == [file.base_path for file in jsonl.quarantine_files()]


def test_a_file_has_the_events_of_one_object_and_names_it(parquet):
    seen = set()
    for file in parquet.files():
        table = read_parquet(file.path)
        keys = set(table.column("source_key").to_pylist())
        assert len(keys) == 1, file.path
        key = keys.pop()
        assert (OBJECTS / key).is_file(), key
        assert Path(key).name.startswith(file.stem), file.path
        assert set(table.column("source_bucket").to_pylist()) == {"local"}
        lines = table.column("source_line").to_pylist()
        event_ids = table.column("event_id").to_pylist()
        assert event_ids == [f"{file.object_id}-{line:010}" for line in lines]
        assert seen.isdisjoint(event_ids)
        seen.update(event_ids)


def day_and_hour(row: dict) -> tuple[str, str]:
    """Returns the partition of a row: by its own time, or by the end time in the key if they differ by more than a day."""
    own: datetime = text_time(row["timestamp"])
    end = end_stamp(row["source_key"])
    at = end if end and abs(own - end) > DAY else own
    return (f"{at:%Y-%m-%d}", f"{at:%H}")


def test_rows_are_in_the_partition_of_their_day(parquet):
    days = set()
    for file in parquet.files():
        for row in parquet_rows(read_parquet(file.path)):
            assert file.date == day_and_hour(row)[0], (file.path, row["timestamp"])
        days.add(file.date)
    assert len(days) > 1, "the samples have only one day"


# Parquet


def test_pyarrow_validates_every_file(parquet):
    for file in parquet.files():
        table = read_parquet(file.path)
        table.validate(full=True)
        assert table.num_rows > 0, file.path


@pytest.mark.parametrize("table", TABLES)
def test_columns_have_the_committed_names_order_and_types(parquet, table):
    for file in parquet.files(table):
        schema = pq.read_schema(file.path)
        assert schema.names == COLUMNS[table]
        for field in schema:
            expected = column_type(field.name)
            if pa.types.is_list(expected):
                assert pa.types.is_list(field.type) and field.type.value_type == pa.string(), field
            else:
                assert field.type == expected, field
        for name in REQUIRED:
            assert not schema.field(name).nullable, name
        values = [value.decode() for value in (schema.metadata or {}).values()]
        assert any(table in value for value in values), f"the metadata does not contain the name of the table: {schema.metadata}"


@pytest.mark.parametrize("table", TABLES)
def test_files_have_statistics_and_zstd_compression(parquet, table):
    for file in parquet.files(table):
        metadata = pq.read_metadata(file.path)
        assert metadata.num_row_groups > 0
        for number in range(metadata.num_row_groups):
            group = metadata.row_group(number)
            chunks = [group.column(column) for column in range(group.num_columns)]
            assert {chunk.compression for chunk in chunks} == {"ZSTD"}, file.path
            timestamp = next(chunk for chunk in chunks if chunk.path_in_schema == "timestamp")
            assert timestamp.is_stats_set and timestamp.statistics.has_min_max


def test_chunks_of_several_pages_have_a_page_index(command, ingest, tmp_path):
    command("generate", "alb_access_log", "--seed", 1, "--lines", 20_000, "--to", tmp_path)
    in_parquet, in_json = (ingest("--format", form, objects=tmp_path) for form in ("parquet", "json"))
    [file], [lines] = in_parquet.files(), in_json.files()
    rows = json_lines(read_text(lines.path))
    group = pq.read_metadata(file.path).row_group(0)
    chunks = {chunk.path_in_schema: chunk for chunk in map(group.column, range(group.num_columns))}
    assert group.num_rows == 20_000 and all(chunk.has_offset_index for chunk in chunks.values())
    # Bounds of pages that equal those of the chunk are left out.
    assert all(chunks[name].has_column_index for name in ("event_id", "timestamp", "client_port", "trace_id"))
    assert not any(chunks[name].has_column_index for name in ("account_id", "region", "source_key"))
    # Filters read the pages that may have a value.
    port = rows[-1]["client_port"]
    expected = sorted(row["event_id"] for row in rows if row["client_port"] == port)
    found = pq.read_table(file.path, filters=[("client_port", "=", port)], columns=["event_id"])
    assert sorted(found.column("event_id").to_pylist()) == expected
    assert sorted(duck("select event_id from read_parquet(?) where client_port = ?", str(file.path), port)) == [
        (event,) for event in expected
    ]


def test_small_files_have_no_page_index(parquet):
    for file in parquet.files():
        metadata = pq.read_metadata(file.path)
        if metadata.num_rows < 1_000:
            group = metadata.row_group(0)
            chunks = [group.column(number) for number in range(group.num_columns)]
            assert not any(chunk.has_column_index or chunk.has_offset_index for chunk in chunks), file.path


@pytest.mark.parametrize("table", TABLES)
def test_pyarrow_reads_a_table_as_one_dataset(parquet, table):
    dataset = pa.dataset.dataset(parquet.folder / table, partitioning="hive")
    assert dataset.count_rows() == parquet.report["tables"][table]["events"]
    assert dataset.schema.names == [*COLUMNS[table], "date"]


@pytest.mark.parametrize("table", TABLES)
def test_duckdb_reads_a_table(parquet, table):
    source = "from read_parquet(?, hive_partitioning = true)"
    path = glob(parquet, table, "parquet")
    assert duck(f"select count(*) {source}", path) == [(parquet.report["tables"][table]["events"],)]
    described = duck(f"describe select * {source}", path)
    assert [column[0] for column in described] == [*COLUMNS[table], "date"]
    names = {"int32": "INTEGER", "int64": "BIGINT", "double": "DOUBLE", "string": "VARCHAR"}
    for name, kind, *_ in described[:-1]:
        expected = column_type(name)
        if pa.types.is_list(expected):
            assert kind == "VARCHAR[]", name
        elif pa.types.is_timestamp(expected):
            assert kind == "TIMESTAMP WITH TIME ZONE", name
        else:
            assert kind == names[str(expected)], name
    # Queries can prune partitions by date.
    assert described[-1][:2] == ("date", "DATE")
    for day, count in duck(f"select date, count(*) {source} group by date", path):
        assert duck(f"select count(*) {source} where date = ?", path, day) == [(count,)]


# JSON


@pytest.mark.parametrize("table", TABLES)
def test_json_equals_parquet(parquet, rows, table):
    columns = COLUMNS[table]
    from_parquet = list(parquet_rows(parquet.arrow(table)))
    assert len(rows[table]) == len(from_parquet) == parquet.report["tables"][table]["events"]
    for found, expected in zip(rows[table], from_parquet, strict=True):
        assert found == expected
        # The columns are in the order of the table.
        assert list(found) == [column for column in columns if column in found]
        for column, value in found.items():
            if column in INT32 | INT64:
                assert type(value) is int, (column, value)
            elif column in FLOAT64:
                assert type(value) in (int, float), (column, value)


@pytest.mark.parametrize("table", TABLES)
def test_duckdb_reads_json(jsonl, table):
    query = "select count(*), count(distinct event_id) from read_json(?, format = 'newline_delimited')"
    events = jsonl.report["tables"][table]["events"]
    assert duck(query, glob(jsonl, table, "json.zst")) == [(events, events)]


def test_standard_output_has_the_same_rows(command, rows):
    done = command("run", OBJECTS, "--to", "-")
    found = {row["event_id"]: row for row in json_lines(done.stdout)}
    assert found == {row["event_id"]: row for table in TABLES for row in rows[table]}


# The quarantine


def test_the_quarantine_keeps_the_raw_bytes(parquet, quarantine):
    assert len(quarantine) == parquet.report["quarantined"]
    known = {"source_bucket", "source_key", "line", "byte_offset", "reason", "field", "raw", "raw_base64"}
    for table, row in quarantine:
        # `field` is present if a single field is invalid; exactly one of the two forms of the line is present.
        assert known - {"field", "raw", "raw_base64"} <= set(row) <= known, row
        assert row["source_bucket"] == "local"
        assert isinstance(row["reason"], str) and row["reason"], row
        text, encoded = row.get("raw"), row.get("raw_base64")
        assert (text is None) != (encoded is None), row
        raw = text.encode() if encoded is None else base64.b64decode(encoded, validate=True)
        if encoded is not None:
            with pytest.raises(UnicodeDecodeError):
                raw.decode()
        data, offset = object_bytes(row["source_key"]), row["byte_offset"]
        assert data[offset : offset + len(raw)] == raw, (table, row["source_key"], row["line"])
        assert re.match(rb"\r?\n|\Z", data[offset + len(raw) :][:2]), "the raw line is incomplete"
        assert offset == 0 or data[offset - 1 : offset] == b"\n"
        assert row["line"] == data[:offset].count(b"\n") + 1


def test_the_report_counts_the_quarantine_by_table(parquet, quarantine):
    found = Counter(table for table, _ in quarantine)
    for table, ledger in parquet.report["tables"].items():
        assert found[table] == ledger["quarantined"], table


def test_a_line_is_either_an_event_or_quarantined(parquet, rows, quarantine):
    seen = Counter((row["source_key"], row["source_line"]) for table in TABLES for row in rows[table])
    seen.update((row["source_key"], row["line"]) for _, row in quarantine)
    assert set(seen.values()) == {1}
    assert len(seen) == parquet.report["lines"] - parquet.report["skipped_lines"]


def test_duckdb_reads_the_quarantine(parquet, quarantine):
    query = "select count(*) from read_json(?, format = 'newline_delimited', union_by_name = true)"
    assert duck(query, f"{parquet.folder}/_quarantine/**/*.json") == [(len(quarantine),)]


# Settings and repeated runs


@pytest.mark.parametrize("form", ["parquet", "json"])
def test_a_second_run_changes_nothing(ingest, tmp_path, form):
    first = ingest("--format", form, into=tmp_path / "out")
    before = first.snapshot()
    second = ingest("--format", form, into=tmp_path / "out")
    assert second.snapshot() == before
    assert second.report["objects"]["failed"] == 0


def test_the_output_does_not_depend_on_the_folder_of_the_objects(ingest, parquet, tmp_path):
    shutil.copytree(OBJECTS, tmp_path / "else" / "where")
    moved = ingest("--format", "parquet", objects=tmp_path / "else" / "where")
    assert moved.contents() == parquet.contents()


@pytest.mark.parametrize(
    ("compression", "codec"),
    [("zstd", "ZSTD"), ("snappy", "SNAPPY"), ("gzip", "GZIP"), ("none", "UNCOMPRESSED")],
)
def test_every_compression_of_parquet_reads_the_same(ingest, parquet, compression, codec):
    output = ingest("--format", "parquet", "--compression", compression)
    assert [file.base_path for file in output.files()] == [file.base_path for file in parquet.files()]
    for file in output.files():
        group = pq.read_metadata(file.path).row_group(0)
        assert {group.column(column).compression for column in range(group.num_columns)} == {codec}
    for table in TABLES:
        assert output.arrow(table).equals(parquet.arrow(table)), table
        count = duck("select count(*) from read_parquet(?)", glob(output, table, "parquet"))
        assert count == [(parquet.report["tables"][table]["events"],)]


@pytest.mark.parametrize(("compression", "suffix"), [("zstd", "json.zst"), ("gzip", "json.gz"), ("none", "json")])
def test_every_compression_of_json_reads_the_same(ingest, jsonl, compression, suffix):
    output = ingest("--format", "json", "--compression", compression)
    assert {file.suffix for file in output.files()} == {suffix}
    for file, known in zip(output.files(), jsonl.files(), strict=True):
        assert file.base_path == known.base_path
        assert read_text(file.path) == read_text(known.path), file.path


@pytest.mark.parametrize("partition", ["hour", "none"])
def test_every_partitioning_reads_the_same(ingest, parquet, partition):
    output = ingest("--format", "parquet", "--partition-by", partition)
    for file in output.files():
        assert (file.date is not None, file.hour is not None) == (partition == "hour", partition == "hour"), file.path
        if partition == "hour":
            for row in parquet_rows(read_parquet(file.path)):
                assert (file.date, file.hour) == day_and_hour(row), (file.path, row["timestamp"])
    for table in TABLES:
        assert output.arrow(table).equals(parquet.arrow(table)), table
        query = "select count(*) from read_parquet(?, hive_partitioning = true)"
        assert duck(query, glob(output, table, "parquet")) == [(parquet.report["tables"][table]["events"],)]
