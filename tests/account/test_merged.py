"""Merged delivery end to end: the schedule's payload, the queue with its folders, the function, and what it wrote.

moto provides the account, with the resources of the translated template; the real function runs in the emulator of the Lambda
runtime. The command line merges the same objects for comparison.
"""

import json
import shlex
import subprocess
from collections import Counter
from types import SimpleNamespace

import pytest
from event_source import EventSource
from installation import Installation
from output import OBJECTS
from stack import Stack
from stand_ins import TIMEOUT_SECONDS, environment, files, moto
from story import AWS, EVENTS, LOGS, metrics
from test_deployment import verify

from invoke import Emulator, limits

DAY = "2026/10/07/"
# Test objects are in other folders.
LOG_KEYS = [path.relative_to(OBJECTS).as_posix() for path in OBJECTS.rglob("*") if "elasticloadbalancing_" in path.name]
FOLDERS = {key.rsplit("/", 1)[0] + "/" for key in LOG_KEYS}


@pytest.fixture(scope="module")
def merged(emulator, bootstrap, program, tmp_path_factory):
    """The account after the schedule's invocation and after the folders of earlier days."""
    folder = tmp_path_factory.mktemp("merged")
    stack = Stack(Delivery="Merged").translated()
    with moto() as endpoint:
        account = Installation(endpoint, stack)
        for path in OBJECTS.rglob("*"):
            if path.is_file():
                account.s3.put_object(Bucket=LOGS, Key=path.relative_to(OBJECTS).as_posix(), Body=path.read_bytes())
        function = account.properties("IngestFunction")
        variables = function["Environment"]["Variables"]
        bounds = limits(function["Timeout"], function["MemorySize"])
        lambda_ = Emulator(emulator, bootstrap, bounds | variables | {"AWS_ENDPOINT_URL": endpoint}, folder)

        def invoke(event: dict) -> tuple[object, bool]:
            (folder / "event.json").write_text(json.dumps(event))
            response = lambda_.invoke(folder / "event.json")
            return response.value, response.failed

        queue = account.queue("ObjectQueue")
        source = EventSource(account.sqs, queue, account.properties("QueueMapping"), invoke)
        story = SimpleNamespace(account=account, variables=variables)
        try:
            schedule = account.properties("MergeSchedule")["Target"]["Input"]
            story.schedule = invoke(json.loads(schedule.replace("<aws.scheduler.scheduled-time>", "2026-10-07T12:00:00Z")))
            story.due = source.drain()
            story.after_schedule = files(account.s3, EVENTS)
            for name in sorted(FOLDERS):
                if not name.endswith(DAY):
                    parts = name.split("/")
                    text = account.output("MergeFolder").replace("ACCOUNT", parts[1]).replace("REGION", parts[3])
                    command = shlex.split(text.replace("YYYY/MM/DD/", "/".join(parts[4:])))
                    command = [AWS, "--endpoint-url", endpoint, *command[1:]]
                    environ = environment(endpoint) | {"AWS_DEFAULT_REGION": "us-east-1"}
                    subprocess.run(command, env=environ, check=True, capture_output=True, timeout=TIMEOUT_SECONDS)
            story.earlier = source.drain()
            story.final = files(account.s3, EVENTS)
            for name in FOLDERS:
                invoke({"merge": {"bucket": LOGS, "folder": name}})
            story.unchanged = files(account.s3, EVENTS)
        finally:
            lambda_.close()
        story.metrics = metrics((folder / "emulator.log").read_text())
        account.s3.create_bucket(Bucket="reference")
        command = [program, "run", f"s3://{LOGS}/", "--to", "s3://reference", "--merge", "--report", "json"]
        done = subprocess.run(command, env=environment(endpoint), capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
        assert done.returncode == 0, done.stderr
        story.report = json.loads(done.stdout)
        story.expected = files(account.s3, "reference")
        yield story


def test_the_schedule_sends_the_folders_of_two_days(merged):
    response, failed = merged.schedule
    assert not failed
    regions = {tuple(name.split("/")[1:4:2]) for name in FOLDERS}
    assert response == {"merge": {"plans": 0, "members": 0, "sent": 2 * len(regions)}}
    assert len(merged.due) == 2 * len(regions)
    assert all(len(batch.messages) == 1 and not batch.failed and not batch.retried for batch in merged.due)


def test_the_folders_of_the_day_are_merged(merged):
    plans = [key for key in merged.after_schedule if key.endswith(".plan")]
    assert len(plans) == len([name for name in FOLDERS if name.endswith(DAY)])
    assert all(key.replace(".plan", ".done") in merged.after_schedule for key in plans)


def test_the_function_and_the_command_line_merge_to_the_same_bytes(merged):
    assert not any(batch.failed or batch.retried for batch in merged.earlier)
    assert merged.final == merged.expected
    assert merged.unchanged == merged.final
    # Nothing waits in a queue.
    for name in ("ObjectQueue", "DeadLetters"):
        asked = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        left = merged.account.sqs.get_queue_attributes(QueueUrl=merged.account.queue(name), AttributeNames=asked)
        assert set(left["Attributes"].values()) == {"0"}, name


def test_the_metrics_agree_with_the_report(merged):
    sums = Counter()
    for line in merged.metrics:
        sums.update({name: value for name, value in line.items() if isinstance(value, int)})
    report = merged.report
    assert (sums["Lines"], sums["Events"], sums["LinesQuarantined"]) == (report["lines"], report["events"], report["quarantined"])
    assert sums["Lines"] == sums["Events"] + sums["LinesQuarantined"] + sums["LinesSkipped"]
    assert (sums["Plans"], sums["MembersFailed"]) == (report["plans"], 0)
    assert sums["Members"] == len(LOG_KEYS)


def test_objects_are_not_announced(merged):
    """No notification, rule or subscription: nothing but the schedule and the function sends to the queue."""
    assert merged.variables["MERGE"] == "true"
    assert merged.variables["QUEUE_URL"] == merged.account.queue("ObjectQueue")
    bodies = [json.loads(message["Body"]) for batch in merged.due + merged.earlier for message in batch.messages]
    assert all(set(body) == {"merge"} for body in bodies)


def test_the_deployment_is_verified(merged):
    """The schedule is compared with the template; a test object would become part of a merged file."""
    schedule = merged.account.properties("MergeSchedule")

    def states(**changed: object) -> list[str]:
        found = {"State": "ENABLED", **schedule, **changed}
        of = SimpleNamespace(has="MergeSchedule".__eq__, properties=lambda name: schedule, call=lambda *_, **__: found)
        return [state for state, _ in verify.announcements(of)]

    assert states() == ["ok"]
    assert states(State="DISABLED") == ["FAILED"]
    assert states(ScheduleExpression="rate(1 day)") == ["FAILED"]
    of = SimpleNamespace(has="MergeSchedule".__eq__)
    assert [state for state, _ in verify.test_object(of, 0)] == ["not checked"]
