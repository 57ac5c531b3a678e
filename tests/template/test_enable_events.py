"""scripts/enable-events never writes what it has not read: run with an `aws` that throttles, denies, lies and says nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from stack import ROOT

SCRIPT = ROOT / "scripts/enable-events"
OTHERS = {
    "QueueConfigurations": [{"Id": "theirs", "QueueArn": "arn:aws:sqs:us-east-1:123456789012:theirs", "Events": ["s3:ObjectCreated:*"]}],
    "TopicConfigurations": [{"Id": "t", "TopicArn": "arn:aws:sns:us-east-1:123456789012:t", "Events": ["s3:ObjectRemoved:*"]}],
}
# Answers from files, in their order; the last one again and again. A number is an exit code. Every call is noted.
FAKE = f"#!{sys.executable}" + """
import json, pathlib, sys
home = pathlib.Path(__file__).parent
call = sys.argv[2]
with (home / "calls").open("a") as file:
    file.write(json.dumps(sys.argv[1:]) + "\\n")
stored = home / "bucket.json"
answers = home / f"{call}.json"
if answers.exists():
    queue = json.loads(answers.read_text())
    answer = queue[0]
    answers.write_text(json.dumps(queue[1:] or queue))
    if isinstance(answer, dict) and "code" in answer:
        print(answer["says"], file=sys.stderr)
        sys.exit(answer["code"])
    if answer is not None:
        sys.stdout.write(answer)
        sys.exit(0)
if call == "get-bucket-notification-configuration":
    sys.stdout.write(stored.read_text())
elif call == "put-bucket-notification-configuration":
    stored.write_text(sys.argv[sys.argv.index("--notification-configuration") + 1])
elif call == "get-bucket-location":
    print('{"LocationConstraint": null}')
