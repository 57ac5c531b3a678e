"""Rules that every choice of parameters keeps: nothing is lost, nothing is open, nothing goes round."""

import json
import re

import pytest
from stack import ACCOUNT, ROOT, Stack, listed, template

FOURTEEN_DAYS = 14 * 24 * 3600
# Taken from docs/reference/settings.md; see test_variables_are_settings.
NOT_SET = {
    "COMPRESSION": "zstd is what every reader of the tables takes",
    "OVERWRITE": "for a deliberate reprocessing alone",
    "REQUESTER_PAYS": "log buckets of load balancers have no Requester Pays",
}
# Of AWS's own, and of no setting.
OF_AWS = {"AWS_ENDPOINT_URL"}


@pytest.mark.parametrize("timeout", template()["Parameters"]["Timeout"]["AllowedValues"])
def test_the_queue_hides_a_message_for_six_time_outs(timeout):
    stack = Stack(Timeout=timeout)
    function = stack.translated()["Resources"]["IngestFunction"]["Properties"]
    assert function["Timeout"] == timeout
    visibility = int(stack.properties("ObjectQueue")["VisibilityTimeout"])
    assert 6 * timeout <= visibility <= 43200


def test_dead_letters_outlive_their_queue(stack):
    dead = stack.properties("DeadLetters")
    assert dead["MessageRetentionPeriod"] == FOURTEEN_DAYS
    for name, queue in stack.of_type("AWS::SQS::Queue").items():
        if name == "DeadLetters":
            continue
        assert queue["MessageRetentionPeriod"] < FOURTEEN_DAYS
        assert queue["RedrivePolicy"]["deadLetterTargetArn"] == {"Fn::GetAtt": ["DeadLetters", "Arn"]}
        assert queue["RedrivePolicy"]["maxReceiveCount"] >= 5
        arn = f"arn:aws:sqs:{stack.region}:{ACCOUNT}:{queue['QueueName']}"
        assert dead["RedriveAllowPolicy"] == {"redrivePermission": "byQueue", "sourceQueueArns": [arn]}


