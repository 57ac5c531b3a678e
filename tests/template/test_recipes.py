"""The recipes of docs/guide/recipes.md: their parameters, policies and names."""

import json
import re
import subprocess
import sys

import pytest
from cfnlint.api import ManualArgs, lint
from iam import allowed
from recipes import LAKE, RECIPES, blocks, deployments, sections, shown_files
from stack import ACCOUNT, ROOT, Stack, actions, listed, template

SCRIPT = ROOT / "scripts/log-bucket-policy"
LIMIT = 20 * 1024
SECTIONS = sections(RECIPES)
LOAD_BALANCERS = ("Service", "logdelivery.elasticloadbalancing.amazonaws.com")
LEGACY = ("AWS", "arn:aws:iam::127311923021:root")
DELIVERY = ("Service", "delivery.logs.amazonaws.com")
# The property with the physical name of a resource of each type, or None for names that CloudFormation makes up and for
# resources without a name of their own in the account.
NAMES = {
    "AWS::Athena::NamedQuery": None,
    "AWS::Athena::WorkGroup": "Name",
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::CloudWatch::Dashboard": "DashboardName",
    "AWS::Events::Rule": "Name",
    "AWS::Glue::Database": "DatabaseInput.Name",
    # Named within their database.
    "AWS::Glue::Table": None,
    "AWS::IAM::Role": None,
    "AWS::KinesisFirehose::DeliveryStream": None,
    "AWS::Lambda::EventInvokeConfig": None,
    "AWS::Lambda::EventSourceMapping": None,
    "AWS::Lambda::Permission": None,
    "AWS::Logs::LogGroup": "LogGroupName",
    # Named within its log group.
    "AWS::Logs::LogStream": None,
    "AWS::S3::Bucket": "BucketName",
    "AWS::S3::BucketPolicy": None,
    "AWS::SNS::Subscription": None,
    "AWS::SNS::Topic": None,
    "AWS::SNS::TopicPolicy": None,
    "AWS::SQS::Queue": "QueueName",
    "AWS::SQS::QueuePolicy": None,
    "AWS::Scheduler::Schedule": "Name",
    "AWS::Serverless::Function": "FunctionName",
}
# Properties that would be names of resources that have none here.
OTHER_NAMES = {"RoleName", "TopicName", "DeliveryStreamName", "Id"}


def printed(*arguments: str, accounts: str = "") -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, SCRIPT, *arguments], input=accounts, capture_output=True, text=True, timeout=60)


def policy(*arguments: str, accounts: str = "") -> list[dict]:
    done = printed(*arguments, accounts=accounts)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout) < LIMIT
    return json.loads(done.stdout)["Statement"]


@pytest.mark.parametrize("number", [1, 5])
@pytest.mark.parametrize("region", ["us-east-1", "eu-central-2", "cn-north-1", "us-gov-west-1", "eusc-de-east-1"])
def test_the_script_prints_the_policy_of_a_new_bucket(region, number):
    accounts = [f"11112222333{digit}" for digit in range(number)]
    stack = Stack(region, LogAccounts=",".join(accounts), LogPrefix="web/", LogBucketName="example-org-elb-logs")
    arguments = ("example-org-elb-logs", "--region", region, "--prefix", "web/", "--accounts", "-")
    made = policy(*arguments, accounts="\t".join(accounts))
    wanted = stack.properties("LogBucketPolicy")["PolicyDocument"]["Statement"]
    plain = {one["Sid"]: {name: listed(value) for name, value in one.items()} for one in made}
    assert plain == {one["Sid"]: {name: listed(value) for name, value in one.items()} for one in wanted}


def put(statements: list[dict], key: str, principal: tuple[str, str], **context: str) -> bool:
    return allowed(statements, "s3:PutObject", f"arn:aws:s3:::example-org-elb-logs/{key}", principal, **context)


def network(account: str) -> dict[str, str]:
    return {"account": account, "acl": "bucket-owner-full-control", "source": f"arn:aws:logs:us-east-1:{account}:delivery-source:x"}


