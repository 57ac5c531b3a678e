"""A filter delivers the events that DuckDB selects by the same condition from everything that was parsed."""

import os
import random
import re
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from output import FLOAT64, INT32, INT64, ROOT, TABLES, TEXT_LIST, TIMESTAMP, Output
from tables import connect

# More for a longer run.
CONDITIONS = int(os.environ.get("FILTER_CONDITIONS", "60"))
SEED = int(os.environ.get("FILTER_SEED", "1"))
LINES = 200

EVENT_ID = re.compile(rb'^\{"event_id":"([^"]+)"', re.MULTILINE)
COMPARISONS = ("=", "<>", "!=", "<", "<=", ">", ">=")
# What an argument of a process cannot have, and what `config` trims away from the ends of a setting.
UNSAFE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
NUMBERS = INT32 | INT64 | FLOAT64 | {"total_time"}
# Columns on request, which a filter reads like any other.
ENRICH = "status_class,total_time,tls_version,request_query"


@dataclass
class Table:
    """A table, its object, and values that occur in its columns."""

    name: str
    object: str
    values: dict[str, list]


@pytest.fixture(scope="module")
def folder(command, tmp_path_factory) -> Path:
    """An object of each table with ordinary, hostile and malformed lines."""
    folder = tmp_path_factory.mktemp("filters")
    for table in TABLES:
        lines = ("--lines", LINES, "--seed", SEED, "--hostile", 0.3, "--repairable", 0.1, "--broken", 0.05)
        command("generate", table, *lines, "--to", folder)
    return folder


@pytest.fixture(scope="module")
def unfiltered(command, folder, tmp_path_factory) -> duckdb.DuckDBPyConnection:
    """All events, as DuckDB reads them from Parquet files."""
    out = tmp_path_factory.mktemp("unfiltered") / "out"
    command("run", folder, "--enrich", ENRICH, "--to", out)
    connection = connect(Output(out, {}))
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def tables(folder, unfiltered) -> list[Table]:
    """Every table with the values that conditions compare with."""
    found = []
    for name in TABLES:
        ((key,),) = unfiltered.sql(f"select source_key from {name} limit 1").fetchall()
        described = unfiltered.sql(f"describe {name}").fetchall()
        values = {}
        # The folders' names are not part of an event.
        for column in [row[0] for row in described if row[0] != "date"]:
            rows = unfiltered.sql(f'select distinct "{column}" from {name} where "{column}" is not null order by all')
            values[column] = [row[0] for row in rows.fetchall()]
        found.append(Table(name, Path(key).name, values))
    return found


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


