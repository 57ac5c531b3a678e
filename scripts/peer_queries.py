#!/usr/bin/env python3
"""Runs the queries of another tool on events in its schema, and reports which of them run.

usage: peer_queries.py EVENTS QUERIES... [--answers]

EVENTS is a destination of `alb-ingest run --schema tailpipe`. Each of QUERIES is a .sql file, a .md file with blocks of SQL, or a
folder of them; their texts run unchanged in DuckDB, on a view for each table with the name that the tool gives it. The command
fetches nothing. With --answers, it prints the number of rows of each query. Exit code 1: a query failed.
"""

import argparse
import pathlib
import re
import sys

import duckdb

TABLES = ("alb_access_log", "alb_connection_log", "alb_health_check_log", "nlb_access_log", "clb_access_log")


def texts(path: pathlib.Path) -> list[tuple[str, str]]:
    """Returns the queries of a file or a folder, with a name for each."""
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.suffix in (".md", ".sql"))
        return [query for file in files for query in texts(file)]
    text = path.read_text()
    if path.suffix == ".sql":
        return [(str(path), text)]
    blocks = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    return [(f"{path}, block {number}", block) for number, block in enumerate(blocks, 1)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], usage=__doc__.split("usage: ")[1].split("\n")[0])
    parser.add_argument("events", type=pathlib.Path)
    parser.add_argument("queries", type=pathlib.Path, nargs="+")
    parser.add_argument("--answers", action="store_true")
    arguments = parser.parse_args()
    connection = duckdb.connect()
    # Files have the names that their settings give them; only the table's name is Tailpipe's.
    for table in TABLES:
        files = arguments.events / table / "**" / "*.parquet"
        if any((arguments.events / table).rglob("*.parquet")):
            connection.execute(f"create view aws_{table} as select * from read_parquet('{files}', hive_partitioning = false)")
    ran, failed = 0, 0
    for name, text in [query for path in arguments.queries for query in texts(path)]:
        try:
            rows = connection.execute(text).fetchall()
        except duckdb.Error as error:
            failed += 1
            print(f"{name}: {str(error).splitlines()[0]}", file=sys.stderr)
        else:
            ran += 1
            if arguments.answers:
                print(f"{name}: {len(rows)} rows")
    print(f"{ran} of {ran + failed} queries run")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