"""
GET, PUT = "get-bucket-notification-configuration", "put-bucket-notification-configuration"
THROTTLED = {"code": 254, "says": "An error occurred (Throttling): Rate exceeded"}
DENIED = {"code": 254, "says": "An error occurred (AccessDenied)"}


class Bucket:
    """A bucket behind the fake command line."""

    def __init__(self, home: Path, configuration: dict | None) -> None:
        self.home = home
        (home / "aws").write_text(FAKE)
        (home / "aws").chmod(0o755)
        (home / "bucket.json").write_text(json.dumps(configuration) if configuration else "")
        (home / "here").mkdir()

    def answers(self, call: str, *answers: object) -> None:
        """What a call answers instead of the truth; None for the truth."""
        (self.home / f"{call}.json").write_text(json.dumps(answers))

    def run(self, *arguments: str, says: str = "yes\n") -> subprocess.CompletedProcess:
        environment = os.environ | {"PATH": f"{self.home}{os.pathsep}{os.environ['PATH']}"}
        # Not by its first line: a launcher of Python may put other folders before the fake.
        command = [sys.executable, SCRIPT, "elb-logs", *arguments]
        return subprocess.run(
            command, cwd=self.home / "here", env=environment, input=says, capture_output=True, text=True, timeout=60
        )

    @property
    def calls(self) -> list[list[str]]:
        return [json.loads(line) for line in (self.home / "calls").read_text().splitlines()]

    @property
    def writes(self) -> int:
        return sum(PUT in call for call in self.calls)

    @property
    def configuration(self) -> dict:
        text = (self.home / "bucket.json").read_text()
        return json.loads(text) if text else {}

    @property
    def copies(self) -> list[dict]:
        return [json.loads(path.read_text()) for path in (self.home / "here").iterdir()]


def test_other_notifications_are_kept(tmp_path):
    bucket = Bucket(tmp_path, OTHERS)
    done = bucket.run("--region", "eu-west-1", "--owner", "111122223333")
    assert done.returncode == 0, done.stderr
    assert bucket.configuration == OTHERS | {"EventBridgeConfiguration": {}}
    assert bucket.copies == [OTHERS]
    # The difference, and nothing else of the configuration, is an addition.
    lines = done.stdout.splitlines()
    assert '+  "EventBridgeConfiguration": {},' in lines and not [line for line in lines[2:] if line.startswith("-")]
    for call in bucket.calls:
        assert call[2:8] == ["--bucket", "elb-logs", "--region", "eu-west-1", "--expected-bucket-owner", "111122223333"]


def test_a_bucket_without_notifications(tmp_path):
    bucket = Bucket(tmp_path, None)
    assert bucket.run().returncode == 0
    assert bucket.configuration == {"EventBridgeConfiguration": {}} and bucket.copies == [{}]


def test_what_is_on_stays_as_it_is(tmp_path):
    bucket = Bucket(tmp_path, OTHERS | {"EventBridgeConfiguration": {}})
    done = bucket.run(says="")
    assert done.returncode == 0 and "already" in done.stdout and bucket.writes == 0 and not bucket.copies


@pytest.mark.parametrize("says", ["", "\n", "y\n", "no\n", "YES\n"])
def test_only_yes_is_yes(tmp_path, says):
    bucket = Bucket(tmp_path, OTHERS)
    done = bucket.run(says=says)
    assert done.returncode == 1 and "nothing was changed" in done.stderr and bucket.writes == 0


def test_yes_can_be_given_before(tmp_path):
    bucket = Bucket(tmp_path, OTHERS)
    assert bucket.run("--yes", says="").returncode == 0 and bucket.writes == 1


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([THROTTLED], "Rate exceeded"),
        ([DENIED], "AccessDenied"),
        ([{"code": 1, "says": ""}], "no message"),
        (["{"], "did not answer in JSON"),
        (["<html>"], "did not answer in JSON"),
        (["[]"], "does not know"),
        (['{"Something": []}'], "Something"),
        # The second read, after the question.
        ([None, THROTTLED], "Rate exceeded"),
        ([None, "{}"], "changed in the meantime"),
        ([None, ""], "changed in the meantime"),
    ],
)
def test_a_read_that_fails_is_never_an_empty_write(tmp_path, answers, said):
    bucket = Bucket(tmp_path, OTHERS)
    bucket.answers(GET, *answers)
    done = bucket.run()
    assert done.returncode == 1 and said in done.stderr
    assert bucket.writes == 0 and bucket.configuration == OTHERS


@pytest.mark.parametrize("location", ["", "null", THROTTLED])
def test_an_answer_of_nothing_is_not_believed(tmp_path, location):
    bucket = Bucket(tmp_path, OTHERS)
    bucket.answers(GET, "")
    bucket.answers("get-bucket-location", location)
    assert bucket.run().returncode == 1 and bucket.writes == 0


def test_a_write_that_fails_says_so(tmp_path):
    bucket = Bucket(tmp_path, OTHERS)
    bucket.answers(PUT, DENIED)
    done = bucket.run()
    assert done.returncode == 1 and "AccessDenied" in done.stderr and bucket.configuration == OTHERS


def test_a_write_is_compared(tmp_path):
    bucket = Bucket(tmp_path, OTHERS)
    bucket.answers(GET, None, None, "{}")
    done = bucket.run("--wait", "0")
    assert done.returncode == 1 and "to restore the former one: aws s3api put-bucket-notification-configuration" in done.stderr
    assert bucket.copies == [OTHERS]


def test_a_write_may_take_a_while_and_another_order(tmp_path):
    bucket = Bucket(tmp_path, OTHERS)
    two = {"QueueConfigurations": [{"Id": name, "QueueArn": "q", "Events": ["a", "b"]} for name in ("x", "y")]}
    turned = {"QueueConfigurations": [{"Events": ["b", "a"], "QueueArn": "q", "Id": name} for name in ("y", "x")]}
    old, new = json.dumps(two), json.dumps(turned | {"EventBridgeConfiguration": {}})
    bucket.answers(GET, old, json.dumps(turned), old, new)
    done = bucket.run()
    assert done.returncode == 0, done.stderr


def test_without_the_command_line(tmp_path):
    command = [sys.executable, SCRIPT, "elb-logs"]
    done = subprocess.run(command, cwd=tmp_path, env={"PATH": str(tmp_path)}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "install the AWS CLI" in done.stderr
