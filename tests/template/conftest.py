"""The stack of every choice of parameters, and the programs."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from choices import CHOICES  # noqa: E402
from stack import ROOT, Stack  # noqa: E402


@pytest.fixture(scope="session")
def stacks() -> dict[str, Stack]:
    """The stack of each choice."""
    return {name: Stack(**choice) for name, choice in CHOICES.items()}


@pytest.fixture(params=CHOICES, scope="session")
def stack(request, stacks) -> Stack:
    """The stack of each choice in turn."""
    return stacks[request.param]


@pytest.fixture(scope="session")
def built() -> Callable[[str], Path]:
    """Returns a function that makes a debug build of a binary and returns its path."""

    def build(name: str) -> Path:
        command = ["cargo", "build", "--locked", "--bin", name, "--message-format=json-render-diagnostics"]
        made = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
        for line in made.stdout.splitlines():
            message = json.loads(line)
            if message.get("executable") and message["target"]["name"] == name:
                return Path(message["executable"])
        raise AssertionError(f"cargo did not build {name}")

    return build


@pytest.fixture(scope="session")
def program(built) -> Path:
    """The command line: ALB_INGEST_BIN, or a new debug build."""
    given = os.environ.get("ALB_INGEST_BIN")
    return Path(given).resolve() if given else built("alb-ingest")
