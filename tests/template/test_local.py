"""Tests of the scripts for the function: parsing of invocations, comparison and packing."""

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
from invoke import Response, counted, read  # noqa: E402
from local import compared, table  # noqa: E402


def test_errors_and_responses_are_distinguished_by_content():
    """Both have exit code 0."""
    assert not read('{"batchItemFailures": []}', 0.1, "").failed
    failed = read('{"errorType": "Failed", "errorMessage": "no such bucket"}', 0.1, "")
    assert failed.failed and failed.word == "error, Failed"
    for text in ("", "Task timed out after 3.00 seconds", "{"):
        assert read(text, 0.1, "").failed
    assert read('{"batchItemFailures": [{"itemIdentifier": "1"}]}', 0.1, "").word == "response, 1 failed"
    assert read('{"results": [{"resultCode": "Succeeded"}]}', 0.1, "").word == "response, Succeeded"


def test_the_comparison_finds_every_difference():
    response = Response({"batchItemFailures": []}, False, 0.1)
    error = Response({"errorType": "Failed", "errorMessage": "x"}, True, 0.1)
    files = {"alb_access_log/date=2026-10-07/a.parquet": b"PAR1"}
    assert compared(response, response, files, files) == "yes"
    traced = Response({"errorType": "Failed", "errorMessage": "x", "stackTrace": []}, True, 0.1)
    assert compared(error, traced, {}, {}) == "yes"
    assert compared(error, Response({"errorType": "Failed", "errorMessage": "y"}, True, 0.1), {}, {}).startswith("NO")
    assert compared(response, error, files, files).startswith("NO")
    assert compared(error, Response({"errorType": "Other", "errorMessage": "x"}, True, 0.1), {}, {}).startswith("NO")
    assert compared(Response("died", True, 0.1), Response("died", True, 0.1), {}, {}).startswith("NO")
    assert compared(response, Response({"batchItemFailures": [{}]}, False, 0.1), files, files).startswith("NO")
    assert compared(response, response, {}, files).startswith("NO: 1 keys")
    assert compared(response, response, {key: b"PAR2" for key in files}, files).startswith("NO: the bytes of 1")


def test_the_comparison_includes_the_counts_of_lines():
    metrics = '{"Lines":5,"Events":3,"LinesQuarantined":1,"LinesSkipped":1,"_aws":{"CloudWatchMetrics":[]}}'
    line = "b/k: committed: lines=5 events=3 quarantined=1 skipped=1 written=2 there_before=0"
    assert counted(f"START\n{metrics}\nREPORT") == counted(line) == {"Lines": 5, "Events": 3, "LinesQuarantined": 1, "LinesSkipped": 1}
    found, expected = (Response({"objects": {}}, False, 0.1, log) for log in (metrics, f"{line}\n{line}"))
    assert compared(found, expected, {}, {}).startswith("NO: different counts")


def test_table_columns_are_aligned():
    assert table([("payload", "seconds"), ("a", "0.1")]) == "payload  seconds\na        0.1"


def elf(machine: int = 62, *versions: str) -> bytes:
    """Returns a minimal ELF binary that requires these versions of the C library."""
    names = b"\0libc.so.6\0" + b"".join(f"GLIBC_{version}\0".encode() for version in versions)
    places = [names.index(f"GLIBC_{version}\0".encode()) for version in versions]
    needed = struct.pack("<HHIII", 1, len(versions), 1, 16, 0)
    for number, place in enumerate(places, 1):
        needed += struct.pack("<IHHII", 0, 0, number, place, 16 if number < len(places) else 0)
    head = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 3, machine, 1, 0, 0, 64 + len(names) + len(needed), 0, 64, 0, 0, 64, 3, 0)
    strings = struct.pack("<IIQQQQIIQQ", 0, 3, 0, 0, 64, len(names), 0, 0, 1, 0)
    section = struct.pack("<IIQQQQIIQQ", 0, artefact.VERSIONS_NEEDED, 0, 0, 64 + len(names), len(needed), 1, 1, 4, 0)
    return head + names + needed + bytes(64) + strings + section


def test_a_binary_for_a_newer_system_is_rejected(tmp_path):
    def run(binary: bytes, arch: str = "x86_64") -> subprocess.CompletedProcess:
        source = tmp_path / "bootstrap"
        source.write_bytes(binary)
        command = [sys.executable, ROOT / "scripts/artefact.py", source, tmp_path / "a.zip", arch]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert "arm64, GLIBC 2.34" in run(elf(183, "2.9", "2.34", "2.17"), "arm64").stdout
    assert "is for arm64, not for x86_64" in run(elf(183, "2.34")).stderr
    newer = run(elf(62, "2.17", "2.35"))
    assert newer.returncode == 1 and "needs GLIBC 2.35" in newer.stderr
    # A version that is only a string in the binary is not required.
    assert "does not name a version" in run(elf(62) + b"GLIBC_2.40\0").stderr
    assert run(b"#!/bin/sh\n").returncode == 1


def test_the_function_runs_on_amazon_linux(built):
    """A debug build requires the same symbols of the C library as the artefact."""
    binary = built("bootstrap").read_bytes()
    assert artefact.required_glibc(binary) <= artefact.MAX_GLIBC == (2, 34)


def test_a_missing_target_is_reported_with_the_command_to_install_it(tmp_path):
    """The test replaces rustup with one that has no other target."""
    (tmp_path / "rustup").write_text("#!/bin/sh\necho x86_64-unknown-linux-gnu\n")
    (tmp_path / "rustup").chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    for arch, code, message in (("arm64", 1, "rustup target add aarch64-unknown-linux-gnu"), ("mips", 2, "expected x86_64, arm64 or all")):
        command = [ROOT / "scripts/artefact.sh", arch]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == code and message in done.stderr


def test_the_same_binary_gives_the_same_zip(tmp_path):
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


def test_sam_build_uses_the_profile_and_features_of_the_artefact():
    """`sam build` always uses the profile `release`, so the configuration of cargo-lambda overrides it."""
    manifest = tomllib.loads((ROOT / "Cargo.toml").read_text())
    build = manifest["package"]["metadata"]["lambda"]["build"]
    configured = tomllib.loads("\n".join(build["config"]))["profile"]["release"]
    artefact = manifest["profile"]["artefact"]
    assert artefact.pop("inherits") == "release"
    assert configured == artefact
    assert configured["strip"] == "symbols" and configured["lto"] == "fat"
    # The script passes the same features as options.
    script = (ROOT / "scripts/artefact.sh").read_text()
    assert build["no_default_features"] is True and build["features"] == ["aws"]
    assert "--no-default-features --features aws" in script
    # By default, cargo-lambda changes the profile `release`; for example, it makes panics abort.
    assert build["disable_optimizations"] is True
    assert manifest["profile"]["release"]["panic"] == "unwind"
