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
    """Instructions a line of one program and one work, or why there are none."""

    name: str
    work: str
    program: str
    instructions: float | None = None
    # Of alb-ingest for the same work.
    against: str = ""
    why: str = ""


def count_instructions(prepared: Prepared, objects: Objects, source: LogObject) -> list[Count]:
    valgrind = prepared.programs.get("valgrind")
    log = objects.plain(source, COUNTED_LINES)
    old = objects.for_elb_log_parser(source, COUNTED_LINES)
    empty = objects.folder / "empty.log"
    empty.write_bytes(b"")
    parsers = [
        ("ours: parse", "alb-ingest", "parse to typed values", "ours-parse", "parse", ""),
        ("vrl: parse", "VRL parse_aws_alb_log", "parse, times and codes left as text", "vrl-bench", "parse", "ours: parse"),
        ("vrl: typed", "VRL, times, codes and ports converted", "parse to typed values", "vrl-bench", "typed", "ours: parse"),
        ("ours: json", "alb-ingest", "line to JSON", "ours-parse", "json", ""),
        ("vrl: json", "VRL, encode_json", "line to JSON", "vrl-bench", "json", "ours: json"),
    ]
    counts: dict[str, Count] = {}
    for key, name, work, program, mode, against in parsers:
        counts[key] = Count(name, work, program, against=against)
        binary = prepared.programs.get(program)
        counter = counted_mode(valgrind, binary, mode, log)
        measure(counts[key], prepared, program, counter)
    counts["ours: json of 30 fields"] = Count("alb-ingest", "line of 30 fields to JSON", "ours-parse")
    binary = prepared.programs.get("ours-parse")
    measure(counts["ours: json of 30 fields"], prepared, "ours-parse", counted_mode(valgrind, binary, "json", old))
    parser = Count("elb-log-parser", "line of 30 fields to JSON", "elb-log-parser", against="ours: json of 30 fields")
    counts["elb-log-parser"] = parser
    measure(parser, prepared, "elb-log-parser", lambda: elb_log_parser(valgrind, prepared, old, empty))
    for count in counts.values():
        ours = counts.get(count.against)
        count.against = f"{count.instructions / ours.instructions:.1f}" if ours and ours.instructions and count.instructions else ""
    return list(counts.values())


def measure(count: Count, prepared: Prepared, program: str, counter) -> None:
    count.why = prepared.missing.get("valgrind") or prepared.missing.get(program) or ""
    if count.why:
        return
    try:
        count.instructions = counter() / COUNTED_LINES
        say(f"  {count.name:<40} {count.work:<40} {count.instructions:12,.0f} instructions a line")
    except Failed as why:
        count.why = str(why)
        say(f"  {count.name}, {count.work}: {why}")


def counted_mode(valgrind: Path | None, binary: Path | None, mode: str, log: Path):
    """The instructions of a mode above those of reading the file."""

    def counter() -> int:
        baseline, _ = callgrind(valgrind, [str(binary), "read-only", str(log)])
        total, printed = callgrind(valgrind, [str(binary), mode, str(log)])
        expect(printed, f'"lines":{COUNTED_LINES},"failed":0')
        return total - baseline

    return counter


def elb_log_parser(valgrind: Path, prepared: Prepared, log: Path, empty: Path) -> int:
    command = [str(prepared.programs["elb-log-parser"]), "-"]
    baseline, _ = callgrind(valgrind, command, empty)
    # It stops at the first line that it does not read.
    total, printed = callgrind(valgrind, command, log)
    if printed.count("\n") != COUNTED_LINES:
        raise Failed(f"it read {printed.count(chr(10))} of {COUNTED_LINES} lines")
    return total - baseline


def expect(printed: str, wanted: str) -> None:
    if wanted not in printed:
        raise Failed(f"it says {printed.strip()[:80]} where {wanted} was expected")


def callgrind(valgrind: Path, command: list[str], stdin: Path | None = None) -> tuple[int, str]:
    """The instructions of a command, and what it printed."""
    found, printed = under_valgrind(
        [str(valgrind), "--tool=callgrind", "--callgrind-out-file=/dev/null", *command], r"Collected : (\d+)", stdin
    )
    return found, printed


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
