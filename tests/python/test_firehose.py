"""The queries of docs/guide/firehose.md remove duplicates and nothing else."""

import gzip
import os
import random

import duckdb
from output import ROOT, json_lines, read_text


def query(heading: str) -> str:
    """Returns the statement under a heading of the page."""
    page = (ROOT / "docs/guide/firehose.md").read_text()
    return page.split(f"### {heading}\n", 1)[1].split("```sql\n", 1)[1].split("```", 1)[0]


def test_duckdb_removes_duplicates(jsonl, tmp_path):
    table = "alb_access_log"
    lines = [line for file in jsonl.files(table) for line in read_text(file.path).splitlines(keepends=True)]
    # Like the delivery of a stream: out of order, in several objects, some records two or three times.
    rng = random.Random(7)
    delivered = lines + rng.sample(lines, len(lines) // 3) + rng.sample(lines, len(lines) // 5)
    rng.shuffle(delivered)
    parts = [delivered[start::4] for start in range(4)]
    for hour, part in enumerate(parts):
        folder = tmp_path / "delivered" / "2026" / "10" / "07" / f"{hour:02}"
        folder.mkdir(parents=True)
        (folder / f"alb-logs-1-{hour}.gz").write_bytes(gzip.compress(b"".join(part)))

    before = os.getcwd()
    os.chdir(tmp_path)
    try:
        with duckdb.connect() as connection:
            rows = connection.sql(query("DuckDB")).project("event_id, source_line, request_url").fetchall()
            copies = connection.sql("select count(*) from read_json('delivered/**/*.gz')").fetchall()
    finally:
        os.chdir(before)
    assert copies == [(len(delivered),)]
    wanted = [
        (row["event_id"], row["source_line"], row.get("request_url"))
        for file in jsonl.files(table)
        for row in json_lines(read_text(file.path))
    ]
    assert sorted(rows, key=str) == sorted(wanted, key=str)
