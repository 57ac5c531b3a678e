"""The log objects that are read, generated once by alb-ingest itself: the same seed gives the same bytes everywhere."""

import gzip
import hashlib
import json
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

from config import OBJECTS, SEED, SMALL_LINES, SMALL_OBJECTS, TABLE
from console import Failed, output, say


@dataclass
class LogObject:
    path: str
    lines: int
    gz_bytes: int
    raw_bytes: int


class Objects:
    """The objects that this build of alb-ingest generates. They are kept until a build generates others."""

    def __init__(self, program: Path) -> None:
        self.program = program
        example = output([program, "generate", TABLE, "--lines", "1000", "--seed", str(SEED), "--to", "-"], text=False)
        self.folder = OBJECTS / hashlib.sha256(example).hexdigest()[:12]
        self.folder.mkdir(parents=True, exist_ok=True)

    def large(self, lines: int) -> LogObject:
        """An object of this many lines, under a plain name: some peers take the name for a pattern."""
        path, facts = self.folder / f"{lines}.log.gz", self.folder / f"{lines}.json"
        if not facts.exists():
            say(f"generating an object of {lines:,} lines")
            generate(self.program, lines, SEED, self.folder / "made").rename(path)
            with gzip.open(path) as text:
                raw_bytes = sum(len(block) for block in iter(lambda: text.read(1 << 20), b""))
            made = LogObject(str(path), lines, path.stat().st_size, raw_bytes)
            facts.write_text(json.dumps(asdict(made)), encoding="utf-8")
        return LogObject(**json.loads(facts.read_text(encoding="utf-8")) | {"path": str(path)})

    def small(self) -> tuple[list[Path], Path, int]:
        """Small objects, the folder that they stand in, and the bytes that they have together."""
        folder = self.folder / f"{SMALL_OBJECTS}-of-{SMALL_LINES}"
        files = sorted(folder.rglob("*.gz"))
        if len(files) != SMALL_OBJECTS:
            say(f"generating {SMALL_OBJECTS:,} objects of {SMALL_LINES} lines")
            files = sorted(generate(self.program, SMALL_LINES, seed, folder) for seed in range(SMALL_OBJECTS))
        if len(set(files)) != SMALL_OBJECTS:
            raise Failed(f"{len(set(files))} small objects instead of {SMALL_OBJECTS}")
        return files, folder, sum(file.stat().st_size for file in files)

    def plain(self, source: LogObject, lines: int) -> Path:
        """The first lines as plain text."""
        path = self.folder / f"plain-{lines}.log"
        with gzip.open(source.path, "rb") as text, path.open("wb") as out:
            out.writelines(islice(text, lines))
        return path

    def for_elb_log_parser(self, source: LogObject, lines: int) -> Path:
        """Lines that elb-log-parser reads.

        It knows 30 fields, IPv4 and the actions up to 2024: the last four fields are cut off, and lines of IPv6 clients
        and of rewrites left out.
        """
        path = self.folder / f"plain-{lines}-30-fields.log"
        with gzip.open(source.path, "rb") as text, path.open("wb") as out:
            out.writelines(islice(filter(None, map(as_of_2024, text)), lines))
        return path


def as_of_2024(line: bytes) -> bytes | None:
    client = line.split(b" ", 4)[3]
    if client.count(b":") != 1 or b'"rewrite' in line or b",rewrite" in line:
        return None
    return line.rsplit(b" ", 4)[0] + b"\n"


def generate(program: Path, lines: int, seed: int, to: Path) -> Path:
    command = [program, "generate", TABLE, "--lines", str(lines), "--seed", str(seed), "--to", to]
    return Path(output(command).strip())
