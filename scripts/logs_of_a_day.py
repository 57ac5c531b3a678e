"""Generated logs of one day, for pictures and tests of the report: traffic with a rhythm, and an incident in the afternoon.

`alb-ingest generate` writes the lines of five minutes. Here their times are spread over a day, and during the incident targets of
one target group time out and fail their health checks.
"""

import gzip
import math
import random
import subprocess
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

DAY = datetime(2026, 10, 7)
# Minutes of the day.
INCIDENT = (14 * 60 + 20, 15 * 60 + 10)
GROUP = "shop-api"
KEY = "AWSLogs/123456789012/elasticloadbalancing/us-east-1/2026/10/07/{}123456789012_elasticloadbalancing_us-east-1_{}"
NAME = "app.shop.7f3c9a1e5b2d4860_20261007T2355Z_203.0.113.10_4xkq7d2p.log.gz"


def busy(minute: float) -> float:
    """Returns how much traffic there is, from 0 to 1: most in the evening, least at four in the morning."""
    return 0.28 + 0.42 * (1 - math.cos((minute - 240) / 1440 * 2 * math.pi)) / 2 + 0.3 * math.exp(-(((minute - 1200) / 130) ** 2))


def minutes(count: int, rate: Callable[[float], float]) -> list[float]:
    """Returns the minutes of the day at which events happen, in order."""
    chosen = random.Random(count)
    found: list[float] = []
    while len(found) < count:
        minute = chosen.random() * 1440
        if chosen.random() < rate(minute):
            found.append(minute)
    return sorted(found)


def stamp(minute: float, seconds: float = 0) -> str:
    return (DAY + timedelta(minutes=minute, seconds=seconds)).isoformat(timespec="microseconds") + "Z"


def access(line: str, minute: float, chosen: random.Random) -> str:
    """Returns a line of an access log at another time; some of those of the incident are errors and slow."""
    head, request, rest = line.split(' "', 2)[0], *line.split(' "', 2)[1:]
    fields = head.split(" ")
    fields[1] = stamp(minute)
    if is_incident(minute) and f"targetgroup/{GROUP}/" in rest and fields[6] not in ("-1", "-"):
        if chosen.random() < 0.22:
            code = chosen.choice(("502", "502", "504"))
            fields[5:10] = ["-1", "-1", "-1", code, "-"]
        else:
            fields[6] = f"{float(fields[6]) * chosen.uniform(6, 30):.3f}"
    return " ".join(fields) + f' "{request} "{rest}'


def connection(line: str, minute: float, _: random.Random) -> str:
    return stamp(minute) + line[line.index(" ") :]


def check(line: str, minute: float, chosen: random.Random) -> str:
    """Returns a line of a health check log at another time; the checks of two targets fail during the incident."""
    fields = line.split(" ")
    fields[1] = stamp(minute)
    # The generator's own failures are too many for one day.
    fields[2:8] = [f"{chosen.uniform(0.002, 0.012):.9f}", *fields[3:5], "PASS", "200", "-"]
    if is_incident(minute) and fields[3].endswith((".20:8080", ".33:8080", ".46:8080")):
        fields[2], fields[5], fields[6], fields[7] = "5.003120441", "FAIL", "-", "TimedOut"
    return " ".join(fields)


def is_incident(minute: float) -> bool:
    return INCIDENT[0] <= minute < INCIDENT[1]


TABLES = {
    "alb_access_log": ("", access, busy),
    "alb_connection_log": ("conn_log_", connection, busy),
    "alb_health_check_log": ("health_check_log_", check, lambda minute: 1),
}


def lines(program: Path, table: str, count: int) -> Iterator[str]:
    """Yields the lines of a log."""
    command = [program, "generate", table, "--lines", str(count), "--seed", "7", "--hostile", "0.002", "--to", "-"]
    data = subprocess.run(command, check=True, capture_output=True).stdout
    text = (gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data).decode()
    chosen = random.Random(table)
    _, change, rate = TABLES[table]
    written = text.splitlines()
    for line, minute in zip(written, minutes(len(written), rate), strict=True):
        yield change(line, minute, chosen)


def write(program: Path, folder: Path, count: int = 40_000) -> None:
    """Writes the log objects of the day into a folder: `count` requests, and fewer connections and health checks."""
    for table, share in (("alb_access_log", 1), ("alb_connection_log", 0.4), ("alb_health_check_log", 0.15)):
        path = folder / KEY.format(TABLES[table][0], NAME)
        path.parent.mkdir(parents=True, exist_ok=True)
        text = "".join(f"{line}\n" for line in lines(program, table, int(count * share)))
        path.write_bytes(gzip.compress(text.encode(), mtime=0))
