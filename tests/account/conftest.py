"""The template's layouts, and the programs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "python")]

from output import ROOT  # noqa: E402
from stand_ins import built  # noqa: E402
from story import CHOICES  # noqa: E402


@pytest.fixture(scope="session")
def layout() -> dict:
    """The translated template of each choice, and the emulator."""
    command = [ROOT / ".venv-sam/bin/python", Path(__file__).with_name("layout.py"), json.dumps(CHOICES)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        pytest.exit(done.stderr, returncode=1)
    return json.loads(done.stdout)


@pytest.fixture(scope="session")
def program() -> Path:
    """The command line."""
    return built("alb-ingest", "ALB_INGEST_BIN")


@pytest.fixture(scope="session")
def bootstrap() -> Path:
    """The function."""
    return built("bootstrap", "BOOTSTRAP_BIN")
