"""The roles allow exactly what docs/security.md lists, and each action is needed by a call."""

import re

import botocore.session
import pytest
from botocore import xform_name
from stack import ROOT, TABLES, actions, listed

PAGE = ROOT / "docs/security.md"
# Statements with actions that do not support resource-level permissions.
WITHOUT_RESOURCES = {"Trace", "NetworkInterfaces", "NotFromTheCode"}
# Statements for actions that Lambda performs with the function's role.
OF_LAMBDA = {"Poll", "KeepWhatFailed", "QueueKey", "Log", "Trace", "NetworkInterfaces"}


ROLES = [
    ("IngestRole", "The function's role"),
    ("StreamRole", "The stream's role"),
    ("BatchRole", "The role of S3 Batch Operations"),
    ("ScheduleRole", "The schedule's role"),
]


def documented(section: str) -> dict[str, str]:
    """Returns the pairs of action and statement in a section of the page."""
    text = PAGE.read_text().split(f"\n## {section}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `([a-z0-9]+:[A-Za-z]+)` \| `([A-Za-z]+)` \|", text, re.MULTILINE)
    assert rows, f"docs/security.md has no table under {section}"
    assert len(rows) == len(set(rows))
    return rows


@pytest.mark.parametrize(("role", "section"), ROLES)
def test_the_page_lists_every_action(stacks, role, section):
    allowed = {
        (action, statement["Sid"])
        for stack in stacks.values()
        if role in stack.resources
        for statement in stack.statements(role)
        if statement["Effect"] == "Allow"
        for action in actions(statement)
    }
    assert allowed == set(documented(section))


def calls() -> dict[str, set[str]]:
    """Returns the AWS operations that src calls through the SDK clients, each with the calling files."""
    services = re.findall(r"^aws-sdk-([a-z0-9]+) =", (ROOT / "Cargo.toml").read_text(), re.MULTILINE)
    assert services == ["firehose", "s3", "secretsmanager", "sqs", "ssm"], "a new service needs its actions in docs/security.md"
    session = botocore.session.get_session()
    names = [name for service in services for name in session.get_service_model(service).operation_names]
    methods = {xform_name(name): name for name in names}
    found: dict[str, set[str]] = {}
    for path in sorted((ROOT / "src").rglob("*.rs")):
        source = re.sub(r"//.*", "", path.read_text())
        # An SDK method takes no arguments: it returns a builder for them.
        for method in re.findall(r"\.\s*([a-z0-9_]+)\(\)", source):
            if method in methods:
                found.setdefault(methods[method], set()).add(path.relative_to(ROOT / "src").as_posix())
    return found


def documented_calls() -> list[tuple[str, set[str], set[str], str]]:
    """Returns the calls on the page, each with its files, actions and purpose."""
    rows = re.findall(r"^\| `([A-Z][A-Za-z0-9]+)` \| (.+?) \| (.+?) \| (.+?) \|$", PAGE.read_text(), re.MULTILINE)
    ticked = re.compile(r"`([^`]+)`")
    return [(call, set(ticked.findall(files)), set(ticked.findall(needs)), made) for call, files, needs, made in rows]


def test_the_page_lists_every_call():
    assert {call: files for call, files, _, _ in documented_calls()} == calls()


def test_the_role_allows_exactly_the_actions_that_calls_need(stacks):
    """Over all choices: every call has its permission, and the code has no permission that no call needs."""
    needed = {action for _, _, needs, made in documented_calls() if not made.startswith("never") for action in needs}
    allowed = {
        action
        for stack in stacks.values()
        for statement in stack.statements("IngestRole")
        if statement["Effect"] == "Allow" and statement["Sid"] not in OF_LAMBDA
        for action in actions(statement)
    }
    assert allowed == needed


def test_defaults_allow_no_more_than_the_code_calls(stacks):
    """Compares statement by statement with the table of permissions and calls in docs/security.md."""
    allowed = {
        statement["Sid"]: sorted(actions(statement)) for statement in stacks["defaults"].statements("IngestRole")
    }
    writes = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"]
    assert allowed == {
        "ReadLogs": ["s3:GetObject"],
        "TellGoneFromForbidden": ["s3:ListBucket"],
        "ClaimDestination": ["s3:GetObject", "s3:PutObject"],
        "WriteEvents": writes,
        "WriteQuarantine": writes,
        "Poll": ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
        "Log": ["logs:CreateLogStream", "logs:PutLogEvents"],
    }
    table = PAGE.read_text().split("Permissions and calls, for the defaults:")[1].split("\n- ")[0]
    shown = [action for row in re.findall(r"^\| (`.+?) \|", table, re.MULTILINE) for action in re.findall(r"`([^`]+)`", row)]
    # Events and quarantine have the same actions; the page has one row for both.
    del allowed["WriteQuarantine"]
    assert sorted(shown) == sorted(action for found in allowed.values() for action in found)


def test_unused_features_have_no_permissions(stacks):
    def sids(name: str) -> set[str]:
        return {statement["Sid"] for statement in stacks[name].statements("IngestRole")}

    assert "WriteEvents" not in sids("stream-json") and "SendEvents" in sids("stream-json")
    assert "Poll" not in sids("direct") and "KeepWhatFailed" in sids("direct")
    of_merges = {"WriteMergeLog", "ListMergeLog", "SendFolders", "KeepWhatFailed"}
    assert not of_merges & sids("defaults") and of_merges <= sids("merged")
    assert "ClaimDestination" in sids("defaults") & sids("merged") and "ClaimDestination" not in sids("stream-json")
    versions = {
        name: "s3:GetObjectVersion" in actions(stacks[name].statements("IngestRole")[0])
        for name in ("defaults", "existing-bucket", "merged-existing")
    }
    # A folder's objects are read without naming a version.
    assert versions == {"defaults": False, "existing-bucket": True, "merged-existing": False}


