#!/usr/bin/env python3
"""Writes docs/report.png: the top of the page of `alb-ingest report` for a day of generated logs, as the README shows it."""

import os
import subprocess
import tempfile
from pathlib import Path

import logs_of_a_day
from chromium import Browser, NoBrowser, Page

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs/report.png"
WIDTH, HEIGHT = 1200, 940
MAX_BYTES = 200_000
TITLE = "Shop, 7 October 2026"


def program() -> Path:
    """Returns the command line: from ALB_INGEST_BIN, or of a new debug build."""
    given = os.environ.get("ALB_INGEST_BIN")
    if given:
        return Path(given)
    build = ["cargo", "build", "--quiet", "--locked", "--no-default-features", "--features", "cli,generate", "--bin", "alb-ingest"]
    subprocess.run(build, cwd=ROOT, check=True)
    return ROOT / "target/debug/alb-ingest"


def main() -> None:
    command = program()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        logs_of_a_day.write(command, folder / "logs")
        page = folder / "report.html"
        subprocess.run([command, "report", folder / "logs", "--to", page, "--title", TITLE], stdout=subprocess.DEVNULL, check=True)
        try:
            with Browser() as browser:
                view = Page(browser, WIDTH)
                view.open(page)
                view.picture(PICTURE, HEIGHT)
        except NoBrowser as problem:
            raise SystemExit(f"report-picture: {problem}") from None
    size = PICTURE.stat().st_size
    print(f"{PICTURE.relative_to(ROOT)}: {size:,} bytes")
    if size > MAX_BYTES:
        raise SystemExit(f"report-picture: more than {MAX_BYTES:,} bytes")


if __name__ == "__main__":
    main()
