"""The checklist of the first deployment covers every statement that only an account can settle, and its commands are valid."""

import re
import shlex

import pytest
from stack import ROOT, Refused, Stack

PAGE = "docs/guide/first-deployment.md"
TEXT = (ROOT / PAGE).read_text()
SECTIONS = dict(re.findall(r"^### (.+?)\n(.*?)(?=^##|\Z)", TEXT, re.DOTALL | re.MULTILINE))
MARKER = "not verified on aws"
# The marker in other words. "Not measured" and the like are about values in a log.
OTHER_WORDS = re.compile(
    r"\b(?:not|never|nothing|neither|no file|nowhere)\b(?:\s+\S+){0,6}\s+(?:tried|verified|deployed|exercised)\b"
    r"|\b(?:untested|untried)\b|\bnot measured on\b|\bnot been compared with\b|\breal (?:account|lake)\b",
    re.IGNORECASE,
)
# The changelog describes the past, and the checklist what to do about the statements.
FILES = {
    path.relative_to(ROOT).as_posix(): path.read_text()
    for path in (
        ROOT / "README.md", ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md", ROOT / "template.yaml", ROOT / "samconfig.toml",
        *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "scripts").rglob("*")),
    )
    if path.is_file() and path.suffix != ".pyc" and path.relative_to(ROOT).as_posix() != PAGE
}  # fmt: skip


def prose(name: str) -> str:
    """The text of a file in one line, without the signs of comments and without code."""
    text = re.sub(r"^\s*#+\s?", "", FILES[name], flags=re.MULTILINE)
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL) if name.endswith(".md") else text
    return re.sub(r"\s+", " ", re.sub(r"`[^`\n]+`", "CODE", text) if name.endswith(".md") else text)


def anchor(title: str) -> str:
    """The anchor that GitHub gives to a heading."""
    return re.sub(r"[^\w\s-]", "", title.lower()).replace(" ", "-")


def marked() -> dict[str, list[str]]:
    """The targets of the markers, by file; one that is not a link has the target `none`."""
    found = {}
    for name in FILES:
        text = prose(name)
        link = r"\[not verified on AWS\]\(([^)]*)\)" if name.endswith(".md") else r"not verified on AWS: (\S+)"
        targets = re.findall(link, text, re.IGNORECASE)
        targets += ["none"] * (text.lower().count(MARKER) - len(targets))
        if targets:
            found[name] = targets
    return found


def test_every_marker_has_a_step():
    steps = {anchor(title) for title in SECTIONS}
    found = marked()
    assert {"README.md", "template.yaml", "docs/security.md", "docs/guide/iceberg.md"} <= found.keys()
    for name, targets in found.items():
        for target in targets:
            page, _, step = target.partition("#")
            assert page.endswith("first-deployment.md"), f"{name}: {MARKER!r} must link to a step of {PAGE}, not {target}"
            # These two speak of the whole.
            assert step in steps or (not step and name in ("README.md", "docs/guide/deploy.md")), f"{name}: {PAGE} has no step {step!r}"


@pytest.mark.parametrize("name", FILES)
def test_there_is_one_wording(name):
    text = re.sub(MARKER, "", prose(name), flags=re.IGNORECASE)
    found = [text[max(0, match.start() - 60) : match.end() + 20] for match in OTHER_WORDS.finditer(text)]
    assert not found, f"{name}: write 'not verified on AWS' and link the step of {PAGE} that settles it: {found}"


def test_the_wording_is_recognized():
    for text in (
        "This has not been tried in an AWS account.", "neither has been deployed", "Nothing has been deployed", "Not measured on Lambda",
        "they have not been exercised against AWS", "`nlb_access_log` has not been compared with it", "No file has been written to a real lake",
    ):  # fmt: skip
        assert OTHER_WORDS.search(text), text


@pytest.mark.parametrize("title", SECTIONS)
def test_every_step_says_what_to_look_at_and_what_it_settles(title):
    assert SECTIONS[title].count("- **Look at:** ") == SECTIONS[title].count("- **Settles:** ") == 1


def deployments() -> list[list[str]]:
    """The `sam deploy` commands of the page."""
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)).replace("\\\n", " ")
    return [shlex.split(line) for line in blocks.splitlines() if line.startswith("sam deploy ")]


# A value for each name that the reader replaces.
NAMES = {
    "ADDRESS": "ops@example.com", "TOPIC-ARN": "arn:aws:sns:us-east-1:123456789012:elb-samples",
    "KEY-ARN": "arn:aws:kms:us-east-1:123456789012:key/0e7d5c3a-0001-4b1f-9d26-7a3c8e5f1b01", "NAME": "elb-logs", "SAMPLES": "elb-samples",
}  # fmt: skip


def test_the_commands_deploy():
    commands = deployments()
    assert len(commands) >= 8
    refused = []
    for command in commands:
        start = command.index("--parameter-overrides") + 1
        assert command[start] == "file://defaults.toml"
        pairs = dict(word.split("=", 1) for word in command[start + 1 :])
        given = {name: NAMES.get(value, value.lower() if value.startswith("EVENTS-") else value) for name, value in pairs.items()}
        if given["LogBucketName"] == "elb-logs" and given["EventBucketName"] == "elb-logs":
            given["EventBucketName"] = "elb-events"
        region = command[command.index("--region") + 1] if "--region" in command else "us-east-1"
        try:
            Stack(region, **given)
        except Refused as why:
            refused.append(str(why))
    # Only the step that tests the rules, with the message that it shows.
    assert [why.split(".")[0] in re.sub(r"\s+", " ", TEXT) for why in refused] == [True]


def test_the_stacks_of_the_page_have_names_of_their_own():
    """A second stack in one account and region shares no bucket and no database with another one."""
    taken: dict[tuple[str, str], str] = {}
    for command in deployments():
        stack = command[command.index("--stack-name") + 1] if "--stack-name" in command else "alb-ingest"
        pairs = dict(word.split("=", 1) for word in command if re.match(r"[A-Z]\w+=", word))
        for name in ("EventBucketName", "DatabaseName"):
            if name == "DatabaseName" and pairs.get("StreamDelivery") == "Iceberg":
                continue
            value = pairs.get(name, "load_balancer_logs" if name == "DatabaseName" else "")
            assert taken.setdefault((name, value), stack) == stack, f"{stack}: {name} {value} belongs to {taken[name, value]}"
