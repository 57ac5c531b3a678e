"""A Docker engine: the one that is there, or one that is started here, after it was installed where that is permitted."""

import io
import os
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path

IMAGE = "public.ecr.aws/lambda/provided:al2023-rapid-x86_64"
# What a Rust program with a libc needs. No image can be pulled where there is no registry, and these are 12 MB.
LIBRARIES = ("libc.so.6", "libm.so.6", "libgcc_s.so.1")
LOADER = Path("/lib64/ld-linux-x86-64.so.2")
START_SECONDS = 30


class NoEngine(Exception):
    """No engine can run here; says why."""


class Engine:
    """An engine, and whether it was started here."""

    def __init__(self, environment: dict[str, str], daemon: subprocess.Popen | None, folder: Path | None) -> None:
        self.environment = environment
        self._daemon = daemon
        self._folder = folder

    @classmethod
    def open(cls, work: Path, say) -> "Engine":
        """The engine that answers, or a new one below `work`."""
        if _answers(os.environ):
            say("engine: the one that is there")
            return cls({}, None, None)
        if not shutil.which("dockerd"):
            _install(say)
        folder = work / "docker"
        folder.mkdir(parents=True)
        host = f"unix://{folder}/docker.sock"
        if len(host) > 100:
            raise NoEngine(f"the path of the socket is too long: {host}")
        log = (folder / "dockerd.log").open("wb")
        command = ["dockerd", "--data-root", folder / "data", "--exec-root", folder / "exec", "-H", host]
        daemon = subprocess.Popen([*command, "--pidfile", folder / "pid"], stdout=log, stderr=log)
        environment = {"DOCKER_HOST": host}
        engine = cls(environment, daemon, folder)
        for _ in range(START_SECONDS * 10):
            if _answers(os.environ | environment):
                say(f"engine: dockerd {daemon.pid}, started here")
                return engine
            if daemon.poll() is not None:
                break
            time.sleep(0.1)
        tail = (folder / "dockerd.log").read_text(errors="replace").splitlines()[-3:]
        engine.close()
        raise NoEngine("dockerd does not run here: " + " | ".join(tail))

    def make_image(self, emulator: Path) -> None:
        """Makes the image of Lambda's runtime that SAM looks for, of this machine's C library and SAM's own emulator."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for folder in ("tmp", "var/task", "var/rapid", "proc", "sys", "dev", "etc", "opt"):
                entry = tarfile.TarInfo(folder)
                entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
                tar.addfile(entry)
            _add(tar, "etc/passwd", b"root:x:0:0:root:/root:/sbin/nologin\n")
            for name in LIBRARIES:
                _add(tar, f"lib/x86_64-linux-gnu/{name}", _library(name).read_bytes(), 0o755)
            _add(tar, str(LOADER).lstrip("/"), LOADER.resolve().read_bytes(), 0o755)
            _add(tar, "var/rapid/aws-lambda-rie", emulator.read_bytes(), 0o755)
        archive.seek(0)
        command = ["docker", "import", "--platform", "linux/amd64", "-", IMAGE]
        subprocess.run(command, input=archive.read(), env=os.environ | self.environment, check=True, capture_output=True)

    def containers(self) -> set[str]:
        """The containers that are there, running or not."""
        listed = subprocess.run(
            ["docker", "ps", "-aq"], env=os.environ | self.environment, check=True, capture_output=True, text=True
        )
        return set(listed.stdout.split())

    def remove(self, containers: set[str]) -> None:
        """Removes containers."""
        if containers:
            command = ["docker", "rm", "-f", *sorted(containers)]
            subprocess.run(command, env=os.environ | self.environment, check=False, capture_output=True)

    def close(self) -> None:
        """Stops the engine, if it was started here, and deletes what it kept."""
        if self._daemon is None:
            return
        self._daemon.terminate()
        try:
            self._daemon.wait(30)
        except subprocess.TimeoutExpired:
            self._daemon.kill()
            self._daemon.wait(30)
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)


def _answers(environment) -> bool:
    if not shutil.which("docker"):
        return False
    try:
        done = subprocess.run(["docker", "info"], env=dict(environment), capture_output=True, timeout=20)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _install(say) -> None:
    """Installs Debian's engine. Only root on Debian or Ubuntu may and can."""
    if sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("apt-get"):
        raise NoEngine("Docker is not there, and installing it needs root on Debian or Ubuntu")
    if os.environ.get("NO_INSTALL"):
        raise NoEngine("Docker is not there, and NO_INSTALL is set")
    say("engine: installing docker.io")
    quiet = {"capture_output": True, "text": True, "env": os.environ | {"DEBIAN_FRONTEND": "noninteractive"}}
    # Nothing is started by the package: what runs is started, and stopped, here.
    install = ["apt-get", "install", "-y", "--no-install-recommends", "docker.io"]
    done = subprocess.run(install, **quiet)
    if done.returncode != 0:
        subprocess.run(["apt-get", "update"], **quiet)
        done = subprocess.run(install, **quiet)
    if done.returncode != 0 or not shutil.which("dockerd"):
        raise NoEngine("docker.io cannot be installed: " + done.stderr.strip()[-300:])


def _library(name: str) -> Path:
    for folder in ("/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64"):
        path = Path(folder) / name
        if path.exists():
            return path.resolve()
    raise NoEngine(f"{name} is not where Linux distributions have it")


def _add(tar: tarfile.TarFile, name: str, data: bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), mode
    tar.addfile(entry, io.BytesIO(data))