def test_a_key_is_readable_only_if_it_is_named(stacks):
    found = {
        name: {statement["Sid"]: statement for statement in stacks[name].statements("IngestRole") if "RedactKey" in statement["Sid"]}
        for name in ("defaults", "redacted", "redacted-by-parameter", "redacted-without-key", "everything")
    }
    for name, service, action in (
        ("everything", "secretsmanager", "secretsmanager:GetSecretValue"),
        ("redacted-by-parameter", "ssm", "ssm:GetParameter"),
    ):
        assert found[name]["ReadRedactKey"]["Action"] == action
        # Nothing but the named secret and key.
        assert found[name]["ReadRedactKey"]["Resource"] == stacks[name].parameters["RedactKey"]
        assert found[name]["DecryptRedactKey"]["Resource"] == stacks[name].parameters["RedactKeyKmsKeyArn"]
        via = found[name]["DecryptRedactKey"]["Condition"]["StringEquals"]["kms:ViaService"]
        assert via == f"{service}.us-east-1.amazonaws.com"
    assert not found["defaults"] and not found["redacted-without-key"]
    assert set(found["redacted"]) == {"ReadRedactKey"} and set(found["everything"]) == {"ReadRedactKey", "DecryptRedactKey"}


def test_no_action_has_a_wildcard(stack):
    for role in stack.of_type("AWS::IAM::Role"):
        for statement in stack.statements(role):
            assert all("*" not in action for action in actions(statement)), (role, statement["Sid"])
    for function in stack.of_type("AWS::Serverless::Function").values():
        assert "Policies" not in function, "SAM policy templates must not be used"
    for role in stack.of_type("AWS::IAM::Role").values():
        assert "ManagedPolicyArns" not in role


def test_statements_name_their_resources(stack):
    for role in stack.of_type("AWS::IAM::Role"):
        for statement in stack.statements(role):
            for resource in listed(statement["Resource"]):
                if statement["Sid"] in WITHOUT_RESOURCES:
                    assert resource == "*"
                    continue
                if isinstance(resource, dict):
                    (function,) = resource
                    assert function == "Fn::GetAtt" or "deliverystream/" in str(resource)
                    continue
                assert resource.startswith("arn:aws:") and not resource.endswith(":*:*"), resource
                if ":s3:::" in resource:
                    bucket, _, key = resource.split(":::")[1].partition("/")
                    named = f"s3://{bucket}/{key}" in stack.parameters["GeoDatabase"].split(",")
                    assert bucket in stack.parameters.values() or named
                    assert "aws:ResourceAccount" in str(statement["Condition"]), statement["Sid"]


def test_writes_are_limited_to_the_prefixes_of_outputs(stacks):
    statements = {statement["Sid"]: statement for statement in stacks["everything"].statements("IngestRole")}
    assert statements["WriteEvents"]["Resource"] == [f"arn:aws:s3:::elb-events/elb/{table}/*" for table in TABLES]
    assert statements["WriteQuarantine"]["Resource"] == "arn:aws:s3:::elb-events/elb/_quarantine/*"
    assert statements["ClaimDestination"]["Resource"] == "arn:aws:s3:::elb-events/elb/_alb-ingest.json"
    merged = {statement["Sid"]: statement for statement in stacks["merged-existing"].statements("IngestRole")}
    assert merged["WriteMergeLog"]["Resource"] == "arn:aws:s3:::elb-events/elb/_merge/*"
    assert merged["SendFolders"]["Resource"] == {"Fn::GetAtt": ["ObjectQueue", "Arn"]}
    assert statements["ReadLogs"]["Resource"] == "arn:aws:s3:::elb-logs/web/AWSLogs/*/elasticloadbalancing/*"


def test_databases_are_the_only_other_objects_that_are_read(stacks):
    def statement(name: str) -> dict:
        (found,) = [found for found in stacks[name].statements("IngestRole") if found["Sid"] == "ReadGeoDatabase"]
        return found

    assert statement("ecs")["Resource"] == ["arn:aws:s3:::geo-data/2026-11/all.mmdb"]
    names = ("country4", "country6", "asn4", "asn6")
    assert statement("everything")["Resource"] == [f"arn:aws:s3:::geo-data/2026-11/{name}.mmdb" for name in names]
    for name in ("ecs", "everything"):
        variables = stacks[name].variables()
        # The function sends the owner with each request, so any other would be refused.
        owner = {"aws:ResourceAccount": variables["SOURCE_OWNER"]}
        assert (actions(statement(name)), statement(name)["Condition"]) == (["s3:GetObject"], {"StringEquals": owner})
        named = [place.replace("s3://", "arn:aws:s3:::") for place in variables["GEO_DATABASE"].split(",")]
        assert named == statement(name)["Resource"]
    assert "ReadGeoDatabase" not in {found["Sid"] for found in stacks["defaults"].statements("IngestRole")}


def test_the_code_cannot_manage_network_interfaces(stacks):
    statements = {statement["Sid"]: statement for statement in stacks["everything"].statements("IngestRole")}
    denied = statements["NotFromTheCode"]
    assert denied["Effect"] == "Deny"
    assert actions(denied) == actions(statements["NetworkInterfaces"])
    arn = "arn:aws:lambda:us-east-1:123456789012:function:alb-ingest"
    assert denied["Condition"] == {"ArnEquals": {"lambda:SourceFunctionArn": arn}}


def test_keys_are_used_only_through_their_service(stack):
    for role in stack.of_type("AWS::IAM::Role"):
        for statement in stack.statements(role):
            if any(action.startswith("kms:") for action in actions(statement)):
                assert set(statement["Condition"]["StringEquals"]) == {"kms:ViaService"}
