"""Who takes part, and with which command."""

import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from config import ENGINES, environment
from prepare import Prepared

PARQUET, JSON, DISCARD, GUNZIP = "parquet", "json", "discard", "gunzip"
WORKS = {
    PARQUET: "gz to typed Parquet, zstd level 1",
    JSON: "gz to JSON lines in a file",
    DISCARD: "gz to JSON lines, thrown away",
    GUNZIP: "gz to text, thrown away",
}

# The input and the folder or file that the output goes to.
Command = Callable[[Path, Path], list[str]]


@dataclass
class Candidate:
    key: str
    name: str
    work: str
    # The program in `Prepared` that it needs.
    program: str
    command: Command
    # Whether the output is a folder of files, one file, or nothing that is kept.
    output: str = "file"
    # Whether its last line on stdout tells the CPU seconds of its start.
    tells_start: bool = False


def candidates(prepared: Prepared) -> list[Candidate]:
    """Every candidate, in the order of the table; those whose program is missing included."""
    found: list[Candidate] = []
    for program, label in (("ours", "alb-ingest"), ("ours-fast", "alb-ingest, fast inflate")):
        binary = prepared.programs.get(program, Path(program))
        found += [
            Candidate(f"{program}-parquet", label, PARQUET, program, ours(binary, "parquet", "zstd"), "folder"),
            Candidate(f"{program}-json", label, JSON, program, ours(binary, "json", "none"), "folder"),
        ]
    for program, parser, label in (
        ("ours", "ours-parse", "alb-ingest's library"),
        ("ours-fast", "ours-parse-fast", "alb-ingest's library, fast inflate"),
    ):
        binary = prepared.programs.get(parser, Path(parser))
        found.append(Candidate(f"{program}-discard", label, DISCARD, parser, discard(binary), "none"))
    for program, label, script in (
        ("polars", "Polars", "polars_peer.py"),
        ("duckdb", "DuckDB", "duckdb_peer.py"),
        ("chdb", "ClickHouse (chdb)", "clickhouse_peer.py"),
    ):
        python = prepared.programs.get(program, Path(program))
        for work in (PARQUET, JSON):
            command = engine(python, ENGINES / script, work)
            found.append(Candidate(f"{program}-{work}", label, work, program, command, "file", True))
    for program in ("gzip", "igzip"):
        binary = prepared.programs.get(program, Path(program))
        found.append(Candidate(program, f"{program} -dc", GUNZIP, program, gunzip(binary), "none"))
    works = list(WORKS)
    return sorted(found, key=lambda candidate: works.index(candidate.work))


def ours(binary: Path, form: str, compression: str) -> Command:
    more = ["--jobs", "1", "--report", "json", *shlex.split(environment("ALB_INGEST_ARGS"))]
    settings = ["--format", form, "--compression", compression]
    return lambda source, to: [str(binary), "run", str(source), "--to", str(to), *settings, *more]


def discard(binary: Path) -> Command:
    return lambda source, _: [str(binary), "discard", str(source)]


def engine(python: Path, script: Path, form: str) -> Command:
    return lambda source, to: [str(python), str(script), str(source), str(to), form]


def gunzip(binary: Path) -> Command:
    return lambda source, _: [str(binary), "-dc", str(source)]


def one_thread() -> dict[str, str]:
    """The environment of every candidate."""
    return os.environ | {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
