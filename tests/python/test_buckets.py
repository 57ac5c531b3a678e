"""The command line and the real function on moto's S3, a second implementation beside the one of the Rust tests."""

import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue

import boto3
import pyarrow.fs
import pyarrow.parquet
import pytest
from botocore.config import Config
from output import OBJECTS, ROOT

EVENTS = ROOT / "events"
KEYS = sorted(path.relative_to(OBJECTS).as_posix() for path in OBJECTS.rglob("*") if path.is_file())
# An invocation takes well under a second; one that hangs is to fail, not to wait for ever.
TIMEOUT_SECONDS = 60
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory) -> Iterator[str]:
    """A moto server of its own."""
    port = free_port()
    with (tmp_path_factory.mktemp("moto") / "log").open("wb") as log:
        command = [ROOT / ".venv/bin/moto_server", "-H", "127.0.0.1", "-p", str(port)]
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        for _ in range(200):
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert server.poll() is None, "moto ended"
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture(scope="module")
def s3(endpoint):
    """A client, with the sample objects in the bucket `objects`."""
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(s3={"addressing_style": "path"}),
    )
    client.create_bucket(Bucket="objects")
    for key in KEYS:
        client.put_object(Bucket="objects", Key=key, Body=(OBJECTS / key).read_bytes())
    return client


def files(s3, bucket: str) -> dict[str, bytes]:
    assert not s3.list_multipart_uploads(Bucket=bucket).get("Uploads")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def environment(endpoint: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return kept | CREDENTIALS | {"AWS_ENDPOINT_URL": endpoint, "AWS_CONFIG_FILE": "/dev/null"}


def local(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


class Runtime:
    """Lambda's runtime API around a process."""

    def __init__(self, bootstrap: Path, settings: dict[str, str]):
        events, answers, asked = Queue(), Queue(), Queue()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                asked.put(self.path)
                body = events.get()
                self.send_response(200)
                self.send_header("Lambda-Runtime-Aws-Request-Id", "00000000-0000-4000-8000-000000000001")
                self.send_header("Lambda-Runtime-Deadline-Ms", str(int((time.time() + TIMEOUT_SECONDS) * 1000)))
                self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:f")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answers.put((self.path.rsplit("/", 1)[1], json.loads(body)))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.events, self.answers, self.asked = events, answers, asked
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        of_lambda = {
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self.server.server_port}",
            "AWS_LAMBDA_FUNCTION_NAME": "f",
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        }
        self.process = subprocess.Popen([bootstrap], env=of_lambda | settings, stdout=subprocess.DEVNULL)

    def invoke(self, payload: bytes) -> tuple[str, object]:
        self.events.put(payload)
        return self.answers.get(timeout=TIMEOUT_SECONDS)

    def stop(self):
        self.process.kill()
        self.process.wait(10)
        self.server.shutdown()
        self.server.server_close()


def test_a_bucket_gives_what_a_folder_gives(s3, endpoint, program, tmp_path):
    s3.create_bucket(Bucket="of-run")
    # The bucket's name is part of an object's identity: the folder has to stand for the same one.
    payload = {"objects": [{"bucket": "objects", "key": key} for key in KEYS]}
    (tmp_path / "all.json").write_text(json.dumps(payload))
    replay = [program, "replay", tmp_path / "all.json", "--bucket-root", EVENTS, "--to", tmp_path / "out"]
    subprocess.run(replay, check=True, capture_output=True, timeout=TIMEOUT_SECONDS)
    for again in range(2):
        done = subprocess.run(
            [program, "run", "s3://objects", "--to", "s3://of-run/all", "--report", "json"],
            env=environment(endpoint),
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
        )
        assert done.returncode == 0, done.stderr.decode()
        report = json.loads(done.stdout)
        assert (report["outputs"]["written"] == 0) == bool(again)
        assert files(s3, "of-run") == {f"all/{key}": body for key, body in local(tmp_path / "out").items()}


@pytest.mark.parametrize("name", ["s3-several-records", "sqs-partial-failure", "eventbridge", "batch-1.0"])
def test_the_function_gives_what_replay_gives(name, s3, endpoint, program, bootstrap, tmp_path):
    bucket = f"of-{name}".replace(".", "-")
    s3.create_bucket(Bucket=bucket)
    settings = {"DESTINATION": f"s3://{bucket}", "PARTIAL_BATCH": "true"}
    runtime = Runtime(bootstrap, environment(endpoint) | settings)
    try:
        kind, answer = runtime.invoke((EVENTS / f"{name}.json").read_bytes())
    finally:
        runtime.stop()
    replay = [program, "replay", EVENTS / f"{name}.json", "--bucket-root", EVENTS, "--to", tmp_path, "--partial-batch=true"]
    done = subprocess.run(replay, capture_output=True, timeout=TIMEOUT_SECONDS)
    assert (kind, answer) == ("response", json.loads(done.stdout))
    written = files(s3, bucket)
    assert written == local(tmp_path)
    # The outputs are read from the bucket as users read them.
    filesystem = pyarrow.fs.S3FileSystem(
        access_key="test", secret_key="test", endpoint_override=endpoint, scheme="http", region="us-east-1"
    )
    for key in written:
        if key.endswith(".parquet"):
            table = pyarrow.parquet.read_table(f"{bucket}/{key}", filesystem=filesystem, partitioning=None)
            assert table.num_rows > 0
            assert set(table["source_bucket"].to_pylist()) == {"objects"}
