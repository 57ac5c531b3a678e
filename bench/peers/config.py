"""Where things lie, what is pinned, and what is measured by default."""

import os
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").resolve()
# Everything that the benchmark makes and keeps, but for the Python environment.
BENCH = TARGET / "bench"
OBJECTS = BENCH / "objects"
CARGO = BENCH / "cargo"
# The cargo feature of the fast inflate, and the builds with it.
FAST_FEATURE = "fast-inflate"
FAST = BENCH / "fast"
TOOLS = BENCH / "tools"
RESULTS = BENCH / "results.json"
VENV = ROOT / ".venv"
# The group of pyproject.toml with the peers that are Python packages.
GROUP = "bench"
ENGINES = HERE / "engines"
DOCUMENT = ROOT / "docs" / "performance.md"

ELB_LOG_PARSER_VERSION = "0.2.7"
TABLE = "alb_access_log"
SEED = 1
LINES = [200_000, 1_500_000]
# Lines that are counted in instructions: their number a line does not depend on it.
COUNTED_LINES = 10_000
SMALL_OBJECTS = 1_000
SMALL_LINES = 10
SMALL_ROUNDS = 5

MB = 1_000_000
KB = 1_000


def rounds_of(lines: int) -> int:
    """How often each candidate gets its turn."""
    return 5 if lines < 500_000 else 3


def environment(name: str, default: str = "") -> str:
    return os.environ.get(name) or default
