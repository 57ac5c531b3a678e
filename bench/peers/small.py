"""What an object of a few lines costs."""

import statistics
from dataclasses import dataclass, field
from pathlib import Path

from candidates import ours
from config import COUNTED_LINES, SMALL_OBJECTS, SMALL_ROUNDS
from console import Failed, heading, say
from instructions import allocations
from objects import LogObject, Objects
from prepare import Prepared
from turns import Scratch, Turn, run

FORMS = (("parquet", "zstd"), ("json", "none"), ("json", "zstd"))


@dataclass
class SmallRow:
    name: str
    form: str
    turns: list[Turn] = field(default_factory=list)
    # Allocations an object.
    allocations: float | None = None
    why: str = ""

    def milliseconds(self) -> float:
        return statistics.median(turn.cpu for turn in self.turns) * 1000 / SMALL_OBJECTS

    def bytes(self) -> float:
        return self.turns[0].written / SMALL_OBJECTS


@dataclass
class Small:
    rows: list[SmallRow]
    gz_bytes: float
    # Allocations that one more line of a large object costs, to typed values and to JSON.
    line_allocations: dict[str, float]


def measure_small(prepared: Prepared, objects: Objects, source: LogObject, scratch: Scratch) -> Small:
    files, folder, gz_bytes = objects.small()
    heading(f"{SMALL_OBJECTS:,} small objects, {SMALL_ROUNDS} rounds")
    runs = []
    for program, label in (("ours", "alb-ingest"), ("ours-fast", "alb-ingest, fast inflate")):
        for form, compression in FORMS:
            row = SmallRow(label, f"{form}, {compression}", why=prepared.missing.get(program, ""))
            if program in prepared.programs:
                runs.append((row, ours(prepared.programs[program], form, compression)))
    for _ in range(SMALL_ROUNDS):
        for row, command in runs:
            out = scratch.empty()
            try:
                row.turns.append(run(command(folder, out), prepared.programs["measure"], scratch.folder, out))
            except Failed as why:
                row.why = str(why)
    for row, command in runs:
        if row.turns and "valgrind" in prepared.programs:
            row.allocations = allocations_of_object(prepared.programs["valgrind"], command, files, scratch)
        say(f"  {row.name:<26} {row.form:<14} {describe(row)}")
    return Small([row for row, _ in runs], gz_bytes / SMALL_OBJECTS, allocations_of_line(prepared, objects, source))


def describe(row: SmallRow) -> str:
    if not row.turns:
        return row.why
    taken = "" if row.allocations is None else f"  {row.allocations:8.1f} allocations"
    return f"{row.milliseconds():.4f} ms CPU  {row.bytes():8.0f} bytes{taken}"


def allocations_of_object(valgrind: Path, command, files: list[Path], scratch: Scratch) -> float | None:
    """What one more object costs: the start of the program is in both counts."""
    few, many = files[:20], files[:120]
    try:
        counts = []
        for inputs in (few, many):
            first, *others = map(str, inputs)
            line = command(first, scratch.empty())
            at = line.index(first)
            counts.append(allocations(valgrind, line[: at + 1] + others + line[at + 1 :]))
    except Failed as why:
        say(f"  allocations are not counted: {why}")
        return None
    return (counts[1] - counts[0]) / (len(many) - len(few))


def allocations_of_line(prepared: Prepared, objects: Objects, source: LogObject) -> dict[str, float]:
    valgrind, parser = prepared.programs.get("valgrind"), prepared.programs.get("ours-parse")
    if not (valgrind and parser):
        return {}
    found = {}
    logs = [objects.plain(source, COUNTED_LINES), objects.plain(source, 2 * COUNTED_LINES)]
    try:
        for mode in ("parse", "json"):
            fewer, more = (allocations(valgrind, [str(parser), mode, str(log)]) for log in logs)
            found[mode] = (more - fewer) / COUNTED_LINES
            say(f"  {mode}: {found[mode]:.4f} allocations a line")
    except Failed as why:
        say(f"  allocations a line are not counted: {why}")
    return found
