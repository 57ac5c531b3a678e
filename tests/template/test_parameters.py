"""The parameters are a form that explains itself, and choices that cannot work are refused with a sentence."""

import os
import re

import pytest
from stack import ROOT, Refused, Stack, template

PAGE = ROOT / "docs/reference/parameters.md"


def test_every_parameter_stands_once_in_the_form():
    interface = template()["Metadata"]["AWS::CloudFormation::Interface"]
    shown = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]
    assert sorted(shown) == sorted(template()["Parameters"])
    assert set(interface["ParameterLabels"]) == set(shown)


@pytest.mark.parametrize("name", template()["Parameters"])
def test_a_parameter_says_what_it_takes(name):
    declared = template()["Parameters"][name]
    assert declared["Description"].endswith("."), "a sentence"
    if "AllowedPattern" in declared:
        assert declared["ConstraintDescription"].startswith("must be ")
        assert re.fullmatch(declared["AllowedPattern"], declared.get("Default", "elb-logs"))
    elif declared["Type"] == "String":
        assert declared["AllowedValues"]
    else:
        assert "MinValue" in declared or "AllowedValues" in declared


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"EventBucketName": "elb-logs"}, "fed with its own output"),
        ({"LogSource": "ExistingTopic"}, "LogTopicArn is empty"),
        ({"LogBucketAccount": "111122223333"}, "Leave LogBucketAccount empty"),
        ({"LogBucketKeyArn": "arn:aws:kms:us-east-1:123456789012:key/0e7d"}, "Leave LogBucketKeyArn empty"),
        ({"EventBucketAccount": "111122223333"}, "Leave EventBucketAccount empty"),
        ({"Destination": "ExistingStream"}, "StreamName is empty"),
        ({"Destination": "NewStream", "StreamTable": "all"}, "takes one log type"),
        ({"Destination": "NewStream", "StreamDelivery": "Iceberg", "StreamTable": "all"}, "takes one log type"),
        ({"VpcSubnetIds": "subnet-0123"}, "needs VpcSecurityGroupIds"),
        ({"VpcSecurityGroupIds": "sg-0123"}, "needs VpcSubnetIds"),
        ({"LogBucketName": "Logs"}, "name of a bucket"),
        ({"LogPrefix": "web"}, "ends in a slash"),
        ({"LogPrefix": "/web/"}, "ends in a slash"),
        ({"LogAccounts": "1,2"}, "account numbers"),
        ({"FirstDay": "2024-13-01"}, "YYYY-MM-DD"),
        ({"StreamBytesPerSecond": "99999"}, "100000"),
        ({"Timeout": 61}, "Timeout is 61"),
    ],
)
def test_what_cannot_work_is_refused(choice, said):
    with pytest.raises(Refused, match=said):
        Stack(**choice)


def page() -> str:
    """The parameters as a page of docs/reference."""
    source = template()
    interface = source["Metadata"]["AWS::CloudFormation::Interface"]
    text = "# Parameters\n\nWhat `sam deploy --guided` asks, in the groups of the console's form. Two have no default: the names of the buckets.\n"
    for group in interface["ParameterGroups"]:
        text += f"\n## {group['Label']['default']}\n\n| parameter | allowed | default | what it does |\n|---|---|---|---|\n"
        for name in group["Parameters"]:
            declared = source["Parameters"][name]
            if "AllowedValues" in declared:
                allowed = ", ".join(map(str, declared["AllowedValues"]))
            elif "ConstraintDescription" in declared:
                allowed = declared["ConstraintDescription"].removeprefix("must be ").removesuffix(".")
            else:
                allowed = f"{declared['MinValue']} to {declared['MaxValue']}" if "MaxValue" in declared else f"{declared['MinValue']} or more"
            default = declared.get("Default")
            default = "none: required" if default is None else "" if default == "" else f"`{default}`"
            text += f"| `{name}` | {allowed} | {default} | {declared['Description']} |\n"
    return text


def test_the_page_lists_every_parameter():
    if os.environ.get("UPDATE_GENERATED"):
        PAGE.write_text(page())
    assert PAGE.read_text() == page(), "run `make generated`"
