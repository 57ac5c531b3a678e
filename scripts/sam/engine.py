"""A Docker engine: the one that is there, or one that is started here, after it was installed where that is permitted."""

import fcntl
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import certifi
from process import stop

IMAGE = "public.ecr.aws/lambda/provided:al2023-rapid-x86_64"
# What a Rust program with a libc needs. No image can be pulled where there is no registry, and these are 12 MB.
LIBRARIES = ("libc.so.6", "libm.so.6", "libgcc_s.so.1")
LOADER = Path("/lib64/ld-linux-x86-64.so.2")
START_SECONDS = 30
INSTALL_SECONDS = 300
# Engines share the machine's bridge and give their containers the same addresses: only one is started at a time.
TURN = Path(tempfile.gettempdir()) / "alb-ingest-engine.lock"
TURN_SECONDS = 600


class NoEngine(Exception):
    """No engine can run here; says why."""


class Engine:
    """An engine, and whether it was started here."""

    def __init__(self, environment: dict[str, str], daemon: subprocess.Popen | None, folder: Path | None) -> None:
        self.environment = environment
        self._daemon = daemon
        self._folder = folder
        self._made_image = False
        self._turn: io.IOBase | None = None

    @classmethod
    def open(cls, work: Path, say) -> "Engine":
        """The engine that answers, or a new one below `work`."""
        if _answers(os.environ):
            if not os.environ.get("DOCKER_HOST", "unix://").startswith("unix://"):
                raise NoEngine("Docker is there, but on another machine, which has neither the function nor the server")
            say("engine: the one that is there")
            return cls({}, None, None)
        if not (shutil.which("dockerd") and shutil.which("docker")):
            _install(say)
        folder = work / "docker"
        folder.mkdir(parents=True)
        host = f"unix://{folder}/docker.sock"
        if len(host) > 100:
            raise NoEngine(f"the path of the socket is too long: {host}")
        turn = _turn(say)
        log = (folder / "dockerd.log").open("wb")
        command = ["dockerd", "--data-root", folder / "data", "--exec-root", folder / "exec", "-H", host]
        daemon = subprocess.Popen([*command, "--pidfile", folder / "pid"], stdout=log, stderr=log)
        environment = {"DOCKER_HOST": host}
        engine = cls(environment, daemon, folder)
        engine._turn = turn
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

    def make_image(self, emulator: Path, function: Path) -> None:
        """Makes the image of Lambda's runtime that SAM looks for, of this machine's C library and SAM's own emulator.

        An image of that name in somebody's own engine is taken as it is. Then tries whether a container sees the function.
        """
        if self._docker("image", "inspect", IMAGE).returncode != 0:
            self._import(emulator)
        # An engine may answer and still not be let to make a container, or be outside of the one that this runs in, where
        # the function's folder is another one or none.
        mount = f"{function.parent}:/var/task:ro"
        look = ["--verify", f"/var/task/{function.name}"]
        tried = self._docker("run", "--rm", "--volume", mount, "--entrypoint", str(LOADER), IMAGE, *look)
        if tried.returncode != 0:
            raise NoEngine("no container runs here: " + tried.stderr.decode(errors="replace").strip()[-300:])

    def _import(self, emulator: Path) -> None:
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for folder in ("tmp", "var/task", "var/rapid", "proc", "sys", "dev", "etc", "opt"):
                entry = tarfile.TarInfo(folder)
                entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
                tar.addfile(entry)
            _add(tar, "etc/passwd", b"root:x:0:0:root:/root:/sbin/nologin\n")
            # Where Amazon Linux has them. The SDK does not start without, plain HTTP or not.
            _add(tar, "etc/pki/tls/certs/ca-bundle.crt", Path(certifi.where()).read_bytes())
            for name in LIBRARIES:
                _add(tar, f"lib/x86_64-linux-gnu/{name}", _library(name).read_bytes(), 0o755)
            _add(tar, str(LOADER).lstrip("/"), LOADER.resolve().read_bytes(), 0o755)
            _add(tar, "var/rapid/aws-lambda-rie", emulator.read_bytes(), 0o755)
        archive.seek(0)
        done = self._docker("import", "--platform", "linux/amd64", "-", IMAGE, given=archive.read())
        if done.returncode != 0:
            raise NoEngine("the runtime's image cannot be made: " + done.stderr.decode(errors="replace").strip()[-300:])
        self._made_image = True

    def remove(self, containers: list[str]) -> None:
        """Removes containers, running or not."""
        if containers:
            self._docker("rm", "--force", *containers)

    def _docker(self, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess:
        return subprocess.run(["docker", *arguments], input=given, env=os.environ | self.environment, capture_output=True)

    def close(self) -> None:
        """Stops the engine, if it was started here, and deletes what it kept. Somebody's own engine loses the image again."""
        if self._daemon is None:
            if self._made_image:
                self._docker("image", "rm", IMAGE)
            return
        stop(self._daemon)
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
        if self._turn:
            self._turn.close()


def _answers(environment) -> bool:
    if not shutil.which("docker"):
        return False
    try:
        done = subprocess.run(["docker", "info"], env=dict(environment), capture_output=True, timeout=20)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _turn(say) -> io.IOBase:
    """Waits until no other run on this machine has an engine of its own. Closing what it gives ends the turn."""
    try:
        lock = TURN.open("a")
    except OSError as error:
        raise NoEngine(f"the lock for engines cannot be opened: {error}") from error
    for second in range(TURN_SECONDS):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        except OSError:
            if second == 0:
                say("engine: another run has one; waiting for its end")
            time.sleep(1)
    lock.close()
    raise NoEngine(f"another run has had an engine for {TURN_SECONDS} s")


def _install(say) -> None:
    """Installs Debian's engine. Only root on Debian or Ubuntu may and can."""
    if sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("apt-get"):
        raise NoEngine("Docker is not there, and installing it needs root on Debian or Ubuntu")
    if os.environ.get("NO_INSTALL"):
        raise NoEngine("Docker is not there, and NO_INSTALL is set")
    say("engine: installing docker.io")
    # Nothing is started by the package: what runs is started, and stopped, here.
    said = _apt("install", "-y", "--no-install-recommends", "docker.io")
    if not shutil.which("dockerd"):
        _apt("update")
        said = _apt("install", "-y", "--no-install-recommends", "docker.io")
    if shutil.which("dockerd") and not shutil.which("docker"):
        # A package of its own from Debian 13 on.
        said = _apt("install", "-y", "--no-install-recommends", "docker-cli")
    if not (shutil.which("dockerd") and shutil.which("docker")):
        raise NoEngine("docker.io cannot be installed: " + said.strip()[-300:])


def _apt(*arguments: str) -> str:
    """Runs apt-get, which may fail or take too long; gives what it complained of."""
    command = ["apt-get", "-o", "DPkg::Lock::Timeout=60", *arguments]
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=INSTALL_SECONDS
        )
    except subprocess.TimeoutExpired:
        return f"apt-get takes more than {INSTALL_SECONDS} s"
    return done.stderr


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
