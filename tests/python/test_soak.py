"""The figures of `make soak`: what is counted, and which records count."""

import datetime
import importlib.util
import json
import sys

import pytest
from output import ROOT

spec = importlib.util.spec_from_file_location("soak", ROOT / "scripts/soak.py")
soak = importlib.util.module_from_spec(spec)
# Dataclasses look their module up.
sys.modules["soak"] = soak
spec.loader.exec_module(soak)

HELD = {"faults": {"read: fin": 2}, "objects": 3, "lines": 30, "events": 28, "invocations": 4, "duplicates": 5, "peak_kib": 2048,
        "millis": 9}


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    """A folder for the records."""
    monkeypatch.setattr(soak, "STATE", tmp_path)
    return tmp_path


def write(path, *records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


def test_only_whole_records_of_the_revision_count(state):
    path = state / "plans.jsonl"
    write(path, {"case": 1, "revision": "a"}, {"case": 2, "revision": "b"}, {"case": 3, "revision": "a"})
    with path.open("a") as file:
        file.write('{"case": 4, "revisi')
    assert [record["case"] for record in soak.read(path, "a")] == [1, 3]
    assert soak.newest() == "a"


def test_the_figures_are_sums_and_peaks(state):
    other = HELD | {"faults": {"read: fin": 1, "write: refuse": 4}, "peak_kib": 1024}
    write(
        state / "plans.jsonl",
        {"case": 0, "revision": "a", "figures": HELD},
        {"case": 1, "revision": "a", "figures": other},
        {"case": 1, "revision": "a", "figures": other},
        {"case": 2, "revision": "a", "violation": "an output is missing", "plan": {}},
        {"case": 3, "revision": "b", "figures": HELD},
    )
    point = {"revision": "a", "killed": True, "partial": 0, "equal": True, "duplicates": 2}
    write(
        state / "kills.jsonl",
        {"case": "function/s3"} | point,
        {"case": "command/s3"} | point,
        {"case": "command/s3"} | point | {"killed": False},
        {"case": "function/s3"} | point | {"partial": 1, "equal": False},
    )
    case = {"revision": "a", "case": "bomb", "lines": 100}
    write(state / "limits.jsonl", case | {"passed": False, "peak_mb": 200}, case | {"passed": True, "lost": 0, "peak_mb": 61.5})
    write(
        state / "fuzz.jsonl",
        {"case": "line", "revision": "a", "executions": 10, "seconds": 5, "passed": False},
        {"case": "line", "revision": "a", "executions": 20, "seconds": 5, "passed": True},
    )
    figures = soak.aggregate("a", datetime.date(2026, 11, 30))
    assert (figures["revision"], figures["date"]) == ("a", "2026-11-30")
    assert set(figures["machine"]) == {"processors", "memory_gib", "kernel"}
    assert figures["plans"] == {
        "plans": 3,
        "violations": {"2": "an output is missing"},
        "objects": 6,
        "lines": 60,
        "events": 56,
        "invocations": 8,
        "duplicates": 10,
        "peak_mib": 2.0,
        "faults": {"read: fin": 3, "write: refuse": 4},
    }
    assert figures["kills"] == {
        "kills": 3, "points": 4, "of_function": 2, "of_command": 1, "partial": 1, "different": 1, "duplicates": 8,
    }
    assert figures["limits"] == {"cases": 1, "failed": 0, "killed": 0, "lost": 0, "lines": 100, "peak_mb": 61.5}
    assert figures["fuzz"] == {"executions": {"line": 20}, "seconds": 5, "failed": 0}


def test_a_step_without_records_has_no_figures():
    assert set(soak.aggregate("a", datetime.date(2026, 11, 30))) == {"revision", "date", "machine"}


def test_the_executions_of_a_fuzz_target_are_read():
    assert soak.executed("stat::number_of_executed_units: 12345\n") == 12345
    assert soak.executed("#12345 DONE cov: 1\n") is None
