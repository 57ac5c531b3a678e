#!/usr/bin/env python3
"""Measures the function end to end: objects, lines and bytes a second for each invocation, with the processor share of 512 and
1,769 MB of memory, and servers that respond after 20 ms.

Runs the test `throughput` against the servers of the tests, which are not in the control group of the function. Writes its tables
to docs/performance.md, between two marks. Needs root, for the control groups.

    make measure-throughput
    scripts/measure_throughput.py --profile release --print    (builds faster, and writes no file)
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests/python"), str(ROOT / "bench/peers")]

import machine  # noqa: E402
from confinement import processor  # noqa: E402

# https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html: 1,769 MB have the equivalent of one vCPU.
MEMORY_OF_ONE_PROCESSOR = 1769
MEMORY = (512, MEMORY_OF_ONE_PROCESSOR)
DOCUMENT = ROOT / "docs/performance.md"
BEGIN = "<!-- measure-throughput: begin. `make measure-throughput` writes what follows. -->"
END = "<!-- measure-throughput: end -->"
HEAD = "| MB | objects, lines each | billed ms | objects/s | lines/s | MB/s of gzip | CPU s per million lines | GETs in flight | first, ms | peak MB |"
NAMES = {"Parquet": "Parquet to S3", "Firehose": "JSON to Firehose", "Merged": "merged Parquet to S3"}


def build(profile: str) -> Path:
    """Builds the function; returns its path."""
    features = ["--bin", "bootstrap", "--no-default-features", "--features", "aws"]
    subprocess.run(["cargo", "build", "--locked", "--profile", profile, *features], cwd=ROOT, check=True)
    bootstrap = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / profile / "bootstrap"
    # The build of the test has a function with other features at the same place.
    copy = bootstrap.with_name("bootstrap-measured")
    copy.write_bytes(bootstrap.read_bytes())
    copy.chmod(0o755)
    return copy


def prefer() -> None:
    """Gives this process and its children precedence over others, if permitted."""
    try:
        os.nice(-10)
    except OSError as error:
        print(f"no precedence over other processes: {error}", file=sys.stderr)


def measure(bootstrap: Path) -> list[dict]:
    """Runs the test; returns its figures."""
    test = ["cargo", "test", "--release", "--locked", "--test", "aws"]
    subprocess.run([*test, "--no-run"], cwd=ROOT, check=True)
    with ExitStack() as groups, tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "figures.json"
        groups_of = {size: groups.enter_context(processor(size / MEMORY_OF_ONE_PROCESSOR)) for size in MEMORY}
        launchers = {size: group.launcher for size, group in groups_of.items()}
        environment = os.environ | {
            "THROUGHPUT_BOOTSTRAP": str(bootstrap),
            "THROUGHPUT_LAUNCHERS": json.dumps(launchers),
            "THROUGHPUT_OUT": str(out),
        }
        subprocess.run([*test, "throughput", "--", "--nocapture"], cwd=ROOT, env=environment, check=True, stdout=sys.stderr)
        return json.loads(out.read_text())


def row(figures: dict) -> str:
    """Returns a row of the table."""
    seconds = sum(figures["billed_ms"]) / 1e3
    objects, lines = figures["objects"], figures["objects"] * figures["lines"]
    cells = (
        f"{figures['memory']:,}",
        f"{objects // figures['invocations']} of {figures['lines']:,}",
        f"{statistics.median(figures['billed_ms']):,.0f}",
        f"{objects / seconds:,.3g}" if objects / seconds < 1e3 else f"{objects / seconds:,.0f}",
        f"{lines / seconds:,.0f}",
        f"{figures['bytes'] / seconds / 1e6:,.2f}",
        f"{figures['cpu_seconds'] / lines * 1e6:,.1f}",
        f"{figures['gets_in_flight']}",
        f"{figures['first_ms']:,}",
        f"{figures['peak_mb']:,.0f}",
    )
    return f"| {' | '.join(cells)} |"


def document(results: list[dict], profile: str) -> str:
    """Returns the part of the document."""
    parts = [f"Machine: {machine.describe()}. Profile `{profile}`."]
    for delivery, name in NAMES.items():
        rows = [row(figures) for figures in results if figures["delivery"] == delivery]
        parts.append("\n".join([f"{name}:\n", HEAD, "|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|", *rows]))
    return "\n\n".join(parts)


def main() -> None:
    """Runs the measurement, and prints and writes its tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", default="artefact", help="cargo profile of the function [default: artefact]")
    parser.add_argument("--print", action="store_true", help="leave docs/performance.md as it is")
    options = parser.parse_args()
    bootstrap = build(options.profile)
    prefer()
    try:
        results = measure(bootstrap)
    except OSError as error:
        raise SystemExit(f"this machine does not allow a control group for processor time: {error}") from error
    made = document(results, options.profile)
    print(made)
    if not options.print:
        before, _, rest = DOCUMENT.read_text().partition(BEGIN)
        _, _, after = rest.partition(END)
        DOCUMENT.write_text(f"{before}{BEGIN}\n\n{made}\n\n{END}{after}")


if __name__ == "__main__":
    main()
