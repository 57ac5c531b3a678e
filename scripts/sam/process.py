"""Processes that were started here."""

import subprocess

END_SECONDS = 30


def stop(process: subprocess.Popen) -> None:
    """Asks a process to end, and kills it where it does not."""
    process.terminate()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(END_SECONDS)
