#!/usr/bin/env python3
"""Measures the deployable function: its size, its start-up time, and one large object within its memory limit.

Prints the figures of docs/performance.md. Needs the packages of `make venv`. moto's S3 runs next to the function and is not
measured.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/python"))

from stand_ins import CREDENTIALS, Runtime, client, moto  # noqa: E402

STARTS = 11
CGROUPS = Path("/sys/fs/cgroup")


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


class Limit:
    """A memory limit: a control group if it can be created, otherwise a limit on the data of the process."""

    def __init__(self, mebibytes: int):
        self.bytes = mebibytes * 1024 * 1024
        self.group = CGROUPS / f"alb-ingest-{os.getpid()}"
        try:
            self.group.mkdir()
            (self.group / "memory.max").write_text(str(self.bytes))
            self.how = "control group"
        except OSError:
            if self.group.exists():
                self.group.rmdir()
            self.group = None
            self.how = "limit on data (RLIMIT_DATA)"

    def on(self, pid: int) -> None:
        if self.group:
            (self.group / "cgroup.procs").write_text(str(pid))
        else:
            resource.prlimit(pid, resource.RLIMIT_DATA, (self.bytes, self.bytes))

    def remove(self) -> None:
        if not self.group:
            return
        # It takes the kernel a moment to notice that the last process of the group has exited.
        for _ in range(50):
            try:
                return self.group.rmdir()
            except OSError:
                time.sleep(0.1)


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
        limit = Limit(options.memory)
        try:
            with moto() as endpoint:
                s3 = client("s3", endpoint)
                s3.create_bucket(Bucket="logs")
                s3.create_bucket(Bucket="outputs")
                key = path.relative_to(folder).as_posix()
                s3.upload_file(str(path), "logs", key)
                runtime = Runtime(bootstrap, settings | {"AWS_ENDPOINT_URL": endpoint})
                limit.on(runtime.process.pid)
                began = time.perf_counter()
                response = runtime.invoke(json.dumps({"objects": [{"bucket": "logs", "key": key}]}).encode())
                took = time.perf_counter() - began
                held = peak(runtime.process.pid)
                runtime.stop()
                written = sum(item["Size"] for item in s3.list_objects_v2(Bucket="outputs").get("Contents", []))
        finally:
            limit.remove()
        if response[0] != "response":
            raise SystemExit(f"the function failed: {response}")
        print(
            f"large object {path.stat().st_size / 1e6:.1f} MB of gzip, {options.lines:,} lines: {took:.1f} s, "
            f"{written / 1e6:.1f} MB written, peak {held:.1f} MB of {options.memory} MiB ({limit.how})"
        )


if __name__ == "__main__":
    main()
