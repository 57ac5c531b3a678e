"""What reaches a terminal, a report or a log of names that try to control it."""

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest
from output import OBJECTS

# A title, a cleared screen, a forged line of the report, an 8-bit control sequence, a right-to-left override.
HOSTILE = "\x1b]0;title\x07\x1b[2J\x1b[45m\nfailed       forged\r\x7f\x9b31m\u202e"
# How the program shows it.
SHOWN = r"\u{1b}]0;title\u{7}\u{1b}[2J\u{1b}[45m\nfailed       forged\r\u{7f}\u{9b}31m\u{202e}"
FORBIDDEN = ("\x07", "\x7f", "\x9b", "\u202e", "\x1b]", "\x1b[2J", "\x1b[45m", "\nfailed       forged")


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


def in_a_pipe(program: Path, *arguments: object) -> tuple[int, str]:
    """Runs the command line without a terminal; returns its exit code and all that it wrote."""
    command = [program, *map(str, arguments)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={}, timeout=60)
    return done.returncode, done.stdout.decode()


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


LINE = f"""https 2026-10-07T11:42:13.123456Z app/shop/7f3c9a1e5b2d4860 198.51.100.7:54321 192.0.2.10:8080 0.001 0.048 0.000 200 200 \
350 1024 "GET https://www.example.com:443/{HOSTILE} HTTP/1.1" "{HOSTILE}" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 - "Root=1\""""


@pytest.fixture
def tree(logs, tmp_path) -> Path:
    """The logs as a bucket, in folders and with lines of hostile names."""
    root = tmp_path / "root"
    bucket = root / "logs"
    folder = bucket / f"AWSLogs{HOSTILE}"
    folder.mkdir(parents=True)
    for path in logs.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    line = LINE.replace("\n", " ") + "\n"
    (folder / f"lines{HOSTILE}.log").write_bytes((line * 3 + line.replace("Root", HOSTILE.replace("\n", " ") + '"') * 2).encode())
    return root


def commands(tree: Path, tmp_path: Path) -> list[list[object]]:
    """Every command that shows names or lines, in the order in which their files come into being."""
    bucket, out, merged = tree / "logs", tmp_path / f"out{HOSTILE}", tmp_path / f"merged{HOSTILE}"
    folder = {"merge": {"bucket": f"logs{HOSTILE}", "folder": f"AWSLogs{HOSTILE}/", "all": True}}
    payload = tmp_path / f"payload{HOSTILE}"
    payload.write_text(json.dumps(folder) + "\n" + json.dumps(folder | {"merge": folder["merge"] | {"bucket": "logs"}}))
    merging = ["--merge", "--source", "s3://logs", "--queue-url", f"file://{tmp_path}/q"]
    fields = LINE.replace("\n", " ")
    return [
        ["run", bucket, "--to", out],
        ["run", bucket, "--to", merged, "--merge"],
        ["replay", payload, "--bucket-root", tree, "--to", tmp_path / f"replayed{HOSTILE}", *merging],
        ["audit", bucket, out, "--deep", "--repair", tmp_path / f"repair{HOSTILE}"],
        ["audit", bucket, merged, "--deep", "--report", "json"],
        ["audit", bucket, tmp_path / f"none{HOSTILE}", "--repair", tmp_path / f"repair-2{HOSTILE}"],
        ["audit", f"/no/such{HOSTILE}", out],
        ["backfill", bucket, out],
        ["backfill", bucket, out, "--manifest", tmp_path / f"manifest{HOSTILE}"],
        ["backfill", bucket, merged, "--merge", "--run-here"],
        ["explain", fields],
        ["explain", "--table", "nlb_access_log", fields],
        ["explain", HOSTILE],
        ["schema", HOSTILE],
        ["schema", "alb_access_log", "--as", HOSTILE],
        ["completions", HOSTILE],
        ["generate", HOSTILE],
        ["generate", "--samples", f"/dev/null/{HOSTILE}"],
        [HOSTILE],
        ["run", f"--{HOSTILE}"],
        ["run", bucket, "--to", out, "--jobs", HOSTILE],
        ["run", bucket, "--to", out, "--format", HOSTILE],
        ["run", bucket, "--to", out, "--table", HOSTILE],
        ["run", bucket, "--to", out, "--from", HOSTILE],
        ["audit", bucket, out, "--grace", HOSTILE],
    ]


@pytest.mark.parametrize("run", [on_a_terminal, in_a_pipe])
def test_every_command_is_harmless(program, tree, tmp_path, run):
    harmful: list[tuple] = []
    for arguments in commands(tree, tmp_path):
        code, written = run(program, *arguments)
        assert code in (0, 1, 2), written
        if not is_harmless(written):
            harmful.append((arguments[0], arguments[1:], written))
        assert "panicked" not in written
        # Only `explain` shows a line: no report and no progress bar does.
        assert arguments[0] == "explain" or "www.example.com" not in written, written
    assert not harmful, "\n".join(map(repr, harmful))
    for made in [*tmp_path.glob("repair*"), *tmp_path.glob("manifest*")]:
        assert is_harmless(made.read_text()), made
