"""Rules for every choice of parameters: no data loss, no public access, no loops."""

import json
import re

import pytest
from stack import ACCOUNT, ROOT, Stack, listed, template

FOURTEEN_DAYS = 14 * 24 * 3600
# Settings that the template does not set, with the reason.
NOT_SET = {
    "COMPRESSION": "every reader of the tables supports the default, zstd",
    "OVERWRITE": "only for deliberate reprocessing",
    "MERGE_BYTES": "the default keeps the function within the smallest memory",
    "MERGE_OBJECTS": "the default suits every folder; an invocation takes as many batches as its time allows",
    "REQUESTER_PAYS": "load balancers do not support Requester Pays buckets",
}
# Variables of the AWS SDK, which are not settings.
OF_AWS = {"AWS_ENDPOINT_URL"}


@pytest.mark.parametrize("timeout", template()["Parameters"]["Timeout"]["AllowedValues"])
def test_the_visibility_timeout_is_at_least_six_function_timeouts(timeout):
    stack = Stack(Timeout=timeout)
    function = stack.translated()["Resources"]["IngestFunction"]["Properties"]
    assert function["Timeout"] == timeout
    visibility = int(stack.properties("ObjectQueue")["VisibilityTimeout"])
    assert 6 * timeout <= visibility <= 43200


def test_dead_letters_are_kept_longer_than_messages(stack):
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


