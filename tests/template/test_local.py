"""The scripts around the function: what they read from an invocation, how they compare, what they pack."""

import hashlib
import os
import struct
import subprocess
import sys
import tomllib
import zipfile

from stack import ROOT

sys.path.insert(0, str(ROOT / "scripts/sam"))
sys.path.insert(0, str(ROOT / "scripts"))

import artefact  # noqa: E402
from invoke import Answer, counted, read  # noqa: E402
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


def test_the_function_has_to_count_what_the_command_line_counts():
    metrics = '{"Lines":5,"Events":3,"LinesQuarantined":1,"LinesSkipped":1,"_aws":{"CloudWatchMetrics":[]}}'
    line = "b/k: committed: lines=5 events=3 quarantined=1 skipped=1 written=2 there_before=0"
    assert counted(f"START\n{metrics}\nREPORT") == counted(line) == {"Lines": 5, "Events": 3, "LinesQuarantined": 1, "LinesSkipped": 1}
    found, expected = (Answer({"objects": {}}, False, 0.1, log) for log in (metrics, f"{line}\n{line}"))
    assert compared(found, expected, {}, {}).startswith("NO: other counts")


def test_columns_stand_under_each_other():
    assert table([("payload", "seconds"), ("a", "0.1")]) == "payload  seconds\na        0.1"


def elf(machine: int = 62, *versions: str) -> bytes:
    """An ELF program with nothing in it but the versions that it asks the C library for."""
    names = b"\0libc.so.6\0" + b"".join(f"GLIBC_{version}\0".encode() for version in versions)
    places = [names.index(f"GLIBC_{version}\0".encode()) for version in versions]
    needed = struct.pack("<HHIII", 1, len(versions), 1, 16, 0)
    for number, place in enumerate(places, 1):
        needed += struct.pack("<IHHII", 0, 0, number, place, 16 if number < len(places) else 0)
    head = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 3, machine, 1, 0, 0, 64 + len(names) + len(needed), 0, 64, 0, 0, 64, 3, 0)
    strings = struct.pack("<IIQQQQIIQQ", 0, 3, 0, 0, 64, len(names), 0, 0, 1, 0)
    section = struct.pack("<IIQQQQIIQQ", 0, artefact.VERSIONS_NEEDED, 0, 0, 64 + len(names), len(needed), 1, 1, 4, 0)
    return head + names + needed + bytes(64) + strings + section


def test_a_program_for_a_newer_system_is_refused(tmp_path):
    def run(binary: bytes, arch: str = "x86_64") -> subprocess.CompletedProcess:
        source = tmp_path / "bootstrap"
        source.write_bytes(binary)
        command = [sys.executable, ROOT / "scripts/artefact.py", source, tmp_path / "a.zip", arch]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert "arm64, GLIBC 2.34" in run(elf(183, "2.9", "2.34", "2.17"), "arm64").stdout
    assert "is for arm64, not for x86_64" in run(elf(183, "2.34")).stderr
    newer = run(elf(62, "2.17", "2.35"))
    assert newer.returncode == 1 and "needs GLIBC 2.35" in newer.stderr
    # A name that the program only holds is not asked for.
    assert "names no version" in run(elf(62) + b"GLIBC_2.40\0").stderr
    assert run(b"#!/bin/sh\n").returncode == 1


def test_the_function_runs_on_amazon_linux(built):
    """The same symbols as in the artefact: how it is optimized does not change what it asks the C library for."""
    binary = built("bootstrap").read_bytes()
    assert artefact.required_glibc(binary) <= artefact.MAX_GLIBC == (2, 34)


def test_an_architecture_that_cannot_be_built_says_what_to_add(tmp_path):
    """With a rustup that has no other target, as a machine may be."""
    (tmp_path / "rustup").write_text("#!/bin/sh\necho x86_64-unknown-linux-gnu\n")
    (tmp_path / "rustup").chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    for arch, code, said in (("arm64", 1, "rustup target add aarch64-unknown-linux-gnu"), ("mips", 2, "expected x86_64, arm64 or all")):
        command = [ROOT / "scripts/artefact.sh", arch]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == code and said in done.stderr


def test_the_same_program_gives_the_same_zip(tmp_path):
    digests = set()
    for name in ("first", "second"):
        source, target = tmp_path / name / "bootstrap", tmp_path / f"{name}.zip"
        source.parent.mkdir()
        source.write_bytes(elf(62, "2.34") + bytes(100_000))
        artefact.pack(source.read_bytes(), target)
        digests.add(hashlib.sha256(target.read_bytes()).hexdigest())
    assert len(digests) == 1
    with zipfile.ZipFile(tmp_path / "first.zip") as archive:
        (entry,) = archive.infolist()
        assert (entry.filename, entry.external_attr >> 16) == ("bootstrap", 0o100755)


def test_sam_builds_what_the_artefact_is():
    """`sam build` knows one profile of cargo, `release`: the package tells cargo-lambda to make the artefact's of it."""
    manifest = tomllib.loads((ROOT / "Cargo.toml").read_text())
    build = manifest["package"]["metadata"]["lambda"]["build"]
    told = tomllib.loads("\n".join(build["config"]))["profile"]["release"]
    artefact = manifest["profile"]["artefact"]
    assert artefact.pop("inherits") == "release"
    assert told == artefact
    assert told["strip"] == "symbols" and told["lto"] == "fat"
    # The script passes the same features as options.
    script = (ROOT / "scripts/artefact.sh").read_text()
    assert build["no_default_features"] is True and build["features"] == ["aws"]
    assert "--no-default-features --features aws" in script
    # cargo-lambda adds to a release what nothing here says, a panic that ends the process among it.
    assert build["disable_optimizations"] is True
    assert manifest["profile"]["release"]["panic"] == "unwind"
