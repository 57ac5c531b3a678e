"""Fixtures that run the command line on the sample objects."""

import json
import os
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from output import OBJECTS, ROOT, TABLES, Output, Runs
from stand_ins import built

# A run takes a second or two. The limit makes a hanging one fail.
TIMEOUT_SECONDS = 120


@pytest.fixture(scope="session")
def program() -> Path:
    """The command line."""
    return built("alb-ingest", "ALB_INGEST_BIN")


@pytest.fixture(scope="session")
def bootstrap() -> Path:
    """The Lambda function."""
    return built("bootstrap", "BOOTSTRAP_BIN")


@pytest.fixture(scope="session")
def command(program: Path) -> Callable[..., subprocess.CompletedProcess]:
    """Returns a function that runs the command line in an environment without settings, and fails unless it exits with 0."""

    def run(*arguments: object, cwd: Path = ROOT) -> subprocess.CompletedProcess:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        done = subprocess.run(
            [program, *map(str, arguments)],
            cwd=cwd,
            env=kept,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
        )
        shown = " ".join(map(str, arguments))
        assert done.returncode == 0, f"alb-ingest {shown}: exit {done.returncode}\n{done.stderr.decode()}"
        return done

    return run


@pytest.fixture(scope="session")
def ingest(command, tmp_path_factory) -> Callable[..., Output]:
    """Returns a function that runs `alb-ingest run` with settings into a new folder, or into the given one."""

    def run(*settings: str, objects: Path = OBJECTS, into: Path | None = None) -> Output:
        folder = into or tmp_path_factory.mktemp("output") / "out"
        done = command("run", objects, "--to", folder, "--report", "json", *settings)
        return Output(folder, json.loads(done.stdout))

    return run


@pytest.fixture(scope="session")
def parquet(ingest) -> Output:
    """The sample objects as Parquet, with default settings. Tests must not change it."""
    return ingest("--format", "parquet")


@pytest.fixture(scope="session")
def jsonl(ingest) -> Output:
    """The sample objects as JSON lines, with otherwise default settings. Tests must not change it."""
    return ingest("--format", "json")


@pytest.fixture(scope="session")
def hostile_objects(command, tmp_path_factory) -> Path:
    """Objects of every table with hostile, repairable and malformed lines."""
    folder = tmp_path_factory.mktemp("hostile")
    lines = ("--lines", 400, "--hostile", 0.5, "--repairable", 0.1, "--broken", 0.05)
    for table in TABLES:
        command("generate", table, "--seed", 11, *lines, "--to", folder)
    return folder


@pytest.fixture(scope="session")
def shaped(ingest, hostile_objects) -> Callable[[str, str], Runs]:
    """Returns a function that ingests the sample objects and the hostile ones with a schema and a format, once for each."""

    @cache
    def run(schema: str, form: str) -> Runs:
        settings = ("--schema", schema, "--format", form)
        return Runs(ingest(*settings), ingest(*settings, objects=hostile_objects))

    return run
