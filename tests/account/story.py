"""One day in an account: logs arrive, three of them troubled; dead letters are looked at, mended and given back."""

import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from event_source import Batch, EventSource
from installation import Installation
from output import OBJECTS, ROOT
from stand_ins import TIMEOUT_SECONDS, environment, files, moto

sys.path.insert(0, str(ROOT / "scripts/sam"))

from invoke import Emulator, limits, reference  # noqa: E402

AWS = Path(sys.executable).parent / "aws"
# What the template takes the logs from.
TOPIC = "arn:aws:sns:us-east-1:123456789012:log-objects"
CHOICES = {
    "new-bucket": {},
    "existing-bucket": {"LogSource": "ExistingBucket"},
    "existing-topic": {"LogSource": "ExistingTopic", "LogTopicArn": TOPIC},
}
LOGS, EVENTS = "elb-logs", "elb-events"
NAME = "123456789012_elasticloadbalancing_us-east-1_app.shop.7f3c9a1e5b2d4860_20261007T1145Z_203.0.113.{}.log.gz"
FOLDER = "AWSLogs/123456789012/elasticloadbalancing/us-east-1/2026/10/07/"
LOG = (OBJECTS / (FOLDER + NAME.format("10_qfy86bt1"))).read_bytes()
# Cut off while it was written: its first lines are there.
CORRUPT = FOLDER + NAME.format("20_1corrupt")
# Deleted before it is read.
GONE = FOLDER + NAME.format("21_2deleted")
# A page in the place of a log, and later the log.
PAGE = FOLDER + NAME.format("22_3overrun")
DOOMED = {GONE, PAGE}
# The notifications' prefix leaves it out.
OUTSIDE = "elsewhere/" + FOLDER + NAME.format("23_4outside")


@dataclass
class Story:
    """What happened."""

    stack: dict
    account: Installation
    expected: dict[str, bytes]
    """What the command line makes of the same objects, in the end."""
    arrival: list[Batch] = field(default_factory=list)
    """Invocations until only dead letters are left."""
    arrived: dict[str, bytes] = field(default_factory=dict)
    """The bucket of the events then."""
    dead: list[dict] = field(default_factory=list)
    """The dead letters then."""
    metrics: list[dict] = field(default_factory=list)
    """Of each of these invocations."""
    redrive: list[Batch] = field(default_factory=list)
    """Invocations after the objects were mended and the dead letters given back."""
    replay: list[Batch] = field(default_factory=list)
    """Invocations after two objects were asked for once more, by their keys."""
    final: dict[str, bytes] = field(default_factory=dict)
    """The bucket of the events in the end."""
    log: str = ""
    """What the function wrote to its log."""


def laid_out(folder: Path) -> tuple[Path, Path]:
    """The logs as they arrive, and what is put in the place of the doomed ones."""
    logs, mended = folder / "arrive" / LOGS, folder / "mended" / LOGS
    shutil.copytree(OBJECTS, logs)
    for key, body in {
        CORRUPT: LOG[: len(LOG) // 2],
        GONE: LOG,
        PAGE: b"<html><body>Service Unavailable</body></html>\n",
        OUTSIDE: LOG,
    }.items():
        (logs / key).parent.mkdir(parents=True, exist_ok=True)
        (logs / key).write_bytes(body)
    for key in DOOMED:
        (mended / key).parent.mkdir(parents=True, exist_ok=True)
        (mended / key).write_bytes(LOG)
    return logs, mended


def by_command_line(program: Path, stack: dict, folder: Path, logs: Path, mended: Path) -> dict[str, bytes]:
    """What the command line makes of the logs as they are in the end."""
    root = folder / "reference"
    shutil.copytree(logs, root / LOGS)
    shutil.copytree(mended, root / LOGS, dirs_exist_ok=True)
    keys = sorted(path.relative_to(root / LOGS).as_posix() for path in (root / LOGS).rglob("*") if path.is_file())
    payload = folder / "all.json"
    payload.write_text(json.dumps({"objects": [{"bucket": LOGS, "key": key} for key in keys if key != OUTSIDE]}))
    answer, made = reference(program, payload, root, variables(stack), folder / "out")
    assert not answer.failed, answer.log
    return made


def variables(stack: dict) -> dict[str, str]:
    """The function's variables."""
    return stack["Resources"]["IngestFunction"]["Properties"]["Environment"]["Variables"]


def received(sqs, queue: str) -> list[dict]:
    """Every message of a queue, each seen once."""
    found = []
    while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=0).get("Messages"):
        found += messages
    return found


