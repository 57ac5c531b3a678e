"""Installs Debian's packages, for tests that need programs which are in no package registry of Rust or Python."""

import os
import shutil
import subprocess
import sys

INSTALL_SECONDS = 300


def cannot_install() -> str | None:
    """Returns why packages cannot be installed on this machine, or None if they can."""
    if sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("apt-get"):
        return "installing it requires root on Debian or Ubuntu"
    if os.environ.get("NO_INSTALL"):
        return "NO_INSTALL is set"
    return None


def apt_get(*arguments: str) -> str:
    """Runs apt-get, which may fail or time out; returns its errors."""
    command = ["apt-get", "-o", "DPkg::Lock::Timeout=60", *arguments]
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        result = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=INSTALL_SECONDS
        )
    except subprocess.TimeoutExpired:
        return f"apt-get timed out after {INSTALL_SECONDS} s"
    return result.stderr


def install(program: str, *packages: str) -> str:
    """Installs packages that contain a program, with newer package lists if the lists are stale; returns apt-get's errors."""
    arguments = ("install", "-y", "--no-install-recommends", *packages)
    errors = apt_get(*arguments)
    if not shutil.which(program):
        apt_get("update")
        errors = apt_get(*arguments)
    return errors
