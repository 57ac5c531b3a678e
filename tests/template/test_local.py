"""Tests of the scripts for the function: parsing of invocations, comparison and packing."""

import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tomllib
import zipfile
import zlib
from pathlib import Path

import pytest
from stack import ROOT

sys.path.insert(0, str(ROOT / "scripts/sam"))
sys.path.insert(0, str(ROOT / "scripts"))

import artefact  # noqa: E402
import sbom  # noqa: E402
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


def test_the_list_of_dependencies_is_found(tmp_path):
    """In the section that cargo-auditable adds; a compiler's note of the same name is not one."""
    packages = [{"name": "serde", "version": "1.0.1", "source": "crates.io"}, {"name": "f", "version": "0.1.0", "root": True}]
    content, names = zlib.compress(json.dumps({"packages": packages}).encode()), b"\0.dep-v0\0.shstrtab\0"
    at = 64 + len(content)
    head = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 3, 62, 1, 0, 0, at + len(names), 0, 64, 0, 0, 64, 3, 2)
    sections = (bytes(64), struct.pack("<IIQQQQIIQQ", 1, 1, 0, 0, 64, len(content), 0, 0, 1, 0),
                struct.pack("<IIQQQQIIQQ", 9, 3, 0, 0, at, len(names), 0, 0, 1, 0))  # fmt: skip
    binary = head + content + names + b"".join(sections)
    assert artefact.listed_crates(binary) == {("serde", "1.0.1"), ("f", "0.1.0")}
    assert artefact.listed_crates(binary.replace(b".dep-v0", b".dep-v1")) == set()


def test_the_bill_of_materials_has_exactly_the_crates_of_the_function():
    part = lambda name: {"bom-ref": f"{name}-ref", "name": name, "version": "1.0.0"}  # noqa: E731
    programs = [{"name": name} for name in ("alb_ingest", "alb-ingest", "bootstrap")]
    edges = [{"ref": "main-ref", "dependsOn": ["a-ref", "test-ref"]}, {"ref": "a-ref"}, {"ref": "test-ref"}]
    bill = {"metadata": {"component": part("main") | {"components": programs}}, "components": [part("a"), part("test")],
            "dependencies": edges}  # fmt: skip
    crates = {("main", "1.0.0"), ("a", "1.0.0")}
    found = sbom.reduced(bill, crates)
    assert [one["name"] for one in found["components"]] == ["a"]
    assert found["dependencies"] == [{"ref": "main-ref", "dependsOn": ["a-ref"]}, {"ref": "a-ref"}]
    assert [one["name"] for one in found["metadata"]["component"]["components"]] == ["alb_ingest", "bootstrap"]
    with pytest.raises(SystemExit, match="lacks .*'b', '2.0.0'"):
        sbom.reduced(bill, crates | {("b", "2.0.0")})
    # The function's features, as in the script that builds it.
    assert " ".join(sbom.FEATURES) in (ROOT / "scripts/artefact.sh").read_text()


def test_the_bill_of_materials_has_the_lists_of_others():
    """Versions and licences are those on the page, and the licences are in the zip file."""
    bill = {"metadata": {"component": {"bom-ref": "main"}}, "components": [], "dependencies": [{"ref": "main"}, {"ref": "a"}]}
    found = sbom.with_data(bill)
    lists = {part["name"]: part for part in found["components"]}
    assert found["dependencies"] == [{"ref": "main", "dependsOn": ["data/crawler-user-agents", "data/uap-core"]}, {"ref": "a"}]
    page = (ROOT / "data/README.md").read_text()
    rows = {row[0]: row for row in re.findall(r"^\| `([a-z-]+)` \| (.+?) \| (.+?) \| (.+?) \| (.+?) \|$", page, re.MULTILINE)}
    assert set(rows) == set(lists) == {licence.parent.name for licence in artefact.LICENCES}
    for name, part in lists.items():
        (licence,) = part["licenses"]
        assert part["version"].split("+")[0] in rows[name][2] and licence["license"]["id"] in rows[name][3] and part["copyright"] in rows[name][3]


def test_the_function_runs_on_amazon_linux(built):
    """A debug build requires the same symbols of the C library as the artefact."""
    binary = built("bootstrap").read_bytes()
    assert artefact.required_glibc(binary) <= artefact.MAX_GLIBC == (2, 34)


ARM = "aarch64-unknown-linux-gnu"


