"""The commands of docs/guide/recipes.md and docs/guide/security-lake.md run as they are shown, section by section.

`aws` sends them to moto. Calls that moto lacks are validated by the AWS CLI and not sent. `sam` is not run: its parameters are
recorded, and tests/template evaluates them. The job of S3 Batch Operations is imitated: it invokes the function once per line
of the manifest that the documented command has written.
"""

import csv
import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from iam import allowed
from output import OBJECTS
from recipes import LAKE, RECIPES, blocks, deployments, sections, shown_files
from shell import Shell
from stack import Stack
from stand_ins import client, files, moto
from story import Emulator, limits, reference, variables

@pytest.fixture
def shell(tmp_path, monkeypatch) -> Iterator[Shell]:
    # For the managed policy of the lake's crawler.
    monkeypatch.setenv("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
    with moto() as endpoint:
        yield Shell(endpoint, tmp_path)


def type_section(shell: Shell, page: str, name: str, region: str = "eu-west-1") -> str:
    """Saves the files of a section and runs its commands; returns what they print."""
    text = sections(page)[name]
    for file, body in shown_files(text).items():
        (shell.home / file).write_text(body)
    return "".join(shell.run(block, region) for block in blocks(text))


def bucket_policy(shell: Shell, bucket: str) -> list[dict]:
    return json.loads(client("s3", shell.endpoint).get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]


def test_an_organization_writes_to_a_central_bucket(shell):
    organizations = client("organizations", shell.endpoint)
    organizations.create_organization(FeatureSet="ALL")
    for number in range(12):
        organizations.create_account(Email=f"{number}@example.com", AccountName=f"team {number}")
    members = {account["Id"] for page in organizations.get_paginator("list_accounts").paginate() for account in page["Accounts"]}
    assert len(members) == 13
    type_section(shell, RECIPES, "Central log bucket of an organization")
    statements = bucket_policy(shell, "example-org-elb-logs")
    principal = ("Service", "logdelivery.elasticloadbalancing.amazonaws.com")
    for member in members:
        key = f"arn:aws:s3:::example-org-elb-logs/AWSLogs/{member}/elasticloadbalancing/eu-west-1/x.log.gz"
        assert allowed(statements, "s3:PutObject", key, principal, account=member)
    assert not allowed(statements, "s3:PutObject", key.replace(member, "999999999999"), principal)
    assert json.loads((shell.bin / "notifications.json").read_text()) == {"EventBridgeConfiguration": {}}
    assert shell.calls("elbv2", "modify-load-balancer-attributes")


def test_a_bucket_in_another_account_forwards_its_events(shell):
    iam = client("iam", shell.endpoint)
    client("s3", shell.endpoint).create_bucket(Bucket="example-org-elb-logs")
    type_section(shell, RECIPES, "Log bucket in another account")
    (call,) = shell.calls("events", "put-targets")
    targets = dict(part.split("=", 1) for part in call[call.index("--targets") + 1].split(","))
    policy = iam.get_role_policy(RoleName="forward-elb-logs", PolicyName="forward")["PolicyDocument"]["Statement"]
    assert allowed(policy, "events:PutEvents", targets["Arn"])
    assert not allowed(policy, "events:PutEvents", targets["Arn"].replace("default", "other"))
    assert targets["RoleArn"].endswith(":role/forward-elb-logs")
    assert len(shell.calls("events", "put-permission")) == len(shell.calls("events", "put-rule")) == 1


def test_a_bucket_of_another_stack_is_asked_for_its_notifications(shell):
    client("s3", shell.endpoint).create_bucket(Bucket="example-elb-logs")
    type_section(shell, RECIPES, "Log bucket of another stack", "us-east-1")
    assert not shell.calls("s3api", "put-bucket-notification-configuration"), "the bucket belongs to the other stack"


def test_an_encrypted_bucket_has_a_key_that_load_balancers_may_use(shell):
    type_section(shell, RECIPES, "Log bucket encrypted with KMS")
    s3 = client("s3", shell.endpoint)
    (rule,) = s3.get_bucket_encryption(Bucket="example-nlb-logs")["ServerSideEncryptionConfiguration"]["Rules"]
    key = rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"]
    assert key.startswith("arn:aws:kms:eu-west-1:123456789012:key/")
    delivery = ("Service", "delivery.logs.amazonaws.com")
    (created,) = shell.calls("kms", "create-key")
    assert "file://key-policy.json" in created
    statements = json.loads((shell.home / "key-policy.json").read_text())["Statement"]
    assert allowed(statements, "kms:GenerateDataKey", key, delivery)
    resource = "arn:aws:s3:::example-nlb-logs/AWSLogs/123456789012/elasticloadbalancing/x.log.gz"
    context = {"account": "123456789012", "acl": "bucket-owner-full-control", "source": "arn:aws:logs:eu-west-1:123456789012:x"}
    assert allowed(bucket_policy(shell, "example-nlb-logs"), "s3:PutObject", resource, delivery, **context)


def test_a_security_lake_registers_its_sources(shell):
    type_section(shell, LAKE, "Register the sources")
    registered = [dict(zip(call[2::2], call[3::2])) for call in shell.calls("securitylake", "create-custom-log-source")]
    assert len({one["--source-name"] for one in registered}) == 6
    iam = client("iam", shell.endpoint)
    arn = iam.get_role(RoleName="elb-lake-crawler")["Role"]["Arn"]
    assert {json.loads(one["--configuration"])["crawlerConfiguration"]["roleArn"] for one in registered} == {arn}
    (attached,) = iam.list_attached_role_policies(RoleName="elb-lake-crawler")["AttachedPolicies"]
    assert attached["PolicyName"] == "AWSGlueServiceRole"
    type_section(shell, LAKE, "Install the function")
    client("s3", shell.endpoint).head_bucket(Bucket="example-elb-rejects")


SAMPLES = {path.relative_to(OBJECTS).as_posix(): path for path in OBJECTS.rglob("*") if path.is_file()}
LOGS, EVENTS = "example-elb-logs", "example-elb-events"
# What CloudFormation inserts into the outputs.
ARNS = {
    "${IngestFunction.Arn}": "arn:aws:lambda:us-east-1:123456789012:function:alb-ingest",
    "${BatchRole.Arn}": "arn:aws:iam::123456789012:role/alb-ingest-BatchRole-EXAMPLE",
}


def output(stack: Stack, name: str) -> str:
    """Returns the value of an output."""
    value = stack.outputs[name]["Value"]
    text = value["Fn::Sub"] if isinstance(value, dict) else value
    for part, arn in ARNS.items():
        text = text.replace(part, arn)
    return text


def created_job(shell: Shell, stack: Stack, before: str) -> tuple[str, list[list[str]]]:
    """Runs the two commands of the outputs; returns the version of the payload, and the lines of the job's manifest."""
    shell.run(output(stack, "BatchManifest").replace("BEFORE", before))
    assert "JobId" in json.loads(shell.run(output(stack, "BatchJob")))
    call = shell.calls("s3control", "create-job")[-1]
    given = {name: value for name, value in zip(call[2:], call[3:]) if name.startswith("--")}
    manifest, operation = json.loads(given["--manifest"]), json.loads(given["--operation"])["LambdaInvoke"]
    assert (operation["FunctionArn"], given["--role-arn"]) == tuple(ARNS.values())
    bucket, key = manifest["Location"]["ObjectArn"].removeprefix("arn:aws:s3:::").split("/", 1)
    found = client("s3", shell.endpoint).get_object(Bucket=bucket, Key=key)
    assert json.loads(found["ETag"]) == manifest["Location"]["ETag"], "S3 rejects a manifest that has changed"
    assert manifest["Spec"] == {"Format": "S3BatchOperations_CSV_20180820", "Fields": ["Bucket", "Key"]}
    return operation["InvocationSchemaVersion"], list(csv.reader(io.StringIO(found["Body"].read().decode())))


def run_job(shell: Shell, stack: Stack, before: str, emulator: Path, bootstrap: Path, folder: Path) -> dict[str, str]:
    """Invokes the function for each line of the manifest, as a job does; returns the result codes by key."""
    version, lines = created_job(shell, stack, before)
    made = stack.translated()
    function = made["Resources"]["IngestFunction"]["Properties"]
    bounds = limits(function["Timeout"], function["MemorySize"])
    folder.mkdir()
    lambda_ = Emulator(emulator, bootstrap, bounds | variables(made) | {"AWS_ENDPOINT_URL": shell.endpoint}, folder)
    codes = {}
    try:
        for number, (bucket, key) in enumerate(lines):
            task = {"taskId": f"task{number}", "s3Key": key, "s3VersionId": None, "s3Bucket": bucket}
            job = {"id": "0e7d5c3a-0005-4b1f-9d26-7a3c8e5f1b05", "userArguments": {}}
            event = {"invocationSchemaVersion": version, "invocationId": f"id{number}", "job": job, "tasks": [task]}
            (folder / "event.json").write_text(json.dumps(event))
            response = lambda_.invoke(folder / "event.json")
            assert not response.failed, response.log
            (result,) = response.value["results"]
            assert (response.value["invocationId"], result["taskId"]) == (f"id{number}", f"task{number}")
            codes[unquote(key)] = result["resultCode"]
    finally:
        lambda_.close()
    return codes


def logs_in(shell: Shell) -> None:
    """Creates the buckets of the recipes and uploads the samples, and an object of another service."""
    s3 = client("s3", shell.endpoint)
    for bucket in (LOGS, EVENTS):
        s3.create_bucket(Bucket=bucket)
    for key, path in SAMPLES.items():
        s3.upload_file(str(path), LOGS, key)
    s3.put_object(Bucket=LOGS, Key="AWSLogs/123456789012/CloudTrail/us-east-1/2026/10/07/trail.json.gz", Body=b"{}")


def test_a_job_ingests_existing_objects_and_moves_them_to_a_new_destination(shell, emulator, bootstrap, program, tmp_path):
    logs_in(shell)
    keys = {key for key in SAMPLES if "/elasticloadbalancing/" in key}
    text = sections(RECIPES)
    (first,), (second,) = (
        [Stack(**choice) for choice in deployments(text[name])] for name in ("Existing objects", "New destination")
    )
    assert {first.parameters["LogBucketName"], second.parameters["LogBucketName"]} == {LOGS}
    with pytest.raises(AssertionError):
        created_job(shell, first, "2020-01-01")

    assert run_job(shell, first, "2099-01-01", emulator, bootstrap, tmp_path / "first") == dict.fromkeys(keys, "Succeeded")
    expected = replayed(program, first, keys, tmp_path / "replay-first")
    written = written_by(shell)
    assert written == expected and len(written) > len(keys)
    # A repeated job adds nothing.
    run_job(shell, first, "2099-01-01", emulator, bootstrap, tmp_path / "again")
    assert written_by(shell) == expected

    # One log object has been deleted before the move.
    gone = min(key for key in keys if "_app.shop." in key)
    client("s3", shell.endpoint).delete_object(Bucket=LOGS, Key=gone)
    left = keys - {gone}
    assert run_job(shell, second, "2099-01-01", emulator, bootstrap, tmp_path / "second") == dict.fromkeys(left, "Succeeded")
    moved = {f"v2/{key}": body for key, body in replayed(program, second, left, tmp_path / "replay-second").items()}
    assert written_by(shell) == expected | moved
    _, compare = blocks(text["New destination"])
    (missing,) = shell.run(compare).split()
    assert missing.startswith(Path(gone).name.removesuffix(".log.gz") + "-")


def written_by(shell: Shell) -> dict[str, bytes]:
    """Returns the outputs in the event bucket."""
    found = files(client("s3", shell.endpoint), EVENTS)
    return {key: body for key, body in found.items() if "_batch/" not in key}


def replayed(program: Path, stack: Stack, keys: set[str], folder: Path) -> dict[str, bytes]:
    """Returns the output of the command line for the samples, with the settings of a stack."""
    shutil.copytree(OBJECTS, folder / LOGS)
    payload = folder / "all.json"
    payload.write_text(json.dumps({"objects": [{"bucket": LOGS, "key": key} for key in sorted(keys)]}))
    response, made = reference(program, payload, folder, variables(stack.translated()), folder / "out")
    assert not response.failed, response.log
    return made
