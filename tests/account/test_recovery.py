"""The commands of docs/guide/recovery.md recover what they are shown for, in an account of moto.

tests/python/test_shown_commands.py runs the commands whose output the page shows. The function is started where a command
invokes it. Calls that moto lacks are validated by the AWS CLI and not sent.
"""

import base64
import io
import json
import os
import re
import subprocess
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from installation import Installation
from output import OBJECTS, ROOT
from recipes import sections
from shell import Shell
from stack import Stack
from stand_ins import TIMEOUT_SECONDS, Runtime, client, environment, files, moto
from story import received

PAGE = "docs/guide/recovery.md"
LOGS, EVENTS = "my-logs", "my-events"
STREAM = "events"
# Those of the time that the page names.
SAMPLES = {path.relative_to(OBJECTS).as_posix(): path for path in OBJECTS.rglob("*") if "/2026/" in path.as_posix() and path.is_file()}
FENCED = re.compile(r"```(\w+)\n(.*?)```(\n\n```text)?", re.DOTALL)
TESTED = {
    "Queues", "Redrive failed objects", "Failed invocations", "Wrong destination", "Discard dead letters",
    "Find and deliver what is missing", "Ingest one object again", "Merged delivery", "Firehose errors",
    "Deleted or damaged outputs", "Wrong settings",
}  # fmt: skip


def commands(section: str) -> list[str]:
    """Returns the blocks of commands of a section whose output is not shown."""
    return [text for language, text, shown in FENCED.findall(sections(PAGE)[section]) if language == "sh" and not shown]


