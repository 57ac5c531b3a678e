#!/usr/bin/env python3
"""Whether other engines read Parquet files with a page index: every column of every table and schema, and filtered rows.

pyarrow is the reference. Needs `pip install pyarrow`, and for each engine that is to be checked: `polars`, `chdb`, `duckdb`, or
`pyspark` with a Java runtime. Engines that are not installed are named and left out.
"""

import argparse
import datetime
import importlib.util
import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[1]
TABLES = ["alb_access_log", "alb_connection_log", "alb_health_check_log", "nlb_access_log", "clb_access_log"]
SCHEMAS = ["native", "panther", "ecs", "ocsf", "tailpipe"]
# The column of the event's time in each schema; that of tailpipe has no zone.
TIMES = {"native": "timestamp", "panther": "timestamp", "ecs": "@timestamp", "ocsf": "time_dt", "tailpipe": "timestamp"}
UTC = datetime.UTC

# Returns the number of rows in total, and the number of rows whose time is at least a given one.
Engine = Callable[[str, str, datetime.datetime], tuple[int, int]]


def polars() -> Engine:
    import polars

    def read(path: str, time: str, since: datetime.datetime) -> tuple[int, int]:
        return polars.read_parquet(path).height, polars.scan_parquet(path).filter(polars.col(time) >= since).collect().height

    return read


def duckdb() -> Engine:
    import duckdb

    def read(path: str, time: str, since: datetime.datetime) -> tuple[int, int]:
        rows = duckdb.sql(f"from read_parquet('{path}')").fetchall()
        later = duckdb.execute(f"""from read_parquet('{path}') where "{time}" >= ?""", [since]).fetchall()
        return len(rows), len(later)

    return read


def chdb() -> Engine:
    import chdb

    def read(path: str, time: str, since: datetime.datetime) -> tuple[int, int]:
        def rows(where: str) -> int:
            query = f"select * from file('{path}', Parquet) {where}"
            return len(chdb.query(query, "JSONEachRow").bytes().splitlines())

        return rows(""), rows(f"where `{time}` >= toDateTime64('{since:%Y-%m-%d %H:%M:%S.%f}', 6, 'UTC')")

    return read


def pyspark() -> Engine:
    from pyspark.sql import SparkSession

    local = {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1"}
    settings = {"spark.ui.enabled": "false", "spark.sql.session.timeZone": "UTC", **local}
    builder = SparkSession.builder.master("local[1]")
    for key, value in settings.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")

    def read(path: str, time: str, since: datetime.datetime) -> tuple[int, int]:
        rows = session.read.parquet(path)
        later = rows.where(f"`{time}` >= timestamp'{since:%Y-%m-%d %H:%M:%S.%f}'")
        # Reads every column.
        for frame in (rows, later):
            frame.write.format("noop").mode("overwrite").save()
        return rows.count(), later.count()

    return read


ENGINES = {"polars": polars, "duckdb": duckdb, "chdb": chdb, "pyspark": pyspark}


def files(program: Path, folder: Path, lines: int) -> list[tuple[str, Path]]:
    """A file of each table and schema, with the name of its time."""
    made = []
    for table in TABLES:
        logs = folder / "logs" / table
        command = [program, "generate", table, "--seed", "1", "--lines", str(lines), "--to", logs]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        for schema in SCHEMAS:
            out = folder / schema / table
            command = [program, "run", logs, "--to", out, "--schema", schema, "--partition-by", "none"]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            made += [(TIMES[schema], path) for path in sorted(out.rglob("*.parquet"))]
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=20_000, help="lines of each file")
    asked = parser.parse_args()
    build = ["cargo", "build", "--release", "--locked", "--quiet", "--bin", "alb-ingest"]
    subprocess.run([*build, "--no-default-features", "--features", "cli,generate"], cwd=ROOT, check=True)
    program = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/alb-ingest"
    installed = {name: make() for name, make in ENGINES.items() if importlib.util.find_spec(name)}
    print("not installed:", ", ".join(ENGINES.keys() - installed.keys()) or "none")
    with tempfile.TemporaryDirectory() as name:
        made = files(program, Path(name), asked.lines)
        for time, path in made:
            group = pq.read_metadata(path).row_group(0)
            assert all(group.column(number).has_offset_index for number in range(group.num_columns)), path
            times = pq.read_table(path, columns=[time]).column(time)
            since = sorted(times.to_pylist())[-len(times) // 10]
            since = since.astimezone(UTC) if since.tzinfo else since
            expected = (len(times), pc.sum(pc.greater_equal(times, since)).as_py())
            for engine, read in installed.items():
                found = read(str(path), time, since)
                if found != expected:
                    raise SystemExit(f"{engine} reads {found} rows of {path}, expected {expected}")
    print(f"{', '.join(installed)} read {len(made)} files of {asked.lines:,} lines")


if __name__ == "__main__":
    main()
