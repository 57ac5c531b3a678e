"""The parameters are documented, and choices that cannot work are rejected with an explanation."""

import json
import os
import re

import pytest
from choices import CHOICES
from stack import ROOT, Refused, Stack, template

PAGE = ROOT / "docs/reference/parameters.md"
DEFAULTS = ROOT / "defaults.toml"
STREAM = CHOICES["existing-stream"]
ICEBERG = CHOICES["stream-iceberg"]
LAKE = CHOICES["security-lake"]
# https://docs.aws.amazon.com/firehose/latest/dev/apache-iceberg-considerations.html, looked up on 2026-11-29.
NO_ICEBERG = (
    "cn-north-1", "cn-northwest-1", "us-gov-east-1", "us-gov-west-1",
    "ap-east-2", "ap-southeast-5", "ap-southeast-6", "mx-central-1",
)  # fmt: skip


def test_every_parameter_is_in_the_form_once():
    interface = template()["Metadata"]["AWS::CloudFormation::Interface"]
    shown = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]
    assert sorted(shown) == sorted(template()["Parameters"])
    assert set(interface["ParameterLabels"]) == set(shown)


@pytest.mark.parametrize("name", template()["Parameters"])
def test_a_parameter_documents_its_values(name):
    declared = template()["Parameters"][name]
    assert declared["Description"].endswith("."), "not a sentence"
    if "AllowedPattern" in declared:
        assert declared["ConstraintDescription"].startswith("must be ")
        assert re.fullmatch(declared["AllowedPattern"], declared.get("Default", "elb-logs"))
    elif declared["Type"] == "String":
        assert declared["AllowedValues"]
    else:
        assert "MinValue" in declared or "AllowedValues" in declared


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"EventBucketName": "elb-logs"}, "ingest its own output"),
        ({"LogSource": "ExistingTopic"}, "LogTopicArn is empty"),
        ({"LogBucketAccount": "111122223333"}, "Leave LogBucketAccount empty"),
        ({"LogBucketKeyArn": "arn:aws:kms:us-east-1:123456789012:key/0e7d"}, "Leave LogBucketKeyArn empty"),
        ({"EventBucketAccount": "111122223333"}, "Leave EventBucketAccount empty"),
        ({"Destination": "ExistingStream"}, "StreamName is empty"),
        ({"Destination": "NewStream"}, "takes one log type"),
        ({"Delivery": "Merged", **STREAM}, "a stream has no files to merge"),
        ({"Delivery": "Merged", "Trigger": "Direct"}, "Set Trigger to Queue"),
        (
            {"Delivery": "Merged", "LogSource": "ExistingTopic", "LogTopicArn": CHOICES["existing-topic"]["LogTopicArn"]},
            "needs no topic",
        ),
        ({"Delivery": "Merged", **CHOICES["security-lake"]}, "must not be written to a security lake"),
        ({"Delivery": "Merged", "BatchOperations": "Yes"}, "sends single objects"),
        ({"Destination": "NewStream", "StreamDelivery": "Iceberg"}, "takes one log type"),
        ({"Destination": "NewStream", "StreamTable": "nlb_access_log", "Schema": "ecs"}, "native events"),
        ({"Destination": "NewStream", "StreamTable": "nlb_access_log", "Include": "**/a/**"}, "takes the place of Include"),
        ({**STREAM, "StreamTable": "nlb_access_log", "Include": "**/a/**"}, "takes the place of Include"),
        ({**ICEBERG, "IcebergTable": ""}, "IcebergTable is empty"),
        ({**ICEBERG, "EventBucket": "New"}, "Set EventBucket to Existing"),
        ({**ICEBERG, "StreamRecords": "packed"}, "Set StreamRecords to single"),
        ({**ICEBERG, "IcebergTable": "nlb_access_log"}, "database.table"),
        *(({**ICEBERG, "region": region}, "not deliver to Iceberg") for region in NO_ICEBERG),
        ({"Schema": "ecs", "PantherFields": "Yes"}, "Set Schema to panther"),
        ({**LAKE, "Destination": "ExistingStream", "StreamName": "elb"}, "a stream has no folders"),
        ({**LAKE, "Schema": "native"}, "only accepts OCSF"),
        ({"Schema": "otel"}, "Set EventFormat to json"),
        ({"Schema": "otel", "Destination": "NewStream", "StreamTable": "nlb_access_log"}, "native events"),
        ({**LAKE, "EventFormat": "json"}, "only accepts Parquet"),
        ({**LAKE, "EventBucket": "New"}, "Security Lake creates the bucket"),
        ({**LAKE, "QuarantineBucketName": ""}, "must not be written to a security lake"),
        ({"QuarantineBucketName": "elb-logs"}, "same as LogBucketName"),
        ({"Enrich": "status_classes"}, "must be empty, or names of columns"),
        ({"Enrich": "sample_weight"}, "must be empty, or names of columns"),
        ({"Enrich": "status_class, bot_name"}, "without spaces"),
        ({"Enrich": "client_asn", "GeoDatabase": "geo-data/asn.mmdb"}, "as s3://BUCKET/KEY"),
        ({"Enrich": "client_asn", "GeoDatabase": "s3://geo-data/"}, "as s3://BUCKET/KEY"),
        ({"Enrich": "client_asn", "GeoDatabase": "s3://geo-data/*"}, "as s3://BUCKET/KEY"),
        ({"Enrich": "client_asn", "GeoDatabase": ",".join(["s3://geo-data/asn.mmdb"] * 5)}, "one to four objects"),
        ({"GeoDatabase": "s3://geo-data/asn.mmdb"}, "Enrich is empty"),
        ({"LogSource": "ExistingBucket", "LogBucketEvents": "Yes"}, "for a new log bucket"),
        ({"RedactKey": CHOICES["redacted"]["RedactKey"]}, "Redact is empty"),
        ({"RedactKey": "0123456789abcdef" * 4, "Redact": "client_ip=hmac"}, "ARN of a secret"),
        ({"QuarantineRaw": "keep"}, "Redact is empty"),
        ({"Redact": "client_ip=hmac", "RedactKeyKmsKeyArn": CHOICES["everything"]["RedactKeyKmsKeyArn"]}, "RedactKey is empty"),
        ({"Redact": "client_ip=drop\n"}, "printable ASCII"),
        ({"VpcSubnetIds": "subnet-0123"}, "requires VpcSecurityGroupIds"),
        ({"VpcSecurityGroupIds": "sg-0123"}, "requires VpcSubnetIds"),
        ({"LogBucketName": "Logs"}, "bucket name"),
        ({"LogPrefix": "web"}, "ends with a slash"),
        ({"LogPrefix": "/web/"}, "ends with a slash"),
        ({"LogAccounts": "1,2"}, "account IDs"),
        ({"FirstDay": "2024-13-01"}, "YYYY-MM-DD"),
        ({"StreamBytesPerSecond": "99999"}, "100000"),
        ({"Timeout": 61}, "Timeout is 61"),
        ({"Filter": "type = 'h2'\n or true"}, "on one line"),
    ],
)
def test_invalid_choices_are_rejected(choice, message):
    with pytest.raises(Refused, match=message):
        Stack(**choice)