def test_a_central_bucket_admits_each_account_below_its_own_number():
    accounts = [f"{number:012d}" for number in range(100, 200)]
    statements = policy("example-org-elb-logs", "--region", "us-east-1", "--accounts", "-", accounts="\n".join(accounts))
    for account in (accounts[0], accounts[99]):
        key = f"AWSLogs/{account}/elasticloadbalancing/us-east-1/2026/10/07/x.log.gz"
        test_file = f"AWSLogs/{account}/ELBAccessLogTestFile"
        for name in (key, test_file):
            assert put(statements, name, LOAD_BALANCERS) and put(statements, name, LOAD_BALANCERS, account=account)
            assert put(statements, name, LEGACY)
            assert put(statements, name, DELIVERY, **network(account))
        assert not put(statements, key, LOAD_BALANCERS, account="999999999999")
        assert not put(statements, key, DELIVERY, **network("999999999999"))
        assert not put(statements, key, DELIVERY), "without the keys that AWS documents"
        assert not put(statements, key, ("Service", "ec2.amazonaws.com"))
        assert not put(statements, key, LOAD_BALANCERS, tls="false")
        bucket = "arn:aws:s3:::example-org-elb-logs"
        assert allowed(statements, "s3:GetBucketAcl", bucket, DELIVERY, **network(account))
        assert not allowed(statements, "s3:GetObject", f"{bucket}/{key}", LOAD_BALANCERS)
    stranger = "AWSLogs/999999999999/elasticloadbalancing/x.log.gz"
    assert not put(statements, stranger, LOAD_BALANCERS) and not put(statements, stranger, LEGACY)
    assert not put(statements, stranger, DELIVERY, **network("999999999999"))
    assert not put(statements, "elsewhere/x.log.gz", LOAD_BALANCERS)


def test_an_organization_of_any_size_fits():
    statements = policy("example-org-elb-logs", "--region", "us-east-1", "--organization", "o-exampleorgid")
    mine, other = {"organization": "o-exampleorgid"}, {"organization": "o-0000000000"}
    key = "AWSLogs/111122223333/elasticloadbalancing/x.log.gz"
    assert put(statements, key, LOAD_BALANCERS, **mine) and not put(statements, key, LOAD_BALANCERS, **other)
    # What the page warns of: not documented to be sent, so an absent key must not stop the delivery.
    assert put(statements, key, LOAD_BALANCERS)
    assert put(statements, key, DELIVERY, **network("111122223333"), **mine)
    assert not put(statements, key, DELIVERY, **network("111122223333"), **other)
    assert not put(statements, key, DELIVERY, **network("111122223333"))
    assert not put(statements, key, DELIVERY, **network("444455556666"), **mine), "below the number of another account"


@pytest.mark.parametrize(
    ("arguments", "accounts", "message"),
    [
        (("--region", "us-east-1", "--accounts", "-"), "1111", "not an account ID of twelve digits: 1111"),
        (("--region", "us-east-1", "--accounts", "-"), " \n", "the list of accounts is empty"),
        (("--region", "us-east-1", "--accounts", "missing.txt"), "", "missing.txt"),
        (("--region", "mars-1", "--organization", "o-exampleorgid"), "", "mars-1 is not a region"),
        (("--region", "us-east-1", "--organization", "r-abcd"), "", "not the ID of an organization"),
        (("--region", "us-east-1", "--organization", "o-exampleorgid", "--prefix", "web"), "", "must end with a slash"),
        (("--region", "us-east-1", "--accounts", "-"), "\n".join(map(str, range(10**11, 10**11 + 300))), "S3 accepts 20,480"),
    ],
)
def test_the_script_prints_no_policy_that_cannot_work(arguments, accounts, message):
    done = printed("example-org-elb-logs", *arguments, accounts=accounts)
    assert done.returncode == 1 and message in done.stderr and not done.stdout


