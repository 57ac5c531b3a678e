"""The function and the command line in a memory limit, on large and hostile objects.

The limit is RLIMIT_DATA, which any user of a Linux machine can set: it counts the heap, private mappings and the stacks of
threads, whether they are used or not, but neither the program nor shared libraries. Without memory, a Rust program aborts.
The figures are those of docs/semantics.md. Debug builds use a little more memory than release builds.
"""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from attacks import ATTACKS, KEY, UNKNOWN, compressed, equal_lines, members, spread
from confinement import MIB, memory
from stand_ins import Runtime, client, environment, moto

TIMEOUT_SECONDS = 120
# The data of the smallest function that one partition of Parquet needs, and of the other figures in docs/semantics.md.
SMALLEST = 128
FIGURES = {("parquet", "hours"): 96, ("json", "hours"): 64, ("parquet", "days"): 128, ("json", "days"): 96}

# What a report needs.
REPORT = 60

# What an audit of 20,000 objects needs.
AUDIT = 16


@pytest.fixture(scope="module")
def attack(tmp_path_factory) -> Callable[[str], Path]:
    """Returns a function that writes the object of an attack below a folder of its own, and returns the folder."""
    root = tmp_path_factory.mktemp("attacks")

    def write(name: str) -> Path:
        key, pieces = ATTACKS[name]
        return compressed(root / name.replace(" ", "-"), key, pieces())

    return write


def run(program: Path, folder: Path, out: Path, mebibytes: int, *settings: str) -> dict:
    """Runs the command line in a limit; returns its report, which must not be that of a killed program."""

    def limit():
        resource.setrlimit(resource.RLIMIT_DATA, (mebibytes * MIB, mebibytes * MIB))

    done = subprocess.run(
        [program, "run", folder, "--to", out, "--jobs", "1", "--report", "json", *settings],
        env={"TMPDIR": os.environ.get("TMPDIR", "/tmp")},
        preexec_fn=limit,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=TIMEOUT_SECONDS,
    )
    assert done.returncode in (0, 1), f"exit {done.returncode}: {done.stderr.decode()[-1000:]}"
    report = json.loads(done.stdout)
    assert done.returncode == (1 if report["objects"]["failed"] else 0)
    assert report["lines"] == report["events"] + report["quarantined"] + report["skipped_lines"]
    return report


@pytest.mark.parametrize("form", ["parquet", "json"])
@pytest.mark.parametrize("name", ATTACKS)
def test_an_object_of_one_partition_fits_the_smallest_memory(name, form, attack, program, tmp_path):
    report = run(program, attack(name), tmp_path / "out", SMALLEST, "--format", form)
    if name == UNKNOWN:
        assert report["objects"]["failed"] == 1
    else:
        assert report["objects"]["ingested"] == 1 and report["lines"] > 0


@pytest.mark.parametrize("form", ["parquet", "json"])
def test_many_partitions_fit_the_documented_memory(form, program, tmp_path):
    hours = compressed(tmp_path / "hours", KEY, spread(timedelta(hours=1), 24, 40_000))
    settings = ("--format", form)
    report = run(program, hours, tmp_path / "h", FIGURES[form, "hours"], *settings, "--partition-by", "hour")
    assert (report["events"], report["outputs"]["written"]) == (40_000, 24)
    # No time in the key: each event goes to the partition of its own day.
    days = compressed(tmp_path / "days", "days-{}.log.gz", spread(timedelta(days=1), 400, 40_000))
    report = run(program, days, tmp_path / "d", FIGURES[form, "days"], *settings)
    assert (report["events"], report["outputs"]["written"]) == (40_000, 400)


@pytest.mark.parametrize("write", [members(5000), equal_lines(16 * MIB)], ids=["members", "bomb"])
def test_a_control_group_kills_nothing(write, program, tmp_path):
    """What the kernel charges has a limit as low as that of the smallest function. `scripts/limits.py` has larger objects."""
    ledger = write(tmp_path / "in")
    with memory(SMALLEST) as limit:
        done = subprocess.run(
            [*limit.launcher, program, "run", tmp_path / "in", "--to", tmp_path / "out", "--jobs", "1", "--report", "json"],
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
        )
        assert (done.returncode, limit.kills()) == (0, 0), done.stderr.decode()
    report = json.loads(done.stdout)
    assert (report["lines"], report["events"]) == (ledger.lines, ledger.events)


def test_a_control_group_kills_what_needs_more(program):
    """Otherwise no test that uses one could fail."""
    with memory(32) as limit:
        command = [*limit.launcher, sys.executable, "-c", "len(bytearray(b'x') * 2**26)"]
        done = subprocess.run(command, env={"PATH": os.environ["PATH"]}, capture_output=True, timeout=TIMEOUT_SECONDS)
        assert done.returncode != 0 and limit.kills() == (1 if limit.group else 0)


