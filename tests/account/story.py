"""One day in an account: logs arrive, three of them damaged; the dead letters are inspected, fixed and redriven."""

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
# The values of the parameter LogSource.
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
# Truncated: only the first lines are complete.
CORRUPT = FOLDER + NAME.format("20_1corrupt")
# Deleted before it is read.
GONE = FOLDER + NAME.format("21_2deleted")
# An HTML page, later replaced by the log.
PAGE = FOLDER + NAME.format("22_3overrun")
FAILING = {GONE, PAGE}
# Outside the prefix of the notifications.
OUTSIDE = "elsewhere/" + FOLDER + NAME.format("23_4outside")


@dataclass
class Story:
    """The events of the day."""

    stack: dict
    account: Installation
    expected: dict[str, bytes]
    """The output of the command line for the objects in their final state."""
    arrival: list[Batch] = field(default_factory=list)
    """The invocations until only dead letters are left."""
    arrived: dict[str, bytes] = field(default_factory=dict)
    """The content of the events bucket at that time."""
    dead: list[dict] = field(default_factory=list)
    """The dead letters at that time."""
    metrics: list[dict] = field(default_factory=list)
    """The metrics of each of these invocations."""
    redrive: list[Batch] = field(default_factory=list)
    """The invocations after the objects were fixed and the dead letters redriven."""
    replay: list[Batch] = field(default_factory=list)
    """The invocations after two objects were replayed by key."""
    final: dict[str, bytes] = field(default_factory=dict)
    """The final content of the events bucket."""
    log: str = ""
    """The log of the function."""


def log_folders(folder: Path) -> tuple[Path, Path]:
    """Writes the logs as they arrive, and the replacements of the failing ones; returns the two folders."""
    logs, fixed = folder / "arrive" / LOGS, folder / "fixed" / LOGS
    shutil.copytree(OBJECTS, logs)
    for key, body in {
        CORRUPT: LOG[: len(LOG) // 2],
        GONE: LOG,
        PAGE: b"<html><body>Service Unavailable</body></html>\n",
        OUTSIDE: LOG,
    }.items():
        (logs / key).parent.mkdir(parents=True, exist_ok=True)
        (logs / key).write_bytes(body)
    for key in FAILING:
        (fixed / key).parent.mkdir(parents=True, exist_ok=True)
        (fixed / key).write_bytes(LOG)
    return logs, fixed


def by_command_line(program: Path, stack: dict, folder: Path, logs: Path, fixed: Path) -> dict[str, bytes]:
    """Returns the output of the command line for the logs in their final state."""
    root = folder / "reference"
    shutil.copytree(logs, root / LOGS)
    shutil.copytree(fixed, root / LOGS, dirs_exist_ok=True)
    keys = sorted(path.relative_to(root / LOGS).as_posix() for path in (root / LOGS).rglob("*") if path.is_file())
    payload = folder / "all.json"
    payload.write_text(json.dumps({"objects": [{"bucket": LOGS, "key": key} for key in keys if key != OUTSIDE]}))
    response, made = reference(program, payload, root, variables(stack), folder / "out")
    assert not response.failed, response.log
    return made


def variables(stack: dict) -> dict[str, str]:
    """Returns the environment variables of the function."""
    return stack["Resources"]["IngestFunction"]["Properties"]["Environment"]["Variables"]


def received(sqs, queue: str) -> list[dict]:
    """Returns all messages of a queue."""
    found = []
    while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=0).get("Messages"):
        found += messages
    return found


def metrics(log: str) -> list[dict]:
    """Returns the metrics in the function's log."""
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    return [line for line in lines if "_aws" in line]


def tell(stack: dict, emulator: Path, bootstrap: Path, program: Path, folder: Path) -> Iterator[Story]:
    """Runs the day; the account exists until the generator is closed."""
    logs, fixed = log_folders(folder)
    expected = by_command_line(program, stack, folder, logs, fixed)
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
            live(story, lambda_, logs, fixed, folder)
        finally:
            lambda_.close()
        story.log = (folder / "emulator.log").read_text()
        story.metrics = metrics(story.log)[: len(story.arrival)]
        yield story


def live(story: Story, lambda_: Emulator, logs: Path, fixed: Path, folder: Path) -> None:
    """Logs arrive, fail, are fixed, and are retried."""
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
            # For a bucket without versioning, EventBridge sends no version; moto sends one and then rejects it.
            record["body"] = record["body"].replace('"version-id": "null", ', "")
        (folder / "event.json").write_text(json.dumps(event))
        response = lambda_.invoke(folder / "event.json")
        return response.value, response.failed

    queue, letters = account.queue("ObjectQueue"), account.queue("DeadLetters")
    source = EventSource(account.sqs, queue, account.properties("QueueMapping"), invoke)

    aws("s3", "cp", "--recursive", "--only-show-errors", logs, f"s3://{LOGS}")
    aws("s3", "rm", f"s3://{LOGS}/{GONE}")
    story.arrival = source.drain()
    story.arrived = files(account.s3, EVENTS)
    story.dead = received(account.sqs, letters)

    aws("s3", "cp", "--recursive", "--only-show-errors", fixed, f"s3://{LOGS}")
    # In an account, the output Redrive does the same; moto does not implement it.
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
