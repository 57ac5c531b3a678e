"""What the README and docs/deploy.md tell people to type is there: parameters, values, outputs, alarms, targets of make."""

import re
import tomllib

import pytest
from stack import ROOT, Stack, template

README = (ROOT / "README.md").read_text()
# The README's part for operators, and the page behind it.
PAGES = {
    "README.md": README.split("\n## Deploy\n")[1].split("\n## ")[0],
    "docs/deploy.md": (ROOT / "docs/deploy.md").read_text(),
    "docs/security.md": (ROOT / "docs/security.md").read_text(),
}


def ticked(page: str) -> list[str]:
    """What stands between backticks, without the blocks of code."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", PAGES[page], flags=re.DOTALL))


def commands(text: str) -> list[str]:
    """The lines of the first block of commands."""
    return re.search(r"```sh\n(.*?)```", text, re.DOTALL)[1].splitlines()


@pytest.mark.parametrize("page", PAGES)
def test_what_is_set_is_a_parameter_with_that_value(page):
    declared = template()["Parameters"]
    given = [match.groups() for text in ticked(page) if (match := re.fullmatch(r"([A-Z][a-z]+[A-Za-z]*)=(\S+)", text))]
    assert given or page == "docs/security.md"
    for name, value in given:
        assert name in declared, f"{page} sets {name}"
        assert value in declared[name].get("AllowedValues", [value]), f"{page} sets {name} to {value}"


@pytest.mark.parametrize("page", ["README.md", "docs/deploy.md"])
def test_outputs_and_alarms_that_are_named_are_there(page):
    source = template()
    outputs = re.findall(r"output `?([A-Z][A-Za-z]+)", re.sub(r"\s+", " ", PAGES[page]))
    assert {"EnableEvents", "Redrive", "ReplayObject"} <= set(outputs) <= set(source["Outputs"])
    names = {
        body["Properties"]["AlarmName"]["Fn::Sub"].removeprefix("${AWS::StackName}-")
        for body in source["Resources"].values()
        if body["Type"] == "AWS::CloudWatch::Alarm"
    }
    alarms = set(re.findall(r"alarm `([a-z-]+)`", PAGES[page]))
    assert alarms and alarms <= names


def test_the_quick_start_has_five_commands_and_they_are_the_same_twice():
    quick = commands(PAGES["README.md"])
    assert len(quick) == 5 and quick == commands(PAGES["docs/deploy.md"])
    settings = tomllib.loads((ROOT / "samconfig.toml").read_text())["default"]
    assert f"--stack-name {settings['global']['parameters']['stack_name']} " in quick[3]
    # The last one is what the stack's output says, with other names.
    said = Stack().outputs["EnableLogging"]["Value"]
    assert [word for word in quick[4].split() if word.startswith("--")] == [
        word for word in said.split() if word.startswith("--") and word != "--region"
    ]


def test_the_overrides_of_local_runs_are_parameters():
    settings = tomllib.loads((ROOT / "samconfig.toml").read_text())["default"]
    for command in ("local_invoke", "local_start_lambda"):
        overrides = settings[command]["parameters"]["parameter_overrides"]
        # Makes a stack: refused when one is unknown or wrong.
        Stack(**dict(pair.split("=") for pair in overrides.split()))


def test_targets_of_make_are_there():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in ("README.md", "CONTRIBUTING.md", "docs/deploy.md", "docs/cost.md"):
        text = (ROOT / page).read_text()
        named = set(re.findall(r"(?:`|^)make ([a-z-]+)", text, re.MULTILINE))
        assert named <= targets, f"{page}: {named - targets}"


def test_the_build_server_runs_what_people_run():
    script = (ROOT / ".ci/run").read_text()
    assert re.findall(r"^make ([a-z-]+)", script, re.MULTILINE) == ["test", "sam-local"]
