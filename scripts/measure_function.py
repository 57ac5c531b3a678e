#!/usr/bin/env python3
"""Measures the deployable function: its size, its start-up time, and one large object within its memory limit.

Prints the figures of docs/performance.md. Needs the packages of `make venv`. moto's S3 runs next to the function and is not
measured.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/python"))

from confinement import memory  # noqa: E402
from stand_ins import CREDENTIALS, Runtime, client, moto  # noqa: E402

STARTS = 11


def build(profile: str) -> tuple[Path, Path]:
    """Builds the command line, which only generates the object, and the function; returns their paths."""
    cargo = ["cargo", "build", "--locked"]
    for command in (
        ["--release", "--bin", "alb-ingest", "--no-default-features", "--features", "cli,generate"],
        ["--profile", profile, "--bin", "bootstrap", "--no-default-features", "--features", "aws"],
    ):
        subprocess.run([*cargo, *command], cwd=ROOT, check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return target / "release/alb-ingest", target / profile / "bootstrap"


def peak(pid: int) -> float:
    """Returns the peak resident memory of a process, in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise SystemExit(f"/proc/{pid}/status has no VmHWM")


def start_time(bootstrap: Path, settings: dict[str, str]) -> float:
    """Returns the milliseconds from the start of the process to its first request for an event."""
    began = time.perf_counter()
    runtime = Runtime(bootstrap, settings)
    runtime.requests.get(timeout=10)
    took = (time.perf_counter() - began) * 1000
    runtime.stop()
    return took


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--lines", type=int, default=900_000, help="lines in the large object [default: 900000]")
    options.add_argument("--memory", type=int, default=256, help="memory limit of the function in MiB [default: 256]")
    options.add_argument("--profile", default="artefact", help="cargo profile [default: artefact]")
    options = options.parse_args()
    program, bootstrap = build(options.profile)
    settings = {**CREDENTIALS, "AWS_CONFIG_FILE": "/dev/null"}
    settings |= {"DESTINATION": "s3://outputs", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(options.memory)}
    print(f"bootstrap    {bootstrap.stat().st_size / 1e6:.1f} MB")
    starts = [start_time(bootstrap, settings) for _ in range(STARTS)]
    print(f"start        {statistics.median(starts):.0f} ms, median of {STARTS}, until it requests an event")

    with tempfile.TemporaryDirectory() as folder:
        made = [program, "generate", "alb_access_log", "--lines", str(options.lines), "--to", folder]
        subprocess.run(made, check=True, capture_output=True)
        (path,) = (path for path in Path(folder).rglob("*") if path.is_file())
        with memory(options.memory) as limit, moto() as endpoint:
            s3 = client("s3", endpoint)
            s3.create_bucket(Bucket="logs")
            s3.create_bucket(Bucket="outputs")
            key = path.relative_to(folder).as_posix()
            s3.upload_file(str(path), "logs", key)
            runtime = Runtime(bootstrap, settings | {"AWS_ENDPOINT_URL": endpoint}, limit.launcher)
            began = time.perf_counter()
            response = runtime.invoke(json.dumps({"objects": [{"bucket": "logs", "key": key}]}).encode())
            took = time.perf_counter() - began
            held = peak(runtime.process.pid)
            runtime.stop()
            written = sum(item["Size"] for item in s3.list_objects_v2(Bucket="outputs").get("Contents", []))
        if response[0] != "response":
            raise SystemExit(f"the function failed: {response}")
        print(
            f"large object {path.stat().st_size / 1e6:.1f} MB of gzip, {options.lines:,} lines: {took:.1f} s, "
            f"{written / 1e6:.1f} MB written, peak {held:.1f} MB of {options.memory} MiB ({limit.how})"
        )


if __name__ == "__main__":
    main()
