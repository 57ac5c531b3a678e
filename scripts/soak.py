#!/usr/bin/env python3
"""Runs the long tests one after the other and writes their figures to docs/soak.json, which docs/reliability.md shows.

Each step appends a JSON object per case to target/soak/STEP.jsonl, so it can be stopped (Ctrl-C) and started again: cases of the
same git revision are not repeated. Commit first: a plus sign after the revision means that files differ from it.
"""

import argparse
import datetime
import json
import os
import platform
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STATE = ROOT / "target/soak"
FIGURES = ROOT / "docs/soak.json"
# What a process that was interrupted by Ctrl-C returns.
INTERRUPTED = 130

Record = dict[str, object]


@dataclass(frozen=True)
class Step:
    """A step: how it runs, and what becomes of its records."""

    name: str
    run: Callable[[argparse.Namespace, str], bool]
    figures: Callable[[list[Record]], Record]

    @property
    def state(self) -> Path:
        return STATE / f"{self.name}.jsonl"


def test(name: str, revision: str, variables: dict[str, object]) -> bool:
    """Runs a test of the binary `aws` with variables; returns whether it passed. In a release build, it takes a quarter of the time."""
    command = ["cargo", "test", "--release", "--locked", "--test", "aws", name, "--", "--nocapture"]
    return ran(command, {name: str(value) for name, value in variables.items()} | {"SOAK_REVISION": revision})


def ran(command: list[str], variables: dict[str, str]) -> bool:
    return subprocess.run(command, cwd=ROOT, env=os.environ | variables).returncode == 0


def run_plans(options: argparse.Namespace, revision: str) -> bool:
    variables = {"PLANS": options.plans, "PLANS_STATE": STATE / "plans.jsonl"}
    return test("plans::every_plan_holds_every_invariant", revision, variables)


def run_kills(options: argparse.Namespace, revision: str) -> bool:
    return test("kills::", revision, {"KILLS": options.kills, "KILLS_STATE": STATE / "kills.jsonl"})


def run_limits(_: argparse.Namespace, revision: str) -> bool:
    command = [".venv/bin/python", "scripts/limits.py", "--out", str(STATE / "limits.jsonl")]
    return ran(command, {"SOAK_REVISION": revision})


