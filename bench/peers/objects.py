"""The log objects that are read, generated once by alb-ingest itself: the same seed gives the same bytes everywhere."""

import gzip
import hashlib
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from config import COUNTED_LINES, OBJECTS, SEED, SMALL_LINES, SMALL_OBJECTS, TABLE
from console import Failed, output, say


@dataclass
class LogObject:
    path: Path
    lines: int
    gz_bytes: int
    raw_bytes: int


def large(program: Path, lines: int) -> LogObject:
    """An object of this many lines, under a plain name: some peers take the name for a pattern."""
    path = OBJECTS / f"{lines}.log.gz"
    if not path.exists():
        say(f"generating an object of {lines:,} lines")
        made = generate(program, lines, SEED, OBJECTS / "made")
        made.rename(path)
    with gzip.open(path) as text:
        raw_bytes = sum(len(block) for block in iter(lambda: text.read(1 << 20), b""))
    return LogObject(path, lines, path.stat().st_size, raw_bytes)


def small(program: Path) -> tuple[Path, int]:
    """A folder of small objects, and the bytes that they have together."""
    folder = OBJECTS / f"small-{SMALL_OBJECTS}x{SMALL_LINES}"
    complete = OBJECTS / f"{folder.name}.complete"
    if not complete.exists():
        say(f"generating {SMALL_OBJECTS:,} objects of {SMALL_LINES} lines")
        for seed in range(SMALL_OBJECTS):
            generate(program, SMALL_LINES, seed, folder)
        complete.touch()
    files = list(folder.rglob("*.gz"))
    if len(files) != SMALL_OBJECTS:
        raise Failed(f"{len(files)} objects in {folder.name}")
    return folder, sum(file.stat().st_size for file in files)


def generate(program: Path, lines: int, seed: int, to: Path) -> Path:
    command = [program, "generate", TABLE, "--lines", str(lines), "--seed", str(seed), "--to", to]
    return Path(output(command).strip())


def plain(source: LogObject) -> Path:
    """The first lines as plain text."""
    path = OBJECTS / f"plain-{COUNTED_LINES}.log"
    with gzip.open(source.path, "rb") as text, path.open("wb") as out:
        out.writelines(islice(text, COUNTED_LINES))
    return path


def for_elb_log_parser(source: LogObject) -> tuple[Path, int]:
    """Lines that elb-log-parser reads, and how many.

    It knows 30 fields, IPv4 and the actions up to 2024: the last four fields are cut off, and lines of IPv6 clients and
    of rewrites left out.
    """
    path = OBJECTS / f"plain-{COUNTED_LINES}-30-fields.log"
    count = 0
    with gzip.open(source.path, "rb") as text, path.open("wb") as out:
        for line in text:
            client = line.split(b" ", 4)[3]
            if client.count(b":") == 1 and b'"rewrite' not in line and b",rewrite" not in line:
                out.write(line.rsplit(b" ", 4)[0] + b"\n")
                count += 1
                if count == COUNTED_LINES:
                    break
    return path, count


def digest(source: LogObject) -> str:
    """Names the bytes, so that another run can tell that it read the same."""
    return hashlib.sha256(source.path.read_bytes()).hexdigest()[:12]