def deployed(name: str) -> list[Stack]:
    """The stacks that a recipe deploys."""
    found = [Stack(**choice) for choice in deployments(SECTIONS[name])]
    assert found, f"{name} deploys nothing"
    return found


def test_every_recipe_deploys_a_valid_stack():
    for name in SECTIONS:
        for stack in deployed(name):
            found = lint(json.dumps(stack.translated()), config=ManualArgs(regions=[stack.region]))
            assert [f"{match.rule.id}: {match.message}" for match in found] == [], name


def test_the_statements_of_another_account_are_what_the_function_reads():
    (stack,) = deployed("Log bucket in another account")
    statements = json.loads(shown_files(SECTIONS["Log bucket in another account"])["reader.json"])
    reads = [one for one in stack.statements("IngestRole") if one["Sid"] in ("ReadLogs", "TellGoneFromForbidden")]
    assert stack.variables()["SOURCE_OWNER"] == "111122223333"
    for one, wanted in zip(statements, reads, strict=True):
        assert (one["Action"], one["Resource"]) == (actions(wanted)[0], wanted["Resource"]) and len(actions(wanted)) == 1
        condition = {key: value for key, value in wanted["Condition"].items() if "aws:ResourceAccount" not in value}
        assert one.get("Condition", {}) == condition
    forwarded = re.search(r"--event-pattern '(.+)'$", "\n".join(blocks(SECTIONS["Log bucket in another account"])), re.MULTILINE)[1]
    assert json.loads(forwarded) == stack.properties("ObjectRule")["EventPattern"]


def named(stack: Stack) -> set[tuple[str, str]]:
    """The physical names that a stack claims in its account and region, each with its type."""
    found = set()
    for name, body in stack.resources.items():
        kind, properties = body["Type"], body.get("Properties", {})
        assert kind in NAMES, f"{name}: add {kind} to NAMES"
        if NAMES[kind] is None:
            assert not OTHER_NAMES & set(properties), f"{name} has a name"
            continue
        value = properties
        for part in NAMES[kind].split("."):
            value = value[part]
        assert isinstance(value, str), f"{name}: {value}"
        found.add((kind, value))
    return found


def test_two_stacks_claim_no_name_twice(stacks):
    """With other values for the three parameters that name things, whatever the choice of the others."""
    other = {"LogBucketName": "other-logs", "EventBucketName": "other-events", "DatabaseName": "other_logs"}
    for name, first in stacks.items():
        given = {key: value for key, value in first.parameters.items() if key not in other}
        second = Stack(first.region, stack_name="other", **given, **other)
        assert not named(first) & named(second), name
        assert len(named(first)) == len(named(second)) > 10
    # Each of the three is necessary, and the page names them.
    text = re.sub(r"\s+", " ", SECTIONS["Second installation"])
    for left in other:
        rest = {key: value for key, value in other.items() if key != left}
        assert named(Stack()) & named(Stack(stack_name="other", **rest)), left
        assert f"`{left}`" in text.split("They must differ")[0]


def test_the_second_installation_claims_no_name_of_the_first():
    first, second = deployed("Second installation")
    assert not named(first) & named(second)
    assert first.parameters["LogBucketName"] == second.parameters["LogBucketName"]
    # The first one announces new objects to the rule of the second one.
    notifications = first.properties("LogBucket")["NotificationConfiguration"]
    assert notifications["EventBridgeConfiguration"] == {"EventBridgeEnabled": True} and notifications["QueueConfigurations"]
    assert second.properties("ObjectRule")["EventPattern"]["detail"]["bucket"] == {"name": ["example-elb-logs"]}
    assert "EventBridgeConfiguration" not in Stack().properties("LogBucket")["NotificationConfiguration"]


def test_the_bucket_of_another_stack_announces_objects():
    (snippet,) = blocks(SECTIONS["Log bucket of another stack"], "yaml")
    assert [match.message for match in lint(snippet, config=ManualArgs(regions=["us-east-1"], ignore_checks=["I3011"]))] == []
    (stack,) = deployed("Log bucket of another stack")
    assert f"BucketName: {stack.parameters['LogBucketName']}\n" in snippet and "EventBridgeEnabled: true" in snippet
    assert "LogBucket" not in stack.resources and "ObjectRule" in stack.resources


