"""The documented commands deploy with few questions, with the release's defaults, and never into files of the release."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from samcli.cli.types import CfnParameterOverridesType
from stack import ROOT, Stack, template
from test_pages import DEPLOY, PAGES, commands

CHECK = ROOT / "scripts/check-tools"


def overrides(words: list[str], monkeypatch) -> dict[str, str]:
    """What SAM makes of the words after --parameter-overrides."""
    monkeypatch.chdir(ROOT)
    return CfnParameterOverridesType().convert(tuple(words), None, None)


def test_the_third_command_passes_what_matters_and_the_defaults(monkeypatch):
    words = commands(PAGES["README.md"])[2].split()
    assert words[:3] == ["sam", "deploy", "--parameter-overrides"] and words[3] == "file://defaults.toml"
    assert [word.partition("=")[0] for word in words[4:]] == ["LogBucketName", "EventBucketName", "AlarmEmail"]
    given = [*words[3:4], "LogBucketName=elb-logs", "EventBucketName=elb-events", "AlarmEmail=ops@example.com"]
    passed = overrides(given, monkeypatch)
    assert set(passed) == set(template()["Parameters"]), "what is not passed keeps the value of the last deployment"
    assert Stack(**passed).parameters == Stack(AlarmEmail="ops@example.com").parameters


def test_alarms_reach_somebody():
    for page in ("README.md", DEPLOY):
        assert "AlarmEmail=" in commands(PAGES[page])[2]
    assert "AlarmsNotifyNobody" in Stack().outputs
    assert "AlarmsNotifyNobody" not in Stack(AlarmEmail="ops@example.com").outputs


@pytest.mark.parametrize("page", [DEPLOY, "docs/guide/iceberg.md"])
def test_the_shown_answers_are_parameters(page, monkeypatch, tmp_path):
    (text,) = re.findall(r"```toml\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    answers = tmp_path / "answers.toml"
    answers.write_text(text)
    (command,) = re.findall(r"^sam deploy .+ file://answers.toml$", PAGES[DEPLOY], re.MULTILINE)
    words = command.replace("answers.toml", str(answers)).split()[3:]
    passed = overrides(words, monkeypatch)
    assert set(passed) == set(template()["Parameters"])
    stack = Stack(**passed)
    for name, value in tomllib.loads(text).items():
        assert str(stack.parameters[name]) == value


def test_answers_are_not_files_of_the_release():
    for name in ("answers.toml", "template-x86_64.yaml", "notifications-elb-logs-20261007T114500Z.json"):
        assert subprocess.run(["git", "check-ignore", "--quiet", name], cwd=ROOT).returncode == 0, name
    for page in PAGES:
        for line in "\n".join(re.findall(r"```sh\n(.*?)```", PAGES[page], re.DOTALL)).splitlines():
            assert "--guided" not in line and "--save-params" not in line, f"{page}: {line} writes into samconfig.toml"
    deploy = tomllib.loads((ROOT / "samconfig.toml").read_text())["default"]["deploy"]["parameters"]
    assert "parameter_overrides" not in deploy


def test_build_and_deploy_have_one_architecture():
    """A literal: `sam build` copies it into the template that `sam deploy` deploys, where no parameter changes it."""
    assert template()["Resources"]["IngestFunction"]["Properties"]["Architectures"] == ["arm64"]
    sed = re.search(r"^sed .+$", (ROOT / DEPLOY).read_text(), re.MULTILINE)[0].split(" > ")[0]
    other = subprocess.run(["sh", "-c", sed], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    sys.path.insert(0, str(ROOT / "scripts/sam"))
    from local import for_x86_64

    assert other == for_x86_64((ROOT / "template.yaml").read_text())
    assert other.count("Architectures: [x86_64]") == 1 and "Architectures: [arm64]" not in other


def tool(folder: Path, name: str, says: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\necho '{says}'\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def tools(tmp_path):
    """A path with every tool, new enough."""
    tool(tmp_path, "sam", "SAM CLI, version 1.155.2")
    tool(tmp_path, "cargo", "cargo-lambda 1.9.2 (2026-07-01Z)")
    tool(tmp_path, "aws", "aws-cli/2.30.1 Python/3.13.7 Linux/6.1 exe/x86_64")
    tool(tmp_path, "zig", "0.15.1")
    (tmp_path / "rustup").write_text("#!/bin/sh\necho aarch64-unknown-linux-gnu\n")
    (tmp_path / "rustup").chmod(0o755)
    return tmp_path


def checked(tools: Path, *arguments: str) -> subprocess.CompletedProcess:
    environment = os.environ | {"PATH": f"{tools}:/usr/bin:/bin"}
    return subprocess.run([CHECK, *arguments], env=environment, capture_output=True, text=True, timeout=60)


def test_tools_that_are_there_pass(tools):
    done = checked(tools)
    assert done.returncode == 0 and "MISSING" not in done.stdout, done.stdout
    assert "Rust target x86_64-unknown-linux-gnu; run: rustup target add" in checked(tools, "x86_64").stdout
    assert checked(tools, "mips").returncode == 2


@pytest.mark.parametrize(
    ("name", "says", "expected"),
    [
        ("sam", "SAM CLI, version 1.154.0", "SAM CLI: 1.154.0 is too old, 1.155.0 or newer"),
        ("sam", "SAM CLI, version 1.99.0", "SAM CLI: 1.99.0 is too old"),
        ("aws", "aws-cli/1.46.2 Python/3.11", "AWS CLI: 1.46.2 is too old"),
        ("cargo", "error: no such command", "cargo-lambda: not found"),
        ("rustup", "x86_64-unknown-linux-gnu", "run: rustup target add aarch64-unknown-linux-gnu"),
    ],
)
def test_a_tool_that_is_missing_or_old_is_named(tools, name, says, expected):
    tool(tools, name, says)
    done = checked(tools)
    assert done.returncode == 1 and expected in done.stdout, done.stdout


def test_the_needed_version_of_sam_is_the_same_everywhere():
    (minimum,) = re.findall(r"^sam_minimum=(\d+\.\d+)\.0$", CHECK.read_text(), re.MULTILINE)
    for page in ("README.md", DEPLOY):
        text = re.sub(r"\s+", " ", PAGES[page])
        assert re.search(rf"\[SAM CLI\]\(\S+\) {re.escape(minimum)} or newer", text), page
    pinned = re.search(r'"aws-sam-cli==(\d+)\.(\d+)', (ROOT / "pyproject.toml").read_text())
    assert (int(pinned[1]), int(pinned[2])) >= tuple(map(int, minimum.split(".")))