class Account:
    """An account with the installation of the page, the logs, and their events."""

    def __init__(self, endpoint: str, folder: Path, program: Path) -> None:
        self.endpoint, self.program = endpoint, program
        stack = Stack(LogBucketName=LOGS, EventBucketName=EVENTS).translated()
        self.installation = Installation(endpoint, stack)
        self.s3, self.sqs = self.installation.s3, self.installation.sqs
        self.s3.put_bucket_versioning(Bucket=EVENTS, VersioningConfiguration={"Status": "Enabled"})
        for key, path in SAMPLES.items():
            self.s3.put_object(Bucket=LOGS, Key=key, Body=path.read_bytes())
        self.sqs.purge_queue(QueueUrl=self.queue)
        self.shell = Shell(endpoint, folder)
        (self.shell.bin / "alb-ingest").symlink_to(program)
        assert self.alb_ingest("run", f"s3://{LOGS}/AWSLogs/", "--to", f"s3://{EVENTS}/parquet").returncode == 0

    @property
    def queue(self) -> str:
        return self.installation.queue("ObjectQueue")

    @property
    def dead_letters(self) -> str:
        return self.installation.queue("DeadLetters")

    def alb_ingest(self, *arguments: object) -> subprocess.CompletedProcess:
        command = [self.program, *map(str, arguments)]
        return subprocess.run(command, env=environment(self.endpoint), capture_output=True, text=True, timeout=TIMEOUT_SECONDS)

    def type(self, block: str) -> str:
        """Runs a block with the variables of the page; returns what it prints."""
        return self.shell.run(f"QUEUE={self.queue} DEAD_LETTERS={self.dead_letters} STREAM={STREAM}\n{block}")

    def bury(self, *bodies: str) -> None:
        """Puts messages into the dead-letter queue, in place of those that the last test received or left."""
        saved = self.shell.home / "dead-letters.json"
        left = json.loads(saved.read_text())["Messages"] if saved.exists() else []
        for message in left + received(self.sqs, self.dead_letters):
            self.sqs.delete_message(QueueUrl=self.dead_letters, ReceiptHandle=message["ReceiptHandle"])
        saved.unlink(missing_ok=True)
        for body in bodies:
            self.sqs.send_message(QueueUrl=self.dead_letters, MessageBody=body)

    def bury_samples(self) -> None:
        """Puts messages from every sender of dead letters into the queue."""
        messages = json.loads((ROOT / "events/dead-letters.json").read_text())["Messages"]
        self.bury(*(message["Body"].replace("objects", LOGS) for message in messages))

    def make_function(self) -> None:
        """Creates a function of the installation's name, which gives every payload the same answer."""
        config = urllib.request.Request(f"{self.endpoint}/moto-api/config", b'{"lambda": {"use_docker": false}}', method="POST")
        urllib.request.urlopen(config, timeout=TIMEOUT_SECONDS).close()
        trust = json.dumps({"Version": "2012-10-17", "Statement": []})
        role = client("iam", self.endpoint).create_role(RoleName="function", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        code = io.BytesIO()
        zipfile.ZipFile(code, "w").close()
        client("lambda", self.endpoint).create_function(
            FunctionName="alb-ingest", Runtime="provided.al2023", Role=role, Handler="bootstrap", Code={"ZipFile": code.getvalue()}
        )

    def events(self, prefix: str = "parquet/") -> dict[str, bytes]:
        """Returns the outputs below a prefix."""
        return {key: body for key, body in files(self.s3, EVENTS).items() if key.startswith(prefix)}

    def lose(self, count: int = 3) -> list[str]:
        """Deletes the only outputs of some objects, of which the first and the last are of different tables."""
        outputs = [key for key in self.events() if "_log/" in key]
        keys = [key for key in outputs if sum(Path(key).stem == Path(other).stem for other in outputs) == 1]
        lost = [keys[number * (len(keys) - 1) // (count - 1)] for number in range(count)]
        for key in lost:
            self.s3.delete_object(Bucket=EVENTS, Key=key)
        return lost

    def messages(self, queue: str) -> int:
        """Returns the number of messages of a queue, visible or not."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
        return sum(map(int, found.values()))


@pytest.fixture(scope="module")
def account(program, tmp_path_factory) -> Iterator[Account]:
    with moto() as endpoint:
        yield Account(endpoint, tmp_path_factory.mktemp("recovery"), program)


@pytest.fixture(scope="module")
def complete(account) -> dict[str, bytes]:
    """The outputs before anything is lost."""
    return account.events()


def test_every_command_of_the_page_is_run():
    assert {section for section in sections(PAGE) if commands(section)} == TESTED


def test_the_queues_have_the_names_of_the_page(account):
    (variables,) = commands("Queues")
    printed = account.shell.run(f'{variables}echo "$QUEUE $DEAD_LETTERS"')
    assert printed.split() == [account.queue, account.dead_letters]


def test_dead_letters_are_read_reproduced_and_redriven_or_delivered(account, complete):
    logs = client("logs", account.endpoint)
    stream = {"logGroupName": "/aws/lambda/alb-ingest", "logStreamName": "1"}
    logs.create_log_group(logGroupName=stream["logGroupName"])
    logs.create_log_stream(**stream)
    lines = ['{"level":"ERROR","message":"access denied"}', '{"level":"INFO","message":"fine"}']
    logs.put_log_events(**stream, logEvents=[{"timestamp": int(time.time() * 1000), "message": line} for line in lines])
    account.bury_samples()
    look, receive, reproduce, redrive, deliver = commands("Redrive failed objects")
    shown = account.type(look)
    assert "access denied" in shown and "fine" not in shown
    account.type(receive)
    saved = json.loads((account.shell.home / "dead-letters.json").read_text())
    assert len(saved["Messages"]) == 4
    assert json.loads(account.type(reproduce)) == {"objects": {"ingested": 4, "skipped": 0, "failed": 0}}
    tried = {path.name for path in (account.shell.home / "trial").rglob("*.parquet")}
    assert tried and tried <= {Path(key).name for key in complete}
    account.type(redrive)
    (call,) = account.shell.calls("sqs", "start-message-move-task")
    given = dict(zip(call[2::2], call[3::2], strict=True))
    for option, queue in (("--source-arn", account.dead_letters), ("--destination-arn", account.queue)):
        found = account.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
        assert given[option] == found["Attributes"]["QueueArn"]
    # One of the messages' outputs is lost, and comes back.
    (lost,) = [key for key in complete if "alb_access_log" in key and "_qfy86bt1" in key and "_quarantine" not in key]
    account.s3.delete_object(Bucket=EVENTS, Key=lost)
    account.type(deliver)
    assert account.messages(account.dead_letters) == 0
    assert account.events() == complete


def test_messages_of_which_one_fails_are_kept(account):
    account.bury('{"objects":[{"bucket":"my-logs","key":"AWSLogs/gone.log.gz"}]}')
    _, receive, _, _, deliver = commands("Redrive failed objects")
    account.type(receive)
    with pytest.raises(AssertionError, match="AWSLogs/gone.log.gz"):
        account.type(deliver)
    assert account.messages(account.dead_letters) == 1


def test_records_of_failed_invocations_go_through_the_function(account, bootstrap, complete):
    account.bury_samples()
    account.type(commands("Redrive failed objects")[1])
    (invoke,) = commands("Failed invocations")
    runtime = Runtime(bootstrap, environment(account.endpoint) | {"DESTINATION": f"s3://{EVENTS}/parquet"})
    try:
        kind, answer = runtime.invoke((account.shell.home / "dead-letters.json").read_bytes())
    finally:
        runtime.stop()
    assert (kind, answer) == ("response", {"objects": {"ingested": 4, "skipped": 0, "failed": 0}})
    assert account.events() == complete
    account.make_function()
    account.type(invoke)
    (call,) = account.shell.calls("lambda", "invoke")
    assert "file://dead-letters.json" in call


def test_the_installation_is_verified():
    (block,) = commands("Wrong destination")
    # tests/account/test_deployment.py runs it.
    assert block == "scripts/verify-deployment alb-ingest\n"
    assert os.access(ROOT / "scripts/verify-deployment", os.X_OK)


def test_dead_letters_are_discarded_after_an_audit(account, complete):
    account.bury("poison")
    (block,) = commands("Discard dead letters")
    assert "nothing is wrong" in account.type(block)
    assert account.messages(account.dead_letters) == 0


def test_what_is_missing_is_found_and_delivered_in_three_ways(account, complete):
    audit, replay, send, manifest = commands("Find and deliver what is missing")
    repair = account.shell.home / "repair.json"
    lost = account.lose()
    assert "objects and 0 folders in 1 payloads" in account.type(audit)
    account.type(replay)
    assert account.events() == complete, lost
    # By the function.
    account.type(send)
    (message,) = received(account.sqs, account.queue)
    assert message["Body"] == repair.read_text().strip()
    # With a manifest.
    account.lose()
    account.type(manifest)
    assert account.events() == complete


def test_one_object_is_ingested_again(account, complete):
    one, again = commands("Ingest one object again")
    (lost,) = [key for key in complete if "alb_access_log" in key and "_qfy86bt1" in key and "_quarantine" not in key]
    account.s3.delete_object(Bucket=EVENTS, Key=lost)
    account.type(one)
    assert account.events() == complete
    account.s3.put_object(Bucket=EVENTS, Key=lost, Body=b"damaged")
    account.type(again)
    assert account.events() == complete


def test_failed_members_of_a_merge_get_another_destination(account):
    # A truncated object that a strict merge does not take.
    key = next(key for key in SAMPLES if key.endswith("_qfy86bt1.log.gz"))
    cut = key.replace("_qfy86bt1", "_c0rrupt0")
    account.s3.put_object(Bucket=LOGS, Key=cut, Body=SAMPLES[key].read_bytes()[:15_000])
    merge = ["run", f"s3://{LOGS}/AWSLogs/", "--to", f"s3://{EVENTS}/merged", "--merge"]
    try:
        assert account.alb_ingest(*merge, "--on-corrupt", "strict").returncode == 1
        before = account.events("merged/")
        again, failed, schema = commands("Merged delivery")
        account.type(again)
        assert account.events("merged/") == before
        assert "ingested" in account.type(failed)
        made = account.events("failed-members/")
        assert any("alb_access_log/" in name for name in made) and all("qfy86bt1" not in name for name in made)
        made_sql = account.type(schema)
        assert "failed_members" in made_sql and "s3://my-events/failed-members/" in made_sql
    finally:
        account.s3.delete_object(Bucket=LOGS, Key=cut)


def test_the_objects_of_records_that_firehose_could_not_deliver_are_sent_again(account):
    s3, firehose = account.s3, client("firehose", account.endpoint)
    destination = {"RoleARN": "arn:aws:iam::123456789012:role/events", "BucketARN": f"arn:aws:s3:::{EVENTS}", "Prefix": "stream/"}
    firehose.create_delivery_stream(DeliveryStreamName=STREAM, ExtendedS3DestinationConfiguration=destination)
    key = next(key for key in SAMPLES if key.endswith("_qfy86bt1.log.gz"))
    event = {"source_bucket": LOGS, "source_key": key}
    packed = "".join(json.dumps(event | {"source_line": line}) + "\n" for line in (1, 2)).encode()
    record = {"attemptsMade": 1, "ErrorCode": "X", "ErrorMessage": "no such table", "rawData": base64.b64encode(packed).decode()}
    s3.put_object(Bucket=EVENTS, Key="_errors/format-conversion-failed/date=2026-10-07/1", Body=json.dumps(record) * 2)
    listed, replay = commands("Firehose errors")
    assert "2 no such table" in account.type(listed)
    assert (account.shell.home / "keys.txt").read_text() == f"s3://{LOGS}/{key}\n"
    account.type(replay)
    sent = b"".join(account.events("stream/").values())
    assert key.encode() in sent


def test_deleted_outputs_are_restored_from_their_versions(account, complete):
    (restore,) = commands("Deleted or damaged outputs")
    account.lose()
    assert account.events() != complete
    account.type(restore)
    assert account.events() == complete


def test_events_are_written_again_with_other_settings(account, complete):
    (block,) = commands("Wrong settings")
    account.type(block)
    names = {re.sub(r"-[0-9a-f]{16}\..*", "", Path(key).name) for key in complete if "/_" not in key}
    assert names <= {re.sub(r"-[0-9a-f]{16}\..*", "", Path(key).name) for key in account.events("v2/")}
    assert any("/hour=" in key for key in account.events("v2/"))
