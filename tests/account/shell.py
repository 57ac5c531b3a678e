"""A shell in which the commands of a page run, with an `aws` that sends them to moto."""

import json
import os
import subprocess
import sys
from pathlib import Path

from output import ROOT
from stand_ins import TIMEOUT_SECONDS, environment
from story import AWS

# moto does not implement these services or calls. The AWS CLI validates their arguments, and prints a sample response.
VALIDATED = {
    ("elbv2", "modify-load-balancer-attributes"),
    ("s3control", "create-job"),
    ("securitylake", "create-custom-log-source"),
    ("sqs", "start-message-move-task"),
}
# Stands in for the command `aws`. moto does not return EventBridge in a bucket's notifications, so those are kept in a file.
SHIM = f"""#!{sys.executable}
import json, pathlib, subprocess, sys
home, call = pathlib.Path(__file__).parent, sys.argv[1:]
with (home / "calls").open("a") as file:
    file.write(json.dumps(call) + "\\n")
# An option of version 2 for what version 1 does without it.
call = [word for word in call if word not in ("--cli-binary-format", "raw-in-base64-out")]
command = [{str(AWS)!r}, "--endpoint-url", (home / "endpoint").read_text(), *call]
if tuple(call[:2]) in {VALIDATED!r}:
    command += ["--generate-cli-skeleton", "output"]
stored = home / "notifications.json"
if call[1] == "get-bucket-notification-configuration" and stored.exists():
    sys.exit(print(stored.read_text()))
done = subprocess.run(command)
if call[1] == "put-bucket-notification-configuration" and done.returncode == 0:
    stored.write_text(call[call.index("--notification-configuration") + 1])
sys.exit(done.returncode)
"""


class Shell:
    """A project folder in which a person types the commands of a page."""

    def __init__(self, endpoint: str, folder: Path) -> None:
        self.endpoint, self.home, self.bin = endpoint, folder / "project", folder / "bin"
        for path in (self.home, self.bin):
            path.mkdir()
        for name in ("scripts", "template.yaml", "defaults.toml"):
            (self.home / name).symlink_to(ROOT / name)
        (self.bin / "endpoint").write_text(endpoint)
        self._tool("aws", SHIM)
        self._tool("sam", "#!/bin/sh\n")
        # For the scripts. A version manager's python3 would put its own `aws` first.
        self._tool("python3", f'#!/bin/sh\nexec {sys.executable} "$@"\n')

    def _tool(self, name: str, text: str) -> None:
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def run(self, commands: str, region: str = "us-east-1") -> str:
        """Runs commands that must succeed; returns what they print. Questions are answered with yes."""
        path = f"{self.bin}{os.pathsep}{os.environ['PATH']}"
        environ = environment(self.endpoint) | {"PATH": path, "AWS_DEFAULT_REGION": region, "AWS_REGION": region}
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands],
            cwd=self.home, env=environ, input="yes\n", capture_output=True, text=True, timeout=TIMEOUT_SECONDS,
        )  # fmt: skip
        assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def calls(self, *words: str) -> list[list[str]]:
        """Returns the calls of `aws` that begin with these words."""
        made = [json.loads(line) for line in (self.bin / "calls").read_text().splitlines()]
        return [call for call in made if call[: len(words)] == list(words)]
