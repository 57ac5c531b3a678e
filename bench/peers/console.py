"""What the person who waits sees."""

import subprocess
import sys
from pathlib import Path


def heading(text: str) -> None:
    print(f"\n==> {text}", flush=True)


def say(text: str) -> None:
    print(text, flush=True)


class Failed(Exception):
    """A step of the benchmark did not work; the message is one line that says why."""


def output(command: list[str | Path], text: bool = True):
    """What a command prints; [`Failed`] with its last words when it does not work."""
    try:
        done = subprocess.run([str(part) for part in command], capture_output=True, check=False)
    except OSError as error:
        raise Failed(f"{Path(command[0]).name}: {error.strerror}") from error
    if done.returncode != 0:
        words = last_words(done.stderr.decode("utf-8", "replace"))
        raise Failed(f"{Path(command[0]).name} failed with {done.returncode}: {words}")
    return done.stdout.decode("utf-8", "replace") if text else done.stdout


def passes(command: list[str | Path], **options: object) -> bool:
    """Runs a command whose output the person sees; whether it worked."""
    sys.stdout.flush()
    try:
        return subprocess.run([str(part) for part in command], check=False, **options).returncode == 0
    except OSError:
        return False


def last_words(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "it said nothing"
