#!/usr/bin/env python3
"""Runs a command and prints its peak resident memory, and its throughput if the size of the input is given.

    scripts/peak_memory.py --label parquet --bytes 1000000000 --lines 1500000 --limit-mb 100 -- COMMAND...

Exits with the command's exit code if it is not 0, with 1 if the peak reaches the limit, otherwise with 0.
The peak is the kernel's figure (ru_maxrss) for the command; 1 MB is 1,000,000 bytes.
"""

import argparse
import os
import sys
import time

# The kernel reports ru_maxrss in KiB on Linux and in bytes on macOS.
MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024
MB = 1_000_000


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--label", required=True, help="label of the output line")
    parser.add_argument("--bytes", type=int, default=0, help="size of the uncompressed input")
    parser.add_argument("--lines", type=int, default=0, help="lines in the input")
    parser.add_argument("--limit-mb", type=float, help="limit that the peak must stay below")
    parser.add_argument("command", nargs="+", help="the command and its arguments, after --")
    return parser.parse_args()


def measure(command: list[str]) -> tuple[int, int, float]:
    """Returns the command's exit code, its peak memory in bytes, and its run time in seconds."""
    started = time.monotonic()
    pid = os.posix_spawnp(command[0], command, os.environ)
    _, status, usage = os.wait4(pid, 0)
    seconds = time.monotonic() - started
    return os.waitstatus_to_exitcode(status), usage.ru_maxrss * MAXRSS_UNIT, seconds


def main() -> int:
    arguments = parse()
    try:
        code, peak, seconds = measure(arguments.command)
    except FileNotFoundError:
        print(f"{arguments.label}: command not found: {arguments.command[0]}", file=sys.stderr)
        return 127
    if code != 0:
        print(f"{arguments.label}: the command failed with {code}", file=sys.stderr)
        return code if code > 0 else 128 - code

    figures = [f"peak {peak / MB:6.1f} MB", f"{seconds:6.1f} s"]
    if arguments.bytes:
        figures.append(f"{arguments.bytes / MB / seconds:6.0f} MB/s of text")
    if arguments.lines:
        figures.append(f"{arguments.lines / seconds:9,.0f} lines/s")
    within = arguments.limit_mb is None or peak < arguments.limit_mb * MB
    if arguments.limit_mb is not None:
        figures.append(f"limit {arguments.limit_mb:.0f} MB {'met' if within else 'EXCEEDED'}")
    print(f"{arguments.label:<8} " + ", ".join(figures), flush=True)
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
