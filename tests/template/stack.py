"""Evaluates template.yaml like CloudFormation, for a choice of parameters.

Conditions, parameters, mappings and the functions on them are resolved, and resources whose condition is false are omitted.
References between resources remain. SAM's translator translates the result.
"""

import json
import os
import re
from functools import cache
from pathlib import Path

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parents[2]
TABLES = ("alb_access_log", "alb_connection_log", "alb_health_check_log", "nlb_access_log", "clb_access_log")
ACCOUNT = "123456789012"
NOTHING = object()
# Partition and suffix of the addresses by the beginning of a region's name.
PARTITIONS = {
    "cn-": ("aws-cn", "amazonaws.com.cn"),
    "us-gov-": ("aws-us-gov", "amazonaws.com"),
    "eusc-": ("aws-eusc", "amazonaws.eu"),
    "": ("aws", "amazonaws.com"),
}
PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::StackName": "alb-ingest",
    "AWS::StackId": f"arn:aws:cloudformation:us-east-1:{ACCOUNT}:stack/alb-ingest/0",
    "AWS::NoValue": NOTHING,
}
# The parameters without defaults.
NAMES = {"LogBucketName": "elb-logs", "EventBucketName": "elb-events"}


@cache
def template() -> dict:
    """Returns the parsed template."""
    return yaml_parse((ROOT / "template.yaml").read_text())


class Refused(Exception):
    """The parameters are rejected, with the message that the user sees."""


class Stack:
    """The template, evaluated for a choice of parameters."""

    def __init__(self, region: str = "us-east-1", stack_name: str = "alb-ingest", **choice: object) -> None:
        self.source = template()
        self.region = region
        self.partition, suffix = next(value for head, value in PARTITIONS.items() if region.startswith(head))
        of_region = {"AWS::Region": region, "AWS::Partition": self.partition, "AWS::URLSuffix": suffix}
        self.pseudo = PSEUDO | of_region | {"AWS::StackName": stack_name}
        self.parameters = self._parameters({**NAMES, **choice})
        self.conditions: dict[str, bool] = {}
        self._check_rules()
        kept = {
            name: body
            for name, body in self.source["Resources"].items()
            if "Condition" not in body or self._condition(body["Condition"])
        }
        self.resources = {
            name: self._resolve({key: value for key, value in body.items() if key != "Condition"})
            for name, body in kept.items()
        }
        self.outputs = {
            name: self._resolve({key: value for key, value in body.items() if key != "Condition"})
            for name, body in self.source["Outputs"].items()
            if "Condition" not in body or self._condition(body["Condition"])
        }

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
            if "RuleCondition" in rule and not self._truth(rule["RuleCondition"]):
                continue
            for assertion in rule["Assertions"]:
                if not self._truth(assertion["Assert"]):
                    raise Refused(assertion["AssertDescription"])

    def _condition(self, name: str) -> bool:
        if name not in self.conditions:
            self.conditions[name] = self._truth(self.source["Conditions"][name])
        return self.conditions[name]

    def _truth(self, node: dict) -> bool:
        ((function, argument),) = node.items()
        if function == "Condition":
            return self._condition(argument)
        if function == "Fn::Equals":
            left, right = (self._resolve(side) for side in argument)
            return str(left) == str(right)
        if function == "Fn::Contains":
            allowed, value = (self._resolve(side) for side in argument)
            return str(value) in map(str, allowed)
        truths = [self._truth(item) for item in argument]
        if function == "Fn::Not":
            (truth,) = truths
            return not truth
        # CloudFormation's limits.
        assert 2 <= len(truths) <= 10, argument
        return {"Fn::And": all, "Fn::Or": any}[function](truths)

    def _resolve(self, node: object) -> object:
        if isinstance(node, list):
            return [value for item in node if (value := self._resolve(item)) is not NOTHING]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((function, argument),) = node.items()
            if function == "Ref":
                return self._ref(argument)
            if function == "Fn::If":
                name, then, other = argument
                return self._resolve(then if self._condition(name) else other)
            if function == "Fn::Sub":
                return self._sub(argument)
            if function == "Fn::FindInMap":
                mapping, first, second = (self._resolve(part) for part in argument)
                return self.source["Mappings"][mapping][str(first)][second]
            if function == "Fn::Select":
                index, items = argument[0], self._resolve(argument[1])
                return items[int(index)]
            if function == "Fn::Split":
                return self._resolve(argument[1]).split(argument[0])
        resolved = {key: self._resolve(value) for key, value in node.items()}
        return {key: value for key, value in resolved.items() if value is not NOTHING}

    def _ref(self, name: str) -> object:
        if name in self.pseudo:
            return self.pseudo[name]
        return self.parameters.get(name, {"Ref": name})

    def _sub(self, argument: object) -> object:
        text, names = (argument, {}) if isinstance(argument, str) else argument
        names = {name: self._resolve(value) for name, value in names.items()}
        left = {}

        def value(match: re.Match) -> str:
            name = match[1]
            if name.startswith("!"):
                return match[0]
            found = names.get(name, self._ref(name))
            if isinstance(found, dict):
                left[name] = found
                return match[0]
            assert found is not NOTHING, name
            return str(found)

        text = re.sub(r"\$\{([^}]+)\}", value, text)
        if not left:
            return text.replace("${!", "${")
        own = {name: found for name, found in left.items() if name in names}
        return {"Fn::Sub": [text, own] if own else text}

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
