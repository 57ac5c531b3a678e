"""The translated templates, the emulator of the Lambda runtime, and the programs."""

import platform
import sys
from pathlib import Path

import pytest
import samcli

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(Path(__file__).parent), str(TESTS / "python"), str(TESTS / "template")]

from stack import Stack  # noqa: E402
from stand_ins import built  # noqa: E402
from story import CHOICES  # noqa: E402

EMULATORS = {"x86_64": "aws-lambda-rie-x86_64", "aarch64": "aws-lambda-rie-arm64"}


@pytest.fixture(scope="session")
def stacks() -> dict[str, dict]:
    """The translated template of each choice of parameters."""
    return {name: Stack(**choice).translated() for name, choice in CHOICES.items()}


@pytest.fixture(scope="session")
def emulator() -> Path:
    """The runtime interface emulator for this machine, which is part of SAM."""
    machine = platform.machine()
    if platform.system() != "Linux" or machine not in EMULATORS:
        pytest.exit(
            f"SAM has no runtime interface emulator for {platform.system()} on {machine}, only for Linux on "
            f"{' and '.join(EMULATORS)}: run these tests there, or in a container",
            returncode=1,
        )
    return Path(samcli.__file__).parent / "local/rapid" / EMULATORS[machine]


@pytest.fixture(scope="session")
def program() -> Path:
    """The command line."""
    return built("alb-ingest", "ALB_INGEST_BIN")


@pytest.fixture(scope="session")
def bootstrap() -> Path:
    """The function."""
    return built("bootstrap", "BOOTSTRAP_BIN")