def metrics(log: str) -> list[dict]:
    """The lines of metrics in the function's log."""
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    return [line for line in lines if "_aws" in line]


def tell(stack: dict, emulator: Path, bootstrap: Path, program: Path, folder: Path) -> Iterator[Story]:
    """Goes through the day; the account stays until the story is closed."""
    logs, mended = laid_out(folder)
    expected = by_command_line(program, stack, folder, logs, mended)
    with moto() as endpoint:
        account = Installation(endpoint, stack)
        if "ObjectRule" in stack["Resources"]:
            account.follow_bucket(LOGS)
        elif "QueueSubscription" in stack["Resources"]:
            account.follow_topic(LOGS)
        story = Story(stack, account, expected)
        function = account.properties("IngestFunction")
        bounds = limits(function["Timeout"], function["MemorySize"])
        lambda_ = Emulator(emulator, bootstrap, bounds | variables(stack) | {"AWS_ENDPOINT_URL": endpoint}, folder)
        try:
            live(story, lambda_, logs, mended, folder)
        finally:
            lambda_.close()
        story.log = (folder / "emulator.log").read_text()
        story.metrics = metrics(story.log)[: len(story.arrival)]
        yield story


def live(story: Story, lambda_: Emulator, logs: Path, mended: Path, folder: Path) -> None:
    """Logs arrive, fail, are mended, come again."""
    account = story.account

    def aws(*arguments: object) -> None:
        """The AWS command line, as a person uses it, at moto."""
        # Not for every service does it take the endpoint from the environment.
        command = [AWS, "--endpoint-url", account.endpoint, *map(str, arguments)]
        environ = environment(account.endpoint) | {"AWS_DEFAULT_REGION": "us-east-1"}
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
        assert done.returncode == 0, f"aws {arguments}: {done.stderr}"

    def invoke(event: dict) -> tuple[object, bool]:
        for record in event["Records"]:
            # Of a bucket without versions EventBridge names none; moto names one and then refuses to be asked for it.
            record["body"] = record["body"].replace('"version-id": "null", ', "")
        (folder / "event.json").write_text(json.dumps(event))
        answer = lambda_.invoke(folder / "event.json")
        return answer.value, answer.failed

    queue, letters = account.queue("ObjectQueue"), account.queue("DeadLetters")
    source = EventSource(account.sqs, queue, account.properties("QueueMapping"), invoke)

    aws("s3", "cp", "--recursive", "--only-show-errors", logs, f"s3://{LOGS}")
    aws("s3", "rm", f"s3://{LOGS}/{GONE}")
    story.arrival = source.drain()
    story.arrived = files(account.s3, EVENTS)
    story.dead = received(account.sqs, letters)

    aws("s3", "cp", "--recursive", "--only-show-errors", mended, f"s3://{LOGS}")
    # The output Redrive does the same in an account; moto has no task that moves messages.
    for message in story.dead:
        account.sqs.send_message(QueueUrl=queue, MessageBody=message["Body"])
        account.sqs.delete_message(QueueUrl=letters, ReceiptHandle=message["ReceiptHandle"])
    story.redrive = source.drain()

    for key in (GONE, CORRUPT):
        command = shlex.split(account.output("ReplayObject").replace("KEY_OF_THE_OBJECT", key))
        assert command[0] == "aws"
        aws(*command[1:])
    story.replay = source.drain()
    story.final = files(account.s3, EVENTS)
