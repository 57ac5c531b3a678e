"""Runs of the command line into a disk that fills up, and again once it has room.

A run that fails exits with 1, names the cause, leaves no part of an output under its name and no temporary file; the run
after it has the bytes of a run that never failed.
"""

import hashlib
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from confinement import Disk
from stand_ins import local

TIMEOUT_SECONDS = 120
# What the system says about a full disk, about too many files, and about a file that exceeds the limit of a process.
FULL = ("No space left on device", "File too large", "Disk quota exceeded")


@dataclass(frozen=True)
class Scenario:
    """A command that writes to a disk."""

    name: str
    # The arguments: the folder of objects, and a folder on the disk.
    arguments: Callable[[Path, Path], list[object]]


def to(*settings: str) -> Callable[[Path, Path], list[object]]:
    return lambda objects, disk: ["run", objects, "--to", disk / "out", *settings]


SCENARIOS = [
    Scenario("parquet", to("--format", "parquet", "--jobs", "2")),
    Scenario("json", to("--format", "json", "--jobs", "2", "--compression", "none")),
    Scenario("merged", to("--merge")),
    Scenario("hours", to("--partition-by", "hour", "--jobs", "1")),
    Scenario("quarantine", lambda objects, disk: [*to()(objects, disk.parent), "--quarantine", disk / "q"]),
]


def generate(program: Path, folder: Path, lines: int = 400) -> Path:
    """Writes objects of several tables with malformed lines; returns the folder."""
    for seed, table in enumerate(["alb_access_log", "alb_access_log", "nlb_access_log", "clb_access_log"]):
        command = [program, "generate", table, "--seed", str(seed), "--lines", str(lines), "--broken", "0.2", "--to", folder]
        subprocess.run(command, check=True, capture_output=True)
    return folder


def run(program: Path, arguments: list[object], *launcher: str, folder: Path | None = None, **options) -> subprocess.CompletedProcess:
    """Runs the command line; `folder` is the one for temporary files."""
    options = {"stdout": subprocess.PIPE} | options
    return subprocess.run(
        [*launcher, program, *arguments],
        env={"PATH": "/usr/bin:/bin", "TMPDIR": str(folder or "/tmp")},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        timeout=TIMEOUT_SECONDS,
        **options,
    )


def outputs(folder: Path) -> dict[str, bytes]:
    """Returns the files of a folder; there must be no temporary ones."""
    found = local(folder)
    assert not [name for name in found if name.rsplit("/", 1)[-1].startswith(".")], sorted(found)
    return found


def is_staged(name: str) -> bool:
    """Returns whether a file is one that a merge has staged, under the hash of its bytes."""
    return "_merge/" in name and not name.endswith((".plan", ".done"))


def check_outputs(found: dict[str, bytes], reference: dict[str, bytes]) -> None:
    """Every file is whole: it is one of the reference, or staged."""
    for name, content in found.items():
        if is_staged(name) and name not in reference:
            assert hashlib.sha256(content).hexdigest() in name, f"{name} is not whole"
        else:
            assert reference.get(name) == content, f"{name} is not an output of the reference"


def check_failure(done: subprocess.CompletedProcess, reasons: tuple[str, ...] = FULL) -> None:
    said = done.stderr.decode() + (done.stdout or b"").decode()
    assert done.returncode == 1, f"exit {done.returncode}: {said}"
    assert any(reason in said for reason in reasons) and "panicked" not in said, said


def reference(program: Path, scenario: Scenario, objects: Path, folder: Path) -> dict[str, bytes]:
    """Returns what a run with enough room writes."""
    place = folder / "reference" / "disk"
    place.mkdir(parents=True)
    done = run(program, scenario.arguments(objects, place))
    assert done.returncode == 0, done.stderr.decode()
    return outputs(place)


def fill(program: Path, scenario: Scenario, objects: Path, disk: Disk, wanted: dict[str, bytes]) -> bool:
    """Runs a scenario on a small disk, checks what is left, and runs it again with room; returns whether the first one failed."""
    arguments = scenario.arguments(objects, disk.path)
    first = run(program, arguments, *disk.launcher)
    found = outputs(disk.path)
    check_outputs(found, wanted)
    failed = first.returncode != 0
    if failed:
        check_failure(first)
    else:
        assert found == wanted
    disk.grow()
    again = run(program, arguments)
    assert again.returncode == 0, again.stderr.decode()
    left = outputs(disk.path)
    check_outputs(left, wanted)
    assert {name: content for name, content in left.items() if name in wanted} == wanted
    return failed


def sizes(wanted: dict[str, bytes], number: int) -> list[int]:
    """Returns sizes of a disk in KiB, from a single page to nearly what the outputs need."""
    whole = sum(-(-len(content) // 4096) * 4 for content in wanted.values())
    return sorted({max(4, whole * step // number // 4 * 4) for step in range(number)})
