#!/usr/bin/env python3
"""Compares two builds of alb-ingest: output bytes, answers, reports and exit codes must be equal.

usage: compare_behaviour.py OLD NEW [INPUT...]

OLD and NEW are alb-ingest executables. Both work on the sample objects and payloads of events/, on generated objects of
every table (with hostile, broken and repairable lines, several gzip members, truncated and damaged copies), in every schema
and format, and on each further INPUT folder. Messages on stderr are not compared: they may change their words. The command
ends with the number of comparisons of each kind, and with exit code 1 if any of them differs. Error texts in answers and
reports are counted, and otherwise not compared either.
"""

import argparse
import collections
import hashlib
import itertools
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
TABLES = ("alb_access_log", "alb_connection_log", "alb_health_check_log", "nlb_access_log", "clb_access_log")
SCHEMAS = ("native", "panther", "ecs", "ocsf")
FORMATS = (("parquet", "zstd"), ("json", "none"))
SEEDS = (1, 2, 3)
# Members of answers and reports that hold text for people.
MESSAGES = ("error", "errorMessage", "resultString")


def call(binary: pathlib.Path, *args: object, env: dict[str, str] | None = None) -> tuple[int, bytes]:
    """Runs a command; returns its exit code and what it wrote to stdout."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | (env or {})
    done = subprocess.run(
        [str(binary), *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, cwd=ROOT
    )
    return done.returncode, done.stdout


def tree(folder: pathlib.Path) -> dict[str, str]:
    """Returns the SHA-256 of every file below a folder, by its path."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def without_messages(stdout: bytes) -> object:
    """Returns a JSON answer or report without the texts of its errors; any other output as it is."""

    def strip(value: object) -> object:
        match value:
            case dict():
                return {key: "" if key in MESSAGES else strip(inner) for key, inner in value.items()}
            case list():
                return [strip(inner) for inner in value]
        return value

    try:
        return strip(json.loads(stdout))
    except ValueError:
        return stdout


class Comparison:
    """Two builds, and what was found when both did the same."""

    def __init__(self, old: pathlib.Path, new: pathlib.Path, work: pathlib.Path) -> None:
        self.old, self.new, self.work = old, new, work
        self.counts: collections.Counter[str] = collections.Counter()
        self.files = 0
        self.messages = 0
        self.differences: list[str] = []

    def check(self, kind: str, what: str, args: list[object], env: dict[str, str] | None = None) -> None:
        """Lets both builds do the same. `{out}` in an argument or variable is a folder of the build's own."""
        results = []
        for name, binary in (("old", self.old), ("new", self.new)):
            out = self.work / name
            shutil.rmtree(out, ignore_errors=True)
            fill = lambda value, out=out: str(value).replace("{out}", str(out))
            filled = {key: fill(value) for key, value in (env or {}).items()}
            code, stdout = call(binary, *map(fill, args), env=filled)
            results.append((code, stdout.replace(bytes(out), b"{out}"), tree(out)))
        self.counts[kind] += 1
        (old_code, old_out, old_files), (new_code, new_out, new_files) = results
        self.files += len(old_files)
        self.messages += old_out != new_out and without_messages(old_out) == without_messages(new_out)
        for label, old, new in (
            ("exit code", old_code, new_code),
            ("stdout", without_messages(old_out), without_messages(new_out)),
        ):
            if old != new:
                self.differences.append(f"{kind}: {what}: {label}: {str(old)[:300]} -> {str(new)[:300]}")
        for path in sorted(old_files.keys() | new_files.keys()):
            if old_files.get(path) != new_files.get(path):
                state = "differs" if path in old_files and path in new_files else "is only in one of them"
                self.differences.append(f"{kind}: {what}: {path} {state}")

    def run(self, kind: str, folder: pathlib.Path, *, schemas: tuple[str, ...] = SCHEMAS, options: list[str] = []) -> None:
        """Ingests a folder in every schema and format."""
        for schema, (format_, compression) in itertools.product(schemas, FORMATS):
            settings = ["--schema", schema, "--format", format_, "--compression", compression, *options]
            args = ["run", folder, "--to", "{out}", "--report", "json", "--jobs", 2, *settings]
            self.check(kind, f"{folder.name} {' '.join(settings)}", args)


def samples(comparison: Comparison) -> None:
    """Ingests the sample objects, laid out and compressed in every way."""
    objects = ROOT / "events/objects"
    comparison.run("samples", objects)
    for partition, (format_, compression) in itertools.product(
        ("day", "hour", "none"), [("parquet", c) for c in ("zstd", "snappy", "gzip", "none")] + [("json", c) for c in ("zstd", "gzip", "none")]
    ):
        options = ["--partition-by", partition, "--format", format_, "--compression", compression]
        args = ["run", objects, "--to", "{out}", "--report", "json", *options]
        comparison.check("samples", " ".join(options), args)
    comparison.check("samples", "stdout", ["run", objects, "--to", "-", "--quarantine", "{out}"])
    lake = ["--schema", "ocsf", "--partition-by", "security-lake"]
    comparison.check("samples", "security lake", ["run", objects, "--to", "{out}", "--report", "json", *lake])


def generated(comparison: Comparison) -> None:
    """Ingests generated objects of every table, whole, truncated and damaged; the old build generates them."""
    for table, seed in itertools.product(TABLES, SEEDS):
        args = ["generate", table, "--lines", 2500, "--seed", seed, "--members", seed, "--hostile", "0.2", "--broken", "0.03", "--repairable", "0.03"]
        comparison.check("generate", f"{table} {seed}", [*args, "--to", "{out}"])
        folder = comparison.work / "input"
        shutil.rmtree(folder, ignore_errors=True)
        call(comparison.old, *args, "--to", folder)
        comparison.run("generated", folder)
        for path in [path for path in folder.rglob("*") if path.is_file()]:
            content = path.read_bytes()
            path.write_bytes(content[: len(content) * 2 // 3])
            comparison.run("truncated", folder, schemas=("native",))
            comparison.run("truncated", folder, schemas=("native",), options=["--on-corrupt", "strict"])
            damaged = bytearray(content)
            damaged[len(content) // 2] ^= 0x10
            path.write_bytes(damaged)
            comparison.run("damaged", folder, schemas=("native",))


def payloads(comparison: Comparison) -> None:
    """Replays every payload, with and without partial batch answers."""
    for payload in sorted((ROOT / "events").glob("*.json")):
        for schema, partial, format_ in itertools.product(SCHEMAS, ("true", "false"), ("parquet", "json")):
            env = {"DESTINATION": "file://{out}", "SCHEMA": schema, "PARTIAL_BATCH": partial, "FORMAT": format_}
            args = ["replay", payload, "--bucket-root", ROOT / "events"]
            comparison.check("payloads", f"{payload.name} {schema} {partial} {format_}", args, env)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=pathlib.Path)
    parser.add_argument("new", type=pathlib.Path)
    parser.add_argument("inputs", nargs="*", type=pathlib.Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        comparison = Comparison(options.old.resolve(), options.new.resolve(), pathlib.Path(work))
        samples(comparison)
        generated(comparison)
        payloads(comparison)
        for folder in options.inputs:
            comparison.run("further input", folder.resolve())
    for difference in comparison.differences:
        print(difference)
    print(", ".join(f"{kind} {count}" for kind, count in comparison.counts.items()), end="")
    print(f": {sum(comparison.counts.values())} comparisons of {comparison.files} files, {len(comparison.differences)} differences; error texts differ in {comparison.messages}")
    return 1 if comparison.differences else 0


if __name__ == "__main__":
    sys.exit(main())