class Conditions:
    """A generator of conditions, about half of them near a value that occurs."""

    def __init__(self, table: Table, seed: str):
        self.table = table
        self.random = random.Random(seed)

    def pick(self, *choices: Callable[[], str]) -> str:
        return self.random.choice(choices)()

    def column(self, names: set[str] | None = None) -> str:
        own = [column for column in self.table.values if names is None or column in names]
        return self.random.choice(own or ["source_line"])

    def occurring(self, column: str, default: object) -> object:
        values = self.table.values[column]
        return self.random.choice(values) if values and self.random.random() < 0.8 else default

    def text(self, column: str) -> str:
        text = UNSAFE.sub("", self.occurring(column, "x"))[:200]
        if self.random.random() < 0.3:
            text = text[: self.random.randrange(len(text) + 1)]
        return text

    def number(self, column: str) -> str:
        value = self.occurring(column, self.random.randrange(-5, 600))
        changed = self.random.random()
        if changed < 0.2:
            value += self.random.choice([-1, 1, 0.5, -0.25, 0.001])
        elif changed < 0.25:
            value = -value
        elif changed < 0.3:
            return self.random.choice(["2147483648", "-2147483649", "9223372036854775807", "5e2", "0.0", "-1", "+7"])
        if isinstance(value, float):
            return format(value, f".{self.random.choice([1, 3, 6])}f")
        return str(value)

    def time(self, column: str) -> str:
        moment = self.occurring(column, datetime(2026, 10, 7, 11, 45))
        moment = moment.replace(tzinfo=None) + timedelta(microseconds=self.random.choice([-1, 0, 0, 1, 10**6]))
        forms = ["%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d", "%Y-%m-%d %H:%M:%S.%fZ", "%Y-%m-%dT%H:%M:%S"]
        text = quoted(moment.strftime(self.random.choice(forms)))
        # DuckDB's own literals of this type have no time zone.
        return text if "Z" in text else self.random.choice(["", "timestamp "]) + text

    def literal(self, column: str) -> str:
        if column in NUMBERS:
            return self.number(column)
        if column in TIMESTAMP:
            return self.time(column)
        return quoted(self.text(column))

    def comparison(self) -> str:
        column, comparison = self.scalar(), self.random.choice(COMPARISONS)
        literal = self.literal(column)
        if self.random.random() < 0.15:
            return f"{literal} {comparison} {column}"
        return f"{column} {comparison} {literal}"

    def scalar(self) -> str:
        column = self.column()
        return column if column not in TEXT_LIST else "source_line"

    def columns(self) -> str:
        one = self.scalar()
        kinds = next((kind for kind in (NUMBERS, TIMESTAMP) if one in kind), None)
        texts = {column for column in self.table.values if column not in NUMBERS | TIMESTAMP | TEXT_LIST}
        return f"{one} {self.random.choice(COMPARISONS)} {self.column(kinds or texts)}"

    def within(self) -> str:
        column = self.scalar()
        values = [self.literal(column) for _ in range(self.random.randrange(1, 5))]
        if self.random.random() < 0.2:
            values.append("null")
        return f"{column} {self.negation()}in ({', '.join(values)})"

    def between(self) -> str:
        column = self.scalar()
        low, high = self.literal(column), self.literal(column)
        if self.random.random() < 0.1:
            high = "null"
        return f"{column} {self.negation()}between {low} and {high}"

    def like(self) -> str:
        texts = {column for column in self.table.values if column not in NUMBERS | TIMESTAMP | TEXT_LIST}
        column = self.column(texts)
        text = self.text(column)
        pieces = [text[: self.random.randrange(len(text) + 1)], text[self.random.randrange(len(text) + 1) :]]
        pattern = "%".join(piece for piece in pieces if self.random.random() < 0.8)
        pattern = "".join("_" if self.random.random() < 0.05 else character for character in pattern)
        escape = ""
        if self.random.random() < 0.3:
            pattern = re.sub("[!_]", lambda found: "!" + found[0], pattern)
            escape = " escape '!'"
        pattern = self.random.choice(["", "%", "%", "_"]) + pattern + self.random.choice(["", "%", "%"])
        return f"{column} {self.negation()}{self.random.choice(['like', 'like', 'ilike'])} {quoted(pattern)}{escape}"

    def null(self) -> str:
        return f"{self.column()} is {self.negation()}null"

    def contains(self) -> str:
        column = self.column(TEXT_LIST)
        if column not in TEXT_LIST:
            return self.null()
        item = self.random.choice(self.occurring(column, ["x"]) or ["x"])
        return f"{self.random.choice(['array_contains', 'list_contains'])}({column}, {quoted(UNSAFE.sub('', item))})"

    def negation(self) -> str:
        return "not " if self.random.random() < 0.4 else ""

    def constant(self) -> str:
        return self.random.choice(["true", "false", "null"])

    def condition(self, depth: int) -> str:
        leaves = [
            self.comparison, self.comparison, self.comparison, self.columns, self.within, self.between, self.like,
            self.like, self.null, self.contains,
        ]  # fmt: skip
        if depth == 0 or self.random.random() < 0.25:
            return self.constant() if self.random.random() < 0.02 else self.pick(*leaves)

        def side() -> str:
            inner = self.condition(depth - 1)
            return f"({inner})" if self.random.random() < 0.5 else inner

        return self.pick(
            lambda: f"{side()} and {side()}",
            lambda: f"{side()} or {side()}",
            lambda: f"{side()} or {side()} and {side()}",
            lambda: f"not {side()}",
            lambda: f"({self.condition(depth - 1)}) is {self.negation()}{self.random.choice(['true', 'false', 'null'])}",
        )


def drawn(tables: list[Table]) -> Iterator[tuple[Table, str]]:
    for table in tables:
        conditions = Conditions(table, f"{SEED} {table.name}")
        for number in range(CONDITIONS):
            yield table, conditions.condition(number % 4)


def delivered(program: Path, folder: Path, table: Table, condition: str) -> set[str]:
    """Returns the ids of the events that a filter delivers."""
    done = subprocess.run(
        [
            program, "run", folder, "--include", f"**/{table.object}", "--enrich", ENRICH, f"--filter={condition}",
            "--to", "-", "--quarantine", folder.with_name("quarantine"),
        ],
        cwd=ROOT, env={"PATH": os.environ["PATH"]}, stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, f"{condition}\n{done.stderr.decode()}"
    return {found.decode() for found in EVENT_ID.findall(done.stdout)}


def test_filters_select_what_duckdb_selects(program, folder, unfiltered, tables):
    def check(drawn: tuple[Table, str]) -> int:
        table, condition = drawn
        found = delivered(program, folder, table, condition)
        with unfiltered.cursor() as cursor:
            cursor.execute("set timezone = 'UTC'")
            rows = cursor.execute(f"select event_id from {table.name} where {condition}").fetchall()
        wanted = {row[0] for row in rows}
        assert found == wanted, (
            f"FILTER_SEED={SEED}, {table.name}: {condition}\n"
            f"only delivered: {sorted(found - wanted)[:3]}\nonly in DuckDB: {sorted(wanted - found)[:3]}"
        )
        return len(found)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        counts = list(pool.map(check, drawn(tables)))
    some = sum(0 < count < LINES * 0.7 for count in counts)
    assert some > len(counts) / 6, f"only {some} of {len(counts)} conditions select some of the events"
