"""A browser, and pages that the command line makes of logs."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(Path(__file__).parent), str(ROOT / "scripts"), str(ROOT / "tests/python")]

import hostile  # noqa: E402
import logs_of_a_day  # noqa: E402
from chromium import Browser, NoBrowser, Page  # noqa: E402
from stand_ins import built  # noqa: E402

# The pictures are left here for a look.
PICTURES = ROOT / "target/report-browser"
TIMEOUT_SECONDS = 120


@pytest.fixture(scope="session")
def program() -> Path:
    """The command line."""
    return built("alb-ingest", "ALB_INGEST_BIN")


@pytest.fixture(scope="session")
def pages(program, tmp_path_factory) -> dict[str, Path]:
    """The reports of the sample objects, of a day of generated logs, of hostile logs, and of a folder without logs."""
    folder = tmp_path_factory.mktemp("pages")
    logs = {name: folder / name for name in ("day", "hostile", "empty")}
    for path in logs.values():
        path.mkdir()
    logs_of_a_day.write(program, logs["day"], 8_000)
    hostile.write(program, logs["hostile"])
    (logs["empty"] / "empty.log").write_bytes(b"")
    found = {}
    for name, path in ({"samples": ROOT / "events/objects"} | logs).items():
        found[name] = folder / f"{name}.html"
        title = hostile.TITLE if name == "hostile" else f"Load balancers: {name}"
        command = [program, "report", path, "--to", found[name], "--title", title]
        done = subprocess.run(command, capture_output=True, timeout=TIMEOUT_SECONDS, env={})
        # An object of the hostile logs fits no log type.
        assert done.returncode == (1 if name == "hostile" else 0), done.stderr.decode()
    return found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    try:
        with Browser() as running:
            yield running
    except NoBrowser as problem:
        pytest.exit(f"report-browser: {problem}", returncode=1)


@pytest.fixture
def view(browser, pages) -> Callable[..., Page]:
    """Returns a function that opens a report."""

    def opened(name: str | Path, width: int = 1440, **how: str) -> Page:
        page = Page(browser, width, **how)
        page.open(pages.get(name, name))
        return page

    return opened