class Builder:
    """A copy of the script with a `rustup` and a `cargo` that only note what they are asked for."""

    def __init__(self, home: Path, can_add: bool, has_tools: bool = True) -> None:
        self.home = home
        (home / "scripts").mkdir()
        (home / "bin").mkdir()
        for name in ("artefact.sh", "artefact.py"):
            shutil.copy(ROOT / "scripts" / name, home / "scripts")
        # Linked by zig for arm64, and by the machine's linker for x86-64.
        for name, machine in (("target/lambda/bootstrap", 183), ("target/artefact", 62)):
            (home / name).mkdir(parents=True)
            (home / name / "bootstrap").write_bytes(elf(machine, "2.34"))
        self._tool("scripts/venv.sh", 'echo "venv.sh $*" >> calls')
        self._tool("scripts/tool.sh", 'echo "tool.sh $*" >> calls' + ("" if has_tools else "; exit 1"))
        self._tool("bin/cargo", 'echo "cargo $*" >> calls')
        self._tool(
            "bin/rustup",
            'echo "rustup $*" >> calls; case $2 in list) echo x86_64-unknown-linux-gnu; cat added 2>/dev/null || true ;; '
            + (f"add) echo {ARM} > added ;; esac" if can_add else "*) echo 'could not download' >&2; exit 1 ;; esac"),
        )

    def _tool(self, name: str, text: str) -> None:
        (self.home / name).write_text(f"#!/bin/sh\n{text}\n")
        (self.home / name).chmod(0o755)

    def build(self, arch: str, **variables: str) -> subprocess.CompletedProcess:
        environment = {name: value for name, value in os.environ.items() if name != "CARGO_TARGET_DIR"} | variables
        environment["PATH"] = f"{self.home}/bin{os.pathsep}{os.environ['PATH']}"
        command = [self.home / "scripts/artefact.sh", arch]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)

    @property
    def calls(self) -> list[str]:
        return (self.home / "calls").read_text().splitlines()


def test_arm64_is_built_wherever_its_standard_library_can_be_had(tmp_path):
    builder = Builder(tmp_path, can_add=True)
    done = builder.build("arm64")
    assert done.returncode == 0 and "dist/alb-ingest-arm64.zip: arm64, GLIBC 2.34" in done.stdout, done.stderr
    assert f"rustup target add {ARM}" in builder.calls
    (build,) = (call for call in builder.calls if call.startswith("cargo "))
    # With zig, against the C library of Amazon Linux 2023.
    assert build.startswith("cargo auditable lambda build --locked --profile artefact") and build.endswith(f"--target {ARM}.2.34")
    assert "venv.sh function" in builder.calls
    # It is installed now.
    builder.build("all")
    assert builder.calls.count(f"rustup target add {ARM}") == 1
    assert {path.name for path in (tmp_path / "dist").iterdir()} == {"alb-ingest-arm64.zip", "alb-ingest-x86_64.zip"}


def test_what_cannot_be_built_is_reported(tmp_path):
    builder = Builder(tmp_path, can_add=False)
    done = builder.build("arm64")
    assert done.returncode == 1 and f"rustup target add {ARM} failed" in done.stderr and "could not download" in done.stderr
    done = builder.build("all")
    assert done.returncode == 0 and "SKIPPED arm64, which was not built" in done.stderr
    assert [path.name for path in (tmp_path / "dist").iterdir()] == ["alb-ingest-x86_64.zip"]
    done = builder.build("mips")
    assert done.returncode == 2 and "expected x86_64, arm64 or all" in done.stderr


def test_the_function_lists_its_dependencies_or_is_not_built(tmp_path):
    """Without the tool, the same command would produce other bytes."""
    builder = Builder(tmp_path, can_add=True, has_tools=False)
    done = builder.build("x86_64")
    assert done.returncode == 1 and "AUDITABLE=no" in done.stderr
    assert not (tmp_path / "dist").exists() and not [call for call in builder.calls if call.startswith("cargo ")]
    done = builder.build("x86_64", AUDITABLE="no")
    assert done.returncode == 0 and "does not list its crates" in done.stdout, done.stderr
    assert builder.calls[-1].startswith("cargo build --locked --profile artefact")


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
        entries = {entry.filename: entry.external_attr >> 16 for entry in archive.infolist()}
        licences = {f"licenses/{name}": 0o100644 for name in ("crawler-user-agents", "uap-core")}
        assert entries == {"bootstrap": 0o100755} | licences
        assert b"MIT" in archive.read("licenses/crawler-user-agents") and b"Apache" in archive.read("licenses/uap-core")


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
