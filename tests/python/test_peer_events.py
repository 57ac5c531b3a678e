"""The script that compares events with those of other tools' tests."""

import json
import subprocess
import sys

import pytest
from output import ROOT

EVENTS = ROOT / "tests/standards/events"
SCRIPT = ROOT / "scripts/peer_events.py"


def run(*arguments: object) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, SCRIPT, *map(str, arguments)], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("tool", "name"), [("panther", "panther"), ("elastic", "ecs-alb_access_log")])
def test_every_value_agrees_with_itself(tool, name):
    path = EVENTS / f"{name}.jsonl"
    found = run(tool, path, path)
    assert (found.returncode, found.stderr) == (0, "")
    agree, _, of, *_ = found.stdout.split()
    assert agree == of and int(of) > 60


def test_differences_have_a_reason_or_are_unexplained(tmp_path):
    (ours,) = (EVENTS / "ecs-nlb_access_log.jsonl").read_text().splitlines()
    theirs = json.loads(ours)
    theirs["@timestamp"] = theirs["@timestamp"].replace(".000000Z", ".000Z")
    theirs["source"]["geo"] = {"country_iso_code": "DE"}
    theirs["aws"]["elb"]["chosen_cert"]["serial"] = "-"
    expected = tmp_path / "expected.json"
    expected.write_text(json.dumps({"expected": [theirs]}))
    found = run("elastic", EVENTS / "ecs-nlb_access_log.jsonl", expected)
    assert found.returncode == 0 and "0 differences are unexplained" in found.stdout
    assert "source.geo.country_iso_code is None" in found.stdout and "a dash on the line" in found.stdout

    theirs["destination"]["port"] = 80
    expected.write_text(json.dumps({"expected": [theirs]}))
    found = run("elastic", EVENTS / "ecs-nlb_access_log.jsonl", expected)
    assert found.returncode == 1 and "destination.port is 443, expected 80: unexplained" in found.stdout
    assert run("elastic", EVENTS / "ecs-alb_access_log.jsonl", expected).returncode == 1