def run_fuzz(options: argparse.Namespace, revision: str) -> bool:
    """Runs each fuzz target of the Makefile that has no record yet."""
    found = re.search(r"^FUZZ_TARGETS := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    done = {record["case"] for record in read(STATE / "fuzz.jsonl", revision) if record["passed"]}
    passed = True
    for target in found[1].split():
        if target in done:
            continue
        command = ["make", "fuzz", f"FUZZ_TARGETS={target}", f"FUZZ_SECONDS={options.fuzz_seconds}"]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        executions = 0
        for line in process.stdout:
            print(line, end="", flush=True)
            executions = executed(line) or executions
        ok = process.wait() == 0
        append(STATE / "fuzz.jsonl", {"case": target, "revision": revision, "executions": executions,
                                      "seconds": options.fuzz_seconds, "passed": ok})
        passed &= ok
    return passed


def executed(line: str) -> int | None:
    """Returns the number in libFuzzer's line about its executions."""
    found = re.match(r"stat::number_of_executed_units:\s*(\d+)", line)
    return int(found[1]) if found else None


def append(path: Path, record: Record) -> None:
    with path.open("a") as file:
        file.write(json.dumps(record) + "\n")


def read(path: Path, revision: str | None = None) -> list[Record]:
    """Returns the records of a revision, the last one of each case. A line that a kill has cut is left out."""
    records = []
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if revision is None or record["revision"] == revision:
            records.append(record)
    return records


def count(records: Iterable[Record], name: str) -> int:
    return sum(int(record.get(name) or 0) for record in records)


def peak(records: Iterable[Record], name: str) -> float:
    return max((float(record.get(name) or 0) for record in records), default=0.0)


def figures_of_plans(records: list[Record]) -> Record:
    """The counts of plans that held; a plan that did not has a violation and its seed."""
    # Two runs at the same time may record a plan twice.
    records = list({record["case"]: record for record in records}.values())
    held = [record["figures"] for record in records if record.get("figures")]
    faults = Counter()
    for figures in held:
        faults.update(figures["faults"])
    sums = {name: count(held, name) for name in ("objects", "lines", "events", "invocations", "duplicates")}
    return {
        "plans": len(records),
        "violations": {str(record["case"]): record["violation"] for record in records if record.get("violation")},
        **sums,
        "peak_mib": round(peak(held, "peak_kib") / 1024, 1),
        "faults": dict(sorted(faults.items())),
    }


def figures_of_kills(records: list[Record]) -> Record:
    killed = [record for record in records if record["killed"]]
    return {
        "kills": len(killed),
        "points": len(records),
        "of_function": sum(str(record["case"]).startswith("function") for record in killed),
        "of_command": sum(not str(record["case"]).startswith("function") for record in killed),
        "partial": count(records, "partial"),
        "different": sum(not record["equal"] for record in records),
        "duplicates": count(records, "duplicates"),
    }


def figures_of_limits(records: list[Record]) -> Record:
    last = {record["case"]: record for record in records}.values()
    return {
        "cases": len(last),
        "failed": sum(not record.get("passed", True) for record in last),
        "killed": sum(bool(record.get("killed")) for record in last),
        "lost": count(last, "lost"),
        "lines": count(last, "lines"),
        "peak_mb": peak(last, "peak_mb"),
    }


def figures_of_fuzz(records: list[Record]) -> Record:
    last = {record["case"]: record for record in records}.values()
    return {
        "executions": {str(record["case"]): record["executions"] for record in sorted(last, key=lambda record: str(record["case"]))},
        "seconds": count(last, "seconds"),
        "failed": sum(not record["passed"] for record in last),
    }


STEPS = (
    Step("plans", run_plans, figures_of_plans),
    Step("kills", run_kills, figures_of_kills),
    Step("limits", run_limits, figures_of_limits),
    Step("fuzz", run_fuzz, figures_of_fuzz),
)


def revision() -> str:
    """Returns the commit, with a plus sign if files differ from it. The figures of a soak are not part of what it tests."""
    git = ["git", "-C", str(ROOT)]
    changed = ["status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs/soak.json", ":!docs/reliability.md"]
    output = [subprocess.check_output(git + command, text=True).strip() for command in (["rev-parse", "HEAD"], changed)]
    return output[0] + ("+" if output[1] else "")


def newest() -> str | None:
    """Returns the revision of the newest record."""
    files = sorted((step.state for step in STEPS if step.state.exists()), key=lambda path: path.stat().st_mtime)
    records = read(files[-1]) if files else []
    return str(records[-1]["revision"]) if records else None


def memory_gib() -> float:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)


def aggregate(current: str, date: datetime.date) -> Record:
    """Returns the figures of the steps that have records of a revision."""
    figures: Record = {
        "revision": current,
        "date": date.isoformat(),
        "machine": {
            "processors": len(os.sched_getaffinity(0)),
            "memory_gib": memory_gib(),
            "kernel": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])} {platform.machine()}",
        },
    }
    for step in STEPS:
        if records := read(step.state, current):
            figures[step.name] = step.figures(records)
    return figures


def write_figures(current: str) -> None:
    figures = aggregate(current, datetime.datetime.now(datetime.UTC).date())
    FIGURES.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n")
    print(f"soak: wrote {FIGURES.relative_to(ROOT)}; `make generated` updates docs/reliability.md", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [step.name for step in STEPS]
    parser.add_argument("--steps", default=",".join(names), help="steps to run, separated by commas [default: all]")
    parser.add_argument("--plans", type=int, default=10_000, help="number of random plans [default: 10000]")
    parser.add_argument("--kills", type=int, default=1_000, help="number of kills, at least [default: 1000]")
    parser.add_argument("--fuzz-seconds", type=int, default=600, help="time of each fuzz target [default: 600]")
    parser.add_argument("--figures", action="store_true", help="only write docs/soak.json from the newest records")
    options = parser.parse_args()
    chosen = options.steps.split(",")
    if unknown := [name for name in chosen if name not in names]:
        parser.error(f"unknown steps: {', '.join(unknown)}; there are {', '.join(names)}")
    STATE.mkdir(parents=True, exist_ok=True)
    if options.figures:
        if (current := newest()) is None:
            print("soak: no records in target/soak; run `make soak`", file=sys.stderr)
            return 1
        write_figures(current)
        return 0
    current, failed = revision(), []
    try:
        for step in STEPS:
            if step.name in chosen:
                print(f"\nsoak: {step.name}, revision {current}", flush=True)
                if not step.run(options, current):
                    failed.append(step.name)
    except KeyboardInterrupt:
        print("\nsoak: stopped; the same command continues", file=sys.stderr)
        return INTERRUPTED
    write_figures(current)
    if failed:
        print(f"soak: failed: {', '.join(failed)}", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
