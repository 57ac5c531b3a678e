"""Installs and builds what takes part. Whatever cannot be had is noted with the reason, and the rest goes on."""

import os
import shutil
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from config import (
    CARGO,
    ELB_LOG_PARSER_VERSION,
    FAST,
    FAST_FEATURE,
    GROUP,
    HERE,
    ROOT,
    TARGET,
    TOOLS,
    VENV,
    environment,
)
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
        self.missing.pop(name, None)
        self.programs[name] = program
        self.versions[name] = version

    def lack(self, name: str, why: object) -> None:
        say(f"{name} is left out: {why}")
        self.missing[name] = str(why)


def prepare(wanted: set[str]) -> Prepared:
    """Prepares the programs of these names; `ours` and `measure` must be had."""
    prepared = Prepared()
    prepared.missing["ours-fast"] = prepared.missing["ours-parse-fast"] = NOT_ASKED_FOR
    heading("alb-ingest and the programs that measure it")
    ours(prepared, "ours-fast" in wanted)
    crate(prepared, "measure", "measure", CARGO, ["--locked"])
    if "ours-parse" in wanted:
        ours_parse(prepared)
    if "vrl-bench" in wanted:
        attempt(prepared, "vrl-bench", lambda: crate(prepared, "vrl-bench", "vrl-bench", CARGO, ["--locked"]))
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
    prepared.versions["compiler"] = output(["rustc", "--version"]).strip()
    prepared.versions["Python"] = sys.version.split()[0]
    for name, version in prepared.versions.items():
        say(f"{name}: {version}")
    return prepared


def attempt(prepared: Prepared, name: str, step) -> None:
    try:
        step()
    except Failed as why:
        prepared.lack(name, why)


def ours(prepared: Prepared, fast: bool) -> None:
    """The working tree, with and without the fast inflate, or the binaries that the environment names."""
    # As it is deployed; without AWS, which nothing here asks for and which takes longer to build than all the rest.
    profile = environment("ALB_INGEST_PROFILE", "artefact")

    def one(name: str, variable: str, target: Path, more: list[str]) -> None:
        given = environment(variable)
        program = Path(given).resolve() if given else build(target, profile, more)
        how = variable if given else ", ".join([f"profile {profile}", *more])
        prepared.add(name, program, f"{output([program, '--version']).strip()} ({how})")

    def one_fast() -> None:
        if not environment("ALB_INGEST_FAST_BIN"):
            # zlib-ng is built with it.
            system(prepared, "cmake", "cmake")
        one("ours-fast", "ALB_INGEST_FAST_BIN", FAST, [f"--features={fast_feature()}"])

    one("ours", "ALB_INGEST_BIN", TARGET, [])
    if fast:
        attempt(prepared, "ours-fast", one_fast)


def fast_feature() -> str:
    return environment("ALB_INGEST_FAST_FEATURE", FAST_FEATURE)


def build(target: Path, profile: str, more: list[str]) -> Path:
    command = ["cargo", "build", "--locked", "--profile", profile, "--bin", "alb-ingest", "--target-dir", target]
    command += ["--no-default-features", "--features=cli,generate"]
    if not passes([*command, *more], cwd=ROOT):
        raise Failed("alb-ingest does not build, see above")
    return target / profile / "alb-ingest"


def ours_parse(prepared: Prepared) -> None:
    """The library in a program of its own, with the product's dependencies in the product's versions."""
    shutil.copyfile(ROOT / "Cargo.lock", HERE / "ours-parse" / "Cargo.lock")
    attempt(prepared, "ours-parse", lambda: crate(prepared, "ours-parse", "ours-parse", CARGO, []))
    if "cmake" in prepared.programs:
        more = [f"--features=alb-ingest/{fast_feature()}"]
        attempt(prepared, "ours-parse-fast", lambda: crate(prepared, "ours-parse-fast", "ours-parse", FAST, more))


def crate(prepared: Prepared, name: str, package: str, target: Path, more: list[str]) -> None:
    """A package of this folder."""
    manifest = HERE / package / "Cargo.toml"
    command = ["cargo", "build", "--release", "--manifest-path", manifest, "--target-dir", target, *more]
    if not passes(command, cwd=ROOT):
        raise Failed(f"cargo cannot build bench/peers/{package}, see above")
    prepared.missing.pop(name, None)
    prepared.programs[name] = target / "release" / package


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
    if not passes([ROOT / "scripts/venv.sh", GROUP], cwd=ROOT) and python.exists():
        # One package that cannot be installed does not prevent the others.
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        pip += ["--only-binary", ":all:"]
        groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
        for requirement in groups[GROUP]:
            passes([*pip, requirement])
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
