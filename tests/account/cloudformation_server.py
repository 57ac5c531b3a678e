"""A moto server that `sam deploy` can deploy the template to, and whose function runs.

moto's CloudFormation knows neither SAM's transform nor rules, nor most of the template's resource types, and creates no outputs for
a change set. Here AWS's own translator transforms, scripts/cloudformation.py evaluates, and the resources are created through
AWS's APIs. A message in a queue with an event source mapping invokes the function in the Lambda runtime emulator.

usage: cloudformation_server.py EMULATOR BOOTSTRAP FOLDER PORT
"""

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from urllib.parse import urlparse

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / folder) for folder in ("tests/account", "tests/python", "tests/template", "scripts/sam", "scripts")]

# moto's CloudFormation imports API Gateway, which needs packages that nothing here uses.
for module, members in (
    ("openapi_spec_validator", {"validate": None}),
    ("openapi_spec_validator.validation", {}),
    ("openapi_spec_validator.validation.exceptions", {"OpenAPIValidationError": ValueError}),
):
    sys.modules[module] = ModuleType(module)
    sys.modules[module].__dict__.update(members, __path__=[])

import boto3  # noqa: E402
from cloudformation import Evaluation  # noqa: E402
from installation import Installation  # noqa: E402
from invoke import Emulator, limits  # noqa: E402
from moto import server  # noqa: E402
from moto.awslambda.models import LambdaBackend  # noqa: E402
from moto.cloudformation import models, responses  # noqa: E402
from moto.cloudformation.exceptions import ValidationError  # noqa: E402
from moto.s3.models import s3_backends  # noqa: E402
from samtranslator.parser.parser import Parser  # noqa: E402
from samtranslator.translator.translator import Translator  # noqa: E402
from samtranslator.yaml_helper import yaml_parse  # noqa: E402
from stack import Refused, Stack, pseudo  # noqa: E402
from stand_ins import client  # noqa: E402

EMULATOR, BOOTSTRAP, FOLDER, PORT = (*map(Path, sys.argv[1:4]), sys.argv[4])
ENDPOINT = f"http://127.0.0.1:{PORT}"


class Account(Installation):
    """A stack with all of its resources that moto has; of policies only the names exist."""

    def __init__(self, stack: dict) -> None:
        super().__init__(ENDPOINT, stack)
        block = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
        for _, bucket in self._of_type("AWS::S3::Bucket"):
            self.s3.put_public_access_block(Bucket=bucket["BucketName"], PublicAccessBlockConfiguration=block)
        logs = client("logs", ENDPOINT)
        for name, group in self._of_type("AWS::Logs::LogGroup"):
            logs.create_log_group(logGroupName=group["LogGroupName"])
            logs.put_retention_policy(logGroupName=group["LogGroupName"], retentionInDays=int(group["RetentionInDays"]))
            self._names[name] = group["LogGroupName"]
        self._make_streams()
        self._make_function()
        if "ObjectRule" in self._resources:
            rule = self.properties("ObjectRule")
            self._names["ObjectRule"] = rule["Name"]
            self.follow_bucket(rule["EventPattern"]["detail"]["bucket"]["name"][0])
        if "FunctionSubscription" in self._resources:
            self._follow_topic_directly()
        self._make_alarms()

    @property
    def resources(self) -> list:
        """The resources as moto lists them."""
        return [
            SimpleNamespace(logical_resource_id=name, physical_resource_id=self._names.get(name, name), cf_resource_type=body["Type"])
            for name, body in self._resources.items()
        ]

    @property
    def outputs(self) -> list:
        """The outputs as moto describes them."""
        return [{"OutputKey": name, "OutputValue": str(self.output(name))} for name in self._outputs]

    def _make_streams(self) -> None:
        firehose = client("firehose", ENDPOINT)
        for name, stream in self._of_type("AWS::KinesisFirehose::DeliveryStream"):
            place = stream["ExtendedS3DestinationConfiguration"]
            bucket = {"BucketARN": f"arn:aws:s3:::{self.properties('EventsBucket')['BucketName']}", "Prefix": place["Prefix"]}
            bucket["RoleARN"] = "arn:aws:iam::123456789012:role/stream"
            firehose.create_delivery_stream(DeliveryStreamName=name, ExtendedS3DestinationConfiguration=bucket)
            self._names[name] = name

    def _make_function(self) -> None:
        lambda_, function = client("lambda", ENDPOINT), self.properties("IngestFunction")
        trust = json.dumps(self.properties("IngestRole")["AssumeRolePolicyDocument"])
        name = function["FunctionName"]
        role = client("iam", ENDPOINT).create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        made = lambda_.create_function(
            Role=role, MemorySize=int(function["MemorySize"]), Timeout=int(function["Timeout"]),
            **{key: function[key] for key in ("FunctionName", "Description", "Code", "Handler", "Runtime", "Architectures", "Environment")},
        )  # fmt: skip
        self._names |= {"IngestFunction": name, "IngestFunction.Arn": made["FunctionArn"], "IngestRole.Arn": role}
        if "QueueMapping" in self._resources:
            mapping = self.properties("QueueMapping")
            scaling = {"MaximumConcurrency": int(mapping["ScalingConfig"]["MaximumConcurrency"])}
            mapping |= {"BatchSize": int(mapping["BatchSize"]), "ScalingConfig": scaling}
            self._names["QueueMapping"] = lambda_.create_event_source_mapping(**mapping)["UUID"]
        else:
            direct = self.properties("DirectInvocations")
            direct.pop("Qualifier")
            lambda_.put_function_event_invoke_config(**direct)

    def _follow_topic_directly(self) -> None:
        subscription, sns = self.properties("FunctionSubscription"), client("sns", ENDPOINT)
        sns.create_topic(Name=subscription["TopicArn"].split(":")[-1])
        sns.subscribe(TopicArn=subscription["TopicArn"], Protocol="lambda", Endpoint=subscription["Endpoint"])

    def _make_alarms(self) -> None:
        sns, cloudwatch = client("sns", ENDPOINT), client("cloudwatch", ENDPOINT)
        for name, topic in self._of_type("AWS::SNS::Topic"):
            self._names[name] = sns.create_topic(Name=f"{self.properties('IngestFunction')['FunctionName']}-{name}")["TopicArn"]
            for subscription in topic["Subscription"]:
                sns.subscribe(TopicArn=self._names[name], **subscription)
        whole = ("Period", "EvaluationPeriods", "DatapointsToAlarm")
        for name, alarm in self._of_type("AWS::CloudWatch::Alarm"):
            numbers = {key: int(alarm[key]) for key in whole if key in alarm} | {"Threshold": float(alarm["Threshold"])}
            for query in alarm.get("Metrics", []):
                if "MetricStat" in query:
                    query["MetricStat"]["Period"] = int(query["MetricStat"]["Period"])
            cloudwatch.put_metric_alarm(**alarm | numbers)
            self._names[name] = alarm["AlarmName"]
        for name, dashboard in self._of_type("AWS::CloudWatch::Dashboard"):
            cloudwatch.put_dashboard(**dashboard)
            self._names[name] = dashboard["DashboardName"]