def test_what_fails_ends_as_a_dead_letter(stack):
    """Whatever brings an event has a place for what it cannot deliver."""
    dead = {"Fn::GetAtt": ["DeadLetters", "Arn"]}
    for rule in stack.of_type("AWS::Events::Rule").values():
        for target in rule["Targets"]:
            assert target["DeadLetterConfig"]["Arn"] == dead
            assert target["RetryPolicy"] == {"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 86400}
    for subscription in stack.of_type("AWS::SNS::Subscription").values():
        assert subscription["RedrivePolicy"]["deadLetterTargetArn"] == dead
    direct = stack.of_type("AWS::Lambda::EventInvokeConfig").values()
    mappings = stack.of_type("AWS::Lambda::EventSourceMapping").values()
    assert len(direct) + len(mappings) == 1
    for config in direct:
        assert config["DestinationConfig"]["OnFailure"]["Destination"] == dead
        assert (config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"]) == (2, 21600)


def test_partial_answers_are_said_on_both_sides(stack):
    mappings = stack.of_type("AWS::Lambda::EventSourceMapping").values()
    assert stack.variables()["PARTIAL_BATCH"] == ("true" if mappings else "false")
    for mapping in mappings:
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert 2 <= mapping["ScalingConfig"]["MaximumConcurrency"] <= 1000


def test_logs_come_in_by_one_way(stack):
    """One event source, which leads from the logs to the function."""
    bucket = stack.of_type("AWS::S3::Bucket").get("LogBucket", {})
    told = bucket.get("NotificationConfiguration", {})
    ways = [
        *told.get("QueueConfigurations", []),
        *told.get("LambdaConfigurations", []),
        *stack.of_type("AWS::Events::Rule").values(),
        *stack.of_type("AWS::SNS::Subscription").values(),
    ]
    assert len(ways) == 1
    end = "ObjectQueue" if stack.of_type("AWS::Lambda::EventSourceMapping") else "IngestFunction"
    assert json.dumps({"Fn::GetAtt": [end, "Arn"]}) in json.dumps(ways[0])
    prefix = stack.parameters["LogPrefix"] + "AWSLogs/"
    assert prefix in json.dumps(ways[0]), "only keys of logs"


def test_everything_is_encrypted(stack):
    for name, queue in stack.of_type("AWS::SQS::Queue").items():
        assert queue.get("SqsManagedSseEnabled") is True or queue.get("KmsMasterKeyId"), name
    for name, bucket in stack.of_type("AWS::S3::Bucket").items():
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        algorithm = rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"]
        # Load balancers cannot write to a bucket with a key of KMS.
        assert algorithm == "AES256" if name == "LogBucket" else algorithm in ("AES256", "aws:kms")
    for stream in stack.of_type("AWS::KinesisFirehose::DeliveryStream").values():
        assert stream["DeliveryStreamEncryptionConfigurationInput"]["KeyType"] == "AWS_OWNED_CMK"


def test_keys_that_are_given_are_used(stacks):
    all_keys, key = stacks["everything"], stacks["everything"].parameters["OperationsKeyArn"]
    for queue in all_keys.of_type("AWS::SQS::Queue").values():
        assert queue["KmsMasterKeyId"] == key and "SqsManagedSseEnabled" not in queue
    for group in all_keys.of_type("AWS::Logs::LogGroup").values():
        assert group["KmsKeyId"] == key
    (rule,) = all_keys.properties("EventsBucket")["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"] == all_keys.parameters["EventBucketKeyArn"]


def test_buckets_are_shut_and_kept(stack):
    for name, bucket in stack.of_type("AWS::S3::Bucket").items():
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert len(bucket["PublicAccessBlockConfiguration"]) == 4
        assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
        rules = bucket["LifecycleConfiguration"]["Rules"]
        assert {"DaysAfterInitiation": 1} in [rule.get("AbortIncompleteMultipartUpload") for rule in rules]
        assert stack.resources[name]["DeletionPolicy"] == stack.resources[name]["UpdateReplacePolicy"] == "Retain"
        # Nothing but the quarantine, a stream's errors and, where somebody asks for it, old logs is deleted.
        ends = {rule["Prefix"] for rule in rules if "ExpirationInDays" in rule}
        events, logs = stack.parameters["EventPrefix"], stack.parameters["LogPrefix"]
        if name == "LogBucket":
            assert ends == ({f"{logs}AWSLogs/"} if stack.parameters["LogExpirationDays"] else set())
        else:
            assert ends == {f"{events}_quarantine/", f"{events}_errors/"}


def resource_policies(stack) -> list[tuple[str, dict]]:
    """Every statement of a policy of a bucket, a queue or a topic, with the resource's name."""
    kinds = ("AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy")
    return [
        (name, statement)
        for kind in kinds
        for name, policy in stack.of_type(kind).items()
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def test_plain_http_is_refused(stack):
    refused = {}
    for name, statement in resource_policies(stack):
        if statement["Effect"] == "Deny":
            assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}} and statement["Principal"] == "*"
            refused[name] = statement
    kinds = ("AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy")
    assert set(refused) == {name for kind in kinds for name in stack.of_type(kind)}
    assert len(stack.of_type("AWS::S3::BucketPolicy")) == len(stack.of_type("AWS::S3::Bucket"))


def test_services_come_from_the_accounts_that_are_meant(stack):
    """Every statement that lets a service in names the source and its account."""
    seen = 0
    for name, statement in resource_policies(stack):
        if statement["Effect"] == "Deny":
            continue
        seen += 1
        found = {
            key: (operator, value)
            for operator, keys in statement["Condition"].items()
            for key, value in keys.items()
        }
        accounts = listed(found["aws:SourceAccount"][1])
        assert all(re.fullmatch("[0-9]{12}", account) for account in accounts), (name, accounts)
        if statement["Sid"] == "LoadBalancers":
            # AWS's guard here is the account in the path; see docs/security.md.
            head = f"arn:aws:s3:::{stack.parameters['LogBucketName']}/{stack.parameters['LogPrefix']}AWSLogs/"
            assert statement["Resource"] == [f"{head}{account}/*" for account in accounts]
            continue
        operator, source = found["aws:SourceArn"]
        assert operator in ("ArnEquals", "ArnLike")
        if found["aws:SourceAccount"][0] == "StringEqualsIfExists":
            # Where it may be missing, the source's own name says it.
            assert operator == "ArnEquals"
            assert isinstance(source, dict) or source.split(":")[4] == accounts[0]
        else:
            assert found["aws:SourceAccount"][0] == "StringEquals"
    assert seen or stack.parameters["Trigger"] == "Direct"


def test_the_function_is_invoked_by_one_source_each(stack):
    for permission in stack.of_type("AWS::Lambda::Permission").values():
        assert permission["Action"] == "lambda:InvokeFunction"
        source = permission["SourceArn"]
        # The ARN of a bucket has no account.
        assert permission.get("SourceAccount") == (ACCOUNT if permission["Principal"] == "s3.amazonaws.com" else None)
        if isinstance(source, str) and "SourceAccount" not in permission:
            assert re.fullmatch("[0-9]{12}", source.split(":")[4])


def test_load_balancers_of_every_account_may_write(stacks):
    statements = {statement["Sid"]: statement for _, statement in resource_policies(stacks["everything"])}
    accounts = ["123456789012", "111122223333", "444455556666"]
    paths = [f"arn:aws:s3:::elb-logs/web/AWSLogs/{account}/*" for account in accounts]
    assert statements["LoadBalancers"]["Resource"] == statements["NetworkLoadBalancers"]["Resource"] == paths
    principal = statements["LoadBalancers"]["Principal"]
    assert principal["Service"] == "logdelivery.elasticloadbalancing.amazonaws.com"
    assert principal["AWS"] == "arn:aws:iam::127311923021:root"
    assert statements["NetworkLoadBalancers"]["Principal"] == {"Service": "delivery.logs.amazonaws.com"}
    young = {statement["Sid"]: statement for _, statement in resource_policies(stacks["young-region"])}
    assert "AWS" not in young["LoadBalancers"]["Principal"]


def settings() -> set[str]:
    """The settings' environment variables, from the page that is made from their table."""
    page = (ROOT / "docs/reference/settings.md").read_text()
    return set(re.findall(r"^\| `--[a-z-]+` \| `([A-Z_]+)` \|", page, re.MULTILINE))


def test_variables_are_settings(stack):
    assert len(settings()) > 10
    assert set(stack.variables()) <= settings() | OF_AWS


def test_settings_are_variables(stacks):
    """A new setting needs a decision: a variable here, or a reason in NOT_SET."""
    set_somewhere = set().union(*(stack.variables() for stack in stacks.values()))
    assert set_somewhere | set(NOT_SET) | OF_AWS == settings() | OF_AWS
    assert not set_somewhere & set(NOT_SET)


def test_the_sdk_has_no_empty_endpoint(stack):
    """The SDK takes an empty AWS_ENDPOINT_URL for an endpoint: it may not be there, only stand in the template."""
    assert "AWS_ENDPOINT_URL" not in stack.variables()
    written = template()["Resources"]["IngestFunction"]["Properties"]["Environment"]["Variables"]
    assert written["AWS_ENDPOINT_URL"] == {"Ref": "AWS::NoValue"}


def test_the_destination_is_where_the_tables_are(stack):
    variables = stack.variables()
    place = f"s3://{stack.parameters['EventBucketName']}/{stack.parameters['EventPrefix']}"
    assert variables["QUARANTINE"] == f"{place}_quarantine"
    if stack.parameters["Destination"] == "S3":
        assert variables["DESTINATION"] == place
    else:
        assert "firehose://" in json.dumps(variables["DESTINATION"])
        assert variables["FORMAT"] == "json"
    assert variables["SOURCE"] == f"s3://{stack.parameters['LogBucketName']}/{stack.parameters['LogPrefix']}AWSLogs"


def test_the_release_is_the_package():
    version = re.search(r'^version = "(.+)"$', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]
    assert template()["Metadata"]["AWS::ServerlessRepo::Application"]["SemanticVersion"] == version
    assert template()["Description"].startswith(f"alb-ingest {version}: ")


def test_the_function_is_built_from_this_package(stacks):
    function = stacks["defaults"].resources["IngestFunction"]
    assert function["Metadata"] == {"BuildMethod": "rust-cargolambda", "BuildProperties": {"Binary": "bootstrap"}}
    made = stacks["defaults"].translated()["Resources"]["IngestFunction"]["Properties"]
    assert (made["Runtime"], made["Handler"]) == ("provided.al2023", "bootstrap")


def test_sam_adds_nothing(stack):
    """SAM makes the function and nothing beside it: no role, no policy, no permission of its own."""
    made = stack.translated()["Resources"]
    assert set(made) == set(stack.resources)
    assert made["IngestFunction"]["Properties"]["Role"] == {"Fn::GetAtt": ["IngestRole", "Arn"]}


def test_what_can_carry_a_tag_is_tagged(stack):
    wanted = (
        "AWS::S3::Bucket",
        "AWS::SQS::Queue",
        "AWS::IAM::Role",
        "AWS::Logs::LogGroup",
        "AWS::SNS::Topic",
        "AWS::KinesisFirehose::DeliveryStream",
        "AWS::Athena::WorkGroup",
    )
    for kind in wanted:
        for name, properties in stack.of_type(kind).items():
            assert {"Key": "application", "Value": "alb-ingest"} in properties["Tags"], name


def test_outputs_say_what_to_do_next(stacks):
    outputs = {name: output["Value"] for name, output in stacks["defaults"].outputs.items()}
    assert "modify-load-balancer-attributes" in outputs["EnableLogging"] and "prefix" not in outputs["EnableLogging"]
    prefixed = stacks["everything"].outputs["EnableLogging"]["Value"]
    assert prefixed.endswith("Key=access_logs.s3.prefix,Value=web")
    assert "from alb_access_log" in json.dumps(outputs["Query"])
    # EventBridge and SNS send to the dead-letter queue directly: such messages have no source queue to return to.
    assert outputs["Redrive"]["Fn::Sub"].endswith("--source-arn ${DeadLetters.Arn} --destination-arn ${ObjectQueue.Arn}")
    body = re.search(r"'(\{.*\})'", json.dumps(outputs["ReplayObject"]))[1].replace('\\"', '"')
    assert json.loads(body)["Records"][0]["s3"]["bucket"]["name"] == "elb-logs"
    assert "Turn off logging" in outputs["BeforeDeleting"]
    assert stacks["existing-bucket"].outputs["EnableEvents"]["Value"] == "scripts/enable-events elb-logs --region us-east-1"


@pytest.mark.parametrize(
    ("region", "console"),
    [
        ("eu-west-1", "eu-west-1.console.aws.amazon.com"),
        ("cn-north-1", "cn-north-1.console.amazonaws.cn"),
        ("us-gov-west-1", "us-gov-west-1.console.amazonaws-us-gov.com"),
        ("eusc-de-east-1", "eusc-de-east-1.console.amazonaws-eusc.eu"),
    ],
)
def test_links_lead_to_the_console_of_the_partition(region, console):
    outputs = Stack(region).outputs
    for name in ("QueryConsole", "DashboardConsole"):
        assert json.dumps(outputs[name]["Value"]).strip('{"').removeprefix('Fn::Sub": "').startswith(f"https://{console}/")


def test_china_has_its_own_principals():
    for region, account in (("cn-north-1", "638102146993"), ("cn-northwest-1", "037604701340")):
        statements = {statement["Sid"]: statement for _, statement in resource_policies(Stack(region))}
        assert statements["LoadBalancers"]["Principal"]["AWS"] == f"arn:aws-cn:iam::{account}:root"