def batch_job(stack: Stack) -> dict[str, object]:
    """The JSON options of the command that starts a job."""
    text, names = stack.outputs["BatchJob"]["Value"]["Fn::Sub"], {}
    if isinstance(text, list):
        text, names = text
    assert not names
    text = re.sub(r"'\"\$\(.+?\)\"'", '"etag"', text)
    return {name: json.loads(value) for name, value in re.findall(r"--(operation|manifest|report) '(.+?)' ", text)}


@pytest.mark.parametrize("name", ["everything", "security-lake"])
def test_the_role_of_a_job_allows_exactly_what_it_does(stacks, name):
    stack = stacks[name]
    job, statements = batch_job(stack), stack.statements("BatchRole")
    assert job["operation"]["LambdaInvoke"]["FunctionArn"] == "${IngestFunction.Arn}"
    (invoke,) = (one for one in statements if one["Action"] == "lambda:InvokeFunction")
    assert invoke["Resource"] == {"Fn::GetAtt": ["IngestFunction", "Arn"]}
    plain = [one for one in statements if one is not invoke]
    own = {"owner": ACCOUNT}
    manifest = job["manifest"]["Location"]["ObjectArn"]
    report = f"{job['report']['Bucket']}/{job['report']['Prefix']}/job-0/results/1.csv"
    bucket = stack.parameters["QuarantineBucketName"] or stack.parameters["EventBucketName"]
    assert manifest == f"arn:aws:s3:::{bucket}/{stack.parameters['EventPrefix']}_batch/manifest.csv"
    assert allowed(plain, "s3:GetObject", manifest, **own) and allowed(plain, "s3:PutObject", report, **own)
    assert not allowed(plain, "s3:PutObject", manifest, **own) and not allowed(plain, "s3:GetObject", report, **own)
    assert not allowed(plain, "s3:GetObject", manifest, owner="999999999999")
    for action in ("s3:GetObject", "s3:PutObject"):
        for key in ("alb_access_log/x", "_quarantine/x", "ext/alb_access_log/x"):
            assert not allowed(plain, action, f"arn:aws:s3:::{stack.parameters['EventBucketName']}/{key}", **own)
        assert not allowed(plain, action, f"arn:aws:s3:::{stack.parameters['LogBucketName']}/AWSLogs/x", **own)
    key, via = stack.parameters["EventBucketKeyArn"], "s3.us-east-1.amazonaws.com"
    assert allowed(plain, "kms:Decrypt", key, via=via) and not allowed(plain, "kms:Decrypt", key)


def test_a_job_exists_only_if_it_is_wanted(stacks):
    with_job = {name for name, stack in stacks.items() if "BatchRole" in stack.resources}
    assert with_job == {name for name, stack in stacks.items() if stack.parameters["BatchOperations"] == "Yes"}
    assert with_job and "defaults" not in with_job
    for name, stack in stacks.items():
        assert ({"BatchManifest", "BatchJob"} <= set(stack.outputs)) == (name in with_job)
    assert {stack.parameters["BatchOperations"] for stack in deployed("Existing objects") + deployed("New destination")} == {"Yes"}


def test_files_of_a_job_are_in_no_table(stacks):
    for stack in (stacks["everything"], Stack(BatchOperations="Yes")):
        location = batch_job(stack)["manifest"]["Location"]["ObjectArn"].split(":::")[1].rsplit("/", 1)[0]
        for table in stack.of_type("AWS::Glue::Table").values():
            assert f"s3://{location}" not in table["TableInput"]["StorageDescriptor"]["Location"]