@pytest.mark.parametrize("name", ATTACKS)
def test_a_report_fits_its_documented_memory(name, attack, program):
    def limit():
        resource.setrlimit(resource.RLIMIT_DATA, (REPORT * MIB, REPORT * MIB))

    done = subprocess.run(
        [program, "report", attack(name), "--format", "json", "--jobs", "1"],
        env={"TMPDIR": os.environ.get("TMPDIR", "/tmp")},
        preexec_fn=limit,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=TIMEOUT_SECONDS,
    )
    assert done.returncode == (1 if name == UNKNOWN else 0), done.stderr.decode()[-1000:]
    read = json.loads(done.stdout)["read"]
    assert read["lines"] == read["events"] + read["quarantined"] + read["blank"]
    assert read["failed"] == (1 if name == UNKNOWN else 0)


def test_many_objects_do_not_need_more_memory(program, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(20_000):
        (folder / f"{'long name ' * 20}{number}.log").touch()
    report = run(program, folder, tmp_path / "out", 32)
    assert report["objects"]["skipped"] == 20_000


def test_an_audit_remembers_objects_by_identity(program, tmp_path):
    """Everything is missing, and everything that is there is extra: no list of names fits the limit."""
    source, destination = tmp_path / "in", tmp_path / "out"
    line = "http 2026-10-07T12:44:59.875678Z 0.019584011 192.0.2.97:80 targets PASS 200 {}\n"
    for folder in (source, destination):
        folder.mkdir()
        for number in range(20_000):
            (folder / f"{'long name ' * 22}{number}.log").write_text(line.format(number))

    def limit():
        resource.setrlimit(resource.RLIMIT_DATA, (AUDIT * MIB, AUDIT * MIB))

    done = subprocess.run(
        [program, "audit", source, destination, "--jobs", "1", "--report", "json"],
        env={"TMPDIR": os.environ.get("TMPDIR", "/tmp")},
        preexec_fn=limit,
        capture_output=True,
        timeout=TIMEOUT_SECONDS,
    )
    assert done.returncode == 1, done.stderr.decode()[-1000:]
    report = json.loads(done.stdout)
    assert (len(report["missing"]), len(report["extra"])) == (20_000, 20_000)


@pytest.fixture(scope="module")
def s3() -> Iterator[tuple]:
    """A client, and the endpoint."""
    with moto() as endpoint:
        s3 = client("s3", endpoint)
        s3.create_bucket(Bucket="logs")
        yield s3, endpoint


def invoke(bootstrap: Path, s3: tuple, bucket: str, keys: list[str], mebibytes: int, settings: dict[str, str]) -> object:
    """Invokes the function with objects in a limit of memory; returns what it counts or why it failed."""
    s3, endpoint = s3
    s3.create_bucket(Bucket=bucket)
    variables = {"DESTINATION": f"s3://{bucket}", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(mebibytes)}
    runtime = Runtime(bootstrap, environment(endpoint) | variables | settings)
    try:
        resource.prlimit(runtime.process.pid, resource.RLIMIT_DATA, (mebibytes * MIB, mebibytes * MIB))
        payload = {"objects": [{"bucket": "logs", "key": key} for key in keys]}
        _, answer = runtime.invoke(json.dumps(payload).encode())
        assert runtime.process.poll() is None
        return answer
    finally:
        runtime.stop()


def test_the_smallest_function_survives_every_object(s3, attack, bootstrap):
    """All in one invocation: what one leaves behind must not be missing for the next."""
    keys = []
    for name, (key, _) in ATTACKS.items():
        (path,) = (path for path in attack(name).rglob("*") if path.is_file())
        keys.append(key.format(f"{len(keys):08}"))
        s3[0].upload_file(str(path), "logs", keys[-1])
    answer = invoke(bootstrap, s3, "of-attacks", keys, SMALLEST, {"FORMAT": "parquet"})
    expected = f"1 of {len(ATTACKS)} records failed: objects[{list(ATTACKS).index(UNKNOWN)}]: its lines fit no log type"
    assert answer["errorMessage"].startswith(expected), answer


@pytest.mark.parametrize("form", ["parquet", "json"])
def test_hours_of_a_day_fit_the_smallest_function(form, s3, bootstrap, tmp_path):
    folder = compressed(tmp_path, KEY, spread(timedelta(hours=1), 24, 40_000))
    (path,) = (path for path in folder.rglob("*") if path.is_file())
    s3[0].upload_file(str(path), "logs", KEY)
    settings = {"FORMAT": form, "PARTITION_BY": "hour"}
    answer = invoke(bootstrap, s3, f"of-hours-{form}", [KEY], SMALLEST, settings)
    assert answer["objects"]["ingested"] == 1, answer
