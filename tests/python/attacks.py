"""Large and hostile log objects."""

import gzip
import hashlib
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from confinement import MIB

GIB = 1024 * MIB
NAME = "123456789012_elasticloadbalancing_us-east-1_app.shop.7f3c9a1e5b2d4860_20261007T1145Z_192.0.2.10_{}.log.gz"
KEY = "AWSLogs/123456789012/elasticloadbalancing/us-east-1/2026/10/07/" + NAME
START = datetime(2026, 10, 7, 0, 5)


def access(number: int, time: datetime = START, agent: str | None = None) -> bytes:
    """An access line whose values differ from those of other lines."""
    noise = hashlib.sha256(b"%d" % number).hexdigest()
    agent = agent or f"agent/{number % 97} ({noise[:24]})"
    return (
        f"https {time:%Y-%m-%dT%H:%M:%S}.{number % 1_000_000:06} app/shop/7f3c9a1e5b2d4860 192.0.2.{number % 250}:"
        f"{1024 + number % 60_000} 198.51.100.10:8080 0.001 0.{number % 1000:03} 0.000 200 200 {number % 5000} 1024 "
        f'"GET https://www.example.com:443/items/{noise} HTTP/1.1" "{agent}" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 '
        f'arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/shop/7f3c9a1e5b2d4860 "Root=1-{noise[:8]}-'
        f'{noise[8:32]}" "www.example.com" "-" 0 {time:%Y-%m-%dT%H:%M:%S}.000000Z "forward" "-" "-" '
        f'"198.51.100.10:8080" "200" "-" "-" TID_{noise[:32]}\n'
    ).replace(" app/", "Z app/", 1).encode()


def spread(step: timedelta, partitions: int, lines: int) -> Iterator[bytes]:
    """Lines that go to another partition each."""
    return (access(number, START + number % partitions * step) for number in range(lines))


def classic() -> Iterator[bytes]:
    """An entry of Classic that spans 62 lines of 1 MiB, among ordinary ones."""
    entry = (
        b"2026-10-07T11:42:13.123456Z shop 192.0.2.1:2817 198.51.100.10:80 0.000073 0.001048 0.000057 200 200 0 29 "
        b'"GET http://www.example.com:80/ HTTP/1.1" "curl/8.5.0" - -\n'
    )
    yield from [entry] * 1000
    yield entry.partition(b"curl")[0]
    yield from [b"\xff" * (MIB - 1) + b"\n"] * 62
    yield from [entry] * 100


