#!/usr/bin/env python3
"""Runs the queries of another tool on events in its schema, and reports which of them run.

usage: peer_queries.py EVENTS QUERIES... [--answers]

EVENTS is a destination of `alb-ingest run --schema tailpipe`. Each of QUERIES is a .sql file, a .md file with blocks of SQL, a .pp
file of a Powerpipe mod, or a folder of them; their texts run unchanged in DuckDB, on a view for each table with the name that the
tool gives it. In .pp files, `${local.x}` is a heredoc of the `locals` in the same folder. A query that needs anything else, such as
an argument, a variable or a function, fails. The command fetches nothing. With --answers, it prints the number of rows of each
query. Exit code 1: a query failed.
"""

import argparse
import json
import pathlib
import re
import sys
import textwrap
import typing

import duckdb

TABLES = ("alb_access_log", "alb_connection_log", "alb_health_check_log", "nlb_access_log", "clb_access_log")

SUFFIXES = (".md", ".pp", ".sql")

# In a .pp file: a comment, the start of a block, or an attribute with its whole value, whose text is then not searched for either.
HCL = re.compile(
    r"""
    ^[ \t]* (?:
        /\* .*? \*/
      | (?P<kind>\w+) (?:[ \t]+"(?P<label>[^"\n]*)")? [ \t]* \{
      | (?P<name>[\w-]+) [ \t]* = [ \t]* (?:
            <<(?P<indented>-?)(?P<end>\w+) [ \t]* \n (?P<heredoc>.*?) ^[ \t]*(?P=end)[ \t]*$
          | (?P<quoted>"(?:[^"\\\n]|\\(?:[nrt"\\]|u[0-9a-fA-F]{4}))*") [ \t]* $
          | (?P<expression>[^\n]*)
        )
    )
    """,
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)
# In a text of a .pp file: an escape, a local, or an interpolation or a directive of another kind.
TEMPLATE = re.compile(r"(?P<escape>[$%])(?P=escape)\{|\$\{\s*local\.(?P<local>[\w-]+)\s*\}|[$%]\{.*?\}", re.DOTALL)


class Query(typing.NamedTuple):
    name: str
    text: str
    # The locals that the text can contain; None: the text is not a template.
    values: dict[str, str] | None = None

    def sql(self) -> str:
        return self.text if self.values is None else rendered(self.text, self.values)


def rendered(text: str, values: dict[str, str]) -> str:
    """Returns a text of a .pp file with its interpolations replaced. Raises ValueError for one that is not a known local."""

    def replacement(match: re.Match) -> str:
        if match["escape"]:
            return match["escape"] + "{"
        name = match["local"]
        if name not in values:
            raise ValueError(f"{match[0]} is not a heredoc of locals in this folder")
        # Without its own name, a local that contains itself is an error and not an endless loop.
        return rendered(values[name], {key: value for key, value in values.items() if key != name})

    return TEMPLATE.sub(replacement, text)


def heredoc(match: re.Match) -> str:
    return textwrap.dedent(match["heredoc"]) if match["indented"] else match["heredoc"]


def local_texts(folder: pathlib.Path) -> dict[str, str]:
    """Returns the heredocs of the `locals` of every .pp file of a folder."""
    found = {}
    for file in sorted(folder.rglob("*.pp")):
        kind = None
        for match in HCL.finditer(file.read_text()):
            kind = match["kind"] or kind
            if kind == "locals" and match["heredoc"] is not None:
                found[match["name"]] = heredoc(match)
    return found


def powerpipe(path: pathlib.Path, values: dict[str, str]) -> list[Query]:
    """Returns the queries of a .pp file: every attribute `sql`, with the label of the last block that has one."""
    text, label, found = path.read_text(), None, []
    for match in HCL.finditer(text):
        label = match["label"] or label
        if match["name"] != "sql":
            continue
        name = f"{path}, line {text.count(chr(10), 0, match.start('name')) + 1}, {label}"
        if match["heredoc"] is not None:
            found.append(Query(name, heredoc(match), values))
        elif match["quoted"]:
            found.append(Query(name, json.loads(match["quoted"], strict=False), values))
        else:
            # Not a text but an expression: as an interpolation, it runs only if it is a local.
            found.append(Query(name, f"${{{match['expression']}}}", values))
    return found


def queries(path: pathlib.Path) -> list[Query]:
    """Returns the queries of a file or a folder, with a name for each."""
    folder, files = path.parent, [path]
    if path.is_dir():
        folder, files = path, sorted(file for file in path.rglob("*") if file.suffix in SUFFIXES)
    values = local_texts(folder) if any(file.suffix == ".pp" for file in files) else {}
    return [query for file in files for query in queries_of_file(file, values)]


def queries_of_file(path: pathlib.Path, values: dict[str, str]) -> list[Query]:
    if path.suffix == ".pp":
        return powerpipe(path, values)
    text = path.read_text()
    if path.suffix == ".sql":
        return [Query(str(path), text)]
    blocks = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    return [Query(f"{path}, block {number}", block) for number, block in enumerate(blocks, 1)]


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
    for query in [query for path in arguments.queries for query in queries(path)]:
        try:
            rows = connection.execute(query.sql()).fetchall()
        except (duckdb.Error, ValueError) as error:
            failed += 1
            print(f"{query.name}: {str(error).splitlines()[0]}", file=sys.stderr)
        else:
            ran += 1
            if arguments.answers:
                print(f"{query.name}: {len(rows)} rows")
    print(f"{ran} of {ran + failed} queries run")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
