#!/usr/bin/env python3
"""Runs the function and the command line with 128 MB of memory on huge objects, and on disks that fill up.

Each case must end in success or in an error that names the reason, never in a kill, and account for every line. Adds a JSON
object for each case to target/soak/limits.jsonl and leaves out those that are there already for this revision, so it can be
stopped and started again. Exits with 1 if a case failed. Needs `make venv`, and root for control groups and mounts;
otherwise limits of the process take their place, which is recorded.
"""

import argparse
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/python"))

import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402
import soak  # noqa: E402
from attacks import HUGE, Ledger  # noqa: E402
from confinement import Memory, disk, memory  # noqa: E402
from disks import SCENARIOS, Scenario, fill, generate, reference, sizes  # noqa: E402
from stand_ins import Runtime, client, environment, files, moto  # noqa: E402

OUT = ROOT / "target/soak/limits.jsonl"
INPUTS = ROOT / "target/soak/limits-inputs"
# The smallest function has 128 MB, and an invocation takes at most 15 minutes.
LIMIT_MB = 128
TIMEOUT_SECONDS = 900
DISK_SIZES = 24
LOGS = "logs"
ROLE = "arn:aws:iam::123456789012:role/delivery"
# Those of which each fits into one invocation with the others.
TOGETHER = (
    "10 GiB of one line that is not text, among others",
    "entries joined from long lines",
    "100,000 gzip members",
    "400 days",
    "60 MB of short lines",
    "24 hours",
    "256 MiB of equal lines",
)


@dataclass(frozen=True)
class Case:
    """A run in little memory."""

    names: tuple[str, ...]
    # function, command, queue (the function with a batch of messages), merge (the function), or command --merge.
    runner: str
    settings: dict[str, str] = field(default_factory=dict)
    to_stream: bool = False
    title: str = ""

    @property
    def name(self) -> str:
        shown = ", ".join(value.lower() for value in self.settings.values() if value != "true")
        return f"{self.title or self.names[0]}: {self.runner}, {'stream' if self.to_stream else shown}"


def cases() -> Iterator[Case]:
    single = [name for name in HUGE if name not in ("1,000 objects", "256 MiB of equal lines")]
    for form in ("parquet", "json"):
        for runner in ("function", "command"):
            for name in single:
                hourly = {"PARTITION_BY": "hour"} if "hours" in name else {}
                yield Case((name,), runner, {"FORMAT": form} | hourly)
            yield Case(TOGETHER, runner, {"FORMAT": form}, title="all of these together")
        for runner in ("queue", "command", "merge", "command --merge"):
            yield Case(("1,000 objects",), runner, {"FORMAT": form})
    for name in ("24 hours, 400,000 lines", "400 days, 400,000 lines"):
        yield Case((name,), "function", {"FORMAT": "json", "COMPRESSION": "none", "PARTITION_BY": "hour" if "hours" in name else "day"})
    for name in ("256 MiB of equal lines", "10 GiB of one line that is not text, among others", "entries joined from long lines"):
        yield Case((name,), "function", {}, to_stream=True)


def written(name: str) -> tuple[Path, Ledger]:
    """Returns the folder of an input, which is written once, and what must become of its lines."""
    folder, ledger = INPUTS / name.replace(" ", "-").replace(",", ""), INPUTS / f"{name}.json"
    if not ledger.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        ledger.write_text(json.dumps(HUGE[name].write(folder).__dict__))
    return folder, Ledger(**json.loads(ledger.read_text()))


class Peak:
    """The peak resident memory of a process, read until it ends: the kernel's figure at the end includes its parent's."""

    def __init__(self, process: subprocess.Popen):
        self.bytes = 0
        self.thread = threading.Thread(target=self._watch, args=(Path(f"/proc/{process.pid}/status"),), daemon=True)
        self.ended = threading.Event()
        self.thread.start()

    def _watch(self, status: Path) -> None:
        while not self.ended.wait(0.02):
            try:
                text = status.read_text()
            except OSError:
                return
            for line in text.splitlines():
                if line.startswith("VmHWM:"):
                    self.bytes = max(self.bytes, int(line.split()[1]) * 1024)

    def stop(self) -> float:
        """Returns the peak in MB."""
        self.ended.set()
        self.thread.join()
        return round(self.bytes / 1e6, 1)


def rows(name: str, content: bytes) -> Ledger:
    """Counts the events or quarantined lines in a file."""
    if "_quarantine/" in name or name.startswith("quarantine/"):
        found = [json.loads(line) for line in content.splitlines()]
        return Ledger(quarantined=sum(row.get("lines", 1) for row in found))
    if name.endswith(".parquet"):
        return Ledger(events=pq.ParquetFile(io.BytesIO(content)).metadata.num_rows)
    if name.endswith(".zst"):
        events = 0
        with pa.input_stream(pa.py_buffer(content), compression="zstd") as stream:
            while piece := stream.read(4 * 1024 * 1024):
                events += piece.count(b"\n")
        return Ledger(events=events)
    return Ledger(events=content.count(b"\n"))


