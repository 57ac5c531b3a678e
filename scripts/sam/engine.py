"""A Docker engine: a running one, or one that is started here and installed if necessary and permitted."""

import fcntl
import io
import os
import shutil
import subprocess
import tarfile
import tempfile
import time
from pathlib import Path

import certifi
import debian
from process import stop

IMAGE = "public.ecr.aws/lambda/provided:al2023-rapid-x86_64"
# The libraries that a Rust program needs. Building the image from them (12 MB) needs no registry.
LIBRARIES = ("libc.so.6", "libm.so.6", "libgcc_s.so.1")
LOADER = Path("/lib64/ld-linux-x86-64.so.2")
START_SECONDS = 30
# Engines share the machine's bridge and assign the same addresses to containers, so only one is started at a time.
LOCK = Path(tempfile.gettempdir()) / "alb-ingest-engine.lock"
LOCK_SECONDS = 600


class NoEngine(Exception):
    """No engine can run on this machine; the message has the reason."""


class Engine:
    """An engine, which may have been started by this script."""

    def __init__(self, environment: dict[str, str], daemon: subprocess.Popen | None, folder: Path | None) -> None:
        self.environment = environment
        self._daemon = daemon
        self._folder = folder
        self._made_image = False
        self._lock: io.IOBase | None = None

    @classmethod
    def open(cls, work: Path, say) -> "Engine":
        """Returns the running engine, or starts one below `work`."""
        if _responds(os.environ):
            if not os.environ.get("DOCKER_HOST", "unix://").startswith("unix://"):
                raise NoEngine("DOCKER_HOST is another machine, which has neither the function nor the server")
            say("engine: already running")
            return cls({}, None, None)
        if not (shutil.which("dockerd") and shutil.which("docker")):
            _install(say)
        folder = work / "docker"
        folder.mkdir(parents=True)
        host = f"unix://{folder}/docker.sock"
        if len(host) > 100:
            raise NoEngine(f"the path of the socket is too long: {host}")
        lock = _acquire_lock(say)
        log = (folder / "dockerd.log").open("wb")
        command = ["dockerd", "--data-root", folder / "data", "--exec-root", folder / "exec", "-H", host]
        daemon = subprocess.Popen([*command, "--pidfile", folder / "pid"], stdout=log, stderr=log)
        environment = {"DOCKER_HOST": host}
        engine = cls(environment, daemon, folder)
        engine._lock = lock
        for _ in range(START_SECONDS * 10):
            if _responds(os.environ | environment):
                say(f"engine: started dockerd, process {daemon.pid}")
                return engine
            if daemon.poll() is not None:
                break
            time.sleep(0.1)
        tail = (folder / "dockerd.log").read_text(errors="replace").splitlines()[-3:]
        engine.close()
        raise NoEngine("dockerd exited or does not respond: " + " | ".join(tail))

    def make_image(self, emulator: Path, function: Path) -> None:
        """Builds the image of the Lambda runtime that SAM expects, from this machine's C library and SAM's emulator.

        An existing image of that name is used as is. Then verifies that a container can access the function.
        """
        if self._docker("image", "inspect", IMAGE).returncode != 0:
            self._import(emulator)
        # An engine may respond and still not be permitted to create a container; or this script runs in a container itself,
        # and the engine outside of it does not have the function's folder.
        mount = f"{function.parent}:/var/task:ro"
        verify = ["--verify", f"/var/task/{function.name}"]
        result = self._docker("run", "--rm", "--volume", mount, "--entrypoint", str(LOADER), IMAGE, *verify)
        if result.returncode != 0:
            raise NoEngine("cannot run a container: " + result.stderr.decode(errors="replace").strip()[-300:])

    def _import(self, emulator: Path) -> None:
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for folder in ("tmp", "var/task", "var/rapid", "proc", "sys", "dev", "etc", "opt"):
                entry = tarfile.TarInfo(folder)
                entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
                tar.addfile(entry)
            _add(tar, "etc/passwd", b"root:x:0:0:root:/root:/sbin/nologin\n")
            # The path on Amazon Linux. The SDK needs certificates even for plain HTTP.
            _add(tar, "etc/pki/tls/certs/ca-bundle.crt", Path(certifi.where()).read_bytes())
            for name in LIBRARIES:
                _add(tar, f"lib/x86_64-linux-gnu/{name}", _library(name).read_bytes(), 0o755)
            _add(tar, str(LOADER).lstrip("/"), LOADER.resolve().read_bytes(), 0o755)
            _add(tar, "var/rapid/aws-lambda-rie", emulator.read_bytes(), 0o755)
        archive.seek(0)
        result = self._docker("import", "--platform", "linux/amd64", "-", IMAGE, given=archive.read())
        if result.returncode != 0:
            raise NoEngine("cannot create the runtime's image: " + result.stderr.decode(errors="replace").strip()[-300:])
        self._made_image = True

    def remove(self, containers: list[str]) -> None:
        """Removes containers, running or not."""
        if containers:
            self._docker("rm", "--force", *containers)

    def _docker(self, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess:
        return subprocess.run(["docker", *arguments], input=given, env=os.environ | self.environment, capture_output=True)

    def close(self) -> None:
        """Stops an engine that was started here and deletes its data; removes the image from an engine that was already running."""
        if self._daemon is None:
            if self._made_image:
                self._docker("image", "rm", IMAGE)
            return
        stop(self._daemon)
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
        if self._lock:
            self._lock.close()


def _responds(environment) -> bool:
    if not shutil.which("docker"):
        return False
    try:
        result = subprocess.run(["docker", "info"], env=dict(environment), capture_output=True, timeout=20)
    except subprocess.TimeoutExpired:
        return False
    return result.returncode == 0


def _acquire_lock(say) -> io.IOBase:
    """Waits until no other run on this machine has started an engine. Closing the returned file releases the lock."""
    try:
        lock = LOCK.open("a")
    except OSError as error:
        raise NoEngine(f"cannot open the lock file: {error}") from error
    for second in range(LOCK_SECONDS):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        except OSError:
            if second == 0:
                say("engine: waiting for another run that has started one")
            time.sleep(1)
    lock.close()
    raise NoEngine(f"another run has held the lock for {LOCK_SECONDS} s")


def _install(say) -> None:
    """Installs Debian's engine, which requires root on Debian or Ubuntu."""
    problem = debian.cannot_install()
    if problem:
        raise NoEngine(f"Docker is not installed, and {problem}")
    say("engine: installing docker.io")
    # The package must not start a daemon: this script starts and stops it.
    errors = debian.install("dockerd", "docker.io")
    if shutil.which("dockerd") and not shutil.which("docker"):
        # A separate package since Debian 13.
        errors = debian.install("docker", "docker-cli")
    if not (shutil.which("dockerd") and shutil.which("docker")):
        raise NoEngine("cannot install docker.io: " + errors.strip()[-300:])


def _library(name: str) -> Path:
    for folder in ("/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64"):
        path = Path(folder) / name
        if path.exists():
            return path.resolve()
    raise NoEngine(f"cannot find {name}")


def _add(tar: tarfile.TarFile, name: str, data: bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), mode
    tar.addfile(entry, io.BytesIO(data))
