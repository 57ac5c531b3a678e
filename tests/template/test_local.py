"""The scripts around the function: what they read from an invocation, how they compare, what they pack."""

import hashlib
import struct
import subprocess
import sys
import tomllib
import zipfile

from stack import ROOT

sys.path.insert(0, str(ROOT / "scripts/sam"))
sys.path.insert(0, str(ROOT / "scripts"))

import artefact  # noqa: E402
from invoke import Answer, read  # noqa: E402
from local import compared, table  # noqa: E402


def test_an_error_is_told_from_an_answer_by_what_it_says():
    """Both come with exit code 0."""
    assert not read('{"batchItemFailures": []}', 0.1, "").failed
    failed = read('{"errorType": "Failed", "errorMessage": "no such bucket"}', 0.1, "")
    assert failed.failed and failed.word == "error, Failed"
    for words in ("", "Task timed out after 3.00 seconds", "{"):
        assert read(words, 0.1, "").failed
    assert read('{"batchItemFailures": [{"itemIdentifier": "1"}]}', 0.1, "").word == "answer, 1 to come again"
    assert read('{"results": [{"resultCode": "Succeeded"}]}', 0.1, "").word == "answer, Succeeded"


def test_only_the_same_is_the_same():
    answer = Answer({"batchItemFailures": []}, False, 0.1)
    error = Answer({"errorType": "Failed", "errorMessage": "x"}, True, 0.1)
    files = {"alb_access_log/date=2026-10-07/a.parquet": b"PAR1"}
    assert compared(answer, answer, files, files) == "yes"
    traced = Answer({"errorType": "Failed", "errorMessage": "x", "stackTrace": []}, True, 0.1)
    assert compared(error, traced, {}, {}) == "yes"
    assert compared(error, Answer({"errorType": "Failed", "errorMessage": "y"}, True, 0.1), {}, {}).startswith("NO")
    assert compared(answer, error, files, files).startswith("NO")
    assert compared(error, Answer({"errorType": "Other", "errorMessage": "x"}, True, 0.1), {}, {}).startswith("NO")
    assert compared(Answer("died", True, 0.1), Answer("died", True, 0.1), {}, {}).startswith("NO")
    assert compared(answer, Answer({"batchItemFailures": [{}]}, False, 0.1), files, files).startswith("NO")
    assert compared(answer, answer, {}, files).startswith("NO: 1 keys")
    assert compared(answer, answer, {key: b"PAR2" for key in files}, files).startswith("NO: the bytes of 1")


def test_columns_stand_under_each_other():
    assert table([("payload", "seconds"), ("a", "0.1")]) == "payload  seconds\na        0.1"


def program(machine: int = 62, *versions: bytes) -> bytes:
    """The beginning of an ELF program, and names of versions as its string table has them."""
    head = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HH", 3, machine)
    return head + b"\0" + b"\0".join(b"GLIBC_" + version for version in versions) + b"\0"


def test_a_program_for_a_newer_system_is_refused(tmp_path):
    def run(binary: bytes) -> subprocess.CompletedProcess:
        source = tmp_path / "bootstrap"
        source.write_bytes(binary)
        command = [sys.executable, ROOT / "scripts/artefact.py", source, tmp_path / "a.zip"]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert "arm64, GLIBC 2.34" in run(program(183, b"2.9", b"2.34", b"2.17")).stdout
    newer = run(program(62, b"2.17", b"2.35"))
    assert newer.returncode == 1 and "needs GLIBC 2.35" in newer.stderr
    assert run(program(62)).returncode == 1
    assert run(b"#!/bin/sh\n").returncode == 1


def test_the_same_program_gives_the_same_zip(tmp_path):
    digests = set()
    for name in ("first", "second"):
        source, target = tmp_path / name / "bootstrap", tmp_path / f"{name}.zip"
        source.parent.mkdir()
        source.write_bytes(program(62, b"2.34") + bytes(100_000))
        artefact.pack(source.read_bytes(), target)
        digests.add(hashlib.sha256(target.read_bytes()).hexdigest())
    assert len(digests) == 1
    with zipfile.ZipFile(tmp_path / "first.zip") as archive:
        (entry,) = archive.infolist()
        assert (entry.filename, entry.external_attr >> 16) == ("bootstrap", 0o100755)


def test_sam_builds_what_the_artefact_is():
    """`sam build` knows one profile of cargo, `release`: the package tells cargo-lambda to make the artefact's of it."""
    manifest = tomllib.loads((ROOT / "Cargo.toml").read_text())
    lines = manifest["package"]["metadata"]["lambda"]["build"]["config"]
    told = tomllib.loads("\n".join(lines))["profile"]["release"]
    artefact = manifest["profile"]["artefact"]
    assert artefact.pop("inherits") == "release"
    assert told == artefact
    assert told["strip"] == "symbols" and told["lto"] == "fat"
    # cargo-lambda adds to a release what nothing here says, a panic that ends the process among it.
    assert manifest["package"]["metadata"]["lambda"]["build"]["disable_optimizations"] is True
    assert manifest["profile"]["release"]["panic"] == "unwind"