def counted(found: dict[str, bytes]) -> Ledger:
    """Counts what is in outputs."""
    outputs = {name: content for name, content in found.items() if "_merge/" not in name and not name.endswith("_alb-ingest.json")}
    return sum((rows(name, content) for name, content in outputs.items()), Ledger())


def reported(log: str) -> Ledger:
    """Adds up the ledgers of the invocations, which the function writes to its log as metrics."""
    total = Ledger()
    for line in log.splitlines():
        entry = json.loads(line) if line.startswith("{") else {}
        if "Events" in entry and "Lines" in entry:
            total += Ledger(entry["Lines"], entry["Events"], entry["LinesQuarantined"], entry["LinesSkipped"])
    return total


def account(known: Ledger, said: Ledger, found: Ledger) -> int:
    """Returns the number of lines that are lost: neither in an output nor skipped. The ledgers must agree with the outputs."""
    assert (said.events, said.quarantined) == (found.events, found.quarantined), f"the ledger has {said}, the outputs {found}"
    assert said.lines == said.events + said.quarantined + said.skipped, said
    assert not known.skipped or known.skipped == said.skipped, said
    return known.lines - found.events - found.quarantined - said.skipped


class Account:
    """moto in place of an AWS account. Cases have their own destinations and share the log bucket."""

    def __init__(self, endpoint: str):
        self.endpoint, self.s3 = endpoint, client("s3", endpoint)
        self.s3.create_bucket(Bucket=LOGS)
        self.keys: dict[str, list[str]] = {}

    def upload(self, name: str) -> list[str]:
        """Uploads an input, each below a folder of its own; returns the keys."""
        if name not in self.keys:
            folder, _ = written(name)
            prefix = name.replace(" ", "-").replace(",", "")
            found = sorted(path for path in folder.rglob("*") if path.is_file())
            self.keys[name] = [f"{prefix}/{path.relative_to(folder).as_posix()}" for path in found]
            for path, key in zip(found, self.keys[name], strict=True):
                self.s3.upload_file(str(path), LOGS, key)
        return self.keys[name]

    def stream(self, bucket: str) -> str:
        """Creates a stream that delivers to a bucket; returns its name."""
        client("firehose", self.endpoint).create_delivery_stream(
            DeliveryStreamName=bucket,
            DeliveryStreamType="DirectPut",
            ExtendedS3DestinationConfiguration={"RoleARN": ROLE, "BucketARN": f"arn:aws:s3:::{bucket}"},
        )
        return bucket

    @contextmanager
    def bucket(self) -> Iterator[str]:
        """Creates a bucket; removes its objects at the end."""
        bucket = f"outputs-{time.time_ns()}"
        self.s3.create_bucket(Bucket=bucket)
        try:
            yield bucket
        finally:
            self.empty(bucket)

    def empty(self, bucket: str) -> None:
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for item in page.get("Contents", []):
                self.s3.delete_object(Bucket=bucket, Key=item["Key"])


def message(number: int, keys: list[str]) -> dict:
    """A message of a queue with S3's records of these objects."""
    records = [
        {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "awsRegion": "us-east-1", "eventVersion": "2.5",
         "eventTime": "2026-10-07T11:46:03.512Z", "s3": {"bucket": {"name": LOGS}, "object": {"key": key, "size": 1}}}
        for key in keys
    ]  # fmt: skip
    return {
        "messageId": f"0e7d5c3a-0010-4b1f-9d26-{number:012}", "receiptHandle": "EXAMPLE", "awsRegion": "us-east-1",
        "attributes": {"ApproximateReceiveCount": "1"}, "body": json.dumps({"Records": records}), "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:log-objects",
    }  # fmt: skip


def payload(case: Case, keys: list[str]) -> dict:
    match case.runner:
        case "queue":
            # Ten messages.
            return {"Records": [message(number, keys[number::10]) for number in range(10)]}
        case "merge":
            folder = keys[0].rsplit("/", 1)[0] + "/"
            return {"merge": {"bucket": LOGS, "folder": folder, "all": True}}
        case _:
            return {"objects": [{"bucket": LOGS, "key": key} for key in keys]}


@dataclass(frozen=True)
class Invocation:
    """What came of an invocation."""

    kind: str
    answer: dict | None
    said: Ledger
    peak_mb: float
    survived: bool