# Objects that need much memory, unless it is bounded.
ATTACKS: dict[str, tuple[str, Callable[[], Iterator[bytes]]]] = {
    "many lines": (KEY, lambda: spread(timedelta(), 1, 40_000)),
    "long lines": (KEY, lambda: (access(number, agent=chr(97 + number % 26) * 1_000_000) for number in range(60))),
    "one line of 200 MB": (KEY, lambda: iter([b"x" * MIB] * 200)),
    "one line of 200 MB among others": (KEY, lambda: iter([access(1), *[b"\xff" * MIB] * 200, b"\n", access(2)])),
    "short lines": (KEY, lambda: iter([b"a\n" * MIB] * 30)),
    "short lines after a thousand": (KEY, lambda: iter([*map(access, range(1000)), b"a\n" * (MIB // 4)])),
    "a joined entry": (KEY.replace("app.shop.7f3c9a1e5b2d4860", "shop"), classic),
}
# The attack that fails its object.
UNKNOWN = "short lines"


def compressed(folder: Path, key: str, pieces: Iterator[bytes]) -> Path:
    """Writes an object below a folder, unless it exists."""
    path = folder / key.format("00000000")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with gzip.open(path, "wb", compresslevel=1) as file:
            for piece in pieces:
                file.write(piece)
    return folder


@dataclass(frozen=True)
class Ledger:
    """What must become of the lines of objects."""

    lines: int = 0
    events: int = 0
    quarantined: int = 0
    skipped: int = 0
    # The objects that fail, and why.
    failed: int = 0
    reason: str = ""

    def __add__(self, other: "Ledger") -> "Ledger":
        return Ledger(
            self.lines + other.lines,
            self.events + other.events,
            self.quarantined + other.quarantined,
            self.skipped + other.skipped,
            self.failed + other.failed,
            self.reason or other.reason,
        )


def repeated(path: Path, head: bytes, block: bytes, times: int, tail: bytes = b"") -> None:
    """Writes a gzip member of a head, a block that is repeated, and a tail. The block is compressed only once, so gigabytes take
    seconds."""

    def deflated(text: bytes, flush: int) -> bytes:
        deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
        return deflate.compress(text) + deflate.flush(flush)

    path.parent.mkdir(parents=True, exist_ok=True)
    # A full flush ends at a byte, and what follows refers to nothing before it.
    once, checksum = deflated(block, zlib.Z_FULL_FLUSH), zlib.crc32(head)
    with path.open("wb") as file:
        file.write(b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + deflated(head, zlib.Z_FULL_FLUSH))
        for _ in range(times):
            file.write(once)
            checksum = zlib.crc32(block, checksum)
        file.write(deflated(tail, zlib.Z_FINISH))
        length = len(head) + times * len(block) + len(tail)
        file.write(zlib.crc32(tail, checksum).to_bytes(4, "little") + (length % 2**32).to_bytes(4, "little"))


@dataclass(frozen=True)
class Huge:
    """An object that is too large for memory, or objects that are too many."""

    name: str
    # Writes the objects below a folder, and returns what must become of their lines.
    write: Callable[[Path], Ledger]


def path_of(folder: Path, number: int = 0, key: str = KEY) -> Path:
    return folder / key.format(f"{number:08}")


def equal_lines(size: int) -> Callable[[Path], Ledger]:
    """About a thousand times as large as its gzip: matches of the longest length, 258 bytes."""

    def write(folder: Path) -> Ledger:
        line = access(1)
        number = 8 * MIB // len(line)
        times = size // (number * len(line))
        repeated(path_of(folder), b"", line * number, times)
        return Ledger(lines=number * times, events=number * times)

    return write


def blank_lines(folder: Path) -> Ledger:
    repeated(path_of(folder), access(1), b"\n" * (8 * MIB), 32, access(2))
    return Ledger(lines=256 * MIB + 2, events=2, skipped=256 * MIB)


def one_line(character: bytes, head: bytes = b"", tail: bytes = b"") -> Callable[[Path], Ledger]:
    """10 GiB without a newline, perhaps among other lines."""

    def write(folder: Path) -> Ledger:
        repeated(path_of(folder), head, character * (8 * MIB), 10 * GIB // (8 * MIB), tail)
        events = (head + tail).count(b"https ")
        return Ledger(lines=events + 1, events=events, quarantined=1)

    return write


def members(number: int) -> Callable[[Path], Ledger]:
    def write(folder: Path) -> Ledger:
        path = path_of(folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            for line in range(number):
                file.write(gzip.compress(access(line), 1, mtime=0))
        return Ledger(lines=number, events=number)

    return write


def days(lines: int) -> Callable[[Path], Ledger]:
    """No time in the key: each event goes to the partition of its own day."""

    def write(folder: Path) -> Ledger:
        compressed(folder, "days-{}.log.gz", spread(timedelta(days=1), 400, lines))
        return Ledger(lines=lines, events=lines)

    return write


def hours(lines: int) -> Callable[[Path], Ledger]:
    def write(folder: Path) -> Ledger:
        compressed(folder, KEY, spread(timedelta(hours=1), 24, lines))
        return Ledger(lines=lines, events=lines)

    return write


def objects(number: int, lines: int) -> Callable[[Path], Ledger]:
    def write(folder: Path) -> Ledger:
        for one in range(number):
            path = path_of(folder, one)
            path.parent.mkdir(parents=True, exist_ok=True)
            text = b"".join(access(one * lines + line) for line in range(lines))
            path.write_bytes(gzip.compress(text, 1, mtime=0))
        return Ledger(lines=number * lines, events=number * lines)

    return write


def joined(folder: Path) -> Ledger:
    key, pieces = ATTACKS["a joined entry"]
    compressed(folder, key, pieces())
    # The entry is longer than a line may be, and its other lines begin none.
    return Ledger(lines=1162, events=1100, quarantined=62)


def short_lines(folder: Path) -> Ledger:
    key, pieces = ATTACKS[UNKNOWN]
    compressed(folder, key, pieces())
    return Ledger(failed=1, reason="its lines fit no log type")


HUGE = {
    huge.name: huge
    for huge in (
        Huge("2 GiB of equal lines", equal_lines(2 * GIB)),
        Huge("256 MiB of blank lines", blank_lines),
        Huge("10 GiB of one line", one_line(b"x")),
        Huge("10 GiB of one line that is not text, among others", one_line(b"\xff", access(1), b"\n" + access(2))),
        Huge("100,000 gzip members", members(100_000)),
        Huge("400 days", days(40_000)),
        Huge("400 days, 400,000 lines", days(400_000)),
        Huge("24 hours", hours(40_000)),
        Huge("24 hours, 400,000 lines", hours(400_000)),
        Huge("entries joined from long lines", joined),
        Huge("60 MB of short lines", short_lines),
        Huge("1,000 objects", objects(1000, 100)),
        Huge("256 MiB of equal lines", equal_lines(256 * MIB)),
    )
}
