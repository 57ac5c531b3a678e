"""The stacks of every choice, made once, and the command line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from choices import CHOICES  # noqa: E402
from stack import ROOT, Stack  # noqa: E402


@pytest.fixture(scope="session")
def stacks() -> dict[str, Stack]:
    """What each choice makes."""
    return {name: Stack(**choice) for name, choice in CHOICES.items()}


@pytest.fixture(params=CHOICES, scope="session")
def stack(request, stacks) -> Stack:
    """Each choice in turn."""
    return stacks[request.param]


@pytest.fixture(scope="session")
def program() -> Path:
    """The command line: ALB_INGEST_BIN, or a fresh debug build."""
    given = os.environ.get("ALB_INGEST_BIN")
    if given:
        return Path(given).resolve()
    command = ["cargo", "build", "--locked", "--bin", "alb-ingest", "--message-format=json-render-diagnostics"]
    built = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    for line in built.stdout.splitlines():
        message = json.loads(line)
        if message.get("executable") and message["target"]["name"] == "alb-ingest":
            return Path(message["executable"])
    raise AssertionError("cargo built no alb-ingest")
