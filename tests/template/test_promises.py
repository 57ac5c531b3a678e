"""What docs/guide/deploy.md promises for each destination is what the function does with the environment that it gets."""

import json
import re
import shutil
import subprocess
from functools import cache

import pytest
from choices import CHOICES
from stack import ROOT, TABLES, Stack, template

OBJECTS = ROOT / "events/objects"
# A value for a parameter that the page names without one.
VALUES = {
    "EventFormat": "json", "Schema": "ocsf", "PartitionBy": "hour", "EventBucket": "Existing", "StreamName": "elb-events",
    "StreamTable": "nlb_access_log", "IcebergTable": "elb.rows",
}  # fmt: skip
ALL, ONE = "all", "the one in `StreamTable`"
# Names as AWS's page writes them, with a dot where load balancers write an underscore.
DOTTED = {"conn_log_": "conn_log.", "health_check_log_": "health_check_log."}


def promised() -> list[tuple[dict[str, str], str]]:
    """The parameters of each row of the page's table, and the log types that it promises for them."""
    text = (ROOT / "docs/guide/deploy.md").read_text().split("\n## Destinations\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (`.+?) \| (.+?) \| .+ \|$", text, re.MULTILINE)
    found = []
    for destination, given, types in rows:
        parts = (part.partition("=") for part in re.findall(r"`([^`]+)`", given))
        choice = {name: value or VALUES[name] for name, _, value in parts}
        found.append(({"Destination": destination} | choice, types))
    return found


@pytest.fixture(scope="module")
def objects(tmp_path_factory):
    """The sample objects, and those with an underscore in their name a second time with a dot."""
    folder = tmp_path_factory.mktemp("objects")
    shutil.copytree(OBJECTS, folder, dirs_exist_ok=True)
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        for old, new in DOTTED.items():
            if path.name.startswith(old):
                shutil.copy(path, path.with_name(path.name.replace(old, new, 1)))
    return folder


@pytest.fixture(scope="module")
def events(program, objects):
    """Runs the command line with settings; returns the number of events by table."""

    @cache
    def run(*settings: tuple[str, str]) -> dict[str, int]:
        command = [program, "run", objects, "--to", "-", "--report", "json"]
        done = subprocess.run(command, env=dict(settings), check=True, capture_output=True, timeout=120)
        report = json.loads(done.stderr.splitlines()[-1])
        return {name: ledger["events"] for name, ledger in report["tables"].items() if ledger["events"]}

    return run


def selected(stack, events) -> dict[str, int]:
    """Events of the sample objects that the function would select with a stack's environment."""
    return events(*((name, stack.variables()[name]) for name in ("INCLUDE", "EXCLUDE") if name in stack.variables()))


def test_the_page_has_a_row_for_every_destination():
    declared = template()["Parameters"]
    rows = [choice for choice, _ in promised()]
    assert {choice["Destination"] for choice in rows} == set(declared["Destination"]["AllowedValues"])
    assert {choice.get("StreamDelivery") for choice in rows} - {None} == set(declared["StreamDelivery"]["AllowedValues"])
    assert {types for _, types in promised()} == {ALL, ONE}


@pytest.mark.parametrize(("choice", "types"), promised(), ids=[str(row[0]) for row in promised()])
def test_a_documented_choice_takes_the_log_types_that_it_promises(events, choice, types):
    everything = events()
    assert set(everything) == set(TABLES)
    if types == ALL:
        assert "StreamTable" not in choice
        assert selected(Stack(**choice), events) == everything
        return
    for table in TABLES:
        assert selected(Stack(**choice | {"StreamTable": table}), events) == {table: everything[table]}


def test_nothing_is_left_out_unless_it_was_asked_for(stack, events):
    """Every choice of the tests: all log types, or the one that it names; nothing that it excludes is in the samples."""
    everything = events()
    table = stack.parameters["StreamTable"]
    narrowed = stack.parameters["Destination"] != "S3" and table != "all"
    assert selected(stack, events) == ({table: everything[table]} if narrowed else everything)


def test_every_exclusion_is_kept():
    """Also with the log type whose keys are themselves told from others by an exclusion."""
    for name, choice in CHOICES.items():
        if "Exclude" in choice:
            assert Stack(**choice).variables()["EXCLUDE"].endswith(choice["Exclude"]), name
    assert "StreamTable" in CHOICES["existing-stream-one-table"]
