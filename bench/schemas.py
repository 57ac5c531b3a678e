#!/usr/bin/env python3
"""What each output schema costs beside the native one, in Parquet and JSON: CPU time and bytes.

The schemas take turns on one generated log object, each run on one thread into a fresh folder; the table has the median of
the CPU seconds, start of the program included. It is written to the terminal and to docs/performance.md.
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
SCHEMAS = ["native", "panther", "ecs", "ocsf", "tailpipe"]
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


def turns(program: Path, objects: Path, folder: Path, rounds: int) -> dict[tuple[str, str], tuple[float, int]]:
    """Median CPU seconds and bytes, by format and schema."""
    seconds, written = {}, {}
    for _ in range(rounds):
        for form in FORMATS:
            for schema in SCHEMAS:
                out = folder / "out"
                shutil.rmtree(out, ignore_errors=True)
                flags = ["--format", form, "--compression", "zstd" if form == "parquet" else "none", "--schema", schema]
                took = run([str(program), "run", str(objects), "--to", str(out), "--jobs", "1", *flags])
                seconds.setdefault((form, schema), []).append(took)
                written[form, schema] = size(out)
    return {key: (statistics.median(values), written[key]) for key, values in seconds.items()}


def table(measured: dict[tuple[str, str], tuple[float, int]]) -> str:
    """Markdown, each schema beside native."""
    lines = ["| format | schema | CPU s | against native | MB | against native |", "|---|---|---|---|---|---|"]
    for (form, schema), (seconds, written) in measured.items():
        native_seconds, native_written = measured[form, "native"]
        ratios = f"{seconds / native_seconds:.2f} | {written / 1e6:.1f} | {written / native_written:.2f}"
        lines.append(f"| {form} | {schema} | {seconds:.2f} | {ratios} |")
    return "\n".join(lines)


def write_document(text: str) -> None:
    """Replaces what is between the two marks of the document."""
    document = DOCUMENT.read_text()
    head, rest = document.split(BEGIN)
    _, tail = rest.split(END)
    DOCUMENT.write_text(f"{head}{BEGIN}\n\n{text}\n\n{END}{tail}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=200_000, help="lines of the object")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each schema")
    parser.add_argument("--print-only", action="store_true", help="leave docs/performance.md as it is")
    asked = parser.parse_args()
    build = ["cargo", "build", "--release", "--locked", "--quiet", "--bin", "alb-ingest"]
    subprocess.run([*build, "--no-default-features", "--features", "cli,generate"], cwd=ROOT, check=True)
    program = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/alb-ingest"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        objects = folder / "logs"
        generate = ["generate", "alb_access_log", "--seed", "1", "--lines", str(asked.lines), "--to", str(objects)]
        run([str(program), *generate])
        work = f"{asked.lines:,} lines, {size(objects) / 1e6:.1f} MB of gzip, {asked.rounds} rounds:"
        text = f"{work}\n\n{table(turns(program, objects, folder, asked.rounds))}"
    print(text)
    if not asked.print_only:
        write_document(text)


if __name__ == "__main__":
    main()