class DeployedStack(models.Stack):
    """A stack in moto, with an account's resources."""

    # moto sorts its models by their modules.
    __module__ = models.__name__
    account: Account | None = None
    stack_resources = property(lambda self: self.account.resources if self.account else [])
    outputs = property(lambda self: self.account.outputs if self.account else None)
    parameter_list = property(lambda self: [{"ParameterKey": key, "ParameterValue": value} for key, value in self.parameters.items()])


class Deployment(models.ChangeSet):
    """A change set that creates the template's stack."""

    __module__ = models.__name__

    def _parse_template(self) -> None:
        source, region = yaml_parse(self.template), self.stack.region_name
        try:
            Stack(region, **self.parameters)
        except Refused as why:
            raise ValidationError(message=f"Template validation error: {why}") from why
        processed = Translator({}, Parser(), boto_session=boto3.Session(region_name=region)).translate(source, dict(self.parameters))
        self.template = json.dumps(processed)
        evaluated = Evaluation(processed, pseudo(region, self.stack_name) | self.parameters)
        self.template_dict = {"Resources": evaluated.resources, "Outputs": evaluated.outputs}

    def apply(self) -> None:
        self.stack.account = Account(self.template_dict)


def invoke(_self: LambdaBackend, function_arn: str, messages: list, queue_arn: str) -> bool:
    """Invokes the function with a batch, and returns whether all of its messages are done."""
    records = [
        {
            "messageId": message.id, "receiptHandle": message.receipt_handle, "attributes": {}, "messageAttributes": {},
            # For a bucket without versioning, EventBridge sends no version; moto sends one and then rejects it.
            "body": message.body.replace('"version-id": "null", ', ""), "eventSource": "aws:sqs", "eventSourceARN": queue_arn, "awsRegion": "us-east-1",
        }
        for message in messages
    ]  # fmt: skip
    payload = FOLDER / "event.json"
    payload.write_text(json.dumps({"Records": records}))
    function = _self.get_function(function_arn)
    settings = limits(function.timeout, function.memory_size) | function.environment_vars | {"AWS_ENDPOINT_URL": ENDPOINT}
    emulator = Emulator(EMULATOR, BOOTSTRAP, settings, FOLDER)
    try:
        response = emulator.invoke(payload)
    finally:
        emulator.close()
    return not response.failed and not response.value.get("batchItemFailures")


def fetched(url: str, account_id: str, partition: str) -> str:
    """Returns a template that was uploaded; SAM names the bucket in the path if the endpoint is not AWS's."""
    bucket, key = urlparse(url).path.lstrip("/").split("/", 1)
    return s3_backends[account_id][partition].get_object(bucket, key).value.decode()


models.Stack, models.ChangeSet = DeployedStack, Deployment
responses.get_stack_from_s3_url = fetched
LambdaBackend.send_sqs_batch = invoke
server.main(["-H", "127.0.0.1", "-p", PORT])
