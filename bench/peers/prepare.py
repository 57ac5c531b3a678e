"""Installs and builds what takes part. Whatever cannot be had is noted with the reason, and the rest goes on."""

import hashlib
import os
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

from config import CARGO, ELB_LOG_PARSER_VERSION, HERE, REQUIREMENTS, ROOT, TARGET, TOOLS, VENV, environment
from console import Failed, heading, output, passes, say


# Why a program is missing that nobody wants to see.
NOT_ASKED_FOR = "not asked for"


@dataclass
class Prepared:
    """Programs by name, their versions, and why the others are missing."""

    programs: dict[str, Path] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, program: Path, version: str) -> None:
        self.programs[name] = program
        self.versions[name] = version

    def lack(self, name: str, why: object) -> None:
        say(f"{name} is left out: {why}")
        self.missing[name] = str(why)


def prepare(wanted: set[str]) -> Prepared:
    """Prepares the programs of these names; `ours` and `measure` must be had."""
    prepared = Prepared()
    heading("alb-ingest and the programs that measure it")
    ours(prepared)
    crate(prepared, "measure")
    for name in ("ours-parse", "vrl-bench"):
        if name in wanted:
            attempt(prepared, name, lambda name=name: crate(prepared, name))
    if "vrl-bench" in prepared.programs:
        prepared.versions["vrl-bench"] = "vrl " + locked(HERE / "vrl-bench" / "Cargo.lock", "vrl")
    if "elb-log-parser" in wanted:
        heading(f"elb-log-parser {ELB_LOG_PARSER_VERSION}")
        attempt(prepared, "elb-log-parser", lambda: elb_log_parser(prepared))
    engines = [name for name in ("duckdb", "polars", "chdb") if name in wanted]
    if engines:
        heading("Python packages of the peers")
        python_engines(prepared, engines)
    heading("packages of the system")
    for name, package in (("gzip", "gzip"), ("igzip", "isal"), ("valgrind", "valgrind")):
        if name in wanted:
            attempt(prepared, name, lambda name=name, package=package: system(prepared, name, package))
    for name, version in prepared.versions.items():
        say(f"{name}: {version}")
    return prepared


def attempt(prepared: Prepared, name: str, step) -> None:
    try:
        step()
    except Failed as why:
        prepared.lack(name, why)


def ours(prepared: Prepared) -> None:
    """ALB_INGEST_BIN, or the working tree in ALB_INGEST_PROFILE; ALB_INGEST_FAST_BIN as a second variant."""
    program, profile = environment("ALB_INGEST_BIN"), environment("ALB_INGEST_PROFILE", "release")
    if not program:
        command = ["cargo", "build", "--locked", "--profile", profile, "--bin", "alb-ingest"]
        if not passes(command, cwd=ROOT):
            raise Failed("alb-ingest does not build, see above")
        program = str(TARGET / profile / "alb-ingest")
    build = "ALB_INGEST_BIN" if environment("ALB_INGEST_BIN") else f"profile {profile}"
    prepared.add("ours", Path(program).resolve(), f"{output([program, '--version']).strip()} ({build})")
    fast = environment("ALB_INGEST_FAST_BIN")
    if fast:
        prepared.add("ours-fast", Path(fast).resolve(), output([fast, "--version"]).strip() + " (ALB_INGEST_FAST_BIN)")
    else:
        prepared.missing["ours-fast"] = NOT_ASKED_FOR


def crate(prepared: Prepared, name: str) -> None:
    """A package of this folder, each with its own lock file."""
    manifest = HERE / name / "Cargo.toml"
    command = ["cargo", "build", "--release", "--locked", "--manifest-path", manifest, "--target-dir", CARGO]
    if not passes(command, cwd=ROOT):
        raise Failed(f"cargo cannot build bench/peers/{name}, see above")
    prepared.programs[name] = CARGO / "release" / name


def locked(lock: Path, package: str) -> str:
    """The version of a package in a lock file."""
    text = lock.read_text(encoding="utf-8")
    _, _, behind = text.partition(f'name = "{package}"\nversion = "')
    return behind.partition('"')[0]


def elb_log_parser(prepared: Prepared) -> None:
    """Licensed under the AGPL: installed and run as a command, never linked."""
    program = TOOLS / "bin" / "elb-log-parser"
    if not program.exists():
        command = ["cargo", "install", "elb-log-parser", f"--version={ELB_LOG_PARSER_VERSION}", "--locked", "--quiet"]
        if not passes([*command, "--root", TOOLS, "--target-dir", CARGO], cwd=ROOT):
            raise Failed("cargo install failed, see above")
    prepared.add("elb-log-parser", program, output([program, "--version"]).strip())


def python_engines(prepared: Prepared, engines: list[str]) -> None:
    python = VENV / "bin" / "python"
    stamp = VENV / "requirements.stamp"
    wanted = sys.version.split()[0] + " " + hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        shutil.rmtree(VENV, ignore_errors=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        if passes([sys.executable, "-m", "venv", VENV]) and passes([*pip, "--only-binary", ":all:", "-r", REQUIREMENTS]):
            stamp.write_text(wanted, encoding="utf-8")
    for name in engines:
        try:
            program = f"import {name}; print({name}.__version__)"
            prepared.add(name, python, f"{name} {output([python, '-c', program]).split()[0]}")
        except Failed as why:
            prepared.lack(name, why)
    if "chdb" in prepared.programs:
        version = output([python, "-c", "import chdb; print(chdb.query('SELECT version()', 'TSVRaw'))"]).strip()
        prepared.versions["chdb"] += f" (ClickHouse {version})"


def system(prepared: Prepared, name: str, package: str) -> None:
    """A program of the system; Debian's package is installed where that is possible."""
    if not shutil.which(name):
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            raise Failed(f"{name} is not there; on Debian and Ubuntu: apt-get install {package}")
        install = ["apt-get", "install", "--yes", "--quiet=2", "--no-install-recommends", package]
        if not (passes(install) or (passes(["apt-get", "update", "--quiet=2"]) and passes(install))):
            raise Failed(f"apt-get install {package} failed, see above")
    program = shutil.which(name)
    version = output([program, "--version"]).splitlines()[0]
    prepared.add(name, Path(program), version)
