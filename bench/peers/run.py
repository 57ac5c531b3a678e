#!/usr/bin/env python3
"""Measures alb-ingest beside other programs that do the same work: `make bench-peers`.

Prepares the programs, generates the objects, lets everyone take turns, counts instructions, and writes the tables to
the terminal and to docs/performance.md. A program that cannot be had becomes a row that says why.

Environment: ALB_INGEST_PROFILE is the profile that alb-ingest is built in (release); ALB_INGEST_FAST_FEATURE is the
cargo feature of the fast inflate (fast-inflate), whose build needs cmake; ALB_INGEST_BIN and ALB_INGEST_FAST_BIN are
binaries to measure in place of those builds; ALB_INGEST_ARGS are more arguments of their `run`.
"""

import argparse
import os
import sys
from pathlib import Path

import machine
from agreement import Agreement
from candidates import candidates
from config import DOCUMENT, LINES, RESULTS, rounds_of
from console import Failed, heading, say
from instructions import count_instructions
from objects import Objects
from prepare import NOT_ASKED_FOR, Prepared, prepare
from report import tables, write_document
from results import Results, Size
from small import measure_small
from turns import Row, Scratch, take_turns

PARTS = ("turns", "instructions", "small")
# Beside alb-ingest itself. `ours-fast` is the build with the fast inflate.
PROGRAMS = ["ours-fast", "ours-parse", "vrl-bench", "elb-log-parser", "duckdb", "polars", "chdb"]
PROGRAMS += ["gzip", "igzip", "valgrind"]
# What one line takes in the largest output, and some room.
OUTPUT_BYTES_OF_LINE = 2_500


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, nargs="+", default=LINES, help="sizes of the large objects")
    parser.add_argument("--rounds", type=int, help="rounds for every size")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), help="what is measured")
    parser.add_argument("--programs", nargs="+", choices=PROGRAMS, default=PROGRAMS, help="who takes part beside ours")
    parser.add_argument("--document", default=str(DOCUMENT), help="the Markdown file to write, or - for none")
    return parser.parse_args()


def main() -> int:
    arguments = parse()
    try:
        results = measure(arguments)
    except Failed as why:
        print(f"bench-peers: {why}", file=sys.stderr)
        return 1
    results.save(RESULTS)
    for table in tables(results):
        say("\n" + table.text())
    if arguments.document != "-":
        write_document(results, command_of(arguments), Path(arguments.document))
        heading(f"{Path(arguments.document).name} is written")
    return 0


def measure(arguments: argparse.Namespace) -> Results:
    prepared = prepare(set(arguments.programs))
    for name in PROGRAMS:
        if name not in arguments.programs:
            prepared.missing.setdefault(name, NOT_ASKED_FOR)
    heading("objects")
    objects = Objects(prepared.programs["ours"])
    sources = [objects.large(lines) for lines in sorted(arguments.lines)]
    with Scratch(sources[-1].lines * OUTPUT_BYTES_OF_LINE) as scratch:
        results = Results(machine.describe(), prepared.versions, scratch.place)
        if "turns" in arguments.parts:
            for source in sources:
                results.sizes.append(turns(prepared, source, arguments.rounds or rounds_of(source.lines), scratch))
        if "small" in arguments.parts:
            results.small = measure_small(prepared, objects, sources[0], scratch)
        if "instructions" in arguments.parts:
            heading("instructions")
            results.counts = count_instructions(prepared, objects, sources[0])
    return results


def turns(prepared: Prepared, source, rounds: int, scratch: Scratch) -> Size:
    heading(f"{source.lines:,} lines")
    # A variant that nobody asked for is no row.
    rows = [
        Row(candidate, why=prepared.missing.get(candidate.program, ""))
        for candidate in candidates(prepared)
        if prepared.missing.get(candidate.program) != NOT_ASKED_FOR
    ]
    # So that the first in turn does not read from a cold disk.
    Path(source.path).read_bytes()
    agreement = Agreement(prepared, source.lines)
    take_turns(rows, Path(source.path), rounds, prepared.programs["measure"], scratch, agreement.look)
    return Size(source, rounds, rows, agreement.verdicts)


def command_of(arguments: argparse.Namespace) -> str:
    """The command that measures this again."""
    settings = [
        f"{name}={value}"
        for name in ("ALB_INGEST_PROFILE", "ALB_INGEST_FAST_FEATURE", "ALB_INGEST_ARGS")
        if (value := os.environ.get(name))
    ]
    return " ".join([*settings, "make bench-peers", *changed(arguments)])


def changed(arguments: argparse.Namespace) -> list[str]:
    asked = []
    if arguments.lines != LINES:
        asked.append("--lines " + " ".join(map(str, arguments.lines)))
    if arguments.rounds:
        asked.append(f"--rounds {arguments.rounds}")
    if set(arguments.parts) != set(PARTS):
        asked.append("--parts " + " ".join(arguments.parts))
    if set(arguments.programs) != set(PROGRAMS):
        asked.append("--programs " + " ".join(arguments.programs))
    return [f"ARGS='{' '.join(asked)}'"] if asked else []


if __name__ == "__main__":
    sys.exit(main())
