"""Lets the candidates take turns, and measures each turn."""

import json
import shutil
import statistics
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from candidates import Candidate, one_thread
from config import BENCH, MB
from console import Failed, last_words, say

TMPFS = Path("/dev/shm")


@dataclass
class Turn:
    """What one run of a program took: CPU seconds without its start, those of them in the kernel, and so on."""

    cpu: float
    sys: float
    start: float
    wall: float
    peak: int
    written: int


@dataclass
class Row:
    """A candidate and its turns, or why it has none."""

    candidate: Candidate
    turns: list[Turn] = field(default_factory=list)
    why: str = ""

    def median(self, what: str) -> float:
        return statistics.median(getattr(turn, what) for turn in self.turns)

    def spread(self) -> float:
        """How far the turns' CPU seconds lie apart, as a part of the median."""
        seconds = [turn.cpu for turn in self.turns]
        return (max(seconds) - min(seconds)) / (statistics.median(seconds) or 1)


class Scratch:
    """The folder that every candidate writes to, in memory where that is possible; gone at the end."""

    def __init__(self, needed: int) -> None:
        fits = TMPFS.is_dir() and shutil.disk_usage(TMPFS).free > needed
        self.place = "a file system in memory" if fits else "the disk of the target folder"
        BENCH.mkdir(parents=True, exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(prefix="alb-ingest-bench-", dir=TMPFS if fits else BENCH))

    def __enter__(self) -> "Scratch":
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def empty(self) -> Path:
        """A folder without anything in it."""
        folder = self.folder / "out"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder


def take_turns(rows: list[Row], source: Path, rounds: int, measure: Path, scratch: Scratch, look) -> None:
    """Runs every row's candidate once a round. `look` sees the output of a row's first turn."""
    for number in range(rounds):
        say(f"round {number + 1} of {rounds}")
        for row in rows:
            if row.why:
                continue
            candidate, out = row.candidate, scratch.empty()
            to = out / f"events.{candidate.work}" if candidate.output == "file" else out
            try:
                turn = run(candidate.command(source, to), measure, scratch.folder, out, candidate.tells_start)
            except Failed as why:
                row.why, row.turns = str(why), []
                say(f"  {candidate.name}, {candidate.work}: {why}")
                continue
            row.turns.append(turn)
            say(
                f"  {candidate.name:<26} {candidate.work:<12} {turn.cpu:8.3f} s CPU  {turn.sys:6.3f} s of it sys"
                f"  {turn.wall:8.3f} s wall  {turn.peak / MB:8.1f} MB peak  {turn.written / MB:8.1f} MB written"
            )
            if number == 0 and candidate.output != "none":
                look(candidate, sorted(file for file in out.rglob("*") if file.is_file()))
    scratch.empty()


def run(command: list[str], measure: Path, scratch: Path, out: Path, tells_start: bool = False) -> Turn:
    """Runs a command under `measure`."""
    result = scratch / "measured.json"
    result.unlink(missing_ok=True)
    done = subprocess.run(
        [str(measure), str(result), *command],
        stdout=subprocess.PIPE if tells_start else subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=one_thread(),
        text=True,
        errors="replace",
        check=False,
    )
    if not result.exists():
        raise Failed(last_words(done.stderr))
    measured = json.loads(result.read_text(encoding="utf-8"))
    if measured["code"] != 0:
        raise Failed(f"failed with {measured['code']}: {last_words(done.stderr)}")
    start = json.loads(done.stdout.splitlines()[-1])["start"] if tells_start else 0.0
    written = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    cpu = measured["user"] + measured["sys"] - start
    return Turn(cpu, measured["sys"], start, measured["wall"], measured["peak"], written)
