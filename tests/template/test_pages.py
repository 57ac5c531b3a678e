"""The parameters, values, outputs, alarms and make targets named in the README and the guides exist."""

import re
import tomllib

import pytest
from stack import ROOT, Stack, template

README = (ROOT / "README.md").read_text()
# The README's section for operators, and the pages that it links.
PAGES = {"README.md": README.split("\n## Deploy\n")[1].split("\n## ")[0]} | {
    page: (ROOT / page).read_text()
    for page in (
        "docs/guide/deploy.md", "docs/guide/first-deployment.md", "docs/guide/recovery.md", "docs/guide/firehose.md",
        "docs/guide/iceberg.md", "docs/guide/recipes.md", "docs/guide/security-lake.md", "docs/security.md",
    )
}
DEPLOY = "docs/guide/deploy.md"


def code_spans(page: str) -> list[str]:
    """The texts in backticks, outside of code blocks."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", PAGES[page], flags=re.DOTALL))


def commands(text: str) -> list[str]:
    """The lines of the first block of commands."""
    return re.search(r"```sh\n(.*?)```", text, re.DOTALL)[1].splitlines()


@pytest.mark.parametrize("page", PAGES)
def test_parameters_and_their_values_exist(page):
    declared = template()["Parameters"]
    # A setting of the function is in capitals, a parameter of the template is not.
    given = [match.groups() for text in code_spans(page) if (match := re.fullmatch(r"([A-Z][a-z]+[A-Za-z]*)=(\S+)", text))]
    assert given or page not in ("README.md", DEPLOY)
    for name, value in given:
        assert name in declared, f"{page} sets {name}"
        assert value in declared[name].get("AllowedValues", [value]), f"{page} sets {name} to {value}"


def outputs_and_alarms(page: str) -> tuple[set[str], set[str]]:
    text = re.sub(r"\s+", " ", PAGES[page])
    return set(re.findall(r"outputs? `([A-Z][A-Za-z]+)`", text)), set(re.findall(r"alarm `([a-z-]+)`", text))


@pytest.mark.parametrize("page", PAGES)
def test_outputs_and_alarms_exist(page):
    source = template()
    outputs, alarms = outputs_and_alarms(page)
    assert outputs <= set(source["Outputs"])
    assert alarms <= {
        body["Properties"]["AlarmName"]["Fn::Sub"].removeprefix("${AWS::StackName}-")
        for body in source["Resources"].values()
        if body["Type"] == "AWS::CloudWatch::Alarm"
    }


def test_sections_that_the_template_names_exist():
    named = set(re.findall(r"(docs/[\w/-]+\.md)#([\w-]+)", (ROOT / "template.yaml").read_text()))
    assert ("docs/guide/recovery.md", "redrive-failed-objects") in named
    for page, anchor in named:
        headings = re.findall(r"^#+ (.+)$", (ROOT / page).read_text(), re.MULTILINE)
        assert anchor in {re.sub(r"[^\w\s-]", "", heading.lower()).replace(" ", "-") for heading in headings}, f"{page}#{anchor}"


def test_alarms_that_lose_messages_name_the_way_back():
    descriptions = {
        body["Properties"]["AlarmName"]["Fn::Sub"].removeprefix("${AWS::StackName}-"): body["Properties"]["AlarmDescription"]
        for body in template()["Resources"].values()
        if body["Type"] == "AWS::CloudWatch::Alarm"
    }
    named = {name for name, text in descriptions.items() if "docs/guide/recovery.md#" in text}
    assert {"dead-letters", "failed-permanently"} <= named
    assert len(named) == 8, named


def test_the_guides_cover_the_outputs_and_alarms_that_need_action():
    outputs, alarms = outputs_and_alarms(DEPLOY)
    assert {"EnableEvents", "Redrive", "ReplayObject"} <= outputs
    assert {"BatchManifest", "BatchJob", "FunctionRole"} <= {name for name in template()["Outputs"] if f"`{name}`" in PAGES["docs/guide/recipes.md"]}
    assert {"dead-letters", "oldest-message", "malformed", "unknown-fields"} <= alarms


def test_the_readme_and_the_guide_have_the_same_five_commands():
    quick = commands(PAGES["README.md"])
    assert len(quick) == 5 and quick == commands(PAGES[DEPLOY])
    settings = tomllib.loads((ROOT / "samconfig.toml").read_text())["default"]
    assert f"--stack-name {settings['global']['parameters']['stack_name']} " in quick[3]
    # The last one is the command in the stack's output, with other names.
    output = Stack().outputs["EnableLogging"]["Value"]
    assert [word for word in quick[4].split() if word.startswith("--")] == [
        word for word in output.split() if word.startswith("--") and word != "--region"
    ]


def test_the_overrides_of_local_runs_are_parameters():
    settings = tomllib.loads((ROOT / "samconfig.toml").read_text())["default"]
    for command in ("local_invoke", "local_start_lambda"):
        overrides = settings[command]["parameters"]["parameter_overrides"]
        # Creates a stack: fails if a parameter is unknown or invalid.
        Stack(**dict(pair.split("=") for pair in overrides.split()))


def test_make_targets_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "ARCHITECTURE.md", *(ROOT / "docs").rglob("*.md")]
    for page in pages:
        named = set(re.findall(r"(?:`|^)make ([a-z-]+)", page.read_text(), re.MULTILINE))
        assert named <= targets, f"{page.relative_to(ROOT)}: {named - targets}"


def test_the_build_server_runs_the_documented_targets():
    script = (ROOT / ".ci/run").read_text()
    assert re.findall(r"^make ([a-z-]+)", script, re.MULTILINE) == ["test", "report-browser", "sam-local"]
