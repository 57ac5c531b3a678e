"""What was set out to be reached, and whether it was."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from config import KB, MB
from results import Results, Size


@dataclass
class Target:
    """A ratio or a size, for the default build and for the build with the fast inflate."""

    work: str
    at_least: bool
    limits: tuple[float, float | None]
    found: tuple[float | None, float | None]
    unit: str = ""

    def verdict(self, build: int) -> str:
        limit, found = self.limits[build], self.found[build]
        if limit is None:
            return ""
        if found is None:
            return "not measured"
        kept = found >= limit if self.at_least else found <= limit
        return "pass" if kept else "MISS"

    def limit(self, build: int) -> str:
        limit = self.limits[build]
        if limit is None:
            return ""
        return f"{'at least' if self.at_least else 'at most'} {limit:,g}{self.unit}"

    def measured(self, build: int) -> str:
        found = self.found[build]
        if found is None or self.limits[build] is None:
            return ""
        return f"{found:.3g}{self.unit}" if found < 1_000 else f"{found:,.0f}{self.unit}"


BUILDS = ("ours", "ours-fast")


def targets(results: Results) -> list[Target]:
    found: list[Target] = []
    for size in results.sizes:
        found += of_size(size)
    found += of_instructions(results)
    found += of_memory(results.sizes)
    found += of_small(results)
    return found


def of_size(size: Size) -> Iterable[Target]:
    lines = f"{size.source.lines:,} lines"

    def both(ratio: Callable[[str], float | None]) -> tuple[float | None, float | None]:
        return ratio(BUILDS[0]), ratio(BUILDS[1])

    for peer, name, limits in (
        ("polars", "Polars", (2.25, 3.0)),
        ("duckdb", "DuckDB", (2.6, 3.0)),
        ("chdb", "ClickHouse local", (2.0, 2.7)),
    ):
        faster = both(lambda build, peer=peer: size.ratio(f"{peer}-parquet", f"{build}-parquet"))
        yield Target(f"gz to Parquet, CPU of {name} over ours, {lines}", True, limits, faster)
    for form, work, limits in (
        ("parquet", "gz to Parquet", (1.05, 0.80)),
        ("json", "gz to JSON lines in a file", (0.85, 0.60)),
        ("discard", "gz to JSON lines, thrown away", (0.58, 0.58)),
    ):
        slower = both(lambda build, form=form: size.ratio(f"{build}-{form}", "gzip"))
        yield Target(f"{work}, CPU over that of gzip -dc, {lines}", False, limits, slower)
    row = size.row("ours-parquet")
    part = row.median("written") / size.source.gz_bytes if row else None
    yield Target(f"Parquet size over that of the .gz, {lines}", False, (0.64, None), (part, None))


def of_instructions(results: Results) -> Iterable[Target]:
    parsed = next((count.instructions for count in results.counts if count.key == "ours-parse"), None)
    yield Target("parse to typed values, instructions a line", False, (4_500, None), (parsed, None))
    for key, work, limit in (
        ("vrl-parse", "parse to typed values, instructions of VRL's parse_aws_alb_log over ours", 13.5),
        ("elb-json", "line to JSON, instructions of elb-log-parser over ours", 35),
    ):
        count = next((count for count in results.counts if count.key == key), None)
        yield Target(work, True, (limit, None), (count.ratio if count else None, None))


def of_memory(sizes: list[Size]) -> Iterable[Target]:
    if not sizes:
        return
    smallest, largest = min(sizes, key=lines_of), max(sizes, key=lines_of)
    for form, name, limit in (("parquet", "Parquet", 22.0), ("json", "JSON", 8.0)):
        row = largest.row(f"ours-{form}")
        peak = row.median("peak") / MB if row else None
        work = f"peak memory to {name}, {largest.source.lines:,} lines"
        yield Target(work, False, (limit, None), (peak, None), " MB")
        over = smallest.row(f"ours-{form}")
        if row and over and largest is not smallest:
            growth = row.median("peak") / over.median("peak")
            work = f"the same over that of {smallest.source.lines:,} lines"
            yield Target(work, False, (1.10, None), (growth, None))


def lines_of(size: Size) -> int:
    return size.source.lines


def of_small(results: Results) -> Iterable[Target]:
    rows = results.small.rows if results.small else []
    row = next((row for row in rows if row.form.startswith("parquet") and row.turns), None)
    bytes_, milliseconds = (row.bytes() / KB, row.milliseconds()) if row else (None, None)
    yield Target("Parquet of a 10-line object, size", False, (10, None), (bytes_, None), " KB")
    yield Target("Parquet of a 10-line object, CPU", False, (0.2, None), (milliseconds, None), " ms")
    heap = row.allocations if row else None
    yield Target("Parquet of a 10-line object, allocations", False, (300, None), (heap, None))
