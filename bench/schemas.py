#!/usr/bin/env python3
"""What each output schema costs beside the native one, in Parquet and JSON: CPU time and bytes.

The schemas take turns on one generated log object, each run on one thread into a fresh folder; the table has the median of
the CPU seconds, start of the program included. It is written to the terminal and to docs/performance.md. `features.py` compares other settings
in the same way.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs/performance.md"
BEGIN = "<!-- bench-schemas: begin. `make bench-schemas` writes what follows. -->"
END = "<!-- bench-schemas: end -->"
SCHEMAS = {schema: ["--schema", schema] for schema in ("native", "panther", "ecs", "ocsf", "tailpipe")}
FORMATS = ["parquet", "json"]


def run(command: list[str]) -> float:
    """The CPU seconds of a command."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return used.ru_utime + used.ru_stime


def size(folder: Path) -> int:
    """The bytes of the files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def turns(program: Path, objects: Path, folder: Path, rounds: int, variants: dict[str, list[str]]) -> dict[tuple[str, str], tuple[float, int]]:
    """Median CPU seconds and bytes, by format and variant, which is a name and its options."""
    seconds, written = {}, {}
    for _ in range(rounds):
        for form in FORMATS:
            for name, options in variants.items():
                out = folder / "out"
                shutil.rmtree(out, ignore_errors=True)
                flags = ["--format", form, "--compression", "zstd" if form == "parquet" else "none", *options]
                took = run([str(program), "run", str(objects), "--to", str(out), "--jobs", "1", *flags])
                seconds.setdefault((form, name), []).append(took)
                written[form, name] = size(out)
    return {key: (statistics.median(values), written[key]) for key, values in seconds.items()}


def table(measured: dict[tuple[str, str], tuple[float, int]], heading: str, base: str) -> str:
    """Markdown, each variant beside the base."""
    lines = [f"| format | {heading} | CPU s | against {base} | MB | against {base} |", "|---|---|---|---|---|---|"]
    for (form, name), (seconds, written) in measured.items():
        base_seconds, base_written = measured[form, base]
        ratios = f"{seconds / base_seconds:.2f} | {written / 1e6:.1f} | {written / base_written:.2f}"
        lines.append(f"| {form} | {name} | {seconds:.2f} | {ratios} |")
    return "\n".join(lines)


def write_document(text: str) -> None:
    """Replaces what is between the two marks of the document."""
    document = DOCUMENT.read_text()
    head, rest = document.split(BEGIN)
    _, tail = rest.split(END)
    DOCUMENT.write_text(f"{head}{BEGIN}\n\n{text}\n\n{END}{tail}")


def arguments(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--lines", type=int, default=200_000, help="lines of the object")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each variant")
    return parser


def compare(asked: argparse.Namespace, variants: dict[str, list[str]], heading: str) -> str:
    """Builds the program, generates an object, and compares the variants with the first; returns the text of the document."""
    build = ["cargo", "build", "--release", "--locked", "--quiet", "--bin", "alb-ingest"]
    subprocess.run([*build, "--no-default-features", "--features", "cli,generate"], cwd=ROOT, check=True)
    program = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/alb-ingest"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        objects = folder / "logs"
        generate = ["generate", "alb_access_log", "--seed", "1", "--lines", str(asked.lines), "--to", str(objects)]
        run([str(program), *generate])
        work = f"{asked.lines:,} lines, {size(objects) / 1e6:.1f} MB of gzip, {asked.rounds} rounds:"
        measured = turns(program, objects, folder, asked.rounds, variants)
    return f"{work}\n\n{table(measured, heading, next(iter(variants)))}"


def main() -> None:
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--print-only", action="store_true", help="leave docs/performance.md as it is")
    asked = parser.parse_args()
    text = compare(asked, SCHEMAS, "schema")
    print(text)
    if not asked.print_only:
        write_document(text)


if __name__ == "__main__":
    main()
