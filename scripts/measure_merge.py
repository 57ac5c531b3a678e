"""Measures merged delivery beside separate outputs: requests, time, files, bytes, memory, and DuckDB's time for three queries.

Runs the test `merge_scale` against the S3 server of the tests (in this machine's memory) with release builds, exports both
layouts and queries them. Prints a table for docs/performance.md.

    make measure-merge            100,000 objects of ten lines
    scripts/measure_merge.py 20000
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parent.parent
QUERIES = {
    "requests by minute": "SELECT date_trunc('minute', timestamp) AS minute, count(*) FROM events GROUP BY 1 ORDER BY 1",
    "slowest paths": "SELECT request_path, avg(target_processing_time) FROM events GROUP BY 1 ORDER BY 2 DESC NULLS LAST LIMIT 10",
    "errors by target group": "SELECT target_group_arn, count(*) FILTER (elb_status_code >= 500), count(*) FROM events GROUP BY 1",
}
RUNS = 3


def query(folder: Path) -> dict[str, float]:
    """Returns the median seconds of each query on the files below a folder."""
    seconds = {}
    for name, text in QUERIES.items():
        runs = []
        for _ in range(RUNS):
            with duckdb.connect() as connection:
                begun = time.monotonic()
                connection.execute(f"CREATE VIEW events AS SELECT * FROM read_parquet('{folder}/alb_access_log/*/*.parquet')")
                connection.execute(text).fetchall()
                runs.append(time.monotonic() - begun)
        seconds[name] = statistics.median(runs)
    return seconds


def main() -> None:
    """Runs the measurement and prints its table."""
    objects = sys.argv[1] if len(sys.argv) > 1 else "100000"
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"MERGE_SCALE": objects, "MERGE_SCALE_OUT": folder}
        subprocess.run(
            ["cargo", "test", "--release", "--locked", "--test", "aws", "merge_scale", "--", "--nocapture"],
            cwd=ROOT, env=environment, check=True, stdout=sys.stderr,
        )
        figures = json.loads((Path(folder) / "figures.json").read_text())
        times = {layout: query(Path(folder) / layout) for layout in ("each", "merged")}
    each, merged = figures["each"], figures["merged"]
    rows = [(f"{name} requests", each["requests"][name], merged["requests"][name]) for name in each["requests"]]
    rows += [(name, each[key], merged[key]) for name, key in (
        ("seconds", "seconds"), ("files", "files"), ("bytes per request", "bytes_per_event"), ("peak memory, MB", "memory_mb"))]
    rows += [(f"DuckDB, {name}, seconds", times["each"][name], times["merged"][name]) for name in QUERIES]
    print(f"\nThe function with 128 MB: {figures['function']['memory_mb']} MB at its peak, {figures['function']['seconds']:.1f} s.")
    print(f"\n| {figures['objects']:,} objects of ten lines | separate | merged | ratio |\n|---|---:|---:|---:|")
    for name, separate, together in rows:
        ratio = f"{separate / together:,.1f}" if together else ""
        print(f"| {name} | {separate:,.6g} | {together:,.6g} | {ratio} |")


if __name__ == "__main__":
    main()