def test_a_new_destination_has_a_layout_of_its_own():
    (moved,) = deployed("New destination")
    before = Stack(LogBucketName="example-elb-logs", EventBucketName="example-elb-events")
    assert moved.variables()["DESTINATION"] != before.variables()["DESTINATION"]
    assert moved.variables()["SOURCE"] == before.variables()["SOURCE"]
    locations = [
        {name: table["TableInput"]["StorageDescriptor"]["Location"] for name, table in stack.of_type("AWS::Glue::Table").items()}
        for stack in (before, moved)
    ]
    assert locations[0].keys() == locations[1].keys() and not set(locations[0].values()) & set(locations[1].values())


def test_the_policy_of_a_key_admits_who_writes_and_who_reads():
    section = SECTIONS["Log bucket encrypted with KMS"]
    files = {name: json.loads(text) for name, text in shown_files(section).items()}
    (stack,) = deployed("Log bucket encrypted with KMS")
    key = stack.parameters["LogBucketKeyArn"]
    statements = files["key-policy.json"]["Statement"]
    for action in ("kms:Encrypt", "kms:Decrypt", "kms:ReEncryptTo", "kms:GenerateDataKey", "kms:DescribeKey"):
        assert allowed(statements, action, key, DELIVERY)
    assert not allowed(statements, "kms:ScheduleKeyDeletion", key, DELIVERY)
    assert not allowed(statements, "kms:Decrypt", key, LOAD_BALANCERS)
    # With the account's statement the policy of the role decides; without it, the last file says the same as the role.
    assert allowed(statements, "kms:Decrypt", key, ("AWS", f"arn:aws:iam::{ACCOUNT}:root"))
    (decrypts,) = (one for one in stack.statements("IngestRole") if one["Sid"] == "DecryptLogs")
    reader = files["key-reader.json"]
    assert (reader["Action"], reader["Condition"]) == (decrypts["Action"], decrypts["Condition"])
    assert decrypts["Resource"] == key


def test_commands_use_scripts_and_parameters_that_exist():
    for name, text in SECTIONS.items():
        for line in "\n".join(blocks(text)).splitlines():
            for script in re.findall(r"\bscripts/[\w-]+", line):
                assert (ROOT / script).is_file(), f"{name}: {script}"
    assert set(template()["Parameters"]) >= {"LogBucketEvents", "BatchOperations", "QuarantineBucketName"}


def test_the_policy_for_a_security_lake_is_that_of_the_function():
    section = sections(LAKE)
    (choice,) = deployments(section["Install the function"])
    stack = Stack(**choice)
    shown = json.loads(shown_files(section["Permissions"])["lake-writer.json"])["Statement"]
    writes = [one for one in stack.statements("IngestRole") if one["Sid"].startswith("Write")]
    assert shown == [{name: value for name, value in one.items() if name != "Condition"} for one in writes]
    assert all("s3:GetObject" in one["Action"] for one in shown)
    sources = re.findall(r"\b(\w+)=([A-Z]+)_ACTIVITY\b", section["Register the sources"])
    table = re.findall(r"\| `(\w+)` \| \d+ (\w+) Activity \|", (ROOT / LAKE).read_text())
    assert sorted(sources) == sorted((name, kind.upper()) for name, kind in table) and len(table) == 6
    prefix = f"arn:aws:s3:::{stack.parameters['EventBucketName']}/ext/"
    assert {f"{prefix}{name}/*" for name, _ in sources} == set(shown[0]["Resource"])


def test_a_security_lake_has_no_tables_of_the_stack(stacks):
    stack = stacks["security-lake"]
    assert not stack.of_type("AWS::Glue::Table") and not stack.of_type("AWS::Athena::WorkGroup")
    variables = stack.variables()
    assert (variables["PARTITION_BY"], variables["SCHEMA"], variables["FORMAT"]) == ("security-lake", "ocsf", "parquet")
    assert variables["DESTINATION"] == "s3://aws-security-data-lake-us-east-1-abcdefghij/ext/"
    assert "_quarantine" in variables["QUARANTINE"] and not variables["QUARANTINE"].startswith(variables["DESTINATION"])