def invoke(case: Case, account_: Account, bootstrap: Path, launcher: tuple, bucket: str, temporary: Path) -> Invocation:
    """Invokes the function with the objects of a case; `temporary` is its folder for temporary files."""
    keys = [key for name in case.names for key in account_.upload(name)]
    settings = environment(account_.endpoint) | case.settings
    settings |= {"DESTINATION": f"s3://{bucket}", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(LIMIT_MB), "TMPDIR": str(temporary)}
    if case.to_stream:
        settings |= {"DESTINATION": f"firehose://{account_.stream(bucket)}", "QUARANTINE": f"s3://{bucket}/_quarantine"}
    if case.runner == "merge":
        settings |= {"MERGE": "true"}
    if case.runner == "queue":
        settings |= {"PARTIAL_BATCH": "true"}
    with tempfile.TemporaryFile("w+") as log:
        runtime = Runtime(bootstrap, settings, launcher, TIMEOUT_SECONDS, log)
        peak = Peak(runtime.process)
        try:
            kind, answer = runtime.invoke(json.dumps(payload(case, keys)).encode())
            survived = runtime.process.poll() is None
        finally:
            peak_mb = peak.stop()
            runtime.stop()
        log.seek(0)
        return Invocation(kind, answer, reported(log.read()), peak_mb, survived)


def function(case: Case, account_: Account, bootstrap: Path, limit: Memory, folder: Path) -> dict:
    """Invokes the function with the objects of a case, and accounts for their lines."""
    known = sum((written(name)[1] for name in case.names), Ledger())
    with account_.bucket() as bucket:
        done = invoke(case, account_, bootstrap, limit.launcher, bucket, folder)
        lost = account(known, done.said, counted(files(account_.s3, bucket)))
    if known.failed:
        wanted = f"{known.failed} of {sum(len(account_.keys[name]) for name in case.names)} records failed: "
        message_ = done.answer["errorMessage"]
        assert done.kind == "error" and message_.startswith(wanted) and known.reason in message_, done.answer
        outcome = "error: " + known.reason
    else:
        assert done.kind == "response" and not (done.answer or {}).get("batchItemFailures"), done.answer
        outcome = "success"
    return {"outcome": outcome, "peak_mb": done.peak_mb, "ended": done.survived, "lines": known.lines, "lost": lost} | shown(done.said)


def without_temporary_files(read_only: bool, bootstrap: Path, account_: Account) -> dict:
    """The outputs need temporary files, and their folder is full or read-only: the object fails, and succeeds once there is room."""
    case = Case(("24 hours, 400,000 lines",), "function", {"FORMAT": "json", "COMPRESSION": "none", "PARTITION_BY": "hour"})
    _, known = written(case.names[0])
    with tempfile.TemporaryDirectory() as name, account_.bucket() as bucket, disk(Path(name) / "disk", 64) as small:
        if read_only:
            small.make_read_only()
        failed = invoke(case, account_, bootstrap, small.launcher, bucket, small.path)
        message_ = failed.answer["errorMessage"]
        assert failed.kind == "error" and "directory for temporary files" in message_ and failed.survived, failed.answer
        assert counted(files(account_.s3, bucket)) == Ledger() and not list(small.path.iterdir()), "a part of the object is left"
        again = invoke(case, account_, bootstrap, (), bucket, Path(name))
        lost = account(known, again.said, counted(files(account_.s3, bucket)))
    outcome = "error, and then success"
    return {"outcome": outcome, "limit": small.how, "lines": known.lines, "lost": lost, "passed": lost == 0}


