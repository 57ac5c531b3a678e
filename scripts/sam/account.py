"""A moto server in place of AWS, with the buckets that the payloads name."""

import os
import socket
import subprocess
import time
from pathlib import Path

import boto3
from botocore.config import Config
from process import stop

LOGS, EVENTS = "objects", "events"
START_SECONDS = 60


def free_port() -> int:
    """Returns a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Account:
    """The server, with the sample objects."""

    def __init__(self, moto: Path, objects: Path, log: Path) -> None:
        self.port = free_port()
        # Containers connect to the host's address, so 127.0.0.1 is not enough.
        command = [moto, "-H", "0.0.0.0", "-p", str(self.port)]
        self._server = subprocess.Popen(command, stdout=log.open("wb"), stderr=subprocess.STDOUT)
        self.s3 = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{self.port}",
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
        )
        try:
            self._wait(log)
            for bucket in (LOGS, EVENTS):
                self.s3.create_bucket(Bucket=bucket)
            for path in sorted(objects.rglob("*")):
                if path.is_file():
                    self.s3.put_object(Bucket=LOGS, Key=str(path.relative_to(objects)), Body=path.read_bytes())
        except BaseException:
            self.close()
            raise

    def _wait(self, log: Path) -> None:
        for _ in range(START_SECONDS * 10):
            if self._server.poll() is not None:
                raise RuntimeError("moto exited: " + log.read_text(errors="replace")[-500:])
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)
        raise RuntimeError(f"moto does not respond after {START_SECONDS} s")

    def take(self) -> dict[str, bytes]:
        """Returns the objects that were written, and deletes them."""
        found = {}
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=EVENTS):
            for entry in page.get("Contents", []):
                found[entry["Key"]] = self.s3.get_object(Bucket=EVENTS, Key=entry["Key"])["Body"].read()
        for key in found:
            self.s3.delete_object(Bucket=EVENTS, Key=key)
        return found

    def close(self) -> None:
        """Stops the server."""
        stop(self._server)


def credentials() -> dict[str, str]:
    """Returns the environment with credentials for the server in place of the user's own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_REGION": "us-east-1"}
