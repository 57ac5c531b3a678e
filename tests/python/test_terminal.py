"""What reaches a terminal, a report or a log of names that try to control it."""

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest
from output import OBJECTS

# A title, a cleared screen, a forged line of the report, an 8-bit control sequence, a right-to-left override.
HOSTILE = "\x1b]0;title\x07\x1b[2J\x1b[31m\nfailed       forged\r\x7f\x9b31m\u202e"
# How the program shows it.
SHOWN = r"\u{1b}]0;title\u{7}\u{1b}[2J\u{1b}[31m\nfailed       forged\r\u{7f}\u{9b}31m\u{202e}"
FORBIDDEN = ("\x07", "\x7f", "\x9b", "\u202e", "\x1b]", "\x1b[2J", "\x1b[31m", "\nfailed       forged")


def on_a_terminal(program: Path, *arguments: object) -> tuple[int, str]:
    """Runs the command line on a pseudo-terminal; returns its exit code and all that it wrote."""
    process, terminal = pty.fork()
    if process == 0:
        environment = {"TERM": "xterm-256color", "COLUMNS": "400", "PATH": os.environ["PATH"]}
        os.execve(program, [program, *map(str, arguments)], environment)
    written = b""
    try:
        while some := os.read(terminal, 1 << 16):
            written += some
    except OSError:
        # Linux reports the end of a terminal as an error.
        pass
    os.close(terminal)
    _, status = os.waitpid(process, 0)
    return os.waitstatus_to_exitcode(status), written.decode()


def is_harmless(text: str) -> bool:
    # The terminal turns a line feed into a carriage return and a line feed.
    return not any(mark in text.replace("\r\n", "\n") for mark in FORBIDDEN)


@pytest.fixture
def logs(tmp_path) -> Path:
    """A folder in a folder with a hostile name: a log, a corrupt log, and no log."""
    folder = tmp_path / f"in{HOSTILE}"
    folder.mkdir()
    log = next(path for path in sorted(OBJECTS.rglob("*.log.gz")) if path.stat().st_size > 1_000).read_bytes()
    (folder / f"whole{HOSTILE}.log.gz").write_bytes(log)
    (folder / f"cut{HOSTILE}.log.gz").write_bytes(log[:-20])
    (folder / f"other{HOSTILE}.log").write_bytes(b"PK\x03\x04 an archive")
    return folder


def test_the_progress_bar_and_the_report_are_harmless(program, logs, tmp_path):
    code, written = on_a_terminal(program, "run", logs, "--to", tmp_path / f"out{HOSTILE}", "--jobs", "1")
    assert code == 1, written
    assert is_harmless(written), repr(written)
    before, report = written.split("table  ", 1)
    assert r"whole\u{1b}" in before, "the progress bar names the object"
    for line in (f"corrupt      cut{SHOWN}.log.gz: ", f"failed       local/other{SHOWN}.log: ", f"written to {tmp_path}/out{SHOWN}"):
        assert line in report, report
    assert sum(line.startswith("failed ") for line in report.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", f"/no/such{HOSTILE}", "--to", "/dev/null/out"],
        ["run", f"gs://{HOSTILE}", "--to", "out"],
        ["run", OBJECTS, "--to", f"/dev/null/{HOSTILE}"],
        ["run", OBJECTS, "--to", f"s3://{HOSTILE}"],
        ["run", OBJECTS, "--to", "out", "--include", HOSTILE + ","],
        ["replay", f"/no/such{HOSTILE}", "--to", "out"],
    ],
    ids=["input", "scheme", "destination", "bucket", "pattern", "payload"],
)
def test_errors_are_harmless(program, arguments, tmp_path):
    code, written = on_a_terminal(program, *arguments)
    assert code in (1, 2), written
    assert is_harmless(written), repr(written)
    assert "title" in written, "the error shows the name"


def test_a_replay_is_harmless(program, tmp_path):
    """Buckets and keys of a payload, in the log on stderr and in the answer."""
    payload = tmp_path / "payload.json"
    bucket = f"bucket{HOSTILE}"
    objects = [{"bucket": bucket, "key": f"key{HOSTILE}.log"}, {"bucket": "b", "key": "AWSLogs/", HOSTILE: 1}]
    task = {"taskId": HOSTILE, "s3Key": "key%1b%0a%c2%9b.log", "s3VersionId": None, "s3Bucket": bucket}
    job = {"invocationSchemaVersion": "2.0", "invocationId": HOSTILE, "job": {"id": "j"}, "tasks": [task]}
    queue = {"Records": [{"eventSource": "aws:sqs", "messageId": HOSTILE, "body": json.dumps({"objects": objects})}]}
    for event in ({"objects": objects}, queue, job, {HOSTILE: 1}):
        payload.write_text(json.dumps(event))
        arguments = ("replay", payload, "--bucket-root", tmp_path, "--to", tmp_path / "out")
        _, written = on_a_terminal(program, *arguments)
        assert is_harmless(written), repr(written)
        assert "title" in written or "u{1b}" in written, repr(written)


def test_the_json_report_keeps_the_names(program, logs, tmp_path):
    command = [program, "run", logs, "--to", tmp_path / "out", "--report", "json"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, env={}, timeout=60)
    text = done.stdout.decode()
    assert is_harmless(text) and not any(ord(character) < 32 for character in text.rstrip("\n")), repr(text)
    (failed,) = json.loads(text)["failed_objects"]
    assert failed["key"] == f"other{HOSTILE}.log"
    (corrupt,) = json.loads(text)["corrupt_objects"]
    assert corrupt["key"] == f"cut{HOSTILE}.log.gz"
