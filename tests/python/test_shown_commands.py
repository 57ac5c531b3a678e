"""The outputs that the pages show are what their commands print.

A block of commands that is directly followed by a block of text is run. `make generated` writes the outputs into the pages.
"""

import os
import re
import shutil
import subprocess

import pytest
from output import ROOT

PAGES = ("docs/reference/cli.md", "docs/reference/quarantine.md", "docs/guide/recovery.md")
SHOWN = re.compile(r"(```sh\n((?:(?!```).)*)```\n\n```text\n)(.*?)```", re.DOTALL)
# Commands that the tests' environment lacks; DuckDB is only a Python package there.
MISSING = [tool for tool in ("duckdb", "jq", "zcat") if shutil.which(tool) is None]


@pytest.mark.parametrize("page", PAGES)
def test_the_page_shows_what_the_commands_print(program, command, tmp_path, page):
    (tmp_path / "events").symlink_to(ROOT / "events")
    # The pages work with the output of the README's first command.
    command("run", "events/objects", "--to", tmp_path / "out")
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    checked = 0

    def printed(match: re.Match) -> str:
        nonlocal checked
        head, commands, shown = match.groups()
        if any(re.search(rf"\b{tool}\b", commands) for tool in MISSING):
            return match[0]
        run = subprocess.run(
            ["bash", "-c", commands],
            cwd=tmp_path,
            env={"PATH": path, "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
        )
        checked += 1
        return f"{head}{run.stdout}```"

    text = (ROOT / page).read_text()
    updated = SHOWN.sub(printed, text)
    assert checked, f"{page} shows no output"
    if "UPDATE_GENERATED" in os.environ:
        (ROOT / page).write_text(updated)
    else:
        assert updated == text, f"{page} is stale: run `make generated`"
