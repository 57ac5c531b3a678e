#!/usr/bin/env python3
"""Writes the bill of materials of the deployable function as CycloneDX, dist/alb-ingest-ARCH.cdx.json.

usage: sbom.py x86_64|arm64

cargo-cyclonedx describes every crate of `cargo metadata`, which unites the features of tests, builds and programs. This leaves the
crates that are linked into `bootstrap`, as `cargo tree` lists them, and fails if one of them is missing. The lists that are compiled
into it are added as data. Every run produces the same bytes.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGETS = {"x86_64": "x86_64-unknown-linux-gnu", "arm64": "aarch64-unknown-linux-gnu"}
FEATURES = ("--no-default-features", "--features", "aws")
NAME = "sbom"
# The names of licences in the first line of a list, which scripts/agents.py writes, by their SPDX identifier.
LICENCES = {"Apache-2.0": "Apache License 2.0", "MIT": "MIT License"}

Crate = tuple[str, str]


def linked(target: str) -> set[Crate]:
    """Returns the names and versions of the crates in the function, as cargo lists them."""
    command = ["cargo", "tree", "--locked", "--edges", "normal", *FEATURES, "--target", target, "--prefix", "none", "--format", "{p}"]
    lines = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    found = {tuple(line.split()[:2]) for line in lines if line}
    return {(name, version.removeprefix("v")) for name, version in found}


def described(target: str) -> str:
    """Returns the description of cargo-cyclonedx, which only writes files next to Cargo.toml."""
    path = ROOT / f"{NAME}.json"
    command = ["cargo", "cyclonedx", "--quiet", *FEATURES, "--target", target, "--no-build-deps"]
    command += ["--format", "json", "--spec-version", "1.5", "--override-filename", NAME]
    try:
        # Without a time and a random number.
        subprocess.run(command, cwd=ROOT, check=True, env=os.environ | {"SOURCE_DATE_EPOCH": "0"})
        return path.read_text()
    finally:
        path.unlink(missing_ok=True)


def reduced(bill: dict, crates: set[Crate]) -> dict:
    """Returns the bill of these crates alone; fails if it lacks one."""
    main = bill["metadata"]["component"]
    kept = [part for part in bill["components"] if (part["name"], part["version"]) in crates]
    missing = crates - {(part["name"], part["version"]) for part in [main, *kept]}
    if missing:
        raise SystemExit(f"sbom: the bill of materials lacks {sorted(missing)}")
    names = {part["bom-ref"] for part in [main, *kept]}
    # Programs that are not part of the function.
    main["components"] = [part for part in main.get("components", []) if part["name"] in ("alb_ingest", "bootstrap")]
    edges = [
        edge | {"dependsOn": [name for name in edge["dependsOn"] if name in names]} if "dependsOn" in edge else edge
        for edge in bill["dependencies"]
        if edge["ref"] in names
    ]
    return bill | {"components": kept, "dependencies": edges}


def data() -> list[dict]:
    """Returns the lists of data/, as their first lines describe them. The files of a folder are from one source."""
    found = {}
    for path in sorted((ROOT / "data").glob("*/*.tsv")):
        with path.open() as lines:
            head = re.match(r"# (\S+) (\S+) \(.+?\), (Copyright .+?), (.+?)\. Made by ", next(lines))
        (licence,) = [identifier for identifier, name in LICENCES.items() if name == head[4]]
        found[head[1]] = {
            "type": "data",
            "bom-ref": f"data/{path.parent.name}",
            "name": head[1],
            "version": head[2],
            "copyright": head[3],
            "licenses": [{"license": {"id": licence}}],
        }
    return list(found.values())


def with_data(bill: dict) -> dict:
    """Returns the bill with the lists, on which the function depends."""
    lists = data()
    main = bill["metadata"]["component"]["bom-ref"]
    edges = [
        edge | {"dependsOn": [*edge.get("dependsOn", []), *(part["bom-ref"] for part in lists)]} if edge["ref"] == main else edge
        for edge in bill["dependencies"]
    ]
    return bill | {"components": [*bill["components"], *lists], "dependencies": edges}


def main() -> None:
    if len(sys.argv) != 2 or sys.argv[1] not in TARGETS:
        raise SystemExit(__doc__)
    arch = sys.argv[1]
    target = TARGETS[arch]
    crates = linked(target)
    # The folder of this checkout is part of the project's own references.
    bill = json.loads(described(target).replace(f"path+file://{ROOT}#", "path+file://.#"))
    bill = reduced(bill, crates)
    count = len(bill["components"])
    bill = with_data(bill)
    path = ROOT / f"dist/alb-ingest-{arch}.cdx.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(bill, indent=2) + "\n")
    print(f"{path.relative_to(ROOT)}: {count} crates, as linked into the function for {target}, and {len(bill['components']) - count} lists")


if __name__ == "__main__":
    main()
