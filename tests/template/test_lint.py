"""AWS's tools accept the template, both as written and as evaluated for each choice of parameters."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cfnlint.api import ManualArgs, lint
from cfnlint.helpers import REGIONS
from stack import ROOT, Stack, template


def test_sam_validates_the_template():
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "SAM_CLI_TELEMETRY": "0"}
    sam = Path(sys.executable).parent / "sam"
    command = [sam, "validate", "--lint", "--region", "us-east-1", "--template-file", ROOT / "template.yaml"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and "is a valid SAM Template" in done.stdout, done.stdout + done.stderr


def test_the_translated_template_passes_cfn_lint(stack):
    found = lint(json.dumps(stack.translated()), config=ManualArgs(regions=[stack.region]))
    assert [f"{match.rule.id} {'/'.join(map(str, match.path or []))}: {match.message}" for match in found] == []


def test_every_region_is_known():
    # Isolated partitions are not supported.
    regions = {region for region in REGIONS if "-iso" not in region}
    assert set(template()["Mappings"]["LogDelivery"]) == regions


# What the template offers besides its defaults that depends on the services of a region.
REGIONAL = {
    "files": {"BatchOperations": "Yes", "LogBucketEvents": "Yes"},
    "merged": {"Delivery": "Merged"},
    "stream": {"Destination": "NewStream", "StreamDelivery": "Parquet", "StreamTable": "alb_access_log"},
    "existing-stream": {"Destination": "ExistingStream", "StreamName": "elb-events"},
}


@pytest.mark.parametrize("region", template()["Mappings"]["LogDelivery"])
def test_every_region_has_what_the_template_needs(region):
    """A region that lacks a service needs a rule that says so."""
    for name, choice in REGIONAL.items():
        found = lint(json.dumps(Stack(region, **choice).translated()), config=ManualArgs(regions=[region]))
        assert [f"{match.rule.id}: {match.message}" for match in found] == [], name


def test_cfn_lint_finds_types_that_a_region_lacks(stacks):
    made = stacks["defaults"].translated()
    made["Resources"]["Missing"] = {"Type": "AWS::Cloud9::EnvironmentEC2", "Properties": {"ImageId": "x", "InstanceType": "t3.small"}}
    for region, missing in (("us-east-1", False), ("mx-central-1", True)):
        found = {match.rule.id for match in lint(json.dumps(made), config=ManualArgs(regions=[region]))}
        assert ("E3006" in found) == missing


def test_cfn_lint_finds_invalid_values(stacks):
    broken = stacks["defaults"].translated()
    broken["Resources"]["IngestFunction"]["Properties"].update(Runtime="provided.al2024", Timeout=1000)
    broken["Resources"]["DeadLetters"]["Properties"]["MessageRetentionPeriod"] = 1209601
    found = lint(json.dumps(broken), config=ManualArgs(regions=["us-east-1"]))
    assert {match.path[1] for match in found} == {"IngestFunction", "DeadLetters"}
