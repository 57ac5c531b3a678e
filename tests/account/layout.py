"""Prints what the template makes of choices of parameters, translated by SAM, and where SAM's emulator of Lambda's runtime lies.

Runs where SAM is installed. The tests run where moto is, because the packages of the two do not go together.
"""

import json
import platform
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "template"))

import samcli  # noqa: E402
from stack import Stack  # noqa: E402

EMULATORS = {"x86_64": "aws-lambda-rie-x86_64", "aarch64": "aws-lambda-rie-arm64"}


def emulator() -> Path:
    """The runtime interface emulator for this machine."""
    machine = platform.machine()
    if platform.system() != "Linux" or machine not in EMULATORS:
        raise SystemExit(
            f"SAM carries no runtime interface emulator for {platform.system()} on {machine}, only for Linux on "
            f"{' and '.join(EMULATORS)}: run these tests there, or in a container of it"
        )
    return Path(samcli.__file__).parent / "local/rapid" / EMULATORS[machine]


def main() -> None:
    choices = json.loads(sys.argv[1])
    layout = {"emulator": str(emulator()), "stacks": {name: Stack(**choice).translated() for name, choice in choices.items()}}
    json.dump(layout, sys.stdout)


if __name__ == "__main__":
    main()
