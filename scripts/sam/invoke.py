"""Invokes the function locally: with `sam local invoke` in a container, or with the emulator on this machine."""

import json
import os
import re
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from account import credentials, free_port

TIMEOUT_SECONDS = 120


@dataclass
class Response:
    """The result of an invocation: the response or the error of the function."""

    value: object
    failed: bool
    seconds: float
    log: str = ""

    @property
    def word(self) -> str:
        """A short description for the table of results."""
        if self.failed:
            return f"error, {self.value.get('errorType', '?')}" if isinstance(self.value, dict) else "no response"
        failures = self.value.get("batchItemFailures") if isinstance(self.value, dict) else None
        if failures is not None:
            return f"response, {len(failures)} failed" if failures else "response"
        codes = [result.get("resultCode") for result in self.value.get("results", [])] if isinstance(self.value, dict) else []
        return "response, " + ", ".join(codes) if codes else "response"


def read(text: str, seconds: float, log: str) -> Response:
    """Parses a response or an error: the runtime returns both with exit code 0."""
    try:
        value = json.loads(text)
    except ValueError:
        # A timeout, or a process that exited: the runtime prints a message.
        return Response(text.strip()[:200], True, seconds, log)
    failed = isinstance(value, dict) and "errorMessage" in value
    return Response(value, failed, seconds, log)


# The metrics of the function, and the names of the same counts in the output of the command line.
COUNTS = {"Lines": "lines", "Events": "events", "LinesQuarantined": "quarantined", "LinesSkipped": "skipped"}


def counted(log: str) -> dict[str, int]:
    """Returns the counts of an invocation, from the metrics of the function or from the output of the command line."""
    sums = dict.fromkeys(COUNTS, 0)
    for line in log.splitlines():
        if line.startswith("{") and '"CloudWatchMetrics"' in line:
            metrics = json.loads(line)
            for name in COUNTS:
                sums[name] += metrics[name]
        elif ": committed: " in line:
            for name, word in COUNTS.items():
                sums[name] += int(re.search(rf"\b{word}=([0-9]+)", line)[1])
    return sums


class Container:
    """`sam local invoke`: runs the template's function in a new container for each payload."""

    name = "sam local invoke, in a container"

    def __init__(self, sam: Path, root: Path, built: Path, parameters: dict[str, str], variables: Path, engine) -> None:
        self._root = root
        overrides = " ".join(f"{name}={value}" for name, value in parameters.items())
        self._command = [
            sam, "local", "invoke", "IngestFunction", "--template-file", built, "--skip-pull-image", "--region", "us-east-1",
            "--env-vars", variables, "--add-host", "host.docker.internal:host-gateway", "--parameter-overrides", overrides,
        ]
        # Without credentials, which SAM would use to call AWS.
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        none = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true"}
        sam = {"SAM_CLI_TELEMETRY": "0", "SAM_CLI_CONTAINER_CONNECTION_TIMEOUT": "60"}
        self._engine = engine
        self._environment = kept | engine.environment | none | sam

    def invoke(self, payload: Path) -> Response:
        """Runs one payload. The function's log is on stderr, its response is the last line of stdout."""
        begun = time.monotonic()
        process = subprocess.Popen(
            [*self._command, "--event", payload],
            cwd=self._root, env=self._environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        try:
            out, log = process.communicate(timeout=TIMEOUT_SECONDS)
        except BaseException as error:
            process.kill()
            out, log = process.communicate()
            self._engine.remove(re.findall(r"SAM_CONTAINER_ID: ([0-9a-f]+)", out + log))
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            return read(f"no response within {TIMEOUT_SECONDS} s", time.monotonic() - begun, log)
        wall = time.monotonic() - begun
        # The duration of the function, without the start of the container.
        reported = re.search(r"Duration: ([0-9.]+) ms\tBilled", out + log)
        seconds = float(reported[1]) / 1000 if reported else wall
        lines = [line for line in out.splitlines() if line.strip()]
        return read(lines[-1] if lines else "", seconds, out + log)

    def close(self) -> None:
        """Does nothing: SAM removes the container of each invocation."""


def limits(timeout: int, memory_size: int) -> dict[str, str]:
    """Returns the function's limits, in seconds and MB, as variables of the emulator."""
    return {"AWS_LAMBDA_FUNCTION_TIMEOUT": str(timeout), "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory_size)}


class Emulator:
    """The runtime interface emulator, running the built binary on this machine."""

    name = "the runtime interface emulator, natively"

    def __init__(self, emulator: Path, bootstrap: Path, variables: dict[str, str], work: Path) -> None:
        port, api = free_port(), free_port()
        self._url = f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
        self._log = work / "emulator.log"
        command = [
            emulator, "--log-level", "info", "--runtime-interface-emulator-address", f"127.0.0.1:{port}",
            "--runtime-api-address", f"127.0.0.1:{api}", bootstrap,
        ]
        # In its own session, so that the function's process can be stopped with the emulator.
        with self._log.open("wb") as log:
            self._server = subprocess.Popen(
                command, env=credentials() | variables, cwd=work, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )

    def invoke(self, payload: Path) -> Response:
        """Runs one payload."""
        begun, offset = time.monotonic(), self._log.stat().st_size
        for attempt in range(100):
            try:
                request = urllib.request.Request(self._url, data=payload.read_bytes())
                with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
                    text = response.read().decode()
                break
            except urllib.error.HTTPError as error:
                # The process exited.
                text = error.read().decode()
                break
            except OSError as error:
                failure = error
            # Retry only until the emulator listens: repeating an invocation would hide the failure of the first one.
            if attempt == 99 or self._server.poll() is not None:
                raise RuntimeError(f"the emulator does not respond: {failure}\n{self._log.read_text()[-800:]}")
            time.sleep(0.1)
        wall = time.monotonic() - begun
        return read(text, wall, self._log.read_text(errors="replace")[offset:])

    def close(self) -> None:
        """Stops the emulator and the function."""
        os.killpg(self._server.pid, 15)
        try:
            self._server.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self._server.pid, 9)
            self._server.wait(10)


def reference(program: Path, payload: Path, root: Path, variables: dict[str, str], into: Path) -> tuple[Response, dict[str, bytes]]:
    """Replays a payload on local folders with the command line; returns the response, and the output files by key."""
    settings = {name: value for name, value in variables.items() if not name.startswith("AWS_") and name not in ("DESTINATION", "QUARANTINE")}
    environment = {"PATH": os.environ["PATH"], "DESTINATION": f"file://{into}"} | settings
    begun = time.monotonic()
    done = subprocess.run(
        [program, "replay", payload, "--bucket-root", root], env=environment, capture_output=True, text=True, timeout=TIMEOUT_SECONDS,
    )
    response = read(done.stdout, time.monotonic() - begun, done.stderr)
    files = {str(path.relative_to(into)): path.read_bytes() for path in sorted(into.rglob("*")) if path.is_file()}
    return response, files
