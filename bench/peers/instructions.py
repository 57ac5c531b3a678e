"""Instructions a line, counted by callgrind: they do not depend on what else the machine does."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from candidates import one_thread
from config import COUNTED_LINES
from console import Failed, last_words, say
from objects import LogObject, Objects
from prepare import Prepared


@dataclass
class Count:
    """Instructions a line of one program and one kind of work, or why there are none."""

    key: str
    name: str
    work: str
    program: str
    # The count of alb-ingest for the same work.
    against: str = ""
    instructions: float | None = None
    ratio: float | None = None
    why: str = ""


OURS, VRL, ELB = "ours-parse", "vrl-bench", "elb-log-parser"
TYPED, JSON, OLD_JSON = "parse to typed values", "line to JSON", "line of 30 fields to JSON"


def count_instructions(prepared: Prepared, objects: Objects, source: LogObject) -> list[Count]:
    log = objects.plain(source, COUNTED_LINES)
    old = objects.for_elb_log_parser(source, COUNTED_LINES)
    empty = objects.folder / "empty.log"
    empty.write_bytes(b"")
    counts: dict[str, Count] = {}

    def count(key: str, name: str, work: str, program: str, against: str, counter) -> None:
        made = counts[key] = Count(key, name, work, program, against)
        measure(made, prepared, counter)
        ours = counts.get(against)
        if made.instructions and ours and ours.instructions:
            made.ratio = made.instructions / ours.instructions

    def mode(program: str, name: str, text: Path):
        return lambda: of_mode(prepared, program, name, text)

    count("ours-parse", "alb-ingest", TYPED, OURS, "", mode(OURS, "parse", log))
    untyped = "parse, times and codes left as text"
    count("vrl-parse", "VRL parse_aws_alb_log", untyped, VRL, "ours-parse", mode(VRL, "parse", log))
    count("vrl-typed", "VRL, then conversions", TYPED, VRL, "ours-parse", mode(VRL, "typed", log))
    count("ours-json", "alb-ingest", JSON, OURS, "", mode(OURS, "json", log))
    count("vrl-json", "VRL, then encode_json", JSON, VRL, "ours-json", mode(VRL, "json", log))
    count("ours-old-json", "alb-ingest", OLD_JSON, OURS, "", mode(OURS, "json", old))
    count("elb-json", ELB, OLD_JSON, ELB, "ours-old-json", lambda: of_elb_log_parser(prepared, old, empty))
    return list(counts.values())


def measure(count: Count, prepared: Prepared, counter) -> None:
    count.why = prepared.missing.get("valgrind") or prepared.missing.get(count.program) or ""
    if count.why:
        return
    try:
        count.instructions = counter() / COUNTED_LINES
        say(f"  {count.name:<24} {count.work:<38} {count.instructions:12,.0f} instructions a line")
    except Failed as why:
        count.why = str(why)
        say(f"  {count.name}, {count.work}: {why}")


def of_mode(prepared: Prepared, program: str, mode: str, log: Path) -> int:
    """The instructions of a mode above those of reading the file."""
    binary = str(prepared.programs[program])
    baseline, _ = callgrind(prepared, [binary, "read-only", str(log)])
    total, printed = callgrind(prepared, [binary, mode, str(log)])
    if f'"lines":{COUNTED_LINES},"failed":0' not in printed:
        raise Failed(f"not every line was read: {printed.strip()[:80]}")
    return total - baseline


def of_elb_log_parser(prepared: Prepared, log: Path, empty: Path) -> int:
    command = [str(prepared.programs[ELB]), "-"]
    baseline, _ = callgrind(prepared, command, empty)
    # It stops at the first line that it does not read.
    total, printed = callgrind(prepared, command, log)
    if printed.count("\n") != COUNTED_LINES:
        raise Failed(f"not every line was read: {printed.count(chr(10))} of {COUNTED_LINES}")
    return total - baseline


def callgrind(prepared: Prepared, command: list[str], stdin: Path | None = None) -> tuple[int, str]:
    """The instructions of a command, and what it printed."""
    tool = [str(prepared.programs["valgrind"]), "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    return under_valgrind([*tool, *command], r"Collected : (\d+)", stdin)


def allocations(valgrind: Path, command: list[str]) -> int:
    """How often a command takes memory from the heap."""
    tool = [str(valgrind), "--tool=memcheck", "--leak-check=no", "--undef-value-errors=no"]
    return under_valgrind([*tool, *command], r"total heap usage: ([\d,]+) allocs")[0]


def under_valgrind(command: list[str], pattern: str, stdin: Path | None = None) -> tuple[int, str]:
    with open(stdin or "/dev/null", "rb") as text:
        done = subprocess.run(command, stdin=text, capture_output=True, env=one_thread(), check=False)
    errors = done.stderr.decode("utf-8", "replace")
    found = re.search(pattern, errors)
    if done.returncode != 0 or not found:
        raise Failed(f"failed with {done.returncode} under valgrind: {last_words(errors)}")
    return int(found[1].replace(",", "")), done.stdout.decode("utf-8", "replace")