def test_the_settings_of_the_redaction_reach_the_function():
    everything, unset = Stack(**CHOICES["everything"]), Stack()
    for parameter, variable in {"Redact": "REDACT", "RedactKey": "REDACT_KEY"}.items():
        assert everything.variables()[variable] == CHOICES["everything"][parameter]
        assert variable not in unset.variables()
    assert everything.variables()["QUARANTINE_RAW"] == "redact" and "QUARANTINE_RAW" not in unset.variables()
    assert Stack(**CHOICES["redacted-without-key"]).variables()["QUARANTINE_RAW"] == "keep"


def test_the_settings_of_events_reach_the_function():
    everything, unset = Stack(**CHOICES["everything"]), Stack()
    for parameter, variable in {"Filter": "FILTER", "Sample": "SAMPLE"}.items():
        assert everything.variables()[variable] == CHOICES["everything"][parameter]
        assert variable not in unset.variables()


def test_the_longest_settings_of_events_fit_into_the_environment():
    """Lambda allows 4 KB for all variables: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
    longest = {name: "x" * template()["Parameters"][name]["MaxLength"] for name in ("Filter", "Sample", "Redact")}
    stack = Stack(**{**CHOICES["everything"], **longest})
    size = sum(len(name) + len(str(value)) for name, value in stack.variables().items())
    assert size < 4096, size


def page() -> str:
    """Renders the parameters as a page of docs/reference."""
    source = template()
    interface = source["Metadata"]["AWS::CloudFormation::Interface"]
    text = "# Template parameters\n\nThe parameters of `template.yaml`, in the groups of the console's form. Only the two bucket names have no default.\n"
    for group in interface["ParameterGroups"]:
        text += f"\n## {group['Label']['default']}\n\n| parameter | allowed | default | description |\n|---|---|---|---|\n"
        for name in group["Parameters"]:
            declared = source["Parameters"][name]
            if "AllowedValues" in declared:
                allowed = ", ".join(map(str, declared["AllowedValues"]))
            elif "ConstraintDescription" in declared:
                allowed = declared["ConstraintDescription"].removeprefix("must be ").removesuffix(".")
            else:
                allowed = f"{declared['MinValue']} to {declared['MaxValue']}" if "MaxValue" in declared else f"{declared['MinValue']} or more"
            default = declared.get("Default")
            default = "required" if default is None else "" if default == "" else f"`{default}`"
            text += f"| `{name}` | {allowed} | {default} | {declared['Description']} |\n"
    return text


def defaults() -> str:
    """Renders the defaults as a file that `sam` reads as parameter overrides."""
    text = (
        "# The default of every parameter of template.yaml, written by `make generated`. `sam deploy` passes them, because\n"
        "# CloudFormation otherwise keeps the values of the last deployment, and a new default would never arrive.\n"
        "# Do not edit: your own values go after this file on the command line, or into answers.toml (docs/guide/deploy.md).\n"
    )
    for name, declared in template()["Parameters"].items():
        if "Default" in declared:
            text += f"{name} = {json.dumps(str(declared['Default']))}\n"
    return text


def test_the_defaults_are_those_of_the_template():
    if os.environ.get("UPDATE_GENERATED"):
        DEFAULTS.write_text(defaults())
    assert DEFAULTS.read_text() == defaults(), "run `make generated`"


def test_the_page_lists_every_parameter():
    if os.environ.get("UPDATE_GENERATED"):
        PAGE.write_text(page())
    assert PAGE.read_text() == page(), "run `make generated`"
