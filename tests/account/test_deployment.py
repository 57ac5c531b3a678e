"""The README's commands deploy to moto, and scripts/verify-deployment reports a healthy stack, and each fault of a broken one.

`sam build` is left out: it takes minutes, and tests/template and `make sam-local` cover it. The bucket for SAM's artefacts exists
before, because moto creates no outputs for the stack that SAM makes for it.
"""

import argparse
import importlib.machinery
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from output import ROOT
from stack import Stack
from stand_ins import client, environment, files, moto

SCRIPT = ROOT / "scripts/verify-deployment"
SERVER = Path(__file__).with_name("cloudformation_server.py")
BIN = Path(sys.executable).parent
LOGS, EVENTS, ADDRESS = "elb-logs", "elb-events", "ops@example.com"
COMMANDS = re.search(r"```sh\n(scripts/check-tools\n.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[1].splitlines()
# moto does not know this operation.
LIMITS = {"AccountLimit": {"UnreservedConcurrentExecutions": 10}}


def module():
    """The script as a module."""
    loader = importlib.machinery.SourceFileLoader("verify_deployment", str(SCRIPT))
    made = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(made)
    return made


verify = module()


@dataclass
class Deployed:
    """The stack, the command line at moto, and what `sam deploy` printed."""

    endpoint: str
    folder: Path
    printed: str = ""

    def run(self, *command: object, says: str = "") -> subprocess.CompletedProcess:
        """Runs a command with an `aws` that goes to moto."""
        path = f"{self.folder / 'bin'}{os.pathsep}{BIN}{os.pathsep}{os.environ['PATH']}"
        environ = environment(self.endpoint) | {"PATH": path, "AWS_DEFAULT_REGION": "us-east-1", "SAM_CLI_TELEMETRY": "0"}
        words = list(map(str, command))
        return subprocess.run(words, cwd=self.folder, env=environ, input=says, capture_output=True, text=True, timeout=150)

    def verify(self, *arguments: str, says: str = "") -> subprocess.CompletedProcess:
        """Runs the script. Not by its first line: a launcher of Python may put other folders before the `aws` for moto."""
        return self.run(sys.executable, SCRIPT, "alb-ingest", *arguments, says=says)


def built_template(folder: Path) -> None:
    """Writes what `sam build` makes, but with a file in place of the function, which the server runs from elsewhere."""
    (folder / "code").mkdir()
    (folder / "code/bootstrap").write_text("")
    (folder / "template.yaml").write_text((ROOT / "template.yaml").read_text().replace("CodeUri: .\n", "CodeUri: code\n"))
    for name in ("README.md", "LICENSE", "defaults.toml", "samconfig.toml"):
        shutil.copy(ROOT / name, folder)


def change_set(deployed: "Deployed", stack: str, parameters: dict[str, str]) -> str:
    """Creates a change set of a new stack without SAM, and returns its ARN."""
    body = (ROOT / "template.yaml").read_text().replace("CodeUri: .\n", "CodeUri: s3://artefacts/code\n")
    given = tomllib.loads((ROOT / "defaults.toml").read_text()) | parameters
    return client("cloudformation", deployed.endpoint).create_change_set(
        StackName=stack, ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=body,
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
    )["Id"]  # fmt: skip


@pytest.fixture(scope="module")
def deployed(emulator, bootstrap, tmp_path_factory) -> Iterator[Deployed]:
    """The README's third command, as it is written."""
    folder = tmp_path_factory.mktemp("deployed")
    built_template(folder)
    with moto(sys.executable, SERVER, emulator, bootstrap, folder) as endpoint:
        (folder / "bin").mkdir()
        fake = f"""#!/bin/sh
[ "$1 $2" = "lambda get-account-settings" ] && echo '{json.dumps(LIMITS)}' && exit
exec {BIN / "aws"} --endpoint-url {endpoint} "$@"
"""
        (folder / "bin/aws").write_text(fake)
        (folder / "bin/aws").chmod(0o755)
        client("s3", endpoint).create_bucket(Bucket="artefacts")
        made = Deployed(endpoint, folder)
        words = shlex.split(COMMANDS[2].replace("LogBucketName=NAME", f"LogBucketName={LOGS}"))
        values = {"EventBucketName=NAME": f"EventBucketName={EVENTS}", "AlarmEmail=ADDRESS": f"AlarmEmail={ADDRESS}"}
        done = made.run(
            BIN / words[0], *[values.get(word, word) for word in words[1:]], "--no-resolve-s3", "--s3-bucket", "artefacts", says="y\n"
        )
        assert done.returncode == 0, done.stdout + done.stderr
        made.printed = done.stdout
        yield made


def test_the_third_command_deploys_with_one_question(deployed):
    assert deployed.printed.count("[y/N]") == 1 and "Successfully created/updated stack - alb-ingest" in deployed.printed
    # The names of resources are broken over lines in SAM's table.
    assert deployed.printed.count("\n+ Add ") == len(Stack(AlarmEmail=ADDRESS).translated()["Resources"])


def test_the_fourth_command_prints_the_outputs(deployed):
    done = deployed.run("sh", "-c", COMMANDS[3])
    assert done.returncode == 0, done.stderr
    printed = dict(line.split("\t") for line in done.stdout.splitlines())
    assert printed.keys() == Stack(AlarmEmail=ADDRESS).outputs.keys()
    assert not [text for text in printed.values() if "${" in text or "{'" in text]


def test_a_refused_choice_is_refused(deployed):
    """A rule stops the change set, as CloudFormation does before it creates anything."""
    names = {"LogBucketName": LOGS, "EventBucketName": LOGS}
    with pytest.raises(ClientError, match="The function would ingest its own output"):
        change_set(deployed, "refused", names)


@pytest.fixture(scope="module")
def logging(deployed) -> str:
    """The README's fifth command, for a load balancer in moto; returns its name."""
    ec2, elb = client("ec2", deployed.endpoint), client("elbv2", deployed.endpoint)
    network = ec2.create_vpc(CidrBlock="192.0.2.0/24")["Vpc"]["VpcId"]
    zones = (("192.0.2.0/25", "us-east-1a"), ("192.0.2.128/25", "us-east-1b"))
    subnets = [
        ec2.create_subnet(VpcId=network, CidrBlock=block, AvailabilityZone=zone)["Subnet"]["SubnetId"] for block, zone in zones
    ]
    made = elb.create_load_balancer(Name="shop", Subnets=subnets)["LoadBalancers"][0]
    command = COMMANDS[4].replace("ARN", made["LoadBalancerArn"]).replace("Value=NAME", f"Value={LOGS}")
    done = deployed.run("sh", "-c", command)
    assert done.returncode == 0, done.stderr
    return made["LoadBalancerName"]


def test_a_healthy_stack(deployed, logging):
    """Every check holds, with the AWS command line, and the test object and its outputs are removed."""
    cloudwatch, s3 = client("cloudwatch", deployed.endpoint), client("s3", deployed.endpoint)
    own = [{"Name": "FunctionName", "Value": "alb-ingest"}]
    cloudwatch.put_metric_data(Namespace="AlbIngest", MetricData=[{"MetricName": "ObjectsIngested", "Dimensions": own, "Value": 3.0}])
    done = deployed.verify("--region", "us-east-1", "--wait", "60", says="yes\n")
    assert done.returncode == 0, done.stdout + done.stderr
    # The answer to the question does not end its line here, as it does in a terminal.
    found = re.findall(r"(?:^|accepted: )(ok|FAILED|not checked) +([a-z ]+): ", done.stdout, re.MULTILINE)
    assert {state for state, _ in found} == {"ok"}, done.stdout
    assert {name for _, name in found} == {check.__name__.replace("_", " ") for check in verify.CHECKS} | {"test object"}
    assert f"write to {LOGS}: {logging}" in done.stdout
    assert "3 lines became 2 events and 1 malformed line" in done.stdout
    # The layout of the destination stays.
    assert not files(s3, LOGS) and set(files(s3, EVENTS)) <= {"_alb-ingest.json"}


def test_a_stack_that_does_not_exist(deployed):
    done = deployed.run(sys.executable, SCRIPT, "nothing")
    assert done.returncode == 1 and "does not exist" in done.stderr


def test_without_the_command_line(tmp_path):
    command = [sys.executable, SCRIPT, "alb-ingest"]
    done = subprocess.run(command, cwd=tmp_path, env={"PATH": str(tmp_path)}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "install the AWS CLI" in done.stderr


def test_added_members_are_not_a_difference():
    found = {"DestinationConfig": {"OnSuccess": {}, "OnFailure": {"Destination": "q"}}, "ScalingConfig": {"MaximumConcurrency": 10}}
    wanted = {"DestinationConfig": {"OnFailure": {"Destination": "q"}}, "ScalingConfig": {"MaximumConcurrency": "10"}}
    assert not verify.differences(wanted, found) and verify.differences(found, wanted)
    assert not verify.differences({"Role": {"Ref": "Role"}}, {"Role": "arn"})


class Calls:
    """The script's calls through boto3, which is faster than the command line; `answers` change the responses of operations."""

    def __init__(self, endpoint: str, answers: dict) -> None:
        self.endpoint, self.answers = endpoint, answers

    def __call__(self, service: str, operation: str, **members: object) -> dict:
        if operation == "get-account-settings":
            found = LIMITS
        else:
            method = getattr(client({"s3api": "s3"}.get(service, service), self.endpoint), operation.replace("-", "_"))
            try:
                found = method(**members)
            except ClientError as error:
                code = error.response["Error"]["Code"]
                raise verify.Unanswered(f"aws {service} {operation}", code, str(error)) from error
        return self.changed(operation, found)

    def changed(self, operation: str, found: dict) -> dict:
        """Applies the change of an operation's response. An error code stands for the error."""
        change = self.answers.get(operation)
        if isinstance(change, str):
            raise verify.Unanswered(operation, change, f"An error occurred ({change})")
        return change(found) if change else found

    def run(self, _service: str, operation: str, *arguments: str) -> str:
        """The two commands that transfer a file."""
        given = dict(zip(arguments[0:-1:2], arguments[1::2]))
        place = {"Bucket": given["--bucket"], "Key": given["--key"]}
        s3 = client("s3", self.endpoint)
        if operation == "put-object":
            return json.dumps(self.changed(operation, {"ETag": s3.put_object(**place, Body=Path(given["--body"]).read_bytes())["ETag"]}))
        found = s3.get_object(**place)
        Path(arguments[-1]).write_bytes(found["Body"].read())
        return json.dumps(self.changed(operation, {"Metadata": found["Metadata"]}))


def checked(
    deployed: Deployed, capsys, only: str | None, answers: dict, wait: int = 30, stack: str = "alb-ingest"
) -> tuple[int, list[str]]:
    """Runs one check or all, and returns the exit code and the lines."""
    asked = argparse.Namespace(stack=stack, only=only, no_test_object=False, yes=True, wait=wait)
    code = verify.run(asked, Calls(deployed.endpoint, answers))
    return code, [line for line in capsys.readouterr().out.splitlines() if line]


def attribute(name: str, value: str):
    """A change of an attribute of every queue."""
    return lambda found: {"Attributes": found["Attributes"] | {name: value}}


def item(section: str, **changes: object):
    """A change of every item in a list of a response."""
    return lambda found: found | {section: [entry | changes for entry in found[section]]}


def inside(section: str, **changes: object):
    """A change of an object in a response."""
    return lambda found: found | {section: found[section] | changes}


def having(**changes: object):
    """A change of a response."""
    return lambda found: found | changes


def settings(**changes: object):
    """A change of the function's environment."""
    return lambda found: found | {"Environment": {"Variables": found["Environment"]["Variables"] | changes}}


# Check, operation whose response differs from moto's, difference, what the line says.
BROKEN = [
    ("stack", "describe-stacks", item("Stacks", StackStatus="UPDATE_ROLLBACK_COMPLETE"), "the status is UPDATE_ROLLBACK_COMPLETE"),
    ("stack", "describe-stacks", item("Stacks", Outputs=[]), "the output Redrive is missing"),
    ("stack", "list-stack-resources", item("StackResourceSummaries", ResourceStatus="UPDATE_FAILED"), "Workgroup is UPDATE_FAILED"),
    ("function", "get-function-configuration", having(State="Failed"), "State is Failed"),
    ("function", "get-function-configuration", having(LastUpdateStatus="Failed"), "LastUpdateStatus is Failed"),
    ("function", "get-function-configuration", having(Architectures=["x86_64"]), "Architectures is ['x86_64'], expected ['arm64']"),
    ("function", "get-function-configuration", having(MemorySize=128), "MemorySize is 128, expected 1024"),
    ("function", "get-function-configuration", having(Timeout=3), "Timeout is 3, expected 300"),
    ("function", "get-function-configuration", settings(PARTIAL_BATCH="false"), "PARTIAL_BATCH is false, expected true"),
    ("function", "get-function-configuration", settings(OVERWRITE="true"), "OVERWRITE is set in the environment, but not in the template"),
    ("function", "get-function-configuration", having(LoggingConfig={"LogGroup": "/mine"}), "it logs to /mine"),
    ("function", "get-function-configuration", "ResourceNotFoundException", "ResourceNotFoundException"),
    ("concurrency", "get-function-concurrency", having(ReservedConcurrentExecutions=0), "0 executions are reserved"),
    ("concurrency", "get-account-settings", lambda _: {"AccountLimit": {"UnreservedConcurrentExecutions": 4}}, "4 unreserved"),
    ("mapping", "get-event-source-mapping", having(State="Disabled"), "the state is Disabled"),
    ("mapping", "get-event-source-mapping", having(FunctionResponseTypes=[]), "FunctionResponseTypes is []"),
    ("queues", "get-queue-attributes", attribute("VisibilityTimeout", "30"), "VisibilityTimeout is 30, expected 1800"),
    ("queues", "get-queue-attributes", attribute("MessageRetentionPeriod", "60"), "MessageRetentionPeriod is 60, expected 864000"),
    ("queues", "get-queue-attributes", attribute("RedrivePolicy", ""), "RedrivePolicy is {}"),
    ("queues", "get-queue-attributes", "AWS.SimpleQueueService.NonExistentQueue", "NonExistentQueue"),
    ("dead-letters", "get-queue-attributes", attribute("ApproximateNumberOfMessages", "7"), "7 messages"),
    ("announcements", "get-bucket-notification-configuration", lambda _: {}, "elb-logs does not notify arn:aws:sqs:us-east-1:123456789012:alb-ingest-objects"),
    ("announcements", "get-bucket-notification-configuration", item("QueueConfigurations", Filter={}), "of new objects below AWSLogs/"),
    ("alarms", "describe-alarms", having(MetricAlarms=[]), "alb-ingest-ledger does not exist"),
    ("alarms", "describe-alarms", item("MetricAlarms", StateValue="ALARM"), "alb-ingest-malformed is in the state ALARM"),
    ("alarms", "describe-alarms", item("MetricAlarms", ActionsEnabled=False), "has its actions turned off"),
    ("alarms", "describe-alarms", item("MetricAlarms", AlarmActions=[]), "alb-ingest-errors has no action"),
    ("receivers", "list-subscriptions-by-topic", item("Subscriptions", SubscriptionArn="PendingConfirmation"), "ops@example.com is not confirmed"),
    ("receivers", "list-subscriptions-by-topic", having(Subscriptions=[]), "has no subscription"),
    ("log-groups", "describe-log-groups", lambda found: {"logGroups": [{"logGroupName": found["logGroups"][0]["logGroupName"]}]}, "retentionInDays is None, expected 30"),
    ("log-groups", "describe-log-groups", having(logGroups=[]), "/aws/lambda/alb-ingest does not exist"),
    ("tables", "get-tables", having(TableList=[]), "alb_access_log does not exist"),
    ("tables", "get-tables", item("TableList", PartitionKeys=[]), "nlb_access_log has other columns"),
    ("tables", "get-tables", item("TableList", Parameters={}), "projection.enabled is None, expected true"),
    ("tables", "get-tables", "EntityNotFoundException", "EntityNotFoundException"),
    ("tables", "get-work-group", inside("WorkGroup", State="DISABLED"), "the workgroup is DISABLED"),
    ("destination", "head-bucket", "404", "404"),
    ("public-access", "get-public-access-block", inside("PublicAccessBlockConfiguration", BlockPublicPolicy=False), "elb-logs: BlockPublicPolicy is off"),
    ("public-access", "get-public-access-block", "NoSuchPublicAccessBlockConfiguration", "NoSuchPublicAccessBlockConfiguration"),
    ("metrics", "get-metric-data", lambda _: {"MetricDataResults": [{"Id": "objectsfailed", "Values": [2.0]}]}, "ObjectsFailed 2"),
    ("test-object", "get-object", inside("Metadata", events="1"), "events is 1, expected 2"),
    ("test-object", "get-object", inside("Metadata", sha256="0"), "sha256 is 0"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "operation", "change", "said"), BROKEN)
def test_a_broken_stack(deployed, capsys, check, operation, change, said):
    code, lines = checked(deployed, capsys, check, {operation: change})
    failed = [line for line in lines if line.startswith("FAILED")]
    assert code == 1 and any(said in line for line in failed), lines
    assert all(". To do: " in line for line in failed)


TOPIC = "arn:aws:sns:us-east-1:123456789012:log-objects"
RECEIVERS = "arn:aws:sns:us-east-1:123456789012:receivers"
# moto does not return this part of a bucket's configuration.
ON = {"get-bucket-notification-configuration": having(EventBridgeConfiguration={})}
# The other ways in and out: the choice, what is changed in moto's responses, and what must not be missing from the output.
OTHERS = {
    "by-topic": (
        {"LogSource": "ExistingTopic", "LogTopicArn": TOPIC, "Trigger": "Direct", "DatabaseName": "by_topic", "Schema": "ecs"}, {},
        ("mapping: direct invocations are retried", f"announcements: {TOPIC} has the subscription"),
    ),
    "by-rule": (
        {"LogSource": "ExistingBucket", "Destination": "NewStream", "StreamDelivery": "Json", "StreamTable": "nlb_access_log", "DatabaseName": "by_rule"}, ON,
        ("announcements: by-rule-logs notifies EventBridge", "announcements: the rule by-rule-objects is enabled", "destination: the stream EventStream",
         "test object: nlb_access_log: 3 lines became 2 events and 1 malformed line; its two events are in the stream"),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def others(deployed) -> None:
    """Stacks with other choices of source, trigger and destination."""
    sns = client("sns", deployed.endpoint)
    sns.subscribe(TopicArn=sns.create_topic(Name="receivers")["TopicArn"], Protocol="email", Endpoint=ADDRESS)
    client("s3", deployed.endpoint).create_bucket(Bucket="by-topic-logs")
    for name, (choice, *_) in OTHERS.items():
        names = {"LogBucketName": f"{name}-logs", "EventBucketName": f"{name}-events", "AlarmTopicArn": RECEIVERS}
        made = change_set(deployed, name, choice | names)
        client("cloudformation", deployed.endpoint).execute_change_set(ChangeSetName=made)


@pytest.mark.usefixtures("others")
@pytest.mark.parametrize("other", OTHERS)
def test_other_choices(deployed, capsys, other):
    _, answers, expected = OTHERS[other]
    # An existing bucket has its own setting for public access, or none; moto invokes no function for a topic.
    code, lines = checked(deployed, capsys, None, answers, wait=0 if other == "by-topic" else 30, stack=other)
    failed = [line for line in lines if line.startswith("FAILED")]
    assert [line.split(":")[0] for line in failed] == (["FAILED       test object"] if other == "by-topic" else []), lines
    assert code == len(failed)
    assert f"not checked  public access: {other}-logs has no setting of its own" in "\n".join(lines)
    for text in expected:
        assert any(text in line for line in lines), (text, lines)


# Stack, check, operation, difference, what the line says.
BROKEN_OTHERS = [
    ("by-topic", "mapping", "get-function-event-invoke-config", having(MaximumRetryAttempts=0), "MaximumRetryAttempts is 0, expected 2"),
    ("by-topic", "announcements", "list-subscriptions-by-topic", having(Subscriptions=[]), "has no subscription for arn:aws:lambda:"),
    ("by-rule", "announcements", "get-bucket-notification-configuration", lambda _: {}, "by-rule-logs does not notify EventBridge"),
    ("by-rule", "announcements", "describe-rule", having(State="DISABLED"), "the rule is DISABLED"),
    ("by-rule", "announcements", "describe-rule", having(EventPattern="{}"), "the rule has another pattern"),
    ("by-rule", "announcements", "list-targets-by-rule", having(Targets=[]), "the rule has no target"),
    ("by-rule", "destination", "describe-delivery-stream", inside("DeliveryStreamDescription", DeliveryStreamStatus="CREATING"), "EventStream is CREATING"),
]  # fmt: skip


@pytest.mark.usefixtures("others")
@pytest.mark.parametrize(("other", "check", "operation", "change", "said"), BROKEN_OTHERS)
def test_another_choice_that_is_broken(deployed, capsys, other, check, operation, change, said):
    code, lines = checked(deployed, capsys, check, OTHERS[other][1] | {operation: change}, stack=other)
    assert code == 1 and any(said in line for line in lines if line.startswith("FAILED")), lines


def test_every_check_has_a_broken_stack():
    """Except the one that fails for no stack: load balancers may be in other accounts."""
    names = {check.__name__.replace("_", "-") for check in verify.CHECKS} | {"test-object"}
    assert names - {check for check, *_ in BROKEN} == {"load-balancers"}


@pytest.mark.parametrize("check", [check.__name__.replace("_", "-") for check in verify.CHECKS[1:]])
def test_what_may_not_be_read_is_not_checked(deployed, capsys, check):
    """A denied call is not a fault of the stack. Each check makes at least one call of these."""
    operations = {operation for _, operation, *_ in BROKEN} | {"describe-load-balancers"}
    denied = dict.fromkeys(operations - {"describe-stacks", "list-stack-resources"}, "AccessDenied")
    code, lines = checked(deployed, capsys, check, denied)
    assert code == 0 and lines[0].startswith("not checked") and "AccessDenied" in lines[0], lines


def test_an_object_that_is_not_announced(deployed, capsys):
    s3 = client("s3", deployed.endpoint)
    before = s3.get_bucket_notification_configuration(Bucket=LOGS)
    s3.put_bucket_notification_configuration(Bucket=LOGS, NotificationConfiguration={})
    try:
        code, lines = checked(deployed, capsys, "test-object", {}, wait=0)
    finally:
        before.pop("ResponseMetadata")
        s3.put_bucket_notification_configuration(Bucket=LOGS, NotificationConfiguration=before)
    assert code == 1 and "0 of 2 outputs after 0 s" in lines[0]
    # The layout of the destination stays.
    assert not files(s3, LOGS) and set(files(s3, EVENTS)) <= {"_alb-ingest.json"}


def test_what_cannot_be_deleted_is_named(deployed, capsys):
    code, lines = checked(deployed, capsys, "test-object", {"delete-object": "AccessDenied"})
    assert code == 1 and sum("is left: " in line for line in lines) == 3, lines
    s3 = client("s3", deployed.endpoint)
    for bucket in (LOGS, EVENTS):
        for key in files(s3, bucket):
            s3.delete_object(Bucket=bucket, Key=key)


@pytest.mark.parametrize("says", ["", "y\n", "no\n"])
def test_nothing_is_uploaded_without_a_yes(deployed, says):
    done = deployed.verify("--only", "test-object", says=says)
    assert done.returncode == 0 and "not checked  test object: it was not uploaded" in done.stdout
    assert not files(client("s3", deployed.endpoint), LOGS)


@pytest.mark.parametrize("table", verify.SAMPLES)
def test_the_samples_are_two_events_and_a_malformed_line(program, table):
    _, _, line = verify.SAMPLES[table]
    text = line.format(time="2026-10-07T11:44:00", id="0123456789abcdef")
    for given, code in ((text, 0), (text[:40], 1)):
        done = subprocess.run([program, "explain", "--table", table], input=given + "\n", capture_output=True, text=True, timeout=60)
        assert done.returncode == code, done.stdout
