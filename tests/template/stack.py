"""Evaluates template.yaml like CloudFormation, for a choice of parameters.

scripts/cloudformation.py evaluates conditions and functions; here are parameters and rules. SAM's translator translates the result.
"""

import json
import os
import re
import sys
from functools import cache
from pathlib import Path

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from cloudformation import NOTHING, Evaluation  # noqa: E402

TABLES = ("alb_access_log", "alb_connection_log", "alb_health_check_log", "nlb_access_log", "clb_access_log")
ACCOUNT = "123456789012"
# Partition and suffix of the addresses by the beginning of a region's name.
PARTITIONS = {
    "cn-": ("aws-cn", "amazonaws.com.cn"),
    "us-gov-": ("aws-us-gov", "amazonaws.com"),
    "eusc-": ("aws-eusc", "amazonaws.eu"),
    "": ("aws", "amazonaws.com"),
}
PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::StackId": f"arn:aws:cloudformation:us-east-1:{ACCOUNT}:stack/alb-ingest/0",
    "AWS::NoValue": NOTHING,
}
# The parameters without defaults.
NAMES = {"LogBucketName": "elb-logs", "EventBucketName": "elb-events"}


def pseudo(region: str, stack_name: str = "alb-ingest") -> dict:
    """Returns the values of the pseudo parameters of a stack in a region."""
    partition, suffix = next(value for head, value in PARTITIONS.items() if region.startswith(head))
    of_region = {"AWS::Region": region, "AWS::Partition": partition, "AWS::URLSuffix": suffix}
    return PSEUDO | of_region | {"AWS::StackName": stack_name}


@cache
def template() -> dict:
    """Returns the parsed template."""
    return yaml_parse((ROOT / "template.yaml").read_text())


class Refused(Exception):
    """The parameters are rejected, with the message that the user sees."""


class Stack(Evaluation):
    """The template, evaluated for a choice of parameters."""

    def __init__(self, region: str = "us-east-1", stack_name: str = "alb-ingest", **choice: object) -> None:
        self.source, self.region = template(), region
        self.parameters = self._parameters({**NAMES, **choice})
        values = pseudo(region, stack_name)
        self.partition = values["AWS::Partition"]
        super().__init__(self.source, values | self.parameters)
        self._check_rules()

    def _parameters(self, choice: dict) -> dict:
        values = {}
        for name, declared in self.source["Parameters"].items():
            value = choice.pop(name, declared.get("Default", NOTHING))
            if value is NOTHING:
                raise Refused(f"{name} is missing")
            if declared["Type"] == "Number":
                value = int(value)
                low, high = declared.get("MinValue", value), declared.get("MaxValue", value)
                if not low <= value <= high:
                    raise Refused(f"{name} is {value}")
            elif not re.fullmatch(declared.get("AllowedPattern", ".*"), value):
                raise Refused(f"{name} {declared['ConstraintDescription']}")
            if value not in declared.get("AllowedValues", [value]):
                raise Refused(f"{name} is {value}")
            values[name] = value
        assert not choice, f"unknown parameters: {sorted(choice)}"
        return values

    def _check_rules(self) -> None:
        for rule in self.source["Rules"].values():
            if "RuleCondition" in rule and not self.truth(rule["RuleCondition"]):
                continue
            for assertion in rule["Assertions"]:
                if not self.truth(assertion["Assert"]):
                    raise Refused(assertion["AssertDescription"])

    def of_type(self, kind: str) -> dict[str, dict]:
        """Returns the properties of the resources of a type, by name."""
        return {
            name: body.get("Properties", {}) for name, body in self.resources.items() if body["Type"] == kind
        }

    def properties(self, name: str) -> dict:
        """Returns the properties of a resource."""
        return self.resources[name]["Properties"]

    def variables(self) -> dict[str, object]:
        """Returns the environment variables of the function."""
        return self.properties("IngestFunction")["Environment"]["Variables"]

    def statements(self, name: str) -> list[dict]:
        """Returns the statements of the policies of a role."""
        return [
            statement
            for policy in self.properties(name)["Policies"]
            for statement in policy["PolicyDocument"]["Statement"]
        ]

    def translated(self) -> dict:
        """Returns the template that SAM passes to CloudFormation."""
        os.environ["AWS_DEFAULT_REGION"] = self.region
        plain = {
            "AWSTemplateFormatVersion": "2010-09-09",
            "Transform": "AWS::Serverless-2016-10-31",
            "Resources": json.loads(json.dumps(self.resources)),
            "Outputs": self.outputs,
        }
        # SAM uploads the code before it translates.
        plain["Resources"]["IngestFunction"]["Properties"]["CodeUri"] = "s3://artefacts/alb-ingest.zip"
        session = boto3.Session(region_name=self.region)
        return Translator({}, Parser(), boto_session=session).translate(plain, {})


def actions(statement: dict) -> list[str]:
    """Returns the actions of a statement."""
    found = statement["Action"]
    return [found] if isinstance(found, str) else found


def listed(value: object) -> list:
    """Returns a value or a list of values as a list."""
    return value if isinstance(value, list) else [value]
