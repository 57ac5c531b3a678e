"""The programs, and substitutes for AWS: a moto server and the Lambda runtime API."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, Queue

import boto3
from botocore.config import Config
from output import ROOT

# An invocation takes well under a second. The limit makes a hanging one fail.
TIMEOUT_SECONDS = 60
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}


def built(name: str, variable: str) -> Path:
    """Returns the path of a program: from the environment variable, or of a new debug build."""
    given = os.environ.get(variable)
    if given:
        path = Path(given).resolve()
        assert path.is_file(), f"{variable} is not a file: {given}"
        return path
    command = ["cargo", "build", "--locked", "--bin", name, "--message-format=json-render-diagnostics"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    for line in done.stdout.splitlines():
        message = json.loads(line)
        if message.get("reason") == "compiler-artifact" and message["target"]["name"] == name:
            if message.get("executable"):
                return Path(message["executable"])
    raise AssertionError(f"cargo did not build {name}")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@contextmanager
def moto(*launcher: object) -> Iterator[str]:
    """Runs a moto server; yields its endpoint. `launcher` is a command to which the port is appended, in place of moto's own."""
    port = free_port()
    command = launcher or (Path(sys.executable).with_name("moto_server"), "-H", "127.0.0.1", "-p")
    server = subprocess.Popen([*command, str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert server.poll() is None, "moto exited"
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(10)


def client(service: str, endpoint: str):
    """Returns a client for a service of moto."""
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=CREDENTIALS["AWS_REGION"],
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        # moto gives a copy of a multipart upload a checksum that is not that of its bytes.
        config=Config(s3={"addressing_style": "path"}, response_checksum_validation="when_required"),
    )


def files(s3, bucket: str) -> dict[str, bytes]:
    """Returns the objects of a bucket; fails if it has unfinished uploads."""
    assert not s3.list_multipart_uploads(Bucket=bucket).get("Uploads")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def environment(endpoint: str) -> dict[str, str]:
    """Returns environment variables that make a program use the server in place of AWS."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return kept | CREDENTIALS | {"AWS_ENDPOINT_URL": endpoint, "AWS_CONFIG_FILE": "/dev/null"}


def local(folder: Path) -> dict[str, bytes]:
    """Returns the files of a folder, with names like keys in a bucket."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


class Runtime:
    """The Lambda runtime API and the process that uses it."""

    def __init__(self, bootstrap: Path, settings: dict[str, str], launcher=(), timeout: int = TIMEOUT_SECONDS, log=subprocess.DEVNULL):
        """`launcher` is a command that starts the function, `timeout` the time of an invocation, `log` the file of its output."""
        self.timeout = timeout
        events, responses, requests = Queue(), Queue(), Queue()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                requests.put(self.path)
                body = events.get()
                self.send_response(200)
                self.send_header("Lambda-Runtime-Aws-Request-Id", "00000000-0000-4000-8000-000000000001")
                self.send_header("Lambda-Runtime-Deadline-Ms", str(int((time.time() + timeout) * 1000)))
                self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:f")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                responses.put((self.path.rsplit("/", 1)[1], json.loads(body)))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.events, self.responses, self.requests = events, responses, requests
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        lambda_variables = {
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self.server.server_port}",
            "AWS_LAMBDA_FUNCTION_NAME": "f",
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        }
        self.process = subprocess.Popen([*launcher, bootstrap], env=lambda_variables | settings, stdout=log)

    def invoke(self, payload: bytes) -> tuple[str, object]:
        self.events.put(payload)
        ends = time.monotonic() + self.timeout
        while True:
            try:
                return self.responses.get(timeout=0.2)
            except Empty:
                assert self.process.poll() is None, f"the function ended without an answer: {self.process.returncode}"
                assert time.monotonic() < ends, "no answer in time"

    def stop(self):
        self.process.kill()
        self.process.wait(10)
        self.server.shutdown()
        self.server.server_close()