def command(case: Case, program: Path, limit: Memory, folder: Path) -> dict:
    """Runs the command line on the folders of a case."""
    known = sum((written(name)[1] for name in case.names), Ledger())
    inputs = [written(name)[0] for name in case.names]
    arguments = ["run", *inputs, "--to", folder / "out", "--jobs", "1", "--report", "json"]
    arguments += ["--merge"] if "--merge" in case.runner else []
    settings = {"PATH": os.environ["PATH"], "TMPDIR": str(folder)} | case.settings
    process = subprocess.Popen(
        [*limit.launcher, program, *arguments], env=settings, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    peak = Peak(process)
    try:
        out, errors = process.communicate(timeout=TIMEOUT_SECONDS)
    finally:
        process.kill()
        peak_mb = peak.stop()
    assert process.returncode == (1 if known.failed else 0), f"exit {process.returncode}: {errors.decode()[-2000:]}"
    report = json.loads(out)
    said = Ledger(report["lines"], report["events"], report["quarantined"], report["skipped_lines"])
    found = Ledger()
    for path in (folder / "out").rglob("*"):
        name = path.relative_to(folder / "out").as_posix()
        if path.is_file() and not name.startswith(("_merge/", "_alb-ingest")):
            found += rows(name, path.read_bytes())
    outcome = "success"
    if known.failed:
        assert report["objects"]["failed"] == known.failed and known.reason in out.decode() + errors.decode(), out
        outcome = "error: " + known.reason
    return {"outcome": outcome, "peak_mb": peak_mb, "ended": True, "lines": known.lines, "lost": account(known, said, found)} | shown(said)


def shown(said: Ledger) -> dict[str, int]:
    return {"events": said.events, "quarantined": said.quarantined, "skipped": said.skipped}


def in_memory(case: Case, programs: tuple[Path, Path], account_: Account) -> dict:
    """Runs a case in little memory."""
    program, bootstrap = programs
    with memory(LIMIT_MB) as limit, tempfile.TemporaryDirectory() as name:
        if case.runner.startswith("command"):
            result = attempted(partial(command, case, program, limit, Path(name)))
        else:
            result = attempted(partial(function, case, account_, bootstrap, limit, Path(name)))
        killed = limit.kills() > 0
        result |= {"limit_mb": LIMIT_MB, "limit": limit.how, "killed": killed, "charged_mb": round(limit.peak() / 1e6, 1)}
    result["passed"] = not killed and bool(result.get("ended")) and result.get("lost") == 0
    return result


def on_disk(scenario: Scenario, program: Path) -> dict:
    """Runs a scenario on disks of many sizes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        objects = generate(program, folder / "objects", 4000)
        wanted = reference(program, scenario, objects, folder)
        found = {"sizes": 0, "failed_runs": 0}
        for number, kibibytes in enumerate(sizes(wanted, DISK_SIZES)):
            with disk(folder / str(number) / "disk", kibibytes) as small:
                found["limit"] = small.how
                found["failed_runs"] += fill(program, scenario, objects, small, wanted)
                found["sizes"] += 1
    outcome = "errors, and then the bytes of the reference"
    return found | {"outcome": outcome, "lost": 0, "passed": found["failed_runs"] >= DISK_SIZES // 2}


def attempted(run: Callable[[], dict]) -> dict:
    """Runs a case; one that ends in anything but a result has failed."""
    try:
        return run()
    except Exception as error:  # noqa: BLE001
        return {"outcome": f"FAILED: {type(error).__name__}: {error}"[:600], "passed": False}


def named() -> dict[str, Callable[[tuple[Path, Path], Account], dict]]:
    """Returns every case by its name, as what runs it with the programs and the account."""
    found = {case.name: partial(in_memory, case) for case in cases()}
    for scenario in SCENARIOS:
        found[f"disk that fills up: {scenario.name}"] = lambda programs, _, scenario=scenario: on_disk(scenario, programs[0])
    for read_only in (False, True):
        name = f"{'read-only' if read_only else 'full'} directory for temporary files: function, json"
        found[name] = lambda programs, account_, read_only=read_only: without_temporary_files(read_only, programs[1], account_)
    return found


def build() -> tuple[Path, Path]:
    """Returns the command line and the function: given by ALB_INGEST_BIN and BOOTSTRAP_BIN, or release builds."""
    given = [os.environ.get(name) for name in ("ALB_INGEST_BIN", "BOOTSTRAP_BIN")]
    if not all(given):
        subprocess.run(["cargo", "build", "--release", "--locked", "--bins"], cwd=ROOT, check=True)
        target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
        given = [target / "alb-ingest", target / "bootstrap"]
    program, bootstrap = (Path(path).resolve() for path in given)
    return program, bootstrap


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--only", default="", help="run the cases whose name contains this")
    options.add_argument("--out", type=Path, default=OUT, help="file that results are added to [default: target/soak/limits.jsonl]")
    options.add_argument("--list", action="store_true", help="list the cases")
    options = options.parse_args()
    chosen = [name for name in named() if options.only in name]
    if options.list:
        print("\n".join(chosen))
        return 0
    # Groups and mounts are removed when this is stopped, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    programs, current, failed = build(), soak.revision(), 0
    recorded = {record["case"] for record in soak.read(options.out, current)}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with options.out.open("a") as out, moto() as endpoint:
        account_ = Account(endpoint)
        runs = named()
        for number, name in enumerate(chosen, 1):
            if name in recorded:
                continue
            began = time.monotonic()
            result = attempted(partial(runs[name], programs, account_))
            result = {"case": name} | result | {"seconds": round(time.monotonic() - began, 1), "revision": current}
            out.write(json.dumps(result) + "\n")
            out.flush()
            failed += not result["passed"]
            peak = f", peak {result['peak_mb']} MB" if "peak_mb" in result else ""
            print(f"{number}/{len(chosen)} {name}: {result['outcome']}{peak}, {result['seconds']} s", flush=True)
    print(f"{failed} of {len(chosen)} cases failed" if failed else "every case ended in success or a clear error")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
