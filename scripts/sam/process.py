"""Processes that the scripts start."""

import subprocess

END_SECONDS = 30


def stop(process: subprocess.Popen) -> None:
    """Terminates a process; kills it if it does not exit in time."""
    process.terminate()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(END_SECONDS)