def test_failed_events_become_dead_letters(stack):
    """Every service that delivers events sends undeliverable ones to the dead-letter queue."""
    dead = {"Fn::GetAtt": ["DeadLetters", "Arn"]}
    for rule in stack.of_type("AWS::Events::Rule").values():
        for target in rule["Targets"]:
            assert target["DeadLetterConfig"]["Arn"] == dead
            assert target["RetryPolicy"] == {"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 86400}
    for subscription in stack.of_type("AWS::SNS::Subscription").values():
        assert subscription["RedrivePolicy"]["deadLetterTargetArn"] == dead
    direct = stack.of_type("AWS::Lambda::EventInvokeConfig").values()
    mappings = stack.of_type("AWS::Lambda::EventSourceMapping").values()
    # The schedule of merged delivery invokes the function directly.
    schedules = stack.of_type("AWS::Scheduler::Schedule").values()
    assert len(direct) + len(mappings) == 1 + len(schedules)
    for schedule in schedules:
        assert schedule["Target"]["DeadLetterConfig"]["Arn"] == dead
        assert schedule["Target"]["RetryPolicy"] == {"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 86400}
    for config in direct:
        assert config["DestinationConfig"]["OnFailure"]["Destination"] == dead
        assert (config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"]) == (2, 21600)


def test_partial_batch_responses_are_enabled_on_both_sides(stack):
    mappings = stack.of_type("AWS::Lambda::EventSourceMapping").values()
    assert stack.variables()["PARTIAL_BATCH"] == ("true" if mappings else "false")
    for mapping in mappings:
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert 2 <= mapping["ScalingConfig"]["MaximumConcurrency"] <= 1000


def test_there_is_one_event_source(stack):
    """It delivers events of the logs to the function, directly or through the queue."""
    bucket = stack.of_type("AWS::S3::Bucket").get("LogBucket", {})
    notifications = bucket.get("NotificationConfiguration", {})
    sources = [
        *notifications.get("QueueConfigurations", []),
        *notifications.get("LambdaConfigurations", []),
        *stack.of_type("AWS::Events::Rule").values(),
        *stack.of_type("AWS::SNS::Subscription").values(),
    ]
    if stack.parameters["Delivery"] == "Merged":
        assert sources == []
        (schedule,) = stack.of_type("AWS::Scheduler::Schedule").values()
        assert schedule["Target"]["Arn"] == {"Fn::GetAtt": ["IngestFunction", "Arn"]}
        return
    assert len(sources) == 1
    target = "ObjectQueue" if stack.of_type("AWS::Lambda::EventSourceMapping") else "IngestFunction"
    assert json.dumps({"Fn::GetAtt": [target, "Arn"]}) in json.dumps(sources[0])
    prefix = stack.parameters["LogPrefix"] + "AWSLogs/"
    assert prefix in json.dumps(sources[0]), "the source is not limited to the keys of logs"


def test_everything_is_encrypted(stack):
    for name, queue in stack.of_type("AWS::SQS::Queue").items():
        assert queue.get("SqsManagedSseEnabled") is True or queue.get("KmsMasterKeyId"), name
    for name, bucket in stack.of_type("AWS::S3::Bucket").items():
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        algorithm = rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"]
        # Load balancers cannot write to a bucket with a KMS key.
        assert algorithm == "AES256" if name == "LogBucket" else algorithm in ("AES256", "aws:kms")
    for stream in stack.of_type("AWS::KinesisFirehose::DeliveryStream").values():
        assert stream["DeliveryStreamEncryptionConfigurationInput"]["KeyType"] == "AWS_OWNED_CMK"


def test_given_keys_are_used(stacks):
    all_keys, key = stacks["everything"], stacks["everything"].parameters["OperationsKeyArn"]
    for queue in all_keys.of_type("AWS::SQS::Queue").values():
        assert queue["KmsMasterKeyId"] == key and "SqsManagedSseEnabled" not in queue
    for group in all_keys.of_type("AWS::Logs::LogGroup").values():
        assert group["KmsKeyId"] == key
    (rule,) = all_keys.properties("EventsBucket")["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"] == all_keys.parameters["EventBucketKeyArn"]


def test_buckets_block_public_access_and_are_retained(stack):
    for name, bucket in stack.of_type("AWS::S3::Bucket").items():
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert len(bucket["PublicAccessBlockConfiguration"]) == 4
        assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
        rules = bucket["LifecycleConfiguration"]["Rules"]
        assert {"DaysAfterInitiation": 1} in [rule.get("AbortIncompleteMultipartUpload") for rule in rules]
        assert stack.resources[name]["DeletionPolicy"] == stack.resources[name]["UpdateReplacePolicy"] == "Retain"
        # Only the quarantine, the errors of a stream and, if configured, old logs expire.
        expiring = {rule["Prefix"] for rule in rules if "ExpirationInDays" in rule}
        events, logs = stack.parameters["EventPrefix"], stack.parameters["LogPrefix"]
        if name == "LogBucket":
            assert expiring == ({f"{logs}AWSLogs/"} if stack.parameters["LogExpirationDays"] else set())
        else:
            staged = {f"{events}_merge/_staged/", f"{events}_quarantine/_merge/_staged/"}
            assert expiring == {f"{events}_quarantine/", f"{events}_errors/"} | staged
            assert {rule["ExpirationInDays"] for rule in rules if rule.get("Prefix") in staged} == {14}


def resource_policies(stack) -> list[tuple[str, dict]]:
    """Returns the statements of the policies of buckets, queues and topics, each with the name of the policy."""
    kinds = ("AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy")
    return [
        (name, statement)
        for kind in kinds
        for name, policy in stack.of_type(kind).items()
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def test_plain_http_is_denied(stack):
    denied = {}
    for name, statement in resource_policies(stack):
        if statement["Effect"] == "Deny":
            assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}} and statement["Principal"] == "*"
            denied[name] = statement
    kinds = ("AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy")
    assert set(denied) == {name for kind in kinds for name in stack.of_type(kind)}
    assert len(stack.of_type("AWS::S3::BucketPolicy")) == len(stack.of_type("AWS::S3::Bucket"))


def test_service_principals_are_limited_to_accounts(stack):
    """Every statement that allows a service names the source and its account."""
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
            # Here the account is part of the path; see docs/security.md.
            head = f"arn:aws:s3:::{stack.parameters['LogBucketName']}/{stack.parameters['LogPrefix']}AWSLogs/"
            assert statement["Resource"] == [f"{head}{account}/*" for account in accounts]
            continue
        operator, source = found["aws:SourceArn"]
        assert operator in ("ArnEquals", "ArnLike")
        if found["aws:SourceAccount"][0] == "StringEqualsIfExists":
            # If the account may be missing, it is part of the source's ARN.
            assert operator == "ArnEquals"
            assert isinstance(source, dict) or source.split(":")[4] == accounts[0]
        else:
            assert found["aws:SourceAccount"][0] == "StringEquals"
    assert seen or stack.parameters["Trigger"] == "Direct" or stack.parameters["Delivery"] == "Merged"


def test_each_permission_to_invoke_is_limited_to_one_source(stack):
    for permission in stack.of_type("AWS::Lambda::Permission").values():
        assert permission["Action"] == "lambda:InvokeFunction"
        source = permission["SourceArn"]
        # The ARN of a bucket does not contain an account.
        assert permission.get("SourceAccount") == (ACCOUNT if permission["Principal"] == "s3.amazonaws.com" else None)
        if isinstance(source, str) and "SourceAccount" not in permission:
            assert re.fullmatch("[0-9]{12}", source.split(":")[4])


def test_load_balancers_of_all_given_accounts_may_write(stacks):
    statements = {statement["Sid"]: statement for _, statement in resource_policies(stacks["everything"])}
    accounts = ["123456789012", "111122223333", "444455556666"]
    paths = [f"arn:aws:s3:::elb-logs/web/AWSLogs/{account}/*" for account in accounts]
    assert statements["LoadBalancers"]["Resource"] == statements["NetworkLoadBalancers"]["Resource"] == paths
    principal = statements["LoadBalancers"]["Principal"]
    assert principal["Service"] == "logdelivery.elasticloadbalancing.amazonaws.com"
    assert principal["AWS"] == "arn:aws:iam::127311923021:root"
    assert statements["NetworkLoadBalancers"]["Principal"] == {"Service": "delivery.logs.amazonaws.com"}
    new_region = {statement["Sid"]: statement for _, statement in resource_policies(stacks["new-region"])}
    assert "AWS" not in new_region["LoadBalancers"]["Principal"]


def settings() -> set[str]:
    """Returns the environment variables of the settings, from the generated page."""
    page = (ROOT / "docs/reference/settings.md").read_text()
    return set(re.findall(r"^\| `--[a-z-]+` \| `([A-Z_]+)` \|", page, re.MULTILINE))


def test_every_variable_is_a_setting(stack):
    assert len(settings()) > 10
    assert set(stack.variables()) <= settings() | OF_AWS


def test_every_setting_has_a_variable_or_a_reason(stacks):
    """A new setting needs a variable in the template or a reason in NOT_SET."""
    set_somewhere = set().union(*(stack.variables() for stack in stacks.values()))
    assert set_somewhere | set(NOT_SET) | OF_AWS == settings() | OF_AWS
    assert not set_somewhere & set(NOT_SET)


def test_the_endpoint_variable_is_never_empty(stack):
    """The SDK uses even an empty AWS_ENDPOINT_URL, so the variable must be in the template without a value."""
    assert "AWS_ENDPOINT_URL" not in stack.variables()
    written = template()["Resources"]["IngestFunction"]["Properties"]["Environment"]["Variables"]
    assert written["AWS_ENDPOINT_URL"] == {"Ref": "AWS::NoValue"}


def test_the_destination_is_the_location_of_the_tables(stack):
    variables = stack.variables()
    location = f"s3://{stack.parameters['EventBucketName']}/{stack.parameters['EventPrefix']}"
    bucket = stack.parameters["QuarantineBucketName"] or stack.parameters["EventBucketName"]
    assert variables["QUARANTINE"] == f"s3://{bucket}/{stack.parameters['EventPrefix']}_quarantine"
    if stack.parameters["Destination"] == "S3":
        assert variables["DESTINATION"] == location
    else:
        assert "firehose://" in json.dumps(variables["DESTINATION"])
        assert variables["FORMAT"] == "json"
    assert variables["SOURCE"] == f"s3://{stack.parameters['LogBucketName']}/{stack.parameters['LogPrefix']}AWSLogs"


@pytest.mark.parametrize("window", template()["Parameters"]["MergeWindow"]["AllowedValues"])
def test_the_schedule_and_the_function_have_the_same_window(window):
    stack = Stack(Delivery="Merged", MergeWindow=window, MergeGrace=5, MergeMaxWait=240)
    schedule = stack.properties("MergeSchedule")
    assert schedule["ScheduleExpression"] == f"rate({window} minutes)" and schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
    variables = stack.variables()
    merge = {name: value for name, value in variables.items() if name.startswith("MERGE")}
    assert merge == {"MERGE": "true", "MERGE_WINDOW": f"{window}m", "MERGE_GRACE": "5m", "MERGE_MAX_WAIT": "240m"}
    assert variables["QUEUE_URL"] == {"Ref": "ObjectQueue"}
    assert json.loads(schedule["Target"]["Input"]) == {"merge": {"due": "<aws.scheduler.scheduled-time>"}}


def test_a_merged_installation_works_on_one_folder_at_a_time(stacks):
    assert stacks["merged"].properties("QueueMapping")["BatchSize"] == 1
    assert stacks["defaults"].properties("QueueMapping")["BatchSize"] == 10
    assert "QueueConfigurations" not in json.dumps(stacks["merged"].properties("LogBucket"))
    assert "Bucket" not in {statement["Sid"] for statement in stacks["merged"].properties("ObjectQueuePolicy")["PolicyDocument"]["Statement"]}


def test_the_schedule_is_trusted_only_from_this_account(stacks):
    (statement,) = stacks["merged"].properties("ScheduleRole")["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


def test_the_template_has_the_version_of_the_package():
    version = re.search(r'^version = "(.+)"$', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]
    assert template()["Metadata"]["AWS::ServerlessRepo::Application"]["SemanticVersion"] == version
    assert template()["Description"].startswith(f"alb-ingest {version}: ")


def test_the_function_is_built_from_this_package(stacks):
    function = stacks["defaults"].resources["IngestFunction"]
    assert function["Metadata"] == {"BuildMethod": "rust-cargolambda", "BuildProperties": {"Binary": "bootstrap"}}
    made = stacks["defaults"].translated()["Resources"]["IngestFunction"]["Properties"]
    assert (made["Runtime"], made["Handler"]) == ("provided.al2023", "bootstrap")


def test_sam_adds_no_resources(stack):
    """SAM creates no role, policy or permission in addition to those of the template."""
    made = stack.translated()["Resources"]
    assert set(made) == set(stack.resources)
    assert made["IngestFunction"]["Properties"]["Role"] == {"Fn::GetAtt": ["IngestRole", "Arn"]}


def test_resources_are_tagged(stack):
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


def test_outputs_have_the_commands_for_the_next_steps(stacks):
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
